"""The catalog, from DuckDB's own functions: they tell generated columns, and indexes by their expressions."""

from collections.abc import Mapping
from time import time
from typing import TYPE_CHECKING, Any, Final

from ...model import Catalog, Column, ForeignKey, Index, Table

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

OURS: Final = "database_name = current_database() and not internal"
TABLES: Final = f"""
select schema_name, table_name, 'table', comment, estimated_size from duckdb_tables() where {OURS} and not temporary
union all
select schema_name, view_name, 'view', comment, null from duckdb_views() where {OURS} and not temporary
"""  # noqa: S608 - from constants
COLUMNS: Final = f"""
select schema_name, table_name, column_name, data_type, is_nullable,
       case when is_generated then generation_expression else column_default end, comment, is_generated
from duckdb_columns() where {OURS} order by schema_name, table_name, column_index
"""  # noqa: S608 - from constants
KEYS: Final = """
select schema_name, table_name, constraint_type, constraint_column_names, referenced_table, referenced_column_names
from duckdb_constraints() where database_name = current_database()
    and constraint_type in ('PRIMARY KEY', 'UNIQUE', 'FOREIGN KEY')
order by schema_name, table_name, constraint_column_names
"""
INDEXES: Final = """
select schema_name, table_name, index_name, cast(expressions as varchar[]), is_unique
from duckdb_indexes() where database_name = current_database() order by schema_name, table_name, index_name
"""
# The texts of CREATE hold everything but comments, and the columns that a view has got by what is below it.
FINGERPRINT: Final = f"""
with part(text) as (
    select concat_ws(chr(31), 't', schema_name, table_name, comment is null, comment, sql)
    from duckdb_tables() where {OURS} and not temporary
    union all
    select concat_ws(chr(31), 'v', schema_name, view_name, comment is null, comment, sql)
    from duckdb_views() where {OURS} and not temporary
    union all
    select concat_ws(chr(31), 'i', schema_name, table_name, index_name, sql)
    from duckdb_indexes() where database_name = current_database()
    union all
    select concat_ws(chr(31), 'c', schema_name, table_name, column_index, column_name, data_type, comment is null,
        comment)
    from duckdb_columns() where {OURS}
)
select md5(string_agg(text, chr(30) order by text)) from part
"""  # noqa: S608 - from constants

Row = tuple[Any, ...]
Place = tuple[str, str]


def read_fingerprint(connection: "DuckDBPyConnection") -> str:
    ((digest,),) = connection.execute(FINGERPRINT).fetchall()
    return str(digest)[:16]


def read_catalog(connection: "DuckDBPyConnection") -> Catalog:
    connection.begin()
    tables, columns, keys, indexes = (connection.execute(sql).fetchall() for sql in (TABLES, COLUMNS, KEYS, INDEXES))
    ((default,),) = connection.execute("select current_schema()").fetchall()
    columns_of, keys_of, indexes_of = _by_table(columns), _by_table(keys), _by_table(indexes)
    return Catalog(
        tables=tuple(
            Table(
                schema=schema,
                name=name,
                kind=kind,
                comment=comment,
                rows=rows,
                columns=tuple(Column(*row[2:]) for row in columns_of.get((schema, name), ())),
                primary_key=next(iter(_keys("PRIMARY KEY", keys_of.get((schema, name), ()))), ()),
                foreign_keys=tuple(
                    # A key cannot leave its schema.
                    ForeignKey(tuple(row[3]), schema, row[4], tuple(row[5]))
                    for row in keys_of.get((schema, name), ())
                    if row[2] == "FOREIGN KEY"
                ),
                unique=tuple(_keys("UNIQUE", keys_of.get((schema, name), ()))),
                indexes=tuple(
                    Index(row[2], tuple(map(_unquoted, row[3])), row[4]) for row in indexes_of.get((schema, name), ())
                ),
            )
            for schema, name, kind, comment, rows in sorted(tables, key=lambda row: (row[0], row[1]))
        ),
        fingerprint=read_fingerprint(connection),
        read_at=time(),
        default_schema=default,
    )


def _by_table(rows: list[Row]) -> Mapping[Place, list[Row]]:
    found: dict[Place, list[Row]] = {}
    for row in rows:
        found.setdefault((row[0], row[1]), []).append(row)
    return found


def _keys(kind: str, keys: "list[Row] | tuple[()]") -> list[tuple[str, ...]]:
    return [tuple(row[3]) for row in keys if row[2] == kind]


def _unquoted(expression: str) -> str:
    """Return a column by its name; any other expression stays as it is written."""
    if len(expression) > 1 and expression[0] == expression[-1] == '"' and '"' not in expression[1:-1].replace('""', ""):
        return expression[1:-1].replace('""', '"')
    return expression
