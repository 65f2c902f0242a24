"""PostgreSQL on asyncpg: every statement in a read-only transaction of its own, every value in an exact form.

Connections are kept by this file and not by asyncpg's pool, whose connections forget their prepared statements at each
release, wait for a frozen network before they let a cancelled task go, and cost a reset after every statement.
"""

import os
import re
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Generator, Iterable, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from errno import ECONNREFUSED
from pathlib import Path
from socket import gaierror
from time import time
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, cast
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

import anyio
import anyio.to_thread
from pydantic import Field, SecretStr, ValidationInfo, field_validator, model_validator

from ..errors import (
    AuthFailed,
    ColonnadeError,
    ConfigError,
    ConnectionLost,
    Denied,
    DriverMissing,
    Internal,
    SqlError,
    TimedOut,
    Unreachable,
)
from ..model import (
    Catalog,
    Codec,
    Column,
    ForeignKey,
    Index,
    Judged,
    Limits,
    ResultColumn,
    ServerInfo,
    Table,
    TableKind,
)
from ..secrets import Secret
from . import codecs
from .base import Abilities, Client, Cursor, Engine, Options, folder_of

if TYPE_CHECKING:
    from asyncpg import Connection, PostgresError, Record
    from asyncpg.prepared_stmt import PreparedStatement
    from asyncpg.types import Attribute

BATCH: Final = 1_000
STATEMENTS: Final = 100
LONGEST_KEPT: Final = 16_384
LOCK_SECONDS: Final = 5.0
GRACE: Final = 0.5
"""How long after its own limit a server may take to say so, before we stop waiting, in seconds."""
PATIENCE: Final = 2.0
HURRY: Final = 0.5
"""How long a rollback may take: after an ordinary end, and after a cancellation or a deadline."""

READING: Final = frozenset({"SELECT", "SHOW", "EXPLAIN"})
"""Command tags that leave a session as it was; after any other (PREPARE, DEALLOCATE, …) it is not used again."""

ROLLBACK: Final = "ROLLBACK; SELECT pg_catalog.pg_advisory_unlock_all()"
"""All that outlives a read-only transaction is an advisory lock."""

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

# What asyncpg would change (infinity, year 10000, BC, 24:00, months, 1.10) or cannot read (anyarray) comes as the
# server's own text. Ranges, multiranges and records too: their parts would otherwise need a binary form.
AS_TEXT: Final[Mapping[int, str]] = {
    18: "char", 27: "tid", 600: "point", 601: "lseg", 602: "path", 603: "box", 604: "polygon", 628: "line",
    650: "cidr", 718: "circle", 829: "macaddr", 869: "inet", 1082: "date", 1083: "time", 1186: "interval",
    1266: "timetz", 1560: "bit", 1562: "varbit", 1700: "numeric", 2249: "record", 2277: "anyarray", 2950: "uuid",
    2970: "txid_snapshot", 3220: "pg_lsn", 3904: "int4range", 3906: "numrange", 3908: "tsrange", 3910: "tstzrange",
    3912: "daterange", 3926: "int8range", 4451: "int4multirange", 4532: "nummultirange", 4533: "tsmultirange",
    4534: "tstzmultirange", 4535: "datemultirange", 4536: "int8multirange", 5038: "pg_snapshot",
}  # fmt: skip
EXACT: Final = ("bool", "int2", "int4", "oid", "xid", "cid", "text", "varchar", "bpchar", "name", "json", "jsonb")
CODECS: Final[Mapping[str, Codec | None]] = {
    **dict.fromkeys((*AS_TEXT.values(), *EXACT, "timestamp", "timestamptz", "money")),
    "int8": codecs.integer,
    "xid8": codecs.integer,
    "float4": codecs.floating,
    "float8": codecs.floating,
    "bytea": codecs.binary,
}


def _field(description: str, label: str, group: str, default: str | None = None) -> Any:  # noqa: ANN401 - as pydantic's
    return Field(default=default, description=description, json_schema_extra={"label": label, "group": group})


