"""The end of a process: a signal cancels what runs, and everything closes in order."""

import signal
import sys
import threading
from collections.abc import Awaitable, Callable
from getpass import getuser
from typing import TypeVar

import anyio

T = TypeVar("T")


async def stop_on_signal(stop: Callable[[], object]) -> None:
    """Call `stop` at the first SIGINT or SIGTERM. asyncio's own way leaves threads running that it cannot cancel."""
    if sys.platform == "win32" or threading.current_thread() is not threading.main_thread():
        return
    with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async for _ in signals:
            stop()
            return


async def unless_interrupted(work: Callable[[], Awaitable[T]]) -> T:
    """Do some work; at a signal cancel it, let it end in order, and raise KeyboardInterrupt."""
    done: list[T] = []
    failure: Exception | None = None
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(stop_on_signal, tasks.cancel_scope.cancel)
        try:
            done.append(await work())
        except Exception as error:  # noqa: BLE001 - raised again below, where the task group does not wrap it
            failure = error
        tasks.cancel_scope.cancel()
    if failure is not None:
        raise failure
    if not done:
        raise KeyboardInterrupt
    return done[0]


def os_user() -> str | None:
    """Return the name of the user that this process runs as."""
    try:
        return getuser()
    except (KeyError, OSError):
        return None
