"""Oracle."""

from . import Dialect, Lexis

DIALECT = Dialect(
    name="oracle",
    parser="oracle",
    lexis=Lexis(q_quotes=True, goes_on="#"),
    folds="upper",
    system_schemas=frozenset(("sys", "standard", "sys.standard")),
    generators=frozenset(("lpad", "rpad")),
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
