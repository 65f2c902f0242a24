"""What only Snowflake has."""

import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, cast

import anyio
import pytest
from colonnade.server.engines.base import Client
from colonnade.server.engines.snowflake import ENGINE
from colonnade.server.engines.snowflake.login import Roles, login_of
from colonnade.server.engines.snowflake.values import date_text, months_text, scaled, timestamp_text
from colonnade.server.errors import (
    AuthFailed,
    ColonnadeError,
    ConfigError,
    ConnectionLost,
    DriverMissing,
    SqlError,
    TimedOut,
)
from colonnade.server.model import Limits
from colonnade.server.model import Login as SessionLogin
from colonnade.server.secrets import resolve
from pydantic import ValidationError

from tests.conftest import engine_file
from tests.contract.case import Case, Login, ask, opened, until
from tests.engines.snowflake import DSN, PASSWORD, Started, key_pair

emulated = pytest.mark.skipif(DSN is not None, reason="asks what only the emulator can be told to do")


@pytest.fixture
def server(started: Callable[[str], object]) -> Started:
    return cast("Started", started("snowflake"))


@asynccontextmanager
async def working(server: Started, folder: Path) -> AsyncGenerator[tuple[Case, Client]]:
    """Open a client with one session, on which a statement has run."""
    async with engine_file("snowflake").case(server, folder) as case, opened(case, Limits(concurrent=1)) as client:
        await ask(case, client, "select 1")
        yield case, client


async def is_so(server: Started, **counts: int) -> bool:
    told = await server.control("count")
    return all(told[name] == count for name, count in counts.items())


async def refused(**settings: object) -> Exception:
    options = ENGINE.options.model_validate(settings)
    with pytest.raises((ConfigError, AuthFailed)) as caught:
        await ENGINE.open(options, await resolve(options), Limits())
    assert "hunter2" not in str(caught.value)
    return caught.value


def test_unknown_options_are_refused_by_name() -> None:
    with pytest.raises(ValidationError, match="warehose"):
        ENGINE.options.model_validate({"account": "a", "warehose": "w"})


