"""The catalog, from information_schema: of its tables only those that show everything to a login that just reads.

TABLE_CONSTRAINTS and REFERENTIAL_CONSTRAINTS of MariaDB hide keys from it; KEY_COLUMN_USAGE and STATISTICS do not.
"""

from collections.abc import Iterable, Mapping
from time import time
from typing import Any, Final, cast

from ...model import Catalog, Column, ForeignKey, Index, Table, TableKind

Rows = list[tuple[object, ...]]
Place = tuple[str, str]
"""A table's schema and name."""
Names = Mapping[Place, frozenset[str]]
"""The columns that the login may see."""

SYSTEM: Final = "'mysql', 'sys', 'information_schema', 'performance_schema'"
KINDS: Final[Mapping[str, TableKind]] = {"BASE TABLE": "table", "SYSTEM VERSIONED": "table", "VIEW": "view"}
FOREIGN: Final = ("FEDERATED", "CONNECT", "SPIDER")
"""Storage engines whose rows are elsewhere."""

TABLES: Final = """
select table_schema, table_name, table_type, engine, nullif(table_comment, ''), table_rows
from information_schema.tables where {where}
"""
COLUMNS: Final = """
select table_schema, table_name, column_name, column_type, is_nullable, column_default, nullif(column_comment, ''),
       extra, nullif(generation_expression, '')
from information_schema.columns where {where} order by ordinal_position
"""
INDEXES: Final = """
select table_schema, table_name, index_name, non_unique, column_name, sub_part, {expression}
from information_schema.statistics where {where} order by index_name, seq_in_index
"""
KEYS: Final = """
select table_schema, table_name, constraint_name, column_name,
       referenced_table_schema, referenced_table_name, referenced_column_name
from information_schema.key_column_usage where {where} and referenced_table_name is not null
order by constraint_name, ordinal_position
"""
# Times of creation are whole seconds and change with TRUNCATE: what the catalog shows is hashed itself, on the server.
FINGERPRINT: Final = """
select md5(concat_ws('/', version(), database(),
    (select concat_ws(':', count(*), sum(crc32(concat_ws('\\n', table_schema, table_name, table_type, quote(engine),
        if(table_type = 'VIEW', '', table_comment))))) from information_schema.tables where {where}),
    (select concat_ws(':', count(*), sum(crc32(concat_ws('\\n', table_schema, table_name, ordinal_position, column_name,
        column_type, is_nullable, quote(column_default), column_comment, extra, quote(generation_expression)))))
     from information_schema.columns where {where}),
    (select concat_ws(':', count(*), sum(crc32(concat_ws('\\n', table_schema, table_name, index_name, non_unique,
        seq_in_index, quote(column_name), quote(sub_part), quote({expression})))))
     from information_schema.statistics where {where}),
    (select concat_ws(':', count(*), sum(crc32(concat_ws('\\n', table_schema, table_name, constraint_name,
        ordinal_position, column_name, referenced_table_schema, referenced_table_name, referenced_column_name))))
     from information_schema.key_column_usage where {where} and referenced_table_name is not null)
)), coalesce(database(), ''), version() like '%MariaDB%'
"""


class Queries:
    """What is asked of one database, or of all that the login sees."""

    def __init__(self, database: str, *, has_expressions: bool) -> None:
        quoted = database.replace("\\", "\\\\").replace("'", "\\'")
        # A constant, since the server then opens this database alone.
        where = f"table_schema = '{quoted}'" if database else f"table_schema not in ({SYSTEM})"
        expression = "expression" if has_expressions else "null"
        filled = (sql.format(where=where, expression=expression) for sql in (TABLES, COLUMNS, INDEXES, KEYS))
        self.fingerprint = FINGERPRINT.format(where=where, expression=expression)
        self.everything = (*filled, self.fingerprint)


