"""SQLAlchemy as a case: asyncpg through it, on the server and the seed of PostgreSQL's own case."""

from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final
from urllib.parse import quote

from colonnade.server.engines.sqlalchemy import ENGINE
from colonnade.server.model import Column, Table

from tests.contract.case import Case, Golden, Login, Server
from tests.engines import postgres

UNTESTABLE: dict[str, str] = {
    "test_the_least_privileged_login_has_no_dangers": "whatever is behind it, that a login only reads is never proved",
}

GOLDEN = (
    Golden("true", "boolean", value=True),
    Golden("1::int2", "integer", 1),
    Golden("9007199254740991", "integer", 9007199254740991),
    Golden("9007199254740993", "integer", "9007199254740993"),
    Golden("12.50", "decimal", "12.50"),
    Golden("1e30::numeric", "decimal", "1" + 30 * "0"),
    Golden("-12345678901234567890123456789012345.678", "decimal", "-12345678901234567890123456789012345.678"),
    Golden("'NaN'::numeric", "decimal", "NaN"),
    Golden("0.1::float8", "double precision", 0.1),
    Golden("'NaN'::float8", "double precision", "NaN"),
    Golden("'-Infinity'::float8", "double precision", "-Infinity"),
    Golden("''::text", "text", ""),
    Golden("'ß ☃ 🦉'", "text", "ß ☃ 🦉"),
    Golden("'a'::char(3)", "text", "a  "),
    Golden("'\\x00ff'::bytea", "binary", "AP8="),
    Golden("b'101'", "bit", "101"),
    Golden("'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid", "uuid", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
    Golden("'10.0.0.0/8'::cidr", "ipv4network", "10.0.0.0/8"),
    Golden('\'{"a": 1.10, "b": 12345678901234567890}\'::json', "json", '{"a": 1.10, "b": 12345678901234567890}'),
    Golden("'{\"a\": 1.10}'::jsonb", "jsonb", '{"a": 1.10}'),
    Golden("date '2024-02-29'", "date", "2024-02-29"),
    Golden("'infinity'::date", "date", "infinity"),
    Golden("'10000-01-01'::date", "date", "10000-01-01"),
    Golden("time '24:00'", "time", "24:00:00"),
    Golden("'12:30:00.5+02'::timetz", "timetz", "12:30:00.5+02"),
    Golden("timestamp '2024-02-29 12:30:00.123456'", "timestamp", "2024-02-29T12:30:00.123456"),
    Golden("'-infinity'::timestamptz", "timestamptz", "-infinity"),
    Golden("interval '1 month'", "interval", "1 mon"),
    Golden("'happy'::mood", "text", "happy"),
    Golden("'{1,NULL}'::int4[]", "array", [1, None]),
    Golden("'{9007199254740993}'::int8[]", "array", ["9007199254740993"]),
    Golden("array[timestamptz 'infinity']", "array", ["infinity"]),
    Golden("null", "any", None),
)


@contextmanager
def start() -> Generator[postgres.Started]:
    with postgres.start() as started:
        yield started


@asynccontextmanager
async def case(started: object, folder: Path) -> AsyncGenerator[Case]:
    async with postgres.case(started, folder) as native:
        yield _case(native)


def _case(native: Case) -> Case:
    settings = native.login.settings
    folder, database = str(settings["host"]), str(settings["database"])

    def login(
        user: str = "reader", password: str = postgres.PASSWORD, database: str = database, at: str = "", query: str = ""
    ) -> Login:
        query = query or ("" if at else f"?host={quote(folder)}")
        url = f"postgresql+asyncpg://{at}/{database}{query}"
        return Login({"url": url, "user": user, "password": password})

    assert native.server is not None
    return replace(
        native,
        type="sqlalchemy",
        engine=ENGINE,
        login=login(),
        owner=login(user="owner"),
        version="postgresql 1",
        golden=GOLDEN,
        tables=TABLES,
        changes={kind: sql for kind, sql in postgres.CHANGES.items() if kind not in UNSEEN},
        server=Server(
            wrong_password=login(password=postgres.WRONG_PASSWORD),
            unknown_database=login(database="nowhere"),
            at=lambda port: login(at=f"127.0.0.1:{port}"),
            connections=native.server.connections,
            running=native.server.running,
            kill=native.server.kill,
        ),
    )


UNSEEN: Final = ("a privilege", "a privilege on one column")
"""The Inspector lists what exists, whoever may read it."""

TYPES: Final = {"character varying(200)": "VARCHAR(200)", "mood": "mood"}


def _as_reflected(table: Table) -> Table:
    """Return a table of the native case with the names that SQLAlchemy has for its types."""

    def renamed(column: Column) -> Column:
        return replace(column, type=TYPES.get(column.type, column.type.upper()))

    return replace(table, columns=tuple(map(renamed, table.columns)))


TABLES = tuple(map(_as_reflected, postgres.TABLES))
