"""What a login may do: a role counts with all that it is a member of, since it may become any of them by SET ROLE."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

from ...model import Login
from ..base.logins import MOST_SCHEMAS, PASSWORD, READER, counted, double_quoted, some

if TYPE_CHECKING:
    from asyncpg import Record

OLD_PUBLIC: Final = 150_000
"""Before this version everybody may create tables in the schema public."""

# PUBLIC may update pg_settings and may use what extensions bring: system schemas are left out.
LOGIN: Final = f"""
with mine as materialized (
    select oid, rolname, rolsuper, rolbypassrls, rolreplication, rolcreaterole, rolcreatedb,
           rolname = session_user as own, pg_has_role(session_user, oid, 'USAGE') as inherited
    from pg_roles where pg_has_role(session_user, oid, 'MEMBER')
), spaces as materialized (
    select oid, nspname, nspowner from pg_namespace where nspname !~ '^pg_' and nspname <> 'information_schema'
), relations as materialized (
    select c.oid, c.relkind, c.relowner from pg_class c join spaces n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p', 'v', 'm', 'f', 'S') and not c.relispartition
)
select session_user::text as name, current_database()::text as database,
       current_setting('server_version_num')::integer as version,
       (select rolsuper from mine where own) as is_superuser,
       (select bool_or(rolsuper) from mine) as superuser,
       (select bool_or(rolbypassrls) from mine) as bypassrls,
       (select bool_or(rolreplication) from mine) as replication,
       (select bool_or(rolcreaterole) from mine) as createrole,
       (select bool_or(rolcreatedb) from mine) as createdb,
       array(select rolname::text from mine where not own and (
           rolname ~ '^pg_(write_|read_server_files|execute_server_program|signal_|maintain|checkpoint|create_sub)'
           or rolname in ('rds_superuser', 'cloudsqlsuperuser', 'azure_pg_admin', 'alloydbsuperuser')
       ) order by 1) as dangerous,
       array(select rolname::text from mine where not own and not inherited order by 1) as others,
       has_database_privilege(current_database(), 'CREATE') as may_create_schemas,
       array(select nspname::text from spaces where has_schema_privilege(oid, 'CREATE') order by 1) as creatable,
       (select count(*) from relations where relkind <> 'S' and (
           has_table_privilege(oid, 'INSERT, UPDATE, DELETE, TRUNCATE, TRIGGER')
           or has_any_column_privilege(oid, 'INSERT, UPDATE'))) as writable,
       (select count(*) from relations where case when relkind = 'S' then
           has_sequence_privilege(oid, 'USAGE, UPDATE') end) as sequences,
       (select count(*) from relations where pg_has_role(relowner, 'USAGE')) as owned,
       array(select nspname::text from spaces n where has_schema_privilege(n.oid, 'USAGE') and exists (
           select from pg_class c where c.relnamespace = n.oid and c.relkind in ('r', 'p', 'v', 'm', 'f')
       ) order by 1 limit {MOST_SCHEMAS}) as schemas
"""  # noqa: S608 - of our own constants


def login_of(found: "Record") -> Login:
    schemas: Sequence[str] = found["schemas"] or ("public",)
    dangers = ("is a superuser",) if found["is_superuser"] else tuple(_dangers(found))
    return Login(found["name"], dangers, remedy(found["database"], schemas, found["version"]))


def _dangers(found: "Record") -> Iterable[str]:
    if found["superuser"]:
        yield "may become a superuser by SET ROLE"
    for role in found["dangerous"]:
        yield f"is a member of {role}"
    if found["others"]:
        yield f"may become another role by SET ROLE ({some(found['others'])})"
    for fact, what in (
        ("bypassrls", "is bound by no row-level security (BYPASSRLS)"),
        ("replication", "may replicate the server (REPLICATION)"),
        ("createrole", "may create roles (CREATEROLE)"),
        ("createdb", "may create databases (CREATEDB)"),
        ("may_create_schemas", "may create schemas in this database (CREATE)"),
    ):
        if found[fact]:
            yield what
    if found["creatable"]:
        yield f"may create tables in {counted(len(found['creatable']), 'schema')} ({some(found['creatable'])})"
    if found["writable"]:
        yield f"may write to {counted(found['writable'], 'table')}"
    if found["sequences"]:
        yield f"may advance {counted(found['sequences'], 'sequence')}"
    if found["owned"]:
        yield f"owns {counted(found['owned'], 'relation')}"


def remedy(database: str, schemas: Sequence[str], version: int = OLD_PUBLIC) -> str:
    named = ", ".join(map(double_quoted, schemas))
    lines = [
        f"create role {READER} login password '{PASSWORD}'",
        f"alter role {READER} set default_transaction_read_only = on",
        f"grant connect on database {double_quoted(database)} to {READER}",
        f"grant usage on schema {named} to {READER}",
        f"grant select on all tables in schema {named} to {READER}",
        (
            "-- and on those that whoever runs this will create:\n"
            f"alter default privileges in schema {named} grant select on tables to {READER}"
        ),
    ]
    if version < OLD_PUBLIC and "public" in schemas:
        lines.append("revoke create on schema public from public")
    return ";\n".join(lines) + ";"
