"""The pool's races, each decided by events and a hand-moved clock; nothing here waits for time to pass."""

from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field

import anyio
import pytest
from anyio.lowlevel import checkpoint
from colonnade.server import pool as pool_module
from colonnade.server.config import Connection
from colonnade.server.engines.base import Client, Cursor
from colonnade.server.errors import AuthFailed, Busy, ColonnadeError, ConfigError, Internal, Unreachable
from colonnade.server.keys import ConnectionKey
from colonnade.server.model import Catalog, Judged, Limits, Login, ServerInfo
from colonnade.server.pool import SYSTEM, Pool


class FakeClient:
    def __init__(self) -> None:
        self.closed = 0

    def run(self, statement: Judged, *, rows: int, seconds: float) -> AbstractAsyncContextManager[Cursor]:
        raise AssertionError((statement, rows, seconds))

    async def catalog(self) -> Catalog:
        raise AssertionError

    async def fingerprint(self) -> str:
        raise AssertionError

    async def ping(self) -> ServerInfo:
        return ServerInfo("fake 1")

    async def login(self) -> Login:
        return Login("reader")

    async def close(self) -> None:
        self.closed += 1


class HangingClient(FakeClient):
    async def close(self) -> None:
        await super().close()
        await anyio.sleep_forever()


@dataclass
class Bench:
    """A pool whose builds wait for a gate, on a clock that only the test moves."""

    gate: anyio.Event = field(default_factory=anyio.Event)
    now: float = 1000.0
    failure: Exception | None = None
    kind: Callable[[], FakeClient] = FakeClient
    built: list[FakeClient] = field(default_factory=list[FakeClient])
    attempts: int = 0

    async def build(self, _connection: Connection, _identity: str) -> FakeClient:
        self.attempts += 1
        await self.gate.wait()
        if self.failure is not None:
            raise self.failure
        client = self.kind()
        self.built.append(client)
        return client

    @asynccontextmanager
    async def pool(self) -> AsyncGenerator[Pool]:
        with anyio.fail_after(5):
            async with anyio.create_task_group() as tasks:
                pool = Pool(tasks, self.build, clock=lambda: self.now, jitter=lambda: 1.0)
                yield pool
                await pool.close()
                tasks.cancel_scope.cancel()


def connection(name: str = "c", effective: str = "", **limits: float) -> Connection:
    return Connection(
        key=ConnectionKey("d", name),
        id=name,
        type="fake",
        description="",
        environment="",
        owner="",
        tags=(),
        enabled=True,
        limits=Limits(**limits),  # pyright: ignore[reportArgumentType] - whole numbers come as int
        options=None,
        problem=None,
        effective=effective or name,
    )


async def settle() -> None:
    """Let every task run as far as it can."""
    for _ in range(30):
        await checkpoint()


async def test_many_first_callers_share_one_build() -> None:
    bench, used = Bench(), list[object]()

    async def call(pool: Pool) -> None:
        async with pool.lease(connection(concurrent=8), SYSTEM) as client:
            used.append(client)

    async with bench.pool() as pool:
        async with anyio.create_task_group() as callers:
            for _ in range(50):
                callers.start_soon(call, pool)
            await settle()
            bench.gate.set()
        assert len(used) == 50
        assert set(map(id, used)) == {id(bench.built[0])}
    assert bench.attempts == 1
    assert bench.built[0].closed == 1


async def test_a_first_caller_who_gives_up_does_not_stop_the_build_for_the_others() -> None:
    bench, used = Bench(), list[object]()

    async def call(pool: Pool, scope: anyio.CancelScope) -> None:
        with scope:
            async with pool.lease(connection(), SYSTEM) as client:
                used.append(client)

    async with bench.pool() as pool:
        first = anyio.CancelScope()
        async with anyio.create_task_group() as callers:
            callers.start_soon(call, pool, first)
            await settle()
            callers.start_soon(call, pool, anyio.CancelScope())
            await settle()
            first.cancel()
            await settle()
            bench.gate.set()
        assert used == bench.built
    assert bench.attempts == 1


async def test_a_client_that_nobody_waits_for_any_more_is_kept_and_closed_once() -> None:
    bench = Bench()
    async with bench.pool() as pool:
        with anyio.CancelScope() as scope:
            async with anyio.create_task_group() as callers:
                callers.start_soon(_lease_forever, pool)
                await settle()
                scope.cancel()
        bench.gate.set()
        await settle()
        assert len(bench.built) == 1
    assert [client.closed for client in bench.built] == [1]


async def _lease_forever(pool: Pool) -> None:
    async with pool.lease(connection(), SYSTEM):
        await anyio.sleep_forever()


