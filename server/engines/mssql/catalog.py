"""The catalog, from sys.*: what the login may see of it, in a constant number of queries."""

from collections.abc import Callable, Iterable, Mapping
from hashlib import sha256
from time import time
from typing import TYPE_CHECKING, Any, Final, cast

from ...model import Catalog, Column, ForeignKey, Index, Login, ServerInfo, Table
from ..base.odbc.statements import OdbcClient
from .login import read_login

if TYPE_CHECKING:
    import pyodbc

SIZED: Final = frozenset({"char", "varchar", "nchar", "nvarchar", "binary", "varbinary"})
SCALED: Final = frozenset({"datetime2", "datetimeoffset", "time"})
LONGEST: Final = 8_000


def type_name(name: str, size: int, precision: int, scale: int) -> str:
    """Return a type as it is written in T-SQL; `size` counts characters."""
    if name in SIZED:
        return f"{name}({size if 0 < size <= LONGEST else 'max'})"
    if name in ("decimal", "numeric"):
        return f"{name}({precision},{scale})"
    return f"{name}({scale})" if name in SCALED else name


MINE: Final = "o.type in ('U', 'V') and o.is_ms_shipped = 0"
TABLES: Final = f"""
select o.object_id, s.name, o.name, o.type, t.is_external, p.value
from sys.objects o join sys.schemas s on s.schema_id = o.schema_id
left join sys.tables t on t.object_id = o.object_id
left join sys.extended_properties p
  on p.class = 1 and p.major_id = o.object_id and p.minor_id = 0 and p.name = 'MS_Description'
where {MINE}
"""  # noqa: S608 - of our own constants
COLUMNS: Final = f"""
select c.object_id, c.column_id, c.name, t.name, c.max_length, c.precision, c.scale, c.is_nullable, c.is_identity,
       c.is_computed, c.generated_always_type, d.definition, k.definition, p.value
from sys.columns c join sys.objects o on o.object_id = c.object_id join sys.types t on t.user_type_id = c.user_type_id
left join sys.default_constraints d on d.object_id = c.default_object_id
left join sys.computed_columns k on k.object_id = c.object_id and k.column_id = c.column_id
left join sys.extended_properties p
  on p.class = 1 and p.major_id = c.object_id and p.minor_id = c.column_id and p.name = 'MS_Description'
where {MINE} order by c.object_id, c.column_id
"""  # noqa: S608 - of our own constants
INDEXES: Final = f"""
select i.object_id, i.name, i.is_unique, i.is_primary_key, i.is_unique_constraint, x.column_id, i.filter_definition
from sys.indexes i join sys.objects o on o.object_id = i.object_id
join sys.index_columns x on x.object_id = i.object_id and x.index_id = i.index_id
where {MINE} and i.index_id > 0 and x.key_ordinal > 0 and i.is_hypothetical = 0
order by i.object_id, i.name, x.key_ordinal
"""  # noqa: S608 - of our own constants
FOREIGN: Final = """
select f.name, k.parent_object_id, k.parent_column_id, k.referenced_object_id, k.referenced_column_id
from sys.foreign_keys f join sys.foreign_key_columns k on k.constraint_object_id = f.object_id
order by k.parent_object_id, f.name, k.constraint_column_id
"""
ROWS: Final = "select object_id, sum(rows) from sys.partitions where index_id in (0, 1) group by object_id"
# modify_date alone misses descriptions, and moves with maintenance; so every part of what the catalog shows is summed.
FINGERPRINT: Final = f"""
select schema_name(),
  (select checksum_agg(checksum(o.object_id, o.name, s.name, o.type)) from sys.objects o
   join sys.schemas s on s.schema_id = o.schema_id where o.is_ms_shipped = 0 and o.type in ('U', 'V')),
  (select checksum_agg(checksum(c.object_id, c.column_id, c.name, t.name, c.max_length, c.precision, c.scale,
     c.is_nullable, c.is_identity, c.is_computed, d.definition, k.definition))
   from sys.columns c join sys.objects o on o.object_id = c.object_id
   join sys.types t on t.user_type_id = c.user_type_id
   left join sys.default_constraints d on d.object_id = c.default_object_id
   left join sys.computed_columns k on k.object_id = c.object_id and k.column_id = c.column_id where {MINE}),
  (select checksum_agg(checksum(i.object_id, i.name, i.is_unique, i.is_primary_key, i.is_unique_constraint,
     x.column_id, x.key_ordinal, i.filter_definition))
   from sys.indexes i join sys.objects o on o.object_id = i.object_id
   join sys.index_columns x on x.object_id = i.object_id and x.index_id = i.index_id where {MINE}),
  (select checksum_agg(checksum(f.object_id, f.name, k.parent_object_id, k.parent_column_id, k.referenced_object_id,
     k.referenced_column_id)) from sys.foreign_keys f
   join sys.foreign_key_columns k on k.constraint_object_id = f.object_id),
  (select checksum_agg(checksum(p.major_id, p.minor_id, cast(p.value as nvarchar(4000))))
   from sys.extended_properties p where p.class = 1 and p.name = 'MS_Description')
"""  # noqa: S608 - of our own constants