class PostgresOptions(Options):
    """How to reach a database; what is left out comes from libpq's environment variables and defaults."""

    url: SecretStr | None = _field("postgresql://user:password@host:port/database", "URL", "Connection")
    host: str | None = _field("Host name, address, or folder of a Unix socket", "Host", "Connection")
    port: Annotated[int, Field(ge=1, le=65_535)] | None = _field("Port; 5432 when left out", "Port", "Connection")
    database: str | None = _field("Name of the database", "Database", "Connection")
    user: str | None = _field("Login role, best one that may only read", "User", "Login")
    password: Secret | None = _field("Password of the login role", "Password", "Login")
    passfile: str | None = _field("A libpq password file, relative to the configuration's folder", "Passfile", "Login")
    ssl: Literal["disable", "allow", "prefer", "require", "verify-ca", "verify-full"] | None = _field(
        "How TLS is used, in libpq's words; prefer when left out", "TLS mode", "TLS"
    )
    sslrootcert: str | None = _field(
        "File of the authorities that verify-ca and verify-full trust, relative to the configuration's folder",
        "Root certificate",
        "TLS",
    )
    application_name: str = _field("Name in pg_stat_activity", "Application name", "Connection", "colonnade")

    @field_validator("passfile", "sslrootcert")
    @classmethod
    def _from_the_folder(cls, path: str | None, info: ValidationInfo) -> str | None:
        return path and str(Path(folder_of(info.context), Path(path).expanduser()).absolute())

    @model_validator(mode="after")
    def _one_target(self) -> "PostgresOptions":
        if self.url is not None and (self.host, self.port, self.database) != (None, None, None):
            raise ValueError("both url and host/port/database are given")
        return self


class Postgres:
    """PostgreSQL 12 and later."""

    dialect = "postgres"
    abilities = Abilities()
    options = PostgresOptions

    async def open(self, options: PostgresOptions, secrets: Mapping[str, str], limits: Limits) -> Client:
        connect = _connector(options, secrets, limits)
        return PostgresClient(connect, _Session(await connect()), limits)


class PostgresClient:
    """Connections to one database, opened as statements need them and kept for the next."""

    def __init__(
        self, connect: "Callable[[], Awaitable[Connection[Record]]]", first: "_Session", limits: Limits
    ) -> None:
        self._connect = connect
        self._limits = limits
        self._places = anyio.Semaphore(limits.concurrent, fast_acquire=True)
        self._idle = [first]
        self._used: set[_Session] = set()
        self._closed = False

    @asynccontextmanager
    async def run(self, statement: Judged, *, rows: int, seconds: float) -> AsyncGenerator[Cursor]:
        begin = _begin("READ ONLY", seconds)
        async with self._transaction(begin, seconds) as session:
            cursor = PostgresCursor(session, statement.text, _Deadline(seconds), rows)
            await cursor.start(begin)
            yield cursor

    async def catalog(self) -> Catalog:
        async with self._reading() as read:
            found = [await read(VISIBLE + sql) for sql in (TABLES, COLUMNS, KEYS, INDEXES, FINGERPRINT)]
        # Thousands of tables take a while to build, during which the other connections are to answer.
        return await anyio.to_thread.run_sync(_catalog, found)

    async def fingerprint(self) -> str:
        async with self._reading() as read:
            return cast("str", (await read(VISIBLE + FINGERPRINT))[0]["fingerprint"])

    async def ping(self) -> ServerInfo:
        async with self._reading() as read:
            version = cast("str", (await read("select version()"))[0][0])
        return ServerInfo(version=" ".join(version.split()[:2]))

    async def close(self) -> None:
        self._closed = True
        with anyio.move_on_after(PATIENCE, shield=True), suppress(Exception):  # what cannot say goodbye is terminated
            for session in self._idle:
                await session.connection.close()
        for session in (*self._idle, *self._used):
            session.connection.terminate()
        self._idle.clear()

    @asynccontextmanager
    async def _reading(self) -> "AsyncGenerator[Callable[[str], Awaitable[list[Record]]]]":
        """Read our own queries from one snapshot."""
        seconds = self._limits.max_seconds
        deadline = _Deadline(seconds)
        async with self._transaction(_begin("ISOLATION LEVEL REPEATABLE READ, READ ONLY", seconds), seconds) as session:

            async def read(sql: str) -> "list[Record]":
                with _watched(sql, deadline, session):
                    return await session.connection.fetch(sql)

            yield read

    @asynccontextmanager
    async def _transaction(self, begin: str, seconds: float) -> "AsyncGenerator[_Session]":
        """Lend a connection inside a transaction; it is rolled back in any case, or the connection given up."""
        async with self._places:
            session = await self._begun(begin, min(seconds, self._limits.connect))
            patience = PATIENCE
            self._used.add(session)
            try:
                yield session
            except (anyio.get_cancelled_exc_class(), TimedOut):
                patience = HURRY
                raise
            finally:
                await session.end(patience)
                self._used.discard(session)
                if self._closed:
                    session.connection.terminate()
                elif not session.connection.is_closed():
                    self._idle.append(session)

    async def _begun(self, begin: str, seconds: float) -> "_Session":
        """Begin on a kept connection, or on a new one if the kept ones turn out to be dead."""
        while not self._closed:
            kept = bool(self._idle)
            session = self._idle.pop() if kept else _Session(await self._connect())
            begun = False
            try:
                with _watched(begin, _Deadline(seconds), session):
                    await session.connection.execute(begin)
                    begun = True
            except (ConnectionLost, TimedOut):
                if not kept:
                    raise
                while self._idle:
                    self._idle.pop().connection.terminate()
            finally:
                if not begun:
                    session.connection.terminate()
            if begun:
                return session
        raise ConnectionLost("The connection was closed.", hint="Send it again.")


