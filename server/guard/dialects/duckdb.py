"""DuckDB."""

import re

from . import FILES, Dialect, Lexis

DIALECT = Dialect(
    name="duckdb",
    reader="serialized",
    parser="duckdb",
    lexis=Lexis(escape_prefix=True, dollars="tagged", nested=None),
    folds="none",
    dotted_calls=True,
    generators=frozenset(
        ("generate_series", "range", "repeat", "repeat_row", "lpad", "rpad", "list_resize", "array_resize", "bar")
    ),
    secrets=frozenset(("duckdb_secrets", "pg_authid", "pg_shadow")),
    files=FILES,
    into=True,
    explain=re.compile(r"\s*EXPLAIN\b(?:\s*\([\w\s,=]*\)|\s+ANALY[ZS]E\b)*", re.IGNORECASE),
    show=re.compile(
        r"\s*SHOW\s+(?:ALL\s+)?(?:TABLES|DATABASES|SCHEMAS)(?:\s+(?:FROM|IN)\s+[\w.\"]+)?\s*", re.IGNORECASE
    ),
    describe=re.compile(
        r"\s*(?:DESC|DESCRIBE|SHOW|SUMMARIZE|EXPLAIN)\s+(?:TABLE\s+)?(?P<relation>[\w.\"']+)\s*", re.IGNORECASE
    ),
    describes=re.compile(
        r"\s*(?:DESC|DESCRIBE|SUMMARIZE)\b(?=\s*(?:SELECT|FROM|WITH|VALUES|TABLE|PIVOT|UNPIVOT|\())", re.IGNORECASE
    ),
    pragmas=frozenset(
        [
            "version",
            "database_list",
            "show_tables",
            "database_size",
            "functions",
            "collations",
            "platform",
            "user_agent",
            "show_databases",
            "show_tables_expanded",
        ]
    ),
    pragmas_of=frozenset(("table_info", "storage_info", "show")),
)
