"""Blocking drivers in threads: interrupted when the caller gives up, and waited for until they have stopped."""

import threading
from collections.abc import Callable
from typing import Final, TypeVar

import anyio
import anyio.to_thread

from .deadline import Deadline

T = TypeVar("T")

REPEAT: Final = 0.01
"""Seconds between interrupts: one that comes before the statement starts is lost."""


async def in_thread(work: Callable[[], T], *, interrupt: Callable[[], object], deadline: Deadline) -> T:
    """Do blocking work in a thread; at the deadline, or when the caller gives up, interrupt it until it ends.

    Returns only once the thread has ended. Raises TimedOut, or what the work raised.
    """
    outcome: list[T] = []
    failure: list[Exception] = []
    ended = threading.Event()

    async def interrupt_when_cancelled() -> None:
        try:
            await anyio.sleep_forever()
        finally:
            with anyio.CancelScope(shield=True):
                while not ended.is_set():
                    interrupt()
                    await anyio.sleep(REPEAT)

    def guarded() -> None:
        try:
            outcome.append(work())
        except Exception as error:  # noqa: BLE001 - told to the one who asked, below
            failure.append(error)
        finally:
            ended.set()

    with anyio.CancelScope(deadline=deadline.server) as limit:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(interrupt_when_cancelled)
            with anyio.CancelScope(shield=True):
                await anyio.to_thread.run_sync(guarded)
            tasks.cancel_scope.cancel()
    if outcome:
        return outcome[0]
    if limit.cancel_called:
        raise deadline.error()
    raise failure[0]