async def test_a_failure_is_told_to_all_until_its_back_off_has_passed() -> None:
    bench = Bench(failure=Unreachable("Connection refused.", hint="Check the port."))
    bench.gate.set()
    async with bench.pool() as pool:
        for _ in range(100):
            with pytest.raises(Unreachable, match=r'"d:c" \(fake\): Connection refused'):
                await _once(pool)
        assert bench.attempts == 1
        with pytest.raises(Unreachable, match=r"next attempt is in 1 s"):
            await _once(pool)
        assert pool.health(connection(), SYSTEM).status == "down"

        bench.now += 1.1
        with pytest.raises(Unreachable):
            await _once(pool)
        assert bench.attempts == 2
        bench.now += 1.1
        with pytest.raises(Unreachable, match="next attempt"):
            await _once(pool)
        assert bench.attempts == 2, "the second wait is longer than the first"

        bench.failure = None
        bench.now += 1.0
        await _once(pool)
        assert pool.health(connection(), SYSTEM).status == "ok"


async def _once(pool: Pool, which: Connection | None = None, identity: str = SYSTEM) -> None:
    async with pool.lease(which or connection(), identity):
        pass


@pytest.mark.parametrize(
    ("failure", "raised", "status"),
    [
        (AuthFailed("Wrong password."), AuthFailed, "down"),
        (ConfigError("The variable X is not set."), ConfigError, "config_error"),
        (RuntimeError("host=secret"), Internal, "down"),
    ],
)
async def test_what_a_build_raises_becomes_the_status(
    failure: Exception, raised: type[ColonnadeError], status: str
) -> None:
    bench = Bench(failure=failure)
    bench.gate.set()
    async with bench.pool() as pool:
        with pytest.raises(raised) as caught:
            await _once(pool)
        assert "secret" not in str(caught.value)
        assert pool.health(connection(), SYSTEM).status == status


async def test_a_build_that_hangs_ends_at_the_connect_limit() -> None:
    bench = Bench()
    async with bench.pool() as pool:
        with pytest.raises(Unreachable, match=r"No answer within 0\.05 s"):
            await _once(pool, connection(connect=0.05))


async def test_a_full_connection_says_busy_and_gives_its_place_back() -> None:
    bench = Bench()
    bench.gate.set()
    one = connection(concurrent=1, wait=0.05)
    async with bench.pool() as pool:
        async with pool.lease(one, SYSTEM):
            with pytest.raises(Busy, match="No place came free"):
                await _once(pool, one)
        await _once(pool, one)


async def test_a_caller_cancelled_in_the_queue_takes_no_place() -> None:
    bench = Bench()
    bench.gate.set()
    one = connection(concurrent=1)
    async with bench.pool() as pool:
        async with pool.lease(one, SYSTEM), anyio.create_task_group() as callers:
            callers.start_soon(_once, pool, one)
            await settle()
            callers.cancel_scope.cancel()
        await _once(pool, one)
        pool.retire(one.key)
        await settle()
    assert [client.closed for client in bench.built] == [1]


async def test_equal_targets_share_their_places_and_others_do_not() -> None:
    bench = Bench()
    bench.gate.set()
    twin = connection("twin", "same", concurrent=1, wait=0.05)
    async with bench.pool() as pool, pool.lease(connection("c", "same", concurrent=1), SYSTEM):
        with pytest.raises(Busy):
            await _once(pool, twin)
        await _once(pool, connection("other", "other", concurrent=1, wait=0.05))


async def test_identities_never_share_a_client() -> None:
    bench = Bench()
    bench.gate.set()
    async with (
        bench.pool() as pool,
        pool.lease(connection(), "ann") as hers,
        pool.lease(connection(), "bob") as his,
    ):
        assert hers is not his


async def test_a_retired_client_works_to_the_end_of_its_lease_and_the_next_caller_has_a_new_one() -> None:
    bench = Bench()
    bench.gate.set()
    async with bench.pool() as pool:
        async with pool.lease(connection(), SYSTEM) as old:
            pool.retire(connection().key)
            async with pool.lease(connection(), SYSTEM) as new:
                assert new is not old
            assert bench.built[0].closed == 0
        await settle()
        assert [client.closed for client in bench.built] == [1, 0]


async def test_a_reload_during_a_build_gives_the_waiting_callers_a_client_of_the_new_settings() -> None:
    bench = Bench()
    async with bench.pool() as pool:
        async with anyio.create_task_group() as callers:
            callers.start_soon(_once, pool)
            await settle()
            pool.retire(connection().key)
            bench.gate.set()
        await settle()
        assert [client.closed for client in bench.built] == [1, 0]


