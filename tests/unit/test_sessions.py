"""Kept connections: one a statement, the next statement's again, and replaced when they died unnoticed."""

from dataclasses import dataclass, field

import anyio
import anyio.lowlevel
import pytest
from colonnade.server.engines.base.sessions import HURRY, PATIENCE, Sessions
from colonnade.server.errors import ConnectionLost, TimedOut, Unreachable
from colonnade.server.model import Limits


@dataclass(eq=False)
class Fake:
    number: int
    alive: bool = True
    log: list[object] = field(default_factory=list[object])

    async def begin(self) -> None:
        await anyio.lowlevel.checkpoint()
        if not self.alive:
            raise ConnectionLost("gone")

    async def end(self, patience: float) -> None:
        await anyio.lowlevel.checkpoint()
        self.log.append(patience)

    async def close(self) -> None:
        await anyio.lowlevel.checkpoint()
        self.log.append("closed")

    def terminate(self) -> None:
        self.alive = False
        self.log.append("terminated")


class House:
    """Counts what it opens."""

    def __init__(self, concurrent: int = 2) -> None:
        self.opened: list[Fake] = [Fake(0)]
        self.sessions = Sessions(self.connect, self.opened[0], Limits(concurrent=concurrent))

    async def connect(self) -> Fake:
        await anyio.lowlevel.checkpoint()
        self.opened.append(Fake(len(self.opened)))
        return self.opened[-1]


async def test_one_connection_serves_one_statement_after_the_other() -> None:
    house = House()
    for _ in range(3):
        async with house.sessions.lend(Fake.begin) as session:
            assert session.number == 0
    assert house.opened[0].log == [PATIENCE] * 3


async def test_no_more_are_opened_than_the_limit_says() -> None:
    house = House(concurrent=2)
    most = now = 0

    async def work() -> None:
        nonlocal most, now
        async with house.sessions.lend(Fake.begin):
            now += 1
            most = max(most, now)
            await anyio.sleep(0.01)
            now -= 1

    async with anyio.create_task_group() as tasks:
        for _ in range(7):
            tasks.start_soon(work)
    assert (most, len(house.opened)) == (2, 2)


async def test_the_dead_are_replaced_all_at_once() -> None:
    house = House(concurrent=2)
    async with house.sessions.lend(Fake.begin), house.sessions.lend(Fake.begin):
        pass
    for each in house.opened:
        each.alive = False
    async with house.sessions.lend(Fake.begin) as session:
        assert session.number == 2
    assert [each.log[-1] for each in house.opened[:2]] == ["terminated", "terminated"]


async def test_a_new_connection_that_is_dead_is_an_error() -> None:
    house = House()

    async def dies(session: Fake) -> None:
        session.alive = False
        await session.begin()

    async with house.sessions.lend(Fake.begin):
        with pytest.raises(ConnectionLost):
            async with house.sessions.lend(dies):
                pass
    assert [each.log for each in house.opened] == [[PATIENCE], ["terminated"]]


@pytest.mark.parametrize("error", [TimedOut("late"), anyio.get_cancelled_exc_class])
async def test_whoever_gave_up_is_not_kept_waiting(error: object) -> None:
    house = House()
    with anyio.CancelScope() as scope:
        try:
            async with house.sessions.lend(Fake.begin):
                if isinstance(error, TimedOut):
                    raise error
                scope.cancel()
                await anyio.sleep_forever()
        except TimedOut:
            pass
    assert house.opened[0].log == [HURRY]


async def test_an_opening_that_takes_for_ever_is_given_up() -> None:
    async def never() -> Fake:
        await anyio.sleep_forever()
        raise AssertionError

    sessions = Sessions(never, Fake(0), Limits(concurrent=2, connect=0.05))
    async with sessions.lend(Fake.begin):
        with anyio.fail_after(2), pytest.raises(Unreachable, match=r"0\.05 s"):
            async with sessions.lend(Fake.begin):
                pass


async def test_closing_says_goodbye_and_drops_what_is_in_use() -> None:
    house = House()
    async with house.sessions.lend(Fake.begin) as used:
        async with house.sessions.lend(Fake.begin):
            pass
        await house.sessions.close()
        assert house.opened[1].log == [PATIENCE, "closed", "terminated"]
        assert used.log == ["terminated"]
    with pytest.raises(ConnectionLost):
        async with house.sessions.lend(Fake.begin):
            pass
