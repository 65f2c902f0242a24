"""Snowflake as a case: the driver of today before fakesnow, which needs the driver of yesterday and so a Python of its
own; or before an account, if one is named.

COLONNADE_TEST_SNOWFLAKE_DSN is the URL of an administrator who may create databases, roles and users,
snowflake://user:password@account/?warehouse=W&role=R. Two roles and two users with key pairs (users with a password
need a second factor) and the databases of the tests are made there, and dropped in the end. Which statements run is
asked of QUERY_HISTORY_BY_USER, which tells within seconds, so that a test may fail for its latency alone. That way has
not been run yet: there was no account to run it on.
"""

import asyncio
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
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from secrets import token_hex
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import parse_qs, urlsplit
from urllib.request import urlopen

import anyio.to_thread
import pytest
from colonnade.server.engines.snowflake import ENGINE
from colonnade.server.engines.snowflake.opening import connector
from colonnade.server.model import Column, ForeignKey, Limits, Table
from colonnade.server.secrets import resolve
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from platformdirs import user_cache_path

from tests.contract.case import Case, Golden, Login, Server

if TYPE_CHECKING:
    from snowflake.connector.aio import SnowflakeConnection

DSN = os.environ.get("COLONNADE_TEST_SNOWFLAKE_DSN")
PASSWORD = "r3ader's p@ss/word#1"
WRONG_PASSWORD = "n0t the p@ssword"
PACKAGES = ("fakesnow[server]==0.12.1", "snowflake-connector-python<5")
PATIENCE = 60

NO_SESSIONS = "an account does not tell which sessions are open: ACCOUNT_USAGE.SESSIONS is three hours late"

