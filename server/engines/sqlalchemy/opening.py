"""Opening a connection, and its failures in words that hold no secret: never the driver's own."""

import asyncio
import re
import ssl
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from errno import ECONNREFUSED
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import TYPE_CHECKING, Any, Final

import anyio
import anyio.to_thread

from ...errors import AuthFailed, ColonnadeError, ConfigError, DriverMissing, Unreachable
from ...model import Limits
from ..base import Route
from ..base.driver import require
from ..base.network import reason
from ..base.sessions import HURRY
from .client import RAW, Manners, Session, alone, learn
from .options import SqlalchemyOptions
from .statements import chain, sqlstate
from .values import declare_types

if TYPE_CHECKING:
    from sqlalchemy.engine import URL, Connection, Dialect
    from sqlalchemy.ext.asyncio import AsyncEngine

AUTH: Final = re.compile(
    r"authentication|access denied|password|log[io]n (failed|denied)|invalid (user|login)", re.IGNORECASE
)
NO_DATABASE: Final = re.compile(
    r"unknown (database|service)|(database|catalog)\b.* (does not exist|not found)|cannot open database"
    r"|unable to open database",
    re.IGNORECASE,
)
FULL: Final = re.compile(r"too many|no free|remaining connection slots", re.IGNORECASE)


async def connector(
    options: SqlalchemyOptions, secrets: Mapping[str, str], limits: Limits, route: Route
) -> "Callable[[], Awaitable[Session]]":
    """Return what opens a connection. Raises DriverMissing, ConfigError; the returned one Unreachable, AuthFailed."""
    # SQLAlchemy takes a second of CPU to import, and a driver its share.
    url, engine = await anyio.to_thread.run_sync(_engine, options, secrets)
    target = _target(url)
    way: dict[str, Any] = {}
    if options.ssh is not None:
        if not url.host or url.port is None:
            raise ConfigError("An SSH tunnel leads to a host and a port.", hint="Write both in the `url`.")
        _lead(engine, url, way, options.connect_args)
    manners: list[Manners] = []
    leaving: set[asyncio.Task[None]] = set()

    async def open_one() -> Session:
        connection = await engine.connect()
        session = None
        try:
            driver = (await connection.get_raw_connection()).driver_connection
            if not manners:
                manners.append(await connection.run_sync(learn))
            session = Session(connection, driver, manners[0], leaving)
            await declare_types(driver)
            await connection.run_sync(_settle, manners[0].session)
        except BaseException:
            (session or Session(connection, None, Manners(None, "", several=False), leaving)).terminate()
            if leaving:
                await asyncio.wait(leaving, timeout=HURRY)
            raise
        return session

    async def connect() -> Session:
        if options.ssh is not None and url.host and url.port is not None:
            way["host"], way["port"] = await route(url.host, url.port)
        try:
            return await _within(limits.connect, open_one())
        except Exception as error:  # noqa: BLE001 - whatever it is, it leaves in words that hold no secret
            raise _refusal(error, target, limits.connect) from None

    return connect


async def _within(seconds: float, work: Coroutine[Any, Any, Session]) -> Session:
    """Connect in a task of its own, which a cancellation reaches once: the driver is to clean up behind itself."""
    task = alone(work)
    try:
        with anyio.fail_after(seconds):
            return await asyncio.shield(task)
    except BaseException:
        task.cancel()
        with anyio.CancelScope(shield=True):
            await asyncio.wait({task}, timeout=HURRY)
        if task.done() and not task.cancelled() and task.exception() is None:
            task.result().terminate()
        raise


def _settle(connection: "Connection", mode: str | None) -> None:
    """Make a session read-only where there is such a thing; a rollback would undo it."""
    if mode is not None:
        connection.exec_driver_sql(mode, execution_options=RAW).close()
        connection.commit()


def _engine(options: SqlalchemyOptions, secrets: Mapping[str, str]) -> "tuple[URL, AsyncEngine]":
    require("sqlalchemy.ext.asyncio", 'pip install "sqlalchemy[asyncio]"')
    from sqlalchemy.exc import ArgumentError
    from sqlalchemy.ext.asyncio import create_async_engine
    from sqlalchemy.pool import NullPool

    url = _url(secrets["url"]).set(username=options.user, password=secrets.get("password"))
    dialect = _dialect(url)
    try:
        return url, create_async_engine(url, poolclass=NullPool, connect_args=options.connect_args)
    except ImportError as error:
        package = (error.name or "").partition(".")[0] or dialect.driver
        missing = isinstance(error, ModuleNotFoundError)
        raise DriverMissing(
            f"The package {package} {'is not installed' if missing else f'cannot be loaded: {error.msg}'}.",
            hint=f"pip install {package}. {_choice(url, dialect)}",
        ) from None
    except (ArgumentError, TypeError, ValueError) as error:
        raise ConfigError(
            f"The settings do not fit the dialect {url.drivername}: {type(error).__name__}.", hint="Correct the `url`."
        ) from None


