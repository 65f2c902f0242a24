"""DuckDB as a case: a file for each test."""

from collections.abc import AsyncGenerator
from contextlib import AbstractContextManager, asynccontextmanager, closing, nullcontext
from pathlib import Path

import anyio
import duckdb
from colonnade.server.engines.duckdb import ENGINE
from colonnade.server.model import Column, ForeignKey, Index, Table

from tests.contract.case import IN_PROCESS, Case, Golden, Login

SEED = """
    create table authors (
        id integer primary key, name varchar not null, email varchar unique, country varchar default 'NL', born date
    );
    create table books (
        id integer primary key, author_id integer not null references authors (id), title varchar not null,
        published date, slug varchar generated always as (lower(title)), unique (author_id, title)
    );
    create index books_by_title on books (title, (author_id + 1));
    create table loans (book_id integer references books (id), day date, borrower varchar, primary key (book_id, day));
    create view recent as select id, title from books where published >= '2020-01-01';
    comment on table books is 'What can be lent';
    comment on column books.title is 'As on the cover';
    comment on view recent is 'Since 2020';
    create schema stock;
    create type stock.shape as enum ('large', 'small');
    create table stock.shelves (id bigint, label varchar, form stock.shape);
    insert into authors (id, name, email) values (1, 'Ada', 'ada@example.com'), (2, 'Ben', null);
    insert into books (id, author_id, title, published) values (1, 1, 'Engines', '2021-03-04'), (2, 1, 'Numbers', null);
"""

UNTESTABLE = {
    **IN_PROCESS,
    "test_a_statement_without_columns_returns_none": "every statement that reads has columns here",
}