async def test_a_caller_with_the_settings_of_before_a_reload_leaves_no_client_to_those_after_it() -> None:
    bench = Bench()
    bench.gate.set()
    old, new = connection("c", "old"), connection("c", "new")
    async with bench.pool() as pool:
        pool.retire(old.key)
        async with pool.lease(old, SYSTEM) as late, pool.lease(new, SYSTEM) as fresh:
            assert fresh is not late
        pool.retire(old.key)
        await settle()
        assert [client.closed for client in bench.built] == [1, 1]


async def test_an_idle_client_is_closed_and_one_in_use_is_not() -> None:
    bench = Bench()
    bench.gate.set()
    async with bench.pool() as pool:
        await _once(pool, connection("idle"))
        async with pool.lease(connection("used"), SYSTEM):
            bench.now += pool_module.IDLE_SECONDS + 1
            pool.sweep()
            await settle()
            assert [client.closed for client in bench.built] == [1, 0]


async def test_a_client_that_reaches_nothing_any_more_is_let_go_and_backs_off() -> None:
    bench = Bench()
    bench.gate.set()
    async with bench.pool() as pool:
        with pytest.raises(Unreachable):
            async with pool.lease(connection(), SYSTEM):
                raise Unreachable("The server is gone.")
        await settle()
        assert bench.built[0].closed == 1
        assert pool.health(connection(), SYSTEM).status == "down"
        with pytest.raises(Unreachable, match="next attempt"):
            await _once(pool)
        assert bench.attempts == 1


async def test_a_login_that_is_refused_later_on_is_tried_once_more_on_a_client_built_anew() -> None:
    bench, used = Bench(), list[object]()
    bench.gate.set()

    async def work(client: Client) -> str:
        used.append(client)
        if len(used) == 1:
            raise AuthFailed("The token has expired.")
        return "done"

    async with bench.pool() as pool:
        assert await pool.use(connection(), SYSTEM, work) == "done"
        assert used == bench.built
        await settle()
        assert [client.closed for client in bench.built] == [1, 0]
        assert pool.health(connection(), SYSTEM).status == "ok"


async def test_a_login_that_the_new_client_does_not_get_either_is_not_tried_again_before_its_back_off() -> None:
    bench = Bench()
    bench.gate.set()

    async def work(_client: Client) -> None:
        bench.failure = AuthFailed("Wrong password.")
        raise AuthFailed("The token has expired.")

    async with bench.pool() as pool:
        for _ in range(5):
            with pytest.raises(AuthFailed, match=r'"d:c" \(fake\): Wrong password'):
                await pool.use(connection(), SYSTEM, work)
        assert bench.attempts == 2, "the client that lived, and the one built anew"
        assert pool.health(connection(), SYSTEM).status == "down"


async def test_a_login_refused_on_both_clients_backs_off_too() -> None:
    bench, tried = Bench(), list[object]()
    bench.gate.set()

    async def work(client: Client) -> None:
        tried.append(client)
        raise AuthFailed("No more connections for you.")

    async with bench.pool() as pool:
        for _ in range(5):
            with pytest.raises(AuthFailed, match="No more connections for you"):
                await pool.use(connection(), SYSTEM, work)
        assert (len(tried), bench.attempts) == (2, 2)
        await settle()
        assert [client.closed for client in bench.built] == [1, 1]


async def test_a_login_refused_while_building_is_never_tried_again_at_once() -> None:
    bench = Bench(failure=AuthFailed("Wrong password."))
    bench.gate.set()

    async def work(_client: Client) -> None:
        raise AssertionError

    async with bench.pool() as pool:
        with pytest.raises(AuthFailed):
            await pool.use(connection(), SYSTEM, work)
        assert bench.attempts == 1


async def test_many_callers_of_an_expired_client_share_the_one_built_anew() -> None:
    bench, done = Bench(), list[object]()
    bench.gate.set()
    expired = anyio.Event()

    async def work(client: Client) -> None:
        if client is bench.built[0]:
            await expired.wait()
            raise AuthFailed("The token has expired.")
        done.append(client)

    async with bench.pool() as pool:
        async with anyio.create_task_group() as callers:
            for _ in range(8):
                callers.start_soon(pool.use, connection(concurrent=8), SYSTEM, work)
            await settle()
            expired.set()
        assert done == [bench.built[1]] * 8
        assert bench.attempts == 2


