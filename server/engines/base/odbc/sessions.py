"""Connections on aioodbc, each with a thread of its own."""

import asyncio
import math
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, Future
from contextlib import suppress
from functools import partial
from queue import SimpleQueue
from threading import Lock, Thread
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

import anyio

from ....errors import DriverMissing
from ....model import Limits
from ..deadline import Deadline
from ..driver import require
from .errors import explained, is_lost, state_of

if TYPE_CHECKING:
    import pyodbc

T = TypeVar("T")

REPEAT: Final = 0.05
"""Seconds between requests to cancel: one that comes before the statement starts is lost."""


class Worker(Executor):
    """One daemon thread."""

    def __init__(self) -> None:
        self._tasks: SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None] = SimpleQueue()
        Thread(target=self._serve, name="odbc", daemon=True).start()

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:  # noqa: ANN401 - as Executor's
        future: Future[T] = Future()
        self._tasks.put((future, partial(fn, *args, **kwargs)))
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002 - as Executor's
        self._tasks.put(None)

    def _serve(self) -> None:
        while task := self._tasks.get():
            future, work = task
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(work())
                except BaseException as error:  # noqa: BLE001 - told to the one who asked
                    future.set_exception(error)
            del task, future, work  # a cursor in them is to close now, and not with the next task


def require_driver() -> None:
    """Import the packages; raises DriverMissing with what to install, the driver manager too."""
    require("aioodbc", "pip install aioodbc")
    try:
        require("pyodbc", "pip install pyodbc")
    except DriverMissing as error:
        if "libodbc" not in error.message:
            raise
        raise DriverMissing(
            "The ODBC driver manager (libodbc) is not installed.",
            hint="Debian, Ubuntu: apt-get install unixodbc; Fedora: dnf install unixODBC; macOS: brew install unixodbc",
        ) from None
    import pyodbc

    # Connections are kept here; those that the driver manager keeps are never really closed.
    pyodbc.pooling = False


async def connect(
    text: str,
    limits: Limits,
    prepare: "Callable[[pyodbc.Connection], None]",
    attributes: Mapping[int, int | bytes] | None = None,
) -> "OdbcSession":
    """Open a connection and prepare it in its thread. Raises what the driver raises."""
    import aioodbc  # pyright: ignore[reportMissingTypeStubs] - it has no types

    worker = Worker()
    # A whole second more than is waited for: the driver's own limit is only for the thread left behind.
    opening: asyncio.Future[Any] = asyncio.ensure_future(
        aioodbc.connect(  # pyright: ignore[reportUnknownMemberType] - nor has this
            dsn=text, timeout=math.ceil(limits.connect) + 1, executor=worker, attrs_before=dict(attributes or {})
        )
    )
    try:
        connection = await asyncio.shield(opening)
    except asyncio.CancelledError:
        opening.add_done_callback(partial(_discard, worker))
        raise
    except BaseException:
        worker.shutdown()
        raise
    session = OdbcSession(connection, worker)
    try:
        await session.work(lambda: prepare(session.driver), Deadline(limits.connect))
    except BaseException:
        session.terminate()
        raise
    return session


def _discard(worker: Worker, opening: "asyncio.Future[Any]") -> None:
    """Close a connection that nobody waits for any more."""
    if not opening.cancelled() and opening.exception() is None:
        OdbcSession(opening.result(), worker).terminate()
    else:
        worker.shutdown()


class OdbcSession:
    """A driver connection, and what runs on it."""

    def __init__(self, connection: Any, worker: Worker) -> None:  # noqa: ANN401 - aioodbc has no types
        self._connection = connection
        self._worker = worker
        self._pending: asyncio.Future[Any] | None = None
        self.cursor: pyodbc.Cursor | None = None
        """Of the statement that runs."""
        self._cancelling = Lock()
        self.driver: pyodbc.Connection = connection._conn  # noqa: SLF001 - aioodbc has no name for the driver's connection
        self.alive = True

    def open_cursor(self) -> "pyodbc.Cursor":
        """Open the one cursor of a statement; runs in the thread."""
        self._close_cursor()
        self.cursor = self.driver.cursor()
        # The text goes to the database as it is, without a look for ODBC's own escapes.
        self.cursor.noscan = True
        return self.cursor

    async def work(self, work: Callable[[], T], deadline: Deadline) -> T:
        """Do blocking work in the thread; what is given up there goes on until `end` stops it."""
        self._pending = future = cast("asyncio.Future[T]", self._connection._execute(work))  # noqa: SLF001 - one hop for several calls
        with deadline.bounds(server=False):
            return await asyncio.shield(future)

    async def probe(self, deadline: Deadline) -> None:
        """See that a kept connection lives: any answer will do, also that this database wants another SELECT."""
        with explained(deadline):
            await self.work(self._ask, deadline)

    def _ask(self) -> None:
        import pyodbc

        try:
            self.open_cursor().execute("select 1").fetchall()
        except pyodbc.Error as error:
            if is_lost(*state_of(error)):
                raise
            self.driver.rollback()

    async def end(self, patience: float) -> None:
        clean = False
        try:
            if self.alive:
                with anyio.move_on_after(patience), suppress(Exception):
                    await self._stop()
                    leaving: asyncio.Future[None] = self._connection._execute(self._leave)  # noqa: SLF001 - aioodbc's one way into the thread
                    self._pending = leaving
                    await asyncio.shield(leaving)
                    clean = True
        finally:
            if not clean:
                self.terminate()

    async def close(self) -> None:
        if self.alive:
            closing = self._farewell()
            await asyncio.shield(asyncio.wrap_future(closing))

    def terminate(self) -> None:
        if self.alive:
            self._farewell()

    async def _stop(self) -> None:
        """Cancel the statement, from other threads since that may take the network, until its own thread is free."""
        pending = self._pending
        while pending is not None and not pending.done():
            Thread(target=self._cancel, daemon=True).start()
            await asyncio.wait({pending}, timeout=REPEAT)
        if pending is not None and not pending.cancelled():
            pending.exception()

    def _cancel(self) -> None:
        cursor = self.cursor
        if cursor is not None and self._cancelling.acquire(blocking=False):
            try:
                with suppress(Exception):
                    cursor.cancel()
            finally:
                self._cancelling.release()

    def _leave(self) -> None:
        self._close_cursor()
        self.driver.rollback()

    def _close_cursor(self) -> None:
        cursor, self.cursor = self.cursor, None
        if cursor is not None:
            # A handle must not go while it is being cancelled.
            with self._cancelling, suppress(Exception):
                cursor.close()

    def _farewell(self) -> Future[None]:
        """Close in the thread, after whatever hangs there."""
        self.alive = False
        if self._pending is not None:
            self._pending.cancel()
        self._connection._conn = None  # noqa: SLF001 - else aioodbc complains of it, and closes it on the event loop
        closing = self._worker.submit(self._close)
        self._worker.shutdown()
        return closing

    def _close(self) -> None:
        self._close_cursor()
        with suppress(Exception):
            self.driver.close()
