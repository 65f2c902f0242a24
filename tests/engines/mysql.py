"""MySQL as a case: a MariaDB server a session, and a new seeded database after a test that changed it.

COLONNADE_TEST_MYSQL_DSN, an administrator's mysql://user:password@host:port, has it use that server instead.
"""

import asyncio
import os
import socket
import subprocess
import time
from collections.abc import AsyncGenerator, Generator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from secrets import token_hex
from shutil import rmtree
from tempfile import mkdtemp
from typing import Any, cast
from urllib.parse import unquote, urlsplit

import asyncmy
from colonnade.server.engines.mysql import ENGINE
from colonnade.server.model import Column, ForeignKey, Index, Table

from tests.contract.case import Case, Golden, Login, Server
from tests.engines.installed import mariadb_programs

PASSWORD = "r3ader's p@ss/wörd#1"
WRONG_PASSWORD = "n0t the p@ssword"

UNTESTABLE: dict[str, str] = {}

SEED = """
create table authors (
    id integer auto_increment primary key, name varchar(100) not null,
    email varchar(100) unique comment 'Where to write to',
    country char(2) default 'NL', born date
) comment 'Who wrote it';
create table books (
    id integer primary key, author_id integer not null, title varchar(200) not null, published date,
    label varchar(200) as (concat(title, '!')) stored, unique (author_id, title),
    foreign key (author_id) references authors (id)
);
create index books_by_title on books (title);
create table loans (
    book_id integer, day date, borrower varchar(50), lender enum('sad', 'happy'), primary key (book_id, day),
    foreign key (book_id) references books (id)
);
create view recent as select id, title from books where published >= '2020-01-01';
insert into authors (id, name, email) values (1, 'Ada', 'ada@example.com'), (2, 'Ben', null);
insert into books (id, author_id, title, published) values (1, 1, 'Engines', '2021-03-04'), (2, 1, 'Numbers', null);
"""