GOLDEN = (
    Golden("true", "BOOLEAN", True),  # noqa: FBT003 - a value
    Golden("(-128)::tinyint", "TINYINT", -128),
    Golden("255::utinyint", "UTINYINT", 255),
    Golden("(-32768)::smallint", "SMALLINT", -32768),
    Golden("65535::usmallint", "USMALLINT", 65535),
    Golden("2147483647", "INTEGER", 2147483647),
    Golden("4294967295::uinteger", "UINTEGER", 4294967295),
    Golden("9007199254740991", "BIGINT", 9007199254740991),
    Golden("9007199254740993", "BIGINT", "9007199254740993"),
    Golden("(-9223372036854775807 - 1)", "BIGINT", "-9223372036854775808"),
    Golden("18446744073709551615::ubigint", "UBIGINT", "18446744073709551615"),
    Golden("170141183460469231731687303715884105727", "HUGEINT", "170141183460469231731687303715884105727"),
    Golden("(-170141183460469231731687303715884105727)", "HUGEINT", "-170141183460469231731687303715884105727"),
    Golden("1::hugeint", "HUGEINT", 1),
    Golden("340282366920938463463374607431768211455::uhugeint", "UHUGEINT", "340282366920938463463374607431768211455"),
    Golden(
        "'-123456789012345678901234567890123456789012345678901'::bignum",
        "BIGNUM",
        "-123456789012345678901234567890123456789012345678901",
    ),
    Golden("1.10", "DECIMAL(3,2)", "1.10"),
    Golden("(-0.01)::decimal(18,4)", "DECIMAL(18,4)", "-0.0100"),
    Golden(
        "'12345678901234567890123456789012345678'::decimal(38,0)",
        "DECIMAL(38,0)",
        f"{12345678901234567890123456789012345678}",
    ),
    Golden("'-0.00000000000000000000000000000000000001'::decimal(38,38)", "DECIMAL(38,38)", "-0." + "0" * 37 + "1"),
    Golden("0.1::double", "DOUBLE", 0.1),
    Golden("'nan'::double", "DOUBLE", "NaN"),
    Golden("'-inf'::double", "DOUBLE", "-Infinity"),
    Golden("1.1::float", "FLOAT", 1.1),
    Golden("'inf'::float", "FLOAT", "Infinity"),
    Golden("16777217::float", "FLOAT", 16777216.0),
    Golden("''", "VARCHAR", ""),
    Golden("'ß ☃ 🦉'", "VARCHAR", "ß ☃ 🦉"),
    Golden("'a' || chr(0) || 'b'", "VARCHAR", "a\0b"),
    Golden("'\\x00\\xFF'::blob", "BLOB", "AP8="),
    Golden("'10101010101'::bit", "BIT", "10101010101"),
    Golden("date '2021-03-04'", "DATE", "2021-03-04"),
    Golden("date '9999-12-31'", "DATE", "9999-12-31"),
    Golden("date '10000-01-01'", "DATE", "10000-01-01"),
    Golden("date '0044-03-15 (BC)'", "DATE", "0044-03-15 (BC)"),
    Golden("date 'infinity'", "DATE", "infinity"),
    Golden("date '-infinity'", "DATE", "-infinity"),
    Golden("time '12:34:56.789012'", "TIME", "12:34:56.789012"),
    Golden("time '24:00:00'", "TIME", "24:00:00"),
    Golden("time_ns '12:34:56.789012345'", "TIME_NS", "12:34:56.789012345"),
    Golden("'12:34:56-05:30:15'::timetz", "TIME WITH TIME ZONE", "12:34:56-05:30:15"),
    Golden("timestamp '2021-03-04 05:06:07.123456'", "TIMESTAMP", "2021-03-04T05:06:07.123456"),
    Golden("timestamp '9999-12-31 23:59:59.999999'", "TIMESTAMP", "9999-12-31T23:59:59.999999"),
    Golden("timestamp '10000-01-01 00:00:00.5'", "TIMESTAMP", "10000-01-01T00:00:00.500000"),
    Golden("timestamp '0044-03-15 (BC) 01:02:03'", "TIMESTAMP", "0044-03-15T01:02:03 (BC)"),
    Golden("timestamp 'infinity'", "TIMESTAMP", "infinity"),
    Golden("timestamp_s '2021-03-04 05:06:07'", "TIMESTAMP_S", "2021-03-04T05:06:07"),
    Golden("timestamp_ms '2021-03-04 05:06:07.5'", "TIMESTAMP_MS", "2021-03-04T05:06:07.500000"),
    Golden("timestamp_ns '2021-03-04 05:06:07.123456789'", "TIMESTAMP_NS", "2021-03-04T05:06:07.123456789"),
    Golden(
        "timestamptz '2021-03-04 05:06:07.123456+02'", "TIMESTAMP WITH TIME ZONE", "2021-03-04T03:06:07.123456+00:00"
    ),
    Golden("timestamptz '-infinity'", "TIMESTAMP WITH TIME ZONE", "-infinity"),
    Golden("interval '14 months -3 days 04:05:06.789'", "INTERVAL", "P1Y2M-3DT4H5M6.789S"),
    Golden("interval '30 days'", "INTERVAL", "P30D"),
    Golden("interval '0 days'", "INTERVAL", "PT0S"),
    Golden("'6F1D2F1E-7E2B-4B6A-9A39-0F3F5A6F7D11'::uuid", "UUID", "6f1d2f1e-7e2b-4b6a-9a39-0f3f5a6f7d11"),
    Golden("'b'::enum('a', 'b')", "ENUM('a', 'b')", "b"),
    Golden('\'{"a": 1.10, "n": 12345678901234567890}\'::json', "JSON", '{"a": 1.10, "n": 12345678901234567890}'),
    Golden("[1, null]", "INTEGER[]", [1, None]),
    Golden("[[9007199254740993], null, []]", "BIGINT[][]", [["9007199254740993"], None, []]),
    Golden("[1.5, 2.25]::decimal(4,2)[2]", "DECIMAL(4,2)[2]", ["1.50", "2.25"]),
    Golden(
        "{'a': 1.10, 'b': [date 'infinity', null]}",
        "STRUCT(a DECIMAL(3,2), b DATE[])",
        '{"a":"1.10","b":["infinity",null]}',
    ),
    Golden("[{'a': 'x\"y'}, null]", "STRUCT(a VARCHAR)[]", ['{"a":"x\\"y"}', None]),
    Golden("map {'k': 9007199254740993}", "MAP(VARCHAR, BIGINT)", '{"k":"9007199254740993"}'),
    Golden("map {1: 'x', 2: null}", "MAP(INTEGER, VARCHAR)", '[[1,"x"],[2,null]]'),
    Golden("'2'::union(n integer, t varchar)", "UNION(n INTEGER, t VARCHAR)", '{"t":"2"}'),
    Golden("2::union(n integer, t varchar)", "UNION(n INTEGER, t VARCHAR)", '{"n":2}'),
    Golden("null::union(n integer, t varchar)", "UNION(n INTEGER, t VARCHAR)", None),
    Golden("null", '"NULL"', None),
    Golden("null::integer[2]", "INTEGER[2]", None),
    Golden("null::struct(a integer)", "STRUCT(a INTEGER)", None),
)

