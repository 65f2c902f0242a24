"""Snowflake as a case: the driver of today before fakesnow, which needs the driver of yesterday and so a Python of its
own.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import venv
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from tempfile import mkdtemp
from typing import cast
from urllib.request import urlopen

import anyio.to_thread
import pytest
from colonnade.server.engines.snowflake import ENGINE
from colonnade.server.engines.snowflake.opening import connector
from colonnade.server.model import Column, ForeignKey, Limits, Table
from colonnade.server.secrets import resolve
from platformdirs import user_cache_path

from tests.contract.case import Case, Golden, Login, Server

DSN = os.environ.get("COLONNADE_TEST_SNOWFLAKE_DSN")
PASSWORD = "r3ader's p@ss/word#1"
WRONG_PASSWORD = "n0t the p@ssword"
PACKAGES = ("fakesnow[server]==0.12.1", "snowflake-connector-python<5")
PATIENCE = 60

UNTESTABLE: dict[str, str] = {
    "test_a_statement_without_columns_returns_none": "every statement answers with a row, if only of its status",
}

SEED = """
create table authors (
    id integer primary key, name varchar not null, email varchar unique, country varchar default 'NL', born date
);
comment on table authors is 'Who wrote it';
comment on column authors.email is 'Where to write to';
create table books (
    id integer primary key, author_id integer not null references authors (id), title varchar(200) not null,
    published date, unique (author_id, title)
);
create table loans (
    book_id integer references books (id), day date, borrower varchar, primary key (book_id, day)
);
create view recent as select id, title from books where published >= '2020-01-01';
insert into authors (id, name, email) values (1, 'Ada', 'ada@example.com'), (2, 'Ben', null);
insert into books values (1, 1, 'Engines', '2021-03-04'), (2, 1, 'Numbers', null)
"""

GOLDEN = (
    Golden("1", "number(38,0)", 1),
    Golden("9007199254740991", "number(38,0)", 9007199254740991),
    Golden("9007199254740993", "number(38,0)", "9007199254740993"),
    Golden("12.50::number(10, 2)", "number(10,2)", "12.50"),
    Golden(
        "'12345678901234567890123456789.123456789'::number(38, 9)",
        "number(38,9)",
        "12345678901234567890123456789.123456789",
    ),
    Golden("0.1::float", "float", 0.1),
    Golden("'inf'::float", "float", "Infinity"),
    Golden("'nan'::float", "float", "NaN"),
    Golden("true", "boolean", value=True),
    Golden("''", "varchar", ""),
    Golden("'ß ☃ 🦉'", "varchar", "ß ☃ 🦉"),
    Golden("'2024-02-29'::date", "date", "2024-02-29"),
    Golden("'9999-12-31'::date", "date", "9999-12-31"),
    Golden("'10000-01-01'::date", "date", "10000-01-01"),
    Golden("'23:59:59.123456'::time", "time(9) to microseconds", "23:59:59.123456"),
    Golden("'2024-02-29 12:30:00.123456'::timestamp_ntz", "timestamp_ntz(9)", "2024-02-29T12:30:00.123456"),
    Golden("'10000-01-01 00:00:00'::timestamp_ntz", "timestamp_ntz(9)", "10000-01-01T00:00:00"),
    Golden("'2024-02-29 12:30:00+02:00'::timestamp_tz", "timestamp_tz(9) to microseconds", "2024-02-29T10:30:00+00:00"),
    Golden("to_binary('00ff', 'HEX')", "binary", "AP8="),
    Golden("parse_json('{\"a\": 12345678901234567890}')", "variant", '{"a":12345678901234567890}'),
)

TABLES = (
    Table(
        "PUBLIC",
        "AUTHORS",
        comment="Who wrote it",
        columns=(
            Column("ID", "number(38,0)", nullable=False),
            Column("NAME", "varchar", nullable=False),
            Column("EMAIL", "varchar", comment="Where to write to"),
            Column("COUNTRY", "varchar", default="'NL'"),
            Column("BORN", "date"),
        ),
        primary_key=("ID",),
        unique=(("EMAIL",),),
    ),
    Table(
        "PUBLIC",
        "BOOKS",
        columns=(
            Column("ID", "number(38,0)", nullable=False),
            Column("AUTHOR_ID", "number(38,0)", nullable=False),
            Column("TITLE", "varchar(200)", nullable=False),
            Column("PUBLISHED", "date"),
        ),
        primary_key=("ID",),
        foreign_keys=(ForeignKey(("AUTHOR_ID",), "PUBLIC", "AUTHORS", ("ID",)),),
        unique=(("AUTHOR_ID", "TITLE"),),
    ),
    Table(
        "PUBLIC",
        "LOANS",
        columns=(
            Column("BOOK_ID", "number(38,0)", nullable=False),
            Column("DAY", "date", nullable=False),
            Column("BORROWER", "varchar"),
        ),
        primary_key=("BOOK_ID", "DAY"),
        foreign_keys=(ForeignKey(("BOOK_ID",), "PUBLIC", "BOOKS", ("ID",)),),
    ),
    Table("PUBLIC", "RECENT", kind="view", columns=(Column("ID", "number(38,0)"), Column("TITLE", "varchar"))),
)

CHANGES = {
    "a table": "create table added (id integer)",
    "a column": "alter table added add column pages integer",
    "a column's name": "alter table added rename column pages to leaves",
    "a column less": "alter table added drop column leaves",
    "a table's comment": "comment on table books is 'What was written'",
    "a column's comment": "comment on column books.title is 'On the cover'",
    "a view": "create view titles as select title from books",
    "a unique key": "create table keyed (id integer unique)",
    "a foreign key": "create table pointing (id integer references books (id))",
    "a table's name": "alter table added rename to renamed",
    "a table in another schema": "create table archive.old (id integer)",
    "a table less": "drop table renamed",
}


@dataclass(slots=True)
class Started:
    """Where the emulator listens."""

    port: int

    def login(self, database: str, **settings: str | int) -> Login:
        told = {"account": "fakesnow", "host": "127.0.0.1", "port": self.port, "protocol": "http", "user": "reader"}
        return Login({**told, "password": PASSWORD, "database": database, "schema": "PUBLIC", **settings})

    async def control(self, action: str, **told: str) -> dict[str, int]:
        def ask() -> dict[str, int]:
            url = f"http://127.0.0.1:{self.port}/control/{action}"
            with urlopen(url, json.dumps(told).encode(), timeout=10) as answer:
                return json.loads(answer.read())

        return await anyio.to_thread.run_sync(ask)


@contextmanager
def start() -> Generator[Started]:
    python = _python()
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port: int = unused.getsockname()[1]
    server = Path(__file__).with_name("snowflake_server.py")
    folder = Path(mkdtemp(prefix="colonnade-"))
    # Not from its own folder (-P), where a file has the name of the driver.
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            (python, "-P", "-B", server, str(port), PASSWORD), stdout=log, stderr=log, cwd=folder
        )
    try:
        _wait(process, port, folder / "log")
        yield Started(port)
    finally:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(5)
        shutil.rmtree(folder, ignore_errors=True)


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise RuntimeError(f"fakesnow did not start: {log.read_text()[-2_000:]}")


def _python() -> Path:
    """Return the Python of fakesnow's environment; it is made once, beside its place, and moved there whole."""
    cache = Path(os.environ.get("COLONNADE_TEST_CACHE") or user_cache_path("colonnade-tests"))
    home = cache / f"fakesnow-0.12.1-py{sys.version_info.major}.{sys.version_info.minor}"
    python = home / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not python.is_file():
        cache.mkdir(parents=True, exist_ok=True)
        aside = Path(mkdtemp(dir=cache))
        try:
            venv.create(aside, with_pip=True)
            inside = aside / python.relative_to(home)
            pip = (inside, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *PACKAGES)
            subprocess.run(pip, check=True, capture_output=True, timeout=600)
            aside.rename(home)
        except (subprocess.SubprocessError, OSError) as error:
            if not python.is_file():  # nor has another run made it meanwhile
                pytest.skip(f"fakesnow could not be installed: {error}")
        finally:
            shutil.rmtree(aside, ignore_errors=True)
    return python


