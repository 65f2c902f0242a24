"""The catalog, from pg_catalog alone: information_schema hides foreign keys from a role that only reads."""

from collections.abc import Iterable, Mapping
from time import time
from typing import TYPE_CHECKING, Final

from ...model import Catalog, Column, ForeignKey, Index, Table, TableKind

if TYPE_CHECKING:
    from asyncpg import Record


# An expression over columns is left out while a migration locks its table, since printing it waits for the lock.

VISIBLE: Final = """
with visible as materialized (
    select c.oid, c.relname, c.relkind, c.reltuples, n.nspname, concat_ws(':', c.oid, c.xmin, n.xmin) as version,
           has_table_privilege(c.oid, 'SELECT') as whole
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p', 'v', 'm', 'f') and not c.relispartition
      and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
      and has_schema_privilege(n.oid, 'USAGE') and has_any_column_privilege(c.oid, 'SELECT')
), locked as materialized (
    select relation from pg_locks where mode = 'AccessExclusiveLock' and granted and relation is not null
)
"""
TABLES: Final = """
select v.oid, v.nspname as schema, v.relname as name, v.relkind::text as kind,
       obj_description(v.oid, 'pg_class') as comment,
       case when v.relkind = 'p' then p.rows when v.relkind <> 'v' and v.reltuples >= 0 then v.reltuples end::bigint
           as rows
from visible v left join (
    with recursive part(root, oid) as (
        select v.oid, i.inhrelid from visible v join pg_inherits i on i.inhparent = v.oid where v.relkind = 'p'
        union all select part.root, i.inhrelid from part join pg_inherits i on i.inhparent = part.oid
    )
    select part.root, sum(c.reltuples) as rows from part join pg_class c on c.oid = part.oid
    where c.relkind <> 'p' and c.reltuples >= 0 group by part.root
) p on p.root = v.oid
order by v.nspname collate "C", v.relname collate "C"
"""
COLUMNS: Final = """
select a.attrelid, a.attnum, a.attname, format_type(a.atttypid, a.atttypmod), not a.attnotnull,
       case when a.attgenerated = '' then pg_get_expr(d.adbin, 0)
           when a.attrelid not in (select relation from locked) then pg_get_expr(d.adbin, d.adrelid) end,
       s.description, a.attidentity <> '' or a.attgenerated <> ''
from visible v join pg_attribute a on a.attrelid = v.oid
left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
left join pg_description s on s.classoid = 'pg_class'::regclass and s.objoid = a.attrelid and s.objsubid = a.attnum
where a.attnum > 0 and not a.attisdropped and (v.whole or has_column_privilege(v.oid, a.attnum, 'SELECT'))
order by a.attrelid, a.attnum
"""
KEYS: Final = """
select k.conrelid as oid, k.contype::text as kind, array_to_string(k.conkey, ' ') as columns,
       k.confrelid as oid_there, array_to_string(k.confkey, ' ') as columns_there
from visible v join pg_constraint k on k.conrelid = v.oid
where k.contype in ('p', 'u', 'f')
order by k.conrelid, k.conname collate "C"
"""
INDEXES: Final = """
select i.indrelid as oid, c.relname as name, i.indisunique as unique,
       array_to_string((i.indkey::int2[])[0:i.indnkeyatts - 1], ' ') as columns,
       case when i.indexprs is not null then
           array(select pg_get_indexdef(i.indexrelid, n, true) from generate_series(1, i.indnkeyatts) n) end as texts,
       pg_get_expr(i.indpred, i.indrelid, true) as predicate
from visible v join pg_index i on i.indrelid = v.oid join pg_class c on c.oid = i.indexrelid
where i.indisvalid and not exists (
    select from pg_constraint k where k.conindid = i.indexrelid and k.conrelid = i.indrelid and k.contype <> 'f'
) and ((i.indexprs is null and i.indpred is null) or i.indrelid not in (select relation from locked))
order by i.indrelid, c.relname collate "C"
"""
# xmin changes with every DDL and GRANT, and with no INSERT or ANALYZE; what the login may see is in `visible`.
FINGERPRINT: Final = """
select md5(concat_ws('/', current_schemas(false),
    (select string_agg(v.version, ',' order by v.oid) from visible v),
    (select concat_ws(':', count(*), sum(hashtextextended(concat_ws(':', a.attrelid, a.attnum, a.xmin), 0)))
     from visible v join pg_attribute a on a.attrelid = v.oid
     where a.attnum > 0 and (v.whole or has_column_privilege(v.oid, a.attnum, 'SELECT'))),
    (select concat_ws(':', count(*), sum(hashtextextended(concat_ws(':', k.oid, k.xmin), 0)))
     from visible v join pg_constraint k on k.conrelid = v.oid),
    (select concat_ws(':', count(*), sum(hashtextextended(concat_ws(':', c.oid, c.xmin, i.xmin), 0)))
     from visible v join pg_index i on i.indrelid = v.oid join pg_class c on c.oid = i.indexrelid),
    (select concat_ws(':', count(*), sum(hashtextextended(concat_ws(':', d.objoid, d.objsubid, d.xmin), 0)))
     from visible v join pg_description d on d.classoid = 'pg_class'::regclass and d.objoid = v.oid),
    (select concat_ws(':', count(*), sum(hashtextextended(concat_ws(':', t.oid, t.xmin), 0)))
     from pg_type t where t.oid >= 16384 and t.typtype <> 'c' and t.typelem = 0)
)) as fingerprint, coalesce((current_schemas(false))[1], '') as default_schema
"""
KINDS: Final[Mapping[str, TableKind]] = {"r": "table", "p": "table", "v": "view", "m": "materialized", "f": "foreign"}


