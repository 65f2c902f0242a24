"""What an engine's file in tests/engines tells the contract suite, and how the suite talks to a client."""

import ast
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import anyio
from colonnade.server.engines.base import Client, Engine, Options
from colonnade.server.model import Cell, Judged, Limits, ResultColumn, Table
from colonnade.server.secrets import resolve

Rows = list[tuple[Cell, ...]]


def every_question() -> tuple[str, ...]:
    """Name the tests that ask a case, for an engine whose server cannot be had everywhere."""
    suite = ast.parse(Path(__file__).with_name("test_contract.py").read_text(encoding="utf-8"))
    return tuple(
        found.name
        for found in suite.body
        if isinstance(found, (ast.AsyncFunctionDef, ast.FunctionDef))
        and found.name.startswith("test_")
        and any(argument.arg == "case" for argument in found.args.args)
    )


@dataclass(frozen=True, slots=True)
class Golden:
    """An expression, the native type of its column, and the exact value that a caller gets."""

    sql: str
    type: str
    value: Cell


@dataclass(frozen=True, slots=True)
class Login:
    """The settings of a connection, as they stand in the configuration."""

    settings: Mapping[str, object]

    def options(self, case: "Case") -> Options:
        return case.engine.options.model_validate(self.settings)


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """What can be asked of an engine that runs elsewhere; an engine in this process has none."""

    wrong_password: Login
    unknown_database: Login
    at: Callable[[int], Login]
    """The good login, through a TCP port of this machine."""
    connections: Callable[[], Awaitable[int]]
    """How many connections the logins of this case have."""
    running: Callable[[], Awaitable[int]]
    """How many of them are running a statement."""
    kill: Callable[[], Awaitable[None]]
    """End all of them, as an administrator would."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One engine with a database of its own, holding the tables `authors`, `books`, `loans` and the view `recent`."""

    type: str
    engine: Engine[Any]
    login: Login
    """The least privileged one: it may only read."""
    owner: Login | None
    """One that may write; none where files have no logins."""
    version: str
    """What its version begins with."""
    admin: Callable[[str], Awaitable[None]]
    """Run one statement as the owner."""
    slow: str
    """Runs for longer than any test."""
    rows: Callable[[int], str]
    """Returns that many rows."""
    endless: str
    """Returns more rows than anybody reads, the first ones at once."""
    nothing: str | None
    """A reading statement that has no columns at all."""
    write: str
    """Adds an author."""
    ddl: str
    golden: Sequence[Golden]
    tables: Sequence[Table]
    """The catalog that the suite expects, without estimates of rows."""
    default_schema: str
    changes: Mapping[str, str]
    """Statements that change the schema, by kind."""
    server: Server | None
    dual: str = ""
    """What a SELECT of expressions alone ends with."""
    folded: Callable[[str], str] = str
    """The name that a database makes of one without quotes."""


IN_PROCESS: Final[Mapping[str, str]] = dict.fromkeys(
    (
        "test_a_wrong_password_is_refused_and_never_repeated",
        "test_no_output_holds_the_password",
        "test_an_unknown_database_is_unreachable",
        "test_a_refused_port_is_unreachable_at_once",
        "test_a_lost_connection_is_told_and_the_next_statement_works",
        "test_a_connection_that_died_while_idle_goes_unnoticed",
        "test_what_an_owner_writes_does_not_stay",
        "test_the_dangers_of_an_owners_login_name_writing",
        "test_statements_run_side_by_side_up_to_the_limit",
    ),
    "runs in this process: no server, no login, no network",
)
"""What there is not to ask an engine without a server."""


def unguarded(case: Case, sql: str) -> Judged:
    """Stand in for the guard, which alone builds these: an engine has to hold also when the guard has failed."""
    return Judged(text=sql, dialect=case.engine.dialect)


@asynccontextmanager
async def opened(case: Case, limits: Limits | None = None, login: Login | None = None) -> AsyncGenerator[Client]:
    """Open a client, and close it in the end."""
    login = login or case.login
    with anyio.fail_after(20):
        options = login.options(case)
        client: Client = await case.engine.open(options, await resolve(options), limits or Limits())
    try:
        yield client
    finally:
        with anyio.fail_after(20, shield=True):
            await client.close()


async def ask(
    case: Case, client: Client, sql: str, *, rows: int = 200, seconds: float = 10
) -> tuple[tuple[ResultColumn, ...], Rows]:
    """Run a statement and read it to its end, with the values as a caller gets them."""
    found: Rows = []
    async with client.run(unguarded(case, sql), rows=rows, seconds=seconds) as cursor:
        async for batch in cursor.batches():
            assert 0 < len(batch) <= 1_000
            assert all(type(row) is tuple for row in batch)
            found += [tuple(map(encode, cursor.columns, row)) for row in batch]
        return cursor.columns, found


def encode(column: ResultColumn, value: object) -> Cell:
    if value is None or column.codec is None:
        return value  # pyright: ignore[reportReturnType] - without a codec, the driver's values are cells
    return column.codec(value)


async def until(holds: Callable[[], Awaitable[bool]], seconds: float = 5) -> None:
    """Wait for what only the server knows."""
    with anyio.fail_after(seconds):
        while not await holds():  # noqa: ASYNC110 - there is no event of it in this process
            await anyio.sleep(0.01)
