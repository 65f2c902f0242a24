"""What only the generic engine does: URLs and drivers of all kinds, and what it finds out of them by trying."""

import asyncio
import gc
import os
import socket
import sqlite3
import sys
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import anyio
import asyncmy
import oracledb
import pytest
from colonnade.server.engines.base import Client
from colonnade.server.engines.sqlalchemy import ENGINE
from colonnade.server.engines.sqlalchemy.options import SqlalchemyOptions
from colonnade.server.engines.sqlalchemy.values import result_column
from colonnade.server.errors import (
    AuthFailed,
    ColonnadeError,
    ConfigError,
    Denied,
    DriverMissing,
    SqlError,
    TimedOut,
    Unreachable,
)
from colonnade.server.model import Cell, Column, ForeignKey, Index, Judged, Limits, ResultColumn, Table
from colonnade.server.secrets import resolve
from pydantic import ValidationError

from tests.contract.case import Case, ask, encode
from tests.contract.case import opened as opened_case
from tests.engines.mysql import mariadb

SECRET = "hunter2"
DSN = os.environ.get("COLONNADE_TEST_SQLALCHEMY_DSN")

COUNT = "with recursive n(x) as (select 1 union all select x + 1 from n)"


@dataclass(frozen=True, slots=True)
class Place:
    """A database that is not the contract's."""

    url: str
    settings: dict[str, str]
    owner: dict[str, str]
    slow: str
    endless: str


@asynccontextmanager
async def opened(url: str, limits: Limits | None = None, **settings: object) -> AsyncGenerator[Client]:
    options = SqlalchemyOptions.model_validate({"url": url, **settings})
    with anyio.fail_after(20):
        client = await ENGINE.open(options, await resolve(options), limits or Limits())
    try:
        yield client
    finally:
        with anyio.fail_after(20, shield=True):
            await client.close()


async def read(
    client: Client, sql: str, *, rows: int = 200, seconds: float = 10
) -> tuple[list[ResultColumn], list[tuple[Cell, ...]]]:
    found: list[tuple[Cell, ...]] = []
    async with client.run(Judged(text=sql, dialect="generic"), rows=rows, seconds=seconds) as cursor:
        async for batch in cursor.batches():
            found += [tuple(map(encode, cursor.columns, row)) for row in batch]
        return list(cursor.columns), found


async def values(client: Client, sql: str) -> tuple[Cell, ...]:
    return (await read(client, f"select {sql}"))[1][0]


SEED = """
create table authors (
    id integer primary key, name varchar(50) not null, email varchar(50), country varchar(2) default 'NL',
    unique (email)
);
create table books (
    id integer primary key, author_id integer not null, title varchar(200) not null,
    foreign key (author_id) references authors (id)
);
create index books_by_title on books (title);
create view recent as select id, title from books;
insert into authors (id, name) values (1, 'Ada'), (2, 'Ben')
"""


async def seed(unix_socket: str) -> None:
    connection = await cast("Any", asyncmy).connect(unix_socket=unix_socket, user="root")
    async with connection.cursor() as cursor:
        for sql in (
            "create database shop",
            "use shop",
            *SEED.split(";"),
            f"create user reader identified by '{SECRET}'",
            f"create user owner identified by '{SECRET}'",
            f"create user admin identified by '{SECRET}'",
            "grant all on *.* to admin",
            "grant select on shop.* to reader",
            "grant all on shop.* to owner",
            "alter table authors comment 'Who wrote it'",
        ):
            await cursor.execute(sql)
    await connection.commit()
    await connection.ensure_closed()


@pytest.fixture(scope="session")
def maria() -> Generator[Place]:
    with mariadb() as (unix_socket, port):
        asyncio.run(seed(unix_socket))
        yield Place(
            url=f"mysql+asyncmy://127.0.0.1:{port}/shop",
            settings={"user": "reader", "password": SECRET},
            owner={"user": "owner", "password": SECRET},
            slow="select sleep(60)",
            endless="select a.seq from seq_1_to_1000000 a, seq_1_to_1000000 b",
        )


