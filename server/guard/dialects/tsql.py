"""Transact-SQL of SQL Server and Azure SQL."""

from typing import Final

from . import Dialect, Lexis

STARTERS: Final = {
    **dict.fromkeys(
        ["ALTER", "BACKUP", "BEGIN", "BULK", "CHECKPOINT", "CLOSE", "COMMIT", "CREATE", "DBCC", "DEALLOCATE", "DECLARE", "DELETE", "DENY", "DROP", "DUMP", "EXEC", "EXECUTE", "GOTO", "GRANT", "IF", "INSERT", "KILL", "LOAD", "OPEN", "PRINT", "RAISERROR", "READTEXT", "RECONFIGURE", "RESTORE", "RETURN", "REVERT", "REVOKE", "ROLLBACK", "SAVE", "SET", "SETUSER", "SHUTDOWN", "TRUNCATE", "UPDATE", "UPDATETEXT", "WAITFOR", "WHILE", "WRITETEXT", "OPENROWSET", "OPENQUERY", "OPENDATASOURCE"],
        frozenset[str](),
    ),
    "MERGE": frozenset(("JOIN", "UNION")),
    "USE": frozenset(("HINT", "PLAN", "INDEX", "KEY")),
}
"""Reserved in T-SQL, so never a bare name in a query: a parser that takes one for an alias has swallowed a statement."""

DIALECT = Dialect(
    name="tsql",
    parser="tsql",
    lexis=Lexis(brackets="doubled", nested=True, begins="@#", goes_on="@#"),
    folds="none",
    system_schemas=frozenset(("sys",)),
    methods=frozenset(("value", "query", "nodes", "exist")),
    generators=frozenset(("generate_series", "replicate", "space")),
    secrets=frozenset(
        (
            "sys.sql_logins",
            "sys.syslogins",
            "syslogins",
            "sysxlogins",
            "sys.credentials",
            "sys.database_credentials",
            "sys.database_scoped_credentials",
            "sys.linked_logins",
            "sys.remote_logins",
            "sys.key_encryptions",
        )
    ),
    starters=STARTERS,
    assigns=True,
    recursion="always",
    table_hints=frozenset(
        ["NOLOCK", "READUNCOMMITTED", "READCOMMITTED", "READPAST", "NOEXPAND", "FORCESEEK", "FORCESCAN", "INDEX", "SNAPSHOT", "NOWAIT", "FASTFIRSTROW", "KEEPIDENTITY"]
    ),
)
