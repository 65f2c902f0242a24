"""What only SQL Server's adapter does: its settings, its token, its values and types, its driver's words."""

import struct
import sys
from typing import Any, cast

import pytest
import sqlglot
from colonnade.server.engines.base.odbc.native import Described
from colonnade.server.engines.base.odbc.strings import connection_string
from colonnade.server.engines.mssql import (
    ENGINE,
    MssqlOptions,
    driver,
    keywords_of,
    login,
    packed,
    result_column,
    time_of_day,
    timestamp,
)
from colonnade.server.errors import ConfigError, Denied, DriverMissing, SqlError, Unreachable
from colonnade.server.model import Limits
from pydantic import ValidationError
from sqlglot import exp

from tests.contract.case import Case, Login, ask, opened
from tests.engines.installed import require_odbc

require_odbc()
import pyodbc  # noqa: E402 - where the line above has not skipped it all

ours = pytest.mark.parametrize("case", ["mssql"], indirect=True)


def string_of(secrets: dict[str, str] | None = None, **settings: object) -> str:
    options = MssqlOptions.model_validate({"driver": "D", **settings})
    return connection_string(keywords_of(options, secrets or {})[0])


def test_settings_make_a_connection_string() -> None:
    assert string_of({"password": "a;b}c"}, host="db", database="shop", user="ann", password="x") == (
        "Driver=D;Server=tcp:db,1433;Database=shop;UID=ann;PWD={a;b}}c};Encrypt=yes;TrustServerCertificate=no;"
        "APP=colonnade;"
    )
    assert "Server=db\\two;" in string_of(server="db\\two")
    assert string_of(dsn="shop").startswith("DSN=shop;Encrypt=yes")
    assert "Server=tcp:db,1444;Database=shop;UID=ann;PWD=p@w;" in string_of(
        {"url": "mssql://ann:p%40w@db:1444/shop"}, url="mssql://x"
    )


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({}, "no host is given"),
        ({"host": "db", "dsn": "x"}, "both host and dsn"),
        ({"url": "mssql://db", "database": "x"}, "both url and host/port/database"),
        ({"server": "db", "port": 1}, "a port needs a host"),
        ({"host": "db", "access_token": "x", "user": "ann"}, "both access_token and another login"),
        ({"host": "db", "hostt": "x"}, "hostt"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(settings: dict[str, object], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        MssqlOptions.model_validate(settings)


@pytest.mark.parametrize(
    "url", ["mssql://a:hunter2@b@db/x", "mssql://a:hunter2/x@db", "hunter2", "mssql://a@db:hunter2"]
)
def test_a_torn_url_is_not_repeated(url: str) -> None:
    with pytest.raises(ConfigError) as caught:
        string_of({"url": url}, url=url)
    assert "hunter2" not in str(caught.value)


def test_every_option_can_be_shown_in_a_form() -> None:
    for field in MssqlOptions.model_fields.values():
        assert field.description
        assert set(cast("dict[str, str]", field.json_schema_extra)) == {"label", "group"}


def test_a_token_travels_as_utf_16_after_its_length() -> None:
    assert packed("ab") == b"\x04\0\0\0a\0b\0"


def test_a_missing_driver_is_told_with_its_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pyodbc, "drivers", list[str])
    monkeypatch.setitem(sys.modules, "mssql_python_odbc", None)
    with pytest.raises(DriverMissing, match=r"pip install \"colonnade\[mssql-driver\]\""):
        driver()


def test_an_installed_driver_comes_first_and_the_newest_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    found = ["SQLite3", "ODBC Driver 17 for SQL Server", "ODBC Driver 18 for SQL Server"]
    monkeypatch.setattr(pyodbc, "drivers", lambda: found)
    assert driver() == "ODBC Driver 18 for SQL Server"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (struct.pack("<hHHHHHI", 9999, 12, 31, 23, 59, 59, 999_999_900), "9999-12-31T23:59:59.9999999"),
        (struct.pack("<hHHHHHI", 1, 1, 1, 0, 0, 0, 0), "0001-01-01T00:00:00"),
        (struct.pack("<hHHHHHIhh", 2024, 2, 29, 12, 30, 0, 100, -3, -30), "2024-02-29T12:30:00.0000001-03:30"),
        (struct.pack("<hHHHHHIhh", 2024, 2, 29, 12, 30, 0, 0, 0, -30), "2024-02-29T12:30:00-00:30"),
        (struct.pack("<hHHHHHIhh", 2024, 2, 29, 12, 30, 0, 0, 14, 0), "2024-02-29T12:30:00+14:00"),
        (struct.pack("<iI", -53_690, 0), "1753-01-01T00:00:00"),
        (struct.pack("<iI", 0, 1), "1900-01-01T00:00:00.003000"),
        (struct.pack("<iI", 0, 2), "1900-01-01T00:00:00.007000"),
        (struct.pack("<HH", 45_349, 750), "2024-02-29T12:30:00"),
    ],
)
def test_timestamps_keep_every_digit_and_their_zone(value: bytes, text: str) -> None:
    assert timestamp(value) == text


def test_a_time_keeps_its_seventh_digit() -> None:
    assert time_of_day(struct.pack("<HHHxxI", 23, 59, 59, 999_999_900)) == "23:59:59.9999999"