def _begin(mode: str, seconds: float) -> str:
    # One message of the simple protocol, and the only text that travels so: it takes several statements.
    return f"BEGIN {mode}; SET LOCAL statement_timeout = {max(1, round(seconds * 1_000))}"


class _Deadline:
    """The moment a statement has to be over."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.server = anyio.current_time() + seconds
        self.ours = self.server + GRACE

    @property
    def passed(self) -> bool:
        # The server's clock starts a little later and may tick a little faster.
        return anyio.current_time() > self.server - 0.05

    def error(self) -> TimedOut:
        return TimedOut(
            f"The statement was stopped after {self.seconds:g} s, its time limit; nothing was changed.",
            hint="Narrow it with a filter on an indexed column or aggregate less.",
        )


class _Session:
    """A driver connection and the statements prepared on it."""

    def __init__(self, connection: "Connection[Record]") -> None:
        self.connection = connection
        self.spoilt = False
        self._prepared: dict[str, tuple[PreparedStatement[Record], tuple[ResultColumn, ...]]] = {}

    async def prepare(self, text: str) -> "tuple[PreparedStatement[Record], tuple[ResultColumn, ...]]":
        prepared = self._prepared.pop(text, None)
        if prepared is None:
            statement = await self.connection.prepare(text)
            prepared = statement, tuple(map(_result_column, statement.get_attributes()))
        if len(text) <= LONGEST_KEPT:
            self._prepared[text] = prepared
        if len(self._prepared) > STATEMENTS:
            del self._prepared[next(iter(self._prepared))]
        return prepared

    def forget(self, text: str) -> None:
        self._prepared.pop(text, None)

    async def end(self, patience: float) -> None:
        """Leave nothing of the transaction; a connection that does not obey, or was spoilt, is terminated."""
        clean = False
        try:
            if not self.connection.is_closed():
                # After a cancellation this waits for the server to have stopped the statement.
                with anyio.move_on_after(patience, shield=True), suppress(Exception):
                    await self.connection.execute(ROLLBACK)
                    clean = not self.connection.is_in_transaction()
        finally:
            if self.spoilt or not clean:
                self.connection.terminate()


class PostgresCursor:
    """One statement; its first rows are read when it starts, so that its errors come at once."""

    def __init__(self, session: _Session, text: str, deadline: _Deadline, rows: int) -> None:
        self._session = session
        self._text = text
        self._deadline = deadline
        self._left = rows + 1
        self._rows: list[tuple[object, ...]] = []
        self._complete = False
        self._statement: PreparedStatement[Record] | None = None
        self.columns: tuple[ResultColumn, ...] = ()

    async def start(self, begin: str) -> None:
        from asyncpg import InvalidCachedStatementError

        with _watched(self._text, self._deadline, self._session):
            try:
                await self._execute()
            except InvalidCachedStatementError:
                # A table changed under a kept statement; no row has gone out, so it may simply start over.
                await self._session.connection.execute(f"ROLLBACK; {begin}")
                await self._execute()

    async def batches(self) -> AsyncIterator[list[tuple[object, ...]]]:
        while self._rows and self.columns:
            self._left -= len(self._rows)
            yield self._rows
            if self._complete or self._left <= 0:
                return
            with _watched(self._text, self._deadline, self._session):
                await self._fetch(first=False)

    async def _execute(self) -> None:
        try:
            self._statement, self.columns = await self._session.prepare(self._text)
            await self._fetch(first=True)
        except BaseException:
            self._session.forget(self._text)
            raise

    async def _fetch(self, *, first: bool) -> None:
        # asyncpg's own cursors name their portal, and so need one more round trip to bind or to close it.
        protocol = self._session.connection._protocol  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
        state = cast("PreparedStatement[Record]", self._statement)._state  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
        most = min(BATCH, self._left)
        if first:
            records, tag, complete = await protocol.bind_execute(state, (), "", most, True, None)  # noqa: FBT003 - asyncpg's
        else:
            records, tag, complete = await protocol.execute(state, "", most, True, None)  # noqa: FBT003 - asyncpg's
        self._rows, self._complete = list(map(tuple, records)), bool(complete)
        if self._complete and tag.decode().partition(" ")[0] not in READING:
            self._session.spoilt = True


def _result_column(attribute: "Attribute") -> ResultColumn:
    kind = attribute.type
    codec = CODECS.get(kind.name, codecs.anything) if kind.schema == "pg_catalog" else codecs.anything
    return ResultColumn(attribute.name, kind.name, codec)


# Opening


def _connector(
    options: PostgresOptions, secrets: Mapping[str, str], limits: Limits
) -> "Callable[[], Awaitable[Connection[Record]]]":
    """Return what opens a connection. Raises DriverMissing, ConfigError; the returned one Unreachable, AuthFailed."""
    try:
        import asyncpg
    except ImportError:
        raise DriverMissing("The package asyncpg is not installed.", hint="pip install asyncpg") from None
    if options.sslrootcert is not None and not Path(options.sslrootcert).is_file():
        raise ConfigError(f"There is no file {Path(options.sslrootcert).name} at `sslrootcert`.", hint="Correct it.")
    target = _target(options, secrets.get("url"))
    kind = _connection_class()
    settings = {
        **SETTINGS,
        "application_name": options.application_name,
        "statement_timeout": f"{round(limits.seconds * 1_000)}",
    }

    async def attempt() -> "Connection[Record]":
        connection = await asyncpg.connect(
            _dsn(options, secrets.get("url")),
            host=options.host,
            port=options.port,
            database=options.database,
            user=options.user,
            password=secrets.get("password"),
            passfile=options.passfile,
            ssl=options.ssl,
            timeout=limits.connect,
            connection_class=kind,
            server_settings=settings,
        )
        await _declare_types(connection)
        return connection

    async def connect() -> "Connection[Record]":
        try:
            try:
                return await attempt()
            except asyncpg.PostgresError as error:
                if OPTIONAL not in str(error.args[0]) or settings.pop(OPTIONAL, None) is None:
                    raise
            return await attempt()
        except Exception as error:  # noqa: BLE001 - whatever it is, it leaves in words that hold no secret
            raise _refusal(error, target, limits.connect) from None

    return connect


def _connection_class() -> "type[Connection[Record]]":
    import asyncpg

    class Exact(asyncpg.Connection):
        """Takes composites and ranges as text: asyncpg cannot read them once a part of them comes as text."""

        async def _introspect_types(self, oids: Iterable[int], timeout: float | None) -> "tuple[list[Record], object]":  # noqa: ASYNC109 - asyncpg's
            answer = await super()._introspect_types(oids, timeout)  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType, reportUnknownVariableType] - private
            types, statement = cast("tuple[list[Record], object]", answer)
            for found in types:
                if found["kind"] in (b"c", b"r", b"m"):
                    _declare_text(self, found["oid"], found["name"], found["ns"])
            return types, statement

    return Exact


async def _declare_types(connection: "Connection[Record]") -> None:
    """Set how types travel; no round trip, all of them are built in."""
    for oid, name in AS_TEXT.items():
        _declare_text(connection, oid, name, "pg_catalog")
    for name in ("timestamp", "timestamptz"):
        await connection.set_type_codec(name, schema="pg_catalog", encoder=str, decoder=_iso, format="text")
    # In binary a float4 comes with the digits of the nearest float8: 1.10000002384.
    await connection.set_type_codec("float4", schema="pg_catalog", encoder=str, decoder=float, format="text")


def _declare_text(connection: "Connection[Record]", oid: int, name: str, schema: str) -> None:
    # The settings, since the connection's method of this name refuses all but scalar types.
    connection.get_settings().set_builtin_type_codec(oid, name, schema, "scalar", "text", "text")


def _iso(text: str) -> str:
    return text.replace(" ", "T", 1)


def _dsn(options: PostgresOptions, url: str | None) -> str | None:
    if options.sslrootcert is None:
        return url
    # asyncpg takes the file from a URL only.
    url = url or "postgresql://"
    return f"{url}{'&' if '?' in url else '?'}{urlencode({'sslrootcert': options.sslrootcert})}"


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
    return f"{unquote(hosts) or query.get('host', ['localhost'])[-1]}/{database}".rstrip("/")


def _torn_url() -> ConfigError:
    return ConfigError(
        "The url is not of the form postgresql://user:password@host:port/database.",
        hint="Percent-encode user and password (@ is %40, / is %2F, # is %23), or use the separate settings.",
    )


def _refusal(error: Exception, target: str, seconds: float) -> ColonnadeError:
    """Map what a connection attempt raised, by class and code: a driver's words may repeat what it was given."""
    import asyncpg

    if isinstance(error, asyncpg.PostgresError):
        return _refused_by_server(str(error.sqlstate), target)
    if isinstance(error, ssl.SSLCertVerificationError):
        return Unreachable(
            f"Cannot reach {target}: TLS: the server's certificate was not accepted: {error.verify_message}.",
            hint="Set `sslrootcert` to the authority that signed it, and `host` to the name in it.",
        )
    # A bare ConnectionError is asyncpg's: the server answered the request for TLS with no.
    if isinstance(error, ssl.SSLError) or type(error) is ConnectionError:
        return Unreachable(
            f"Cannot reach {target}: TLS: the server does not offer it, or the handshake failed.",
            hint="Ask the server's owner which mode it takes, and set `ssl`.",
        )
    if isinstance(error, OSError):
        return Unreachable(
            f"Cannot reach {target}: {_why(error, seconds)}.",
            hint="Check host and port, and that the server runs and can be reached from here.",
        )
    return ConfigError(
        f"These settings cannot be used to connect to {target}: asyncpg raised {type(error).__name__}.",
        hint="verify-ca and verify-full need `sslrootcert`; check the url's query and the passfile too.",
    )


