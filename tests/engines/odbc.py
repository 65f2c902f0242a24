"""Any ODBC data source as a case: PostgreSQL by its own ODBC driver, on a server like that of postgres.py."""

from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import cast

from colonnade.server.engines.odbc import ENGINE
from colonnade.server.model import Column, Table

from tests.contract.case import Case, Golden, Login, Server
from tests.engines import postgres
from tests.engines.installed import require_odbc

DRIVER = "PostgreSQL Unicode"


@contextmanager
def start() -> Generator[postgres.Started]:
    require_odbc(DRIVER, "odbc-postgresql")
    with postgres.start() as started:
        yield started


UNTESTABLE: dict[str, str] = {
    "test_the_least_privileged_login_has_no_dangers": "whatever is behind it, that a login only reads is never proved",
}

KEYWORDS = {"SSLmode": "disable", "UseDeclareFetch": 1, "Fetch": 1000, "BoolsAsChar": 0, "ByteaAsLongVarBinary": 1}
"""psqlodbc's own: without UseDeclareFetch it reads a whole result before it gives the first row."""

GOLDEN = (
    Golden("true", "bool", value=True),
    Golden("1::int2", "int2", 1),
    Golden("-2147483648", "int4", -2147483648),
    Golden("9007199254740991", "int8", 9007199254740991),
    Golden("9007199254740993", "int8", "9007199254740993"),
    Golden("-9223372036854775808", "int8", "-9223372036854775808"),
    Golden("12.50", "numeric", "12.50"),
    Golden("1e30::numeric", "numeric", "1" + 30 * "0"),
    Golden("1e-20::numeric", "numeric", "0.00000000000000000001"),
    Golden("'NaN'::numeric", "numeric", "NaN"),
    Golden(
        "'-1234567890123456789012345678.0123456789'::numeric(38,10)",
        "numeric",
        "-1234567890123456789012345678.0123456789",
    ),
    Golden("1.1::float4", "float4", 1.1),
    Golden("3.4028235e38::float4", "float4", 3.4028235e38),
    Golden("0.1::float8", "float8", 0.1),
    Golden("1.7976931348623157e308::float8", "float8", 1.7976931348623157e308),
    Golden("5e-324::float8", "float8", 5e-324),
    Golden("'NaN'::float8", "float8", "NaN"),
    Golden("'-Infinity'::float8", "float8", "-Infinity"),
    Golden("'$12.34'::money", "money (as a float by the driver)", 12.34),
    Golden("''::text", "text", ""),
    Golden("'ß ☃ 🦉'::text", "text", "ß ☃ 🦉"),
    Golden("repeat('☃', 70000)", "text", "☃" * 70_000),
    Golden("'a'::char(3)", "char", "a  "),
    Golden("'x'::varchar(20)", "varchar", "x"),
    Golden("'{\"a\": 12345678901234567890}'::json", "unknown", '{"a": 12345678901234567890}'),
    Golden("'\\x00ff'::bytea", "bytea", "AP8="),
    Golden("'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid", "uuid", "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11"),
    Golden("date '2024-02-29'", "date", "2024-02-29"),
    Golden("date '9999-12-31'", "date", "9999-12-31"),
    Golden("time '12:30:00.123456'", "time", "12:30:00.123456"),
    Golden("'12:30:00.5+02'::timetz", "unknown", "12:30:00.5+02"),
    Golden("timestamp '2024-02-29 12:30:00.123456'", "timestamp without time zone", "2024-02-29T12:30:00.123456"),
    Golden("timestamptz '2024-02-29 12:30+00'", "timestamptz (without its zone by the driver)", "2024-02-29T12:30:00"),
    Golden("interval '1 month'", "wvarchar", "1 mon"),
    Golden("'{1,NULL}'::int4[]", "unknown", "{1,NULL}"),
    Golden("row(1, true)::pair", "unknown", "(1,t)"),
    Golden("null::text", "text", None),
    Golden("'18446744073709551615'::xid8", "unknown", "18446744073709551615"),
)
"""Infinite dates are left out, and years beyond 9999 and BC: psqlodbc hands out other dates for them."""

TABLES = (
    Table(
        "public",
        "authors",
        columns=(
            Column("id", "int4", nullable=False),
            Column("name", "text", nullable=False),
            Column("email", "text"),
            Column("country", "text", default="'NL'::text"),
            Column("born", "date"),
        ),
    ),
    Table(
        "public",
        "books",
        columns=(
            Column("id", "int4", nullable=False),
            Column("author_id", "int4", nullable=False),
            Column("title", "varchar", nullable=False),
            Column("published", "date"),
            Column("label", "text", default="upper((title)::text)"),
        ),
    ),
    Table(
        "public",
        "loans",
        columns=(
            Column("book_id", "int4", nullable=False),
            Column("day", "date", nullable=False),
            Column("borrower", "text"),
            Column("lender", "mood"),
        ),
    ),
    Table("public", "recent", kind="view", columns=(Column("id", "int4"), Column("title", "varchar"))),
)

SHOWN = (
    "a table", "a column", "a column's name", "a column's type", "a default", "another default", "a default less",
    "not null", "null", "a column less", "a view", "a materialized view", "a table's name", "a table's schema",
    "a schema's name", "a table less",
)  # fmt: skip
"""The changes that SQLTables and SQLColumns show."""


def credentials(base: Login) -> dict[str, object]:
    return {name: base.settings[name] for name in ("user", "password")}


def over_odbc(base: Login) -> Login:
    """Return a login of PostgreSQL as one of its ODBC driver."""
    settings = base.settings
    target = {"Servername": settings["host"], "Port": settings.get("port", 5432), "Database": settings["database"]}
    return Login({"driver": DRIVER, "keywords": {**target, **KEYWORDS}, **credentials(base)})


@asynccontextmanager
async def case(started: object, folder: Path) -> AsyncGenerator[Case]:
    async with postgres.case(started, folder) as base:
        server = cast("Server", base.server)

        def at(port: int) -> Login:
            return over_odbc(server.at(port))

        yield replace(
            base,
            type="odbc",
            engine=ENGINE,
            login=over_odbc(base.login),
            owner=over_odbc(cast("Login", base.owner)),
            golden=GOLDEN,
            tables=TABLES,
            default_schema="",
            changes={kind: postgres.CHANGES[kind] for kind in SHOWN},
            server=replace(
                server,
                wrong_password=over_odbc(server.wrong_password),
                unknown_database=over_odbc(server.unknown_database),
                at=at,
            ),
        )
