"""The catalog, as far as SQLAlchemy's Inspector knows it; what a dialect does not tell is left out.

How many round trips that takes is the dialect's affair: a handful for each schema where it reads tables together,
several for each table where it does not.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from time import time
from typing import TYPE_CHECKING, Any, Final

from ...model import Catalog, Column, ForeignKey, Index, Table, TableKind

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Select
    from sqlalchemy.engine import Connection, Dialect, Inspector

SYSTEM: Final = "information_schema"
"""The schema that the SQL standard itself fills; others of a database's own are not known here."""

Found = Mapping[tuple[str | None, str], Any]
"""One kind of facts, by schema and table."""


@dataclass(frozen=True, slots=True)
class Part:
    """What the Inspector says of one schema."""

    schema: str
    columns: Found
    comments: Found
    primary: Found
    foreign: Found
    unique: Found
    indexes: Found
    views: frozenset[str]
    materialized: frozenset[str]


@dataclass(frozen=True, slots=True)
class Reflected:
    """Everything that was read, before it is put into our words."""

    dialect: "Dialect"
    default_schema: str
    parts: tuple[Part, ...]


def reflect(connection: "Connection") -> Reflected:
    from sqlalchemy import inspect

    inspector = inspect(connection)
    default = inspector.default_schema_name
    try:
        names: list[str | None] = [*inspector.get_schema_names()]
    except NotImplementedError:
        names = [default]
    if default is not None and default == connection.engine.url.database:
        # Where schema and database are one, another schema is another connection.
        names = [default]
    parts = tuple(_part(inspector, connection, name) for name in names if (name or "").casefold() != SYSTEM)
    return Reflected(connection.dialect, default or "", parts)


def _part(inspector: "Inspector", connection: "Connection", schema: str | None) -> Part:
    from sqlalchemy.engine.reflection import ObjectKind

    def names(ask: Callable[..., list[str]]) -> frozenset[str]:
        try:
            return frozenset(ask(schema))
        except NotImplementedError:
            return frozenset()

    tables, views = names(inspector.get_table_names), names(inspector.get_view_names)
    materialized = names(inspector.get_materialized_view_names)

    def known(together: Callable[..., Found], alone: Callable[..., Any], *, tables_only: bool = False) -> Found:
        kind, those = (ObjectKind.TABLE, tables) if tables_only else (ObjectKind.ANY, tables | views | materialized)
        found = _tried(connection, together, schema=schema, kind=kind)
        if found is None:
            # One table that may not be looked into spoils the answer for all.
            each = {(schema, name): _tried(connection, alone, name, schema=schema) for name in sorted(those)}
            found = {key: facts for key, facts in each.items() if facts is not None}
        return found

    columns = known(inspector.get_multi_columns, inspector.get_columns)
    unread = {(schema, name) for name in tables | views | materialized} - columns.keys()
    return Part(
        schema=schema or inspector.default_schema_name or "",
        columns={**columns, **{key: _names(connection, *key) for key in sorted(unread, key=lambda key: key[1])}},
        comments=known(inspector.get_multi_table_comment, inspector.get_table_comment),
        primary=known(inspector.get_multi_pk_constraint, inspector.get_pk_constraint, tables_only=True),
        foreign=known(inspector.get_multi_foreign_keys, inspector.get_foreign_keys, tables_only=True),
        unique=known(inspector.get_multi_unique_constraints, inspector.get_unique_constraints, tables_only=True),
        indexes=known(inspector.get_multi_indexes, inspector.get_indexes, tables_only=True),
        views=views,
        materialized=materialized,
    )


def _tried(connection: "Connection", ask: Callable[..., Any], *args: object, **named: object) -> Any:  # noqa: ANN401 - the Inspector's
    """Ask the Inspector; None if the database refuses, nothing if the dialect cannot."""
    from sqlalchemy.exc import DBAPIError, NoSuchTableError

    try:
        return ask(*args, **named)
    except NotImplementedError:
        return {}
    except NoSuchTableError:
        return None
    except DBAPIError as error:
        if error.connection_invalidated:
            raise
        connection.rollback()
        return None