UNTESTABLE: dict[str, str] = {
    "test_a_statement_without_columns_returns_none": "every statement answers with a row, if only of its status",
    **dict.fromkeys(
        (
            "test_it_is_opened_by_the_first_use_and_named_in_every_answer",
            "test_it_opens_one_connection_and_says_what_it_is",
            "test_closing_is_quiet_and_can_be_repeated",
            "test_a_cancellation_at_any_moment_leaves_everything_usable",
            "test_statements_run_side_by_side_up_to_the_limit",
            "test_a_connection_that_died_while_idle_goes_unnoticed",
        )
        if DSN
        else (),
        NO_SESSIONS,
    ),
    **dict.fromkeys(
        ()
        if DSN
        else (
            "test_the_least_privileged_login_has_no_dangers",
            "test_the_dangers_of_an_owners_login_name_writing",
        ),
        "the emulator has no grants and no secondary roles",
    ),
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

GOLDEN_OF_AN_ACCOUNT = (
    Golden("1", "number(1,0)", 1),
    Golden("9007199254740991", "number(16,0)", 9007199254740991),
    Golden("9007199254740993", "number(16,0)", "9007199254740993"),
    Golden(f"-{'9' * 38}::number(38, 0)", "number(38,0)", f"-{'9' * 38}"),
    Golden(f"'{'9' * 29}.123456789'::number(38, 9)", "number(38,9)", f"{'9' * 29}.123456789"),
    Golden(f"'0.{'1' * 37}'::number(38, 37)", "number(38,37)", f"0.{'1' * 37}"),
    Golden("12.50::number(10, 2)", "number(10,2)", "12.50"),
    Golden(f"'{'1' * 37}e-100'::decfloat", "decfloat", f"1.{'1' * 36}E-64"),
    Golden("0.1::float", "float", 0.1),
    Golden("1.7976931348623157e308::float", "float", 1.7976931348623157e308),
    Golden("'inf'::float", "float", "Infinity"),
    Golden("'-inf'::float", "float", "-Infinity"),
    Golden("'nan'::float", "float", "NaN"),
    Golden("true", "boolean", value=True),
    Golden("null::boolean", "boolean", None),
    Golden("''", "varchar", ""),
    Golden("'ß ☃ 🦉'::varchar(20)", "varchar(20)", "ß ☃ 🦉"),
    Golden("repeat('☃', 70000)::varchar", "varchar", "☃" * 70_000),
    Golden("to_binary('00ff', 'HEX')::binary(4)", "binary(4)", "AP8="),
    Golden("to_binary('', 'HEX')::binary(4)", "binary(4)", ""),
    Golden("'0001-01-01'::date", "date", "0001-01-01"),
    Golden("'2024-02-29'::date", "date", "2024-02-29"),
    Golden("dateadd(day, 1, '9999-12-31'::date)", "date", "10000-01-01"),
    Golden("'23:59:59.123'::time(3)", "time(3)", "23:59:59.123000"),
    Golden("'23:59:59.123456789'::time(9)", "time(9) to microseconds", "23:59:59.123456"),
    Golden("'2024-02-29 12:30:00.123456789'::timestamp_ntz(9)", "timestamp_ntz(9)", "2024-02-29T12:30:00.123456789"),
    Golden("'2024-02-29 12:30:00.123'::timestamp_ntz(3)", "timestamp_ntz(3)", "2024-02-29T12:30:00.123"),
    Golden("dateadd(day, 1, '9999-12-31'::timestamp_ntz(9))", "timestamp_ntz(9)", "10000-01-01T00:00:00"),
    Golden(
        "'2024-02-29 12:30:00.123456 +02:00'::timestamp_ltz(9)",
        "timestamp_ltz(9) to microseconds",
        "2024-02-29T10:30:00.123456+00:00",
    ),
    Golden("dateadd(day, 1, '9999-12-31'::timestamp_ltz(0))", "timestamp_ltz(0)", "10000-01-01T00:00:00+00:00"),
    Golden(
        "'2024-02-29 12:30:00.123456 -03:30'::timestamp_tz(9)",
        "timestamp_tz(9) to microseconds",
        "2024-02-29T12:30:00.123456-03:30",
    ),
    Golden(
        "dateadd(day, 1, '9999-12-31 00:00 +14:00'::timestamp_tz(3))", "timestamp_tz(3)", "10000-01-01T00:00:00+14:00"
    ),
    Golden("interval '1-2' year to month", "interval_year_month", "P1Y2M"),
    Golden("interval '1 02:03:04.5' day to second", "interval_day_time", "PT93784.5S"),
    Golden("parse_json('12345678901234567890')", "variant", "12345678901234567890"),
    Golden("parse_json('null')", "variant", "null"),
    Golden("to_variant('a')", "variant", '"a"'),
    Golden("parse_json('{\"a\": 12345678901234567890}')", "variant", '{\n  "a": 12345678901234567890\n}'),
    Golden("object_construct('a', 1)", "object", '{\n  "a": 1\n}'),
    Golden("array_construct(12345678901234567890, null)", "array", "[\n  12345678901234567890,\n  undefined\n]"),
    Golden("{'a': 1}::map(varchar, number)", "map", '{\n  "a": 1\n}'),
    Golden("[1, 2]::vector(int, 2)", "vector", [1, 2]),
    Golden("[0.5, 1.5]::vector(float, 2)", "vector", [0.5, 1.5]),
    Golden(
        "to_geography('POINT(1 2)')",
        "geography",
        '{\n  "coordinates": [\n    1,\n    2\n  ],\n  "type": "Point"\n}',
    ),
    Golden(
        "to_geometry('POINT(1 2)')",
        "geometry",
        '{\n  "coordinates": [\n    1,\n    2\n  ],\n  "type": "Point"\n}',
    ),
)
"""What only an account can give, in place of what the emulator can: written from the manual, and not run yet."""

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


CHANGES_OF_AN_ACCOUNT = {
    "a column's type": "alter table books alter column title set data type varchar(300)",
    "a column that may be missing": "alter table books alter column title drop not null",
    "a column that may not be missing": "alter table books alter column title set not null",
    "a default less": "alter table authors alter column country drop default",
    "a column that is computed": "create table computed (a integer, b integer as (a + 1))",
    "a column that counts": "create table counted (id integer autoincrement)",
    "a primary key less": "alter table loans drop primary key",
    "a primary key": "alter table loans add primary key (book_id, day)",
    "a foreign key less": "alter table pointing drop foreign key (id)",
    "a unique key less": "alter table keyed drop unique (id)",
    "a table's comment less": "comment on table books is ''",
    "a view's comment": "comment on view titles is 'All of them'",
    "a view's columns": "create or replace view titles as select id, title from books",
    "a view less": "drop view titles",
    "a transient table": "create transient table passing (id integer)",
    "a copy": "create table likeness like authors",
    "tables swapped": "alter table likeness swap with keyed",
    "a schema's name": "alter schema archive rename to attic",
    "a schema less": "drop schema attic",
    "a schema that is back": "undrop schema attic",
}
"""Asked of an account after `CHANGES`; the emulator takes none of them, or does not show it."""


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
def start() -> Generator[object]:
    if DSN:
        account = Account(DSN)
        try:
            yield account
        finally:
            asyncio.run(account.clean())
        return
    folder = Path(mkdtemp(prefix="colonnade-"))
    try:
        with _emulator(folder) as port:
            yield Started(port)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class DiedError(Exception):
    """The emulator ended by itself: its environment is broken."""


@contextmanager
def _emulator(folder: Path) -> Generator[int]:
    """Run the emulator, in an environment that is made anew if there is none or a broken one."""
    home = _home()
    try:
        process, port = _launch(home, folder)
    except (DiedError, OSError):
        found = home.stat().st_ino if home.exists() else None
        if reason := _made(home, found):
            pytest.skip(f"fakesnow could not be installed: {reason}")
        process, port = _launch(home, folder)
    try:
        yield port
    finally:
        _end(process)


def _launch(home: Path, folder: Path) -> tuple[subprocess.Popen[bytes], int]:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port: int = unused.getsockname()[1]
    server = Path(__file__).with_name("snowflake_server.py")
    # Not from its own folder (-P), where a file has the name of the driver. It ends with its standard input, and so
    # with these tests, however they end.
    command = (_python(home), "-P", "-B", server, str(port), PASSWORD)
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=log, stderr=log, cwd=folder)
    try:
        _wait(process, port, folder / "log")
    except BaseException:
        _end(process)
        raise
    return process, port


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        if process.poll() is not None:
            raise DiedError(log.read_text()[-2_000:])
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise RuntimeError(f"fakesnow did not start: {log.read_text()[-2_000:]}")


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(5)
    if process.stdin is not None:
        process.stdin.close()


