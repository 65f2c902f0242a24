"""SQL Server as a case: Microsoft's driver against an emulator of the protocol, or a real server if one is named.

COLONNADE_TEST_MSSQL_DSN is the URL of an administrator, mssql://user:password@host:port; the whole contract is then
asked of a scratch database there. That way has not been run yet: there was no server to run it on.
"""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from secrets import token_hex
from tempfile import TemporaryDirectory
from typing import cast
from urllib.parse import unquote, urlsplit

import anyio.to_thread
from anyio.lowlevel import checkpoint
from colonnade.server.engines.base.odbc.strings import connection_string
from colonnade.server.engines.mssql import ENGINE, driver
from colonnade.server.model import Column, ForeignKey, Index, Table

from tests.contract.case import Case, Golden, Login, Server
from tests.engines.installed import require_odbc

DSN = os.environ.get("COLONNADE_TEST_MSSQL_DSN")
PASSWORD = "r3ader's p@ss/word#1"
WRONG_PASSWORD = "n0t the p@ssword"

READS_ONLY = "the emulator has files and no tables: it writes nothing, for no login"
NO_TIME = "the emulator answers at once and takes no attention: nothing runs long, nothing is there to cancel"
NO_LOGINS = "the emulator knows no permissions"
NO_KILL = "the emulator cannot be told to end a connection"

UNTESTABLE: dict[str, str] = (
    {}
    if DSN
    else {
        "test_an_unknown_database_is_unreachable": "the emulator takes any name of a database",
        "test_a_write_is_denied_and_changes_nothing": READS_ONLY,
        "test_what_an_owner_writes_does_not_stay": READS_ONLY,
        "test_the_fingerprint_changes_with_every_kind_of_change": READS_ONLY,
        "test_the_fingerprint_is_blind_to_rows": READS_ONLY,
        "test_two_statements_never_both_run": READS_ONLY,
        "test_the_catalog_has_all_of_the_schema": "the emulator has no keys, no comments and no views",
        "test_the_least_privileged_login_has_no_dangers": NO_LOGINS,
        "test_the_dangers_of_an_owners_login_name_writing": NO_LOGINS,
        "test_a_mistake_is_named": "the emulator takes a text like selct 1 for a statement that does nothing",
        "test_at_most_one_row_more_than_asked_for_is_read": "the emulator has no way to make rows",
        "test_many_rows_come_whole_and_in_batches": "the emulator has no way to make rows",
        "test_an_endless_result_stops_at_the_cap": "the emulator has no way to make rows",
        "test_the_block_may_be_left_early": "the emulator has no way to make rows",
        "test_an_error_of_the_reader_passes_through": "the emulator has no way to make rows",
        "test_a_slow_statement_ends_at_its_deadline": NO_TIME,
        "test_a_slow_reader_does_not_outlive_the_deadline": NO_TIME,
        "test_a_cancelled_statement_ends_on_the_server": NO_TIME,
        "test_a_cancellation_at_any_moment_leaves_everything_usable": NO_TIME,
        "test_statements_run_side_by_side_up_to_the_limit": NO_TIME,
        "test_a_lost_connection_is_told_and_the_next_statement_works": NO_TIME,
        "test_a_connection_that_died_while_idle_goes_unnoticed": NO_KILL,
    }
)

EMULATED = (
    Golden("1", "int", 1),
    Golden("-2147483647", "int", -2147483647),
    Golden("cast(1 as bit)", "bit", value=True),
    Golden("cast(1.5 as float)", "float", 1.5),
    Golden("N'ß ☃'", "nvarchar(3)", "ß ☃"),
    Golden("cast('2024-02-29 12:30:00.123' as datetime)", "datetime", "2024-02-29T12:30:00.123000"),
    Golden("cast('1753-01-01' as datetime)", "datetime", "1753-01-01T00:00:00"),
    Golden("cast('9999-12-31 23:59:59.997' as datetime)", "datetime", "9999-12-31T23:59:59.997000"),
)

