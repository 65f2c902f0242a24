"""Blocking work: interrupted when nobody waits for it any more, and waited for until it has stopped."""

import threading

import anyio
import anyio.lowlevel
import anyio.to_thread
import pytest
from colonnade.server.engines.base.deadline import Deadline
from colonnade.server.engines.base.threads import in_thread
from colonnade.server.errors import TimedOut


class Work:
    """Blocks until the third interrupt, as a driver does that loses the first ones."""

    def __init__(self) -> None:
        self.began = threading.Event()
        self.interrupts = 0
        self.stopped = threading.Event()
        self.ended = False

    def __call__(self) -> str:
        self.began.set()
        if not self.stopped.wait(5):
            raise AssertionError("nobody interrupted it")
        self.ended = True
        raise InterruptedError

    def interrupt(self) -> None:
        self.interrupts += 1
        if self.interrupts == 3:
            self.stopped.set()


async def test_it_returns_and_raises_what_the_work_does() -> None:
    def fails() -> None:
        raise LookupError

    assert await in_thread(lambda: 1, interrupt=int, deadline=Deadline(5)) == 1
    with pytest.raises(LookupError):
        await in_thread(fails, interrupt=int, deadline=Deadline(5))


async def test_at_the_deadline_it_is_interrupted_until_it_ends() -> None:
    work = Work()
    with pytest.raises(TimedOut, match=r"0\.05 s"):
        await in_thread(work, interrupt=work.interrupt, deadline=Deadline(0.05))
    assert work.ended
    assert work.interrupts == 3


async def test_a_caller_who_gives_up_waits_until_it_has_ended() -> None:
    work = Work()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(lambda: in_thread(work, interrupt=work.interrupt, deadline=Deadline(60)))
        await anyio.to_thread.run_sync(work.began.wait)
        tasks.cancel_scope.cancel()
    assert work.ended


async def test_work_that_never_began_never_does() -> None:
    work = Work()
    limiter = anyio.to_thread.current_default_thread_limiter()
    total, limiter.total_tokens = limiter.total_tokens, 1
    busy = threading.Event()
    try:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(anyio.to_thread.run_sync, busy.wait)
            await anyio.lowlevel.checkpoint()
            with anyio.fail_after(2), pytest.raises(TimedOut):
                await in_thread(work, interrupt=work.interrupt, deadline=Deadline(0.05))
            busy.set()
    finally:
        limiter.total_tokens = total
    assert not work.began.is_set()
    assert work.interrupts == 0
