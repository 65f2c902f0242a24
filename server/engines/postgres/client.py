"""Running statements: each in a read-only transaction of its own, on connections kept for the next."""

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import TYPE_CHECKING, Final, cast

import anyio
import anyio.to_thread

from ...model import Catalog, Judged, Limits, Login, ResultColumn, ServerInfo
from ..base import Cursor
from ..base.deadline import Deadline
from ..base.sessions import Sessions
from .catalog import COLUMNS, FINGERPRINT, INDEXES, KEYS, TABLES, VISIBLE, catalog_of
from .login import LOGIN, login_of
from .statements import watched
from .values import result_column

if TYPE_CHECKING:
    from asyncpg import Connection, Record
    from asyncpg.prepared_stmt import PreparedStatement


BATCH: Final = 1_000
STATEMENTS: Final = 100
LONGEST_KEPT: Final = 16_384


READING: Final = frozenset({"SELECT", "SHOW", "EXPLAIN"})
"""Command tags that leave a session as it was; after any other (PREPARE, DEALLOCATE, …) it is not used again."""

ROLLBACK: Final = "ROLLBACK; SELECT pg_catalog.pg_advisory_unlock_all()"
"""All that outlives a read-only transaction is an advisory lock."""


class PostgresClient:
    """Connections to one database, opened as statements need them and kept for the next."""

    def __init__(
        self, connect: "Callable[[], Awaitable[Connection[Record]]]", first: "Connection[Record]", limits: Limits
    ) -> None:
        async def session() -> Session:
            return Session(await connect())

        self._limits = limits
        self._sessions = Sessions(session, Session(first), limits)

    @asynccontextmanager
    async def run(self, statement: Judged, *, rows: int, seconds: float) -> AsyncGenerator[Cursor]:
        begin = _begin("READ ONLY", seconds)
        async with self._transaction(begin, seconds) as session:
            cursor = PostgresCursor(session, statement.text, Deadline(seconds), rows)
            await cursor.start(begin)
            yield cursor

    async def catalog(self) -> Catalog:
        async with self._reading() as read:
            found = [await read(VISIBLE + sql) for sql in (TABLES, COLUMNS, KEYS, INDEXES, FINGERPRINT)]
        # Thousands of tables take a while to build, during which the other connections are to answer.
        return await anyio.to_thread.run_sync(catalog_of, found)

    async def fingerprint(self) -> str:
        async with self._reading() as read:
            return cast("str", (await read(VISIBLE + FINGERPRINT))[0]["fingerprint"])

    async def ping(self) -> ServerInfo:
        async with self._reading() as read:
            version = cast("str", (await read("select version()"))[0][0])
        return ServerInfo(version=" ".join(version.split()[:2]))

    async def login(self) -> Login:
        async with self._reading() as read:
            return login_of((await read(LOGIN))[0])

    async def close(self) -> None:
        await self._sessions.close()

    @asynccontextmanager
    async def _reading(self) -> "AsyncGenerator[Callable[[str], Awaitable[list[Record]]]]":
        """Read our own queries from one snapshot."""
        seconds = self._limits.max_seconds
        deadline = Deadline(seconds)
        async with self._transaction(_begin("ISOLATION LEVEL REPEATABLE READ, READ ONLY", seconds), seconds) as session:

            async def read(sql: str) -> "list[Record]":
                with watched(sql, deadline, session.connection):
                    return await session.connection.fetch(sql)

            yield read

    def _transaction(self, begin: str, seconds: float) -> "AbstractAsyncContextManager[Session]":
        """Lend a connection inside a transaction; it is rolled back in any case, or the connection given up."""

        async def start(session: Session) -> None:
            with watched(begin, Deadline(min(seconds, self._limits.connect)), session.connection):
                await session.connection.execute(begin)

        return self._sessions.lend(start)


def _begin(mode: str, seconds: float) -> str:
    # One message of the simple protocol, and the only text that travels so: it takes several statements.
    return f"BEGIN {mode}; SET LOCAL statement_timeout = {max(1, round(seconds * 1_000))}"


class Session:
    """A driver connection and the statements prepared on it."""

    def __init__(self, connection: "Connection[Record]") -> None:
        self.connection = connection
        self.spoilt = False
        self._prepared: dict[str, tuple[PreparedStatement[Record], tuple[ResultColumn, ...]]] = {}

    async def prepare(self, text: str) -> "tuple[PreparedStatement[Record], tuple[ResultColumn, ...]]":
        prepared = self._prepared.pop(text, None)
        if prepared is None:
            statement = await self.connection.prepare(text)
            prepared = statement, tuple(map(result_column, statement.get_attributes()))
        if len(text) <= LONGEST_KEPT:
            self._prepared[text] = prepared
        if len(self._prepared) > STATEMENTS:
            del self._prepared[next(iter(self._prepared))]
        return prepared

    def forget(self, text: str) -> None:
        self._prepared.pop(text, None)

    @property
    def alive(self) -> bool:
        return not self.connection.is_closed()

    async def end(self, patience: float) -> None:
        clean = False
        try:
            if self.alive:
                # After a cancellation this waits for the server to have stopped the statement.
                with anyio.move_on_after(patience), suppress(Exception):
                    await self.connection.execute(ROLLBACK)
                    clean = not self.connection.is_in_transaction()
        finally:
            if self.spoilt or not clean:
                self.connection.terminate()

    async def close(self) -> None:
        await self.connection.close()

    def terminate(self) -> None:
        self.connection.terminate()


class PostgresCursor:
    """One statement; its first rows are read when it starts, so that its errors come at once."""

    def __init__(self, session: Session, text: str, deadline: Deadline, rows: int) -> None:
        self._session = session
        self._text = text
        self._deadline = deadline
        self._left = rows + 1
        self._rows: list[tuple[object, ...]] = []
        self._complete = False
        self._statement: PreparedStatement[Record] | None = None
        self.columns: tuple[ResultColumn, ...] = ()

    async def start(self, begin: str) -> None:
        from asyncpg import InvalidCachedStatementError

        with watched(self._text, self._deadline, self._session.connection):
            try:
                await self._execute()
            except InvalidCachedStatementError:
                # A table changed under a kept statement; no row has gone out, so it may simply start over.
                await self._session.connection.execute(f"ROLLBACK; {begin}")
                await self._execute()

    async def batches(self) -> AsyncIterator[list[tuple[object, ...]]]:
        while self._rows and self.columns:
            self._left -= len(self._rows)
            yield self._rows
            if self._complete or self._left <= 0:
                return
            with watched(self._text, self._deadline, self._session.connection):
                await self._fetch(first=False)

    async def _execute(self) -> None:
        try:
            self._statement, self.columns = await self._session.prepare(self._text)
            await self._fetch(first=True)
        except BaseException:
            self._session.forget(self._text)
            raise

    async def _fetch(self, *, first: bool) -> None:
        # asyncpg's own cursors name their portal, and so need one more round trip to bind or to close it.
        protocol = self._session.connection._protocol  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
        state = cast("PreparedStatement[Record]", self._statement)._state  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
        most = min(BATCH, self._left)
        if first:
            records, tag, complete = await protocol.bind_execute(state, (), "", most, True, None)  # noqa: FBT003 - asyncpg's
        else:
            records, tag, complete = await protocol.execute(state, "", most, True, None)  # noqa: FBT003 - asyncpg's
        self._rows, self._complete = list(map(tuple, records)), bool(complete)
        if self._complete and tag.decode().partition(" ")[0] not in READING:
            self._session.spoilt = True
