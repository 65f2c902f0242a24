"""SQL Server 2016 and later, and Azure SQL, by Microsoft's ODBC driver.

SQL Server has no read-only transaction (ApplicationIntent only routes), so a login of db_datareader is the wall, and
every statement is rolled back. It has no time limit of its own for statements either: the driver's, a little after
ours, sends the same attention.
"""

import datetime as dt
import os
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal
from urllib.parse import unquote, urlsplit

import anyio
import anyio.to_thread
from pydantic import Field, SecretStr, model_validator

from ...errors import ConfigError, DriverMissing
from ...model import Limits, ResultColumn
from ...secrets import Secret
from ..base import Abilities, Client, Engine, Networked, Route, direct
from ..base.logins import EXAMPLE
from ..base.odbc.errors import refusal
from ..base.odbc.native import Described, codec_of
from ..base.odbc.sessions import OdbcSession, connect, require_driver
from ..base.odbc.strings import Target, connection_string
from .catalog import MssqlClient, type_name
from .login import remedy

if TYPE_CHECKING:
    import pyodbc

ACCESS_TOKEN: Final = 1256
DATETIMEOFFSET: Final = -155
TIME2: Final = -154
LOCK_MS: Final = 5_000
PORT: Final = 1433
DRIVERS: Final = ("ODBC Driver 18 for SQL Server", "ODBC Driver 17 for SQL Server")


def _field(description: str, label: str, group: str, default: object = None) -> Any:  # noqa: ANN401 - as pydantic's
    return Field(default=default, description=description, json_schema_extra={"label": label, "group": group})


class MssqlOptions(Networked):
    """How to reach a database of SQL Server."""

    url: SecretStr | None = _field("mssql://user:password@host:port/database", "URL", "Connection")
    host: str | None = _field("Host name or address", "Host", "Connection")
    server: str | None = _field("In the driver's form: host\\instance, or host,port", "Server", "Connection")
    port: Annotated[int, Field(ge=1, le=65_535)] | None = _field("Port; 1433 when left out", "Port", "Connection")
    dsn: str | None = _field("Name of a data source of odbc.ini", "Data source", "Connection")
    database: str | None = _field("Name of the database; the login's own when left out", "Database", "Connection")
    driver: str | None = _field("Name of the ODBC driver, or its file; Microsoft's", "Driver", "Connection")
    application_intent: Literal["ReadOnly", "ReadWrite"] | None = _field(
        "ReadOnly goes to a readable secondary", "Intent", "Connection"
    )
    user: str | None = _field("Login, best one of db_datareader only", "User", "Login")
    password: Secret | None = _field("Password of the login", "Password", "Login")
    authentication: str | None = _field("ActiveDirectoryServicePrincipal, …Msi, …", "Authentication", "Login")
    access_token: Secret | None = _field("A token of Entra ID", "Access token", "Login")
    encrypt: Literal["yes", "strict", "no"] = _field("How TLS is used", "Encrypt", "TLS", "yes")
    trust_server_certificate: bool = _field("Take any certificate", "Trust certificate", "TLS", default=False)
    host_name_in_certificate: str | None = _field("Name in the certificate, if not the host's", "Name", "TLS")

    @model_validator(mode="after")
    def _one_target(self) -> "MssqlOptions":
        given = [name for name in ("url", "host", "server", "dsn") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"both {' and '.join(given)} are given" if given else "no host is given")
        if self.url is not None and (self.port, self.database, self.user) != (None, None, None):
            raise ValueError("both url and host/port/database/user are given")
        if self.port is not None and self.host is None:
            raise ValueError("a port needs a host")
        if self.access_token is not None and (self.user, self.password, self.authentication) != (None, None, None):
            raise ValueError("both access_token and another login are given")
        return self


class Mssql:
    """SQL Server."""

    dialect = "tsql"
    abilities = Abilities(read_only=False, server_side_timeout=False)
    remedy = remedy(EXAMPLE, ("dbo",))
    options = MssqlOptions

    async def open(
        self, options: MssqlOptions, secrets: Mapping[str, str], limits: Limits, route: Route = direct
    ) -> Client:
        require_driver()
        keywords, host, port = keywords_of(options, secrets)
        target = Target(
            host or options.server or "", port if host else 0, keywords.get("Database", ""), options.dsn or ""
        )
        token = secrets.get("access_token")
        attributes = {ACCESS_TOKEN: packed(token)} if token is not None else {}

        async def session() -> OdbcSession:
            import pyodbc

            try:
                through = await _routed(keywords, host, port, options, route)
                return await connect(connection_string(through), limits, _prepare, attributes)
            except (pyodbc.Error, OSError, UnicodeError, ValueError) as error:
                raise await anyio.to_thread.run_sync(refusal, error, target, limits.connect) from None

        return MssqlClient(session, await session(), limits, result_column)


def keywords_of(options: MssqlOptions, secrets: Mapping[str, str]) -> tuple[dict[str, str], str, int]:
    """Return the connection string's parts, and host and port if they are known."""
    host, port, database, user = options.host or "", options.port or PORT, options.database, options.user
    password = secrets.get("password")
    if "url" in secrets:
        host, port, database, user, password = _taken_apart(secrets["url"])
    found = {
        "DSN" if options.dsn else "Driver": options.dsn or options.driver or driver(),
        "Server": f"tcp:{host},{port}" if host else options.server,
        "Database": database,
        "UID": user,
        "PWD": password,
        "Authentication": options.authentication,
        "Encrypt": options.encrypt,
        "TrustServerCertificate": "yes" if options.trust_server_certificate else "no",
        "HostNameInCertificate": options.host_name_in_certificate,
        "ApplicationIntent": options.application_intent,
        "APP": "colonnade",
    }
    return {name: value for name, value in found.items() if value is not None}, host, port


