"""Running statements: each on a connection of its own, in a thread, read batch by batch."""

import threading
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from time import monotonic
from typing import TYPE_CHECKING, Final, TypeVar

import anyio
import anyio.to_thread
from anyio.lowlevel import checkpoint

from ...errors import ColonnadeError, ConnectionLost, SqlError, Unsupported
from ...model import Catalog, Judged, Limits, Login, ResultColumn, ServerInfo
from ..base import Cursor
from ..base.deadline import Deadline
from ..base.threads import in_thread
from .arrow import Stream
from .catalog import read_catalog, read_fingerprint
from .file import File
from .options import DuckdbOptions
from .statements import admit, explain, is_fatal
from .values import Form, form_of

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection
    from duckdb.sqltypes import DuckDBPyType

T = TypeVar("T")
U = TypeVar("U")

BATCH: Final = 1_000
AHEAD: Final = 0.005
"""Seconds to spend on rows that nobody has asked for yet."""
LONGEST_TYPE: Final = 200


class DuckdbClient:
    """Statements on one file, which other clients may use too."""

    def __init__(self, file: File, options: DuckdbOptions, limits: Limits) -> None:
        self._file = file
        self._options = options
        self._limits = limits
        self._places = anyio.Semaphore(limits.concurrent, fast_acquire=True)
        self._running: set[Session] = set()
        self._closed = False

    @asynccontextmanager
    async def run(self, statement: Judged, *, rows: int, seconds: float) -> AsyncGenerator[Cursor]:
        async with self._session(seconds) as session:
            cursor = DuckdbCursor(session, rows)
            try:
                await cursor.start(statement.text)
                yield cursor
            finally:
                cursor.close()

    async def catalog(self) -> Catalog:
        async with self._session(self._limits.max_seconds) as session:
            return await session.work(read_catalog)

    async def fingerprint(self) -> str:
        async with self._session(self._limits.max_seconds) as session:
            return await session.work(read_fingerprint)

    async def ping(self) -> ServerInfo:
        async with self._session(self._limits.connect) as session:
            version = await session.work(lambda connection: connection.execute("select version()").fetchall())
        return ServerInfo(version=f"DuckDB {str(version[0][0]).removeprefix('v')}")

    async def login(self) -> Login:
        """Say that there is none: the file is open read-only, whoever owns it."""
        await checkpoint()
        return Login("")

    async def close(self) -> None:
        self._closed = True
        for session in self._running:
            session.interrupt()
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(self._file.release)

    @asynccontextmanager
    async def _session(self, seconds: float) -> "AsyncGenerator[Session]":
        """Lend a connection: a transaction, temporary tables and settings that nobody else sees, and that end here."""
        async with self._places:
            if self._closed:
                raise ConnectionLost("The connection was closed.", hint="Send it again.")
            session = Session(self._file, self._options, Deadline(seconds), lambda: self._closed)
            self._running.add(session)
            try:
                yield session
            finally:
                self._running.discard(session)
                session.leave()


class Session:
    """One connection to the file, for one statement; opened by the first work on it, since opening may block."""

    def __init__(self, file: File, options: DuckdbOptions, deadline: Deadline, closed: Callable[[], bool]) -> None:
        self._file = file
        self._options = options
        self._deadline = deadline
        self._closed = closed
        self._connection: DuckDBPyConnection | None = None
        self._given_up = threading.Event()
        self._broken = False

    async def work(self, work: "Callable[[DuckDBPyConnection], T]") -> T:
        """Do what blocks; raises what it means for the caller."""

        def connected() -> T:
            if self._connection is None:
                self._connection = self._file.enter(self._options, self._given_up)
            return work(self._connection)

        try:
            return await in_thread(connected, interrupt=self.interrupt, deadline=self._deadline)
        except ColonnadeError:
            raise
        except Exception as error:  # noqa: BLE001 - a driver's exception never leaves this folder
            self._broken = self._broken or is_fatal(error)
            raise explain(error, closed=self._closed()) from None

    def interrupt(self) -> None:
        self._given_up.set()
        if self._connection is not None:
            with suppress(Exception):
                self._connection.interrupt()

    def leave(self) -> None:
        if self._connection is not None:
            idle = 0.0 if self._closed() else self._options.idle_seconds
            self._file.leave(self._connection, idle, broken=self._broken)


class DuckdbCursor:
    """One statement; its first rows are read when it starts, so that its errors come at once."""

    def __init__(self, session: Session, rows: int) -> None:
        self._session = session
        self._left = rows + 1
        self._stream: Stream | None = None
        self._forms: list[Form] = []
        self._first: list[tuple[object, ...]] = []
        self.columns: tuple[ResultColumn, ...] = ()

    async def start(self, text: str) -> None:
        def work(connection: "DuckDBPyConnection") -> None:
            admit(connection, text)
            # Of the driver's ways to hand a result over this is the only one that is exact and does not wait for
            # more rows than it is asked for. The text runs as it is.
            result = connection._submit(text, None, "stream", min(BATCH, self._left))  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] - see above
            described = result.description
            self._stream = Stream(result.arrow_capsule())
            self._forms = [
                _exactly(form_of, field, name) for field, (name, *_) in zip(self._stream.fields, described, strict=True)
            ]
            self.columns = tuple(
                ResultColumn(name, _type_name(kind), form.codec)
                for (name, kind, *_), form in zip(described, self._forms, strict=True)
            )
            self._first = self._fetch()

        await self._session.work(work)

    async def batches(self) -> AsyncIterator[list[tuple[object, ...]]]:
        rows = self._first
        while rows:
            self._left -= len(rows)
            for start in range(0, len(rows), BATCH):
                yield rows[start : start + BATCH]
            if self._left <= 0 or self._stream is None:
                return
            rows = await self._session.work(lambda _: self._fetch(AHEAD))

    def close(self) -> None:
        # Freeing the stream ends the statement.
        self._stream = None

    def _fetch(self, seconds: float = 0) -> list[tuple[object, ...]]:
        """Read at least a batch, and while that takes no time a few more: each way into a thread has its price."""
        rows: list[tuple[object, ...]] = []
        begun = monotonic()
        while self._stream is not None and len(rows) < self._left:
            batch = self._stream.next()
            if batch is None:
                self._stream = None
                break
            with batch as arrays:
                read = [
                    _exactly(form.read, array, column.name)
                    for form, array, column in zip(self._forms, arrays, self.columns, strict=True)
                ]
            rows += zip(*read, strict=True)
            # A batch that is not full is the last one, which the stream says without any work.
            if batch.length >= BATCH and monotonic() - begun >= seconds:
                break
        return rows[: self._left]


def _exactly(read: Callable[[U], T], what: U, column: str) -> T:
    try:
        return read(what)
    except Unsupported as error:
        raise SqlError(
            f"The column {column} holds a value of the kind {error.what}, which cannot be read exactly.",
            hint=f'Select cast("{column}" as varchar) instead.',
        ) from None


def _type_name(kind: "DuckDBPyType") -> str:
    """Name a type; one that lists thousands of words or fields, by its kind."""
    name = str(kind)
    return name if len(name) <= LONGEST_TYPE else kind.id.upper()
