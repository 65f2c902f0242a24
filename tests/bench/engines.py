"""What an adapter costs beside its bare driver, and a catalog beside SQLAlchemy's reflection, measured in turns.

    python -m tests.bench.engines [--repetitions N] [--tables N] [--json]

Rows: 10,000 rows of 10 columns through `Client.run` in raw batches, then with the codecs of the executor, beside
the fetch of the driver as it comes. Catalog: tables of 15 columns in 10 schemas, all keys and indexes, read by
`Client.catalog`, by `Client.fingerprint`, and by the `get_multi_*` methods of SQLAlchemy's Inspector.
"""

import argparse
import json
import shutil
import sqlite3
import statistics
import sys
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib import import_module
from itertools import starmap
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, cast

import anyio
import anyio.to_thread
from colonnade.server.engines.base import Client
from colonnade.server.executor import _encode  # pyright: ignore[reportPrivateUsage] - what is measured

from tests.conftest import engine_file
from tests.contract.case import Case, opened, unguarded

ROWS: Final = 10_000
QUERY: Final = "select * from wide"
MOST: Final = 1.3
"""Raw batches may cost this much more than the bare driver's fetch."""
REFLECTION: Final = 0.25
"""A catalog may cost this much of SQLAlchemy's reflection, and a fingerprint of a catalog."""
COLUMNS: Final = 15

Fetch = Callable[[], Awaitable[int]]

