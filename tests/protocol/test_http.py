"""`colonnade serve --http` as a real process: who is let in, what is served, and what is never said."""

import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Mapping, Sequence
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    asynccontextmanager,
    contextmanager,
    suppress,
)
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

Until = Callable[[Callable[[], Awaitable[bool]]], Awaitable[None]]

MODES = {"auto": "2026-07-28", "legacy": "2025-11-25"}
"""The SDK client's words for the revisions."""

COUNT = "select count(*) from regions"

ENDLESS = "with recursive n (i) as (select 1 union all select i + 1 from n where i > 0) select count(*) from n"

ADDRESS = r"^Colonnade serves MCP on (?P<url>http://127\.0\.0\.1:\d+/mcp)\n"
BEARER = r"Clients send the header  Authorization: Bearer (?P<token>\S+)\n"

PING: Mapping[str, Any] = {"jsonrpc": "2.0", "id": 1, "method": "ping", "params": {}}

INITIALIZE: Mapping[str, Any] = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "raw", "version": "1"}},
}

ACCEPT = ((b"Accept", b"application/json, text/event-stream"),)


@dataclass(frozen=True, slots=True)
class Site:
    """A server that is running, by what it printed."""

    process: subprocess.Popen[bytes]
    file: Path
    url: str
    token: str | None

    def log(self) -> str:
        return self.file.read_text(encoding="utf-8")

    def headers(self) -> dict[str, str]:
        return {} if self.token is None else {"Authorization": f"Bearer {self.token}"}

    def client(self, mode: str) -> AbstractAsyncContextManager[Client]:
        """Connect the SDK's client, with the token if there is one."""

        @asynccontextmanager
        async def connected() -> AsyncGenerator[Client]:
            async with (
                httpx2.AsyncClient(headers=self.headers(), timeout=10) as web,
                Client(streamable_http_client(self.url, http_client=web), mode=mode) as client,
            ):
                yield client

        return connected()

    async def post(self, message: Mapping[str, Any], **headers: str | bytes) -> httpx2.Response:
        """Send one message with these headers alone."""
        given = [
            (name.encode(), value if isinstance(value, bytes) else value.encode()) for name, value in headers.items()
        ]
        async with httpx2.AsyncClient(timeout=10) as web:
            return await web.post(self.url, json=message, headers=[*ACCEPT, *given])

    async def ended(self, seconds: float) -> int:
        """Wait for the process to end by itself and return its exit code."""
        return await anyio.to_thread.run_sync(self.process.wait, seconds)


Start = Callable[..., AbstractContextManager[Site]]


@contextmanager
def serving(command: Sequence[str], environ: Mapping[str, str], file: Path) -> Generator[Site]:
    """Start a server, wait until it has printed where it is, and kill it in the end."""
    printed = re.compile(ADDRESS + ("(?P<token>)" if "--no-token" in command else BEARER))
    with file.open("wb") as errors, subprocess.Popen(command, stderr=errors, env=environ) as process:
        try:
            deadline = time.monotonic() + 10
            while not (found := printed.match(text := file.read_text(encoding="utf-8"))):
                assert process.poll() is None, text
                assert time.monotonic() < deadline, text
                time.sleep(0.02)
            yield Site(process, file, found["url"], found["token"] or None)
        finally:
            process.kill()


@pytest.fixture(scope="module")
def site(colonnade: str, environ: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory) -> Generator[Site]:
    """A server with a token on the demo, which says all it has to say; tests share it."""
    command = [colonnade, "serve", "--demo", "--http", "127.0.0.1:0", "--log-level", "debug"]
    with serving(command, environ, tmp_path_factory.mktemp("http") / "log") as site:
        yield site


@pytest.fixture
def start(colonnade: str, environ: Mapping[str, str], tmp_path: Path) -> Start:
    """Start a server of one's own on the demo."""

    def starting(*arguments: str, **variables: str) -> AbstractContextManager[Site]:
        command = [colonnade, "serve", "--demo", "--http", "127.0.0.1:0", *arguments]
        return serving(command, {**environ, **variables}, tmp_path / "log")

    return starting


def digest(sql: str) -> str:
    """Return what stands for a statement in the log."""
    return sha256(sql.encode()).hexdigest()[:16]


async def refused(colonnade: str, environ: Mapping[str, str], address: str) -> tuple[int, str]:
    """Run a server that is expected not to start, and return its exit code and words."""
    with anyio.fail_after(10):
        ended = await anyio.run_process([colonnade, "serve", "--demo", "--http", address], env=environ, check=False)
    assert ended.stdout == b""
    return ended.returncode, ended.stderr.decode()


async def test_the_token_that_was_printed_opens_the_server_in_both_revisions(site: Site) -> None:
    for mode, revision in MODES.items():
        async with site.client(mode) as client:
            assert client.protocol_version == revision
            assert len((await client.list_tools()).tools) == 3
            answer = await client.call_tool("execute_query", {"connection": "shop", "sql": COUNT})
            assert len((await client.list_resources()).resources) == 4
        assert answer.structured_content is not None
        assert answer.structured_content["rows"] == [[5]]


async def test_without_the_token_nothing_is_served_and_the_next_step_is_told(site: Site) -> None:
    token = site.token or ""
    assert len(token) >= 32
    wrong = [
        "Bearer",
        "Bearer wrong",
        f"Basic {token}",
        token,
        f"Bearer {token}x",
        f"Bearer {token[:-1]}",
        "Bearer \xe9",
    ]
    async with httpx2.AsyncClient(timeout=10) as web:
        responses = [await site.post(message) for message in (INITIALIZE, PING)]
        responses += [await site.post(INITIALIZE, Authorization=header.encode("latin-1")) for header in wrong]
        responses.append(await web.get(site.url.removesuffix("mcp")))
        known = await web.get(site.url.removesuffix("mcp"), headers=site.headers())
    for response in responses:
        assert response.status_code == 401
        assert response.headers["www-authenticate"].startswith("Bearer")
        assert "Authorization: Bearer" in response.text
        assert "printed" in response.text
    assert known.status_code == 404


