"""Opening a connection, and its failures in words that hold no secret."""

import os
import re
import ssl
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs, unquote, urlsplit

from ...errors import AuthFailed, ColonnadeError, ConfigError, Unreachable
from ...model import Limits
from ..base import Route
from ..base.driver import require
from ..base.network import reason
from ..base.tls import NamedContext
from .options import Mode, PostgresOptions
from .statements import LOCK_SECONDS
from .tls import Tls
from .values import connection_class, declare_types

if TYPE_CHECKING:
    from asyncpg import Connection, Record


SETTINGS: Final[Mapping[str, str]] = {
    "default_transaction_read_only": "on",
    "standard_conforming_strings": "on",
    "TimeZone": "UTC",
    "DateStyle": "ISO",
    "IntervalStyle": "iso_8601",
    "lock_timeout": f"{LOCK_SECONDS:g}s",
    "idle_in_transaction_session_timeout": "60s",
    "client_connection_check_interval": "1s",
}
OPTIONAL: Final = "client_connection_check_interval"
"""Unknown before PostgreSQL 14, and refused on platforms that cannot look at a socket while they work."""


def connector(
    options: PostgresOptions, secrets: Mapping[str, str], limits: Limits, route: Route
) -> "Callable[[], Awaitable[Connection[Record]]]":
    """Return what opens a connection. Raises DriverMissing, ConfigError; the returned one Unreachable, AuthFailed."""
    require("asyncpg", "pip install asyncpg")
    import asyncpg

    url = secrets.get("url")
    target = _target(options, url)
    kind = connection_class()
    settings = {
        **SETTINGS,
        "application_name": options.application_name,
        "statement_timeout": f"{round(limits.seconds * 1_000)}",
    }

    async def attempt() -> "Connection[Record]":
        tls = Tls(options, url)
        host, port, encryption = await _way(options, tls, target, route)
        connection = await asyncpg.connect(
            tls.dsn(url),
            host=host,
            port=port,
            database=options.database,
            user=options.user,
            password=secrets.get("password"),
            passfile=options.passfile,
            ssl=encryption,
            timeout=limits.connect,
            connection_class=kind,
            server_settings=settings,
        )
        await declare_types(connection)
        return connection

    async def connect() -> "Connection[Record]":
        try:
            try:
                return await attempt()
            except asyncpg.PostgresError as error:
                if OPTIONAL not in str(error.args[0]) or settings.pop(OPTIONAL, None) is None:
                    raise
            return await attempt()
        except ColonnadeError:
            raise  # the tunnel's
        except Exception as error:  # noqa: BLE001 - whatever it is, it leaves in words that hold no secret
            raise _refusal(error, target, limits.connect) from None

    return connect


HOST: Final = r"(?:\[[0-9A-Fa-f:.%]+\]|[^\[\]:,]*)(?::\d*)?"
HOSTS: Final = re.compile(f"{HOST}(?:,{HOST})*")


def _target(options: PostgresOptions, url: str | None) -> str:
    """Return host:port/database for messages: what a URL holds beside them, or a piece of a torn one, stays out."""
    if url is None:
        host = options.host or os.environ.get("PGHOST") or "localhost"
        port = options.port or os.environ.get("PGPORT") or 5432
        user = options.user or os.environ.get("PGUSER") or ""
        return f"{host}:{port}/{options.database or os.environ.get('PGDATABASE') or user}".rstrip("/")
    try:
        parts = urlsplit(url)
        query = parse_qs(parts.query, strict_parsing=True) if parts.query else {}
    except ValueError:
        raise _torn_url() from None
    login, _, hosts = parts.netloc.rpartition("@")
    # A password with one of /?#@ in it tears the URL elsewhere than its writer meant.
    torn = "@" in login or "@" in parts.path or parts.fragment or not HOSTS.fullmatch(hosts)
    if torn or parts.scheme not in ("postgresql", "postgres"):
        raise _torn_url()
    database = unquote(parts.path).lstrip("/") or query.get("dbname", query.get("database", [""]))[-1]
    return f"{unquote(hosts) or _hosts_of(query)}/{database}".rstrip("/")


def _hosts_of(query: Mapping[str, list[str]]) -> str:
    hosts, port = query.get("host", ["localhost"])[-1], query.get("port", [""])[-1]
    bare = hosts.endswith("]") or not set(hosts) & set(":,/")
    return f"{hosts}:{port}" if bare and port.isdigit() else hosts


