"""Oracle as a case, on a server that somebody else runs: there is none that a test could start.

COLONNADE_TEST_ORACLE_DSN is an administrator's URL: oracle://system:password@host:port/service_name. Each test gets
schemas of its own, which are dropped in the end.
"""

import os
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from typing import Any, cast
from urllib.parse import unquote, urlsplit

import oracledb
import pytest
from colonnade.server.engines.oracle import ENGINE
from colonnade.server.model import Column, ForeignKey, Index, Table

from tests.contract.case import Case, Golden, Login, Server, every_question

DSN = os.environ.get("COLONNADE_TEST_ORACLE_DSN")
NONE = "no Oracle server can be had here; set COLONNADE_TEST_ORACLE_DSN"

PASSWORD = "r3ader_Pass#word1"
WRONG_PASSWORD = "n0t_the_Password"

WITHOUT_COLUMNS = "every query has columns, and nothing but queries is sent"
UNTESTABLE: dict[str, str] = (
    {"test_a_statement_without_columns_returns_none": WITHOUT_COLUMNS} if DSN else dict.fromkeys(every_question(), NONE)
)

SEED = (
    (
        "create table authors (id number(10) generated always as identity primary key, name varchar2(100) not null,"
        " email varchar2(100) unique, country varchar2(2) default 'NL', born date)"
    ),
    "comment on table authors is 'Who wrote it'",
    "comment on column authors.email is 'Where to write to'",
    (
        "create table books (id number(10) primary key, author_id number(10) not null references authors (id),"
        " title varchar2(200) not null, published date, label varchar2(200) generated always as (upper(title)) virtual,"
        " unique (author_id, title))"
    ),
    "create index books_by_title on books (title)",
    (
        "create table loans (book_id number(10) references books (id), day date, borrower varchar2(100),"
        " primary key (book_id, day))"
    ),
    "create view recent as select id, title from books where published >= date '2020-01-01'",
    "insert into authors (name, email) values ('Ada', 'ada@example.com')",
    "insert into authors (name, email) values ('Ben', null)",
    "insert into books (id, author_id, title, published) values (1, 1, 'Engines', date '2021-03-04')",
    "insert into books (id, author_id, title, published) values (2, 1, 'Numbers', null)",
)
"""In the order in which ids of authors are given: 1 and 2."""

# What has been granted already is left alone: a GRANT moves LAST_DDL_TIME, and would do the fingerprint's work.
SHOWN = """begin
    for made in (
        select object_name from user_objects where object_type in ('TABLE', 'VIEW')
        minus select table_name from user_tab_privs_made where grantee = '{reader}'
    ) loop
        execute immediate 'grant read on "' || made.object_name || '" to {reader}';
    end loop;
end;"""

CUT = " (cut to microseconds)"
LOCAL = " (local time, its offset is not known: TO_CHAR or SYS_EXTRACT_UTC keep it)"

