"""Running statements: each submitted on its own, known by its query id, and rolled back in the end."""

import asyncio
import math
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any, Final, TypeVar

import anyio
import anyio.to_thread

from ...errors import ColonnadeError, ConnectionLost, SqlError, TimedOut
from ...model import Catalog, Judged, Limits, Login, ResultColumn, ServerInfo
from ..base import Cursor
from ..base.deadline import Deadline
from ..base.sessions import HURRY, PATIENCE, Sessions
from .catalog import SHOWN, Found, Rows, catalog_of, fingerprint_of, instead, show
from .login import SESSION, Roles, login_of
from .opening import Connect, Leaving
from .statements import watched
from .values import cursor_of, result_column

if TYPE_CHECKING:
    from snowflake.connector.aio import SnowflakeConnection, SnowflakeCursor

T = TypeVar("T")

BATCH: Final = 1_000
SHORTEST_PAUSE: Final = 0.01
LONGEST_PAUSE: Final = 0.5
"""Between two questions whether a statement has ended, in seconds; the pauses grow from the one to the other."""
LEAVING: Final = 2 * PATIENCE
"""How long sessions may take to abort what they run and to log out, in seconds."""


class SnowflakeClient:
    """Sessions of one account, opened as statements need them and kept for the next."""

    def __init__(
        self, connect: Connect, first: "SnowflakeConnection", limits: Limits, leaving: set[asyncio.Task[None]]
    ) -> None:
        self._leaving = leaving
        self._closed = False

        async def session() -> Session:
            return Session(await connect(), leaving)

        self._limits = limits
        self._database = first.database
        self._schema = first.schema or ""
        self._sessions = Sessions(session, Session(first, leaving), limits)

    @asynccontextmanager
    async def run(self, statement: Judged, *, rows: int, seconds: float) -> AsyncGenerator[Cursor]:
        deadline = Deadline(seconds)
        async with self._lend(statement.text, deadline, rows + 1) as session:
            cursor = Reading(session, deadline, rows + 1)
            await cursor.start()
            yield cursor

    async def catalog(self) -> Catalog:
        found = await self._read()
        # Thousands of tables take a while to build, during which the other connections are to answer.
        return await anyio.to_thread.run_sync(catalog_of, found)

    async def fingerprint(self) -> str:
        return await anyio.to_thread.run_sync(fingerprint_of, await self._read())

    async def ping(self) -> ServerInfo:
        async with self._asking("select current_version() as version") as (_, first):
            return ServerInfo(version=f"Snowflake {first[0]['VERSION']}")

    async def login(self) -> Login:
        async with self._asking(SESSION) as (ask, (facts,)):
            roles = Roles(facts)
            while (text := roles.next()) is not None:
                roles.add(await ask(text))
        return login_of(facts, roles)

    async def close(self) -> None:
        self._closed = True
        await self._sessions.close()
        with anyio.move_on_after(LEAVING, shield=True):
            while self._leaving:
                await asyncio.wait(self._leaving)

    async def _read(self) -> Found:
        database = self._database
        if database is None:
            raise SqlError("The session has no database to describe.", hint="Set `database` of the connection.")
        first, *others = SHOWN
        async with self._asking(show(first, database)) as (ask, rows):
            found = {first: rows, **{what: await ask(show(what, database)) for what in others}}
            for what, told in list(found.items()):
                if (text := instead(what, told, database)) is not None:
                    found[what] = await ask(text)
        return Found(found, self._schema)

    @asynccontextmanager
    async def _asking(self, first: str) -> AsyncGenerator[tuple[Callable[[str], Awaitable[Rows]], Rows]]:
        """Run queries of our own on one session, the first of them to see whether it still lives."""
        deadline = Deadline(self._limits.max_seconds)
        rows: Rows = ()

        async def begin(session: Session) -> None:
            nonlocal rows
            rows = await session.ask(first, deadline)

        async with self._sessions.lend(begin) as session:
            yield lambda text: session.ask(text, deadline), rows

    def _lend(self, text: str, deadline: Deadline, rows: int) -> "AbstractAsyncContextManager[Session]":
        """Lend a session on which the statement was submitted: its first word, which tells whether it still lives."""

        async def submit(session: Session) -> None:
            try:
                await session.submit(text, deadline, rows)
                if self._closed:  # meanwhile, when this session was not yet among those to terminate
                    raise _closed()
            except (anyio.get_cancelled_exc_class(), TimedOut, ConnectionLost):
                with anyio.CancelScope(shield=True):
                    await session.end(HURRY)
                raise

        return self._sessions.lend(submit)


