from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field

import anyio
import pytest
from anyio.lowlevel import checkpoint
from colonnade.server.catalog import FRESH_SECONDS, Catalogs
from colonnade.server.config import Connection
from colonnade.server.engines.base import Cursor
from colonnade.server.errors import AuthFailed, Unreachable
from colonnade.server.keys import ConnectionKey
from colonnade.server.model import Catalog, Judged, Limits, Login, ServerInfo, Table
from colonnade.server.pool import SYSTEM, Pool

CONNECTION = Connection(ConnectionKey("d", "c"), "i", "fake", "", "", "", (), True, Limits(), None, None, "e")  # noqa: FBT003


@dataclass
class FakeDatabase:
    """A schema that changes when the test says so; counts how often it is asked."""

    tables: tuple[str, ...] = ("a",)
    failure: Unreachable | None = None
    gate: anyio.Event = field(default_factory=anyio.Event)
    reads: int = 0
    looks: int = 0
    now: float = 100.0
    expires: int = 0
    """Which question finds that the login has expired."""
    asked: int = 0

    def run(self, statement: Judged, *, rows: int, seconds: float) -> AbstractAsyncContextManager[Cursor]:
        raise AssertionError((statement, rows, seconds))

    def _ask(self) -> None:
        self.asked += 1
        if self.asked == self.expires:
            raise AuthFailed("The token has expired.")

    async def catalog(self) -> Catalog:
        self._ask()
        self.reads += 1
        await self.gate.wait()
        if self.failure is not None:
            raise self.failure
        tables = tuple(Table("main", name) for name in self.tables)
        return Catalog(tables, str(self.tables), 1_000.0, "main")

    async def fingerprint(self) -> str:
        self._ask()
        self.looks += 1
        if self.failure is not None:
            raise self.failure
        return str(self.tables)

    async def ping(self) -> ServerInfo:
        raise AssertionError

    async def login(self) -> Login:
        return Login("reader")

    async def close(self) -> None:
        pass

    @asynccontextmanager
    async def catalogs(self) -> AsyncGenerator[Catalogs]:
        async def build(_connection: Connection, _identity: str) -> FakeDatabase:
            return self

        with anyio.fail_after(5):
            async with anyio.create_task_group() as tasks:
                pool = Pool(tasks, build, clock=lambda: self.now)
                yield Catalogs(tasks, pool, clock=lambda: self.now)
                tasks.cancel_scope.cancel()


async def names(catalogs: Catalogs) -> list[str]:
    return [table.name for table in (await catalogs.get(CONNECTION, SYSTEM)).tables]


async def test_many_callers_share_one_reading() -> None:
    database = FakeDatabase()
    async with database.catalogs() as catalogs:
        async with anyio.create_task_group() as callers:
            for _ in range(20):
                callers.start_soon(names, catalogs)
            for _ in range(20):
                await checkpoint()
            database.gate.set()
        assert database.reads == 1
        await names(catalogs)
        assert (database.reads, database.looks) == (1, 0), "a fresh catalog asks nobody"


async def test_a_caller_who_gives_up_does_not_stop_the_reading() -> None:
    database = FakeDatabase()
    async with database.catalogs() as catalogs:
        async with anyio.create_task_group() as callers:
            callers.start_soon(names, catalogs)
            for _ in range(20):
                await checkpoint()
            callers.cancel_scope.cancel()
        database.gate.set()
        assert await names(catalogs) == ["a"]
        assert database.reads == 1


async def test_an_old_catalog_is_confirmed_by_its_fingerprint_and_read_again_only_if_that_changed() -> None:
    database = FakeDatabase()
    database.gate.set()
    async with database.catalogs() as catalogs:
        await names(catalogs)
        database.now += FRESH_SECONDS + 1
        await names(catalogs)
        assert (database.reads, database.looks) == (1, 1)
        database.tables = ("a", "b")
        database.now += FRESH_SECONDS + 1
        assert await names(catalogs) == ["a", "b"]
        assert (database.reads, database.looks) == (2, 2)


async def test_a_failed_refresh_keeps_the_old_schema_and_says_since_when_it_is_stale() -> None:
    database = FakeDatabase()
    database.gate.set()
    async with database.catalogs() as catalogs:
        await names(catalogs)
        database.failure = Unreachable("Gone.")
        database.now += FRESH_SECONDS + 1
        stale = await catalogs.get(CONNECTION, SYSTEM)
        assert [table.name for table in stale.tables] == ["a"]
        assert stale.stale_since == 1_000.0

        database.failure = None
        database.now += 100
        assert (await catalogs.get(CONNECTION, SYSTEM)).stale_since is None


async def test_a_first_reading_that_fails_is_told_with_key_and_type_and_tried_again() -> None:
    database = FakeDatabase(failure=Unreachable("Gone."))
    database.gate.set()
    async with database.catalogs() as catalogs:
        with pytest.raises(Unreachable, match=r'"d:c" \(fake\): Gone'):
            await names(catalogs)
        assert catalogs.known(CONNECTION, SYSTEM) is None
        database.failure = None
        database.now += 100
        assert await names(catalogs) == ["a"]


@pytest.mark.parametrize("reading", ["catalog", "fingerprint"])
async def test_a_reading_whose_login_expired_is_done_once_more(reading: str) -> None:
    database = FakeDatabase(expires=1 if reading == "catalog" else 2)
    database.gate.set()
    async with database.catalogs() as catalogs:
        assert await names(catalogs) == ["a"]
        database.now += FRESH_SECONDS + 1
        assert await names(catalogs) == ["a"]
        assert (await catalogs.get(CONNECTION, SYSTEM)).stale_since is None
    assert database.asked == 3