@pytest.fixture
def lite(tmp_path: Path) -> Place:
    path = tmp_path / "library.db"
    with closing(sqlite3.connect(path)) as database:
        database.executescript(SEED)
    return Place(
        url=f"sqlite+aiosqlite:///file:{path}?mode=ro&uri=true",
        settings={},
        owner={},
        slow=f"{COUNT} select count(*) from n",
        endless=f"{COUNT} select x from n",
    )


@pytest.fixture(params=["lite", "maria"])
def place(request: pytest.FixtureRequest) -> Place:
    return request.getfixturevalue(request.param)


@pytest.fixture(params=["lite", "maria", *(["given"] if DSN else [])])
def anywhere(request: pytest.FixtureRequest) -> tuple[str, dict[str, str]]:
    """Where to ask what needs no seed: the URL of the environment too."""
    if request.param == "given":
        return DSN or "", {}
    place: Place = request.getfixturevalue(request.param)
    return place.url, place.settings


# Settings


def test_a_url_is_needed_and_what_is_unknown_is_refused() -> None:
    with pytest.raises(ValidationError, match="url"):
        SqlalchemyOptions.model_validate({})
    with pytest.raises(ValidationError, match="host"):
        SqlalchemyOptions.model_validate({"url": "a+b://c/d", "host": "c"})


def test_every_option_can_be_shown_in_a_form() -> None:
    for field in SqlalchemyOptions.model_fields.values():
        assert field.description
        assert set(cast("dict[str, str]", field.json_schema_extra)) == {"label", "group"}


@pytest.mark.parametrize(
    ("scheme", "named"),
    [
        ("mysql", "mysql+asyncmy://"),
        ("postgresql+psycopg2", "postgresql+asyncpg://"),
        ("sqlite", "sqlite+aiosqlite://"),
    ],
)
async def test_a_driver_that_blocks_is_refused_with_those_that_do_not(scheme: str, named: str) -> None:
    with pytest.raises(ConfigError, match="is not async") as caught:
        async with opened(f"{scheme}://user:{SECRET}@127.0.0.1:1/db"):
            pass
    assert named in caught.value.hint
    assert SECRET not in str(caught.value)


async def test_a_driver_that_is_not_installed_is_told_with_its_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "aiomysql", None)
    with pytest.raises(DriverMissing, match=r"aiomysql.*pip install aiomysql.*mysql\+asyncmy://"):
        async with opened("mysql+aiomysql://127.0.0.1:1/db"):
            pass


async def test_an_unknown_dialect_is_told_with_a_command() -> None:
    with pytest.raises(DriverMissing, match=r"no dialect nosuch\+driver.*pip install sqlalchemy-nosuch"):
        async with opened("nosuch+driver://127.0.0.1:1/db"):
            pass


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql+asyncpg://user:{SECRET}@x@127.0.0.1:1/db",
        f"postgresql+asyncpg://user:{SECRET}/x@127.0.0.1:1/db",
        f"postgresql+asyncpg://user:{SECRET}#x@127.0.0.1:1/db",
        f"postgresql+asyncpg://user:x@127.0.0.1:{SECRET}/db",
        f"postgresql+asyncpg://user:x@127.0.0.1:1/db?password={SECRET}",
        f"postgresql+asyncpg://user:x@127.0.0.1:1/db?nosuch={SECRET}",
        f"user:{SECRET}@127.0.0.1:1/db",
        SECRET,
    ],
)
async def test_no_piece_of_a_url_that_holds_a_secret_comes_out(url: str) -> None:
    with pytest.raises((ConfigError, Unreachable)) as caught:
        async with opened(url):
            pass
    assert SECRET not in str(caught.value)


async def test_arguments_of_the_driver_arrive(lite: Place) -> None:
    with pytest.raises(ConfigError, match="driver raised TypeError"):
        async with opened(lite.url, connect_args={"nosuch": 1}):
            pass
    async with opened(lite.url, connect_args={"cached_statements": 1}) as client:
        assert await values(client, "1") == (1,)