GOLDEN = (
    *EMULATED[:4],
    Golden("cast(255 as tinyint)", "tinyint", 255),
    Golden("cast(-32768 as smallint)", "smallint", -32768),
    Golden("cast(9007199254740993 as bigint)", "bigint", "9007199254740993"),
    Golden("cast(-9223372036854775808 as bigint)", "bigint", "-9223372036854775808"),
    Golden(
        "cast('-1234567890123456789012345678.0123456789' as decimal(38,10))",
        "decimal(38,10)",
        "-1234567890123456789012345678.0123456789",
    ),
    Golden(f"cast({'9' * 38} as numeric(38,0))", "numeric(38,0)", "9" * 38),
    Golden("cast(-922337203685477.5808 as money)", "money", "-922337203685477.5808"),
    Golden("cast(214748.3647 as smallmoney)", "smallmoney", "214748.3647"),
    Golden("cast(1.1 as real)", "real", 1.1),
    Golden("cast(1.7976931348623157e308 as float)", "float", 1.7976931348623157e308),
    Golden("cast(2.2250738585072014e-308 as float)", "float", 2.2250738585072014e-308),
    Golden("cast('a' as char(3))", "char(3)", "a  "),
    Golden("cast('' as varchar(10))", "varchar(10)", ""),
    Golden("cast(N'ß ☃ 🦉' as nvarchar(20))", "nvarchar(20)", "ß ☃ 🦉"),
    Golden("replicate(cast(N'☃' as nvarchar(max)), 70000)", "nvarchar(max)", "☃" * 70_000),
    Golden("cast('<a>1</a>' as xml)", "xml", "<a>1</a>"),
    Golden("cast(0x00ff as varbinary(10))", "varbinary(10)", "AP8="),
    Golden("cast(0x00ff as binary(2))", "binary(2)", "AP8="),
    Golden("cast(0x00ff as varbinary(max))", "varbinary(max)", "AP8="),
    Golden(
        "cast('a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11' as uniqueidentifier)",
        "uniqueidentifier",
        "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11",
    ),
    Golden("cast('9999-12-31' as date)", "date", "9999-12-31"),
    Golden("cast('23:59:59.9999999' as time(7))", "time(7)", "23:59:59.9999999"),
    Golden("cast('2024-02-29 12:30' as smalldatetime)", "smalldatetime", "2024-02-29T12:30:00"),
    *EMULATED[5:],
    Golden("cast('9999-12-31 23:59:59.9999999' as datetime2(7))", "datetime2(7)", "9999-12-31T23:59:59.9999999"),
    Golden(
        "cast('0001-01-01 12:30:00.1234567 -03:30' as datetimeoffset(7))",
        "datetimeoffset(7)",
        "0001-01-01T12:30:00.1234567-03:30",
    ),
    Golden("cast(cast(1 as int) as sql_variant)", "sql_variant", 1),
    Golden("hierarchyid::Parse('/1/')", "udt", "WA=="),
    Golden("geography::Point(47.65, -122.34, 4326)", "udt", "5hAAAAEMMzMzMzPTR0D2KFyPwpVewA=="),
)

SEED = (
    """create table authors (id int identity primary key, name nvarchar(100) not null, email nvarchar(100) unique,
       country nvarchar(2) default 'NL', born date)""",
    "exec sp_addextendedproperty 'MS_Description', N'Who wrote it', 'schema', 'dbo', 'table', 'authors'",
    """exec sp_addextendedproperty 'MS_Description', N'Where to write to', 'schema', 'dbo', 'table', 'authors',
       'column', 'email'""",
    """create table books (id int primary key, author_id int not null references authors (id),
       title nvarchar(200) not null, published date, label as upper(title), unique (author_id, title))""",
    "create index books_by_title on books (title)",
    """create table loans (book_id int references books (id), day date, borrower nvarchar(50),
       primary key (book_id, day))""",
    "create view recent as select id, title from books where published >= '2020-01-01'",
    "insert into authors (name, email) values ('Ada', 'ada@example.com'), ('Ben', null)",
    "insert into books values (1, 1, 'Engines', '2021-03-04'), (2, 1, 'Numbers', null)",
)

