"""Opening a connection, and its failures in words that hold no secret."""

import re
import ssl
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from errno import ECONNREFUSED
from socket import gaierror
from typing import TYPE_CHECKING, Any, Final

import anyio

from ...errors import AuthFailed, ColonnadeError, ConfigError, Unreachable
from ...model import Limits
from ..base import Route
from ..base.driver import require
from .options import OracleOptions

if TYPE_CHECKING:
    from oracledb import AsyncConnection, ConnectParams


SETTINGS: Final = "ALTER SESSION SET TIME_ZONE = '+00:00' NLS_NUMERIC_CHARACTERS = '.,'"
LOGIN: Final = frozenset({1005, 1017, 1035, 1045, 1923, 28000, 28001, 28009, 28040})
STARTING: Final = frozenset({1033, 1034, 1089, 1090, 12526, 12527, 12528})
FULL: Final = frozenset({18, 20, 12516, 12518, 12519, 12520})
PASSED_ON: Final = ("edition", "expire_time", "wallet_location", "ssl_server_dn_match", "ssl_server_cert_dn")


def connector(
    options: OracleOptions, secrets: Mapping[str, str], limits: Limits, route: Route
) -> "Callable[[], Awaitable[AsyncConnection]]":
    """Return what opens a connection. Raises DriverMissing, ConfigError; the returned one Unreachable, AuthFailed."""
    require("oracledb", "pip install oracledb")
    import oracledb

    target, settings = _settings(options, secrets, limits)
    name = _name(target)

    async def attempt() -> "AsyncConnection":
        params = oracledb.ConnectParams(**settings)
        if options.dsn is not None:
            params.parse_connect_string(options.dsn)
        await _through(options, params, route)
        connection = await oracledb.connect_async(params=params)
        try:
            await connection.execute(SETTINGS)
        except BaseException:
            with anyio.CancelScope(shield=True), suppress(Exception):
                if connection.is_healthy():
                    connection.call_timeout = 100
                await connection.close()
            raise
        return connection

    async def connect() -> "AsyncConnection":
        try:
            with anyio.fail_after(limits.connect):
                return await attempt()
        except ColonnadeError:
            raise  # the tunnel's
        except Exception as error:  # noqa: BLE001 - whatever it is, it leaves in words that hold no secret
            raise _refusal(error, name, limits.connect) from None

    return connect


def _settings(
    options: OracleOptions, secrets: Mapping[str, str], limits: Limits
) -> "tuple[ConnectParams, dict[str, Any]]":
    """Return the driver's parameters, and what they lead to. Raises ConfigError."""
    import oracledb

    settings: dict[str, Any] = {name: getattr(options, name) for name in PASSED_ON}
    settings |= {
        "user": options.user,
        "password": secrets.get("password"),
        "access_token": secrets.get("access_token"),
        "wallet_password": secrets.get("wallet_password"),
        "config_dir": options.config_dir,
        "tcp_connect_timeout": limits.connect,
        "program": "colonnade",
        # A kept statement would be described from memory, under the types of a table that has changed since.
        "stmtcachesize": 0,
        "disable_oob": True,
    }
    if options.dsn is None:
        settings |= _address(options, secrets.get("url"))
    settings = {name: value for name, value in settings.items() if value is not None}
    try:
        params = oracledb.ConnectParams(**settings)
        if options.dsn is not None:
            params.parse_connect_string(options.dsn)
    except (oracledb.Error, ValueError, TypeError) as error:
        raise _unusable(error) from None
    return params, settings


def _address(options: OracleOptions, url: str | None) -> dict[str, Any]:
    port = options.port or (2484 if options.protocol == "tcps" else 1521)
    address: dict[str, Any] = {"protocol": options.protocol or "tcp", "port": port}
    if url is None:
        named = {"service_name": options.service_name, "sid": options.sid}
        return {**address, "host": options.host or "localhost", **named}
    return {**address, **_address_of(url)}


def _address_of(url: str) -> dict[str, Any]:
    """Take a URL apart; a piece of a torn one is never repeated. Raises ConfigError."""
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        parts = make_url(url)
    except (ArgumentError, ValueError):
        raise _torn_url() from None
    query = {name: value for name, value in parts.query.items() if isinstance(value, str)}
    known = query.keys() <= {"service_name", "sid"} and len(query) == len(parts.query)
    named = [name for name in (parts.database, *query.values()) if name]
    # A password with one of /?#@ in it tears the URL elsewhere than its writer meant.
    torn = not re.fullmatch(r"[\w.:-]+", parts.host or "") or "@" in (parts.database or "") or "#" in url
    if parts.drivername != "oracle" or not known or len(named) != 1 or torn:
        raise _torn_url()
    address: dict[str, Any] = {"host": parts.host, "user": parts.username, "password": parts.password}
    if parts.port is not None:
        address["port"] = parts.port
    return {**address, "sid" if "sid" in query else "service_name": named[0]}


def _torn_url() -> ConfigError:
    return ConfigError(
        "The url is not of the form oracle://user:password@host:port/service_name or …/?sid=SID.",
        hint="Percent-encode user and password (@ is %40, / is %2F, # is %23), or use the separate settings.",
    )


def _unusable(error: Exception) -> ConfigError:
    code = getattr(error.args[0], "full_code", type(error).__name__) if error.args else type(error).__name__
    said = {
        "DPY-4000": "tnsnames.ora has no such alias",
        "DPY-4026": "there is no tnsnames.ora in `config_dir`",
        "DPY-4027": "an alias needs `config_dir`, or TNS_ADMIN in the environment",
        "DPY-4018": "the dsn is not a connect string",
        "DPY-4017": "the dsn is not a connect descriptor",
        "DPY-2034": 'an access token needs protocol = "tcps"',
        "DPY-2018": "there is no ewallet.pem in `wallet_location`",
    }.get(str(code), f"oracledb refused with {code}")
    return ConfigError(f"These settings cannot be used: {said}.", hint="Correct them; thick mode is not supported.")