def _refused_by_server(sqlstate: str, target: str) -> ColonnadeError:
    match sqlstate:
        case "28P01" | "28000" | "42501":
            return AuthFailed(
                f"The server at {target} refused the login: wrong password, unknown user, or not allowed from here.",
                hint="Check `user` and `password`, the role's CONNECT privilege, and pg_hba.conf for address and TLS.",
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


def _why(error: OSError, seconds: float) -> str:
    if isinstance(error, TimeoutError):
        return f"no answer within {seconds:g} s"
    if isinstance(error, gaierror):
        return "the host name is not known"
    if isinstance(error, FileNotFoundError):
        return "no server listens on this socket"
    # Several addresses of one name come as one OSError without a number.
    if isinstance(error, ConnectionRefusedError) or f"[Errno {ECONNREFUSED}]" in str(error):
        return "connection refused"
    if isinstance(error, ConnectionError):
        return "the server closed the connection"
    return error.strerror or type(error).__name__


# Errors of statements


@contextmanager
def _watched(text: str, deadline: _Deadline, session: _Session) -> Generator[None]:
    """Bound the driver's work by the deadline, and put its errors into our words."""
    with anyio.CancelScope(deadline=deadline.ours) as limit:
        try:
            yield
        except Exception as error:  # noqa: BLE001 - a driver's exception never leaves this file
            raise _explain(error, text, deadline, lost=session.connection.is_closed()) from None
    if limit.cancelled_caught:
        raise deadline.error()


def _explain(error: Exception, text: str, deadline: _Deadline, *, lost: bool) -> ColonnadeError:
    import asyncpg

    if isinstance(error, asyncpg.PostgresError) and not lost:
        return _explain_sql(error, text, deadline)
    if isinstance(error, UnicodeError):
        return SqlError("A text of the statement or its result is not UTF-8.", hint="Select encode(column, 'hex').")
    if lost or isinstance(error, OSError):
        return ConnectionLost(
            "The connection broke while the statement ran; nothing was changed.", hint="Send it again."
        )
    if isinstance(error, (asyncpg.InterfaceError, asyncpg.InternalClientError)):
        return SqlError(f"asyncpg: {_line(error.args[0])}.", hint="Give no parameters, and cast unusual types to text.")
    return Internal(f"asyncpg failed with {type(error).__name__}.", hint="Report it with the log.")


def _explain_sql(error: "PostgresError", text: str, deadline: _Deadline) -> ColonnadeError:
    message = _line(error.args[0])
    match str(error.sqlstate):
        case "25006":
            return Denied(
                f"This connection only reads: {message}. Nothing was changed.",
                hint="Send a SELECT; for table structures use describe_tables.",
            )
        case "42501":
            return Denied(f"The login may not do this: {message}.", hint="describe_tables lists what it may read.")
        case "57014" if deadline.passed:
            return deadline.error()
        case "55P03":
            return TimedOut(
                f"Another session kept a lock for over {LOCK_SECONDS:g} s: {message}; nothing was changed.",
                hint="Try again later.",
            )
        case "57P01" | "57P02" | "57P03" | "57P05" | "25P03" | "08000" | "08003" | "08006":
            return ConnectionLost(f"The server ended the connection: {message}.", hint="Send it again.")
        case _:
            said = [_line(part) for part in (error.hint, error.detail) if part]
            return SqlError(message + _where(text, error.position), hint=" ".join(said))


def _line(text: object) -> str:
    return " ".join(str(text).split()).rstrip(".")


def _where(text: str, position: str | None) -> str:
    """Point at a position (counted from 1) as people do: line, column, and a caret below the word."""
    if position is None:
        return ""
    at = min(int(position) - 1, len(text))
    start = text.rfind("\n", 0, at) + 1
    before, after = text[start:at], text[at:].partition("\n")[0]
    word = re.match(r"\w+|\"[^\"]*\"|'[^']*'", after)
    shown = before[-60:].expandtabs(1)
    return (
        f", line {text.count(chr(10), 0, at) + 1} column {at - start + 1}:\n"
        f"  {shown}{after[:60].expandtabs(1)}\n  {' ' * len(shown)}{'^' * min(60, len(word.group()) if word else 1)}"
    )


# The catalog, from pg_catalog alone: information_schema hides foreign keys from a role that only reads.
# An expression over columns is left out while a migration locks its table, since printing it waits for the lock.

VISIBLE: Final = """
with visible as materialized (
    select c.oid, c.relname, c.relkind, c.reltuples, n.nspname, concat_ws(':', c.oid, c.xmin, n.xmin) as version,
           has_table_privilege(c.oid, 'SELECT') as whole
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p', 'v', 'm', 'f') and not c.relispartition
      and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
      and has_schema_privilege(n.oid, 'USAGE') and has_any_column_privilege(c.oid, 'SELECT')
), locked as materialized (
    select relation from pg_locks where mode = 'AccessExclusiveLock' and granted and relation is not null
)
"""
TABLES: Final = """
select v.oid, v.nspname as schema, v.relname as name, v.relkind::text as kind,
       obj_description(v.oid, 'pg_class') as comment,
       case when v.relkind = 'p' then p.rows when v.relkind <> 'v' and v.reltuples >= 0 then v.reltuples end::bigint
           as rows
from visible v left join (
    with recursive part(root, oid) as (
        select v.oid, i.inhrelid from visible v join pg_inherits i on i.inhparent = v.oid where v.relkind = 'p'
        union all select part.root, i.inhrelid from part join pg_inherits i on i.inhparent = part.oid
    )
    select part.root, sum(c.reltuples) as rows from part join pg_class c on c.oid = part.oid
    where c.relkind <> 'p' and c.reltuples >= 0 group by part.root
) p on p.root = v.oid
order by v.nspname collate "C", v.relname collate "C"
"""
COLUMNS: Final = """
select a.attrelid as oid, a.attnum as number, a.attname as name, format_type(a.atttypid, a.atttypmod) as type,
       not a.attnotnull as nullable, s.description as comment,
       case when a.attgenerated = '' then pg_get_expr(d.adbin, 0)
           when a.attrelid not in (select relation from locked) then pg_get_expr(d.adbin, d.adrelid) end as default,
       a.attidentity <> '' or a.attgenerated <> '' as generated
from visible v join pg_attribute a on a.attrelid = v.oid
left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
left join pg_description s on s.classoid = 'pg_class'::regclass and s.objoid = a.attrelid and s.objsubid = a.attnum
where a.attnum > 0 and not a.attisdropped and (v.whole or has_column_privilege(v.oid, a.attnum, 'SELECT'))
order by a.attrelid, a.attnum
"""
KEYS: Final = """
select k.conrelid as oid, k.contype::text as kind, array_to_string(k.conkey, ' ') as columns,
       k.confrelid as oid_there, array_to_string(k.confkey, ' ') as columns_there
from visible v join pg_constraint k on k.conrelid = v.oid
where k.contype in ('p', 'u', 'f')
order by k.conrelid, k.conname collate "C"
"""
INDEXES: Final = """
select i.indrelid as oid, c.relname as name, i.indisunique as unique,
       array_to_string((i.indkey::int2[])[0:i.indnkeyatts - 1], ' ') as columns,
       case when i.indexprs is not null then
           array(select pg_get_indexdef(i.indexrelid, n, true) from generate_series(1, i.indnkeyatts) n) end as texts,
       pg_get_expr(i.indpred, i.indrelid, true) as predicate
from visible v join pg_index i on i.indrelid = v.oid join pg_class c on c.oid = i.indexrelid
where i.indisvalid and not exists (
    select from pg_constraint k where k.conindid = i.indexrelid and k.conrelid = i.indrelid and k.contype <> 'f'
) and ((i.indexprs is null and i.indpred is null) or i.indrelid not in (select relation from locked))
order by i.indrelid, c.relname collate "C"
"""
# xmin changes with every DDL and GRANT, and with no INSERT or ANALYZE; what the login may see is in `visible`.
FINGERPRINT: Final = """
select md5(concat_ws('/', current_schemas(false),
    (select string_agg(v.version, ',' order by v.oid) from visible v),
    (select concat_ws(':', count(*), sum(hashtextextended(concat_ws(':', a.attrelid, a.attnum, a.xmin), 0)))
     from visible v join pg_attribute a on a.attrelid = v.oid
     where a.attnum > 0 and (v.whole or has_column_privilege(v.oid, a.attnum, 'SELECT'))),
    (select concat_ws(':', count(*), sum(hashtextextended(concat_ws(':', k.oid, k.xmin), 0)))
     from visible v join pg_constraint k on k.conrelid = v.oid),
    (select concat_ws(':', count(*), sum(hashtextextended(concat_ws(':', c.oid, c.xmin, i.xmin), 0)))
     from visible v join pg_index i on i.indrelid = v.oid join pg_class c on c.oid = i.indexrelid),
    (select concat_ws(':', count(*), sum(hashtextextended(concat_ws(':', d.objoid, d.objsubid, d.xmin), 0)))
     from visible v join pg_description d on d.classoid = 'pg_class'::regclass and d.objoid = v.oid),
    (select concat_ws(':', count(*), sum(hashtextextended(concat_ws(':', t.oid, t.xmin), 0)))
     from pg_type t where t.oid >= 16384 and t.typtype <> 'c' and t.typelem = 0)
)) as fingerprint, coalesce((current_schemas(false))[1], '') as default_schema
"""
KINDS: Final[Mapping[str, TableKind]] = {"r": "table", "p": "table", "v": "view", "m": "materialized", "f": "foreign"}


def _catalog(found: "list[list[Record]]") -> Catalog:
    tables, columns, keys, indexes, facts = found
    names: dict[int, dict[str, str]] = {row["oid"]: {} for row in tables}
    for row in columns:
        names[row["oid"]][str(row["number"])] = row["name"]
    places = {row["oid"]: (row["schema"], row["name"]) for row in tables}
    columns_of = _by_table(columns)
    keys_of = _by_table(keys)
    indexes_of = _by_table(indexes)
    return Catalog(
        tables=tuple(
            Table(
                schema=row["schema"],
                name=row["name"],
                kind=KINDS[row["kind"]],
                comment=row["comment"],
                rows=row["rows"],
                columns=tuple(_column(found) for found in columns_of.get(row["oid"], ())),
                primary_key=next(iter(_keys("p", keys_of.get(row["oid"], ()), names)), ()),
                foreign_keys=tuple(_foreign_keys(keys_of.get(row["oid"], ()), names, places)),
                unique=tuple(_keys("u", keys_of.get(row["oid"], ()), names)),
                indexes=tuple(_indexes(indexes_of.get(row["oid"], ()), names)),
            )
            for row in tables
        ),
        fingerprint=facts[0]["fingerprint"],
        read_at=time(),
        default_schema=facts[0]["default_schema"],
    )


def _by_table(rows: "Iterable[Record]") -> "dict[int, list[Record]]":
    found: dict[int, list[Record]] = {}
    for row in rows:
        found.setdefault(row["oid"], []).append(row)
    return found


def _column(row: "Record") -> Column:
    return Column(row["name"], row["type"], row["nullable"], row["default"], row["comment"], row["generated"])


def _named(numbers: str, names: Mapping[str, str]) -> tuple[str, ...]:
    """Name columns; nothing if the login may not see one of them."""
    found = tuple(names.get(number, "") for number in numbers.split())
    return found if all(found) else ()


def _keys(kind: str, keys: "Iterable[Record]", names: Mapping[int, Mapping[str, str]]) -> Iterable[tuple[str, ...]]:
    found = (_named(row["columns"], names[row["oid"]]) for row in keys if row["kind"] == kind)
    return filter(None, found)


def _foreign_keys(
    keys: "Iterable[Record]", names: Mapping[int, Mapping[str, str]], places: Mapping[int, tuple[str, str]]
) -> Iterable[ForeignKey]:
    for row in keys:
        if row["kind"] == "f" and row["oid_there"] in places:
            columns = _named(row["columns"], names[row["oid"]])
            there = _named(row["columns_there"], names[row["oid_there"]])
            if columns and there:
                yield ForeignKey(columns, *places[row["oid_there"]], there)


def _indexes(indexes: "Iterable[Record]", names: Mapping[int, Mapping[str, str]]) -> Iterable[Index]:
    for row in indexes:
        columns = tuple(row["texts"] or _named(row["columns"], names[row["oid"]]))
        if columns:
            predicate = (f"where {row['predicate']}",) if row["predicate"] else ()
            yield Index(row["name"], columns + predicate, row["unique"])


ENGINE: Engine[PostgresOptions] = Postgres()