class MssqlClient(OdbcClient):
    """One database."""

    async def catalog(self) -> Catalog:
        return await self.read(_read_catalog)

    async def fingerprint(self) -> str:
        return await self.read(_fingerprint)

    async def login(self) -> Login:
        return await self.read(read_login)

    async def ping(self) -> ServerInfo:
        version = await self.read(lambda cursor: str(cursor.execute("select @@version").fetchval()))
        return ServerInfo(version=version.partition("\n")[0].partition(" (")[0].strip())


def _rows(cursor: "pyodbc.Cursor", sql: str) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in cursor.execute(sql).fetchall()]


def _fingerprint(cursor: "pyodbc.Cursor") -> str:
    """Return the server's checksums; where it has none, a digest of the whole catalog, read for it."""
    import pyodbc

    try:
        found: object = _rows(cursor, FINGERPRINT)
    except pyodbc.ProgrammingError:
        cursor.connection.rollback()
        found = [_rows(cursor, sql) for sql in ("select schema_name()", TABLES, COLUMNS, INDEXES, FOREIGN)]
    return sha256(repr(found).encode()).hexdigest()[:16]


def _read_catalog(cursor: "pyodbc.Cursor") -> Catalog:
    listed, described, indexed, foreign = (_rows(cursor, sql) for sql in (TABLES, COLUMNS, INDEXES, FOREIGN))
    places = {row[0]: (row[1], row[2]) for row in listed}
    names = {(row[0], row[1]): row[2] for row in described}
    columns = _grouped(described, lambda row: row[0])
    indexes = _grouped(indexed, lambda row: (row[0], row[1]))
    keys = _grouped((row for row in foreign if row[3] in places), lambda row: (row[1], row[0]))
    estimates = _estimates(cursor)
    tables = [
        Table(
            schema=schema,
            name=name,
            kind="view" if kind.strip() == "V" else "external" if external else "table",
            comment=comment,
            rows=estimates.get(number),
            columns=tuple(map(_column, columns.get(number, ()))),
            primary_key=next((_named(parts, names) for parts in _of(indexes, number) if parts[0][3]), ()),
            foreign_keys=tuple(
                ForeignKey(
                    tuple(names[number, part[2]] for part in parts),
                    *places[parts[0][3]],
                    tuple(names.get((part[3], part[4]), "") for part in parts),
                )
                for parts in _of(keys, number)
            ),
            unique=tuple(_named(parts, names) for parts in _of(indexes, number) if parts[0][4]),
            indexes=tuple(
                Index(parts[0][1], _named(parts, names) + _filter(parts[0][6]), bool(parts[0][2]))
                for parts in _of(indexes, number)
                if not (parts[0][3] or parts[0][4])
            ),
        )
        for number, schema, name, kind, external, comment in listed
    ]
    return Catalog(
        tables=tuple(sorted(tables, key=lambda table: (table.schema, table.name))),
        fingerprint=_fingerprint(cursor),
        read_at=time(),
        default_schema=str(cursor.execute("select schema_name()").fetchval() or ""),
    )


def _grouped(
    rows: Iterable[tuple[Any, ...]], key: Callable[[tuple[Any, ...]], Any]
) -> dict[Any, list[tuple[Any, ...]]]:
    found: dict[Any, list[tuple[Any, ...]]] = {}
    for row in rows:
        found.setdefault(key(row), []).append(row)
    return found


def _of(groups: Mapping[Any, list[tuple[Any, ...]]], number: int) -> list[list[tuple[Any, ...]]]:
    return [parts for (table, _), parts in groups.items() if table == number]


def _named(parts: list[tuple[Any, ...]], names: Mapping[tuple[int, int], str]) -> tuple[str, ...]:
    return tuple(names.get((part[0], part[5]), "") for part in parts)


def _filter(definition: str | None) -> tuple[str, ...]:
    return (f"where {definition}",) if definition else ()


def _column(row: tuple[Any, ...]) -> Column:
    _, _, name, kind, length, precision, scale, nullable, identity, computed, period, default, formula, comment = row
    size = length // 2 if kind in ("nchar", "nvarchar") and length > 0 else length
    generated = bool(identity or computed or period)
    return Column(name, type_name(kind, size, precision, scale), bool(nullable), formula or default, comment, generated)


def _estimates(cursor: "pyodbc.Cursor") -> dict[int, int]:
    """Return row counts, which the catalog does without where the login may not see them."""
    import pyodbc

    try:
        return {number: int(count) for number, count in cast("list[tuple[int, int]]", _rows(cursor, ROWS))}
    except pyodbc.ProgrammingError:
        return {}