def _name(params: "ConnectParams") -> str:
    """Return host:port/database for messages."""
    host, port = _one(params.host), _one(params.port)
    return f"{host}:{port}/{_one(params.service_name) or _one(params.sid) or ''}".rstrip("/")


def _one(value: object) -> Any:  # noqa: ANN401 - of several addresses the driver makes a list
    return value[0] if isinstance(value, list) else value  # pyright: ignore[reportUnknownVariableType] - as above


async def _through(options: OracleOptions, params: "ConnectParams", route: Route) -> None:
    """Lead the parameters through a tunnel, if there is one, which ends at one server."""
    hosts = params.host
    if isinstance(hosts, list):
        if options.ssh is None:
            return  # the driver tries one after another
        raise ConfigError("An SSH tunnel leads to one host.", hint="Set `host` and `port` instead of the dsn.")
    if options.ssh is not None and params.protocol == "tcps" and params.ssl_server_dn_match:
        if params.ssl_server_cert_dn is None:
            # The driver compares the certificate with the address that it connects to, which is the tunnel's.
            raise ConfigError(
                "Through an SSH tunnel the certificate's name cannot be compared with the host's.",
                hint="Set `ssl_server_cert_dn`, or ssl_server_dn_match = false.",
            )
    host, port = await route(str(hosts), int(params.port))
    if (host, port) != (hosts, params.port):
        params.set(host=host, port=port)


def _chain(error: BaseException | None) -> "list[BaseException]":
    """Return an error and its causes: the driver wraps the one that says why."""
    found: list[BaseException] = []
    while error is not None:
        found.append(error)
        error = error.__cause__
    return found


def _refusal(error: Exception, target: str, seconds: float) -> ColonnadeError:
    """Map what a connection attempt raised, by class and code: a driver's words may repeat what it was given."""
    import oracledb

    codes: set[int] = set()
    names: set[str] = set()
    for cause in reversed(_chain(error)):
        if isinstance(cause, ssl.SSLError):
            return _tls(cause, target)
        if isinstance(cause, OSError):
            return Unreachable(
                f"Cannot reach {target}: {_why(cause, seconds)}.",
                hint="Check host and port, and that the listener runs and can be reached from here.",
            )
        if isinstance(cause, oracledb.Error):
            details = cause.args[0]
            names.add(str(details.full_code))
            codes |= {int(code) for code in re.findall(r"\bORA-(\d{5})\b", str(details.message))}
    return _by_code(codes, names, target) or _unusable(error)


def _by_code(codes: set[int], names: set[str], target: str) -> ColonnadeError | None:  # noqa: PLR0911 - one for each
    """Map the codes of the server (ORA) and of the driver (DPY)."""
    if 28000 in codes:
        return AuthFailed(f"The server at {target} refused the login: it is locked.", hint="Have it unlocked.")
    if 28001 in codes:
        return AuthFailed(f"The server at {target} refused the login: its password has expired.", hint="Have it set.")
    if codes & LOGIN or names & {"DPY-4001", "DPY-3015"}:
        return AuthFailed(
            f"The server at {target} refused the login: wrong password, unknown user, or not allowed to connect.",
            hint="Check `user` and `password`, and the CREATE SESSION privilege; names without quotes are upper case.",
        )
    if codes & {12514, 12505} or names & {"DPY-6001", "DPY-6003"}:
        return Unreachable(
            f"Cannot reach {target}: there is no such database service (or SID) at this listener.",
            hint="Correct `service_name`; `lsnrctl services` on the server lists them.",
        )
    if codes & FULL:
        return Unreachable(f"Cannot reach {target}: the server has no free sessions.", hint="Lower limits.concurrent.")
    if codes & STARTING:
        return Unreachable(f"Cannot reach {target}: the server is starting or stopping.", hint="Try again later.")
    if names & {"DPY-6002", "DPY-6006"}:
        return Unreachable(
            f"Cannot reach {target}: TLS: the server's certificate names another host.",
            hint="Set `host` to the name in it, or `ssl_server_cert_dn`.",
        )
    if names & {"DPY-4011", "DPY-6000", "DPY-6004"} or any(name.startswith("DPY-5") for name in names):
        return Unreachable(
            f"Cannot reach {target}: the server closed the connection, or is not an Oracle listener.",
            hint="Check host and port, and whether the listener wants tcps.",
        )
    if names & {"DPY-3010"}:
        return Unreachable(f"Cannot reach {target}: the server is older than Oracle 12.1.")
    if codes and not names & {"DPY-2018"}:
        return Unreachable(f"Cannot reach {target}: the server refused with ORA-{min(codes):05}.")
    return None


def _tls(error: ssl.SSLError, target: str) -> Unreachable:
    if isinstance(error, ssl.SSLCertVerificationError):
        said = f"the server's certificate was not accepted: {error.verify_message}"
    else:
        said = "the handshake failed, or the port does not speak it"
    return Unreachable(f"Cannot reach {target}: TLS: {said}.", hint="Check `protocol`, the port and the wallet.")


def _why(error: OSError, seconds: float) -> str:
    if isinstance(error, TimeoutError):
        return f"no answer within {seconds:g} s"
    if isinstance(error, gaierror):
        return "the host name is not known"
    # Several addresses of one name come as one OSError without a number.
    if isinstance(error, ConnectionRefusedError) or f"[Errno {ECONNREFUSED}]" in str(error):
        return "connection refused"
    if isinstance(error, ConnectionError):
        return "the server closed the connection"
    return error.strerror or type(error).__name__
