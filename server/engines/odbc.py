"""Any ODBC data source: a DSN, or a driver and its own keywords. What the driver loses, the type of the column says.

There is no read-only mode that drivers keep to (ODBC's is a hint), so the login is the wall; every statement is rolled
back. The catalog is what SQLTables and SQLColumns tell, which knows no indexes; keys come from information_schema
where the source has one. The fingerprint is a digest of it and costs as much: ODBC has nothing cheaper.
"""

import datetime as dt
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from hashlib import sha256
from time import time
from typing import TYPE_CHECKING, Any, Final, cast

import anyio.to_thread
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationInfo, field_validator, model_validator

from ..errors import ConfigError
from ..model import (
    Catalog,
    Cell,
    Codec,
    Column,
    ForeignKey,
    Limits,
    Login,
    ResultColumn,
    ServerInfo,
    Table,
    TableKind,
)
from ..secrets import EnvSecret, FileSecret, Secret
from .base import Abilities, Client, Engine, Networked, Route, absolute, direct
from .base.logins import ANY_REMEDY, WRITABLE, login_by
from .base.odbc.errors import refusal
from .base.odbc.native import Described, codec_of
from .base.odbc.sessions import OdbcSession, connect, require_driver
from .base.odbc.statements import OdbcClient
from .base.odbc.strings import HOST, PORT, connection_string, keyword, parsed, target_of

if TYPE_CHECKING:
    import pyodbc

ACCESS_MODE: Final = 101
READ_ONLY: Final = 1

GIVES_TEXT: Final = ("libmaodbc", "maodbc")
"""Drivers that hand out dates and times as the server's text if asked for bytes; it is exact, 0000-00-00 too."""

KINDS: Final[Mapping[str, TableKind]] = {
    "TABLE": "table",
    "BASE TABLE": "table",
    "VIEW": "view",
    "MATVIEW": "materialized",
    "MATERIALIZED VIEW": "materialized",
    "FOREIGN TABLE": "foreign",
    "EXTERNAL TABLE": "external",
}
SYSTEM: Final = frozenset({"information_schema", "pg_catalog", "pg_toast", "sys", "performance_schema"})
KEYS: Final = """
select c.table_schema, c.table_name, c.constraint_type, c.constraint_name, k.column_name, k.ordinal_position
from information_schema.table_constraints c join information_schema.key_column_usage k
  on k.constraint_schema = c.constraint_schema and k.constraint_name = c.constraint_name
  and k.table_schema = c.table_schema and k.table_name = c.table_name
where c.constraint_type in ('PRIMARY KEY', 'UNIQUE', 'FOREIGN KEY')
order by c.table_schema, c.table_name, c.constraint_name, k.ordinal_position
"""
# MySQL's own columns say what a key points at; everyone else has it by the name of the unique key there.
POINTS: Final = (
    """
select table_schema, table_name, constraint_name, referenced_table_schema, referenced_table_name, referenced_column_name
from information_schema.key_column_usage where referenced_table_name is not null
order by table_schema, table_name, constraint_name, ordinal_position
""",
    """
select k.table_schema, k.table_name, k.constraint_name, t.table_schema, t.table_name, t.column_name
from information_schema.referential_constraints r
join information_schema.key_column_usage k
  on k.constraint_schema = r.constraint_schema and k.constraint_name = r.constraint_name
join information_schema.key_column_usage t
  on t.constraint_schema = r.unique_constraint_schema and t.constraint_name = r.unique_constraint_name
  and t.ordinal_position = k.position_in_unique_constraint
order by k.table_schema, k.table_name, k.constraint_name, k.ordinal_position
""",
)


def _field(description: str, label: str, group: str) -> Any:  # noqa: ANN401 - as pydantic's
    return Field(default=None, description=description, json_schema_extra={"label": label, "group": group})


class Keywords(BaseModel):
    """A driver's own keywords: text, numbers, or secrets as { env = "NAME" } or { file = "path" }."""

    model_config = ConfigDict(extra="allow", frozen=True, hide_input_in_errors=True)
    __pydantic_extra__: dict[str, EnvSecret | FileSecret | bool | int | str]  # pyright: ignore[reportIncompatibleVariableOverride] - as pydantic documents it

    @model_validator(mode="after")
    def _no_open_secret(self) -> "Keywords":
        for name, value in self:
            if re.search(r"pwd|password|token|secret", name, re.IGNORECASE) and isinstance(value, str):
                raise ValueError(f'{name} is a secret: use `password`, or {name} = {{ env = "NAME" }}')
            if not re.fullmatch(r"[^\s=;{}\[\](),?*!@\\](?:[^=;{}\[\]\\]*[^\s=;{}\[\]\\])?", name):
                raise ValueError("a keyword holds a character that has no place in one")
        return self