def _url(text: str) -> "URL":
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        url = None
    # A password with one of /?#@ in it tears the URL elsewhere than its writer meant.
    if url is None or re.search(r"[@?#\s]", url.host or "") or (url.host and "@" in (url.database or "")):
        raise ConfigError(
            "The url is not of the form dialect+driver://user:password@host:port/database.",
            hint="Percent-encode user and password (@ is %40, / is %2F, # is %23), or use `user` and `password`.",
        )
    return url


def _dialect(url: "URL") -> "type[Dialect]":
    """Return the dialect that the URL names, if it is for an async driver."""
    from sqlalchemy.exc import NoSuchModuleError

    try:
        dialect = url.get_dialect().get_async_dialect_cls(url)
    except NoSuchModuleError:
        name = url.drivername.partition("+")[0]
        raise DriverMissing(
            f"SQLAlchemy knows no dialect {url.drivername}.",
            hint=f"Correct the `url`, or install the package that brings it, such as: pip install sqlalchemy-{name}",
        ) from None
    if not dialect.is_async:
        raise ConfigError(
            f"The driver {dialect.driver} of {url.drivername}:// is not async.",
            hint=_choice(url, dialect) or "Look for an async driver of this database.",
        )
    return dialect


def _choice(url: "URL", dialect: "type[Dialect]") -> str:
    """Name the async drivers of a dialect: its package has a module for each."""
    package = import_module(dialect.__module__.rpartition(".")[0])
    backend = url.get_backend_name()
    found: list[str] = []
    for module in iter_modules(package.__path__):
        other = url.set(drivername=f"{backend}+{module.name}")
        try:
            found_there = other.get_dialect().get_async_dialect_cls(other)
            if found_there.is_async and found_there.driver == module.name:
                found.append(f"{other.drivername}://")
        except Exception:  # noqa: BLE001, S112 - a module of another kind
            continue
    return f"Async drivers: {', '.join(found)}." if found else ""


def _target(url: "URL") -> str:
    """Return host:port/database for messages; of a file its name."""
    database = (url.database or "").partition("?")[0]
    if not url.host:
        return Path(database).name or url.get_backend_name()
    return f"{url.host}{'' if url.port is None else f':{url.port}'}/{database}".rstrip("/")


def _lead(engine: "AsyncEngine", url: "URL", way: Mapping[str, Any], more: Mapping[str, Any]) -> None:
    """Connect to where the tunnel begins, whatever the driver calls its arguments."""
    from sqlalchemy import event

    def connect(dialect: "Dialect", _record: object, _args: object, _named: object) -> object:
        args, named = dialect.create_connect_args(url.set(host=way["host"], port=way["port"]))
        return dialect.connect(*args, **{**named, **more})

    event.listen(engine.sync_engine, "do_connect", connect)


def _refusal(error: Exception, target: str, seconds: float) -> ColonnadeError:
    """Map what a connection attempt raised, by class and code, and by words that are not repeated."""
    if isinstance(error, ColonnadeError):
        return error
    causes = [*chain(error)]
    state, said = sqlstate(error), " ".join(map(str, causes))
    why = next((why for why in (_why(cause, seconds) for cause in causes) if why), None)
    if f"[Errno {ECONNREFUSED}]" in said:
        why = "connection refused"
    if why is None and (state.startswith("28") or AUTH.search(said)):
        return AuthFailed(
            f"The server at {target} refused the login: wrong password, unknown user, or not allowed from here.",
            hint="Check `user` and `password`, and what the server allows this login from here.",
        )
    if why is None and (state.startswith("3D") or NO_DATABASE.search(said)):
        return Unreachable(f"Cannot reach {target}: there is no such database.", hint="Correct the `url`.")
    if why is None and (state.startswith("53") or FULL.search(said)):
        why = "the server has no free slots for connections"
    if why is not None:
        return Unreachable(
            f"Cannot reach {target}: {why}.",
            hint="Check host and port, and that the server runs and can be reached from here.",
        )
    kind = type(causes[-1]).__name__
    if isinstance(error, (TypeError, ValueError, AttributeError)):
        return ConfigError(
            f"These settings cannot be used to connect to {target}: the driver raised {kind}.",
            hint="Check `connect_args` and the url's query: they are the driver's own arguments.",
        )
    code = f" with SQLSTATE {state}" if state else ""
    return Unreachable(f"Cannot reach {target}: the driver raised {kind}{code}.", hint="Check the `url`.")


def _why(error: BaseException, seconds: float) -> str | None:
    if isinstance(error, ssl.SSLError):
        return "TLS: the handshake failed, or the certificate was not accepted"
    return reason(error, seconds) if isinstance(error, OSError) else None