SEEDS: Final[Mapping[str, str]] = {
    "postgres": f"""create table wide as select g::int4 as a, g::int8 * 1000003 as b, (g / 7.0)::numeric(12, 2) as c,
        'name ' || g as d, case when g % 3 > 0 then 'note ' || g end as e, g % 2 = 0 as f,
        date '2020-01-01' + g % 1000 as g, timestamp '2020-01-01' + g * interval '1 minute' as h, g / 3.0::float8 as i,
        md5(g::text) as j from generate_series(1, {ROWS}) g""",
    "mysql": f"""create table wide as select cast(seq as int) as a, cast(seq * 1000003 as int) as b,
        cast(seq / 7 as decimal(12, 2)) as c, concat('name ', seq) as d,
        if(seq % 3 > 0, concat('note ', seq), null) as e,
        seq % 2 = 0 as f, date '2020-01-01' + interval seq % 1000 day as g,
        timestamp '2020-01-01 00:00:00' + interval seq minute as h, cast(seq / 3 as double) as i, md5(seq) as j
        from seq_1_to_{ROWS}""",
    "sqlite": f"""create table wide as
        with recursive n (x) as (select 1 union all select x + 1 from n where x < {ROWS})
        select x as a, x * 1000003 as b, x / 7.0 as c, 'name ' || x as d,
        case when x % 3 > 0 then 'note ' || x end as e, x % 2 = 0 as f, date('2020-01-01', (x % 1000) || ' days') as g,
        datetime('2020-01-01', x || ' minutes') as h, x / 3.0 as i, hex(x * 7919) as j from n""",
    "duckdb": f"""create table wide as select x::int as a, x * 1000003 as b, (x / 7)::decimal(12, 2) as c,
        'name ' || x as d, case when x % 3 > 0 then 'note ' || x end as e, x % 2 = 0 as f,
        (date '2020-01-01' + (x % 1000)::int) as g, timestamp '2020-01-01' + x * interval 1 minute as h,
        x / 3.0::double as i, md5(x::varchar) as j from range(1, {ROWS} + 1) t (x)""",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One figure beside what it is measured against, both in milliseconds."""

    metric: str
    beside: str
    base: float
    colonnade: float
    bar: float | None

    @property
    def ratio(self) -> float:
        return self.colonnade / self.base

    @property
    def met(self) -> bool | None:
        return None if self.bar is None else self.ratio <= self.bar


# The bare drivers


@asynccontextmanager
async def bare(kind: str, settings: Mapping[str, Any]) -> AsyncGenerator[Fetch]:
    """Connect as the driver's manual shows, and fetch everything at once."""
    async with BARE[kind](settings) as fetch:
        yield fetch


@asynccontextmanager
async def _postgres(settings: Mapping[str, Any]) -> AsyncGenerator[Fetch]:
    import asyncpg

    connection: Any = await asyncpg.connect(**settings)

    async def fetch() -> int:
        return len(await connection.fetch(QUERY))

    yield fetch
    await connection.close()


@asynccontextmanager
async def _mysql(settings: Mapping[str, Any]) -> AsyncGenerator[Fetch]:
    asyncmy: Any = import_module("asyncmy")
    given = {"db" if name == "database" else name: value for name, value in settings.items()}
    # As text it would be sent in Latin-1.
    connection = await asyncmy.connect(**{**given, "password": given["password"].encode()}, charset="utf8mb4")

    async def fetch() -> int:
        async with connection.cursor() as cursor:
            await cursor.execute(QUERY)
            return len(await cursor.fetchall())

    yield fetch
    await connection.ensure_closed()


@asynccontextmanager
async def _sqlite(settings: Mapping[str, Any]) -> AsyncGenerator[Fetch]:
    connection = sqlite3.connect(f"file:{settings['path']}?mode=ro", uri=True, check_same_thread=False)

    async def fetch() -> int:
        return len(await anyio.to_thread.run_sync(lambda: connection.execute(QUERY).fetchall()))

    yield fetch
    connection.close()


@asynccontextmanager
async def _duckdb(settings: Mapping[str, Any]) -> AsyncGenerator[Fetch]:
    duckdb: Any = import_module("duckdb")
    # One process may not open a file twice with different settings.
    copy = shutil.copy(settings["path"], f"{settings['path']}.copy")
    connection = duckdb.connect(copy, read_only=True)

    async def fetch() -> int:
        return len(await anyio.to_thread.run_sync(lambda: connection.execute(QUERY).fetchall()))

    yield fetch
    connection.close()


BARE: Final = {"postgres": _postgres, "mysql": _mysql, "sqlite": _sqlite, "duckdb": _duckdb}


# Rows


async def rows(kind: str, repetitions: int) -> list[Line]:
    """Measure one engine; the three ways take turns, and turn about who begins."""
    with engine_file(kind).start() as started, TemporaryDirectory(prefix="bench-") as folder:
        async with engine_file(kind).case(started, Path(folder)) as case:
            await case.admin(SEEDS[kind])
            async with opened(case) as client, bare(kind, case.login.settings) as fetch:
                ways = {"bare": fetch, "raw": _raw(case, client), "coded": _coded(case, client)}
                took = await turns(ways, repetitions)
    found: list[Line] = []
    for way, metric, bar in (("raw", "raw batches", MOST), ("coded", "with codecs", None)):
        found.append(Line(f"{kind}: {ROWS:,} x 10, {metric}", "bare driver", took["bare"], took[way], bar))
    return found


def _raw(case: Case, client: Client) -> Fetch:
    async def fetch() -> int:
        async with client.run(unguarded(case, QUERY), rows=ROWS, seconds=60) as cursor:
            return sum([len(batch) async for batch in cursor.batches()])

    return fetch


def _coded(case: Case, client: Client) -> Fetch:
    async def fetch() -> int:
        async with client.run(unguarded(case, QUERY), rows=ROWS, seconds=60) as cursor:
            return sum([len(_encode(cursor.columns, batch)) async for batch in cursor.batches()])

    return fetch


async def turns(ways: Mapping[str, Fetch], repetitions: int) -> dict[str, float]:
    """Return the median of each way in milliseconds."""
    took: dict[str, list[float]] = {name: [] for name in ways}
    order = list(ways)
    for _ in range(repetitions + 1):
        for name in order:
            began = time.perf_counter()
            count = await ways[name]()
            took[name].append((time.perf_counter() - began) * 1_000)
            assert count > 0
        order.append(order.pop(0))
    return {name: statistics.median(values[1:]) for name, values in took.items()}


# The catalog


async def catalog(tables: int, repetitions: int) -> list[Line]:
    """Read the same schema with the adapter and by reflection, as the same login that may only read."""
    with engine_file("postgres").start() as started, TemporaryDirectory(prefix="bench-") as folder:
        async with engine_file("postgres").case(started, Path(folder)) as case:
            for sql in many_tables(tables):
                await case.admin(sql)
            async with opened(case) as client, reflection(case) as reflect:

                async def read() -> int:
                    return len((await client.catalog()).tables)

                async def look() -> int:
                    return len(await client.fingerprint())

                took = await turns({"reflection": reflect, "catalog": read, "fingerprint": look}, repetitions)
    shape = f"postgres: {tables:,} tables x {COLUMNS}"
    return [
        Line(f"{shape}, catalog", "Inspector.get_multi_*", took["reflection"], took["catalog"], REFLECTION),
        Line(f"{shape}, fingerprint", "full read", took["catalog"], took["fingerprint"], REFLECTION),
    ]


def many_tables(count: int) -> Iterable[str]:
    columns = ", ".join(
        f"c{number} {('integer', 'text', 'numeric(12, 2)')[number % 3]}" for number in range(3, COLUMNS)
    )
    for schema in range(10):
        yield f"create schema s{schema}"
        body = f"""execute format('create table s{schema}.t%s (id integer primary key, parent integer
            references s{schema}.t0, code text unique, {columns})', n);
            execute format('create index on s{schema}.t%s (c3)', n);
            execute format('comment on column s{schema}.t%s.code is ''A code''', n);"""
        yield f"do $$ begin for n in 0..{count // 10 - 1} loop {body} end loop; end $$"


@asynccontextmanager
async def reflection(case: Case) -> AsyncGenerator[Fetch]:
    from sqlalchemy import URL, Connection, inspect
    from sqlalchemy.ext.asyncio import create_async_engine

    settings = cast("Mapping[str, str]", case.login.settings)
    url = URL.create("postgresql+asyncpg", settings["user"], settings["password"], database=settings["database"])
    engine = create_async_engine(url, connect_args={"host": settings["host"]})

    def reflect(connection: Connection) -> int:
        # A new inspector, since one keeps what it has read.
        inspector: Any = inspect(connection)
        found = 0
        for schema in inspector.get_schema_names():
            if schema != "information_schema":
                found += len(inspector.get_multi_columns(schema=schema))
                for part in ("pk_constraint", "foreign_keys", "unique_constraints", "indexes", "table_comment"):
                    getattr(inspector, f"get_multi_{part}")(schema=schema)
        return found

    async with engine.connect() as connection:
        yield lambda: connection.run_sync(reflect)
    await engine.dispose()


# The report


def table(lines: Sequence[Line]) -> str:
    cells = [("metric", "beside", "ms", "colonnade ms", "ratio", "bar", "met"), *map(_words, lines)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return "\n".join("  ".join(starmap(str.ljust, zip(row, widths, strict=True))).rstrip() for row in cells)


def _words(line: Line) -> tuple[str, ...]:
    bar = "" if line.bar is None else f"<= {line.bar:g}x"
    met = {None: "", True: "yes", False: "NO"}[line.met]
    return line.metric, line.beside, f"{line.base:.1f}", f"{line.colonnade:.1f}", f"{line.ratio:.2f}x", bar, met


async def measure(repetitions: int, tables: int) -> list[Line]:
    found: list[Line] = []
    for kind in BARE:
        found += await rows(kind, repetitions)
    return found + await catalog(tables, max(1, repetitions // 4))


def main() -> None:
    parser = argparse.ArgumentParser(description="Adapters beside their bare drivers, catalogs beside reflection.")
    parser.add_argument("--repetitions", type=int, default=40)
    parser.add_argument("--tables", type=int, default=2_000)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    lines = anyio.run(measure, given.repetitions, given.tables)
    if given.json:
        fields = ("metric", "beside", "base", "colonnade", "ratio", "bar", "met")
        sys.stdout.write(json.dumps([{name: getattr(line, name) for name in fields} for line in lines]) + "\n")
    else:
        sys.stdout.write(table(lines) + "\n")


if __name__ == "__main__":
    main()