@pytest.mark.parametrize(
    "settings",
    [
        {"url": "snowflake://u:p@acc/db", "account": "acc"},
        {"account": "acc", "private_key": "x", "private_key_file": "y"},
        {"connections_file": "connections.toml", "account": "acc"},
        {"user": "nobody"},
    ],
)
def test_settings_that_contradict_each_other_are_refused(settings: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        ENGINE.options.model_validate(settings)


@pytest.mark.parametrize(
    "url",
    [
        "snowflake://u:hunter2/x@acc/db",
        "snowflake://u:hunter2#@acc/db",
        "snowflake://u:hunter2@acc:443/db",
        "mysql://acc",
    ],
)
async def test_a_torn_url_is_never_repeated(url: str) -> None:
    assert "not of the form" in str(await refused(url=url))


async def test_a_private_key_that_is_none_is_told_and_not_repeated() -> None:
    assert "not PEM" in str(await refused(account="acc", user="u", private_key="hunter2"))


@emulated
@pytest.mark.parametrize("passphrase", [None, "hunter2"])
@pytest.mark.parametrize("place", ["private_key", "private_key_file"])
async def test_a_key_pair_logs_in_and_another_key_does_not(
    server: Started, tmp_path: Path, place: str, passphrase: str | None
) -> None:
    private, public = key_pair(passphrase)
    settings: dict[str, Any] = {**server.login("LIB").settings, place: private}
    for name in ("password", "database", "schema"):
        del settings[name]
    if place == "private_key_file":
        (tmp_path / "key.p8").write_text(private)
        settings[place] = str(tmp_path / "key.p8")
    if passphrase is not None:
        settings["private_key_file_pwd"] = passphrase
    await server.control("key", READER=public)
    options = ENGINE.options.model_validate(settings)
    client = await ENGINE.open(options, await resolve(options), Limits())
    assert (await client.ping()).version.startswith("Snowflake")
    await client.close()
    await server.control("key", READER=key_pair()[1])
    error = await refused(**settings)
    assert isinstance(error, AuthFailed)
    assert "key" in str(error)


@pytest.mark.parametrize("place", ["private_key", "private_key_file"])
@pytest.mark.parametrize("passphrase", [None, "hunter2 not"])
async def test_a_wrong_passphrase_is_told(tmp_path: Path, place: str, passphrase: str | None) -> None:
    private, _ = key_pair("hunter2")
    settings = {"account": "acc", "user": "u", place: private, "private_key_file_pwd": passphrase}
    if place == "private_key_file":
        (tmp_path / "key.p8").write_text(private)
        settings[place] = str(tmp_path / "key.p8")
    error = await refused(**settings)
    assert isinstance(error, ConfigError)
    assert "passphrase" in str(error)


async def test_a_browser_is_not_opened_without_a_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    assert "no screen" in str(await refused(account="acc", user="u", authenticator="externalbrowser"))


async def test_a_browser_is_not_opened_because_a_file_says_so(tmp_path: Path) -> None:
    file = tmp_path / "connections.toml"
    file.write_text('[work]\naccount = "acc"\nauthenticator = "externalbrowser"\n')
    assert "unasked" in str(await refused(connection_name="work", connections_file=str(file)))


@emulated
async def test_a_short_statement_is_asked_about_little_and_a_long_one_ever_less(
    server: Started, tmp_path: Path
) -> None:
    async with engine_file("snowflake").case(server, tmp_path) as case, opened(case) as client:
        before = (await server.control("count"))["questions"]
        for _ in range(10):
            assert (await ask(case, client, "select 1"))[1] == [(1,)]
        between = (await server.control("count"))["questions"]
        assert between - before <= 50
        begun = anyio.current_time()
        assert (await ask(case, client, "select 1 /* runs for 1 s */"))[1] == [(1,)]
        assert anyio.current_time() - begun < 1.9  # at most half of it late
        assert 4 <= (await server.control("count"))["questions"] - between <= 14


STAGES = ("submitted", "runs", "fetched")


@emulated
@pytest.mark.parametrize("stage", STAGES)
async def test_a_cancelled_statement_is_aborted_at_any_stage(server: Started, tmp_path: Path, stage: str) -> None:
    async with working(server, tmp_path) as (case, client):
        with anyio.fail_after(2):
            with anyio.move_on_after(0.15):
                await ask(case, client, f"select 1 /* {stage} for 0.4 s */")
            assert (await server.control("count"))["running"] == 0
            assert (await ask(case, client, "select 1"))[1] == [(1,)]


@emulated
@pytest.mark.parametrize("stage", STAGES)
async def test_a_deadline_holds_at_any_stage(server: Started, tmp_path: Path, stage: str) -> None:
    async with working(server, tmp_path) as (case, client):
        with anyio.fail_after(2), pytest.raises(TimedOut, match=r"0\.15 s"):
            await ask(case, client, f"select 1 /* {stage} for 0.4 s */", seconds=0.15)
        assert (await server.control("count"))["running"] == 0
        assert (await ask(case, client, "select 1"))[1] == [(1,)]


@emulated
@pytest.mark.parametrize("stage", STAGES)
async def test_closing_ends_what_runs_at_any_stage(server: Started, tmp_path: Path, stage: str) -> None:
    ended: list[object] = []

    async with working(server, tmp_path) as (case, client), anyio.create_task_group() as tasks:

        async def work() -> None:
            try:
                seconds = 60 if stage == "runs" else 1
                ended.append((await ask(case, client, f"select 1 /* {stage} for {seconds} s */", seconds=90))[1])
            except ConnectionLost as error:
                ended.append(error)

        tasks.start_soon(work)
        await anyio.sleep(0.2)
        with anyio.fail_after(5):
            await client.close()
            await until(lambda: is_so(server, running=0, sessions=0))
    # A result that was on its way may have come.
    assert isinstance(ended[0], ConnectionLost) or (stage == "fetched" and ended == [[(1,)]])


@emulated
@pytest.mark.parametrize("stage", STAGES)
async def test_a_session_killed_at_any_stage_is_told_or_goes_unnoticed(
    server: Started, tmp_path: Path, stage: str
) -> None:
    async with working(server, tmp_path) as (case, client):

        async def work() -> None:
            with suppress(ConnectionLost):
                assert (await ask(case, client, f"select 1 /* {stage} for 0.5 s */"))[1] == [(1,)]

        with anyio.fail_after(5):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(work)
                await anyio.sleep(0.2)
                await server.control("kill")
            await until(lambda: is_so(server, running=0, sessions=0))
            assert (await ask(case, client, "select 1"))[1] == [(1,)]


@emulated
async def test_a_submission_that_outlasts_the_patience_is_aborted_behind(server: Started, tmp_path: Path) -> None:
    async with working(server, tmp_path) as (case, client):
        with anyio.fail_after(1.5), anyio.move_on_after(0.1):
            await ask(case, client, "select 1 /* submitted for 1.2 s */ /* runs for 60 s */")
        await until(lambda: is_so(server, running=0, sessions=0))
        assert (await ask(case, client, "select 1"))[1] == [(1,)]


@emulated
async def test_a_statement_that_could_not_be_asked_about_does_not_run_on(server: Started, tmp_path: Path) -> None:
    async with working(server, tmp_path) as (case, client):
        await server.control("mute")
        with anyio.fail_after(5), pytest.raises(ColonnadeError):
            await ask(case, client, "select 1 /* runs for 60 s */")
        assert (await server.control("count"))["running"] == 0
        assert (await ask(case, client, "select 1"))[1] == [(1,)]


@emulated
async def test_the_session_of_a_long_statement_is_kept_after_its_cancellation(server: Started, tmp_path: Path) -> None:
    async with working(server, tmp_path) as (case, client):
        before = await server.control("count")
        for seconds in (1.9, 2.2):
            with anyio.move_on_after(seconds) as limit:
                await ask(case, client, "select 1 /* runs for 60 s */")
            # The next question would come as much as half a second later: an abort is not to wait for it.
            assert anyio.current_time() - limit.deadline < 0.24
        assert (await ask(case, client, "select 1"))[1] == [(1,)]
        after = await server.control("count")
        assert (after["logins"], after["aborts"]) == (before["logins"], before["aborts"] + 2)


@emulated
async def test_a_login_that_was_given_up_leaves_no_session(server: Started, tmp_path: Path) -> None:
    async with engine_file("snowflake").case(server, tmp_path) as case:
        before = (await server.control("count"))["logins"]
        options = ENGINE.options.model_validate({**case.login.settings, "warehouse": "0.4"})
        with anyio.move_on_after(0.2):
            await ENGINE.open(options, await resolve(options), Limits())
        await until(lambda: is_so(server, logins=before + 1, sessions=0))
        await anyio.sleep(0.3)
        assert await is_so(server, logins=before + 1, sessions=0)


@emulated
async def test_a_close_waits_for_a_login_that_was_given_up(server: Started, tmp_path: Path) -> None:
    async with engine_file("snowflake").case(server, tmp_path) as case:
        login = Login({**case.login.settings, "warehouse": "0.4"})
        async with opened(case, Limits(concurrent=2), login) as client, anyio.create_task_group() as tasks:
            tasks.start_soon(ask, case, client, "select 1 /* runs for 60 s */")
            await until(lambda: is_so(server, running=1))
            with anyio.move_on_after(0.2):
                await ask(case, client, "select 1")
            tasks.cancel_scope.cancel()
        assert await is_so(server, sessions=0, running=0)


async def test_a_bare_describe_is_sent_as_it_is(started: Callable[[str], object], tmp_path: Path) -> None:
    # The driver's own cursor warns of it, which is an error here, and sends something else.
    async with engine_file("snowflake").case(started("snowflake"), tmp_path) as case, opened(case) as client:
        with pytest.raises(SqlError):
            await ask(case, client, "desc nowhere")


async def test_a_missing_driver_is_told_with_its_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "snowflake.connector.aio", None)
    options = ENGINE.options.model_validate({"account": "acc"})
    with pytest.raises(DriverMissing) as caught:
        await ENGINE.open(options, {}, Limits())
    assert "pip install" in caught.value.hint