TABLES = (
    Table(
        "dbo",
        "authors",
        comment="Who wrote it",
        columns=(
            Column("id", "int", nullable=False, generated=True),
            Column("name", "nvarchar(100)", nullable=False),
            Column("email", "nvarchar(100)", comment="Where to write to"),
            Column("country", "nvarchar(2)", default="('NL')"),
            Column("born", "date"),
        ),
        primary_key=("id",),
        unique=(("email",),),
    ),
    Table(
        "dbo",
        "books",
        columns=(
            Column("id", "int", nullable=False),
            Column("author_id", "int", nullable=False),
            Column("title", "nvarchar(200)", nullable=False),
            Column("published", "date"),
            Column("label", "nvarchar(200)", default="(upper([title]))", generated=True),
        ),
        primary_key=("id",),
        foreign_keys=(ForeignKey(("author_id",), "dbo", "authors", ("id",)),),
        unique=(("author_id", "title"),),
        indexes=(Index("books_by_title", ("title",)),),
    ),
    Table(
        "dbo",
        "loans",
        columns=(
            Column("book_id", "int", nullable=False),
            Column("day", "date", nullable=False),
            Column("borrower", "nvarchar(50)"),
        ),
        primary_key=("book_id", "day"),
        foreign_keys=(ForeignKey(("book_id",), "dbo", "books", ("id",)),),
    ),
    Table(
        "dbo",
        "recent",
        kind="view",
        columns=(Column("id", "int", nullable=False), Column("title", "nvarchar(200)", nullable=False)),
    ),
)

CHANGES = {
    "a table": "create table added (id int)",
    "a column": "alter table books add pages int",
    "a column's name": "exec sp_rename 'books.pages', 'leaves', 'COLUMN'",
    "a column's type": "alter table books alter column leaves bigint",
    "a default": "alter table books add constraint leaves_default default 1 for leaves",
    "a default less": "alter table books drop constraint leaves_default",
    "not null": "alter table loans alter column borrower nvarchar(50) not null",
    "null": "alter table loans alter column borrower nvarchar(50) null",
    "a column less": "alter table books drop column leaves",
    "a table's comment": "exec sp_addextendedproperty 'MS_Description', N'What', 'schema', 'dbo', 'table', 'books'",
    "another comment": "exec sp_updateextendedproperty 'MS_Description', N'Was', 'schema', 'dbo', 'table', 'books'",
    "a comment less": "exec sp_dropextendedproperty 'MS_Description', 'schema', 'dbo', 'table', 'books'",
    "a view": "create view titles as select title from books",
    "an index": "create index authors_by_name on authors (name) where name is not null",
    "an index's name": "exec sp_rename 'authors.authors_by_name', 'by_name', 'INDEX'",
    "an index less": "drop index by_name on authors",
    "a unique key": "alter table authors add constraint named unique (name)",
    "a key less": "alter table authors drop constraint named",
    "a foreign key": "alter table added add constraint pointed foreign key (id) references books (id)",
    "a foreign key less": "alter table added drop constraint pointed",
    "a table's name": "exec sp_rename 'added', 'renamed'",
    "a table's schema": "alter schema archive transfer dbo.renamed",
    "a table less": "drop table archive.renamed",
}

FILES = {
    "authors": [{"id": 1, "name": "Ada", "email": "ada@example.com"}, {"id": 2, "name": "Ben", "email": None}],
    "books": [{"id": 1, "author_id": 1, "title": "Engines"}, {"id": 2, "author_id": 1, "title": "Numbers"}],
}
COUNT = "from sys.all_objects a cross join sys.all_objects b"


@dataclass(slots=True)
class Started:
    """A server; `administrator` stands in the settings of a real one."""

    host: str
    port: int
    administrator: dict[str, str] = field(default_factory=dict[str, str])

    def execute(self, *statements: str, database: str = "master") -> int:
        """Run statements as the administrator, and return the number that the last one selects."""
        keywords = {
            "Driver": driver(),
            "Server": f"tcp:{self.host},{self.port}",
            "Database": database,
            "TrustServerCertificate": "yes",
            **self.administrator,
        }
        import pyodbc

        connection = pyodbc.connect(connection_string(keywords), autocommit=True)
        try:
            cursor = connection.cursor()
            for statement in statements:
                cursor.execute(statement)
            return int(cursor.fetchval()) if cast("object", cursor.description) else 0
        finally:
            connection.close()


