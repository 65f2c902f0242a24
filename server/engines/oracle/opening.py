"""Opening a connection, and its failures in words that hold no secret."""

import re
import ssl
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any, Final, cast

import anyio

from ...errors import AuthFailed, ColonnadeError, ConfigError, Unreachable
from ...model import Limits
from ..base import Route
from ..base.driver import require
from ..base.network import reason
from .driver import DriverConnection, Params
from .options import OracleOptions

SETTINGS: Final = "ALTER SESSION SET TIME_ZONE = '+00:00' NLS_NUMERIC_CHARACTERS = '.,'"
CODE: Final = re.compile(r"\b(?:ORA-\d{5}|DPY-\d{4})\b")
REFUSALS: Final[tuple[tuple[frozenset[str], type[ColonnadeError], str, str], ...]] = (
    (
        frozenset({"ORA-28000"}),
        AuthFailed,
        "The server at {target} refused the login: it is locked.",
        "Have it unlocked.",
    ),
    (
        frozenset({"ORA-28001"}),
        AuthFailed,
        "The server at {target} refused the login: its password has expired.",
        "Set a new one.",
    ),
    (
        frozenset({"ORA-01005", "ORA-01017", "ORA-01035", "ORA-01045", "ORA-28009", "ORA-28040"})
        | {"DPY-4001", "DPY-3015"},
        AuthFailed,
        "The server at {target} refused the login: wrong password, unknown user, or not allowed to connect.",
        "Check `user` and `password`, and the login's CREATE SESSION privilege.",
    ),
    (
        frozenset({"ORA-12514", "ORA-12505", "DPY-6001", "DPY-6003"}),
        Unreachable,
        "Cannot reach {target}: there is no such database service or SID at this listener.",
        "Correct `service_name` or `sid`; `lsnrctl services` on the server lists them.",
    ),
    (
        frozenset({"ORA-00018", "ORA-00020", "ORA-12516", "ORA-12518", "ORA-12519", "ORA-12520"}),
        Unreachable,
        "Cannot reach {target}: the server has no free sessions.",
        "Try again later, or lower limits.concurrent.",
    ),
    (
        frozenset({"ORA-01033", "ORA-01034", "ORA-01089", "ORA-01090", "ORA-12526", "ORA-12527", "ORA-12528"}),
        Unreachable,
        "Cannot reach {target}: the server is starting or stopping.",
        "Try again later.",
    ),
    (
        frozenset({"DPY-6002", "DPY-6006"}),
        Unreachable,
        "Cannot reach {target}: TLS: the server's certificate names another host.",
        "Set `host` to the name in it, or `ssl_server_cert_dn`.",
    ),
    (
        frozenset({"DPY-3010"}),
        Unreachable,
        "Cannot reach {target}: the server is older than Oracle 12.1.",
        "Thick mode, which could, is not supported.",
    ),
    (
        frozenset({"DPY-4011", "DPY-4024", "DPY-4035", "DPY-5000", "DPY-5004", "DPY-5005", "DPY-5006"}),
        Unreachable,
        "Cannot reach {target}: the server closed the connection, or is not an Oracle listener.",
        "Check host and port, and whether the listener wants tcps.",
    ),
)
PASSED_ON: Final = ("edition", "expire_time", "wallet_location", "ssl_server_dn_match", "ssl_server_cert_dn")


def connector(
    options: OracleOptions, secrets: Mapping[str, str], limits: Limits, route: Route
) -> Callable[[], Awaitable[DriverConnection]]:
    """Return what opens a connection. Raises DriverMissing, ConfigError; the returned one Unreachable, AuthFailed."""
    require("oracledb", "pip install oracledb")
    import oracledb

    target, settings = _settings(options, secrets, limits)
    name = _name(target)

    async def attempt() -> DriverConnection:
        params = cast("Params", oracledb.ConnectParams(**settings))
        if options.dsn is not None:
            params.parse_connect_string(options.dsn)
        await _through(options, params, route)
        connection = cast("DriverConnection", await oracledb.connect_async(params=cast("Any", params)))
        try:
            await connection.execute(SETTINGS)
        except BaseException:
            with anyio.CancelScope(shield=True), suppress(Exception):
                if connection.is_healthy():
                    connection.call_timeout = 100
                await connection.close()
            raise
        return connection

    async def connect() -> DriverConnection:
        try:
            with anyio.fail_after(limits.connect):
                return await attempt()
        except ColonnadeError:
            raise  # the tunnel's
        except Exception as error:  # noqa: BLE001 - whatever it is, it leaves in words that hold no secret
            raise _refusal(error, name, limits.connect) from None

    return connect


def _settings(options: OracleOptions, secrets: Mapping[str, str], limits: Limits) -> tuple[Params, dict[str, Any]]:
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
    }
    if options.dsn is None:
        settings |= _address(options, secrets.get("url"))
    settings = {name: value for name, value in settings.items() if value is not None}
    try:
        params = cast("Params", oracledb.ConnectParams(**settings))
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
    address = {"host": parts.host, "port": parts.port, "user": parts.username, "password": parts.password}
    given = {name: value for name, value in address.items() if value is not None}
    return {**given, "sid" if "sid" in query else "service_name": named[0]}


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


def _name(params: Params) -> str:
    """Return host:port/database for messages."""
    host, port, name, sid = map(_first, (params.host, params.port, params.service_name, params.sid))
    return f"{host}:{port}/{name or sid or ''}".rstrip("/")


def _first(part: object) -> object:
    return cast("list[object]", part)[0] if isinstance(part, list) else part


async def _through(options: OracleOptions, params: Params, route: Route) -> None:
    """Lead the parameters through a tunnel, if there is one, which ends at one server."""
    host, port = params.host, params.port
    if isinstance(host, list) or isinstance(port, list):
        if options.ssh is None:
            return  # the driver tries one after another
        raise ConfigError("An SSH tunnel leads to one host.", hint="Set `host` and `port` instead of the dsn.")
    named = params.ssl_server_cert_dn is not None or not params.ssl_server_dn_match
    if options.ssh is not None and params.protocol == "tcps" and not named:
        # The driver compares the certificate with the address that it connects to, which is the tunnel's.
        raise ConfigError(
            "Through an SSH tunnel the certificate's name cannot be compared with the host's.",
            hint="Set `ssl_server_cert_dn`, or ssl_server_dn_match = false.",
        )
    way = await route(host, port)
    if way != (host, port):
        params.set(host=way[0], port=way[1])


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

    codes: set[str] = set()
    for cause in reversed(_chain(error)):
        if isinstance(cause, ssl.SSLError):
            return _tls(cause, target)
        if isinstance(cause, OSError):
            return Unreachable(
                f"Cannot reach {target}: {reason(cause, seconds)}.",
                hint="Check host and port, and that the listener runs and can be reached from here.",
            )
        if isinstance(cause, oracledb.Error):
            codes.update(CODE.findall(str(cause.args[0].message)))
    for those, kind, said, hint in REFUSALS:
        if codes & those:
            return kind(said.format(target=target), hint=hint)
    server = sorted(code for code in codes if code.startswith("ORA"))
    if server:
        return Unreachable(f"Cannot reach {target}: the server refused with {server[0]}.")
    return _unusable(error)


def _tls(error: ssl.SSLError, target: str) -> Unreachable:
    if isinstance(error, ssl.SSLCertVerificationError):
        said = f"the server's certificate was not accepted: {error.verify_message}"
    else:
        said = "the handshake failed, or the port does not speak it"
    return Unreachable(f"Cannot reach {target}: TLS: {said}.", hint="Check `protocol`, the port and the wallet.")
