"""SQLite."""

import re

from . import Dialect, Lexis, Trap

DIALECT = Dialect(
    name="sqlite",
    reader="authorized",
    parser="sqlite3",
    lexis=Lexis(
        quotes="'\"`",
        brackets="plain",
        traps=(
            Trap(r"\[[^\]]*+\]\]", "a [name] ends at its first ] here", 'Quote the name like "this".'),
            Trap(
                r"[$@#:]\w*(?:::\w*)*\(",
                "a parameter may swallow what stands in parentheses after it",
                "Write the value.",
            ),
        ),
    ),
    folds="none",
    overlooked=re.compile(r"\bCOLLATE\s+(?:NOCASE|BINARY|RTRIM)\b", re.IGNORECASE),
    generators=frozenset(("generate_series", "randomblob", "zeroblob", "printf", "format")),
    explain=re.compile(r"\s*EXPLAIN\b(?:\s+QUERY\s+PLAN\b)?", re.IGNORECASE),
    pragmas=frozenset(
        [
            "user_version",
            "application_id",
            "encoding",
            "page_count",
            "page_size",
            "freelist_count",
            "schema_version",
            "journal_mode",
            "foreign_keys",
            "data_version",
            "database_list",
            "table_list",
            "collation_list",
            "function_list",
            "module_list",
            "pragma_list",
            "compile_options",
            "cache_size",
            "auto_vacuum",
            "integrity_check",
            "quick_check",
            "foreign_key_check",
            "query_only",
            "synchronous",
            "temp_store",
            "mmap_size",
            "busy_timeout",
        ]
    ),
    pragmas_of=frozenset(
        [
            "table_info",
            "table_xinfo",
            "table_list",
            "index_list",
            "index_info",
            "index_xinfo",
            "foreign_key_list",
            "foreign_key_check",
            "integrity_check",
            "quick_check",
        ]
    ),
)
