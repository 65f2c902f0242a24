"""Running statements: each in a read-only transaction of its own, on connections kept for the next."""

import re
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import TYPE_CHECKING, Final

import anyio
import anyio.to_thread

from ...model import Catalog, Judged, Limits, Login, ResultColumn, ServerInfo
from ..base import Cursor
from ..base.deadline import Deadline
from ..base.sessions import Sessions
from .catalog import Queries, Rows, catalog_of
from .login import Grants, login_of, using
from .statements import LOCK_SECONDS, watched
from .values import result_column

if TYPE_CHECKING:
    from .wire import Wire

BATCH: Final = 1_000
ALL: Final = 2**64 - 1
"""No limit of rows, in MySQL's words."""

REPEAT: Final = 0.03
"""Seconds between attempts to stop a statement: one that comes before the server has read the statement is lost."""

VERSION: Final = re.compile(r"(?:5\.5\.5-)?((\d+)\.(\d+)[\d.]*)")
"""The version in a server's greeting; MariaDB before 11 puts the one that old replicas expect in front."""


class Server:
    """What the greeting says of a server, and the words that differ between MySQL and MariaDB."""

    def __init__(self, greeting: str) -> None:
        found = VERSION.match(greeting)
        self.number, major, minor = found.groups() if found else ("", "0", "0")
        self.is_mariadb = "mariadb" in greeting.casefold()
        self.name = "MariaDB" if self.is_mariadb else "MySQL"
        since = (int(major), int(minor))
        # The mode decides how a text is read (ANSI_QUOTES, NO_BACKSLASH_ESCAPES, ORACLE): the guard has to know it.
        # Grouping stays as each of the two has it.
        mode = "" if self.is_mariadb else "ONLY_FULL_GROUP_BY"
        read_only = "tx_read_only" if self.is_mariadb and since < (11, 1) else "transaction_read_only"
        self.limit = "max_statement_time" if self.is_mariadb else "max_execution_time"
        self.has_roles = self.is_mariadb or since >= (8, 0)
        self.has_expressions = not self.is_mariadb and since >= (8, 0)
        self._settings = (
            f"SET NAMES utf8mb4, sql_mode = '{mode}', time_zone = '+00:00', group_concat_max_len = 1048576,"
            f" lock_wait_timeout = {LOCK_SECONDS}, innodb_lock_wait_timeout = {LOCK_SECONDS},"
            f" autocommit = 0, {read_only} = 1"
        )

    def begin(self, seconds: float, rows: int) -> bytes:
        """Return what begins a read-only transaction, and makes the session what the statement is to find.

        Without autocommit the statement begins one by itself, and it is read-only as all of this session's are: also
        the one that a procedure begins when it has committed this one, which START TRANSACTION READ ONLY would not
        cover. So it needs no round trip of its own.
        """
        limit = f"{max(seconds, 0.001):.3f}" if self.is_mariadb else f"{max(1, round(seconds * 1_000))}"
        return f"{self._settings}, sql_select_limit = {rows}, {self.limit} = {limit}".encode()