TABLES = (
    Table(
        "main",
        "authors",
        columns=(
            Column("id", "INTEGER", nullable=False),
            Column("name", "VARCHAR", nullable=False),
            Column("email", "VARCHAR"),
            Column("country", "VARCHAR", default="'NL'"),
            Column("born", "DATE"),
        ),
        primary_key=("id",),
        unique=(("email",),),
    ),
    Table(
        "main",
        "books",
        comment="What can be lent",
        columns=(
            Column("id", "INTEGER", nullable=False),
            Column("author_id", "INTEGER", nullable=False),
            Column("title", "VARCHAR", nullable=False, comment="As on the cover"),
            Column("published", "DATE"),
            Column("slug", "VARCHAR", default="CAST(lower(title) AS VARCHAR)", generated=True),
        ),
        primary_key=("id",),
        foreign_keys=(ForeignKey(("author_id",), "main", "authors", ("id",)),),
        unique=(("author_id", "title"),),
        indexes=(Index("books_by_title", ("title", "((author_id + 1))")),),
    ),
    Table(
        "main",
        "loans",
        columns=(
            Column("book_id", "INTEGER", nullable=False),
            Column("day", "DATE", nullable=False),
            Column("borrower", "VARCHAR"),
        ),
        primary_key=("book_id", "day"),
        foreign_keys=(ForeignKey(("book_id",), "main", "books", ("id",)),),
    ),
    Table(
        "main",
        "recent",
        kind="view",
        comment="Since 2020",
        columns=(Column("id", "INTEGER"), Column("title", "VARCHAR")),
    ),
    Table(
        "stock",
        "shelves",
        columns=(Column("id", "BIGINT"), Column("label", "VARCHAR"), Column("form", "ENUM('large', 'small')")),
    ),
)

CHANGES = {
    "a table": "create table added (id integer, note varchar)",
    "a column": "alter table added add column pages integer",
    "a column's name": "alter table added rename column pages to leaves",
    "a column's type": "alter table added alter leaves type bigint",
    "a default": "alter table added alter leaves set default 7",
    "a default less": "alter table added alter leaves drop default",
    "not null": "alter table added alter note set not null",
    "not null less": "alter table added alter note drop not null",
    "a primary key": "alter table added add primary key (id)",
    "a table's comment": "comment on table added is 'new'",
    "another comment": "comment on table added is 'newer'",
    "a table's comment less": "comment on table added is null",
    "a column's comment": "comment on column added.note is 'said'",
    "a column less": "alter table added drop column leaves",
    "a view": "create view titles as select title, note from books, added",
    "a view's comment": "comment on view titles is 'joined'",
    "a view's column's comment": "comment on column titles.title is 'seen'",
    "another view": "create or replace view titles as select title from books",
    "an index": "create index authors_by_name on authors (name)",
    "an index less": "drop index authors_by_name",
    "a unique index": "create unique index authors_by_name on authors (name)",
    "a table from a query": "create table made as select 1 as n",
    "a table's name": "alter table made rename to other",
    "a table in another schema": "create table stock.boxes (id integer)",
    "a schema less": "drop schema stock cascade",
    "a view less": "drop view titles",
    "a table less": "drop table added",
}


def start() -> AbstractContextManager[object]:
    return nullcontext()


async def write(path: Path, sql: str) -> None:
    """Write as another program would: as soon as nobody has the file open."""
    with anyio.fail_after(5):
        while True:
            try:
                database = duckdb.connect(path)
                break
            except (duckdb.ConnectionException, duckdb.IOException):
                await anyio.sleep(0.01)
    with closing(database):
        database.execute(sql)


@asynccontextmanager
async def case(_started: object, folder: Path) -> AsyncGenerator[Case]:
    path = folder / "library.duckdb"
    await write(path, SEED)
    yield Case(
        type="duckdb",
        engine=ENGINE,
        login=Login({"path": str(path), "idle_seconds": 0.02}),
        owner=None,
        version=f"DuckDB {duckdb.__version__}",
        admin=lambda sql: write(path, sql),
        slow="select count(*) from range(100000000000000) n(x) where x % 7 = 3",
        rows=lambda count: f"select x::integer, 'row ' || x as name from range(1, {count} + 1) n(x)",
        endless="select x from range(100000000000000) n(x)",
        nothing=None,
        write="insert into authors (id, name) values (3, 'Cleo')",
        ddl="create table made (id integer)",
        golden=GOLDEN,
        tables=TABLES,
        default_schema="main",
        changes=CHANGES,
        server=None,
    )
