"""The catalog, from SHOW: it answers without a warehouse, which a query of INFORMATION_SCHEMA would wake and pay for.

SHOW tells 10,000 rows at most. Where it may have told less than there is, INFORMATION_SCHEMA is asked instead; it has
no columns of keys, so that keys beyond 10,000 columns are not told.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from operator import attrgetter
from time import time
from typing import Any, Final

from ...model import Catalog, Column, ForeignKey, Table, TableKind
from .values import sized

MOST: Final = 10_000

Row = Mapping[str, Any]
Rows = Sequence[Row]

SHOWN: Final = ("TABLES", "VIEWS", "COLUMNS", "PRIMARY KEYS", "UNIQUE KEYS", "IMPORTED KEYS")

# Named and formed as SHOW has them.
INSTEAD: Final[Mapping[str, str]] = {
    "TABLES": """
select table_schema as "schema_name", table_name as "name", comment as "comment", row_count as "rows",
       iff(table_type = 'EXTERNAL TABLE', 'Y', 'N') as "is_external"
from {database}.information_schema.tables where table_type not in ('VIEW', 'MATERIALIZED VIEW')
""",
    "VIEWS": """
select table_schema as "schema_name", table_name as "name", comment as "comment",
       iff(table_type = 'MATERIALIZED VIEW', 'true', 'false') as "is_materialized"
from {database}.information_schema.tables where table_type in ('VIEW', 'MATERIALIZED VIEW')
""",
    "COLUMNS": """
select table_schema as "schema_name", table_name as "table_name", column_name as "column_name",
       data_type as "data_type", numeric_precision as "precision", numeric_scale as "scale",
       datetime_precision as "fraction", character_maximum_length as "length",
       iff(is_nullable = 'YES', 'true', 'false') as "null?", column_default as "default", comment as "comment",
       iff(is_identity = 'YES', 'IDENTITY', '') as "autoincrement"
from {database}.information_schema.columns order by table_schema, table_name, ordinal_position
""",
}
SYSTEM: Final = "INFORMATION_SCHEMA"


@dataclass(frozen=True, slots=True)
class Found:
    """What SHOW told, by its word, and the schema that names are looked up in."""

    rows: Mapping[str, Rows]
    default_schema: str


def show(what: str, database: str) -> str:
    return f"SHOW {what} IN DATABASE {quoted(database)}"


def instead(what: str, rows: Rows, database: str) -> str | None:
    """Return what to ask for all of it, if SHOW may have left something out."""
    return INSTEAD[what].format(database=quoted(database)) if len(rows) >= MOST and what in INSTEAD else None


def quoted(name: str) -> str:
    doubled = name.replace('"', '""')
    return f'"{doubled}"'


def catalog_of(found: Found) -> Catalog:
    tables = _tables(found)
    return Catalog(
        tables=tuple(tables), fingerprint=_digest(tables), read_at=time(), default_schema=found.default_schema
    )


def fingerprint_of(found: Found) -> str:
    """Digest all that the catalog tells but counts of rows: Snowflake's own times of change move with every DML too."""
    return _digest(_tables(found))


def _digest(tables: Iterable[Table]) -> str:
    digest = sha256()
    for table in tables:
        digest.update(repr(replace(table, rows=None)).encode())
    return digest.hexdigest()[:32]