def catalog_of(found: list[Rows]) -> Catalog:
    tables, columns, indexes, keys, facts = cast("list[list[Any]]", found)
    fingerprint, default_schema, is_mariadb = facts[0]
    columns_of, indexes_of, keys_of = map(_by_table, (columns, indexes, keys))
    places = sorted((row[0], row[1]) for row in tables if row[2] in KINDS)
    names = {place: frozenset(row[0] for row in columns_of.get(place, ())) for place in places}
    described = {(row[0], row[1]): row[2:] for row in tables}
    return Catalog(
        tables=tuple(
            _table(
                place,
                described[place],
                tuple(_column(row, mariadb=bool(is_mariadb)) for row in columns_of.get(place, ())),
                _grouped(indexes_of.get(place, ())),
                dict(_foreign_keys(keys_of.get(place, ()), names, place)),
            )
            for place in places
        ),
        fingerprint=fingerprint,
        read_at=time(),
        default_schema=default_schema,
    )


def _table(
    place: Place,
    described: Any,  # noqa: ANN401 - what the query says
    columns: tuple[Column, ...],
    indexes: Mapping[str, Any],
    keys: Mapping[str, ForeignKey],
) -> Table:
    kind, engine, comment, rows = described
    visible = {column.name for column in columns}
    primary: tuple[str, ...] = ()
    unique: list[tuple[str, ...]] = []
    others: list[Index] = []
    for name, parts in indexes.items():
        is_unique = not parts[0][0]
        whole = tuple(column for _, column, prefix, _ in parts if column is not None and prefix is None)
        if not {column for _, column, _, _ in parts if column is not None} <= visible:
            continue
        if name == "PRIMARY":
            primary = tuple(column for _, column, _, _ in parts)
        elif is_unique and len(whole) == len(parts):
            unique.append(whole)
        elif is_unique or not _is_of_a_key(name, whole, keys):
            others.append(Index(name, tuple(map(_part, parts)), is_unique))
    return Table(
        schema=place[0],
        name=place[1],
        kind="foreign" if engine in FOREIGN else KINDS[kind],
        comment=None if kind == "VIEW" else comment,
        rows=rows,
        columns=columns,
        primary_key=primary,
        foreign_keys=tuple(keys.values()),
        unique=tuple(unique),
        indexes=tuple(others),
    )


def _is_of_a_key(name: str, columns: tuple[str, ...], keys: Mapping[str, ForeignKey]) -> bool:
    """Whether a foreign key made this index: it is named like the key, or like its first column."""
    return any(columns == key.columns and name in (called, columns[0]) for called, key in keys.items())


def _part(part: Any) -> str:  # noqa: ANN401 - what the query says
    _, column, prefix, expression = part
    if column is None:
        return str(expression)
    return column if prefix is None else f"{column}({prefix})"


def _column(row: Any, *, mariadb: bool) -> Column:  # noqa: ANN401 - what the query says
    name, kind, nullable, default, comment, extra, expression = row
    if mariadb and default == "NULL":  # what a nullable column without a default has there; a text would be quoted
        default = None
    flags = extra.upper().replace("DEFAULT_GENERATED", "")
    generated = "GENERATED" in flags or "AUTO_INCREMENT" in flags
    return Column(name, kind, nullable == "YES", expression or default, comment, generated)


def _foreign_keys(rows: Iterable[Any], names: Names, place: Place) -> Iterable[tuple[str, ForeignKey]]:
    for name, parts in _grouped(rows).items():
        columns, there = tuple(part[0] for part in parts), tuple(part[3] for part in parts)
        target: Place = parts[0][1], parts[0][2]
        if names[place].issuperset(columns) and names.get(target, frozenset()).issuperset(there):
            yield name, ForeignKey(columns, *target, there)


def _by_table(rows: Iterable[Any]) -> dict[Place, list[Any]]:
    found: dict[Place, list[Any]] = {}
    for row in rows:
        found.setdefault((row[0], row[1]), []).append(row[2:])
    return found


def _grouped(rows: Iterable[Any]) -> dict[str, list[Any]]:
    """Group the parts of keys or indexes by the name that comes first."""
    found: dict[str, list[Any]] = {}
    for name, *parts in rows:
        found.setdefault(name, []).append(parts)
    return found
