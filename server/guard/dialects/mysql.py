"""MySQL and MariaDB."""

import re

from . import Dialect, Lexis, Trap

_NAME = r"[\w$.`]+"
_TAIL = rf"""(?:\s+(?:FROM|IN)\s+{_NAME}){{0,2}}(?:\s+LIKE\s+(?:'[^'\\]*'|"[^"\\]*"))?(?:\s+WHERE\s+(?P<where>.+))?"""

DIALECT = Dialect(
    name="mysql",
    parser="mysql",
    lexis=Lexis(
        quotes="'\"`",
        escapes="'\"",
        line_comments=("--", "#"),
        traps=(
            Trap(r"/\*M?!", "the comment /*! … */ is code here", "Leave it away."),
            Trap(
                r"--(?![ \t\n\r]|\Z)",
                "two dashes without a blank after them are no comment here",
                "Put a blank after them, or between them.",
            ),
        ),
        begins="@",
        goes_on="@",
    ),
    folds="none",
    argless=frozenset(("last_insert_id",)),
    generators=frozenset(("repeat", "space", "lpad", "rpad", "random_bytes")),
    secrets=frozenset(
        (
            "mysql.user",
            "mysql.global_priv",
            "mysql.servers",
            "mysql.password_history",
            "mysql.slave_master_info",
            "mysql.proxies_priv",
            "performance_schema.keyring_keys",
        )
    ),
    assigns=True,
    explain=re.compile(
        r"\s*(?:(?:EXPLAIN|DESC|DESCRIBE)\b(?:\s+(?:EXTENDED|PARTITIONS|ANALYZE)\b|\s+FORMAT\s*=\s*'?\w+'?|\s+FOR\s+(?:SCHEMA|DATABASE)\s+[\w`$]+)*"
        r"|ANALYZE(?:\s+FORMAT\s*=\s*'?\w+'?)?(?=\s+(?:SELECT|WITH|TABLE|VALUES|\()))",
        re.IGNORECASE,
    ),
    describe=re.compile(
        rf"\s*(?:EXPLAIN|DESC|DESCRIBE)\s+(?!ANALYZE\b){_NAME}(?:\s+(?:[\w`]+|'[^'\\]*'))?\s*", re.IGNORECASE
    ),
    show=re.compile(
        r"\s*SHOW\s+(?:"
        r"(?:EXTENDED\s+)?(?:FULL\s+)?(?:TABLES|COLUMNS|FIELDS|PROCESSLIST)|(?:EXTENDED\s+)?(?:INDEX|INDEXES|KEYS)"
        r"|DATABASES|SCHEMAS|TABLE\s+STATUS|OPEN\s+TABLES|TRIGGERS|EVENTS|(?:FUNCTION|PROCEDURE|PACKAGE)\s+STATUS"
        r"|(?:GLOBAL\s+|SESSION\s+|LOCAL\s+)?(?:VARIABLES|STATUS)|CHARACTER\s+SET|CHARSET|COLLATION|(?:STORAGE\s+)?ENGINES|PLUGINS"
        r"|PRIVILEGES|GRANTS|WARNINGS|ERRORS|COUNT\(\*\)\s+(?:WARNINGS|ERRORS)"
        rf"|CREATE\s+(?:TABLE|VIEW|DATABASE|SCHEMA|TRIGGER|EVENT|FUNCTION|PROCEDURE|SEQUENCE)\s+(?:IF\s+NOT\s+EXISTS\s+)?{_NAME}"
        rf"){_TAIL}(?:\s+LIMIT\s+\d+(?:\s*,\s*\d+)?)?\s*",
        re.IGNORECASE | re.DOTALL,
    ),
)
