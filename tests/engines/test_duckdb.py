"""What only DuckDB does: a file shared with others, its types, the holes of its read-only mode."""

import os
import subprocess
import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import cast

import anyio
import anyio.to_thread
import duckdb
import pytest
from colonnade.server.engines.base import Client
from colonnade.server.engines.duckdb import ENGINE, DuckdbOptions
from colonnade.server.errors import (
    ColonnadeError,
    ConnectionLost,
    Denied,
    DriverMissing,
    SqlError,
    TimedOut,
    Unreachable,
)
from colonnade.server.model import Limits
from pydantic import ValidationError

from tests.contract.case import Case, Login, ask, opened, unguarded

pytestmark = pytest.mark.parametrize("case", ["duckdb"], indirect=True)

WRITER = """
import duckdb, sys
try:
    with duckdb.connect(sys.argv[1]) as database:
        database.execute(sys.argv[2])
        print("done", flush=True)
        if len(sys.argv) > 3:
            sys.stdin.read()
except duckdb.IOException as error:
    print(str(error).partition(chr(10))[0])
"""


def path_of(case: Case) -> Path:
    return Path(cast("str", case.login.settings["path"]))


def changed(case: Case, **settings: object) -> Login:
    return Login({**case.login.settings, **settings})


async def other_program(path: Path, sql: str) -> str:
    """Write from another process; returns "done" or why that could not be."""
    run = await anyio.run_process([sys.executable, "-c", WRITER, str(path), sql])
    return run.stdout.decode().strip()


@asynccontextmanager
async def locked(path: Path) -> AsyncGenerator[int]:
    """Keep the file open for writing in another process."""
    command = [sys.executable, "-c", WRITER, str(path), "select 1", "wait"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:  # noqa: ASYNC220 - read in a thread
        assert process.stdout is not None
        assert await anyio.to_thread.run_sync(process.stdout.readline) == b"done\n"
        yield process.pid
        process.terminate()


async def one(case: Case, client: Client, sql: str) -> object:
    return (await ask(case, client, sql))[1][0][0]


def nothing(path: Path) -> None:
    assert not path.exists()


def folder(path: Path) -> None:
    path.mkdir()


def empty_file(path: Path) -> None:
    path.touch()


def text_file(path: Path) -> None:
    path.write_text("id,name\n" * 1_000)


# Settings


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({}, "neither path nor url is given"),
        ({"path": "a", "url": "duckdb:///a"}, "both url and path are given"),
        ({"path": ":memory:"}, "not a file"),
        ({"url": "duckdb:///:memory:"}, "not a file"),
        ({"path": ""}, "not a file"),
        ({"url": "duckdb://a"}, "not of the form"),
        ({"url": "duckdb:///a?access_mode=READ_WRITE"}, "not of the form"),
        ({"path": "a", "memory_limit": "plenty"}, "memory_limit"),
        ({"path": "a", "threads": 0}, "threads"),
        ({"path": "a", "read_only": False}, "read_only"),
    ],
)
def test_settings_that_make_no_sense_are_told(case: Case, settings: dict[str, object], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        case.engine.options.model_validate(settings)


def test_files_lie_beside_the_configuration(case: Case, tmp_path: Path) -> None:
    context = {"folder": tmp_path}
    for given in ({"path": "a b.duckdb"}, {"url": "duckdb:///a%20b.duckdb"}):
        options = DuckdbOptions.model_validate({**given, "temp_directory": "spill"}, context=context)
        assert (options.path, options.temp_directory) == (str(tmp_path / "a b.duckdb"), str(tmp_path / "spill"))
    assert DuckdbOptions.model_validate({"url": "duckdb:////srv/x.duckdb"}, context=context).path == "/srv/x.duckdb"
    assert case.engine.options is DuckdbOptions


def test_every_option_can_be_shown_in_a_form(case: Case) -> None:
    for field in case.engine.options.model_fields.values():
        assert field.description
        assert set(cast("dict[str, str]", field.json_schema_extra)) == {"label", "group"}


async def test_limits_are_those_of_the_settings(case: Case) -> None:
    async with opened(case, login=changed(case, memory_limit="123MiB", threads=1)) as client:
        sql = "select current_setting('memory_limit') || ' ' || current_setting('threads')"
        assert await one(case, client, sql) == "123.0 MiB 1"


async def test_a_driver_that_is_missing_is_named(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "duckdb", None)
    with pytest.raises(DriverMissing, match="The package duckdb") as caught:
        async with opened(case):
            pass
    assert caught.value.hint == 'pip install "colonnade[duckdb]"'


# The file


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (nothing, "There is no file other.duckdb"),
        (folder, "There is no file other.duckdb"),
        (
            text_file,
            "The file other.duckdb cannot be opened as a DuckDB database",
        ),
        (empty_file, "The file other.duckdb cannot be opened as a DuckDB database"),
    ],
)
async def test_what_is_no_database_is_unreachable(case: Case, make: Callable[[Path], object], why: str) -> None:
    path = path_of(case).with_name("other.duckdb")
    make(path)
    before = sorted(path.parent.iterdir()), path.exists() and path.stat().st_size
    with pytest.raises(Unreachable, match=why) as caught:
        async with opened(case, login=Login({"path": str(path)})):
            pass
    assert str(path.parent) not in str(caught.value)
    assert (sorted(path.parent.iterdir()), path.exists() and path.stat().st_size) == before