async def test_a_named_connection_is_used(started: Callable[[str], object], tmp_path: Path) -> None:
    server = started("snowflake")
    assert isinstance(server, Started)
    async with engine_file("snowflake").case(server, tmp_path) as case:
        settings: dict[str, Any] = dict(case.login.settings)
        lines = [f"{name} = {value!r}" for name, value in settings.items() if name != "password"]
        (tmp_path / "connections.toml").write_text("\n".join(["[work]", *lines]))
        options = ENGINE.options.model_validate(
            {"connection_name": "work", "connections_file": "connections.toml", "password": PASSWORD},
            context={"folder": tmp_path},
        )
        client = await ENGINE.open(options, await resolve(options), Limits())
        assert (await client.ping()).version.startswith("Snowflake")
        await client.close()


async def test_nothing_is_written_to_the_home_folder(
    started: Callable[[str], object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = started("snowflake")
    home = tmp_path / "home"
    home.mkdir()
    for name in ("HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "SNOWFLAKE_HOME"):
        monkeypatch.setenv(name, str(home))
    async with engine_file("snowflake").case(server, tmp_path) as case, opened(case) as client:
        await ask(case, client, "select 1")
    assert list(home.iterdir()) == []


LAZY = """
import sys
from time import perf_counter

import anyio
from colonnade.server.engines.base import Client
from colonnade.server.engines.snowflake import ENGINE
from colonnade.server.errors import Unreachable
from colonnade.server.model import Limits

assert not any(name.startswith("snowflake") for name in sys.modules)
waits = []


async def tick() -> None:
    while True:
        begun = perf_counter()
        await anyio.sleep(0.005)
        waits.append(perf_counter() - begun)


async def main() -> None:
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(tick)
        settings = {"account": "a", "user": "u", "host": "127.0.0.1", "port": 1, "protocol": "http", "password": "p"}
        options = ENGINE.options.model_validate(settings)
        begun = perf_counter()
        try:
            await ENGINE.open(options, {"password": "p"}, Limits())
        except Unreachable:
            pass
        print(len(waits), max(waits), perf_counter() - begun)
        tasks.cancel_scope.cancel()


anyio.run(main)
assert "snowflake.connector.aio" in sys.modules
"""


async def test_the_driver_is_imported_by_its_first_use_while_others_are_answered() -> None:
    process = await anyio.run_process((sys.executable, "-c", LAZY), check=False)
    assert process.returncode == 0, process.stderr.decode()
    ticks, longest, whole = map(float, process.stdout.split())
    assert ticks >= 10
    assert longest < whole / 2, "the loop stood still for most of the import"


def test_values_beyond_what_python_holds_are_written_whole() -> None:
    assert date_text(2_932_897) == "10000-01-01"
    assert date_text(-719_528) == "0000-01-01"
    assert timestamp_text(0, 123_456_789, 9) == "1970-01-01T00:00:00.123456789"
    assert timestamp_text(-1, 5, 3, -90) == "1969-12-31T22:29:59.005-01:30"
    assert str(scaled(-int("9" * 38), -2)) == f"-{'9' * 36}.99"
    assert months_text(-14) == "-P1Y2M"


async def test_a_catalog_needs_a_database(started: Callable[[str], object], tmp_path: Path) -> None:
    async with engine_file("snowflake").case(started("snowflake"), tmp_path) as case:
        settings = {name: value for name, value in case.login.settings.items() if name not in ("database", "schema")}
        options = ENGINE.options.model_validate(settings)
        client = await ENGINE.open(options, await resolve(options), Limits())
        with pytest.raises(SqlError, match="no database"):
            await client.catalog()
        await client.close()


def grant(privilege: str, kind: str, name: str) -> dict[str, str]:
    return {"privilege": privilege, "granted_on": kind, "name": name}


READS = [
    grant("USAGE", "DATABASE", "SHOP"),
    grant("USAGE", "SCHEMA", "SHOP.PUBLIC"),
    grant("USAGE", "WAREHOUSE", "W"),
    grant("SELECT", "TABLE", "SHOP.PUBLIC.AUTHORS"),
]


def looked(
    grants: dict[str, list[dict[str, str]]], role: str = "READER", secondary: str | None = None
) -> tuple[list[str], SessionLogin]:
    """Answer what is asked about a session, and return what was asked and what came of it."""
    facts = {"user": "ANN", "role": role, "secondary": secondary, "database": "SHOP", "warehouse": "my wh"}
    roles, asked = Roles(facts), list[str]()
    while (text := roles.next()) is not None:
        asked.append(text)
        roles.add(grants.get(text.removeprefix("show grants to "), []))
    return asked, login_of(facts, roles)


def test_a_role_that_only_reads_has_no_dangers() -> None:
    asked, login = looked({'role "READER"': READS})
    assert asked == ['show grants to role "READER"']
    assert (login.name, login.dangers) == ("ANN", ())
    assert 'grant usage on warehouse "my wh" to role COLONNADE_READER;' in login.remedy


def test_what_a_role_may_do_is_told_also_of_those_that_it_inherits() -> None:
    grants = {
        'role "READER"': [*READS, grant("USAGE", "ROLE", "odd role"), grant("USAGE", "DATABASE_ROLE", "SHOP.WRITER")],
        'role "odd role"': [grant("OWNERSHIP", "TABLE", "SHOP.PUBLIC.LOANS"), grant("USAGE", "ROLE", "READER")],
        "database role SHOP.WRITER": [
            grant("INSERT", "TABLE", "SHOP.PUBLIC.AUTHORS"),
            grant("DELETE", "TABLE", "SHOP.PUBLIC.AUTHORS"),
            grant("UPDATE", "TABLE", "SHOP.PUBLIC.BOOKS"),
            grant("CREATE TABLE", "SCHEMA", "SHOP.PUBLIC"),
        ],
        'role "EXTRA"': [grant("USAGE", "PROCEDURE", "SHOP.PUBLIC.P()")],
    }
    asked, login = looked(grants, secondary='{"roles": "EXTRA,READER", "value": "ALL"}')
    assert len(asked) == 4
    assert login.dangers == (
        "may write to 2 tables",
        "owns 1 object",
        "may run 1 function or procedure",
        "has other privileges (CREATE TABLE)",
    )


def test_an_administrators_role_is_named() -> None:
    assert looked({}, role="ACCOUNTADMIN")[1].dangers == ("uses ACCOUNTADMIN",)
    inherited = {'role "READER"': [grant("USAGE", "ROLE", "SYSADMIN")]}
    assert looked(inherited)[1].dangers == ("uses SYSADMIN",)


def test_no_more_than_ten_roles_are_looked_into() -> None:
    asked, login = looked({'role "READER"': [grant("USAGE", "ROLE", f"R{number}") for number in range(12)]})
    assert len(asked) == 10
    assert login.dangers == ("inherits 3 more roles, which could not all be looked into",)
