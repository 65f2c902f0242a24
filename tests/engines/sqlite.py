"""SQLite as a case: a file for each test."""

import math
import sqlite3
from collections.abc import AsyncGenerator
from contextlib import AbstractContextManager, asynccontextmanager, closing, nullcontext
from pathlib import Path

from anyio.lowlevel import checkpoint
from colonnade.server.engines.sqlite import ENGINE
from colonnade.server.model import Column, ForeignKey, Index, Table

from tests.contract.case import IN_PROCESS, Case, Golden, Login

SEED = """
    create table authors (
        id integer primary key, name text not null, email text unique, country text default 'NL', born text
    );
    create table books (
        id integer primary key, author_id integer not null references authors (id), title text not null,
        published text, unique (author_id, title)
    );
    create index books_by_title on books (title);
    create table loans (book_id integer references books (id), day text, borrower text, primary key (book_id, day));
    create view recent as select id, title from books where published >= '2020';
    insert into authors (id, name, email) values (1, 'Ada', 'ada@example.com'), (2, 'Ben', null);
    insert into books values (1, 1, 'Engines', '2021-03-04'), (2, 1, 'Numbers', null);
"""

COUNT = "with recursive n(x) as (select 1 union all select x + 1 from n)"

UNTESTABLE = {
    **IN_PROCESS,
    "test_a_statement_without_columns_returns_none": "every statement that reads has columns here",
}

GOLDEN = (
    Golden("1", "integer", 1),
    Golden("9007199254740991", "integer", 9007199254740991),
    Golden("9007199254740993", "integer", "9007199254740993"),
    Golden("-9223372036854775807 - 1", "integer", "-9223372036854775808"),
    Golden("0.1", "real", 0.1),
    Golden("9e999", "real", "Infinity"),
    Golden("-9e999", "real", "-Infinity"),
    Golden(str(math.pi), "real", math.pi),
    Golden("''", "text", ""),
    Golden("'a b'", "text", "a b"),
    Golden("'ß ☃ 🦉'", "text", "ß ☃ 🦉"),
    Golden("x'00ff'", "blob", "AP8="),
    Golden("null", "any", None),
)

TABLES = (
    Table(
        "main",
        "authors",
        columns=(
            Column("id", "integer", nullable=False),
            Column("name", "text", nullable=False),
            Column("email", "text"),
            Column("country", "text", default="'NL'"),
            Column("born", "text"),
        ),
        primary_key=("id",),
        unique=(("email",),),
    ),
    Table(
        "main",
        "books",
        columns=(
            Column("id", "integer", nullable=False),
            Column("author_id", "integer", nullable=False),
            Column("title", "text", nullable=False),
            Column("published", "text"),
        ),
        primary_key=("id",),
        foreign_keys=(ForeignKey(("author_id",), "main", "authors", ("id",)),),
        unique=(("author_id", "title"),),
        indexes=(Index("books_by_title", ("title",)),),
    ),
    Table(
        "main",
        "loans",
        columns=(
            Column("book_id", "integer", nullable=False),
            Column("day", "text", nullable=False),
            Column("borrower", "text"),
        ),
        primary_key=("book_id", "day"),
        foreign_keys=(ForeignKey(("book_id",), "main", "books", ("id",)),),
    ),
    Table("main", "recent", kind="view", columns=(Column("id", "integer"), Column("title", "text"))),
)

CHANGES = {
    "a table": "create table added (id integer)",
    "a column": "alter table books add column pages integer",
    "a column's name": "alter table books rename column pages to leaves",
    "a column less": "alter table books drop column leaves",
    "a view": "create view titles as select title from books",
    "an index": "create index authors_by_name on authors (name)",
    "an index less": "drop index authors_by_name",
    "a table less": "drop table added",
}


def start() -> AbstractContextManager[object]:
    return nullcontext()


@asynccontextmanager
async def case(_started: object, folder: Path) -> AsyncGenerator[Case]:
    path = folder / "library.sqlite"
    with closing(sqlite3.connect(path)) as database:
        database.executescript(SEED)

    async def admin(sql: str) -> None:
        await checkpoint()
        with closing(sqlite3.connect(path)) as database, database:
            database.execute(sql)

    yield Case(
        type="sqlite",
        engine=ENGINE,
        login=Login({"path": str(path)}),
        owner=None,
        version=f"SQLite {sqlite3.sqlite_version}",
        admin=admin,
        slow=f"{COUNT} select count(*) from n",
        rows=lambda count: f"{COUNT} select x, 'row ' || x as name from n limit {count}",
        endless=f"{COUNT} select x from n",
        nothing=None,
        write="insert into authors (id, name) values (3, 'Cleo')",
        ddl="create table made (id integer)",
        golden=GOLDEN,
        tables=TABLES,
        default_schema="main",
        changes=CHANGES,
        server=None,
    )
