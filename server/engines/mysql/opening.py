"""Opening a connection, and its failures in words that hold no secret."""

import re
import ssl
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit

import anyio

from ...errors import AuthFailed, ColonnadeError, ConfigError, DriverMissing, Unreachable
from ...model import Limits
from ..base import Route
from ..base.driver import require
from ..base.network import reason
from ..base.tls import NamedContext
from .options import MysqlOptions

if TYPE_CHECKING:
    from .wire import Wire

PORT: Final = 3306
SCHEMES: Final = re.compile(r"(?:mysql|mariadb)(?:\+\w+)?")
HOST: Final = re.compile(r"(?:\[[0-9A-Fa-f:.%]+\]|[^\[\]:,]*)(?::\d*)?")

Connect = Callable[["Wire | None"], Awaitable["Wire"]]
"""Opens a connection; given another one, to the very server that this one reached."""


def connector(
    options: MysqlOptions, secrets: Mapping[str, str], limits: Limits, route: Route
) -> Callable[..., Awaitable["Wire"]]:
    """Return what opens a connection. Raises DriverMissing, ConfigError; the returned one Unreachable, AuthFailed."""
    require("asyncmy", 'pip install "colonnade[mysql]"')
    from .wire import Wire

    target = Target.of(options, secrets.get("url"))
    tls = _tls(options, target.host, secrets.get("ssl_key_passphrase"))

    async def attempt(beside: "Wire | None") -> "Wire":
        host, port = target.host, target.port
        if options.unix_socket is None:
            # A name may lead to several servers, and a thread's number means something on its own only.
            host, port = await route(host, port) if beside is None else beside.reached
        wire = Wire(
            tls_optional=options.mode == "preferred",
            host=host,
            port=port,
            unix_socket=options.unix_socket,
            user=options.user or target.user,
            password=(secrets.get("password") or target.password).encode(),
            database=target.database or None,
            program_name=options.program_name,
            connect_timeout=limits.connect,
            charset="utf8mb4",
            ssl=tls,
            autocommit=None,
        )
        await wire.connect()
        return wire

    async def connect(beside: "Wire | None" = None) -> "Wire":
        try:
            with anyio.fail_after(limits.connect):
                return await attempt(beside)
        except ColonnadeError:
            raise  # the tunnel's
        except Exception as error:  # noqa: BLE001 - whatever it is, it leaves in words that hold no secret
            raise _refusal(error, target.shown, limits.connect) from None

    return connect


class Target:
    """Where to connect to, from the settings or from a URL, and how it is called in messages."""

    def __init__(self, place: str, database: str, user: str, password: str) -> None:
        parts = urlsplit(f"//{place}") if not place.startswith("/") else None
        self.host = (parts.hostname if parts else None) or "localhost"
        self.port = (parts.port if parts else None) or PORT
        self.database = database
        self.user = user
        self.password = password
        self.shown = f"{self._named(place)}/{database}"

    def _named(self, place: str) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return place if place.startswith("/") else f"{host}:{self.port}"

    @classmethod
    def of(cls, options: MysqlOptions, url: str | None) -> "Target":
        """Take the settings, or the parts of a URL: a piece of a torn one never comes out."""
        if url is None:
            host = options.host or "localhost"
            place = options.unix_socket or f"{f'[{host}]' if ':' in host else host}:{options.port or PORT}"
            return cls(place, options.database or "", options.user or "", "")
        try:
            parts = urlsplit(url)
            login, _, place = parts.netloc.rpartition("@")
            # A password with one of /?#@ in it tears the URL elsewhere than its writer meant.
            torn = "@" in login or "@" in parts.path or parts.query or parts.fragment or not HOST.fullmatch(place)
            if torn or "/" in parts.path[1:] or not SCHEMES.fullmatch(parts.scheme):
                raise _torn_url()
            user, _, password = login.partition(":")
            return cls(unquote(place), unquote(parts.path[1:]), unquote(user), unquote(password))
        except ValueError:
            raise _torn_url() from None


def _torn_url() -> ConfigError:
    return ConfigError(
        "The url is not of the form mysql://user:password@host:port/database.",
        hint="Percent-encode user and password (@ is %40, / is %2F, # is %23); what a query would say is a setting.",
    )