class OdbcOptions(Networked):
    """How to reach a data source: a `dsn`, a `driver` with its keywords, or a whole `connection_string`."""

    dsn: str | None = _field("Name of a data source of odbc.ini", "Data source", "Connection")
    driver: str | None = _field("Name of an installed ODBC driver, or its file", "Driver", "Connection")
    keywords: Keywords | None = _field(
        'The driver\'s own keywords: { Server = "db", Port = 5432, … }; secret ones as { env = "NAME" }',
        "Keywords",
        "Connection",
    )
    connection_string: SecretStr | None = _field("keyword=value;keyword=value", "Connection string", "Connection")
    user: str | None = _field("Login (UID), best one that may only read", "User", "Login")
    password: Secret | None = _field("Password of the login (PWD)", "Password", "Login")

    @field_validator("driver")
    @classmethod
    def _from_the_folder(cls, driver: str | None, info: ValidationInfo) -> str | None:
        return absolute(driver, info) if driver and "/" in driver else driver

    @model_validator(mode="after")
    def _one_target(self) -> "OdbcOptions":
        given = [name for name in ("dsn", "driver", "connection_string") if getattr(self, name) is not None]
        if len(given) > 1:
            raise ValueError(f"both {' and '.join(given)} are given")
        if not given:
            raise ValueError("none of dsn, driver and connection_string is given")
        if self.connection_string is not None and self.keywords is not None:
            raise ValueError("both connection_string and keywords are given")
        return self


class Odbc:
    """Whatever has an ODBC driver."""

    dialect = ""
    abilities = Abilities(read_only=False, server_side_timeout=False, comments=False, keys=False, exact=False)
    options = OdbcOptions
    remedy = ANY_REMEDY

    async def open(
        self, options: OdbcOptions, secrets: Mapping[str, str], limits: Limits, route: Route = direct
    ) -> Client:
        require_driver()
        keywords = _keywords(options, secrets)
        target = target_of(keywords)

        async def session() -> OdbcSession:
            import pyodbc

            through = await _routed(keywords, route) if options.ssh is not None else keywords
            try:
                return await connect(connection_string(through), limits, _prepare, {ACCESS_MODE: READ_ONLY})
            except (pyodbc.Error, UnicodeError, ValueError) as error:
                raise await anyio.to_thread.run_sync(refusal, error, target, limits.connect) from None

        return OdbcSource(session, await session(), limits, result_column)


def _keywords(options: OdbcOptions, secrets: Mapping[str, str]) -> dict[str, str]:
    found = parsed(secrets["connection_string"]) if "connection_string" in secrets else {}
    if options.dsn is not None:
        found["DSN"] = options.dsn
    if options.driver is not None:
        found["Driver"] = options.driver
    for name, value in options.keywords or ():
        text = secrets.get(f"keywords.{name}", str(value))
        found[name] = str(int(value)) if isinstance(value, bool) else text
    if options.user is not None:
        found["UID"] = options.user
    if "password" in secrets:
        found["PWD"] = secrets["password"]
    return found


async def _routed(keywords: Mapping[str, str], route: Route) -> dict[str, str]:
    host, port = keyword(keywords, HOST), keyword(keywords, PORT)
    if not host or not port or not keywords[port].isdecimal():
        raise ConfigError(
            "An SSH tunnel needs the host and the port of the data source.",
            hint="Set both among `keywords`, under the driver's names for them, instead of a DSN.",
        )
    there, number = await route(keywords[host], int(keywords[port]))
    return {**keywords, host: there, port: str(number)}


def _prepare(driver: "pyodbc.Connection") -> None:
    import pyodbc

    # Every digit, NaN, and more than 38 digits; a form that is not a number is refused and never guessed.
    driver.decimal_mode = "text"
    if str(driver.getinfo(pyodbc.SQL_DRIVER_NAME)).startswith(GIVES_TEXT):
        for code in (pyodbc.SQL_TYPE_DATE, pyodbc.SQL_TYPE_TIME, pyodbc.SQL_TYPE_TIMESTAMP):
            driver.add_output_converter(code, _text)  # pyright: ignore[reportUnknownMemberType] - half typed


def _text(value: bytes) -> str:
    return value.decode("ascii").replace(" ", "T", 1)


# Types


GENERIC: Final[Mapping[int, str]] = {
    1: "char", 2: "numeric", 3: "decimal", 4: "integer", 5: "smallint", 6: "float", 7: "real", 8: "double",
    12: "varchar", -1: "longvarchar", -2: "binary", -3: "varbinary", -4: "longvarbinary", -5: "bigint",
    -6: "tinyint", -7: "bit", -8: "wchar", -9: "wvarchar", -10: "wlongvarchar", -11: "guid", 91: "date",
    92: "time", 93: "timestamp",
}  # fmt: skip
MICROSECONDS: Final = 6