async def test_a_tunnel_is_asked_for_every_connection_and_used(maria: Place) -> None:
    asked: list[tuple[str, int]] = []
    port = int(maria.url.partition("127.0.0.1:")[2].partition("/")[0])

    async def route(host: str, port_there: int) -> tuple[str, int]:
        asked.append((host, port_there))
        await anyio.lowlevel.checkpoint()
        return "127.0.0.1", port

    options = SqlalchemyOptions.model_validate(
        {"url": "mysql+asyncmy://db.invalid:3306/shop", "ssh": {"host": "bastion"}, **maria.settings}
    )
    client = await ENGINE.open(options, await resolve(options), Limits(), route)
    try:
        assert await values(client, "1") == (1,)
    finally:
        await client.close()
    assert asked == [("db.invalid", 3306)]


async def test_a_tunnel_needs_a_host_and_a_port(lite: Place) -> None:
    with pytest.raises(ConfigError, match="a host and a port"):
        async with opened(lite.url, ssh={"host": "bastion"}):
            pass


# Opening


async def test_a_file_that_is_not_there_is_told_by_its_name(tmp_path: Path) -> None:
    with pytest.raises(Unreachable, match=r"Cannot reach nowhere\.db: there is no such database"):
        async with opened(f"sqlite+aiosqlite:///file:{tmp_path}/nowhere.db?mode=ro&uri=true"):
            pass


async def test_failures_of_other_drivers_are_told_apart(maria: Place) -> None:
    with pytest.raises(AuthFailed, match="refused the login"):
        async with opened(maria.url, user="reader", password="wrong"):
            pass
    with pytest.raises(Unreachable, match="nowhere: there is no such database"):
        async with opened(maria.url.replace("/shop", "/nowhere"), user="admin", password=SECRET):
            pass
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port: int = unused.getsockname()[1]
        with pytest.raises(Unreachable, match=f"127.0.0.1:{port}/shop: connection refused"):
            async with opened(f"mysql+asyncmy://127.0.0.1:{port}/shop"):
                pass


async def test_a_silent_server_is_given_up_at_the_connect_limit() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        port: int = silent.getsockname()[1]
        with anyio.fail_after(3), pytest.raises(Unreachable, match=r"no answer within 0\.3 s"):
            async with opened(f"mysql+asyncmy://127.0.0.1:{port}/shop", Limits(connect=0.3)):
                pass


# Statements, anywhere


async def test_the_text_reaches_the_database_as_it_is(anywhere: tuple[str, dict[str, str]]) -> None:
    text = "100 % :x %s %(n)s :1 {y} %% $1 ?"
    url, settings = anywhere
    async with opened(url, None, **settings) as client:
        assert await values(client, f"'{text}', 7 % 4") == (text, 3)


async def test_it_says_what_it_is(anywhere: tuple[str, dict[str, str]]) -> None:
    url, settings = anywhere
    async with opened(url, None, **settings) as client:
        version = (await client.ping()).version
    assert version.split()[0] == url.partition("+")[0]
    assert version[-1].isdigit()


async def test_of_a_login_nothing_is_promised_that_its_database_does_not_tell(
    anywhere: tuple[str, dict[str, str]],
) -> None:
    url, settings = anywhere
    async with opened(url, None, **settings) as client:
        assert (await client.login()).dangers == ("what this login may write is not known",)
        assert (await client.login()).remedy == ENGINE.remedy


async def test_two_statements_never_run_as_one(anywhere: tuple[str, dict[str, str]]) -> None:
    url, settings = anywhere
    async with opened(url, None, **settings) as client:
        for sql in ("select 1; select 2", "commit; select 1", "select 1;; select 2"):
            with pytest.raises(ColonnadeError):
                await read(client, sql)
        assert (await read(client, "select 1;"))[1] == [(1,)]


async def test_the_catalog_of_one_schema_is_always_the_same(anywhere: tuple[str, dict[str, str]]) -> None:
    url, settings = anywhere
    async with opened(url, None, **settings) as client:
        first, second = await client.catalog(), await client.catalog()
        assert first.tables == second.tables
        assert first.fingerprint == second.fingerprint == await client.fingerprint()
        assert "information_schema" not in {table.schema for table in first.tables}


# Statements, in both