async def test_a_file_that_another_program_writes_to_is_unreachable_until_it_is_done(case: Case) -> None:
    path = path_of(case)
    async with locked(path) as pid:
        with pytest.raises(
            Unreachable, match=f"library.duckdb is locked: process {pid} has it open for writing"
        ) as caught:
            async with opened(case):
                pass
    assert caught.value.retryable
    assert "Try again" in caught.value.hint
    async with opened(case) as client:
        await anyio.sleep(0.2)
        async with locked(path):
            with pytest.raises(Unreachable, match="is locked"):
                await ask(case, client, "select 1")
        assert await one(case, client, "select count(*) from authors") == 2


async def test_other_programs_may_write_while_no_statement_runs(case: Case) -> None:
    async with opened(case, login=changed(case, idle_seconds=0.3)) as client:
        async with client.run(unguarded(case, case.endless), rows=10, seconds=5):
            assert "Could not set lock" in await other_program(path_of(case), case.write)
        assert await one(case, client, "select count(*) from authors") == 2
        assert "Could not set lock" in await other_program(path_of(case), case.write)
        await anyio.sleep(0.5)
        assert await other_program(path_of(case), case.write) == "done"
        assert await one(case, client, "select count(*) from authors") == 3


async def test_an_open_file_is_let_go_when_the_client_closes(case: Case) -> None:
    async with opened(case, login=changed(case, idle_seconds=3_600)) as client:
        with pytest.raises(SqlError):
            await ask(case, client, "select cast(name as integer) from authors")
        with pytest.raises(SqlError) as kept:
            await ask(case, client, "select 1::variant")
    assert await other_program(path_of(case), case.write) == "done"
    assert kept.value.what


async def test_clients_of_one_file_share_it_whatever_their_settings(case: Case) -> None:
    other = changed(case, memory_limit="200MB", threads=1, idle_seconds=3_600)
    async with opened(case) as first, opened(case, login=other) as second:
        async with first.run(unguarded(case, case.endless), rows=5_000, seconds=5) as cursor:
            assert await one(case, second, "select count(*) from authors") == 2
            assert sum([len(batch) async for batch in cursor.batches()]) == 5_001
        await first.close()
        assert await one(case, second, "select count(*) from books") == 2
    assert await other_program(path_of(case), case.write) == "done"


async def test_a_file_that_was_replaced_is_read_anew(case: Case) -> None:
    path = path_of(case)
    fresh = path.with_name("fresh.duckdb")
    with closing(duckdb.connect(fresh)) as database:
        database.execute("create table authors as select 7 as id, 'Zoe' as name")
    async with opened(case, login=changed(case, idle_seconds=3_600)) as client:
        before = await client.fingerprint()
        async with client.run(unguarded(case, case.endless), rows=5_000, seconds=5) as cursor:
            fresh.replace(path)
            # A statement that began on the old file reads on; the next one waits for it to end.
            with pytest.raises(TimedOut):
                await ask(case, client, "select name from authors", seconds=0.3)
            assert sum([len(batch) async for batch in cursor.batches()]) == 5_001
        assert (await ask(case, client, "select name from authors"))[1] == [("Zoe",)]
        assert await client.fingerprint() != before
        path.unlink()
        with pytest.raises(Unreachable, match="There is no file"):
            await ask(case, client, "select 1")
    assert not path.exists()


async def test_what_a_crashed_writer_left_is_read(case: Case) -> None:
    script = "import duckdb, os, sys; d = duckdb.connect(sys.argv[1]); d.execute(sys.argv[2]); os._exit(0)"
    await anyio.run_process([sys.executable, "-c", script, str(path_of(case)), case.write])
    log = path_of(case).with_name("library.duckdb.wal")
    held = log.read_bytes()
    async with opened(case) as client:
        assert await one(case, client, "select count(*) from authors") == 3
    assert log.read_bytes() == held


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
async def test_a_file_that_this_user_may_not_read_says_so(case: Case) -> None:
    path_of(case).chmod(0)
    with pytest.raises(ColonnadeError, match="may not read"):
        async with opened(case):
            pass


