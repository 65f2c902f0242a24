"""A client's driver connections: lent one at a time, kept for the next statement, replaced when they have died."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Final, Generic, Protocol, TypeVar

import anyio

from ...errors import ConnectionLost, TimedOut, Unreachable
from ...model import Limits
from .deadline import GRACE

PATIENCE: Final = 2.0
HURRY: Final = 0.5
"""How long a rollback may take: after an ordinary end, and after a cancellation or a deadline, in seconds."""


class Session(Protocol):
    """One driver connection of an adapter."""

    @property
    def alive(self) -> bool:
        """Whether it can be used again."""
        ...

    async def end(self, patience: float) -> None:
        """Stop the statement in the database, roll back, and leave nothing of it within `patience` seconds.

        A connection that does not obey in time is terminated. Runs shielded and never raises.
        """
        ...

    async def close(self) -> None:
        """Say goodbye to the server."""
        ...

    def terminate(self) -> None:
        """Drop the connection at once; may be repeated."""
        ...


SessionT = TypeVar("SessionT", bound=Session)


class Sessions(Generic[SessionT]):
    """At most `limits.concurrent` connections; opened as statements need them."""

    def __init__(self, connect: Callable[[], Awaitable[SessionT]], first: SessionT, limits: Limits) -> None:
        self._connect = connect
        self._limits = limits
        self._places = anyio.Semaphore(limits.concurrent, fast_acquire=True)
        self._idle = [first]
        self._used: set[SessionT] = set()
        self._closed = False

    @asynccontextmanager
    async def lend(self, begin: Callable[[SessionT], Awaitable[None]]) -> AsyncGenerator[SessionT]:
        """Lend a connection on which `begin` has succeeded; it is ended in any case.

        `begin` is the first word on the connection, such as BEGIN, and bounds its own time: a kept connection on which
        it raises ConnectionLost or TimedOut has died unnoticed, and a new one takes its place.
        """
        async with self._places:
            session = await self._begun(begin)
            patience = PATIENCE
            self._used.add(session)
            try:
                yield session
            except (anyio.get_cancelled_exc_class(), TimedOut):
                patience = HURRY
                raise
            finally:
                with anyio.CancelScope(shield=True):
                    await session.end(patience)
                self._used.discard(session)
                if self._closed:
                    session.terminate()
                elif session.alive:
                    self._idle.append(session)

    async def close(self) -> None:
        """Close everything; what cannot say goodbye in time is terminated."""
        self._closed = True
        with anyio.move_on_after(PATIENCE, shield=True):
            for session in self._idle:
                with suppress(Exception):
                    await session.close()
        for session in (*self._idle, *self._used):
            session.terminate()
        self._idle.clear()

    async def _begun(self, begin: Callable[[SessionT], Awaitable[None]]) -> SessionT:
        """Begin on a kept connection, or on a new one if the kept ones turn out to be dead."""
        while not self._closed:
            kept = bool(self._idle)
            session = self._idle.pop() if kept else await self._opened()
            begun = False
            try:
                await begin(session)
                begun = True
            except (ConnectionLost, TimedOut):
                if not kept:
                    raise
                while self._idle:
                    self._idle.pop().terminate()
            finally:
                if not begun:
                    session.terminate()
            if begun:
                return session
        raise ConnectionLost("The connection was closed.", hint="Send it again.")

    async def _opened(self) -> SessionT:
        """Open one more, within the connect limit also where a driver keeps none."""
        seconds = self._limits.connect
        try:
            with anyio.fail_after(seconds + GRACE):
                return await self._connect()
        except TimeoutError:
            raise Unreachable(
                f"No answer within {seconds:g} s, the connect limit.",
                hint="Check that the server runs and can be reached from here, or raise limits.connect.",
            ) from None