async def _way(
    options: PostgresOptions, tls: Tls, target: str, route: Route
) -> tuple[str | None, int | None, Mode | NamedContext | None]:
    """Return host, port and TLS mode to connect with; through a tunnel, which leads to one server, if there is one."""
    if options.ssh is None:
        return options.host, options.port, options.ssl
    hosts = target.partition("/")[0]
    parts = urlsplit(f"//{hosts}")
    if target.startswith("/") or "," in hosts or parts.hostname is None:
        raise ConfigError("An SSH tunnel leads to one host over TCP.", hint="Set `host` to one name or address.")
    host, port = await route(parts.hostname, parts.port or 5432)
    return host, port, tls.checking(parts.hostname) or options.ssl


def _torn_url() -> ConfigError:
    return ConfigError(
        "The url is not of the form postgresql://user:password@host:port/database.",
        hint="Percent-encode user and password (@ is %40, / is %2F, # is %23), or use the separate settings.",
    )


def _refusal(error: Exception, target: str, seconds: float) -> ColonnadeError:
    """Map what a connection attempt raised, by class and code: a driver's words may repeat what it was given."""
    import asyncpg

    if isinstance(error, asyncpg.ConnectionDoesNotExistError):
        # It broke in the middle of the login; what broke it, if that is known, stands behind.
        error = error.__cause__ if isinstance(error.__cause__, Exception) else ConnectionResetError()
    if isinstance(error, asyncpg.PostgresError):
        return _refused_by_server(str(error.sqlstate), target)
    # A bare ConnectionError is asyncpg's, of a connection that was closed too.
    if isinstance(error, ssl.SSLError) or (type(error) is ConnectionError and "rejected SSL upgrade" in str(error)):
        return _refused_by_tls(error, target)
    if isinstance(error, OSError):
        return Unreachable(
            f"Cannot reach {target}: {reason(error, seconds)}.",
            hint="Check host and port, and that the server runs and can be reached from here.",
        )
    return ConfigError(
        f"These settings cannot be used to connect to {target}: asyncpg raised {type(error).__name__}.",
        hint="verify-ca and verify-full need `sslrootcert`; check the url's query and the passfile too.",
    )


def _refused_by_tls(error: Exception, target: str) -> ColonnadeError:
    if isinstance(error, ssl.SSLCertVerificationError):
        return Unreachable(
            f"Cannot reach {target}: TLS: the server's certificate was not accepted: {error.verify_message}.",
            hint="Set `sslrootcert` to the authority that signed it, and `host` to the name in it.",
        )
    if not isinstance(error, ssl.SSLError):
        return Unreachable(
            f"Cannot reach {target}: TLS: the server does not offer it.",
            hint="Ask the server's owner for TLS, or set `ssl`.",
        )
    alert = str(error.reason)
    if "ALERT_CERTIFICATE_REQUIRED" in alert:
        return AuthFailed(
            f"The server at {target} asks for a client certificate, and none was shown.",
            hint="Set `sslcert` and `sslkey`.",
        )
    if "ALERT" in alert and ("CERTIFICATE" in alert or "UNKNOWN_CA" in alert):
        return AuthFailed(
            f"The server at {target} did not accept our client certificate.",
            hint="Set `sslcert` and `sslkey` to one that is valid and signed by an authority it trusts.",
        )
    return Unreachable(
        f"Cannot reach {target}: TLS: the handshake failed.",
        hint="Ask the server's owner which versions of TLS it takes, and whether it wants `sslcert`.",
    )


def _refused_by_server(sqlstate: str, target: str) -> ColonnadeError:
    match sqlstate:
        case "28P01" | "28000" | "42501":
            return AuthFailed(
                f"The server at {target} refused the login: wrong password, unknown user, or not allowed from here.",
                hint="Check `user`, `password`, `sslcert`, the role's CONNECT privilege, and the lines of pg_hba.conf.",
            )
        case "3D000":
            return Unreachable(f"Cannot reach {target}: there is no such database.", hint="Correct `database`.")
        case "53300":
            return Unreachable(
                f"Cannot reach {target}: the server has no free slots for connections.",
                hint="Try again later, or lower limits.concurrent.",
            )
        case "57P03":
            return Unreachable(f"Cannot reach {target}: the server is starting or stopping.", hint="Try again later.")
        case "08P01":
            return Unreachable(
                f"Cannot reach {target}: a pooler before the server refuses our session settings.",
                hint=f"For PgBouncer: ignore_startup_parameters = {','.join((*SETTINGS, 'statement_timeout'))}.",
            )
        case _:
            return Unreachable(f"Cannot reach {target}: the server refused with SQLSTATE {sqlstate}.")