def _taken_apart(url: str) -> tuple[str, int, str | None, str | None, str | None]:
    try:
        parts = urlsplit(url)
        torn = "@" in (parts.netloc.rpartition("@")[0] + parts.path) or parts.query or parts.fragment
        if not torn and parts.hostname and parts.scheme in ("mssql", "sqlserver"):
            user, password = (unquote(part) if part is not None else None for part in (parts.username, parts.password))
            return parts.hostname, parts.port or PORT, unquote(parts.path).strip("/") or None, user, password
    except ValueError:
        pass
    raise ConfigError(
        "The url is not of the form mssql://user:password@host:port/database.",
        hint="Percent-encode user and password (@ is %40, / is %2F, # is %23), or use the separate settings.",
    )


async def _routed(
    keywords: dict[str, str], host: str, port: int, options: MssqlOptions, route: Route
) -> dict[str, str]:
    """Return where to connect, once it is clear that somebody listens: the driver takes its whole limit to say no."""
    if not host:
        if options.ssh is not None:
            raise ConfigError("An SSH tunnel leads to one host and port.", hint="Set `host` and `port`.")
        return keywords
    there, number = await route(host, port)
    await (await anyio.connect_tcp(there, number)).aclose()
    if (there, number) == (host, port):
        return keywords
    return {"HostNameInCertificate": host, **keywords, "Server": f"tcp:{there},{number}"}


def driver() -> str:
    """Find Microsoft's driver: an installed one, or the file in its wheel. Raises DriverMissing."""
    import pyodbc

    installed = pyodbc.drivers()
    for name in DRIVERS:
        if name in installed:
            return name
    try:
        import mssql_python_odbc  # pyright: ignore[reportMissingTypeStubs] - it has no types

        root = Path(mssql_python_odbc.get_libs_dir())  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType] - nor has this
        pattern = f"linux/debian_ubuntu/{os.uname().machine}/lib/libmsodbcsql-*.so.*"
        return str(next(root.glob(pattern)))
    except (ImportError, AttributeError, StopIteration):
        raise DriverMissing(
            "Microsoft's ODBC driver for SQL Server is not installed.",
            hint='pip install "colonnade[mssql-driver]" on Linux, or install msodbcsql18 from Microsoft.',
        ) from None


def packed(token: str) -> bytes:
    """Pack a token as the driver wants it: UTF-16 after its length in bytes."""
    encoded = token.encode("utf-16-le")
    return struct.pack("<i", len(encoded)) + encoded


def _prepare(connection: "pyodbc.Connection") -> None:
    import pyodbc

    connection.add_output_converter(pyodbc.SQL_TYPE_TIMESTAMP, timestamp)  # pyright: ignore[reportUnknownMemberType] - half typed
    connection.add_output_converter(TIME2, time_of_day)  # pyright: ignore[reportUnknownMemberType] - half typed
    connection.add_output_converter(DATETIMEOFFSET, timestamp)  # pyright: ignore[reportUnknownMemberType] - half typed
    cursor = connection.cursor()
    cursor.execute(f"set lock_timeout {LOCK_MS}; set nocount on")
    cursor.close()
    connection.commit()


# Values


def timestamp(value: bytes) -> str:
    """Read a timestamp in one of its four forms: pyodbc would cut the seventh digit, and has no place for a zone.

    datetime2 and datetimeoffset come as ODBC's structures, datetime and smalldatetime as the server sends them.
    """
    zone = ""
    match len(value):
        case 4:
            days, minutes = struct.unpack("<HH", value)
            return _since_1900(days, minutes * 60_000)
        case 8:
            days, ticks = struct.unpack("<iI", value)
            return _since_1900(days, (ticks * 10 + 1) // 3)  # in 1/300 s, shown to the nearest millisecond
        case 20:
            hours, minutes = struct.unpack_from("<hh", value, 16)
            zone = f"{'-' if hours < 0 or minutes < 0 else '+'}{abs(hours):02d}:{abs(minutes):02d}"
        case _:
            pass
    year, month, day, hour, minute, second, nanoseconds = struct.unpack_from("<hHHHHHI", value)
    return f"{year:04d}-{month:02d}-{day:02d}T{_clock(hour, minute, second, nanoseconds)}{zone}"


def _since_1900(days: int, milliseconds: int) -> str:
    return (dt.datetime(1900, 1, 1) + dt.timedelta(days=days, milliseconds=milliseconds)).isoformat()  # noqa: DTZ001 - it has no zone


def time_of_day(value: bytes) -> str:
    """Read SQL_SS_TIME2_STRUCT."""
    return _clock(*struct.unpack_from("<HHHxxI", value))


def _clock(hour: int, minute: int, second: int, nanoseconds: int) -> str:
    fraction = f".{nanoseconds // 100:07d}".rstrip("0") if nanoseconds else ""
    return f"{hour:02d}:{minute:02d}:{second:02d}{fraction}"


def result_column(found: Described) -> ResultColumn:
    native = found.native.removesuffix(" identity") or found.kind.__name__
    return ResultColumn(found.name, type_name(native, found.size, found.size, found.scale), codec_of(found))


ENGINE: Engine[MssqlOptions] = Mssql()