@pytest.mark.parametrize(
    ("native", "kind", "size", "scale", "name"),
    [
        ("int identity", int, 10, 0, "int"),
        ("decimal", float, 38, 10, "decimal(38,10)"),
        ("nvarchar", str, 20, 0, "nvarchar(20)"),
        ("nvarchar", str, 0, 0, "nvarchar(max)"),
        ("varbinary", bytes, 0, 0, "varbinary(max)"),
        ("datetime2", str, 27, 7, "datetime2(7)"),
        ("datetimeoffset", str, 34, 7, "datetimeoffset(7)"),
        ("datetime", str, 23, 3, "datetime"),
        ("xml", str, 0, 0, "xml"),
    ],
)
def test_types_are_named_as_in_a_create_table(native: str, kind: type, size: int, scale: int, name: str) -> None:
    assert result_column(Described("v", kind, size, scale, None, native)).type == name


@ours
async def test_a_certificate_that_is_not_trusted_is_told_as_such(case: Case) -> None:
    login = Login({**case.login.settings, "trust_server_certificate": False})
    with pytest.raises(Unreachable, match=r"TLS: .* certificate was not accepted"):
        async with opened(case, login=login):
            pass


@ours
async def test_a_tunnel_changes_the_address_and_not_the_name_in_the_certificate(case: Case) -> None:
    settings = cast("dict[str, Any]", {**case.login.settings, "host": "db.invalid", "port": 1})
    options = MssqlOptions.model_validate({**settings, "ssh": {"host": "bastion"}})
    asked: list[tuple[str, int]] = []

    async def route(host: str, port: int) -> tuple[str, int]:
        asked.append((host, port))
        return str(case.login.settings["host"]), cast("int", case.login.settings["port"])

    client = await ENGINE.open(options, {"password": settings["password"]}, Limits(), route)
    try:
        assert (await client.ping()).version.startswith(case.version)
        assert asked == [("db.invalid", 1)]
    finally:
        await client.close()


@ours
async def test_a_mistake_is_told_in_the_servers_words(case: Case) -> None:
    async with opened(case) as client:
        with pytest.raises(SqlError, match=r"sql_error: [Ii]nvalid object name 'nowhere'[^\[\]]*$"):
            await ask(case, client, "select * from nowhere")


@ours
async def test_the_catalog_tells_tables_and_native_types(case: Case) -> None:
    async with opened(case) as client:
        authors = next(table for table in (await client.catalog()).tables if table.name == "authors")
    assert (authors.schema, authors.kind) == ("dbo", "table")
    assert authors.columns[0].name == "id"
    assert authors.columns[0].type == "int"


class Cursor:
    """Answers the questions about a login in their order."""

    def __init__(self, roles: set[str], permissions: list[tuple[str, str]], objects: tuple[int | None, ...]) -> None:
        members = [int(role in roles) for role in (*login.SERVER_ROLES, *login.DATABASE_ROLES)]
        self.answers: dict[str, list[tuple[object, ...]]] = {
            login.FACTS: [("ann", "shop", *members)],
            login.PERMISSIONS: [*permissions],
            login.OBJECTS: [objects],
            login.SCHEMAS: [("dbo",), ("odd]one",)],
        }

    def execute(self, sql: str) -> "Cursor":
        self.asked = sql
        return self

    def fetchall(self) -> list[tuple[object, ...]]:
        return self.answers[self.asked]


def dangers_of(
    *permissions: tuple[str, str], roles: set[str] | None = None, objects: tuple[int | None, ...] = (None, None, None)
) -> tuple[str, ...]:
    cursor = cast("pyodbc.Cursor", Cursor(roles or set(), list(permissions), objects))
    found = login.read_login(cursor)
    assert found.name == "ann"
    assert "grant select on schema::[odd]]one] to colonnade_reader;" in found.remedy
    return found.dangers


READING = (("server", "CONNECT SQL"), ("server", "VIEW ANY DATABASE"), ("database", "CONNECT"), ("database", "SELECT"))


def test_a_login_of_db_datareader_has_no_dangers() -> None:
    assert dangers_of(*READING, objects=(0, 0, 0)) == ()


def test_the_dangers_of_a_login_are_named() -> None:
    assert dangers_of(*READING, ("server", "CONTROL SERVER"), roles={"sysadmin"}) == ("is a member of sysadmin",)
    assert dangers_of(
        *READING, ("database", "INSERT"), ("database", "ALTER"), ("database", "EXECUTE"), roles={"db_datawriter"}
    ) == (
        "is a member of db_datawriter",
        "may write to every table (INSERT)",
        "may run every procedure (EXECUTE)",
        "has other permissions (ALTER)",
    )
    assert dangers_of(*READING, objects=(12, 1, 2)) == (
        "may write to 12 tables",
        "may alter 1 table",
        "may run 2 procedures",
    )


@pytest.mark.parametrize("name", ["FACTS", "PERMISSIONS", "OBJECTS", "SCHEMAS"])
def test_a_query_about_the_login_is_t_sql(name: str) -> None:
    (parsed,) = sqlglot.parse(getattr(login, name), read="tsql")
    assert isinstance(parsed, exp.Query)


@ours
async def test_a_look_that_the_server_refuses_is_an_error_of_ours_and_leaves_the_session_usable(case: Case) -> None:
    async with opened(case) as client:
        with pytest.raises((Denied, SqlError)):
            await client.login()
        assert (await ask(case, client, "select name from authors order by id"))[1] == [("Ada",), ("Ben",)]
