"""Running statements: each in a read-only transaction of its own, on connections kept for the next."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import Any, Final, TypeVar, cast

import anyio
import anyio.to_thread

from ...model import Catalog, Judged, Limits, Login, ResultColumn, ServerInfo
from ..base import Cursor
from ..base.deadline import Deadline
from ..base.sessions import Sessions
from .catalog import COLUMNS, FINGERPRINT, INDEXES, KEYS, TABLES, catalog_of, fingerprint_of
from .driver import DriverConnection, DriverCursor, Info, Row
from .login import FACTS, PRIVILEGES, ROLES, SCHEMAS, login_of
from .statements import broken, check_query, watched
from .values import as_stored, check_readable, result_column

BATCH: Final = 1_000
BEGIN: Final = "SET TRANSACTION READ ONLY"
FAREWELL: Final = 0.1
"""How long each step of dropping a connection waits for the network, in seconds."""

T = TypeVar("T")


class OracleClient:
    """Connections to one database, opened as statements need them and kept for the next."""

    def __init__(
        self, connect: Callable[[], Awaitable[DriverConnection]], first: DriverConnection, limits: Limits
    ) -> None:
        self._burials: set[asyncio.Task[None]] = set()

        async def session() -> Session:
            return Session(await connect(), self._burials)

        self._limits = limits
        self._sessions = Sessions(session, Session(first, self._burials), limits)

    @asynccontextmanager
    async def run(self, statement: Judged, *, rows: int, seconds: float) -> AsyncGenerator[Cursor]:
        check_query(statement.text)
        async with self._transaction(seconds) as session:
            cursor = OracleCursor(session, statement.text, Deadline(seconds), rows)
            await cursor.start()
            yield cursor

    async def catalog(self) -> Catalog:
        async with self._reading() as read:
            found = [await read(sql) for sql in (TABLES, COLUMNS, KEYS, INDEXES, FINGERPRINT)]
        # Thousands of tables take a while to build, during which the other connections are to answer.
        return await anyio.to_thread.run_sync(catalog_of, found)

    async def fingerprint(self) -> str:
        async with self._reading() as read:
            return fingerprint_of(await read(FINGERPRINT))

    async def ping(self) -> ServerInfo:
        async with self._transaction(self._limits.max_seconds) as session:
            return ServerInfo(version=f"Oracle Database {session.connection.version}")

    async def login(self) -> Login:
        async with self._reading() as read:
            return login_of(await read(PRIVILEGES), await read(ROLES), await read(FACTS), await read(SCHEMAS))

    async def close(self) -> None:
        await self._sessions.close()
        with anyio.move_on_after(10 * FAREWELL, shield=True):
            while self._burials:
                await asyncio.wait(self._burials)

    @asynccontextmanager
    async def _reading(self) -> AsyncGenerator[Callable[[str], Awaitable[list[Row]]]]:
        """Read our own queries from one snapshot: a read-only transaction is one."""
        seconds = self._limits.max_seconds
        deadline = Deadline(seconds)
        async with self._transaction(seconds) as session:

            async def read(sql: str) -> list[Row]:
                with watched(sql, deadline, session):
                    cursor = session.cursor(BATCH)
                    await session.call(cursor.execute(sql), deadline)
                    return await session.call(cursor.fetchall(), deadline)

            yield read

    def _transaction(self, seconds: float) -> "AbstractAsyncContextManager[Session]":
        """Lend a connection inside a transaction; it is rolled back in any case, or the connection given up."""

        async def start(session: Session) -> None:
            deadline = Deadline(min(seconds, self._limits.connect))
            with watched(BEGIN, deadline, session):
                await session.call(session.cursor(1).execute(BEGIN), deadline)

        return self._sessions.lend(start)


class Session:
    """A driver connection.

    The driver's protocol does not survive a cancellation in the middle of an answer: each of its calls runs in a task
    of its own, which a cancelled caller leaves running until `end` has stopped the statement in the database.
    """

    def __init__(self, connection: DriverConnection, burials: set[asyncio.Task[None]]) -> None:
        self.connection = connection
        self._burials = burials
        self._running: asyncio.Task[Any] | None = None
        self._cursor: DriverCursor | None = None
        self._dropped = False

    @property
    def alive(self) -> bool:
        return not self._dropped and self.connection.is_healthy()

    def cursor(self, rows: int) -> DriverCursor:
        """Make the session's one cursor, whose answers hold up to so many rows."""
        self._forget_cursor()
        self._cursor = cursor = self.connection.cursor()
        cursor.prefetchrows = cursor.arraysize = rows
        return cursor

    async def call(self, work: Coroutine[Any, Any, T], deadline: Deadline | None = None) -> T:
        """Run a call of the driver, which the server is to break off at the deadline."""
        if not self.alive:
            work.close()
            raise broken()  # on a closed transport the setter below is not safe
        left = 0 if deadline is None else max(0.001, deadline.server - anyio.current_time())
        self.connection.call_timeout = round(left * 1_000)
        self._running = task = asyncio.ensure_future(work)
        await asyncio.wait({task})
        self._running = None
        return task.result()

    async def end(self, patience: float) -> None:
        clean = False
        try:
            with anyio.move_on_after(patience), suppress(Exception):
                await self._stop()
                self._forget_cursor()
                await self.call(self.connection.rollback())
                clean = True
        finally:
            if not clean:
                self.terminate()

    async def close(self) -> None:
        await self.call(self.connection.close())

    def terminate(self) -> None:
        if not self._dropped:
            self._dropped = True
            burial = asyncio.ensure_future(self._bury())
            self._burials.add(burial)
            burial.add_done_callback(self._burials.discard)

    async def _stop(self) -> None:
        """Break off what is still running in the database, and see that the connection answers."""
        task = self._running
        if task is None:
            return
        # A break that overtakes its statement would be lost: the driver takes a turn or two to send it.
        await asyncio.wait({task}, timeout=0.01)
        if not task.done() and self.alive:
            self.connection.cancel()
            await asyncio.wait({task})
        self._running = None
        task.exception()
        await self.call(self.connection.ping())

    def _forget_cursor(self) -> None:
        if self._cursor is not None:
            with suppress(Exception):
                self._cursor.close()
            self._cursor = None

    async def _bury(self) -> None:
        """Close the socket: the driver's only way is a goodbye, so that one is given next to no time."""
        task, self._running = self._running, None
        if task is not None:
            for _ in range(3):  # its first answer to a cancellation is to wait for the server
                task.cancel()
                await asyncio.wait({task}, timeout=FAREWELL)
                if task.done():
                    break
            if task.done() and not task.cancelled():
                task.exception()  # or asyncio complains that nobody asked
        with suppress(Exception):
            if self.connection.is_healthy():
                self.connection.call_timeout = round(FAREWELL * 1_000)
            await self.connection.close()


