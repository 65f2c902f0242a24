"""Opening a session, and its failures in words that hold no secret."""

import asyncio
import logging
import math
import os
import sys
import tomllib
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, unquote, urlsplit

import anyio.to_thread

from ...errors import AuthFailed, ColonnadeError, ConfigError, Unreachable
from ...model import Limits
from ..base.driver import require
from .options import SnowflakeOptions
from .statements import LOGIN_REFUSED, line

if TYPE_CHECKING:
    from snowflake.connector.aio import SnowflakeConnection

SESSION: Final[Mapping[str, str]] = {
    "AUTOCOMMIT": "false",
    "QUERY_TAG": "colonnade",
    "MULTI_STATEMENT_COUNT": "1",
    "TIMEZONE": "UTC",
    "CLIENT_TELEMETRY_ENABLED": "false",
    "ABORT_DETACHED_QUERY": "true",
}
QUIET: Final[Mapping[str, Any]] = {
    # Both have to be said, else the driver warns about what it will do one day.
    "server_session_keep_alive": False,
    "enable_server_session_keep_alive_auto_detection": False,
    "client_store_temporary_credential": False,
    "client_out_of_band_telemetry_enabled": False,
    "crl_enable_disk_caching": False,
    "application": "Colonnade",
    # The driver would go on for minutes; requests carry an id, so that a second try does not run twice.
    "retry_max_attempts": 3,
    "retry_backoff_base_ms": 50,
    "retry_backoff_cap_ms": 500,
    "logout_max_attempts": 1,
    "logout_total_timeout_seconds": 2,
}
ABOUT_LOGINS: Final = range(390_000, 391_000)
FROM_URL: Final = frozenset({"warehouse", "role", "authenticator", "host", "port", "protocol"})
FROM_FILE: Final = frozenset(
    {"account", "host", "port", "protocol", "warehouse", "database", "schema", "role", "user", "password"}
    | {"authenticator", "private_key_file", "private_key_file_pwd", "token", "workload_identity_provider"}
)

Connect = Callable[[], Awaitable["SnowflakeConnection"]]
Leaving = set[asyncio.Task[None]]
"""Sessions on their way out."""


async def connector(options: SnowflakeOptions, secrets: Mapping[str, str], limits: Limits, leaving: Leaving) -> Connect:
    """Return what opens a session. Raises DriverMissing, ConfigError; the returned one Unreachable, AuthFailed.

    A session that nobody waits for any more is closed once it is open, by a task among `leaving`.
    """
    # Importing takes a second of processor time, during which other connections are to answer.
    await anyio.to_thread.run_sync(require, "snowflake.connector.aio", 'pip install "snowflake-connector-python>=5.2"')
    from snowflake.connector.aio import SnowflakeConnection

    # The driver's log repeats statements and what servers answer.
    logging.getLogger("snowflake.connector").setLevel(logging.CRITICAL)
    settings = await anyio.to_thread.run_sync(_settings, options, secrets)
    target = _target(settings)
    seconds = max(1, math.ceil(limits.connect))

    async def log_in() -> "SnowflakeConnection":
        try:
            connection = SnowflakeConnection(
                **settings,
                **QUIET,
                login_timeout=seconds,
                connect_timeout=seconds,
                request_timeout=seconds,
                query_timeout=math.ceil(limits.max_seconds) + seconds,
                session_parameters=dict(SESSION),
            )
            await connection.connect()
        except Exception as error:  # noqa: BLE001 - whatever it is, it leaves in words that hold no secret
            raise _refusal(error, target) from None
        try:
            lacking = settings.get("database") and not await _has_database(connection)
        except Exception as error:  # noqa: BLE001 - likewise
            await _leave(connection)
            raise _refusal(error, target) from None
        if lacking:
            await _leave(connection)
            raise Unreachable(
                f"Cannot reach {target}: there is no such database.",
                hint="Correct `database`, or grant the role USAGE on it.",
            )
        return connection

    async def connect() -> "SnowflakeConnection":
        # Cut off in the middle, the driver would leave a session behind, for hours.
        opening = asyncio.ensure_future(log_in())
        try:
            return await asyncio.shield(opening)
        except asyncio.CancelledError:
            task = asyncio.ensure_future(_abandon(opening))
            leaving.add(task)
            task.add_done_callback(leaving.discard)
            raise

    return connect