GOLDEN = (
    Golden("1", "NUMBER", 1),
    Golden("12.50", "NUMBER", "12.5"),
    Golden("9007199254740991", "NUMBER", 9007199254740991),
    Golden("9007199254740993", "NUMBER", "9007199254740993"),
    Golden("99999999999999999999999999999999999999", "NUMBER", 38 * "9"),
    Golden("cast(7 as number(10))", "NUMBER(10)", 7),
    Golden("cast(7 as number(10,2))", "NUMBER(10,2)", "7"),
    Golden("cast(1234 as number(4,-2))", "NUMBER(4,-2)", 1200),
    Golden("cast(-12345678901234567890.123456789 as number(38,9))", "NUMBER(38,9)", "-12345678901234567890.123456789"),
    Golden("cast(0.1 as float(126))", "FLOAT(126)", "0.1"),
    Golden("1e125", "NUMBER", "1" + 125 * "0"),
    Golden("1.1f", "BINARY_FLOAT", 1.1),
    Golden("0.1d", "BINARY_DOUBLE", 0.1),
    Golden("binary_double_nan", "BINARY_DOUBLE", "NaN"),
    Golden("-binary_float_infinity", "BINARY_FLOAT", "-Infinity"),
    Golden("'ß ☃ 🦉'", "CHAR", "ß ☃ 🦉"),
    Golden("cast('a' as char(3))", "CHAR", "a  "),
    Golden("cast('a' as varchar2(3))", "VARCHAR2", "a"),
    Golden("n'ß'", "NCHAR", "ß"),
    Golden("to_clob('long')", "CLOB", "long"),
    Golden("to_nclob('lång')", "NCLOB", "lång"),
    Golden("to_blob(hextoraw('00ff'))", "BLOB", "AP8="),
    Golden("hextoraw('00ff')", "RAW", "AP8="),
    Golden("date '2024-02-29'", "DATE", "2024-02-29T00:00:00"),
    Golden("date '9999-12-31'", "DATE", "9999-12-31T00:00:00"),
    Golden("cast(timestamp '2024-02-29 12:30:00.123456' as timestamp(6))", "TIMESTAMP", "2024-02-29T12:30:00.123456"),
    Golden("timestamp '2024-02-29 12:30:00.123456789'", "TIMESTAMP" + CUT, "2024-02-29T12:30:00.123456"),
    Golden(
        "cast(timestamp '2024-02-29 12:30:00 +02:00' as timestamp(6) with time zone)",
        "TIMESTAMP WITH TIME ZONE" + LOCAL,
        "2024-02-29T12:30:00",
    ),
    Golden("interval '1-2' year to month", "INTERVAL YEAR TO MONTH", "P1Y2M"),
    Golden("interval '-1-2' year to month", "INTERVAL YEAR TO MONTH", "-P1Y2M"),
    Golden("interval '1 02:03:04.5' day to second(6)", "INTERVAL DAY TO SECOND", "PT93784.5S"),
    Golden("cast(null as varchar2(1))", "VARCHAR2", None),
)


def tables_of(schema: str) -> tuple[Table, ...]:
    return (
        Table(
            schema,
            "AUTHORS",
            comment="Who wrote it",
            columns=(
                Column("ID", "NUMBER(10)", nullable=False, generated=True),
                Column("NAME", "VARCHAR2(100)", nullable=False),
                Column("EMAIL", "VARCHAR2(100)", comment="Where to write to"),
                Column("COUNTRY", "VARCHAR2(2)", default="'NL'"),
                Column("BORN", "DATE"),
            ),
            primary_key=("ID",),
            unique=(("EMAIL",),),
        ),
        Table(
            schema,
            "BOOKS",
            columns=(
                Column("ID", "NUMBER(10)", nullable=False),
                Column("AUTHOR_ID", "NUMBER(10)", nullable=False),
                Column("TITLE", "VARCHAR2(200)", nullable=False),
                Column("PUBLISHED", "DATE"),
                Column("LABEL", "VARCHAR2(200)", default='UPPER("TITLE")', generated=True),
            ),
            primary_key=("ID",),
            foreign_keys=(ForeignKey(("AUTHOR_ID",), schema, "AUTHORS", ("ID",)),),
            unique=(("AUTHOR_ID", "TITLE"),),
            indexes=(Index("BOOKS_BY_TITLE", ("TITLE",)),),
        ),
        Table(
            schema,
            "LOANS",
            columns=(
                Column("BOOK_ID", "NUMBER(10)", nullable=False),
                Column("DAY", "DATE", nullable=False),
                Column("BORROWER", "VARCHAR2(100)"),
            ),
            primary_key=("BOOK_ID", "DAY"),
            foreign_keys=(ForeignKey(("BOOK_ID",), schema, "BOOKS", ("ID",)),),
        ),
        Table(
            schema,
            "RECENT",
            kind="view",
            columns=(Column("ID", "NUMBER(10)", nullable=False), Column("TITLE", "VARCHAR2(200)", nullable=False)),
        ),
    )


CHANGES = {
    "a table": "create table added (id number(10))",
    "a column": "alter table books add pages number(10)",
    "a column's name": "alter table books rename column pages to leaves",
    "a column's type": "alter table books modify leaves number(12)",
    "a default": "alter table books modify leaves default 1",
    "a default less": "alter table books modify leaves default null",
    "not null": "alter table authors modify country not null",
    "null": "alter table authors modify country null",
    "a column less": "alter table books drop column leaves",
    "a table's comment": "comment on table books is 'What was written'",
    "a column's comment": "comment on column books.title is 'On the cover'",
    "a comment less": "comment on table books is ''",
    "an index": "create index authors_by_name on authors (upper(name), born desc)",
    "an index's name": "alter index authors_by_name rename to by_name",
    "an index less": "drop index by_name",
    "a unique key": "alter table authors add constraint named unique (name)",
    "a key less": "alter table authors drop constraint named",
    "a foreign key": "alter table loans add constraint other foreign key (book_id) references authors (id)",
    "a foreign key less": "alter table loans drop constraint other",
    "a table's name": "rename recent to latest",
    "a table less": "drop table loans",
}


