"""What a login may do: the privileges and roles of the session, grants on objects, and tables of its own."""

from collections.abc import Iterable, Sequence
from typing import Final

from ...model import Login
from ..base.logins import MOST_SCHEMAS, PASSWORD, READER, counted, some
from .driver import Row

PRIVILEGES: Final = "select privilege from session_privs"
ROLES: Final = "select role from session_roles"
MINE: Final = "(grantee = user or owner not in (select username from all_users where oracle_maintained = 'Y'))"
"""What everybody may do with Oracle's own objects is left out."""
WRITING: Final = f"privilege in ('INSERT', 'UPDATE', 'DELETE', 'ALTER', 'INDEX', 'REFERENCES') and {MINE}"
FACTS: Final = f"""
select user,
       (select count(*) from all_tables where owner = user),
       (select count(*) from (
           select owner, table_name from all_tab_privs_recd where {WRITING}
           union select owner, table_name from all_col_privs_recd where {WRITING}
       )),
       (select count(*) from (
           select distinct owner, table_name from all_tab_privs_recd where privilege = 'EXECUTE' and {MINE}
       )),
       (select count(*) from (
           select distinct owner, table_name from all_tab_privs_recd where privilege = 'WRITE'
       ))
from dual
"""  # noqa: S608 - of our own constants
SCHEMAS: Final = """
select distinct owner from all_tables where owner in (select username from all_users where oracle_maintained = 'N')
order by owner
"""

ADMINISTRATORS: Final = ("DBA", "IMP_FULL_DATABASE", "DATAPUMP_IMP_FULL_DATABASE", "PDB_DBA", "CDB_DBA")
WRITES: Final = ("INSERT ANY TABLE", "UPDATE ANY TABLE", "DELETE ANY TABLE", "MERGE ANY TABLE")
HARMLESS: Final = frozenset(
    {"CREATE SESSION", "READ ANY TABLE", "SELECT ANY TABLE", "SELECT ANY DICTIONARY", "SET CONTAINER"}
)


def login_of(privileges: Sequence[Row], roles: Sequence[Row], facts: Sequence[Row], schemas: Sequence[Row]) -> Login:
    name, *counts = facts[0]
    held = {str(privilege) for (privilege,) in privileges}
    dangers = (*_by_privileges(held, {str(role) for (role,) in roles}), *_by_grants(*map(int, counts)))
    named = [str(schema) for (schema,) in schemas][:MOST_SCHEMAS]
    return Login(str(name), dangers, remedy(named or ["<schema>"]))


def _by_privileges(privileges: set[str], roles: set[str]) -> Iterable[str]:
    yield from (f"has the {role} role" for role in ADMINISTRATORS if role in roles)
    if everywhere := [privilege for privilege in WRITES if privilege in privileges]:
        yield f"may write to every table ({some(everywhere)})"
    if rest := sorted(privileges - HARMLESS - set(WRITES)):
        yield f"has other privileges ({some(rest)})"


def _by_grants(owned: int, writable: int, executable: int, directories: int) -> Iterable[str]:
    if owned:
        yield f"owns {counted(owned, 'table')}, which it may write to"
    if writable:
        yield f"may write to {counted(writable, 'table')}"
    if executable:
        yield f"may run {counted(executable, 'stored program')}"
    if directories:
        yield f"may write files on the server ({counted(directories, 'grant')} of WRITE)"


def remedy(schemas: Sequence[str]) -> str:
    owners = ", ".join("'" + schema.replace("'", "''") + "'" for schema in schemas)
    # READ, since SELECT also locks rows.
    return f"""create user {READER} identified by "{PASSWORD}";
grant create session to {READER};
begin
  for t in (select owner, table_name as name from dba_tables where owner in ({owners}) and nested = 'NO'
            union all select owner, view_name from dba_views where owner in ({owners})) loop
    execute immediate 'grant read on "' || t.owner || '"."' || t.name || '" to {READER}';
  end loop;
end;"""  # noqa: S608 - for people to run
