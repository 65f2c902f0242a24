import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from decimal import Decimal

import anyio
import pytest
from colonnade.server.audit import Audit
from colonnade.server.config import Connection
from colonnade.server.engines import ENGINES
from colonnade.server.engines.base import codecs
from colonnade.server.errors import AuthFailed, BadArgument, ColonnadeError, ConnectionLost, Refused, SqlError
from colonnade.server.executor import Executor
from colonnade.server.keys import ConnectionKey
from colonnade.server.model import Caller, Catalog, Judged, Limits, Login, ResultColumn, ServerInfo
from colonnade.server.pool import Pool

CALLER = Caller("ann", "tester", "memory")
Rows = list[tuple[object, ...]]


class FakeCursor:
    def __init__(self, columns: Sequence[ResultColumn], rows: Rows, batch: int) -> None:
        self.columns = tuple(columns)
        self._rows = rows
        self._batch = batch
        self.read = 0

    async def batches(self) -> AsyncIterator[Rows]:
        for begin in range(0, len(self._rows), self._batch):
            self.read += 1
            yield self._rows[begin : begin + self._batch]


class FakeClient:
    """Plays back rows, or raises what it is given, one outcome for each run."""

    def __init__(self, *outcomes: Rows | Exception, columns: Sequence[ResultColumn] = (), batch: int = 100) -> None:
        self._outcomes = list(outcomes)
        self._columns = columns
        self._batch = batch
        self.asked: list[tuple[str, int, float]] = []
        self.cursors: list[FakeCursor] = []

    @asynccontextmanager
    async def run(self, statement: Judged, *, rows: int, seconds: float) -> AsyncGenerator[FakeCursor]:
        self.asked.append((statement.text, rows, seconds))
        outcome = self._outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        cursor = FakeCursor(self._columns, outcome[: rows + 1], self._batch)
        self.cursors.append(cursor)
        yield cursor

    async def catalog(self) -> Catalog:
        raise AssertionError

    async def fingerprint(self) -> str:
        raise AssertionError

    async def ping(self) -> ServerInfo:
        raise AssertionError

    async def login(self) -> Login:
        return Login("reader")

    async def close(self) -> None:
        pass


def connection(limits: Limits | None = None) -> Connection:
    kind = ENGINES[0].type  # only its dialect counts here
    key = ConnectionKey("Sales", "crm")
    return Connection(key, "i", kind, "", "", "", (), True, limits or Limits(), None, None, "e")  # noqa: FBT003


@asynccontextmanager
async def executor(client: FakeClient) -> AsyncGenerator[Executor]:
    async def build(_connection: Connection, _identity: str) -> FakeClient:
        return client

    failure: Exception | None = None
    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            try:
                yield Executor(Pool(tasks, build), Audit())
            except Exception as error:  # noqa: BLE001 - raised again outside of the task group
                failure = error
            tasks.cancel_scope.cancel()
    if failure is not None:
        raise failure


def column(name: str, codec: Callable[[object], codecs.Cell] | None = None) -> ResultColumn:
    return ResultColumn(name, "type", codec)


async def test_codecs_turn_each_column_and_leave_null_alone() -> None:
    columns = [column("a", codecs.decimal), column("b"), column("c", codecs.integer)]
    client = FakeClient([(Decimal("1.10"), "x", 2**60), (None, None, None)], columns=columns)
    async with executor(client) as run:
        result = await run.run(CALLER, connection(), "select 1")
    assert list(result.rows) == [("1.10", "x", str(2**60)), (None, None, None)]
    assert result.cut is None


async def test_more_rows_than_the_limit_are_cut_and_said() -> None:
    client = FakeClient([(n,) for n in range(500)], columns=[column("n")])
    async with executor(client) as run:
        result = await run.run(CALLER, connection(Limits(rows=200)), "select 1")
    assert len(result.rows) == 200
    assert result.cut == "200 rows"


async def test_exactly_as_many_rows_as_the_limit_are_all() -> None:
    client = FakeClient([(n,) for n in range(200)], columns=[column("n")])
    async with executor(client) as run:
        result = await run.run(CALLER, connection(), "select 1", rows=200)
    assert len(result.rows) == 200
    assert result.cut is None


async def test_a_result_over_the_byte_limit_stops_reading_and_says_so() -> None:
    client = FakeClient([("x" * 100,) for _ in range(5_000)], columns=[column("t")], batch=100)
    async with executor(client) as run:
        result = await run.run(CALLER, connection(Limits(bytes=30_000)), "select 1", rows=5_000)
    assert result.cut == "30,000 bytes"
    assert 250 <= len(result.rows) <= 300
    assert client.cursors[0].read <= 4, "the rest is not read"


@pytest.mark.parametrize("batch", [1, 3, 100])
async def test_a_result_that_just_fits_is_whole(batch: int) -> None:
    rows: Rows = [("x" * 95,) for _ in range(10)]
    client = FakeClient(rows, rows, columns=[column("t")], batch=batch)
    async with executor(client) as run:
        exact = 1 + 10 * (len('["') + 95 + len('"]') + 1)
        whole = await run.run(CALLER, connection(Limits(bytes=exact + 1)), "select 1")
        cut = await run.run(CALLER, connection(Limits(bytes=exact - 1)), "select 1")
    assert (len(whole.rows), whole.cut) == (10, None)
    assert len(cut.rows) == 9
    assert cut.cut is not None