class Session:
    """A session and the one statement on it."""

    def __init__(self, connection: "SnowflakeConnection", leaving: Leaving) -> None:
        self.connection = connection
        self.cursor: SnowflakeCursor = cursor_of(connection)
        self._leaving = leaving
        self._query: str | None = None
        """Id of the statement for as long as it may be running."""
        self._call: asyncio.Task[Any] | None = None
        """What the driver is doing: never cancelled by a caller who gives up, but ended on the server."""
        self._failure: ColonnadeError | None = None
        self._stopping = asyncio.Event()
        self._gone = False

    async def submit(self, text: str, deadline: Deadline, rows: int) -> None:
        """Submit a statement. Raises ConnectionLost, TimedOut; what else is wrong is raised by `wait`."""
        parameters = {
            "STATEMENT_TIMEOUT_IN_SECONDS": max(1, math.ceil(deadline.seconds)),
            "MULTI_STATEMENT_COUNT": 1,
            "ROWS_PER_RESULTSET": rows,
        }
        self._failure = self._query = None
        self._stopping.clear()
        try:
            with watched(deadline):
                await self.do(self._submit(text, parameters))
        except (ConnectionLost, TimedOut):
            raise
        except ColonnadeError as error:
            self._failure = error

    async def _submit(self, text: str, parameters: dict[str, Any]) -> None:
        from snowflake.connector.errors import InternalError

        try:
            answer = await self.cursor.execute_async(text, _statement_params=parameters)
        except InternalError:
            # So the driver tells that the answer held no query id: the server did not know the session.
            raise ConnectionLost("The server did not take the statement.", hint="Send it again.") from None
        self._query = answer["queryId"]

    async def wait(self, deadline: Deadline) -> None:
        """Wait for the result."""
        if self._failure is not None:
            raise self._failure
        with watched(deadline):
            await self.do(self._wait())

    async def _wait(self) -> None:
        """Ask how the statement is until it has ended, then for its result: asked before, that would be empty."""
        query, pause = self._query or "", SHORTEST_PAUSE
        while await self._runs(query):
            if self._stopping.is_set():
                await asyncio.sleep(SHORTEST_PAUSE)
                continue
            with anyio.move_on_after(pause):
                await self._stopping.wait()
            pause = min(LONGEST_PAUSE, pause * 1.5)
        # Only here: when the question failed, the statement may well be running.
        self._query = None
        if self._stopping.is_set():
            raise _closed()
        await self.cursor.query_result(query)

    async def _runs(self, query: str) -> bool:
        from snowflake.connector import QueryStatus

        status = await self.connection.get_query_status(query)
        return self.connection.is_still_running(status) or status is QueryStatus.ABORTING

    async def do(self, work: Coroutine[Any, Any, T]) -> T:
        """Let the driver work to the end, whatever becomes of the caller. Raises ConnectionLost after `terminate`."""
        call = self._call = asyncio.ensure_future(work)
        try:
            return await asyncio.shield(call)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if call.cancelled() and not (task is not None and task.cancelling()):
                raise _closed() from None  # the work was given up, not the caller
            raise

    async def ask(self, text: str, deadline: Deadline) -> Rows:
        """Run a short query of our own and read it whole."""
        with watched(deadline):
            await self.do(self.cursor.execute(text))
            names = [column.name for column in self.cursor.description or ()]
            found: list[tuple[Any, ...]] = await self.do(self.cursor.fetchall())
        return [dict(zip(names, row, strict=True)) for row in found]

    @property
    def alive(self) -> bool:
        return not self._gone

    async def end(self, patience: float) -> None:
        clean = False
        try:
            if self.alive:
                with anyio.move_on_after(patience), suppress(Exception):
                    await self._stop()
                    await self.connection.rollback()
                    clean = True
        finally:
            if not clean:
                self.terminate()

    async def _stop(self) -> None:
        """Abort the statement, and wait until the driver's call, which only its end on the server ends, has ended."""
        self._stopping.set()
        call = self._call
        if call is not None and not call.done() and self._query is None:
            await asyncio.wait({call})  # the submission, which is answered at once, or rows on their way
        if self._query is not None:
            if call is None or call.done():
                call = self._call = asyncio.ensure_future(self._wait())
            await self.cursor.abort_query(self._query)
        if call is not None:
            await asyncio.wait({call})
            if not call.cancelled():
                call.exception()

    async def close(self) -> None:
        self._gone = True
        await self.connection.close(retry=False)

    def terminate(self) -> None:
        """Abort what the session runs and log out; nobody waits for it but the client's `close`."""
        if not self._gone:
            self._gone = True
            task = asyncio.ensure_future(self._leave())
            self._leaving.add(task)
            task.add_done_callback(self._leaving.discard)

    async def _leave(self) -> None:
        # A server need not abort at a logout what was submitted to run on its own.
        with anyio.move_on_after(PATIENCE), suppress(Exception):
            await self._stop()
        with suppress(Exception):
            await self.connection.close(retry=False)
        if self._call is not None:
            self._call.cancel()
            await asyncio.wait({self._call}, timeout=HURRY)


class Reading:
    """The rows of one statement, at most so many."""

    def __init__(self, session: Session, deadline: Deadline, most: int) -> None:
        self._session = session
        self._deadline = deadline
        self._left = most
        self.columns: tuple[ResultColumn, ...] = ()

    async def start(self) -> None:
        await self._session.wait(self._deadline)
        self.columns = tuple(map(result_column, self._session.cursor.description or ()))

    async def batches(self) -> AsyncIterator[list[tuple[object, ...]]]:
        while self.columns and self._left > 0:
            size = min(BATCH, self._left)
            with watched(self._deadline):
                batch: list[tuple[object, ...]] = await self._session.do(self._session.cursor.fetchmany(size))
            if not batch:
                return
            self._left -= len(batch)
            yield batch


def _closed() -> ConnectionLost:
    return ConnectionLost("The connection was closed.", hint="Send it again.")