def _names(connection: "Connection", schema: str | None, name: str) -> list[dict[str, Any]]:
    """Return the columns of what may be read but not looked into, as a result shows them."""
    from sqlalchemy import false, literal_column, select, table
    from sqlalchemy.types import NULLTYPE

    everything: ColumnElement[object] = literal_column("*")
    none: Select[object] = select(everything).select_from(table(name, schema=schema)).where(false())
    result = _tried(connection, connection.execute, none)
    return [{"name": column, "type": NULLTYPE} for column in tuple(result.keys())] if result else []


def catalog_of(reflected: Reflected) -> Catalog:
    tables = [
        _table(reflected, part, key, columns) for part in reflected.parts for key, columns in part.columns.items()
    ]
    places = {(table.schema, table.name) for table in tables}
    visible = tuple(
        replace(table, foreign_keys=tuple(key for key in table.foreign_keys if (key.schema, key.table) in places))
        for table in sorted(tables, key=lambda table: (table.schema, table.name))
    )
    return Catalog(
        tables=visible,
        fingerprint=sha256(repr((reflected.default_schema, visible)).encode()).hexdigest()[:16],
        read_at=time(),
        default_schema=reflected.default_schema,
    )


def _table(reflected: Reflected, part: Part, key: tuple[str | None, str], columns: list[dict[str, Any]]) -> Table:
    name = key[1]
    primary: dict[str, Any] = part.primary.get(key) or {}
    comment: dict[str, Any] = part.comments.get(key) or {}
    keyed: tuple[str, ...] = tuple(primary.get("constrained_columns") or ())
    foreign, unique = _sorted(part.foreign.get(key)), _sorted(part.unique.get(key))
    made = {each.get("name") for each in (primary, *foreign, *unique)} - {None}
    kind: TableKind = "materialized" if name in part.materialized else "view" if name in part.views else "table"
    return Table(
        schema=part.schema,
        name=name,
        kind=kind,
        comment=comment.get("text") or None,
        columns=tuple(_column(reflected.dialect, column, keyed) for column in columns),
        primary_key=keyed,
        foreign_keys=tuple(
            ForeignKey(
                tuple(each["constrained_columns"]),
                each["referred_schema"] or reflected.default_schema,
                each["referred_table"],
                tuple(each["referred_columns"]),
            )
            for each in foreign
        ),
        unique=tuple(tuple(each["column_names"]) for each in unique),
        indexes=tuple(_indexes(_sorted(part.indexes.get(key)), made)),
    )


def _sorted(found: Iterable[dict[str, Any]] | None) -> list[dict[str, Any]]:
    return sorted(found or (), key=lambda each: (each.get("name") or "", str(each)))


def _column(dialect: "Dialect", column: dict[str, Any], keyed: tuple[str, ...]) -> Column:
    computed = column.get("computed")
    default = computed["sqltext"] if computed else column.get("default")
    return Column(
        column["name"],
        _type(dialect, column["type"]),
        nullable=bool(column.get("nullable", True)) and column["name"] not in keyed,
        default=None if default is None else str(default),
        comment=column.get("comment") or None,
        generated=bool(computed or column.get("identity")),
    )


def _type(dialect: "Dialect", kind: Any) -> str:  # noqa: ANN401 - a type of SQLAlchemy's
    from sqlalchemy.exc import SQLAlchemyError
    from sqlalchemy.types import NullType

    if isinstance(kind, NullType):
        return "unknown"
    try:
        return kind.compile(dialect=dialect)
    except (SQLAlchemyError, NotImplementedError):
        return str(kind)


def _indexes(indexes: Iterable[dict[str, Any]], made: set[Any]) -> Iterator[Index]:
    for each in indexes:
        # An index that a constraint made goes by its name, or points at it.
        if each["name"] in made or each.get("duplicates_constraint"):
            continue
        columns = tuple(each.get("expressions") or each["column_names"])
        options: dict[str, Any] = each.get("dialect_options") or {}
        where = [f"where {text}" for name, text in options.items() if name.endswith("_where") and text]
        yield Index(
            each["name"], tuple(column or "(expression)" for column in columns) + tuple(where), bool(each["unique"])
        )