Columns = Mapping[int, Column]
"""The columns of one table by their numbers, in order."""


def catalog_of(found: "list[list[Record]]") -> Catalog:
    tables, columns, keys, indexes, facts = found
    columns_of: dict[int, dict[int, Column]] = {row["oid"]: {} for row in tables}
    # Most columns of a schema are like one of another table (an id, a name, a date), and are kept once.
    like: dict[tuple[object, ...], Column] = {}
    for row in columns:
        said = row[2:]
        column = like.get(said) or like.setdefault(said, Column(*said))
        columns_of[row[0]][row[1]] = column
    places = {row["oid"]: (row["schema"], row["name"]) for row in tables}
    keys_of = _by_table(keys)
    indexes_of = _by_table(indexes)
    return Catalog(
        tables=tuple(
            Table(
                schema=row["schema"],
                name=row["name"],
                kind=KINDS[row["kind"]],
                comment=row["comment"],
                rows=row["rows"],
                columns=tuple(columns_of[row["oid"]].values()),
                primary_key=next(iter(_keys("p", keys_of.get(row["oid"], ()), columns_of)), ()),
                foreign_keys=tuple(_foreign_keys(keys_of.get(row["oid"], ()), columns_of, places)),
                unique=tuple(_keys("u", keys_of.get(row["oid"], ()), columns_of)),
                indexes=tuple(_indexes(indexes_of.get(row["oid"], ()), columns_of)),
            )
            for row in tables
        ),
        fingerprint=facts[0]["fingerprint"],
        read_at=time(),
        default_schema=facts[0]["default_schema"],
    )


def _by_table(rows: "Iterable[Record]") -> "dict[int, list[Record]]":
    found: dict[int, list[Record]] = {}
    for row in rows:
        found.setdefault(row["oid"], []).append(row)
    return found


def _named(numbers: str, columns: Columns) -> tuple[str, ...]:
    """Name columns; nothing if the login may not see one of them."""
    found = [columns.get(int(number)) for number in numbers.split()]
    return tuple(column.name for column in found if column is not None) if None not in found else ()


def _keys(kind: str, keys: "Iterable[Record]", columns_of: Mapping[int, Columns]) -> Iterable[tuple[str, ...]]:
    found = (_named(row["columns"], columns_of[row["oid"]]) for row in keys if row["kind"] == kind)
    return filter(None, found)


def _foreign_keys(
    keys: "Iterable[Record]", columns_of: Mapping[int, Columns], places: Mapping[int, tuple[str, str]]
) -> Iterable[ForeignKey]:
    for row in keys:
        if row["kind"] == "f" and row["oid_there"] in places:
            columns = _named(row["columns"], columns_of[row["oid"]])
            there = _named(row["columns_there"], columns_of[row["oid_there"]])
            if columns and there:
                yield ForeignKey(columns, *places[row["oid_there"]], there)


def _indexes(indexes: "Iterable[Record]", columns_of: Mapping[int, Columns]) -> Iterable[Index]:
    for row in indexes:
        columns = tuple(row["texts"] or _named(row["columns"], columns_of[row["oid"]]))
        if columns:
            predicate = (f"where {row['predicate']}",) if row["predicate"] else ()
            yield Index(row["name"], columns + predicate, row["unique"])