# The type of a column, a literal for it, the name of the type in a result, and the value that a caller gets.
KINDS: Sequence[tuple[str, str, str, Any]] = (
    ("boolean", "true", "tinyint(1)", 1),
    ("tinyint", "-128", "tinyint", -128),
    ("tinyint unsigned", "255", "tinyint unsigned", 255),
    ("smallint", "-32768", "smallint", -32768),
    ("mediumint unsigned", "16777215", "mediumint unsigned", 16777215),
    ("int", "-2147483648", "int", -2147483648),
    ("int(5) unsigned zerofill", "42", "int unsigned", 42),
    ("bigint", "9007199254740991", "bigint", 9007199254740991),
    ("bigint", "-9223372036854775808", "bigint", "-9223372036854775808"),
    ("bigint unsigned", "18446744073709551615", "bigint unsigned", "18446744073709551615"),
    ("decimal(10,2)", "-12.5", "decimal(10,2)", "-12.50"),
    ("decimal(65,30)", "99999999999999999999999999999999999.1", "decimal(65,30)", 35 * "9" + ".1" + 29 * "0"),
    ("decimal(38,0) unsigned", "1", "decimal(38,0) unsigned", "1"),
    ("float", "1.1", "float (6 digits)", 1.1),
    ("double", "0.30000000000000004", "double", 0.30000000000000004),
    ("double", "-1.7976931348623157e308", "double", -1.7976931348623157e308),
    ("bit(1)", "1", "bit(1)", 1),
    ("bit(10)", "b'1000000001'", "bit(10)", 513),
    ("bit(64)", "18446744073709551615", "bit(64)", "18446744073709551615"),
    ("year", "2155", "year", 2155),
    ("date", "'9999-12-31'", "date", "9999-12-31"),
    ("date", "'0000-00-00'", "date", "0000-00-00"),
    ("date", "'2024-00-31'", "date", "2024-00-31"),
    ("time", "'-838:59:59'", "time", "-PT838H59M59S"),
    ("time(3)", "'00:00:00.5'", "time(3)", "PT0H0M0.500S"),
    ("time(6)", "'-00:00:00.000001'", "time(6)", "-PT0H0M0.000001S"),
    ("datetime", "'0000-00-00 00:00:00'", "datetime", "0000-00-00T00:00:00"),
    ("datetime(6)", "'9999-12-31 23:59:59.999999'", "datetime(6)", "9999-12-31T23:59:59.999999"),
    ("timestamp(3)", "'2024-02-29 12:30:00.120'", "timestamp(3)", "2024-02-29T12:30:00.120"),
    ("char(3)", "'a'", "char(3)", "a"),
    ("varchar(200)", "'ß ☃ 🦉'", "varchar(200)", "ß ☃ 🦉"),
    ("varchar(10) character set latin1", "'ß'", "varchar(10)", "ß"),
    ("varchar(5)", "''", "varchar(5)", ""),
    ("tinytext", "'a'", "tinytext", "a"),
    ("text", "'a\\nb'", "text", "a\nb"),
    ("mediumtext", "'a'", "mediumtext", "a"),
    ("longtext", "'a'", "longtext", "a"),
    ("text character set latin1", "'ü'", "text", "ü"),
    ("binary(4)", "x'00ff'", "binary(4)", "AP8AAA=="),
    ("varbinary(7)", "x'00ff'", "varbinary(7)", "AP8="),
    ("tinyblob", "x'00ff'", "tinyblob", "AP8="),
    ("blob", "x''", "blob", ""),
    ("mediumblob", "x'00ff'", "mediumblob", "AP8="),
    ("longblob", "x'00ff'", "longblob", "AP8="),
    ("enum('sad','happy')", "'happy'", "enum", "happy"),
    ("set('a','b','c')", "'a,c'", "set", "a,c"),
    ("point", "point(1, 2)", "geometry", "AAAAAAEBAAAAAAAAAAAA8D8AAAAAAAAAQA=="),
)
ONLY_MARIADB: Sequence[tuple[str, str, str, Any]] = (
    ("json", '\'{"a": 1.10, "b": 12345678901234567890}\'', "longtext", '{"a": 1.10, "b": 12345678901234567890}'),
    ("uuid", "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'", "char(36)", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
    ("inet6", "'2001:db8::ff00:42:8329'", "char(39)", "2001:db8::ff00:42:8329"),
)
ONLY_MYSQL: Sequence[tuple[str, str, str, Any]] = (("json", "'{\"a\": 1.10}'", "json", '{"a": 1.10}'),)

DIGITS = "(select 0 as d union all " + " union all ".join(f"select {digit}" for digit in range(1, 10)) + ")"
EXPRESSIONS = (
    Golden("null", "null", None),
    Golden("1/3", "decimal(5,4)", "0.3333"),
    Golden("0.1e0 + 0.2e0", "double", 0.30000000000000004),
    Golden("interval 1 day + date '2024-02-28'", "date", "2024-02-29"),
    Golden("from_unixtime(0)", "datetime", "1970-01-01T00:00:00"),
    Golden("x'00ff'", "varbinary(2)", "AP8="),
    Golden("length(group_concat(repeat('x', 5000)))", "int", 5000),
)


def tables(schema: str, *, mariadb: bool) -> Sequence[Table]:
    integer = "int(11)" if mariadb else "int"
    return (
        Table(
            schema,
            "authors",
            comment="Who wrote it",
            columns=(
                Column("id", integer, nullable=False, generated=True),
                Column("name", "varchar(100)", nullable=False),
                Column("email", "varchar(100)", comment="Where to write to"),
                Column("country", "char(2)", default="'NL'" if mariadb else "NL"),
                Column("born", "date"),
            ),
            primary_key=("id",),
            unique=(("email",),),
        ),
        Table(
            schema,
            "books",
            columns=(
                Column("id", integer, nullable=False),
                Column("author_id", integer, nullable=False),
                Column("title", "varchar(200)", nullable=False),
                Column("published", "date"),
                Column(
                    "label",
                    "varchar(200)",
                    default="concat(`title`,'!')" if mariadb else "concat(`title`,_utf8mb4'!')",
                    generated=True,
                ),
            ),
            primary_key=("id",),
            foreign_keys=(ForeignKey(("author_id",), schema, "authors", ("id",)),),
            unique=(("author_id", "title"),),
            indexes=(Index("books_by_title", ("title",)),),
        ),
        Table(
            schema,
            "loans",
            columns=(
                Column("book_id", integer, nullable=False),
                Column("day", "date", nullable=False),
                Column("borrower", "varchar(50)"),
                Column("lender", "enum('sad','happy')"),
            ),
            primary_key=("book_id", "day"),
            foreign_keys=(ForeignKey(("book_id",), schema, "books", ("id",)),),
        ),
        Table(
            schema,
            "recent",
            kind="view",
            columns=(Column("id", integer, nullable=False), Column("title", "varchar(200)", nullable=False)),
        ),
    )


CHANGES = {
    "a table": "create table added (id integer)",
    "a column": "alter table books add column pages integer",
    "a column's name": "alter table books change column pages leaves integer",
    "a column's type": "alter table books modify column leaves bigint",
    "a column's place": "alter table books modify column leaves bigint after id",
    "a default": "alter table books alter column leaves set default 1",
    "another default": "alter table books alter column leaves set default 2",
    "a default less": "alter table books alter column leaves drop default",
    "not null": "alter table authors modify column country char(2) not null",
    "null": "alter table authors modify column country char(2)",
    "a column less": "alter table books drop column leaves",
    "a table's comment": "alter table books comment 'What was written'",
    "a column's comment": "alter table books modify column published date comment 'On the cover'",
    "a comment less": "alter table books comment ''",
    "a value of an enum": "alter table loans modify column lender enum('sad', 'happy', 'calm')",
    "a view": "create view titles as select title from books",
    "a view's columns": "alter view titles as select title, published from books",
    "an index": "create index authors_by_name on authors (name)",
    "an index's name": "alter table authors drop index authors_by_name, add index by_name (name)",
    "an index's columns": "alter table authors drop index by_name, add index by_name (name, born)",
    "an index less": "drop index by_name on authors",
    "a unique key": "alter table authors add constraint named unique (name)",
    "a key less": "alter table authors drop index named",
    "a foreign key": "alter table added add constraint one foreign key (id) references books (id)",
    "another foreign key": "alter table added add constraint other foreign key (id) references authors (id)",
    "a foreign key less": "alter table added drop foreign key other",
    "a primary key": "alter table added add primary key (id)",
    "a table's name": "rename table added to renamed",
    "a view less": "drop view titles",
    "a table less": "drop table renamed",
}


@dataclass(slots=True)
class Started:
    """A server, and a seeded database that no test has changed yet."""

    settings: dict[str, Any]
    """How the administrator connects."""
    mark: str = field(default_factory=lambda: token_hex(4))
    mariadb: bool = True
    untouched: str = ""
    databases: list[str] = field(default_factory=list[str])

    @property
    def place(self) -> dict[str, Any]:
        return {key: value for key, value in self.settings.items() if key in ("host", "port", "unix_socket")}

    @property
    def port(self) -> int:
        return cast("int", self.settings.get("port", 3306))

    def user(self, role: str) -> str:
        return f"{role}_{self.mark}"

    async def run(self, *statements: str, database: str | None = None) -> list[tuple[Any, ...]]:
        connection: Any = await asyncmy.connect(**self.settings, database=database, autocommit=True)  # pyright: ignore[reportUnknownMemberType] - its stubs
        try:
            async with connection.cursor() as cursor:
                for statement in statements:
                    await cursor.execute(statement)
                return list(await cursor.fetchall())
        finally:
            await connection.ensure_closed()

    async def prepare(self) -> None:
        """Make the logins, and the database of all types."""
        ((version,),) = await self.run("select version()")
        self.mariadb = "MariaDB" in version
        for role in ("reader", "owner"):
            await self.run(
                "create user '{}'@'%' identified by '{}'".format(self.user(role), PASSWORD.replace("'", "''"))
            )
        kinds = self.kinds()
        columns = ", ".join(f"c{number} {kind}" for number, (kind, *_) in enumerate(kinds))
        await self.run(
            f"create database kinds_{self.mark} character set utf8mb4",
            "set sql_mode = ''",
            f"create table kinds_{self.mark}.kinds ({columns})",
            f"insert into kinds_{self.mark}.kinds values ({', '.join(literal for _, literal, *_ in kinds)})",
            *(f"grant select on kinds_{self.mark}.* to '{self.user(role)}'@'%'" for role in ("reader", "owner")),
        )
        self.databases.append(f"kinds_{self.mark}")

    def kinds(self) -> Sequence[tuple[str, str, str, Any]]:
        return (*KINDS, *(ONLY_MARIADB if self.mariadb else ONLY_MYSQL))

    async def seed(self) -> str:
        database = f"case_{token_hex(4)}"
        self.databases.append(database)
        await self.run(
            f"create database {database} character set utf8mb4",
            f"use {database}",
            *filter(str.strip, SEED.split(";\n")),
            f"grant select on {database}.* to '{self.user('reader')}'@'%'",
            f"grant all on {database}.* to '{self.user('owner')}'@'%'",
        )
        return database

    async def drop(self) -> None:
        """Leave a server that others use too as it was."""
        await self.run(
            *(f"drop database if exists {database}" for database in self.databases),
            *(f"drop user if exists '{self.user(role)}'@'%'" for role in ("reader", "owner")),
        )


@contextmanager
def start() -> Generator[Started]:
    given = os.environ.get("COLONNADE_TEST_MYSQL_DSN")
    if given is not None:
        server = Started(_settings(given))
        try:
            yield server
        finally:
            asyncio.run(server.drop())
        return
    with mariadb() as (unix_socket, port):
        yield Started({"unix_socket": unix_socket, "port": port, "user": "root", "charset": "utf8mb4"})


@contextmanager
def mariadb(*arguments: str) -> Generator[tuple[str, int]]:
    """Start a server of its own, on a Unix socket and a free port."""
    server, install = mariadb_programs()
    folder = Path(mkdtemp(prefix="colonnade-"))
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port: int = unused.getsockname()[1]
    common = ["--no-defaults", f"--datadir={folder}/data", *(["--user=root"] if os.geteuid() == 0 else [])]
    quick = ["--innodb-flush-log-at-trx-commit=0", "--skip-log-bin", "--innodb-buffer-pool-size=32M"]
    address = [f"--socket={folder}/s.sock", f"--port={port}", "--bind-address=127.0.0.1", "--skip-name-resolve"]
    try:
        subprocess.run(
            [install, *common, "--auth-root-authentication-method=normal", "--skip-test-db"],
            check=True,
            capture_output=True,
            timeout=60,
        )
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen([server, *common, *quick, *address, *arguments], stdout=log, stderr=log)
        try:
            _wait_for(folder / "s.sock", process)
            yield f"{folder}/s.sock", port
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
    finally:
        rmtree(folder, ignore_errors=True)


def _wait_for(path: Path, process: "subprocess.Popen[bytes]") -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until and process.poll() is None:
        with socket.socket(socket.AF_UNIX) as client:
            if client.connect_ex(str(path)) == 0:
                client.recv(1)
                return
        time.sleep(0.02)
    raise RuntimeError((path.parent / "log").read_text())


def _settings(dsn: str) -> dict[str, Any]:
    parts = urlsplit(dsn)
    return {
        "host": parts.hostname or "localhost",
        "port": parts.port or 3306,
        "user": unquote(parts.username or "root"),
        "password": unquote(parts.password or ""),
        "charset": "utf8mb4",
    }


@asynccontextmanager
async def case(started: object, _folder: Path) -> AsyncGenerator[Case]:
    server = cast("Started", started)
    if not server.databases:
        await server.prepare()
    if not server.untouched:
        server.untouched = await server.seed()
    database = server.untouched
    try:
        yield _case(server, database)
    finally:
        if server.untouched != database:
            await server.run(f"drop database if exists {database}")


def _case(server: Started, database: str) -> Case:
    def login(**settings: object) -> Login:
        place = {} if "host" in settings else server.place
        place = {"unix_socket": place["unix_socket"]} if "unix_socket" in place else place
        given = {"database": database, "user": server.user("reader"), "password": PASSWORD}
        return Login({**place, **given, **settings})

    async def admin(sql: str) -> None:
        server.untouched = ""
        await server.run(sql, database=database)

    async def count(condition: str) -> int:
        users = f"user in ('{server.user('reader')}', '{server.user('owner')}')"
        sql = f"select count(*) from information_schema.processlist where {users} and {condition}"
        return cast("int", (await server.run(sql))[0][0])

    async def kill() -> None:
        users = f"user in ('{server.user('reader')}', '{server.user('owner')}')"
        for (thread,) in await server.run(f"select id from information_schema.processlist where {users}"):
            await server.run(f"kill {thread}")

    numbers = f"{DIGITS} a, {DIGITS} b, {DIGITS} c, {DIGITS} d"
    return Case(
        type="mysql",
        engine=ENGINE,
        login=login(),
        owner=login(user=server.user("owner")),
        version="MariaDB 1" if server.mariadb else "MySQL ",
        admin=admin,
        slow="select count(*) from authors where sleep(30)",
        rows=lambda number: (
            "select n, concat('row ', n) as name"
            f" from (select 1 + a.d + 10 * b.d + 100 * c.d + 1000 * d.d as n from {numbers}) n"
            f" where n <= {number} order by n"
        ),
        endless=f"select a.d from {numbers}, {', '.join(f'{DIGITS} {name}' for name in 'efghi')} limit 1000000000",
        nothing="do 0",
        write="insert into authors (id, name) values (3, 'Cleo')",
        ddl="create table made (id integer)",
        golden=(
            *(Golden(f"c{number}", kind, value) for number, (_, _, kind, value) in enumerate(server.kinds())),
            *EXPRESSIONS,
        ),
        tables=tables(database, mariadb=server.mariadb),
        default_schema=database,
        changes=CHANGES,
        server=Server(
            wrong_password=login(password=WRONG_PASSWORD),
            unknown_database=login(database="nowhere"),
            at=lambda port: login(host="127.0.0.1", port=port),
            connections=lambda: count("true"),
            running=lambda: count("command = 'Query'"),
            kill=kill,
        ),
        dual=f" from kinds_{server.mark}.kinds",
    )