async def _abandon(opening: "asyncio.Task[SnowflakeConnection]") -> None:
    await asyncio.wait({opening})
    if not opening.cancelled() and opening.exception() is None:
        await _leave(opening.result())


async def _has_database(connection: "SnowflakeConnection") -> bool:
    """Ask the session: a login to a database that does not exist succeeds, without one."""
    cursor = connection.cursor()
    await cursor.execute("select current_database()")
    row = await cursor.fetchone()
    cursor.close()
    return row is not None and row[0] is not None


async def _leave(connection: "SnowflakeConnection") -> None:
    try:
        await connection.close(retry=False)
    except Exception:  # noqa: BLE001 - there is nothing to lose any more
        return


def _settings(options: SnowflakeOptions, secrets: Mapping[str, str]) -> dict[str, Any]:
    """Return what the driver is given: the url or named entry first, our own settings over it."""
    found: dict[str, Any] = {}
    if "url" in secrets:
        found |= _from_url(secrets["url"])
    if options.connection_name is not None:
        found |= _from_file(options.connections_file, options.connection_name)
    own = {name: getattr(options, name) for name in FROM_FILE - {"schema"} if name not in secrets}
    own |= {"schema": options.db_schema, **{name: value for name, value in secrets.items() if name != "url"}}
    found |= {name: value for name, value in own.items() if value is not None}
    if "private_key" in found or "private_key_file" in found:
        found.setdefault("authenticator", "SNOWFLAKE_JWT")
    _check(found, options)
    passphrase = found.pop("private_key_file_pwd", None)
    if "private_key" in found or "private_key_file" in found:
        # The driver would say of a wrong passphrase no more than that the login failed.
        text = found.pop("private_key", None) or _text_of(Path(found["private_key_file"]))
        found.pop("private_key_file", None)
        found["private_key"] = _der(text, passphrase)
    return found


def _check(found: Mapping[str, Any], options: SnowflakeOptions) -> None:
    if not found.get("account"):
        raise ConfigError("The named connection holds no account.", hint="Set `account`.")
    if str(found.get("authenticator", "")).lower() == "externalbrowser":
        if options.authenticator != "externalbrowser":
            raise ConfigError(
                "The named connection logs in through a browser, which a server does not open unasked.",
                hint='Set authenticator = "externalbrowser" here too, or use a key pair or a token.',
            )
        if sys.platform == "linux" and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
            raise ConfigError(
                "This machine has no screen for a login through a browser.", hint="Use a key pair or a token."
            )


def _text_of(file: Path) -> str:
    try:
        return file.read_text(errors="replace")
    except OSError as error:
        raise ConfigError(
            f"The file {file.name} at `private_key_file` cannot be read: {error.strerror}.", hint="Correct it."
        ) from None