def _tls(options: MysqlOptions, host: str, passphrase: str | None) -> ssl.SSLContext | None:
    if options.mode == "disabled" or options.unix_socket is not None:
        return None
    for name in ("ssl_ca", "ssl_cert", "ssl_key"):
        path = getattr(options, name)
        if path is not None and not Path(path).is_file():
            raise ConfigError(f"There is no file {Path(path).name} at `{name}`.", hint="Correct it.")
    try:
        context = NamedContext.of(host, authorities=options.ssl_ca)
        if options.mode != "verify_identity":
            context.check_hostname = False
        if options.mode in ("preferred", "required"):
            context.verify_mode = ssl.CERT_NONE
        if options.ssl_cert is not None:
            # Without a passphrase OpenSSL would ask for one on the terminal.
            context.load_cert_chain(options.ssl_cert, options.ssl_key, lambda: passphrase or "")
    except (OSError, ValueError):
        raise ConfigError(
            "The files of `ssl_ca`, `ssl_cert` and `ssl_key` cannot be used.",
            hint="They are in PEM form; the key belongs to the certificate; `ssl_key_passphrase` opens it.",
        ) from None
    return context


def _refusal(error: Exception, target: str, seconds: float) -> ColonnadeError:
    """Map what a connection attempt raised, by class and code: a driver's words may repeat what it was given."""
    from asyncmy.errors import MySQLError

    # The driver wraps what the network raised.
    cause = error.__cause__ if isinstance(error.__cause__, OSError) else error
    if isinstance(cause, ssl.SSLCertVerificationError):
        return Unreachable(
            f"Cannot reach {target}: TLS: the server's certificate was not accepted: {cause.verify_message}.",
            hint="Set `ssl_ca` to the authority that signed it, and `host` to the name in it; a certificate that a"
            " server made for itself has no name of use: ssl_mode = verify_ca.",
        )
    if isinstance(cause, ssl.SSLError):
        return Unreachable(
            f"Cannot reach {target}: TLS: the handshake failed.",
            hint="Ask the server's owner which versions of TLS it takes, and whether it wants `ssl_cert`.",
        )
    if isinstance(cause, OSError):
        return Unreachable(
            f"Cannot reach {target}: {reason(cause, seconds)}.",
            hint="Check host and port, and that the server runs and can be reached from here.",
        )
    if isinstance(error, MySQLError):
        code = error.args[0] if error.args else 0
        return _refused_by_server(code if isinstance(code, int) else 0, target)
    if isinstance(error, RuntimeError) and "package is required" in str(error):
        package = "cryptography" if "cryptography" in str(error) else "pynacl"
        return DriverMissing(
            f"The way that {target} checks passwords needs the package {package}.", hint=f"pip install {package}"
        )
    return ConfigError(
        f"These settings cannot be used to connect to {target}: asyncmy raised {type(error).__name__}.",
        hint="Check them one by one.",
    )


def _refused_by_server(code: int, target: str) -> ColonnadeError:  # noqa: PLR0911 - one return for each refusal
    match code:
        case 1045 | 1130 | 1251 | 1524 | 1698 | 1820 | 1862 | 2059 | 3118 | 3159 | 3955 | 4151:
            return AuthFailed(
                f"The server at {target} refused the login: wrong password, unknown user, locked, not allowed from"
                " here, or not without TLS.",
                hint="Check `user` and `password`, the host part of the account, and what it REQUIREs.",
            )
        case 1049:
            return Unreachable(f"Cannot reach {target}: there is no such database.", hint="Correct `database`.")
        case 1044:
            return Unreachable(
                f"Cannot reach {target}: there is no such database, or none that this login may see.",
                hint="Correct `database`, or grant the login SELECT on it.",
            )
        case 1040 | 1203 | 1226:
            return Unreachable(
                f"Cannot reach {target}: the server has no free slots for connections.",
                hint="Try again later, or lower limits.concurrent.",
            )
        case 1129:
            return Unreachable(
                f"Cannot reach {target}: the server blocks this host after too many failed connections.",
                hint="Its administrator can FLUSH HOSTS.",
            )
        case 2026:
            return Unreachable(
                f"Cannot reach {target}: TLS: the server does not offer it.",
                hint="Ask the server's owner for TLS, or set `ssl_mode`.",
            )
        case 2061:
            return AuthFailed(
                f"The server at {target} asked for the password in clear, over a connection without TLS.",
                hint="Set ssl_mode = verify_identity.",
            )
        case 1053 | 2006 | 2013:
            return Unreachable(f"Cannot reach {target}: the server closed the connection.", hint="Try again later.")
        case _:
            return Unreachable(f"Cannot reach {target}: the server refused with error {code}.")