class MysqlClient:
    """Connections to one database, opened as statements need them and kept for the next."""

    def __init__(self, connect: "Callable[..., Awaitable[Wire]]", first: "Wire", limits: Limits) -> None:
        async def session() -> Session:
            return Session(await connect(), connect)

        self._limits = limits
        self._server = Server(first.server_version)
        self._database = first.database or ""
        self._queries = Queries(first.database, has_expressions=self._server.has_expressions)
        self._sessions = Sessions(session, Session(first, connect), limits)

    @asynccontextmanager
    async def run(self, statement: Judged, *, rows: int, seconds: float) -> AsyncGenerator[Cursor]:
        async with self._transaction(rows + 1, seconds) as session:
            cursor = MysqlCursor(session.wire, Deadline(seconds), rows)
            await cursor.start(statement.text)
            yield cursor

    async def catalog(self) -> Catalog:
        async with self._reading() as read:
            found = [await read(sql) for sql in self._queries.everything]
        # Thousands of tables take a while to build, during which the other connections are to answer.
        return await anyio.to_thread.run_sync(catalog_of, found)

    async def fingerprint(self) -> str:
        async with self._reading() as read:
            return str((await read(self._queries.fingerprint))[0][0])

    async def ping(self) -> ServerInfo:
        async with self._reading() as read:
            await read("select 1")
        return ServerInfo(version=f"{self._server.name} {self._server.number}")

    async def login(self) -> Login:
        role = "current_role()" if self._server.has_roles else "null"
        async with self._reading() as read:
            ((name, active),) = await read(f"select current_user(), {role}")
            lines = [str(line) for (line,) in await read("show grants")]
            roles = Grants.of(lines).roles
            if roles and not self._server.is_mariadb:
                lines = [str(line) for (line,) in await read(using(roles))]
                roles = []
        beside = [each for each in roles if each.strip("`") != active]
        return login_of(str(name), self._database, lines, beside)

    async def close(self) -> None:
        await self._sessions.close()

    @asynccontextmanager
    async def _reading(self) -> AsyncGenerator[Callable[[str], Awaitable[Rows]]]:
        """Run our own queries."""
        seconds = self._limits.max_seconds
        deadline = Deadline(seconds)
        async with self._transaction(ALL, seconds) as session:

            async def read(sql: str) -> Rows:
                rows: Rows = []
                with watched(deadline, session.wire):
                    await session.wire.start(sql.encode())
                    while batch := await session.wire.fetch(BATCH):
                        rows += batch
                return rows

            yield read

    def _transaction(self, rows: int, seconds: float) -> "AbstractAsyncContextManager[Session]":
        """Lend a connection ready for a statement; it is rolled back and reset in any case, or given up."""

        async def start(session: Session) -> None:
            with watched(Deadline(min(seconds, self._limits.connect)), session.wire):
                await session.wire.settle(self._server.begin(seconds, rows))

        return self._sessions.lend(start)


class Session:
    """A connection, and the way to another one that can stop what it runs."""

    def __init__(self, wire: "Wire", connect: "Callable[[Wire], Awaitable[Wire]]") -> None:
        self.wire = wire
        self._connect = connect

    @property
    def alive(self) -> bool:
        return not self.wire.lost

    async def end(self, patience: float) -> None:
        clean = False
        try:
            with anyio.move_on_after(patience), suppress(Exception):
                if self.wire.abandoned:
                    await self._stop()
                if self.wire.spoilt and not self.wire.running:
                    await self.wire.ensure_closed()
                elif not self.wire.running and self.alive:
                    await self.wire.reset()
                    clean = True
        finally:
            if not clean:
                self.terminate()

    async def _stop(self) -> None:
        killer = await self._connect(self.wire)
        try:
            await killer.settle(b"KILL QUERY %d" % self.wire.thread_id())
            while self.wire.running and self.wire.readable:
                with anyio.move_on_after(REPEAT):
                    await self.wire.drain()
                if self.wire.running:
                    await killer.settle(b"KILL QUERY %d" % self.wire.thread_id())
            await killer.ensure_closed()
        finally:
            killer.close()

    async def close(self) -> None:
        await self.wire.ensure_closed()

    def terminate(self) -> None:
        self.wire.close()


class MysqlCursor:
    """One statement; its first rows are read when it starts, so that its errors come at once."""

    def __init__(self, wire: "Wire", deadline: Deadline, rows: int) -> None:
        self._wire = wire
        self._deadline = deadline
        self._left = rows + 1
        self._rows: list[tuple[object, ...]] = []
        self.columns: tuple[ResultColumn, ...] = ()

    async def start(self, text: str) -> None:
        with watched(self._deadline, self._wire):
            fields = await self._wire.start(text.encode())
            self.columns = tuple(map(result_column, fields))
            await self._fetch()

    async def batches(self) -> AsyncIterator[list[tuple[object, ...]]]:
        while self._rows:
            self._left -= len(self._rows)
            yield self._rows
            if self._left <= 0:
                return
            with watched(self._deadline, self._wire):
                await self._fetch()

    async def _fetch(self) -> None:
        self._rows = await self._wire.fetch(min(BATCH, self._left))
        self._wire.pause()