def _der(text: str, passphrase: str | None) -> bytes:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization

    try:
        key = serialization.load_pem_private_key(text.encode(), passphrase.encode() if passphrase else None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise ConfigError(
            "The private key is not PEM text, or its passphrase is wrong or missing.",
            hint="Give the whole text from BEGIN to END, and its passphrase as `private_key_file_pwd`.",
        ) from None
    return key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _from_file(path: str | None, name: str) -> dict[str, Any]:
    home = os.environ.get("SNOWFLAKE_HOME") or "~/.snowflake"
    file = Path(path) if path is not None else Path(home).expanduser() / "connections.toml"
    try:
        entries = tomllib.loads(file.read_text())
    except OSError as error:
        raise ConfigError(
            f"The file {file.name} cannot be read: {error.strerror}.", hint="Correct `connections_file`."
        ) from None
    except ValueError:
        raise ConfigError(f"The file {file.name} is not TOML.", hint="Correct it.") from None
    entry: dict[str, Any] | None = entries.get(name)
    if entry is None:
        raise ConfigError(f"There is no connection {name} in {file.name}.", hint="Correct `connection_name`.")
    unknown = sorted(set(entry) - FROM_FILE)
    if unknown:
        raise ConfigError(
            f"The connection {name} in {file.name} has settings that are not known here: {', '.join(unknown)}.",
            hint=f"Known are {', '.join(sorted(FROM_FILE))}.",
        )
    if "private_key_file" in entry:
        entry["private_key_file"] = str(Path(file.parent, Path(entry["private_key_file"]).expanduser()))
    return entry


def _from_url(url: str) -> dict[str, Any]:
    try:
        parts = urlsplit(url)
        query = dict(parse_qsl(parts.query, strict_parsing=True)) if parts.query else {}
        login, _, account = parts.netloc.rpartition("@")
        path = [unquote(piece) for piece in parts.path.strip("/").split("/") if piece]
        # A password with one of /?#@: in it tears the URL elsewhere than its writer meant.
        torn = "@" in login or "@" in parts.path or bool(parts.fragment) or ":" in account or not account
        if torn or login.count(":") > 1 or parts.scheme != "snowflake" or len(path) > len(("database", "schema")):
            raise _torn_url()
        if "port" in query:
            query["port"] = int(query["port"])  # pyright: ignore[reportArgumentType] - the one number among texts
    except ValueError:
        raise _torn_url() from None
    unknown = sorted(set(query) - FROM_URL)
    if unknown:
        raise ConfigError(
            "The url's query holds something that is not known here.", hint=f"Known are {', '.join(sorted(FROM_URL))}."
        )
    user, _, password = login.partition(":")
    found: dict[str, Any] = {"account": account, "user": unquote(user), "password": unquote(password), **query}
    found |= dict(zip(("database", "schema"), path, strict=False))
    return {name: value for name, value in found.items() if value}


def _torn_url() -> ConfigError:
    return ConfigError(
        "The url is not of the form snowflake://user:password@account/database/schema?warehouse=…&role=….",
        hint="Percent-encode user and password (@ is %40, / is %2F, # is %23), or use the separate settings.",
    )


def _target(settings: Mapping[str, Any]) -> str:
    host = settings.get("host") or f"{settings['account']}.snowflakecomputing.com"
    return f"{host}:{settings.get('port') or 443}/{settings.get('database') or ''}".rstrip("/")


def _refusal(error: Exception, target: str) -> ColonnadeError:
    """Map what an attempt raised, by code: a driver's words may repeat what it was given."""
    from snowflake.connector.errors import DatabaseError, OperationalError, ProgrammingError

    said = str(error)
    errno = getattr(error, "errno", -1)
    if isinstance(errno, int) and (errno in LOGIN_REFUSED or errno in ABOUT_LOGINS):
        return AuthFailed(
            f"The server at {target} refused the login with code {errno}: "
            f"{LOGIN_REFUSED.get(errno, 'it may not log in so')}.",
            hint="Check `user`, the password, key or token, `role`, and the account's network policy.",
        )
    if isinstance(error, OperationalError) or (isinstance(error, DatabaseError) and _network(said)):
        return Unreachable(
            f"Cannot reach {target}: {_why(said)}.",
            hint="Check account, host and port, and that the server can be reached from here.",
        )
    if isinstance(error, ProgrammingError):
        return ConfigError(
            f"These settings cannot be used to connect to {target}: the driver refused {_parameter(error)}.",
            hint="Give what the authenticator needs: a password, a private key or a token.",
        )
    return Unreachable(f"Cannot reach {target}: the login failed with {type(error).__name__}, code {errno}.")


def _parameter(error: Exception) -> str:
    name = getattr(error, "parameter", None)
    return f"`{line(name)}`" if name else type(error).__name__


def _network(said: str) -> bool:
    return _why(said) != "the server did not answer"


def _why(said: str) -> str:
    """Say which kind of failure it was; the driver tells them apart by its words alone."""
    words = said.lower()
    for mark, why in (
        ("refused", "connection refused"),
        ("dns", "the host name is not known"),
        ("certificate", "TLS: the server's certificate was not accepted"),
        ("tls", "TLS: the handshake failed"),
        ("timed out", "no answer in time"),
        ("timeout", "no answer in time"),
        ("reset", "the server closed the connection"),
    ):
        if mark in words:
            return why
    return "the server did not answer"
