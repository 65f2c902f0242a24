"""Blocking drivers in threads: interrupted when the caller gives up, and waited for until they have stopped."""

import threading
from collections.abc import Callable
from typing import Final, Generic, TypeVar

import anyio
import anyio.to_thread

from .deadline import Deadline

T = TypeVar("T")

REPEAT: Final = 0.01
"""Seconds between interrupts: one that comes before the statement starts is lost."""


class Job(Generic[T]):
    """Work in a thread, which may be given up as long as it has not begun."""

    def __init__(self, work: Callable[[], T]) -> None:
        self._work = work
        self._lock = threading.Lock()
        self._begun = False
        self._over = False
        self.outcome: list[T] = []
        self.failure: list[Exception] = []

    def run(self) -> None:
        with self._lock:
            if self._over:
                return
            self._begun = True
        try:
            self.outcome.append(self._work())
        except Exception as error:  # noqa: BLE001 - told to the one who asked
            self.failure.append(error)
        finally:
            self._over = True

    def over(self) -> bool:
        """Tell whether it has ended; one that has not begun is kept from beginning."""
        with self._lock:
            self._over = self._over or not self._begun
        return self._over


async def in_thread(work: Callable[[], T], *, interrupt: Callable[[], object], deadline: Deadline) -> T:
    """Do blocking work in a thread; at the deadline, or when the caller gives up, interrupt it until it ends.

    Returns only once the thread has ended. Raises TimedOut, or what the work raised.
    """
    job = Job(work)
    with anyio.CancelScope(deadline=deadline.server) as limit:
        try:
            # Abandoned for the moment that it takes to interrupt it: a task of its own that watches costs three times
            # as much as the hop to the thread.
            await anyio.to_thread.run_sync(job.run, abandon_on_cancel=True)
        except anyio.get_cancelled_exc_class():
            with anyio.CancelScope(shield=True):
                while not job.over():
                    interrupt()
                    await anyio.sleep(REPEAT)
            raise
    if job.outcome:
        return job.outcome[0]
    if limit.cancel_called:
        raise deadline.error()
    raise job.failure[0]
