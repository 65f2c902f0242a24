import os
import socket
import sqlite3
from contextlib import closing
from pathlib import Path
from time import monotonic

import anyio
import pytest
from colonnade.server.app import App
from colonnade.server.errors import AmbiguousConnection, ConfigError, Denied, EmptyDomain, UnknownDomain, Unreachable
from colonnade.server.model import Caller, ServerInfo

CALLER = Caller("ann", "test", "memory")

CONFIG = """
[[domain]]
name = "Sales"
[[domain.connection]]
name = "orders"
url = "sqlite:///orders.db"
[[domain.connection]]
name = "missing"
url = "sqlite:///missing.db"
[[domain.connection]]
name = "broken"
url = "sqlite:///orders.db"
colour = "red"
[[domain.connection]]
name = "off"
url = "sqlite:///orders.db"
enabled = false
[[domain]]
name = "Empty"
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    for name in ("orders", "other"):
        with closing(sqlite3.connect(tmp_path / f"{name}.db")) as database:
            database.execute(f"create table {name} (id integer primary key)")
            database.execute(f"insert into {name} values (1)")
            database.commit()
    path = tmp_path / "colonnade.toml"
    path.write_text(CONFIG)
    return path


def rewrite(path: Path, text: str) -> None:
    """Write a file so that its time of change differs even on a coarse clock."""
    before = path.stat().st_mtime_ns
    path.write_text(text)
    os.utime(path, ns=(before + 1_000_000_000, before + 1_000_000_000))


class Clock:
    """A clock that stands still until it is told that time has passed."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


async def test_a_whole_domain_is_built_with_a_result_for_each_key_failures_included(config: Path) -> None:
    async with App.open(config) as app:
        reached = await app.clients(CALLER, "sales")
        assert [str(key) for key in reached] == ["Sales:orders", "Sales:missing", "Sales:broken", "Sales:off"]
        info, missing, broken, off = reached.values()
        assert isinstance(info, ServerInfo)
        assert isinstance(missing, Unreachable)
        assert isinstance(broken, ConfigError)
        assert isinstance(off, Denied)
        assert all(str(error).find(str(key)) > 0 for key, error in list(reached.items())[1:])


async def test_an_empty_or_unknown_domain_has_an_error_of_its_own(config: Path) -> None:
    async with App.open(config) as app:
        with pytest.raises(EmptyDomain):
            await app.clients(CALLER, "Empty")
        with pytest.raises(UnknownDomain):
            await app.clients(CALLER, "Salse")


async def test_statuses_tell_what_happened_and_not_more(config: Path) -> None:
    async with App.open(config) as app:
        before = {str(s.connection.key): s.status for s in await app.connections(CALLER)}
        await app.clients(CALLER, "Sales")
        after = {str(s.connection.key): (s.status, s.reason) for s in await app.connections(CALLER)}
    assert before == {
        "Sales:orders": "pending",
        "Sales:missing": "pending",
        "Sales:broken": "config_error",
        "Sales:off": "disabled",
    }
    assert after["Sales:orders"] == ("ok", "")
    assert after["Sales:missing"][0] == "down"
    assert "missing.db" in after["Sales:missing"][1]
    assert "colour" in after["Sales:broken"][1]


async def test_a_changed_target_is_used_by_the_next_call_and_listeners_are_told(config: Path) -> None:
    told: list[str] = []

    async def listen() -> None:
        told.append("changed")

    clock = Clock()
    async with App.open(config, clock=clock) as app:
        app.on_change(listen)
        first = await app.connection(CALLER, "orders")
        assert (await app.run(CALLER, first, "select * from orders")).rows == [(1,)]
        rewrite(config, CONFIG.replace("orders.db", "other.db", 1))
        clock.now += 1.1
        second = await app.connection(CALLER, "orders")
        assert (await app.run(CALLER, second, "select * from other")).rows == [(1,)]
        assert told == ["changed"]


async def test_a_file_that_breaks_leaves_the_last_good_one_in_force_and_says_so(config: Path) -> None:
    clock = Clock()
    async with App.open(config, clock=clock) as app:
        await app.configuration()
        rewrite(config, "[[domain]\nname = ")
        clock.now += 1.1
        connection = await app.connection(CALLER, "orders")
        assert (await app.run(CALLER, connection, "select 1")).rows == [(1,)]
        assert "colonnade.toml:1" in (await app.problems())[0]
        rewrite(config, CONFIG)
        clock.now += 1.1
        assert await app.problems() == []


async def test_a_file_that_never_was_readable_answers_every_call_until_it_is_mended(tmp_path: Path) -> None:
    path, clock, told = tmp_path / "colonnade.toml", Clock(), list[str]()

    async def listen() -> None:
        told.append("changed")

    async with App.open(path, clock=clock) as app:
        app.on_change(listen)
        for _ in range(2):
            with pytest.raises(ConfigError, match="there is no such file"):
                await app.connections(CALLER)
        path.write_text('[[domain]]\nname = "A"\n')
        clock.now += 1.1
        assert [domain.name for domain in await app.domains(CALLER)] == ["A"]
        assert told == ["changed"]


async def test_a_silent_database_does_not_hold_up_what_a_domain_shows(config: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        rewrite(
            config,
            CONFIG.replace(
                '[[domain]]\nname = "Empty"',
                f'[[domain.connection]]\nname = "silent"\ntype = "postgres"\nhost = "127.0.0.1"\nport = {port}\n'
                "limits = { connect = 4 }\n",
            ),
        )  # fmt: skip
        async with App.open(config) as app:
            began = monotonic()
            seen = {
                s.standing.connection.key.connection: s for s in await app.see(CALLER, await app.scope(CALLER, "Sales"))
            }
            assert monotonic() - began < 3.5
            catalog = seen["orders"].catalog
            assert catalog is not None
            assert [table.name for table in catalog.tables] == ["orders"]
            assert seen["silent"].catalog is None
            assert seen["silent"].error is None
            assert isinstance(seen["missing"].error, Unreachable)
            with anyio.fail_after(5), pytest.raises(Unreachable, match="within 4 s"):
                await app.catalog(CALLER, await app.connection(CALLER, "silent"))


async def test_nothing_is_guessed_between_connections(config: Path) -> None:
    async with App.open(config) as app:
        with pytest.raises(AmbiguousConnection):
            await app.connection(CALLER, "Sales")


async def test_without_any_configuration_the_demo_answers(tmp_path: Path) -> None:
    async with App.open(environ={"COLONNADE_HOME": str(tmp_path)}) as app:
        assert app.demo
        connection = await app.connection(CALLER, "Demo Shop:shop")
        result = await app.run(CALLER, connection, "select count(*) from customers")
        assert result.rows == [(100,)]


async def test_a_url_in_the_environment_is_the_one_connection(config: Path) -> None:
    environ = {"COLONNADE_HOME": str(config.parent / "none"), "DB_URL": f"sqlite:///{config.parent}/orders.db"}
    async with App.open(environ=environ) as app:
        assert not app.demo
        assert [str(s.connection.key) for s in await app.connections(CALLER)] == ["default:db"]
        result = await app.run(CALLER, await app.connection(CALLER, "db"), "select * from orders")
        assert result.rows == [(1,)]