async def test_a_long_text_is_cut_where_the_answer_would_not_fit_and_says_so() -> None:
    client = FakeClient([("x" * 100_000, 1), ("short", 2)], columns=[column("t"), column("n")])
    async with executor(client) as run:
        result = await run.run(CALLER, connection(), "select 1")
    assert list(result.rows) == [("x" * 2_000 + "… (+98,000 characters)", 1), ("short", 2)]
    assert result.cut is None
    assert result.told == "texts cut at 2,000 characters: 1; select parts of them"


async def test_a_row_that_does_not_fit_even_so_gives_no_row_and_the_reason() -> None:
    client = FakeClient([tuple("x" * 100_000 for _ in range(20))], columns=[column(f"t{n}") for n in range(20)])
    async with executor(client) as run:
        result = await run.run(CALLER, connection(), "select 1")
    assert (list(result.rows), result.cut) == ([], "30,000 bytes")


async def test_what_cannot_be_seen_is_written_out_and_told() -> None:
    client = FakeClient([("pay\u202e me",), ("plain",)], columns=[column("t")])
    async with executor(client) as run:
        result = await run.run(CALLER, connection(), "select 1")
    assert list(result.rows) == [("pay\\u202e me",), ("plain",)]
    assert result.told == "cells with characters that cannot be seen, written as \\uXXXX: 1"


async def test_a_broken_connection_is_healed_once_without_an_error() -> None:
    client = FakeClient(ConnectionLost("It broke."), [(1,)], columns=[column("n")])
    async with executor(client) as run:
        result = await run.run(CALLER, connection(), "select 1")
    assert list(result.rows) == [(1,)]
    assert len(client.asked) == 2


async def test_a_connection_that_breaks_twice_is_told_with_its_key_and_type() -> None:
    client = FakeClient(ConnectionLost("It broke."), ConnectionLost("It broke again."))
    async with executor(client) as run:
        with pytest.raises(ConnectionLost, match=r'"Sales:crm" \(\w+\): It broke again') as caught:
            await run.run(CALLER, connection(), "select 1")
    assert caught.value.payload()["retryable"]


async def test_a_login_that_expired_is_renewed_without_an_error() -> None:
    client = FakeClient(AuthFailed("The token has expired."), [(1,)], columns=[column("n")])
    async with executor(client) as run:
        result = await run.run(CALLER, connection(), "select 1")
    assert list(result.rows) == [(1,)]
    assert len(client.asked) == 2


async def test_a_login_refused_twice_is_told_with_its_key_and_type() -> None:
    client = FakeClient(AuthFailed("Expired."), AuthFailed("Refused."), [(1,)])
    async with executor(client) as run:
        with pytest.raises(AuthFailed, match=r'"Sales:crm" \(\w+\): Refused'):
            await run.run(CALLER, connection(), "select 1")
    assert len(client.asked) == 2


@pytest.mark.parametrize(("rows", "seconds"), [(10_001, None), (0, None), (-1, None), (None, 301.0), (None, 0.0)])
async def test_asking_for_more_than_the_connection_allows_is_refused_with_the_most(
    rows: int | None, seconds: float | None
) -> None:
    client = FakeClient()
    async with executor(client) as run:
        with pytest.raises(BadArgument, match="Use at most"):
            await run.run(CALLER, connection(), "select 1", rows=rows, seconds=seconds)
    assert client.asked == []


async def test_a_refusal_reaches_no_database() -> None:
    client = FakeClient()
    async with executor(client) as run:
        with pytest.raises(Refused):
            await run.run(CALLER, connection(), "select 1; select 2")
    assert client.asked == []


async def test_an_error_of_the_statement_says_where_to_look() -> None:
    client = FakeClient(SqlError("no such table: x."))
    async with executor(client) as run:
        with pytest.raises(SqlError) as caught:
            await run.run(CALLER, connection(), "select * from x")
    assert 'describe_tables(connection="Sales:crm"' in str(caught.value)


@pytest.mark.parametrize("outcome", [[(1,)], SqlError("no"), "cancelled"])
async def test_every_statement_is_asked_and_ended_with_key_type_and_outcome(
    outcome: Rows | ColonnadeError | str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "colonnade.audit")
    client = FakeClient(outcome if not isinstance(outcome, str) else RuntimeError(), columns=[column("n")])
    async with executor(client) as run:
        if outcome == "cancelled":
            with anyio.CancelScope() as scope:
                scope.cancel()
                await run.run(CALLER, connection(), "select 'secret text'")
        else:
            with suppress(SqlError):
                await run.run(CALLER, connection(), "select 'secret text'")
    asked, ended = [record.getMessage() for record in caplog.records]
    assert asked.startswith('asked 1 key="Sales:crm" type=')
    assert "caller=ann client=tester" in asked
    told = "ok" if isinstance(outcome, list) else "cancelled" if isinstance(outcome, str) else "sql_error"
    assert f"outcome={told}" in ended
    assert "secret text" not in asked + ended
