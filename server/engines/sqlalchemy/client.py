"""Running statements: each in a transaction of its own that is rolled back, on connections kept for the next.

A driver is cancelled in a task of its own and once, as asyncio does it: its cleanup, and SQLAlchemy's, have to wait for
the server, which a cancelled scope would not let them do.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass
from inspect import iscoroutine
from typing import TYPE_CHECKING, Any, Final, TypeVar

import anyio
import anyio.to_thread

from ...errors import ColonnadeError
from ...model import Catalog, Judged, Limits, Login, ResultColumn, ServerInfo
from ..base import Cursor
from ..base.deadline import Deadline
from ..base.logins import WRITABLE, login_by
from ..base.sessions import HURRY, PATIENCE, Sessions
from ..base.single import refuse_several
from .catalog import catalog_of, reflect
from .statements import explain
from .values import result_column

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection, CursorResult
    from sqlalchemy.ext.asyncio import AsyncConnection

T = TypeVar("T")

BATCH: Final = 1_000
RAW: Final = {"no_parameters": True}
"""The text goes to the driver alone: next to parameters, even none, drivers look for % and : in it."""
STREAMED: Final = {**RAW, "stream_results": True, "max_row_buffer": BATCH}

READ_ONLY_SESSIONS: Final = (
    "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY",
    "SET SESSION TRANSACTION READ ONLY",
)
READ_ONLY_TRANSACTION: Final = "SET TRANSACTION READ ONLY"
TRANSACTION: Final = "BEGIN TRANSACTION"
"""For drivers that begin a transaction only before what they take for a write."""

WAYS_TO_STOP: Final = ("interrupt", "cancel_safe", "cancel")
"""What drivers call it, on their connections, to end the running statement."""


@dataclass(frozen=True, slots=True)
class Manners:
    """What a database takes, found out by trying."""

    session: str | None
    """Makes a session read-only."""
    begin: str
    """The first word of a transaction; read-only where that is understood."""
    several: bool
    """Whether the driver lets several statements pass as one text."""


def learn(connection: "Connection") -> Manners:
    """Try what the SQL standard says, and what else is common; nothing of it stays."""
    from sqlalchemy import select
    from sqlalchemy.exc import DBAPIError

    def takes(sql: str) -> bool:
        try:
            connection.exec_driver_sql(sql, execution_options=RAW).close()
        except DBAPIError as error:
            if error.connection_invalidated:
                raise
            return False
        finally:
            if not connection.invalidated:
                connection.rollback()
        return True

    one = str(select(1).compile(dialect=connection.dialect))
    return Manners(
        session=next(filter(takes, READ_ONLY_SESSIONS), None),
        begin=next(filter(takes, (READ_ONLY_TRANSACTION, TRANSACTION)), one),
        several=takes(f"{one}; {one}"),
    )


def alone(work: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":
    """Start something in a task of its own, whose failure may go unheard: the caller may have left."""
    task = asyncio.ensure_future(work)
    task.add_done_callback(lambda done: done.cancelled() or done.exception())
    return task


class AlchemyClient:
    """Connections to one database, opened as statements need them and kept for the next."""

    def __init__(self, connect: "Callable[[], Awaitable[Session]]", first: "Session", limits: Limits) -> None:
        self._limits = limits
        self._version = first.version
        self._several = first.manners.several
        self._leaving = first.leaving
        self._sessions = Sessions(connect, first, limits)

    @asynccontextmanager
    async def run(self, statement: Judged, *, rows: int, seconds: float) -> AsyncGenerator[Cursor]:
        if self._several:
            refuse_several(statement.text)
        async with self._transaction(seconds) as session:
            cursor = AlchemyCursor(session, statement.text, Deadline(seconds), rows)
            await cursor.start()
            yield cursor

    async def catalog(self) -> Catalog:
        seconds = self._limits.max_seconds
        async with self._transaction(seconds) as session:
            reflected = await session.obey(reflect, Deadline(seconds))
        # Thousands of tables take a while to build, during which the other connections are to answer.
        return await anyio.to_thread.run_sync(catalog_of, reflected)

    async def fingerprint(self) -> str:
        """Hash the whole schema: no cheaper way is common to all, so this costs as much as the catalog."""
        return (await self.catalog()).fingerprint

    async def ping(self) -> ServerInfo:
        async with self._transaction(self._limits.connect):
            return ServerInfo(version=self._version)

    async def login(self) -> Login:
        seconds = self._limits.max_seconds
        async with self._transaction(seconds) as session:
            return await session.obey(_login, Deadline(seconds))

    async def close(self) -> None:
        await self._sessions.close()
        if self._leaving:
            # A driver's thread must not answer to an event loop that is gone.
            with anyio.CancelScope(shield=True):
                await asyncio.wait(self._leaving, timeout=PATIENCE)

    def _transaction(self, seconds: float) -> "AbstractAsyncContextManager[Session]":
        async def start(session: Session) -> None:
            await session.obey(session.begin, Deadline(min(seconds, self._limits.connect)))

        return self._sessions.lend(start)


def _login(connection: "Connection") -> Login:
    from sqlalchemy.exc import DBAPIError

    try:
        writable = connection.exec_driver_sql(WRITABLE, execution_options=RAW).scalar()
    except DBAPIError as error:
        if error.connection_invalidated:
            raise
        writable = 0
    return login_by(connection.engine.url.username or "", int(writable or 0))


class Session:
    """A connection of SQLAlchemy's."""

    def __init__(
        self,
        connection: "AsyncConnection",
        driver: Any,  # noqa: ANN401 - a driver's
        manners: Manners,
        leaving: "set[asyncio.Task[None]]",
    ) -> None:
        self.manners = manners
        self.leaving = leaving
        """Dropped connections of this database whose drivers take their time."""
        self.result: CursorResult[Any] | None = None
        """What has not been read to its end."""
        self._connection = connection
        self._driver = driver
        self._task: asyncio.Task[Any] | None = None

    @property
    def version(self) -> str:
        dialect = self._connection.dialect
        return " ".join((dialect.name, ".".join(map(str, dialect.server_version_info or ())))).rstrip()

    def begin(self, connection: "Connection") -> None:
        connection.exec_driver_sql(self.manners.begin, execution_options=RAW).close()

    async def obey(self, work: "Callable[[Connection], T]", deadline: Deadline) -> T:
        """Do one thing on the connection; what is not done when the caller gives up is left to `end`."""
        self._task = task = alone(self._connection.run_sync(work))
        try:
            with deadline.bounds(server=False):
                return await asyncio.shield(task)
        except ColonnadeError:
            raise
        except Exception as error:  # noqa: BLE001 - a driver's exception never leaves this folder
            raise explain(error, deadline) from None

    @property
    def alive(self) -> bool:
        return not (self._connection.closed or self._connection.invalidated)

    async def end(self, patience: float) -> None:
        clean = False
        try:
            if self._task is not None and not self._task.done():
                await self._stop(self._task, patience)
            elif self.alive:
                # Drivers read on to the end of what is left, which may be far.
                patience = patience if self.result is None else min(patience, HURRY)
                self._task = rollback = alone(self._connection.run_sync(self._roll_back))
                await asyncio.wait({rollback}, timeout=patience)
                clean = rollback.done() and not rollback.cancelled() and rollback.exception() is None
        finally:
            self.result = None
            if not clean:
                self.terminate()

    async def close(self) -> None:
        await self._connection.close()

    def terminate(self) -> None:
        task, connection = self._task, self._connection.sync_connection
        if self.alive and connection is not None:
            if connection.dialect.has_terminate:
                connection.invalidate()
            else:
                # Such a driver can only be closed by waiting for it.
                gone = alone(self._connection.invalidate())
                self.leaving.add(gone)
                gone.add_done_callback(self.leaving.discard)
        if task is not None and not task.done():
            task.cancel()

    def _roll_back(self, connection: "Connection") -> None:
        if self.result is not None:
            self.result.close()
        connection.rollback()

    async def _stop(self, task: "asyncio.Task[Any]", patience: float) -> None:
        """End the running statement: in the way that the driver offers, then by cancelling what waits for it."""
        stop = next(filter(callable, (getattr(self._driver, name, None) for name in WAYS_TO_STOP)), None)
        begun, pause = asyncio.get_running_loop().time(), 0.01
        # One that comes before the statement starts is lost.
        while stop and not task.done() and asyncio.get_running_loop().time() - begun < patience / 2:
            with suppress(Exception):
                asked = stop()
                if iscoroutine(asked):
                    await asyncio.wait({alone(asked)}, timeout=patience / 2)
            await asyncio.wait({task}, timeout=pause)
            pause *= 2
        if not task.done():
            task.cancel()
            await asyncio.wait({task}, timeout=patience / 2)


