"""What a login may do, from the permissions that the server itself adds up: roles, owners and DENY are in them."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final

from ...model import Login
from ..base.logins import MOST_SCHEMAS, PASSWORD, READER, counted, some

if TYPE_CHECKING:
    import pyodbc

SERVER_ROLES: Final = (
    "sysadmin", "securityadmin", "serveradmin", "setupadmin", "processadmin", "diskadmin", "dbcreator", "bulkadmin",
)  # fmt: skip
DATABASE_ROLES: Final = (
    "db_owner", "db_securityadmin", "db_accessadmin", "db_backupoperator", "db_ddladmin", "db_datawriter",
)  # fmt: skip

FACTS: Final = f"""
select suser_sname(), db_name(),
{", ".join(f"is_srvrolemember('{role}')" for role in SERVER_ROLES)},
{", ".join(f"is_rolemember('{role}')" for role in DATABASE_ROLES)}
"""
# Told once for the server and once for the database; the latter's hold for all that is in it.
PERMISSIONS: Final = """
select 'server', permission_name from sys.fn_my_permissions(null, 'SERVER')
union all select 'database', permission_name from sys.fn_my_permissions(null, 'DATABASE')
"""
OBJECT: Final = "quotename(s.name) + '.' + quotename(o.name), 'OBJECT'"
OBJECTS: Final = f"""
select sum(writable), sum(alterable), sum(executable) from (
    select
      case when o.type in ('U', 'V') and 1 in (has_perms_by_name({OBJECT}, 'INSERT'),
        has_perms_by_name({OBJECT}, 'UPDATE'), has_perms_by_name({OBJECT}, 'DELETE')) then 1 else 0 end as writable,
      case when o.type in ('U', 'V') and has_perms_by_name({OBJECT}, 'ALTER') = 1 then 1 else 0 end as alterable,
      case when o.type in ('P', 'PC') and has_perms_by_name({OBJECT}, 'EXECUTE') = 1 then 1 else 0 end as executable
    from sys.objects o join sys.schemas s on s.schema_id = o.schema_id
    where o.type in ('U', 'V', 'P', 'PC') and o.is_ms_shipped = 0
) found
"""  # noqa: S608 - of our own constants
SCHEMAS: Final = f"""
select distinct top {MOST_SCHEMAS} s.name from sys.objects o join sys.schemas s on s.schema_id = o.schema_id
where o.type in ('U', 'V') and o.is_ms_shipped = 0 order by s.name
"""  # noqa: S608 - of our own constants

TOLD: Final = {
    ("server", "CONTROL SERVER"): "controls the server (CONTROL SERVER)",
    ("server", "ADMINISTER BULK OPERATIONS"): "may read files on the server (ADMINISTER BULK OPERATIONS)",
    ("database", "CONTROL"): "controls the database (CONTROL)",
    ("database", "INSERT"): "may write to every table (INSERT)",
    ("database", "UPDATE"): "may write to every table (UPDATE)",
    ("database", "DELETE"): "may write to every table (DELETE)",
    ("database", "EXECUTE"): "may run every procedure (EXECUTE)",
}
HARMLESS: Final = ("CONNECT", "SELECT", "SHOWPLAN", "VIEW ", "REFERENCES")
"""What the names of permissions that only read begin with."""


def read_login(cursor: "pyodbc.Cursor") -> Login:
    name, database, *members = _rows(cursor, FACTS)[0]
    roles = [role for role, member in zip((*SERVER_ROLES, *DATABASE_ROLES), members, strict=True) if member == 1]
    dangers = [f"is a member of {role}" for role in roles]
    if "sysadmin" not in roles:  # which may do whatever there is
        dangers += (*_by_permissions(_rows(cursor, PERMISSIONS)), *_by_objects(*_rows(cursor, OBJECTS)[0]))
    schemas = [str(schema) for (schema,) in _rows(cursor, SCHEMAS)]
    return Login(str(name), tuple(dangers), remedy(str(database), schemas or ("dbo",)))


def _rows(cursor: "pyodbc.Cursor", sql: str) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in cursor.execute(sql).fetchall()]


def _by_permissions(permissions: Sequence[tuple[Any, ...]]) -> Iterable[str]:
    yield from (words for permission, words in TOLD.items() if permission in permissions)
    others = {what for where, what in permissions if (where, what) not in TOLD and not what.startswith(HARMLESS)}
    if others:
        yield f"has other permissions ({some(sorted(others))})"


def _by_objects(writable: int | None, alterable: int | None, executable: int | None) -> Iterable[str]:
    if writable:
        yield f"may write to {counted(writable, 'table')}"
    if alterable:
        yield f"may alter {counted(alterable, 'table')}"
    if executable:
        yield f"may run {counted(executable, 'procedure')}"


def remedy(database: str, schemas: Sequence[str]) -> str:
    lines = [
        f"create login {READER} with password = '{PASSWORD}'",
        f"use {_quoted(database)}",
        f"create user {READER} for login {READER}",
        *(f"grant select on schema::{_quoted(schema)} to {READER}" for schema in schemas),
        f"deny execute to {READER}",
    ]
    return ";\n".join(lines) + ";"


def _quoted(name: str) -> str:
    return f"[{name.replace(']', ']]')}]"