@dataclass(slots=True)
class Started:
    """An administrator's connection, in the driver's words."""

    settings: dict[str, Any]

    async def connect(self, **other: str) -> Any:  # noqa: ANN401 - the compiled driver has few types
        return cast("Any", await oracledb.connect_async(**{**self.settings, **other}))


@contextmanager
def start() -> Generator[Started]:
    if DSN is None:
        pytest.skip(NONE)
    parts = urlsplit(DSN)
    yield Started(
        {
            "user": unquote(parts.username or ""),
            "password": unquote(parts.password or ""),
            "host": parts.hostname or "localhost",
            "port": parts.port or 1521,
            "service_name": unquote(parts.path).lstrip("/"),
        }
    )


@asynccontextmanager
async def case(started: object, _folder: Path) -> AsyncGenerator[Case]:
    server = cast("Started", started)
    schema = f"COLONNADE_{token_hex(4).upper()}"
    administrator = await server.connect()
    try:
        for user in (schema, f"{schema}_R"):
            await administrator.execute(f'create user {user} identified by "{PASSWORD}" quota unlimited on users')
            await administrator.execute(f"grant create session to {user}")
        await administrator.execute(f"grant create table, create view, create sequence to {schema}")
        owner = await server.connect(user=schema, password=PASSWORD)
        try:
            for sql in SEED:
                await owner.execute(sql)
            await owner.commit()
            await owner.execute(SHOWN.format(reader=f"{schema}_R"))
        finally:
            await owner.close()
        for name in ("authors", "books", "loans", "recent"):
            await administrator.execute(f"create synonym {schema}_R.{name} for {schema}.{name}")
        yield _case(server, schema, administrator)
    finally:
        for user in (f"{schema}_R", schema):
            with suppress(oracledb.DatabaseError):
                await administrator.execute(f"drop user {user} cascade")
        await administrator.close()


def _case(server: Started, schema: str, administrator: Any) -> Case:  # noqa: ANN401 - as above
    reader = f"{schema}_R"

    def login(**settings: str | int) -> Login:
        where = {name: server.settings[name] for name in ("host", "port", "service_name")}
        return Login({**where, "user": reader, "password": PASSWORD, **settings})

    async def admin(sql: str) -> None:
        owner = await server.connect(user=schema, password=PASSWORD)
        try:
            await owner.execute(sql)
            await owner.commit()
            await owner.execute(SHOWN.format(reader=reader))
        finally:
            await owner.close()

    async def count(condition: str) -> int:
        sql = f"select count(*) from v$session where username in (:1, :2) and program = 'colonnade' and {condition}"
        row = await administrator.fetchone(sql, [schema, reader])
        return int(row[0])

    async def kill() -> None:
        sql = "select sid, serial# from v$session where username in (:1, :2) and program = 'colonnade'"
        for sid, serial in await administrator.fetchall(sql, [schema, reader]):
            await administrator.execute(f"alter system kill session '{sid},{serial}' immediate")

    return Case(
        type="oracle",
        engine=ENGINE,
        login=login(),
        owner=login(user=schema),
        version="Oracle Database ",
        admin=admin,
        slow="select count(*) from all_objects a, all_objects b, all_objects c, all_objects d",
        rows=lambda number: f"select level as n, 'row ' || level as name from dual connect by level <= {number}",
        endless="select 1 as a from all_objects a, all_objects b, all_objects c",
        nothing=None,
        write="insert into authors (name) values ('Cleo')",
        ddl="create table made (id number(10))",
        golden=GOLDEN,
        tables=tables_of(schema),
        default_schema=reader,
        changes=CHANGES,
        server=Server(
            wrong_password=login(password=WRONG_PASSWORD),
            unknown_database=login(service_name="nowhere"),
            at=lambda port: login(host="127.0.0.1", port=port),
            connections=lambda: count("1 = 1"),
            running=lambda: count("status = 'ACTIVE'"),
            kill=kill,
        ),
        dual=" from dual",
        folded=str.upper,
    )
