"""What every engine promises. A case knows its engine; nothing here does."""

import json
import random
import socket
import traceback
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import anyio
import pytest
from anyio.lowlevel import checkpoint
from colonnade import resources, tools
from colonnade.server.app import App
from colonnade.server.engines import ENGINES
from colonnade.server.errors import (
    AuthFailed,
    ColonnadeError,
    ConnectionLost,
    Denied,
    SqlError,
    TimedOut,
    Unreachable,
)
from colonnade.server.model import Call, Caller, Limits, Table
from colonnade.server.registry import Registry
from colonnade.server.secrets import resolve
from pydantic_core import from_json, to_json

from tests.conftest import CASES, engine_file
from tests.contract.case import Case, Login, Server, ask, opened, unguarded, until

AUTHORS = "select name from authors order by id"


TOOLS = Registry[Any].of(tools, resources)

HOME: dict[str, str] = {}
"""No environment: what a connection needs stands in its settings."""


@pytest.fixture
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("config")


def written(case: Case, folder: Path, **logins: Login) -> Path:
    """Write a configuration with one domain and a connection for each login."""
    lines = ["[[domain]]", 'name = "Shop"']
    for name, login in logins.items():
        settings = [f"{key} = {toml(value)}" for key, value in login.settings.items()]
        lines += ["[[domain.connection]]", f'name = "{name}"', f'type = "{case.type}"', *settings]
    path = folder / "colonnade.toml"
    path.write_text("\n".join(lines))
    return path


def toml(value: object) -> str:
    if isinstance(value, dict):
        table = cast("dict[str, object]", value)
        return "{ " + ", ".join(f"{key} = {toml(inner)}" for key, inner in table.items()) + " }"
    return json.dumps(value)


async def call(app: App, name: str, **arguments: object) -> dict[str, Any]:
    answer = await TOOLS.call(app, Call(Caller("ann", "test", "memory")), name, arguments)
    return cast("dict[str, Any]", from_json(to_json(answer)))


def server_of(case: Case) -> Server:
    assert case.server is not None, "say in UNTESTABLE that there is none"
    return case.server


def without_estimates(tables: tuple[Table, ...]) -> list[Table]:
    return [replace(table, rows=None) for table in tables]


def test_every_engine_has_a_case() -> None:
    assert {engine.type for engine in ENGINES} == set(CASES)


@pytest.mark.parametrize("name", CASES)
def test_what_a_case_leaves_out_is_a_test_of_the_contract_and_has_a_reason(name: str) -> None:
    untestable = engine_file(name).UNTESTABLE
    assert set(untestable) <= {name for name in globals() if name.startswith("test_")}
    assert all(untestable.values())


# The whole path


async def test_it_is_opened_by_the_first_use_and_named_in_every_answer(case: Case, folder: Path) -> None:
    async with App.open(written(case, folder, first=case.login, second=case.login), environ=HOME) as app:
        listed = await call(app, "list_connections")
        assert [found["key"] for found in listed["connections"]] == ["Shop:first", "Shop:second"]
        assert {found["type"] for found in listed["connections"]} == {case.type}
        assert {found["status"] for found in listed["connections"]} == {"pending"}
        assert all(tuple(found.get("lacks", ())) == case.engine.abilities.lacking for found in listed["connections"])
        if case.server is not None:
            assert await case.server.connections() == 0
        for name in ("first", "second"):
            answer = await call(app, "execute_query", connection=f"Shop:{name}", sql=AUTHORS)
            assert (answer["key"], answer["type"]) == (f"Shop:{name}", case.type)
            assert answer["rows"] == [["Ada"], ["Ben"]]
        described = await call(app, "describe_tables", connection="Shop", detail="gist")
        assert [(found["key"], found["type"]) for found in described["connections"]] == [
            ("Shop:first", case.type),
            ("Shop:second", case.type),
        ]
        assert all(case.folded("authors") in found["schema"] for found in described["connections"])


