"""Snowflake."""

import re

from . import Dialect, Lexis, Trap

DIALECT = Dialect(
    name="snowflake",
    parser="snowflake",
    lexis=Lexis(
        escapes="'",
        dollars="plain",
        line_comments=("--", "//"),
        traps=(Trap("@", "an @ reads a stage", "Name a table."),),
    ),
    folds="upper",
    flow="->>",
    system_schemas=frozenset(("information_schema",)),
    generators=frozenset(
        ("generator", "repeat", "space", "lpad", "rpad", "randstr", "rowcount", "array_generate_range")
    ),
    at_sign=True,
    explain=re.compile(r"\s*EXPLAIN\b(?:\s+USING\s+(?:TEXT|JSON|TABULAR)\b)?", re.IGNORECASE),
    show=re.compile(
        r"\s*SHOW\s+(?:TERSE\s+)?(?:TABLES|VIEWS|COLUMNS|SCHEMAS|DATABASES|OBJECTS|WAREHOUSES|SEQUENCES|STAGES|STREAMS|TASKS|PIPES"
        r"|(?:USER\s+|EXTERNAL\s+|BUILTIN\s+)?FUNCTIONS|(?:USER\s+)?PROCEDURES|(?:PRIMARY|IMPORTED|EXPORTED|UNIQUE)\s+KEYS"
        r"|(?:MATERIALIZED|SEMANTIC)\s+VIEWS|SEMANTIC\s+(?:DIMENSIONS|METRICS|FACTS)|(?:DYNAMIC|EXTERNAL|ICEBERG|EVENT|HYBRID)\s+TABLES|FILE\s+FORMATS|TAGS|PARAMETERS"
        r"|VARIABLES|ROLES|DATABASE\s+ROLES|GRANTS|REGIONS|SHARES|TRANSACTIONS|LOCKS|MASKING\s+POLICIES|ROW\s+ACCESS\s+POLICIES)"
        r"(?:\s+(?:[\w$.,=]+|'[^'\\]*'|\"[^\"]*\"(?:\.\"?[\w$]*\"?)*))*\s*",
        re.IGNORECASE,
    ),
    describe=re.compile(
        r"\s*DESC(?:RIBE)?\s+(?:(?:(?:DYNAMIC|EXTERNAL|ICEBERG|EVENT|HYBRID)\s+)?TABLE|(?:MATERIALIZED\s+|SEMANTIC\s+)?VIEW|SCHEMA|DATABASE|SEQUENCE|WAREHOUSE"
        r"|STREAM|TASK|FILE\s+FORMAT)\s+[\w$.\"]+(?:\s+TYPE\s*=\s*(?:COLUMNS|STAGE))?\s*",
        re.IGNORECASE,
    ),
)