def _tables(found: Found) -> list[Table]:
    columns = _grouped(found.rows["COLUMNS"], "schema_name", "table_name")
    primary = _keys(found.rows["PRIMARY KEYS"])
    unique = _keys(found.rows["UNIQUE KEYS"])
    foreign = _foreign_keys(found.rows["IMPORTED KEYS"])
    tables: list[Table] = []
    for what in ("TABLES", "VIEWS"):
        for row in found.rows[what]:
            place = row["schema_name"], row["name"]
            kind = _kind(what, row)
            tables.append(
                Table(
                    schema=row["schema_name"],
                    name=row["name"],
                    kind=kind,
                    comment=row.get("comment") or None,
                    rows=int(row["rows"]) if row.get("rows") is not None and kind == "table" else None,
                    columns=tuple(map(_column, columns.get(place, ()))),
                    primary_key=next(iter(primary.get(place, ())), ()),
                    foreign_keys=tuple(foreign.get(place, ())),
                    unique=tuple(unique.get(place, ())),
                )
            )
    tables = [table for table in tables if table.schema != SYSTEM]
    tables.sort(key=attrgetter("schema", "name"))
    return tables


def _kind(what: str, row: Row) -> TableKind:
    if what == "VIEWS":
        return "materialized" if _true(row.get("is_materialized")) else "view"
    if _true(row.get("is_dynamic")):
        return "materialized"
    return "external" if _true(row.get("is_external")) else "table"


def _true(value: object) -> bool:
    return str(value).lower() in ("true", "y", "yes")


def _column(row: Row) -> Column:
    expression = row.get("expression")
    return Column(
        name=row["column_name"],
        type=_type(row),
        nullable=_true(row["null?"]),
        default=row.get("default") or expression or None,
        comment=row.get("comment") or None,
        generated=bool(expression or row.get("autoincrement")),
    )


def _type(row: Row) -> str:  # noqa: PLR0911 - one return for each kind of type
    """Name a type from SHOW's JSON, or from INFORMATION_SCHEMA's columns."""
    told: str = row["data_type"]
    if told.startswith("{"):
        facts: Row = json.loads(told)
        fraction = facts.get("scale")
    else:
        facts = {"type": told, **row}
        fraction = row.get("fraction")
    match facts["type"]:
        case "FIXED" | "NUMBER":
            return f"number({facts['precision']},{facts['scale']})"
        case "REAL":
            return "float"
        case "TEXT":
            return sized("varchar", facts.get("length"))
        case "BINARY":
            return sized("binary", facts.get("length"))
        case "TIME" | "TIMESTAMP_NTZ" | "TIMESTAMP_LTZ" | "TIMESTAMP_TZ" as name if fraction is not None:
            return f"{name.lower()}({fraction})"
        case "VECTOR" if "dimension" in facts:
            element = facts.get("vectorElementType", {}).get("type", "float").lower()
            return f"vector({'int' if element == 'fixed' else 'float'}, {facts['dimension']})"
        case name:
            return name.lower()


def _grouped(rows: Rows, *names: str) -> dict[tuple[str, ...], list[Row]]:
    found: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        found.setdefault(tuple(row[name] for name in names), []).append(row)
    return found


def _ordered(parts: Iterable[Row]) -> list[Row]:
    return sorted(parts, key=lambda row: int(row["key_sequence"]))


def _keys(rows: Rows) -> dict[tuple[str, ...], list[tuple[str, ...]]]:
    found: dict[tuple[str, ...], list[tuple[str, ...]]] = {}
    for place, parts in sorted(_grouped(rows, "schema_name", "table_name", "constraint_name").items()):
        found.setdefault(place[:2], []).append(tuple(row["column_name"] for row in _ordered(parts)))
    return found


def _foreign_keys(rows: Rows) -> dict[tuple[str, ...], list[ForeignKey]]:
    found: dict[tuple[str, ...], list[ForeignKey]] = {}
    for place, unordered in sorted(_grouped(rows, "fk_schema_name", "fk_table_name", "fk_name").items()):
        parts = _ordered(unordered)
        first = parts[0]
        # Another database is another connection.
        if first["pk_database_name"] == first["fk_database_name"]:
            columns = tuple(row["fk_column_name"] for row in parts)
            there = tuple(row["pk_column_name"] for row in parts)
            found.setdefault(place[:2], []).append(
                ForeignKey(columns, first["pk_schema_name"], first["pk_table_name"], there)
            )
    return found
