"""Running statements: each in a read-only transaction of its own, on connections kept for the next."""

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Final, cast

import anyio
import anyio.to_thread

from ...errors import ConnectionLost, TimedOut
from ...model import Catalog, Judged, Limits, ResultColumn, ServerInfo
from ..base import Cursor
from .catalog import COLUMNS, FINGERPRINT, INDEXES, KEYS, TABLES, VISIBLE, catalog_of
from .statements import Deadline, watched
from .values import result_column

if TYPE_CHECKING:
    from asyncpg import Connection, Record
    from asyncpg.prepared_stmt import PreparedStatement


BATCH: Final = 1_000
STATEMENTS: Final = 100
LONGEST_KEPT: Final = 16_384


PATIENCE: Final = 2.0
HURRY: Final = 0.5
"""How long a rollback may take: after an ordinary end, and after a cancellation or a deadline."""

READING: Final = frozenset({"SELECT", "SHOW", "EXPLAIN"})
"""Command tags that leave a session as it was; after any other (PREPARE, DEALLOCATE, …) it is not used again."""

ROLLBACK: Final = "ROLLBACK; SELECT pg_catalog.pg_advisory_unlock_all()"
"""All that outlives a read-only transaction is an advisory lock."""


class PostgresClient:
    """Connections to one database, opened as statements need them and kept for the next."""

    def __init__(
        self, connect: "Callable[[], Awaitable[Connection[Record]]]", first: "Session", limits: Limits
    ) -> None:
        self._connect = connect
        self._limits = limits
        self._places = anyio.Semaphore(limits.concurrent, fast_acquire=True)
        self._idle = [first]
        self._used: set[Session] = set()
        self._closed = False

    @asynccontextmanager
    async def run(self, statement: Judged, *, rows: int, seconds: float) -> AsyncGenerator[Cursor]:
        begin = _begin("READ ONLY", seconds)
        async with self._transaction(begin, seconds) as session:
            cursor = PostgresCursor(session, statement.text, Deadline(seconds), rows)
            await cursor.start(begin)
            yield cursor

    async def catalog(self) -> Catalog:
        async with self._reading() as read:
            found = [await read(VISIBLE + sql) for sql in (TABLES, COLUMNS, KEYS, INDEXES, FINGERPRINT)]
        # Thousands of tables take a while to build, during which the other connections are to answer.
        return await anyio.to_thread.run_sync(catalog_of, found)

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
        deadline = Deadline(seconds)
        async with self._transaction(_begin("ISOLATION LEVEL REPEATABLE READ, READ ONLY", seconds), seconds) as session:

            async def read(sql: str) -> "list[Record]":
                with watched(sql, deadline, session.connection):
                    return await session.connection.fetch(sql)

            yield read

    @asynccontextmanager
    async def _transaction(self, begin: str, seconds: float) -> "AsyncGenerator[Session]":
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

    async def _begun(self, begin: str, seconds: float) -> "Session":
        """Begin on a kept connection, or on a new one if the kept ones turn out to be dead."""
        while not self._closed:
            kept = bool(self._idle)
            session = self._idle.pop() if kept else Session(await self._connect())
            begun = False
            try:
                with watched(begin, Deadline(seconds), session.connection):
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


class Session:
    """A driver connection and the statements prepared on it."""

    def __init__(self, connection: "Connection[Record]") -> None:
        self.connection = connection
        self.spoilt = False
        self._prepared: dict[str, tuple[PreparedStatement[Record], tuple[ResultColumn, ...]]] = {}

    async def prepare(self, text: str) -> "tuple[PreparedStatement[Record], tuple[ResultColumn, ...]]":
        prepared = self._prepared.pop(text, None)
        if prepared is None:
            statement = await self.connection.prepare(text)
            prepared = statement, tuple(map(result_column, statement.get_attributes()))
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

    def __init__(self, session: Session, text: str, deadline: Deadline, rows: int) -> None:
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

        with watched(self._text, self._deadline, self._session.connection):
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
            with watched(self._text, self._deadline, self._session.connection):
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