async def test_closing_ends_what_runs_and_lets_the_file_go(case: Case) -> None:
    async with opened(case, login=changed(case, idle_seconds=3_600)) as client:
        lost: list[ConnectionLost] = []

        async def work() -> None:
            with pytest.raises(ConnectionLost) as caught:
                await ask(case, client, case.slow)
            lost.append(caught.value)

        with anyio.fail_after(5):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(work)
                await anyio.sleep(0.2)
                await client.close()
        assert lost[0].what.startswith("The connection was closed")
        with pytest.raises(ConnectionLost):
            await ask(case, client, "select 1")
        await case.admin(case.write)


# What it refuses


@pytest.mark.parametrize(
    "sql",
    [
        "create temp table made (id integer)",
        "create temp view made as select 1",
        "create macro made() as 1",
        "checkpoint",
        "call checkpoint()",
        "prepare made as select 1",
        "execute made",
        "deallocate made",
        "set schema = 'stock'",
        "use stock",
        "set variable made = 1",
        "set timezone = 'UTC'",
        "reset threads",
        "pragma database_list",
        "pragma enable_profiling",
        "begin",
        "commit",
        "attach ':memory:' as made",
        "detach library",
        "copy authors to 'made.csv'",
        "copy (select 1) to 'made.parquet'",
        "export database 'made'",
        "import database 'made'",
        "install httpfs",
        "load json",
        "vacuum",
        "analyze",
        "comment on table authors is 'x'",
        "truncate authors",
        "drop table loans",
        "update authors set name = 'x'",
        "explain analyze insert into authors (id, name) values (3, 'Cleo')",
        "with x as (select 3 as id, 'Cleo' as name) insert into authors (id, name) select * from x",
        "insert into authors (id, name) values (3, 'Cleo') returning *",
        "from read_text('/etc/passwd')",
        "from read_csv('/etc/passwd')",
        "from '/etc/passwd.csv'",
        "from glob('/*')",
        "from enable_logging()",
        "create secret made (type s3)",
    ],
)
async def test_what_does_not_only_read_is_denied(case: Case, sql: str) -> None:
    files = sorted(path_of(case).parent.iterdir())
    async with opened(case) as client:
        with pytest.raises(Denied, match="This connection only reads"):
            await ask(case, client, sql)
        assert (await ask(case, client, "select name from authors order by id"))[1] == [("Ada",), ("Ben",)]
    assert sorted(path_of(case).parent.iterdir()) == files


async def test_variables_of_this_process_are_no_tables(case: Case) -> None:
    hidden = [1, 2, 3]
    async with opened(case) as client:
        with pytest.raises(SqlError, match="hidden does not exist"):
            await ask(case, client, "select * from hidden")
    assert hidden


@pytest.mark.parametrize("sql", ["", "-- nothing", "select ?", "select $1"])
async def test_what_is_no_whole_statement_is_told(case: Case, sql: str) -> None:
    async with opened(case) as client:
        with pytest.raises(SqlError):
            await ask(case, client, sql)


@pytest.mark.parametrize(
    ("sql", "first"),
    [
        ("show tables", "authors"),
        ("describe authors", "id"),
        ("summarize authors", "id"),
        ("from authors", 1),
        ("values (1)", 1),
        ("explain select 1", "physical_plan"),
        ("explain analyze select 1", "analyzed_plan"),
        ("pivot books on author_id using count(*) group by title order by title", "Engines"),
        ("with recursive n(x) as (select 1 union all select x + 1 from n where x < 3) select max(x) from n", 3),
        ("select 1;", 1),
        ("/* a */ select '100%' -- b", "100%"),
    ],
)
async def test_whatever_reads_runs(case: Case, sql: str, first: object) -> None:
    async with opened(case) as client:
        assert await one(case, client, sql) == first


async def test_nothing_of_a_statement_is_left_for_the_next(case: Case) -> None:
    async with opened(case, Limits(concurrent=1)) as client:
        await ask(case, client, "explain analyze create temp table authors as select 'Eve' as name")
        assert await one(case, client, "select min(name) from authors") == "Ada"


async def test_a_sort_that_needs_more_memory_fails_and_writes_nothing(case: Case) -> None:
    files = sorted(path_of(case).parent.iterdir())
    async with opened(case, login=changed(case, memory_limit="30MB", threads=1)) as client:
        with pytest.raises(SqlError, match=r"(?i)memory"):
            await ask(case, client, "select x, hash(x) from range(20000000) n(x) order by 2", seconds=30)
        assert await one(case, client, "select 1") == 1
    assert sorted(path_of(case).parent.iterdir()) == files


# Statements side by side


