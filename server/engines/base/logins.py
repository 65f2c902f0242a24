"""What the looks at logins share: the words of their answers, and the names in the SQL that makes a proper login."""

from collections.abc import Iterable
from typing import Final

from ...model import Login

READER: Final = "colonnade_reader"
PASSWORD: Final = "<password>"  # noqa: S105 - stands where a password goes
EXAMPLE: Final = "shop"
"""The database of the examples in the docs."""

MOST_SCHEMAS: Final = 20
"""Schemas that a remedy names, at most."""

UNKNOWN: Final = "what this login may write is not known"

# As the SQL standard has it; of a system's own schema everybody may "write" settings.
WRITABLE: Final = """
select count(*) from (
    select distinct table_schema, table_name from information_schema.table_privileges
    where privilege_type in ('INSERT', 'UPDATE', 'DELETE', 'TRUNCATE')
      and table_schema not in ('information_schema', 'pg_catalog')
) written
"""
ANY_REMEDY: Final = (
    "-- in the words of the database that is behind it:\n"
    f"create user {READER} password '{PASSWORD}';\n"
    f"grant select on <schema>.<table> to {READER}; -- for each table"
)


def login_by(name: str, writable: int) -> Login:
    """Tell of a login what the SQL standard does: tables that it may write. That there are none proves nothing."""
    danger = f"may write to {counted(writable, 'table')}" if writable else UNKNOWN
    return Login(name, (danger,), ANY_REMEDY)


def counted(number: int, what: str) -> str:
    """Return "1 table" or "12 tables"."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def some(names: Iterable[str], most: int = 4) -> str:
    """Return the first of some names."""
    listed = list(names)
    return ", ".join(listed[:most] + (["…"] if len(listed) > most else []))


def double_quoted(name: str) -> str:
    """Return a name as standard SQL has it: in quotes, unless it is a plain one."""
    return (
        name if name.isascii() and name.isidentifier() and name == name.lower() else '"' + name.replace('"', '""') + '"'
    )
