"""Engines by type. A new engine is one file here and one line below."""

from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any

from ..keys import fold
from .base import Engine, Options


@dataclass(frozen=True, slots=True)
class Listed:
    """An engine before its module is imported: its type, everyday labels, and the schemes of its URLs."""

    type: str
    aliases: tuple[str, ...]
    schemes: tuple[str, ...]


ENGINES = (
    Listed("postgres", ("postgresql", "pg", "Postgres DB", "PostgreSQL DB"), ("postgresql", "postgres")),
    Listed("mysql", ("mariadb", "MySQL DB", "MariaDB DB"), ("mysql", "mariadb")),
    Listed("mssql", ("sqlserver", "SQL Server", "SQL Server DB", "Azure SQL"), ("mssql", "sqlserver")),
    Listed("oracle", ("oracledb", "Oracle DB", "Oracle Database"), ("oracle",)),
    Listed("snowflake", ("Snowflake DB",), ("snowflake",)),
    Listed("sqlite", ("sqlite3", "SQLite DB"), ("sqlite",)),
    Listed("duckdb", ("duck", "DuckDB DB"), ("duckdb",)),
    Listed("odbc", ("ODBC data source", "DSN"), ()),
    Listed("sqlalchemy", ("generic", "SQLAlchemy DB"), ()),
)


@cache
def load(kind: str) -> Engine[Any]:
    """Import the engine of a type on its first use; an unused one costs nothing."""
    engine: Engine[Any] = import_module(f".{kind}", __package__).ENGINE
    return engine


class EngineTypes:
    """What `config` knows of engines: names, URL schemes, and the option model of a type that is in use."""

    def __init__(self) -> None:
        self.names = tuple(listed.type for listed in ENGINES)
        self.aliases = {fold(word): listed.type for listed in ENGINES for word in (listed.type, *listed.aliases)}
        self.schemes = {scheme: listed.type for listed in ENGINES for scheme in listed.schemes}

    def options(self, kind: str) -> type[Options]:
        """Return the option model of a type."""
        return load(kind).options
