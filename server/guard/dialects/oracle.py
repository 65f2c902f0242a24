"""Oracle."""

import re

from . import Dialect, Lexis, Trap

DIALECT = Dialect(
    name="oracle",
    parser="oracle",
    lexis=Lexis(
        q_quotes=True,
        goes_on="#",
        traps=(
            Trap(r"'[^']*<!(?:DOCTYPE|ENTITY)", "an XML document with a DTD may read files", "Leave the DTD away."),
        ),
    ),
    methods=frozenset(
        (
            *("string", "stringonly", "number", "numberonly", "boolean", "booleanonly", "binary", "date", "dateonly"),
            *("timestamp", "dsinterval", "yminterval", "double", "float", "size", "type", "length", "abs", "ceiling"),
            *("floor", "upper", "lower", "getclobval", "getstringval", "getnumberval", "existsnode"),
        )
    ),
    overlooked=re.compile(
        r"\bWITH(?:OUT)?\s+(?:(?:UN)?CONDITIONAL\s+)?(?:ARRAY\s+)?WRAPPER\b(?!\s+AS\b|\s*\()"
        r"|(?<=\bFETCH\s)APPROX(?:IMATE)?\b"
        r"|\b(?:NULL|ERROR|EMPTY(?:\s+(?:ARRAY|OBJECT))?)\s+ON\s+(?:ERROR|EMPTY|MISMATCH)\b|(?<=\s)(?:STRICT|LAX)(?=\s*\))",
        re.IGNORECASE,
    ),
    folds="upper",
    system_schemas=frozenset(("sys", "standard", "sys.standard")),
    generators=frozenset(("lpad", "rpad", "utl_raw.copies")),
    bare_calls=True,
    secrets=frozenset(
        (
            "user$",
            "link$",
            "user_history$",
            "default_pwd$",
            "dba_users_with_defpwd",
            "xs$verifiers",
            "scheduler$_credential",
        )
    ),
    at_sign=True,
    recursion="columns",
)