class Looked(FakeClient):
    """Counts the looks at its login, which last until `ends` is set, and may fail."""

    def __init__(self, failure: Exception | None = None) -> None:
        super().__init__()
        self.failure = failure
        self.looks = 0
        self.cancelled = 0
        self.ends = anyio.Event()

    async def login(self) -> Login:
        self.looks += 1
        try:
            await self.ends.wait()
        except anyio.get_cancelled_exc_class():
            self.cancelled += 1
            raise
        if self.failure is not None:
            raise self.failure
        return Login("owner", ("is a superuser",))


@asynccontextmanager
async def looked(client: Looked, monkeypatch: pytest.MonkeyPatch, quiet: float = 0) -> AsyncGenerator[Pool]:
    monkeypatch.setattr(pool_module, "QUIET_SECONDS", quiet)
    bench = Bench(kind=lambda: client)
    bench.gate.set()
    async with bench.pool() as pool:
        yield pool


async def test_what_a_login_may_do_is_asked_once_and_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    client = Looked()
    client.ends.set()
    async with looked(client, monkeypatch) as pool:
        for _ in range(3):
            await _once(pool)
            await settle()
        assert pool.health(connection(), SYSTEM).login == Login("owner", ("is a superuser",))
    assert client.looks == 1


async def test_a_look_begins_when_nobody_uses_the_client_and_takes_no_place(monkeypatch: pytest.MonkeyPatch) -> None:
    client, one = Looked(), connection(concurrent=1)
    async with looked(client, monkeypatch) as pool:
        async with pool.lease(one, SYSTEM):
            pass
        async with pool.lease(one, SYSTEM):
            await settle()
            assert client.looks == 0
        await settle()
        assert client.looks == 1
        await _once(pool, one)
        assert pool.health(one, SYSTEM).login is None
        client.ends.set()
        await settle()
        assert pool.health(one, SYSTEM).login is not None


async def test_a_look_ends_with_its_client(monkeypatch: pytest.MonkeyPatch) -> None:
    client = Looked()
    async with looked(client, monkeypatch) as pool:
        await _once(pool)
        await settle()
        pool.retire(connection().key)
        await settle()
        assert (client.looks, client.cancelled, client.closed) == (1, 1, 1)
        assert pool.health(connection(), SYSTEM).login is None


async def test_shutdown_does_not_wait_for_a_look(monkeypatch: pytest.MonkeyPatch) -> None:
    client = Looked()
    async with looked(client, monkeypatch) as pool:
        await _once(pool)
        await settle()
    assert (client.cancelled, client.closed) == (1, 1)


@pytest.mark.parametrize(
    ("failure", "why"),
    [
        (Unreachable("No route."), "could not be checked: No route"),
        (AuthFailed("The token has expired."), "could not be checked: The token has expired"),
        (ValueError("secret"), "could not be checked: ValueError, a fault of ours"),
    ],
)
async def test_a_look_that_fails_says_so_and_harms_nobody(
    failure: Exception, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = Looked(failure)
    client.ends.set()
    async with looked(client, monkeypatch) as pool:
        await _once(pool)
        await settle()
        health = pool.health(connection(), SYSTEM)
        assert (health.status, health.login) == ("ok", Login("", (why,)))
        await _once(pool)
    assert client.closed == 1


async def test_a_look_that_takes_too_long_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool_module, "LOOK_SECONDS", 0.01)
    client = Looked()
    async with looked(client, monkeypatch) as pool:
        await pool.look(connection(), SYSTEM)
        assert pool.health(connection(), SYSTEM).login == Login("", ("could not be checked: no answer within 0.01 s",))


async def test_who_wants_to_know_waits_for_no_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    client = Looked()
    client.ends.set()
    async with looked(client, monkeypatch, quiet=60) as pool, pool.lease(connection(), SYSTEM):
        await pool.look(connection(), SYSTEM)
        assert client.looks == 1


async def test_shutdown_is_bounded_when_a_client_does_not_close(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool_module, "CLOSE_SECONDS", 0.05)
    bench = Bench(kind=HangingClient)
    bench.gate.set()
    async with bench.pool() as pool:
        await _once(pool, connection("a"))
        async with pool.lease(connection("b"), SYSTEM):
            await pool.close()
            with pytest.raises(Unreachable, match="shutting down"):
                await _once(pool, connection("c"))
    assert [client.closed for client in bench.built] == [1, 1]


async def test_shutdown_during_a_build_leaves_nothing_open() -> None:
    bench = Bench()

    async def call(pool: Pool) -> None:
        with pytest.raises(Unreachable):
            await _once(pool)

    async with anyio.create_task_group() as callers, bench.pool() as pool:
        callers.start_soon(call, pool)
        await settle()
    assert bench.built == []