async def test_a_token_of_ones_own_is_taken_from_the_environment(start: Start) -> None:
    with start(COLONNADE_HTTP_TOKEN="chosen-by-me") as site:
        assert site.token == "chosen-by-me"
        response = await site.post(INITIALIZE, Authorization="Bearer chosen-by-me")
    assert response.status_code == 200


async def assert_other_sites_are_kept_out(site: Site) -> None:
    port = site.url.split(":")[2].removesuffix("/mcp")
    for headers, status in (
        ({"Host": "evil.example"}, 421),
        ({"Host": f"evil.example:{port}"}, 421),
        ({"Host": f"127.0.0.1.evil.example:{port}"}, 421),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": f"http://evil.example:{port}"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://localhost:3000"}, 200),
        ({"Host": f"localhost:{port}"}, 200),
        ({}, 200),
    ):
        response = await site.post(INITIALIZE, **headers, **site.headers())
        assert response.status_code == status, headers


async def test_pages_of_other_sites_cannot_reach_it(site: Site) -> None:
    await assert_other_sites_are_kept_out(site)


async def test_a_server_without_a_token_lets_in_who_is_on_this_machine_and_no_other_site(start: Start) -> None:
    with start("--no-token") as site:
        for mode in MODES:
            async with site.client(mode) as client:
                assert len((await client.list_tools()).tools) == 3
        await assert_other_sites_are_kept_out(site)
        assert "Bearer" not in site.log()


async def test_only_this_machine_is_served(colonnade: str, environ: Mapping[str, str]) -> None:
    code, words = await refused(colonnade, environ, "0.0.0.0:1")
    assert code == 2
    assert "0.0.0.0:1" in words
    assert "127.0.0.1" in words


@pytest.mark.parametrize("address", ["8000", "127.0.0.1:65536"])
async def test_an_address_that_is_none_is_refused(colonnade: str, environ: Mapping[str, str], address: str) -> None:
    code, words = await refused(colonnade, environ, address)
    assert code == 2
    assert "HOST:PORT" in words
    assert len(words.splitlines()) == 1


async def test_a_port_in_use_is_told_in_a_sentence(colonnade: str, environ: Mapping[str, str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        code, words = await refused(colonnade, environ, f"127.0.0.1:{port}")
    assert code == 2
    assert f"127.0.0.1:{port}" in words
    assert "in use" in words
    assert len(words.splitlines()) == 1


async def test_giving_up_stops_the_statement(site: Site, until: Until) -> None:
    for count, mode in enumerate(MODES, start=1):

        async def asked(count: int = count) -> bool:
            return site.log().count(f"digest={digest(ENDLESS)}") == count

        async def cancelled(count: int = count) -> bool:
            return site.log().count("outcome=cancelled") == count

        async with site.client(mode) as client:
            await client.call_tool("execute_query", {"connection": "shop", "sql": "select 1"})
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(client.call_tool, "execute_query", {"connection": "shop", "sql": ENDLESS})
                await until(asked)
                tasks.cancel_scope.cancel()
            began = time.monotonic()
            answer = await client.call_tool("execute_query", {"connection": "shop", "sql": COUNT})
            assert time.monotonic() - began < 1
            await until(cancelled)
        assert answer.structured_content is not None
        assert answer.structured_content["rows"] == [[5]]


async def test_the_log_holds_no_token_no_statement_and_no_row(site: Site) -> None:
    token = site.token or ""
    await site.post(INITIALIZE, Authorization=f"Bearer {token}!")
    await site.post({"jsonrpc": "2.0", "id": 1, "method": token}, Authorization=f"Bearer {token}")
    for mode in MODES:
        async with site.client(mode) as client:
            for sql in ("select 'for the asker alone'", "select for_the_asker_alone"):
                await client.call_tool("execute_query", {"connection": "shop", "sql": sql})
    log = site.log()
    (line,) = [line for line in log.splitlines() if token in line]
    assert line == f"Clients send the header  Authorization: Bearer {token}"
    assert "outcome=ok" in log
    assert "outcome=sql_error" in log
    assert "caller=None" in log
    assert "transport=http" in log
    assert "asker" not in log
    assert "select" not in log


@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX")
async def test_an_interrupt_ends_an_idle_server(start: Start) -> None:
    with start() as site:
        assert (await site.post(INITIALIZE, **site.headers())).status_code == 200
        site.process.send_signal(signal.SIGINT)
        assert await site.ended(3) == 0
        assert "Traceback" not in site.log()


@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX")
@pytest.mark.parametrize("mode", MODES, ids=MODES.get)
async def test_termination_ends_a_server_with_a_statement_running(start: Start, until: Until, mode: str) -> None:
    with start("--log-level", "info") as site:

        async def asked() -> bool:
            return "asked 1 " in site.log()

        async def ask() -> None:
            with suppress(Exception):  # how a client words that its server is gone is its own affair
                async with site.client(mode) as client:
                    await client.call_tool("execute_query", {"connection": "shop", "sql": ENDLESS})

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(ask)
            await until(asked)
            site.process.send_signal(signal.SIGTERM)
            assert await site.ended(7) == 0
            tasks.cancel_scope.cancel()
        log = site.log()
    assert "outcome=cancelled" in log
    assert "Traceback" not in log
