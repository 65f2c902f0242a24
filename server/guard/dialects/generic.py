"""An engine without a dialect of its own: the strictest reading of everything."""

from . import FILES, Dialect, Lexis, Trap
from .tsql import STARTERS

DIALECT = Dialect(
    name="generic",
    lexis=Lexis(
        quotes="'\"`",
        unsure=True,
        nested=None,
        traps=(
            Trap(r"/\*M?!", "the comment /*! … */ may be code", "Leave it away."),
            Trap(
                r"--(?![ \t\n\r]|\Z)",
                "two dashes without a blank after them are no comment everywhere",
                "Put a blank after them.",
            ),
            Trap(r"#|//", "# and // begin a comment in some engines", "Write it in another way."),
            Trap(r"\$[A-Za-z_]*+\$", "$$ opens a text in some engines", "Write the text in single quotes."),
            Trap(r"[eEqQ]'", "letters right before a text change it in some engines", "Put a blank between them."),
            Trap(
                r"\[[^\]]{0,200}?(?:['\"`;]|--|/\*)", "a [ opens a quotation in some engines", "Quote names otherwise."
            ),
        ),
    ),
    folds="none",
    generators=frozenset(("generate_series", "repeat", "replicate", "space", "lpad", "rpad")),
    secrets=frozenset(
        (
            "pg_authid",
            "pg_shadow",
            "pg_user_mapping",
            "pg_user_mappings",
            "mysql.user",
            "mysql.global_priv",
            "sys.sql_logins",
            "syslogins",
            "user$",
            "link$",
        )
    ),
    at_sign=True,
    files=FILES,
    starters=STARTERS,
    assigns=True,
    bare_calls=True,
)