async def test_callers_do_not_disturb_each_other(case: Case) -> None:
    async with opened(case, Limits(concurrent=4)) as client:
        async with client.run(unguarded(case, case.endless), rows=5_000, seconds=10) as cursor:
            with pytest.raises(SqlError):
                await ask(case, client, "select cast(name as integer) from authors")
            with pytest.raises(TimedOut):
                await ask(case, client, case.slow, seconds=0.2)
            assert await one(case, client, "select count(*) from authors") == 2
            rows = [row async for batch in cursor.batches() for row in batch]
        assert rows == [(number,) for number in range(5_001)]


async def test_at_most_as_many_statements_run_as_the_limit_says(case: Case) -> None:
    async with opened(case, Limits(concurrent=2)) as client:
        endless = unguarded(case, case.endless)
        async with client.run(endless, rows=10, seconds=5), client.run(endless, rows=10, seconds=5):
            with pytest.raises(TimeoutError), anyio.fail_after(0.2):
                await ask(case, client, "select 1")
        assert await one(case, client, "select 1") == 1


async def test_an_error_among_later_rows_is_told(case: Case) -> None:
    sql = "select case when x > 4000 then error('too far') else x end from range(10000) n(x)"
    async with opened(case) as client:
        with pytest.raises(SqlError, match="too far"):
            await ask(case, client, sql, rows=10_000)
        assert await one(case, client, "select 1") == 1


# Values


async def test_values_are_whole_across_batches_and_nulls(case: Case) -> None:
    sql = """
        select x, case when x % 3 = 0 then null else 'ß' || x end, case when x % 2 = 0 then null else [x, null] end,
            case when x % 5 = 0 then null else {'a': x} end, x % 7 = 0, x::decimal(30, 1),
            case when x % 4 = 0 then null else ['red', 'blue'][1 + x % 2]::enum('red', 'blue') end
        from range(3500) n(x) order by x
    """
    async with opened(case) as client:
        assert (await ask(case, client, sql, rows=5_000))[1] == [
            (
                x,
                f"ß{x}" if x % 3 else None,
                [x, None] if x % 2 else None,
                f'{{"a":{x}}}' if x % 5 else None,
                x % 7 == 0,
                f"{x}.0",
                ("red", "blue")[x % 2] if x % 4 else None,
            )
            for x in range(3500)
        ]


@pytest.mark.parametrize("value", ["1::variant", "[1::variant]", "to_hours(100000000)", "{'a': to_hours(100000000)}"])
async def test_what_cannot_come_exactly_is_told_with_the_cast_that_helps(case: Case, value: str) -> None:
    async with opened(case) as client:
        with pytest.raises(SqlError, match=r"The column v holds .* cannot be read exactly") as caught:
            await ask(case, client, f"select {value} as v")
        assert caught.value.hint == 'Select cast("v" as varchar) instead.'
        assert await one(case, client, f'select cast("v" as varchar) from (select {value} as v)')


async def test_a_type_with_a_long_name_is_told_by_its_kind(case: Case) -> None:
    words = ", ".join(f"'word {number}'" for number in range(300))
    async with opened(case) as client:
        (column,), rows = await ask(case, client, f"select 'word 299'::enum({words}) as v")
    assert (column.type, rows) == ("ENUM", [("word 299",)])


@pytest.mark.parametrize(
    "value", [-719_528, -1, 0, 11_016, 2_932_896, 2_932_897, -719_163, 365_000_000, -5_877_611 + 719_528]
)
async def test_dates_are_those_that_the_database_writes(case: Case, value: int) -> None:
    sql = f"select date '1970-01-01' + ({value}) as d, cast(date '1970-01-01' + ({value}) as varchar) as t"
    async with opened(case) as client:
        _, ((date, text),) = await ask(case, client, sql)
    assert date == text


# The schema


async def test_a_view_whose_table_is_gone_does_not_hide_the_others(case: Case) -> None:
    await case.admin("create table gone (id integer)")
    await case.admin("create view broken as select id from gone")
    await case.admin("drop table gone")
    async with opened(case) as client:
        names = [table.name for table in (await client.catalog()).tables]
    assert names == ["authors", "books", "broken", "loans", "recent", "shelves"]


async def test_names_of_any_kind_are_kept(case: Case) -> None:
    await case.admin('create table "a ""b"" c" ("x y" integer primary key, "q""" integer)')
    await case.admin('create index "i j" on "a ""b"" c" ("q""", "x y")')
    async with opened(case) as client:
        table = next(table for table in (await client.catalog()).tables if table.name == 'a "b" c')
    assert [column.name for column in table.columns] == ["x y", 'q"']
    assert (table.primary_key, table.indexes[0].columns) == (("x y",), ('q"', "x y"))


async def test_the_engine_is_found_by_its_names(case: Case) -> None:
    from colonnade.server.engines import EngineTypes, load

    types = EngineTypes()
    assert types.schemes["duckdb"] == case.type
    assert load("duckdb") is ENGINE
