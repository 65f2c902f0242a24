"""The one path of every statement: audit, guard, place, client, cursor, codecs, caps, audit."""

from collections.abc import Sequence
from typing import Final

import anyio
from pydantic_core import to_json

from .audit import Audit
from .config import Connection
from .engines import load
from .engines.base import Client, Cursor
from .errors import BadArgument, ColonnadeError, ConnectionLost, SqlError
from .guard import Policy, judge
from .model import Caller, Cell, Judged, Result, ResultColumn
from .pool import Pool, identity_of
from .render.cells import LONGEST, hides, shortened, shown

ATTEMPTS: Final = 2
"""A statement that only reads is sent once more when its connection broke before anything was answered."""

Collected = tuple[Sequence[Sequence[Cell]], str | None, str | None]
"""Rows, why there are not all, and what was done to cells that could not be shown as they are."""

Found = tuple[tuple[ResultColumn, ...], Sequence[Sequence[Cell]], str | None, str | None]
"""Columns, and what was collected."""


class Executor:
    """Runs statements; the only caller of the guard and of `Client.run`."""

    def __init__(self, pool: Pool, audit: Audit) -> None:
        self._pool = pool
        self._audit = audit

    async def run(
        self, caller: Caller, connection: Connection, sql: str, *, rows: int | None = None, seconds: float | None = None
    ) -> Result:
        """Run one statement that only reads and return its first rows, exact and within all limits.

        `rows` and `seconds` default to the connection's limits and may not exceed its `max_rows` and `max_seconds`.
        Raises every error of ColonnadeError's tree but those about configuration text, with the connection named.
        """
        asked = self._audit.asked(caller, connection.key, connection.type, sql)
        outcome, count = "internal", 0
        try:
            limits = connection.limits
            most = int(_within("limit", rows, limits.rows, limits.max_rows))
            longest = _within("seconds", seconds, limits.seconds, limits.max_seconds)
            policy = Policy(connection.allow_functions, connection.allow_files)
            judged = judge(sql, load(connection.type).dialect, policy)
            identity = identity_of(connection, caller)
            columns, found, cut, told = await self._attempt(connection, identity, judged, most, longest)
            outcome, count = "ok", len(found)
        except ColonnadeError as error:
            outcome = error.code
            if isinstance(error, SqlError) and not error.hint:
                error.hint = f'Next: describe_tables(connection="{connection.key}", detail="gist").'
            raise error.at(str(connection.key), connection.type) from None
        except anyio.get_cancelled_exc_class():
            outcome = "cancelled"
            raise
        finally:
            elapsed = self._audit.ended(asked, outcome, count)
        return Result(columns, found, cut, elapsed, told)

    async def _attempt(self, connection: Connection, identity: str, judged: Judged, rows: int, seconds: float) -> Found:
        async def work(client: Client) -> Found:
            async with client.run(judged, rows=rows, seconds=seconds) as cursor:
                return cursor.columns, *await _collect(cursor, rows, connection.limits.bytes)

        attempt = 1
        while True:
            try:
                return await self._pool.use(connection, identity, work)
            except ConnectionLost:
                if attempt == ATTEMPTS:
                    raise
                attempt += 1


def _within(name: str, asked: float | None, default: float, most: float) -> float:
    if asked is None:
        return min(default, most)
    if not 0 < asked <= most:
        raise BadArgument(f"{name}={asked:g} is out of range.", hint=f"Use at most {most:g} on this connection.")
    return asked


async def _collect(cursor: Cursor, rows: int, size: int) -> Collected:
    """Read at most `rows` rows and `size` bytes of JSON."""
    found: Sequence[Sequence[Cell]] = []
    used, hidden, cut = 2, 0, 0
    async for batch in cursor.batches():
        encoded = _encode(cursor.columns, batch)
        json = to_json(encoded)
        if hides(json):
            encoded, count = shown(encoded)
            hidden += count
        used += len(json) - 1
        found = [*found, *encoded]
        if used > size:
            # A long text must not cost all rows.
            found, count = shortened(found)
            cut += count
            used = len(to_json(found))
        if used > size:
            kept = _fitting(found[:rows], size)
            return kept, f"{rows:,} rows" if len(kept) == rows else f"{size:,} bytes", _told(hidden, cut)
    return found[:rows], f"{rows:,} rows" if len(found) > rows else None, _told(hidden, cut)


def _told(hidden: int, cut: int) -> str | None:
    said = [
        f"cells with characters that cannot be seen, written as \\uXXXX: {hidden:,}" if hidden else "",
        f"texts cut at {LONGEST:,} characters: {cut:,}; select parts of them" if cut else "",
    ]
    return "; ".join(filter(None, said)) or None


def _encode(columns: tuple[ResultColumn, ...], batch: list[tuple[object, ...]]) -> list[tuple[Cell, ...]]:
    """Apply the codecs, column by column."""
    coded = [(position, column.codec) for position, column in enumerate(columns) if column.codec is not None]
    if not coded:
        return batch  # pyright: ignore[reportReturnType] - no codec means that the driver's values are cells
    turned: list[Sequence[object]] = list(zip(*batch, strict=True))
    for position, codec in coded:
        turned[position] = [None if value is None else codec(value) for value in turned[position]]
    return list(zip(*turned, strict=True))  # pyright: ignore[reportReturnType] - what is left uncoded is cells


def _fitting(rows: Sequence[Sequence[Cell]], size: int) -> Sequence[Sequence[Cell]]:
    used = 2
    for position, row in enumerate(rows):
        used += len(to_json(row)) + 1
        if used > size:
            return rows[:position]
    return rows
