"""Running statements, each in a transaction of its own that is rolled back."""

import math
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final, TypeVar, cast

from ....model import Judged, Limits, ResultColumn
from .. import Cursor
from ..deadline import Deadline
from ..sessions import Sessions
from ..single import refuse_several
from .errors import explained
from .native import SQL_QUERY_TIMEOUT, Described, described, set_attribute
from .sessions import OdbcSession

if TYPE_CHECKING:
    import pyodbc

T = TypeVar("T")

BATCH: Final = 1_000


class OdbcClient:
    """Connections to one data source, opened as statements need them and kept for the next."""

    def __init__(
        self,
        connect: Callable[[], Awaitable[OdbcSession]],
        first: OdbcSession,
        limits: Limits,
        column: Callable[[Described], ResultColumn],
    ) -> None:
        self._sessions = Sessions(connect, first, limits)
        self._limits = limits
        self._column = column

    @asynccontextmanager
    async def run(self, statement: Judged, *, rows: int, seconds: float) -> AsyncGenerator[Cursor]:
        refuse_several(statement.text)
        deadline = Deadline(seconds)
        async with self._sessions.lend(self._begin(seconds)) as session:
            cursor = OdbcCursor(session, deadline, rows, self._column)
            await cursor.start(statement.text)
            yield cursor

    async def close(self) -> None:
        await self._sessions.close()

    async def read(self, work: "Callable[[pyodbc.Cursor], T]") -> T:
        """Do our own reading in a transaction of its own, and the work on what was read too: it is a thread."""
        deadline = Deadline(self._limits.max_seconds)
        async with self._sessions.lend(self._begin(self._limits.max_seconds)) as session:
            with explained(deadline):
                return await session.work(lambda: work(session.open_cursor()), deadline)

    def _begin(self, seconds: float) -> Callable[[OdbcSession], Awaitable[None]]:
        async def begin(session: OdbcSession) -> None:
            await session.probe(Deadline(min(seconds, self._limits.connect)))

        return begin


class OdbcCursor:
    """One statement; its first rows are read when it starts, so that its errors come at once."""

    def __init__(
        self, session: OdbcSession, deadline: Deadline, rows: int, column: Callable[[Described], ResultColumn]
    ) -> None:
        self._session = session
        self._deadline = deadline
        self._left = rows + 1
        self._column = column
        self._rows: list[tuple[object, ...]] = []
        self.columns: tuple[ResultColumn, ...] = ()

    async def start(self, text: str) -> None:
        def execute() -> "tuple[list[Described], list[tuple[object, ...]]]":
            cursor = self._session.open_cursor()
            set_attribute(cursor, SQL_QUERY_TIMEOUT, math.ceil(self._deadline.seconds) + 1)
            cursor.execute(text)
            if not cast("object", cursor.description):
                return [], []
            return described(cursor), self._fetch(cursor)

        with explained(self._deadline):
            found, self._rows = await self._session.work(execute, self._deadline)
        self.columns = tuple(map(self._column, found))

    async def batches(self) -> AsyncIterator[list[tuple[object, ...]]]:
        while self._rows:
            count = len(self._rows)
            last = count < min(BATCH, self._left)
            self._left -= count
            yield self._rows
            if last or self._left <= 0:
                return
            with explained(self._deadline):
                self._rows = await self._session.work(self._next, self._deadline)

    def _next(self) -> list[tuple[object, ...]]:
        return self._fetch(cast("pyodbc.Cursor", self._session.cursor))

    def _fetch(self, cursor: "pyodbc.Cursor") -> list[tuple[object, ...]]:
        return list(map(tuple, cursor.fetchmany(min(BATCH, self._left))))