@contextmanager
def start() -> Generator[Started]:
    require_odbc()
    if DSN:
        parts = urlsplit(DSN)
        administrator = {"UID": unquote(parts.username or ""), "PWD": unquote(parts.password or "")}
        yield Started(parts.hostname or "localhost", parts.port or 1433, administrator)
        return
    with TemporaryDirectory(prefix="colonnade-") as folder:
        for name, rows in FILES.items():
            Path(folder, f"{name}.json").write_text(json.dumps(rows))
        tables = [{"name": name, "json": f"{name}.json"} for name in FILES]
        logins = [{"user": "reader", "password": PASSWORD}]
        config = Path(folder, "config.json")
        config.write_text(json.dumps({"tables": tables, "logins": logins}))
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = int(free.getsockname()[1])
        command = [sys.executable, "-m", "pysqlbridge.server", "--config", str(config), "--port", str(port)]
        server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            _wait_for(port)
            yield Started("127.0.0.1", port)
        finally:
            server.kill()
            server.wait(10)


def _wait_for(port: int) -> None:
    for _ in range(300):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise TimeoutError


def _open_to(port: int) -> int:
    """Count the connections that this machine holds open to a port of its own; the emulator does not tell."""
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(there.endswith(f":{port:04X}") and state == "01" for _, _, there, state, *_ in lines)


@asynccontextmanager
async def case(started: object, _folder: Path) -> AsyncGenerator[Case]:
    server = cast("Started", started)
    if not DSN:
        yield _case(server, "pysqlbridge")
        return
    database = f"case_{token_hex(4)}"
    escaped = PASSWORD.replace("'", "''")

    def build() -> None:
        server.execute(
            f"create database {database}",
            *(f"create login {name}_{database} with password = '{escaped}'" for name in ("reader", "owner")),
        )
        server.execute(
            *(f"create user {name}_{database} for login {name}_{database}" for name in ("reader", "owner")),
            f"alter role db_datareader add member reader_{database}",
            f"alter role db_owner add member owner_{database}",
            *SEED,
            database=database,
        )

    def drop() -> None:
        server.execute(
            f"alter database {database} set single_user with rollback immediate",
            f"drop database {database}",
            *(f"drop login {name}_{database}" for name in ("reader", "owner")),
        )

    await anyio.to_thread.run_sync(build)
    try:
        yield _case(server, database)
    finally:
        await anyio.to_thread.run_sync(drop)


def _case(server: Started, database: str) -> Case:
    suffix = f"_{database}" if DSN else ""

    def login(**settings: object) -> Login:
        base = {"host": server.host, "port": server.port, "database": database, "trust_server_certificate": True}
        return Login({**base, "user": f"reader{suffix}", "password": PASSWORD, **settings})

    async def admin(sql: str) -> None:
        await anyio.to_thread.run_sync(lambda: server.execute(sql, database=database))

    def ours(condition: str) -> str:
        return (
            "select count(*) from sys.dm_exec_sessions s left join sys.dm_exec_requests r on r.session_id = "
            f"s.session_id where s.login_name in ('reader{suffix}', 'owner{suffix}') and {condition}"
        )

    async def count(condition: str) -> int:
        if not DSN:
            await checkpoint()
            return _open_to(server.port)
        return await anyio.to_thread.run_sync(server.execute, ours(condition))

    async def kill() -> None:
        sql = "declare @k nvarchar(max) = ''; select @k += 'kill ' + cast(s.session_id as varchar) + ';' from "
        rest = ours("1 = 1").partition(" from ")[2]
        await anyio.to_thread.run_sync(server.execute, f"{sql}{rest}; exec(@k)")

    return Case(
        type="mssql",
        engine=ENGINE,
        login=login(),
        owner=login(user=f"owner{suffix}"),
        version="Microsoft SQL Server",
        admin=admin,
        slow="waitfor delay '0:01:00'",
        rows=lambda number: (
            f"select top ({number}) row_number() over (order by (select null)) as n, "
            f"concat('row ', row_number() over (order by (select null))) as name {COUNT}"
        ),
        endless=f"select a.object_id {COUNT} cross join sys.all_objects c",
        nothing="declare @nothing int = 1",
        write="insert into authors (name) values ('Cleo')",
        ddl="create table made (id int)",
        golden=GOLDEN if DSN else EMULATED,
        tables=TABLES,
        default_schema="dbo",
        changes=CHANGES,
        server=Server(
            wrong_password=login(password=WRONG_PASSWORD),
            unknown_database=login(database="nowhere"),
            at=lambda port: login(host="127.0.0.1", port=port),
            connections=lambda: count("1 = 1"),
            running=lambda: count("r.session_id is not null"),
            kill=kill,
        ),
    )