@asynccontextmanager
async def case(started: object, _folder: Path) -> AsyncGenerator[Case]:
    server = cast("Started", started)
    database = f"LIB_{token_hex(4)}".upper()
    options = ENGINE.options.model_validate(server.login(database, user="admin").settings)
    administrator = await (await connector(options, await resolve(options), Limits(), set()))()

    async def admin(sql: str) -> None:
        cursor = administrator.cursor()
        await cursor.execute("use schema public")  # creating a schema makes it the current one
        await cursor.execute(sql)
        await administrator.commit()
        cursor.close()

    try:
        for sql in SEED.split(";"):
            await admin(sql)
        yield _case(server, database, admin)
    finally:
        await administrator.close(retry=False)


def _case(server: Started, database: str, admin: Callable[[str], Awaitable[None]]) -> Case:
    async def connections() -> int:
        return (await server.control("count"))["sessions"]

    async def running() -> int:
        return (await server.control("count"))["running"]

    async def kill() -> None:
        await server.control("kill")

    return Case(
        type="snowflake",
        engine=ENGINE,
        login=server.login(database),
        owner=server.login(database, user="owner"),
        version="Snowflake ",
        admin=admin,
        slow="select count(*) from table(generator(rowcount => 1000000)) a, table(generator(rowcount => 1000000)) b",
        rows=lambda count: (
            f"select row_number() over (order by null) as n, 'row ' || n as name"
            f" from table(generator(rowcount => {count}))"
        ),
        endless="select 1 as a from table(generator(rowcount => 1000000)) a, table(generator(rowcount => 1000)) b",
        nothing=None,
        write="insert into authors (id, name) values (3, 'Cleo')",
        ddl="create table made (id integer)",
        golden=GOLDEN,
        tables=TABLES,
        default_schema="PUBLIC",
        changes=CHANGES,
        server=Server(
            wrong_password=server.login(database, password=WRONG_PASSWORD),
            unknown_database=server.login("nowhere"),
            at=lambda port: server.login(database, port=port),
            connections=connections,
            running=running,
            kill=kill,
        ),
        folded=str.upper,
    )