async def test_no_output_holds_the_password(
    case: Case, folder: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    login = server_of(case).wrong_password
    caplog.set_level("DEBUG")
    said: list[str] = []
    async with App.open(written(case, folder, good=case.login, bad=login), environ=HOME) as app:
        for name, arguments in (
            ("execute_query", {"connection": "Shop:bad", "sql": AUTHORS}),
            ("describe_tables", {"connection": "Shop:bad"}),
        ):
            with pytest.raises(AuthFailed) as caught:
                await call(app, name, **arguments)
            said += (str(caught.value), str(caught.value.payload()), *traceback.format_exception(caught.value))
        await call(app, "execute_query", connection="Shop:good", sql=AUTHORS)
        said.append(str(await call(app, "list_connections")))
    printed = capfd.readouterr()
    everything = "".join((*said, caplog.text, printed.out, printed.err))
    for each in (login, case.login):
        for secret in (await resolve(each.options(case))).values():
            assert secret not in everything


# Opening


async def test_it_opens_one_connection_and_says_what_it_is(case: Case) -> None:
    async with opened(case) as client:
        if case.server is not None:
            assert await case.server.connections() == 1
        assert (await client.ping()).version.startswith(case.version)


async def test_a_wrong_password_is_refused_and_never_repeated(case: Case) -> None:
    login = server_of(case).wrong_password
    with pytest.raises(AuthFailed) as caught:
        async with opened(case, login=login):
            pass
    said = "".join((str(caught.value), repr(caught.value), *traceback.format_exception(caught.value)))
    for secret in (await resolve(login.options(case))).values():
        assert secret not in said


async def test_an_unknown_database_is_unreachable(case: Case) -> None:
    with pytest.raises(Unreachable, match="nowhere: there is no such database"):
        async with opened(case, login=server_of(case).unknown_database):
            pass


async def test_a_refused_port_is_unreachable_at_once(case: Case) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port: int = unused.getsockname()[1]
        with anyio.fail_after(1), pytest.raises(Unreachable, match=f"127.0.0.1:{port}/.*: connection refused"):
            async with opened(case, login=server_of(case).at(port)):
                pass


async def test_closing_is_quiet_and_can_be_repeated(case: Case) -> None:
    async with opened(case) as client:
        await ask(case, client, f"select 1{case.dual}")
        await client.close()
        await client.close()
        if case.server is not None:
            connections = case.server.connections
            await until(lambda: _is(connections, 0))


async def _is(count: Callable[[], Awaitable[int]], number: int) -> bool:
    return await count() == number


# The login


async def test_the_least_privileged_login_has_no_dangers(case: Case) -> None:
    async with opened(case) as client:
        login = await client.login()
        assert login.dangers == ()
        assert (await ask(case, client, AUTHORS))[1] == [("Ada",), ("Ben",)]
    # What makes a proper login is told of any, and never with a password in it.
    assert bool(login.remedy) == bool(case.engine.remedy)
    for secret in (await resolve(case.login.options(case))).values():
        assert secret not in login.remedy


async def test_the_dangers_of_an_owners_login_name_writing(case: Case, folder: Path) -> None:
    assert case.owner is not None, "say in UNTESTABLE that there is none"
    async with opened(case, login=case.owner) as client:
        login = await client.login()
        assert any("write" in danger for danger in login.dangers), login.dangers
        assert login.remedy
        assert (await ask(case, client, AUTHORS))[1] == [("Ada",), ("Ben",)]
    async with App.open(written(case, folder, owned=case.owner), environ=HOME) as app:
        await app.look(Caller("ann", "test", "memory"))
        (found,) = (await call(app, "list_connections"))["connections"]
        assert all(danger in found["warnings"][0] for danger in login.dangers)


async def test_a_look_at_the_login_can_be_given_up(case: Case) -> None:
    async with opened(case, Limits(concurrent=1)) as client:
        for _ in range(5):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(client.login)
                await checkpoint()
                tasks.cancel_scope.cancel()
            with anyio.fail_after(2):
                assert (await ask(case, client, AUTHORS))[1] == [("Ada",), ("Ben",)]
        if case.server is not None:
            assert await case.server.connections() <= 1


# Rows


async def test_rows_come_with_names_and_in_order(case: Case) -> None:
    async with opened(case) as client:
        columns, rows = await ask(case, client, "select id, name, id as id from authors order by id")
        assert [column.name for column in columns] == [case.folded(name) for name in ("id", "name", "id")]
        assert rows == [(1, "Ada", 1), (2, "Ben", 2)]


async def test_every_native_type_arrives_exactly(case: Case) -> None:
    async with opened(case) as client:
        got = {}
        for golden in case.golden:
            (column,), (row,) = await ask(case, client, f"select {golden.sql} as v{case.dual}")
            got[golden.sql] = column.type, row[0]
    assert got == {golden.sql: (golden.type, golden.value) for golden in case.golden}


async def test_null_differs_from_nothing(case: Case) -> None:
    async with opened(case) as client:
        empty = "" if case.engine.abilities.empty_text else None
        _, rows = await ask(case, client, f"select '' as a, null as b, 0 as c{case.dual}")
        assert rows == [(empty, None, 0)]


async def test_a_statement_that_finds_nothing_still_has_columns(case: Case) -> None:
    async with opened(case) as client:
        columns, rows = await ask(case, client, "select id, name from authors where id < 0")
        assert ([column.name for column in columns], rows) == ([case.folded(name) for name in ("id", "name")], [])


async def test_a_statement_without_columns_returns_none(case: Case) -> None:
    assert case.nothing is not None, "say in UNTESTABLE that there is none"
    async with opened(case) as client:
        assert await ask(case, client, case.nothing) == ((), [])


@pytest.mark.parametrize("count", [9, 10, 11, 12, 2_500])
async def test_at_most_one_row_more_than_asked_for_is_read(case: Case, count: int) -> None:
    async with opened(case) as client:
        _, rows = await ask(case, client, case.rows(count), rows=10)
        assert rows == [(n, f"row {n}") for n in range(1, min(count, 11) + 1)]


async def test_many_rows_come_whole_and_in_batches(case: Case) -> None:
    async with opened(case) as client:
        _, rows = await ask(case, client, case.rows(10_000), rows=20_000)
        assert rows == [(n, f"row {n}") for n in range(1, 10_001)]


async def test_an_endless_result_stops_at_the_cap(case: Case) -> None:
    async with opened(case) as client:
        with anyio.fail_after(3):
            assert len((await ask(case, client, case.endless, rows=1_500))[1]) == 1_501
        assert (await ask(case, client, AUTHORS))[1] == [("Ada",), ("Ben",)]


async def test_the_block_may_be_left_early(case: Case) -> None:
    async with opened(case, Limits(concurrent=1)) as client:
        for read in (False, True):
            with anyio.fail_after(3):
                async with client.run(unguarded(case, case.endless), rows=9_000, seconds=10) as cursor:
                    if read:
                        async for _ in cursor.batches():
                            break
            assert (await ask(case, client, AUTHORS))[1] == [("Ada",), ("Ben",)]


async def test_an_error_of_the_reader_passes_through(case: Case) -> None:
    async with opened(case, Limits(concurrent=1)) as client:
        with pytest.raises(LookupError):
            async with client.run(unguarded(case, case.endless), rows=100, seconds=10):
                raise LookupError
        assert (await ask(case, client, AUTHORS))[1] == [("Ada",), ("Ben",)]


# What it refuses


@pytest.mark.parametrize("sql", ["select nmae from authors", "selct 1", "select * from nowhere"])
async def test_a_mistake_is_named(case: Case, sql: str) -> None:
    async with opened(case) as client:
        with pytest.raises(SqlError, match=r"(?i)nmae|selct|nowhere"):
            await ask(case, client, sql)
        assert (await ask(case, client, AUTHORS))[1] == [("Ada",), ("Ben",)]


@pytest.mark.parametrize("kind", ["write", "ddl"])
async def test_a_write_is_denied_and_changes_nothing(case: Case, kind: str) -> None:
    async with opened(case) as client:
        before = await client.fingerprint()
        with pytest.raises(Denied):
            await ask(case, client, case.write if kind == "write" else case.ddl)
        assert (await ask(case, client, AUTHORS))[1] == [("Ada",), ("Ben",)]
        assert await client.fingerprint() == before


async def test_what_an_owner_writes_does_not_stay(case: Case) -> None:
    assert case.owner is not None, "say in UNTESTABLE that there is none"
    async with opened(case, login=case.owner) as client:
        if case.engine.abilities.read_only:
            with pytest.raises(Denied):
                await ask(case, client, case.write)
        else:
            with suppress(Denied):  # a mode that not all of its databases have is not declared
                await ask(case, client, case.write)
        assert (await ask(case, client, AUTHORS))[1] == [("Ada",), ("Ben",)]
    async with opened(case) as client:
        assert (await ask(case, client, AUTHORS))[1] == [("Ada",), ("Ben",)]


async def test_two_statements_never_both_run(case: Case) -> None:
    async with opened(case) as client:
        for sql in (
            f"select 1; {case.write}",
            f"{case.write}; select 1",
            f"commit; {case.write}",
            f"select 1; {case.ddl}",
        ):
            with pytest.raises(ColonnadeError):
                await ask(case, client, sql)
        assert (await ask(case, client, AUTHORS))[1] == [("Ada",), ("Ben",)]


# Time


async def test_a_slow_statement_ends_at_its_deadline(case: Case) -> None:
    async with opened(case, Limits(concurrent=1)) as client:
        with anyio.fail_after(2), pytest.raises(TimedOut, match=r"0\.3 s"):
            await ask(case, client, case.slow, seconds=0.3)
        if case.server is not None:
            assert await case.server.running() == 0
        assert (await ask(case, client, AUTHORS))[1] == [("Ada",), ("Ben",)]


async def test_a_slow_reader_does_not_outlive_the_deadline(case: Case) -> None:
    async with opened(case) as client:
        with pytest.raises(TimedOut):  # noqa: PT012 - the reading is what takes too long
            async with client.run(unguarded(case, case.endless), rows=1_000_000, seconds=0.3) as cursor:
                async for _ in cursor.batches():
                    await anyio.sleep(0.01)


async def test_a_cancelled_statement_ends_on_the_server(case: Case) -> None:
    async with opened(case, Limits(concurrent=1)) as client:
        begun = 0.0
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(ask, case, client, case.slow)
            if case.server is None:
                await anyio.sleep(0.05)
            else:
                running = case.server.running
                await until(lambda: _is(running, 1))
            begun = anyio.current_time()
            tasks.cancel_scope.cancel()
        assert anyio.current_time() - begun < 1
        if case.server is not None:
            assert await case.server.running() == 0
        assert (await ask(case, client, AUTHORS))[1] == [("Ada",), ("Ben",)]


@pytest.mark.parametrize("count", [20, pytest.param(200, marks=pytest.mark.long)])
async def test_a_cancellation_at_any_moment_leaves_everything_usable(case: Case, count: int) -> None:
    moments = random.Random(count)  # noqa: S311 - the same moments every time
    async with opened(case, Limits(concurrent=2)) as client:
        for _ in range(count):
            sql = moments.choice((case.slow, case.endless, AUTHORS, case.rows(3_000)))
            with anyio.move_on_after(moments.uniform(0, 0.02)):
                await ask(case, client, sql, rows=5_000)
            with anyio.fail_after(2):
                assert (await ask(case, client, AUTHORS))[1] == [("Ada",), ("Ben",)]
        if case.server is not None:
            assert await case.server.running() == 0
            assert await case.server.connections() <= 2


async def test_statements_run_side_by_side_up_to_the_limit(case: Case) -> None:
    server = server_of(case)
    async with opened(case, Limits(concurrent=3)) as client, anyio.create_task_group() as tasks:
        for _ in range(5):
            tasks.start_soon(ask, case, client, case.slow)
        await until(lambda: _is(server.running, 3))
        assert await server.connections() == 3
        tasks.cancel_scope.cancel()


async def test_many_callers_share_a_client(case: Case) -> None:
    async with opened(case, Limits(concurrent=3)) as client:

        async def work(number: int) -> None:
            assert (await ask(case, client, f"select {number} as n{case.dual}"))[1] == [(number,)]

        with anyio.fail_after(10):
            async with anyio.create_task_group() as tasks:
                for number in range(40):
                    tasks.start_soon(work, number)


async def test_a_lost_connection_is_told_and_the_next_statement_works(case: Case) -> None:
    server = server_of(case)
    async with opened(case) as client:
        lost: list[ConnectionLost] = []

        async def work() -> None:
            with pytest.raises(ConnectionLost) as caught:
                await ask(case, client, case.slow)
            lost.append(caught.value)

        with anyio.fail_after(5):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(work)
                await until(lambda: _is(server.running, 1))
                await server.kill()
        assert lost[0].retryable
        assert (await ask(case, client, AUTHORS))[1] == [("Ada",), ("Ben",)]


async def test_a_connection_that_died_while_idle_goes_unnoticed(case: Case) -> None:
    server = server_of(case)
    async with opened(case) as client:
        await server.kill()
        await until(lambda: _is(server.connections, 0))
        assert (await ask(case, client, AUTHORS))[1] == [("Ada",), ("Ben",)]


# The schema


async def test_the_catalog_has_all_of_the_schema(case: Case) -> None:
    async with opened(case) as client:
        catalog = await client.catalog()
    assert without_estimates(catalog.tables) == list(case.tables)
    assert catalog.default_schema == case.default_schema
    has_keys = any(table.primary_key or table.foreign_keys or table.indexes for table in catalog.tables)
    assert has_keys == case.engine.abilities.keys
    comments = [table.comment for table in catalog.tables] + [c.comment for t in catalog.tables for c in t.columns]
    assert any(comments) == case.engine.abilities.comments


async def test_the_catalog_of_one_schema_is_always_the_same(case: Case) -> None:
    async with opened(case) as client:
        first, second = await client.catalog(), await client.catalog()
        assert first == replace(second, read_at=first.read_at)
        assert first.fingerprint == await client.fingerprint()


async def test_the_fingerprint_changes_with_every_kind_of_change(case: Case) -> None:
    if case.engine.abilities.schemas:
        await case.admin("create schema archive")
    async with opened(case) as client:
        before, kept = await client.fingerprint(), await client.catalog()
        missed: list[str] = []
        for kind, sql in case.changes.items():
            await case.admin(sql)
            after, now = await client.fingerprint(), await client.catalog()
            assert now.tables != kept.tables, f"the catalog does not show {kind}"
            if after == before:
                missed.append(kind)
            before, kept = after, now
        assert missed == []


async def test_the_fingerprint_is_blind_to_rows(case: Case) -> None:
    async with opened(case) as client:
        before = await client.fingerprint()
        await case.admin(case.write)
        assert await client.fingerprint() == before