def _home() -> Path:
    """Return the place of fakesnow's environment."""
    cache = Path(os.environ.get("COLONNADE_TEST_CACHE") or user_cache_path("colonnade-tests")).absolute()
    return cache / f"fakesnow-0.12.1-py{sys.version_info.major}.{sys.version_info.minor}"


def _python(home: Path) -> Path:
    return home / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


@cache  # so that a machine without network waits once, and not for every test
def _made(home: Path, broken: int | None) -> str:
    """Make the environment beside its place and move it there whole; return why that failed.

    `broken` is the inode of what is there. Another run may do the same at the same time: the first to be done wins.
    """
    try:
        home.parent.mkdir(parents=True, exist_ok=True)
        aside = Path(mkdtemp(prefix="making-", dir=home.parent))
    except OSError as error:
        return str(error)
    try:
        venv.create(aside / "new", with_pip=True, symlinks=os.name != "nt")
        pip = (_python(aside / "new"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
        bounds = ("--no-input", "--retries", "1", "--timeout", "10")
        subprocess.run((*pip, *bounds, *PACKAGES), check=True, capture_output=True, timeout=600)
        if broken is not None and home.exists() and home.stat().st_ino == broken:
            home.rename(aside / "old")
        (aside / "new").rename(home)
    except subprocess.CalledProcessError as error:
        return (error.stderr or error.stdout or b"").decode(errors="replace").strip().rpartition("\n")[2] or str(error)
    except (subprocess.SubprocessError, OSError) as error:
        # Not if another run was first: there is one now.
        return "" if home.exists() and home.stat().st_ino != broken else str(error)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return ""


async def _administrator(**settings: object) -> "SnowflakeConnection":
    options = ENGINE.options.model_validate(settings)
    return await (await connector(options, await resolve(options), Limits(), set()))()


async def _do(connection: "SnowflakeConnection", *statements: str) -> list[tuple[Any, ...]]:
    """Run statements; return the rows of the last."""
    cursor = connection.cursor()
    for sql in statements:
        await cursor.execute(sql)
    rows: list[tuple[Any, ...]] = await cursor.fetchall()
    await connection.commit()
    cursor.close()
    return rows


@asynccontextmanager
async def case(started: object, _folder: Path) -> AsyncGenerator[Case]:
    if isinstance(started, Account):
        async with _case_of_an_account(started) as case:
            yield case
        return
    server = cast("Started", started)
    database = f"LIB_{token_hex(4)}".upper()
    administrator = await _administrator(**server.login(database, user="admin").settings)

    async def admin(sql: str) -> None:
        await _do(administrator, "use schema public", sql)  # creating a schema makes it the current one

    try:
        for sql in SEED.split(";"):
            await admin(sql)
        yield _case(server, database, admin)
    finally:
        await administrator.close(retry=False)


@asynccontextmanager
async def _case_of_an_account(account: "Account") -> AsyncGenerator[Case]:
    administrator = await _administrator(url=account.url)
    try:
        database = await account.database(administrator)

        async def admin(sql: str) -> None:
            account.untouched = ""
            await _do(administrator, f"use schema {database}.public", sql)

        yield replace(
            _case(account, database, admin),
            slow="select system$wait(120)",
            golden=GOLDEN_OF_AN_ACCOUNT,
            changes={**CHANGES, **CHANGES_OF_AN_ACCOUNT, **dynamic(account.warehouse)},
            server=Server(
                wrong_password=account.login(database, private_key=key_pair()[0]),
                unknown_database=account.login("nowhere"),
                at=lambda port: account.login(database, host="127.0.0.1", port=port, protocol="http"),
                connections=account.connections,
                running=lambda: account.running(administrator, database),
                kill=lambda: account.kill(administrator, database),
            ),
        )
    finally:
        await administrator.close(retry=False)


class Account:
    """An account of somebody's own, and what the tests made there."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        told = {name: values[0] for name, values in parse_qs(parts.query).items()}
        self.url = url
        self.place: dict[str, str | int] = {"account": parts.netloc.rpartition("@")[2]}
        self.place |= {name: told[name] for name in ("host", "port", "protocol") if name in told}
        self.warehouse = told.get("warehouse", "")
        self.mark = f"COLONNADE_{token_hex(4)}".upper()
        self.keys = {user: key_pair() for user in ("READER", "OWNER")}
        self.databases: list[str] = []
        self.untouched = ""
        """A database that no test has changed, for the next one."""
        self._logins = False

    def login(self, database: str, user: str = "reader", **settings: str | int) -> Login:
        name = f"{self.mark}_{user.upper()}"
        told = {**self.place, "warehouse": self.warehouse, "user": name, "role": name}
        key = {"private_key": self.keys[user.upper()][0]}
        return Login({**told, **key, "database": database, "schema": "PUBLIC", **settings})

    async def database(self, administrator: "SnowflakeConnection") -> str:
        """Return the name of a seeded database."""
        if self.untouched:
            return self.untouched
        if not self._logins:
            self._logins = True
            for user, (_, public) in self.keys.items():
                name, key = f"{self.mark}_{user}", "".join(public.splitlines()[1:-1])
                await _do(
                    administrator,
                    f"create role {name}",
                    f"create user {name} type = service default_role = {name} rsa_public_key = '{key}'",
                    f"grant role {name} to user {name}",
                    f'grant usage on warehouse "{self.warehouse}" to role {name}',
                )
        database = f"{self.mark}_{len(self.databases)}"
        self.databases.append(database)
        reader, owner = f"{self.mark}_READER", f"{self.mark}_OWNER"
        await _do(
            administrator,
            f"create database {database}",
            *(
                f"grant {right} in database {database} to role {role}"
                for right in ("select on future tables", "select on future views", "select on future dynamic tables")
                for role in (reader, owner)
            ),
            *(f"grant usage on database {database} to role {role}" for role in (reader, owner)),
            *(f"grant usage on future schemas in database {database} to role {role}" for role in (reader, owner)),
            *(f"grant usage on schema {database}.public to role {role}" for role in (reader, owner)),
            f"grant insert, update, delete on future tables in database {database} to role {owner}",
            f"grant create table, create view on schema {database}.public to role {owner}",
            f"use schema {database}.public",
            *SEED.split(";"),
        )
        self.untouched = database
        return database

    async def clean(self) -> None:
        if not self._logins:
            return
        administrator = await _administrator(url=self.url)
        try:
            for database in self.databases:
                await _do(administrator, f"drop database if exists {database}")
            for user in self.keys:
                await _do(administrator, f"drop user if exists {self.mark}_{user}")
                await _do(administrator, f"drop role if exists {self.mark}_{user}")
        finally:
            await administrator.close(retry=False)

    async def connections(self) -> int:
        raise NotImplementedError(NO_SESSIONS)

    async def _queries(self, administrator: "SnowflakeConnection", database: str) -> list[tuple[Any, ...]]:
        """Return the session of each running statement of the two users."""
        found: list[tuple[Any, ...]] = []
        for user in self.keys:
            history = f"{database}.information_schema.query_history_by_user"
            found += await _do(
                administrator,
                f"select session_id from table({history}(user_name => '{self.mark}_{user}', result_limit => 1000))"
                " where execution_status in ('RUNNING', 'QUEUED', 'BLOCKED', 'RESUMING_WAREHOUSE')",
            )
        return found

    async def running(self, administrator: "SnowflakeConnection", database: str) -> int:
        return len(await self._queries(administrator, database))

    async def kill(self, administrator: "SnowflakeConnection", database: str) -> None:
        for (session,) in set(await self._queries(administrator, database)):
            await _do(administrator, f"select system$abort_session({session})")


def key_pair(passphrase: str | None = None) -> tuple[str, str]:
    """Return a private and a public key as PEM text."""
    key = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
    encryption = (
        serialization.BestAvailableEncryption(passphrase.encode()) if passphrase else serialization.NoEncryption()
    )
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return private.decode(), public.decode()


def dynamic(warehouse: str) -> dict[str, str]:
    create = f"create dynamic table fresh target_lag = '1 day' warehouse = \"{warehouse}\" as select id from books"
    return {"a dynamic table": create, "a dynamic table less": "drop dynamic table fresh"}


def _case(server: "Started | Account", database: str, admin: Callable[[str], Awaitable[None]]) -> Case:
    async def count(action: str, what: str) -> int:
        return (await server.control(action))[what] if isinstance(server, Started) else 0

    async def kill() -> None:
        await count("kill", "sessions")

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
            f" from table(generator(rowcount => {count})) order by n"
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
            connections=lambda: count("count", "sessions"),
            running=lambda: count("count", "running"),
            kill=kill,
        ),
        folded=str.upper,
    )
