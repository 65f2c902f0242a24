"""PostgreSQL, and what speaks its dialect."""

import re

from . import Dialect, Lexis

DIALECT = Dialect(
    name="postgres",
    reader="libpg_query",
    instead="sqlglot",
    parser="postgres",
    lexis=Lexis(escape_prefix=True, dollars="tagged", nested=True),
    system_schemas=frozenset(("pg_catalog",)),
    generators=frozenset(
        (
            "generate_series",
            "repeat",
            "lpad",
            "rpad",
            "array_fill",
            "st_generatepoints",
            "st_squaregrid",
            "st_hexagongrid",
        )
    ),
    attribute_calls=re.compile(
        r"pg_(?!catalog\b)|lo_|dblink|query_to_|table_to_|cursor_to_|schema_to_|database_to_|setval|nextval|set_config"
    ),
    secrets=frozenset(
        (
            "pg_authid",
            "pg_shadow",
            "pg_user_mapping",
            "pg_user_mappings",
            "pg_hba_file_rules",
            "pg_ident_file_mappings",
            "pg_file_settings",
            "pg_subscription",
            "information_schema.user_mapping_options",
        )
    ),
    explain=re.compile(r"\s*EXPLAIN\b(?:\s*\([\w\s,=]*\)|(?:\s+(?:ANALY[ZS]E|VERBOSE)\b)*)", re.IGNORECASE),
    show=re.compile(r"\s*SHOW\s+(?:ALL|[\w.]+|TRANSACTION\s+ISOLATION\s+LEVEL|TIME\s+ZONE)\s*", re.IGNORECASE),
)
