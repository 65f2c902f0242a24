"""A scripted stand-in for the connections and cursors of python-oracledb, typed by the driver's own FetchInfo.

It knows no SQL: a test says what an answer is. What it proves is the adapter; of the driver and of Oracle, nothing.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import oracledb
from oracledb import errors

Row = tuple[Any, ...]


def info(name: str, kind: str, precision: int = 0, scale: int = 0, **more: object) -> oracledb.FetchInfo:
    """Describe a column as the server would."""
    dbtype = getattr(oracledb, f"DB_TYPE_{kind}")
    known: dict[str, object] = {"max_size": 0, "buffer_size": 0, "nulls_allowed": True, "is_json": False}
    known |= {"is_oson": False, "objtype": None}
    impl = SimpleNamespace(name=name, dbtype=dbtype, precision=precision, scale=scale, **{**known, **more})
    return oracledb.FetchInfo._from_impl(impl)  # pyright: ignore[reportPrivateUsage, reportUnknownMemberType] - the only way


def error(text: str, offset: int = 0) -> Exception:
    """Raise what the driver raises for an ORA or DPY message."""
    code = int(text[4:9]) if text.startswith("ORA-") else 0
    made = errors._Error(text, code=code, offset=offset)  # pyright: ignore[reportPrivateUsage] - the only way
    return made.exc_type(made)


@dataclass(slots=True)
class Answer:
    """What an execute of a statement leads to."""

    columns: Sequence[oracledb.FetchInfo] = ()
    rows: Sequence[Row] = ()
    fails: Exception | None = None
    fails_later: Exception | None = None
    """In the fetch after the first rows."""
    runs: bool = False
    """Until somebody breaks it off."""
    deaf: bool = False
    """To being broken off."""


@dataclass(slots=True)
class Server:
    """What a test says of the database, and what the connections to it have been told."""

    answers: dict[str, Answer] = field(default_factory=dict[str, Answer])
    said: list[str] = field(default_factory=list[str])
    connections: "list[Connection]" = field(default_factory=list["Connection"])
    dead: bool = False
    """Hangs up at every word."""

    async def connect(self) -> "Connection":
        self.connections.append(Connection(self))
        return self.connections[-1]


class Connection:
    """AsyncConnection, as far as it is used."""

    version = "23.9.0.25.7"

    def __init__(self, server: Server) -> None:
        self.server = server
        self.call_timeout = 0
        self.timeouts: list[int] = []
        self.healthy = True
        self.dies = False
        self.closed = False
        self.running: asyncio.Event | None = None
        self.broken_off = False
        self.deaf = False

    def is_healthy(self) -> bool:
        return self.healthy and not self.closed

    def cursor(self) -> "Cursor":
        return Cursor(self)

    async def told(self, text: str) -> None:
        self.server.said.append(text)
        self.timeouts.append(self.call_timeout)
        await asyncio.sleep(0)
        if self.server.dead or self.dies:
            self.healthy = False
            raise error("DPY-4011: the database or network closed the connection")

    async def execute(self, statement: str) -> None:
        await self.told(statement)

    async def rollback(self) -> None:
        await self.told("ROLLBACK")

    async def ping(self) -> None:
        await self.told("PING")

    async def close(self) -> None:
        self.closed = True
        self.server.said.append("CLOSE")

    def cancel(self) -> None:
        self.server.said.append("BREAK")
        self.broken_off = True
        if self.running is not None and not self.deaf:
            self.running.set()

    async def run(self, answer: Answer) -> None:
        """Work until broken off, or until the time limit that was set for the call."""
        self.running, self.deaf = asyncio.Event(), answer.deaf
        limit = self.call_timeout / 1_000 if self.call_timeout and not answer.deaf else None
        try:
            await asyncio.wait_for(self.running.wait(), limit)
        except TimeoutError:
            raise error(f"DPY-4024: call timeout of {self.call_timeout} ms exceeded") from None
        raise error("ORA-01013: user requested cancel of current operation")


class Cursor:
    """AsyncCursor, as far as it is used."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.arraysize = self.prefetchrows = 0
        self.outputtypehandler: Callable[..., Any] | None = None
        self.description: Sequence[oracledb.FetchInfo] | None = None
        self.asked: dict[str, object] = {}
        self.wanted: list[tuple[object, int]] = []
        self.sizes: list[int] = []
        self.closed = False
        self.answer = Answer()
        self.left: list[Row] = []
        self.connection_cursors().append(self)

    def connection_cursors(self) -> "list[Cursor]":
        return self.connection.__dict__.setdefault("cursors", [])

    def var(self, typ: object, size: int = 0, arraysize: int = 1) -> object:
        assert arraysize > 0
        self.wanted.append((typ, size))
        return object()

    async def execute(self, statement: str, **asked: object) -> None:
        self.asked = asked
        await self.connection.told(statement)
        self.answer = answer = self.connection.server.answers.get(statement, Answer())
        if answer.runs:
            await self.connection.run(answer)
        if answer.fails is not None:
            raise answer.fails
        self.description = list(answer.columns)
        for column in answer.columns:
            if self.outputtypehandler is not None:
                self.outputtypehandler(self, column)
        self.left = list(answer.rows)

    async def fetchmany(self, size: int) -> list[Row]:
        await asyncio.sleep(0)
        if self.sizes and self.answer.fails_later is not None:
            raise self.answer.fails_later
        assert self.arraysize <= size
        self.sizes.append(size)
        got, self.left = self.left[:size], self.left[size:]
        return got

    async def fetchall(self) -> list[Row]:
        await asyncio.sleep(0)
        got, self.left = self.left, []
        return got

    def close(self) -> None:
        self.closed = True