async def test_an_endless_result_is_streamed(place: Place) -> None:
    async with opened(place.url, Limits(concurrent=1), **place.settings) as client:
        with anyio.fail_after(5):
            assert len((await read(client, place.endless, rows=20_000))[1]) == 20_001
        assert await values(client, "1") == (1,)


async def test_a_statement_ends_at_its_deadline_and_nothing_is_logged(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    async with opened(place.url, Limits(concurrent=1), **place.settings) as client:
        for sql in (place.slow, place.slow):
            with anyio.fail_after(2), pytest.raises(TimedOut, match=r"0\.3 s"):
                await read(client, sql, seconds=0.3)
        with anyio.fail_after(2):
            assert await values(client, "1") == (1,)
    gc.collect()
    assert caplog.text == ""


async def test_a_cancellation_at_any_moment_leaves_everything_usable(place: Place) -> None:
    async with opened(place.url, Limits(concurrent=2), **place.settings) as client:
        for moment in range(12):
            with anyio.move_on_after(moment * 0.003):
                await read(client, (place.slow, place.endless)[moment % 2], rows=100_000)
            with anyio.fail_after(3):
                assert await values(client, "1") == (1,)


async def test_a_write_does_not_stay(place: Place) -> None:
    async with opened(place.url, None, **place.owner) as client:
        for sql in ("insert into authors (id, name) values (3, 'Cleo')", "create table made (id integer)"):
            with pytest.raises(Denied, match="only reads"):
                await read(client, sql)
        assert await values(client, "count(*) from authors") == (2,)
        assert "made" not in {table.name for table in (await client.catalog()).tables}


async def test_where_there_is_no_read_only_mode_a_write_is_rolled_back(lite: Place) -> None:
    url = lite.url.replace("mode=ro", "mode=rw")
    async with opened(url) as client:
        for sql in ("insert into authors (id, name) values (3, 'Cleo')", "create table made (id integer)"):
            assert await read(client, sql) == ([], [])
        assert await values(client, "count(*) from authors") == (2,)
        assert "made" not in {table.name for table in (await client.catalog()).tables}


async def test_a_driver_that_takes_several_statements_is_sent_one(maria: Place) -> None:
    async with opened(maria.url, None, **maria.owner) as client:
        with pytest.raises(SqlError, match="several statements"):
            await read(client, "commit; insert into authors (id, name) values (3, 'Cleo'); commit")
        assert await values(client, "'a;b'") == ("a;b",)
        assert await values(client, "count(*) from authors") == (2,)


async def test_a_driver_that_can_only_be_closed_by_waiting_for_it_is(
    lite: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sqlalchemy.dialects.sqlite.aiosqlite import SQLiteDialect_aiosqlite

    async with opened(lite.url, Limits(concurrent=1)) as client:
        monkeypatch.setattr(SQLiteDialect_aiosqlite, "has_terminate", False)
        with pytest.raises(TimedOut):
            await read(client, lite.slow, seconds=0.2)
        assert await values(client, "1") == (1,)


# Values


async def test_values_of_another_driver_are_exact(maria: Place) -> None:
    expected: dict[str, tuple[str, Cell]] = {
        "18446744073709551615": ("integer", "18446744073709551615"),
        "cast('12345678901234567890.1234567890' as decimal(38, 10))": ("decimal", "12345678901234567890.1234567890"),
        "1e0": ("double precision", 1.0),
        "''": ("text", ""),
        "'ß ☃ 🦉'": ("text", "ß ☃ 🦉"),
        "x'00ff'": ("binary", "AP8="),
        "date '9999-12-31'": ("date", "9999-12-31"),
        "timestamp '2024-02-29 12:30:00.123456'": ("timestamp", "2024-02-29T12:30:00.123456"),
        "cast('-838:59:59' as time)": ("interval", "-PT3020399S"),
        "cast('0000-00-00' as date)": ("text", "0000-00-00"),
        "null": ("any", None),
    }
    got: dict[str, tuple[str, Cell]] = {}
    async with opened(maria.url, None, **maria.settings) as client:
        for sql in expected:
            (column,), ((value,),) = await read(client, f"select {sql} as v")
            got[sql] = column.type, value
    assert got == expected


def test_a_type_is_named_by_the_driver_where_it_can() -> None:
    number = cast("Any", oracledb).DB_TYPE_NUMBER
    for code, name in ((number, "DB_TYPE_NUMBER"), ("VARCHAR", "VARCHAR"), (int, "integer")):
        assert result_column(("v", code), [(None,)], 0).type == name
    assert result_column(("v", 1700), [(None,), (b"x",)], 0).type == "binary"


async def test_an_object_comes_as_json() -> None:
    column = result_column(("v", None), [({"a": [1, None]},)], 0)
    assert encode(column, {"a": [1, None, "ß"]}) == '{"a": [1, null, "ß"]}'


# The schema


async def test_the_catalog_has_what_the_inspector_tells(place: Place) -> None:
    async with opened(place.url, None, **place.settings) as client:
        catalog = await client.catalog()
    schema = catalog.default_schema
    assert {table.schema for table in catalog.tables} == {schema}
    authors, books, recent = catalog.tables
    text = next(column.type for column in authors.columns if column.name == "country")
    assert text.startswith("VARCHAR(2)")
    assert [(column.name, column.nullable) for column in authors.columns] == [
        ("id", False),
        ("name", False),
        ("email", True),
        ("country", True),
    ]
    assert authors.columns[3].default == "'NL'"
    assert (authors.primary_key, authors.unique) == (("id",), (("email",),))
    assert books.foreign_keys == (ForeignKey(("author_id",), schema, "authors", ("id",)),)
    assert Index("books_by_title", ("title",)) in books.indexes
    assert (recent.name, recent.kind) == ("recent", "view")
    assert [column.name for column in recent.columns] == ["id", "title"]


@pytest.mark.parametrize("case", ["sqlalchemy"], indirect=True)
async def test_keys_and_indexes_across_schemas(case: Case) -> None:
    for sql in (
        "create schema archive",
        "create table archive.old (id integer primary key, book integer references books (id))",
        "create unique index lowered on archive.old ((id + 1)) where book is null",
        "create materialized view archive.counted as select count(*) from books",
    ):
        await case.admin(sql)
    async with opened_case(case) as client:
        found = {table.name: table for table in (await client.catalog()).tables if table.schema == "archive"}
    assert found["counted"].kind == "materialized"
    assert found["old"] == Table(
        "archive",
        "old",
        columns=(Column("id", "INTEGER", nullable=False), Column("book", "INTEGER")),
        primary_key=("id",),
        foreign_keys=(ForeignKey(("book",), "public", "books", ("id",)),),
        indexes=(Index("lowered", ("(id + 1)", "where (book IS NULL)"), unique=True),),
    )


@pytest.mark.parametrize("case", ["sqlalchemy"], indirect=True)
async def test_a_table_that_changed_under_a_prepared_statement_is_read_anew(case: Case) -> None:
    async with opened_case(case, Limits(concurrent=1)) as client:
        assert len((await ask(case, client, "select * from authors"))[0]) == 5
        await case.admin("alter table authors add column died date")
        assert len((await ask(case, client, "select * from authors"))[0]) == 6


@pytest.mark.parametrize("case", ["sqlalchemy"], indirect=True)
async def test_a_connection_is_kept_for_the_next_statement(case: Case) -> None:
    async with opened_case(case, Limits(concurrent=1)) as client:
        found = [(await ask(case, client, "select pg_backend_pid()"))[1] for _ in range(3)]
        await ask(case, client, case.endless, rows=10)
        found.append((await ask(case, client, "select pg_backend_pid()"))[1])
    assert len(set(map(str, found))) == 1


@pytest.mark.parametrize("case", ["sqlalchemy"], indirect=True)
async def test_a_value_that_the_driver_cannot_read_is_told_as_one(case: Case) -> None:
    async with opened_case(case, Limits(concurrent=1)) as client:
        with pytest.raises(SqlError, match="cannot read a value"):
            await ask(case, client, "select tstzrange('10000-01-01', null)")
        assert (await ask(case, client, "select 1"))[1] == [(1,)]