class OracleCursor:
    """One statement; its first rows are read when it starts, so that its errors come at once."""

    def __init__(self, session: Session, text: str, deadline: Deadline, rows: int) -> None:
        self._session = session
        self._text = text
        self._deadline = deadline
        self._left = rows + 1
        self._rows: list[Row] = []
        self._described: list[ResultColumn] = []
        self._cursor: DriverCursor | None = None
        self.columns: tuple[ResultColumn, ...] = ()

    async def start(self) -> None:
        with watched(self._text, self._deadline, self._session):
            self._cursor = cursor = self._session.cursor(min(BATCH, self._left))
            cursor.outputtypehandler = self._describe
            # Per statement: the driver's defaults belong to the whole process.
            execute = cursor.execute(self._text, fetch_lobs=False, fetch_decimals=True)
            await self._session.call(execute, self._deadline)
            found = cursor.description or []
            check_readable(found)
            # Told again before each repetition of a describe; afterwards a CLOB calls itself a LONG.
            self.columns = tuple(self._described[-len(found) :] if found else ())
            await self._fetch()

    async def batches(self) -> AsyncIterator[list[Row]]:
        while self._rows:
            self._left -= len(self._rows)
            yield self._rows
            if self._left <= 0:
                return
            with watched(self._text, self._deadline, self._session):
                await self._fetch()

    def _describe(self, cursor: DriverCursor, info: Info) -> object:
        self._described.append(result_column(info))
        return as_stored(cursor, info)

    async def _fetch(self) -> None:
        cursor = cast("DriverCursor", self._cursor)
        most = min(BATCH, self._left)
        cursor.arraysize = most
        self._rows = await self._session.call(cursor.fetchmany(most), self._deadline)