def result_column(found: Described) -> ResultColumn:
    """Name a type as the database does, or else as ODBC does, and say what of its values the driver has lost."""
    native = found.native or GENERIC.get(found.code or 0, found.kind.__name__)
    word = native.lower()
    codec: Codec | None = codec_of(found)
    lost = ""
    if found.kind is str and word in ("bool", "boolean"):
        codec = _flag
    elif found.kind is float and re.match("money|numeric|decimal|number", word):
        lost = "as a float"
    elif found.kind is dt.datetime and re.search("tz|zone|offset|_ltz", word) and "without" not in word:
        lost = "without its zone"
    elif found.kind in (dt.datetime, dt.time) and found.scale > MICROSECONDS:
        lost = "cut to microseconds"
    return ResultColumn(found.name, f"{native} ({lost} by the driver)" if lost else native, codec)


def _flag(value: object) -> Cell:
    return {"1": True, "0": False, "t": True, "f": False}.get(cast("str", value), cast("str", value))


# Schema


class OdbcSource(OdbcClient):
    """One data source."""

    async def catalog(self) -> Catalog:
        return await self.read(_read_catalog)

    async def fingerprint(self) -> str:
        return (await self.read(_read_catalog)).fingerprint

    async def login(self) -> Login:
        return await self.read(_login)

    async def ping(self) -> ServerInfo:
        return ServerInfo(version=await self.read(_version))


def _login(cursor: "pyodbc.Cursor") -> Login:
    import pyodbc

    name = str(cursor.connection.getinfo(pyodbc.SQL_USER_NAME) or "")
    try:
        writable = int(cursor.execute(WRITABLE).fetchval() or 0)
    except pyodbc.Error:
        cursor.connection.rollback()
        writable = 0
    return login_by(name, writable)


def _version(cursor: "pyodbc.Cursor") -> str:
    import pyodbc

    cursor.execute("select 1").fetchall()
    told = (cursor.connection.getinfo(info) for info in (pyodbc.SQL_DBMS_NAME, pyodbc.SQL_DBMS_VER))
    return " ".join(map(str, told))


def _read_catalog(cursor: "pyodbc.Cursor") -> Catalog:
    import pyodbc

    database = str(cursor.connection.getinfo(pyodbc.SQL_DATABASE_NAME) or "")
    listed = [tuple(row)[:5] for row in cursor.tables().fetchall()]
    columns: dict[tuple[str, str], list[tuple[int, Column]]] = {}
    for row in cursor.columns().fetchall():
        place = (row[1] or row[0] or "", row[2])
        columns.setdefault(place, []).append((row[16] or 0, _column(row)))
    tables = {
        (schema, name): Table(
            schema=schema,
            name=name,
            kind=KINDS[kind],
            comment=comment or None,
            columns=tuple(column for _, column in sorted(columns.get((schema, name), ()), key=lambda found: found[0])),
        )
        for catalog, owner, name, kind, comment in listed
        if kind in KINDS
        and (schema := owner or catalog or "").lower() not in SYSTEM
        and (owner or not catalog or catalog == database or not database)
    }
    _add_keys(cursor, tables)
    found = tuple(tables[place] for place in sorted(tables))
    return Catalog(
        tables=found,
        fingerprint=sha256(repr(found).encode()).hexdigest()[:16],
        read_at=time(),
        default_schema=database if any(not owner for _, owner, *_ in listed) else "",
    )


def _column(row: Any) -> Column:  # noqa: ANN401 - a row of SQLColumns
    # Without its size: drivers make one up for a text or a number that has none.
    default = None if row[12] in (None, "NULL") else row[12]
    return Column(row[3], row[5].lower(), row[10] != 0, default, row[11] or None)


def _add_keys(cursor: "pyodbc.Cursor", tables: dict[tuple[str, str], Table]) -> None:
    keys = _grouped(cursor, KEYS, lambda row: (row[0], row[1], row[3], row[2]), slice(4, 5))
    points: dict[Any, list[Any]] = {}
    for sql in POINTS:
        points = points or _grouped(cursor, sql, lambda row: (row[0], row[1], row[2]), slice(3, 6))
    for (schema, name, constraint, kind), parts in keys.items():
        table = tables.get((schema, name))
        if table is None:
            continue
        names = tuple(part[0] for part in parts)
        there = points.get((schema, name, constraint))
        if kind == "PRIMARY KEY":
            table = replace(table, primary_key=names)
        elif kind == "UNIQUE":
            table = replace(table, unique=(*table.unique, names))
        elif there and len(there) == len(names):
            key = ForeignKey(names, there[0][0], there[0][1], tuple(part[2] for part in there))
            table = replace(table, foreign_keys=(*table.foreign_keys, key))
        tables[schema, name] = table


def _grouped(cursor: "pyodbc.Cursor", sql: str, key: Callable[[Any], Any], part: slice) -> dict[Any, list[Any]]:
    """Read a query of information_schema; nothing if the source has none of it."""
    import pyodbc

    found: dict[Any, list[Any]] = {}
    try:
        for row in map(tuple, cursor.execute(sql).fetchall()):
            found.setdefault(key(row), []).append(row[part])
    except pyodbc.Error:
        cursor.connection.rollback()
    return found


ENGINE: Engine[OdbcOptions] = Odbc()