class AlchemyCursor:
    """One statement; its first rows are read when it starts, since only values tell the types."""

    def __init__(self, session: Session, text: str, deadline: Deadline, rows: int) -> None:
        self._session = session
        self._text = text
        self._deadline = deadline
        self._left = rows + 1
        self._rows: list[tuple[object, ...]] = []
        self.columns: tuple[ResultColumn, ...] = ()

    async def start(self) -> None:
        await self._session.obey(self._start, self._deadline)

    async def batches(self) -> AsyncIterator[list[tuple[object, ...]]]:
        while self._rows:
            self._left -= len(self._rows)
            yield self._rows
            if self._left <= 0 or self._session.result is None:
                return
            await self._session.obey(self._fetch, self._deadline)

    def _start(self, connection: "Connection") -> None:
        result = self._execute(connection)
        if not result.returns_rows and result.rowcount < 0:
            # Not every driver runs a statement without columns when asked to stream; this one does not say that it has.
            result = self._execute_anew(connection, RAW)
        if result.returns_rows and result.cursor is not None:
            described = tuple(result.cursor.description or ())
            self._session.result = result
            self._fetch(connection)
            self.columns = tuple(result_column(each, self._rows, at) for at, each in enumerate(described))

    def _execute(self, connection: "Connection") -> "CursorResult[Any]":
        from sqlalchemy.exc import DBAPIError

        # A table changed under a statement that the driver had prepared; no row has gone out, so it may start over.
        stale = getattr(connection.dialect.dbapi, "InvalidCachedStatementError", ())
        try:
            return connection.exec_driver_sql(self._text, execution_options=STREAMED)
        except DBAPIError as error:
            if not isinstance(error.orig, stale):
                raise
        return self._execute_anew(connection, STREAMED)

    def _execute_anew(self, connection: "Connection", options: dict[str, Any]) -> "CursorResult[Any]":
        connection.rollback()
        self._session.begin(connection)
        return connection.exec_driver_sql(self._text, execution_options=options)

    def _fetch(self, _connection: "Connection") -> None:
        result = self._session.result
        assert result is not None, "only called while rows are coming"  # noqa: S101 - for the type checker
        most = min(BATCH, self._left)
        self._rows = list(map(tuple, result.fetchmany(most)))
        if len(self._rows) < most:
            result.close()
            self._session.result = None
