"""What every protocol test starts from: real files with a configuration, both revisions, an environment of its own."""

import os
import sqlite3
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, closing
from pathlib import Path

import anyio
import pytest
from colonnade.server.app import App
from colonnade.server.protocol import build
from mcp import Client

FOREIGN = ("COLONNADE_", "DB_URL", "DATABASE_URL")
"""Variables of whoever runs the tests that would reach the server."""

DATABASES = {
    "orders": """
        create table customers (id integer primary key, name text not null, email text);
        create table orders (id integer primary key, customer_id integer references customers (id), total numeric);
        insert into customers values (1, 'Ada', 'ada@example.com'), (2, 'Ben', null), (3, 'Cleo', 'cleo@example.com');
        insert into orders values (1, 1, 19.5), (2, 3, 7);
    """,
    "web": """
        create table customers (email text primary key, visits integer);
        create table pages (path text primary key);
        insert into customers values ('ada@example.com', 12);
    """,
    "staff": "create table orders (id integer primary key, item text);",
}

CONFIG = """\
version = 1

[[domain]]
name = "Sales"
description = "What was sold, & to whom."

[[domain.connection]]
name = "orders"
type = "sqlite"
path = "orders.sqlite"
description = "Orders <since 2020>"
environment = "prod"

[[domain.connection]]
name = "web"
type = "sqlite"
path = "web.sqlite"

[[domain]]
name = "Staff"

[[domain.connection]]
name = "orders"
type = "sqlite"
path = "staff.sqlite"
"""


@pytest.fixture(params=["auto", "legacy"], ids=["2026-07-28", "2025-11-25"])
def mode(request: pytest.FixtureRequest) -> str:
    """The SDK client's word for a revision of the protocol."""
    return str(request.param)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A configuration of three SQLite files in two domains; its folder is the test's `tmp_path`."""
    for name, script in DATABASES.items():
        with closing(sqlite3.connect(tmp_path / f"{name}.sqlite")) as database:
            database.executescript(script)
    path = tmp_path / "colonnade.toml"
    path.write_text(CONFIG, encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def environ(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """The environment of every server in the tests: this one, with a home of its own and no other configuration."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
    return {**own, "COLONNADE_HOME": str(tmp_path_factory.mktemp("home"))}


@pytest.fixture(scope="session")
def colonnade() -> str:
    """The installed command, as the console script of this interpreter."""
    return str(Path(sys.executable).with_name("colonnade.exe" if sys.platform == "win32" else "colonnade"))


@pytest.fixture
def talk(mode: str, environ: Mapping[str, str]) -> Callable[[Path], AbstractAsyncContextManager[Client]]:
    """Open the app on a configuration, and a client of this revision connected to it in memory."""

    @asynccontextmanager
    async def talking(config: Path) -> AsyncGenerator[Client]:
        async with (
            App.open(config, environ=environ) as app,
            Client(build(app, "memory", "tester"), mode=mode) as client,
        ):
            yield client

    return talking


@pytest.fixture
def attentive(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the app look at its file in every call, instead of once a second."""
    monkeypatch.setattr("colonnade.server.config.current.LOOK_SECONDS", 0.0)


@pytest.fixture
def until() -> Callable[[Callable[[], Awaitable[bool]]], Awaitable[None]]:
    """Wait for what nothing tells of: a file to be looked at again, a line in another process's log."""

    async def until(holds: Callable[[], Awaitable[bool]]) -> None:
        with anyio.fail_after(5):
            while not await holds():  # noqa: ASYNC110 - there is no event of it in this process
                await anyio.sleep(0.02)

    return until


@pytest.fixture(scope="session")
def node_modules() -> Path:
    """The folder of the Node packages that check servers from outside; without them such tests are skipped."""
    default = Path(__file__).parents[2] / ".cache" / "node"
    folder = Path(os.environ.get("COLONNADE_TEST_NODE") or default).absolute() / "node_modules"
    wanted = ("node/bin/node", "@modelcontextprotocol/conformance/dist/index.js", ".bin/mcp-inspector")
    if missing := [name for name in wanted if not (folder / name).exists()]:
        pytest.skip(f"no {missing[0]} in {folder}: .ci/run installs it, COLONNADE_TEST_NODE names another place")
    return folder
