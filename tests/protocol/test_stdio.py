"""The server of mcp.json as a real process: what its pipes carry, and how it ends."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import anyio.abc
import mcp_types as types
import pytest
from anyio.streams.buffered import BufferedByteReceiveStream
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals and pseudo-terminals are POSIX")

Until = Callable[[Callable[[], Awaitable[bool]]], Awaitable[None]]

MCP_JSON = Path(__file__).parents[2] / "mcp.json"

SERVE = (sys.executable, "-m", "colonnade", "serve", "--demo")

ENDLESS = "with recursive n (i) as (select 1 union all select i + 1 from n where i > 0) select count(*) from n"

SECRET = "select 'only the database may see this'"

LONGEST = 16 * 1024 * 1024

MALFORMED = {
    "no JSON": b"hello",
    "a piece of JSON": b'{"jsonrpc": "2.0", "id": 7, "method": "pi',
    "no object": b"42",
    "a batch": b"[]",
    "no method": b'{"jsonrpc": "2.0", "id": 7}',
    "an empty line": b"",
    "NUL": b"\0",
    "no UTF-8": b'{"jsonrpc": "2.0", "id": 7, "method": "ping", "params": {"x": "\xff\xfe"}}',
    "half a surrogate pair": b'{"jsonrpc": "2.0", "id": 7, "method": "ping", "params": {"x": "\\ud800"}}',
    "deep nesting": b"[" * 100_000,
    "deep arguments": b'{"jsonrpc": "2.0", "id": 7, "method": "ping", "params": {"x": '
    + b"[" * 5_000
    + b"]" * 5_000
    + b"}}",
    "a very long line": b'{"jsonrpc": "2.0", "id": 7, "method": "ping", "params": {"x": "'
    + b"a" * (LONGEST + 1)
    + b'"}}',
}


REQUESTS: tuple[Mapping[str, Any], ...] = (
    {
        "id": 0,
        "method": "initialize",
        "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "f", "version": "1"}},
    },
    {"method": "notifications/initialized"},
    {"id": 1, "method": "tools/list"},
)


class Wire:
    """A server by its pipes, one JSON-RPC message a line."""

    def __init__(self, process: anyio.abc.Process, log: Path) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self.process = process
        self.input = process.stdin
        self._log = log
        self._output = BufferedByteReceiveStream(process.stdout)

    async def send(self, method: str, params: Mapping[str, Any] | None = None, *, number: int | None = None) -> None:
        """Send a request, or a notification if it has no number."""
        message: dict[str, Any] = {"jsonrpc": "2.0", "method": method, "params": params or {}}
        await self.input.send(json.dumps(message if number is None else {**message, "id": number}).encode() + b"\n")

    async def receive(self) -> dict[str, Any]:
        """Return the next message; whatever else stands on a line of standard output fails here."""
        with anyio.fail_after(10):
            line = await self._output.receive_until(b"\n", LONGEST)
        message: dict[str, Any] = json.loads(line)
        assert message["jsonrpc"] == "2.0"
        return message

    async def answer(self, number: int) -> dict[str, Any]:
        """Return the response to a request, passing over what comes before."""
        while True:
            message = await self.receive()
            if message.get("id") == number:
                return message

    async def hello(self) -> None:
        client = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "raw", "version": "1"}}
        await self.send("initialize", client, number=0)
        await self.answer(0)
        await self.send("notifications/initialized")

    async def query(self, sql: str, *, number: int) -> None:
        arguments = {"connection": "Demo Shop:shop", "sql": sql}
        await self.send("tools/call", {"name": "execute_query", "arguments": arguments}, number=number)

    async def ends(self) -> int:
        """Wait for the process to end by itself, soon."""
        with anyio.fail_after(2):
            return await self.process.wait()

    def log(self) -> str:
        return self._log.read_text(encoding="utf-8")


@asynccontextmanager
async def served(environ: Mapping[str, str], log: Path, *arguments: str) -> AsyncGenerator[Wire]:
    """Start the server on the demo, with its standard error in a file."""
    with log.open("wb") as errors:
        process = await anyio.open_process([*SERVE, *arguments], stderr=errors, env=environ)
    async with process:
        try:
            yield Wire(process, log)
        finally:
            if process.returncode is None:
                process.kill()


async def start_endless(wire: Wire, until: Until) -> None:
    """Say hello, warm the connection up, and send a statement that ends only when it is stopped."""
    await wire.hello()
    await wire.query("select 1", number=1)
    await wire.answer(1)
    await wire.query(ENDLESS, number=2)

    async def asked() -> bool:
        return "asked 2 " in wire.log()

    await until(asked)


def declared(colonnade: str, environ: Mapping[str, str], *arguments: str) -> StdioServerParameters:
    """Return the server of mcp.json as a client starts it, on the demo."""
    server: dict[str, Any] = json.loads(MCP_JSON.read_text(encoding="utf-8"))["mcpServers"]["colonnade"]
    assert server["type"] == "stdio"
    assert server["command"] == Path(colonnade).name
    return StdioServerParameters(
        command=colonnade, args=[*server["args"], "--demo", *arguments], env={**server.get("env", {}), **environ}
    )


async def test_the_server_of_mcp_json_serves_both_revisions(
    mode: str, colonnade: str, environ: Mapping[str, str]
) -> None:
    async with Client(declared(colonnade, environ), mode=mode) as client:
        assert client.protocol_version == {"auto": "2026-07-28", "legacy": "2025-11-25"}[mode]
        assert client.server_info is not None
        assert client.server_info.name == "colonnade"
        assert "embedded demo" in (client.instructions or "")
        listed = await client.call_tool("list_connections", {})
        answer = await client.call_tool("execute_query", {"connection": "shop", "sql": "select count(*) from regions"})
        resource = await client.read_resource("colonnade://schema/Demo%20Shop/support")
    assert listed.structured_content is not None
    assert [each["key"] for each in listed.structured_content["connections"]] == ["Demo Shop:shop", "Demo Shop:support"]
    assert answer.structured_content is not None
    assert answer.structured_content["rows"] == [[5]]
    assert isinstance(resource.contents[0], types.TextResourceContents)
    assert 'name="tickets"' in resource.contents[0].text


async def test_standard_output_carries_the_protocol_and_the_log_no_statement(
    environ: Mapping[str, str], tmp_path: Path
) -> None:
    async with served(environ, tmp_path / "log", "--log-level", "debug") as wire:
        await wire.hello()
        await wire.send("tools/list", number=1)
        await wire.query(SECRET, number=2)
        await wire.query(f"{SECRET} from nowhere", number=3)
        await wire.send("tools/call", {"name": "execute_query", "arguments": {"sql": SECRET}}, number=4)
        answers = {number: await wire.answer(number) for number in (1,)}
        waiting = {2, 3, 4}
        while waiting:
            message = await wire.receive()
            waiting.discard(message["id"])
            answers[message["id"]] = message
        await wire.input.aclose()
        assert await wire.ends() == 0
        log = wire.log()
    assert len(answers[1]["result"]["tools"]) == 3
    assert answers[2]["result"]["structuredContent"]["rows"] == [["only the database may see this"]]
    assert answers[3]["result"]["isError"] is True
    assert answers[4]["result"]["isError"] is True
    assert "asked 1 " in log
    assert "outcome=sql_error" in log
    assert "only the database" not in log
    assert "select" not in log.lower()


async def test_a_print_of_some_library_cannot_break_the_protocol(environ: Mapping[str, str], tmp_path: Path) -> None:
    site = tmp_path / "site"
    site.mkdir()
    (site / "sitecustomize.py").write_text(
        "import atexit, sqlite3\n"
        "original = sqlite3.connect\n"
        "def connect(*arguments, **options):\n"
        "    print('a library prints')\n"
        "    return original(*arguments, **options)\n"
        "sqlite3.connect = connect\n"
    )
    async with served({**environ, "PYTHONPATH": str(site)}, tmp_path / "log") as wire:
        await wire.hello()
        await wire.query("select 1", number=1)
        message = await wire.receive()
        await wire.input.aclose()
        assert await wire.ends() == 0
        assert "a library prints" in wire.log()
    assert message["result"]["structuredContent"]["rows"] == [[1]]


async def end_of_input(wire: Wire) -> None:
    await wire.input.aclose()


async def terminate(wire: Wire) -> None:
    wire.process.send_signal(signal.SIGTERM)


async def interrupt(wire: Wire) -> None:
    wire.process.send_signal(signal.SIGINT)


async def test_an_idle_server_ends_with_its_input(environ: Mapping[str, str], tmp_path: Path) -> None:
    async with served(environ, tmp_path / "log") as wire:
        await wire.hello()
        await wire.input.aclose()
        assert await wire.ends() == 0
        assert wire.log() == ""


@pytest.mark.parametrize("end", [end_of_input, terminate, interrupt])
async def test_a_server_with_a_statement_running_stops_it_and_ends(
    environ: Mapping[str, str], tmp_path: Path, until: Until, end: Callable[[Wire], Awaitable[None]]
) -> None:
    async with served(environ, tmp_path / "log", "--log-level", "info") as wire:
        await start_endless(wire, until)
        await end(wire)
        assert await wire.ends() == 0
        log = wire.log()
    assert "ended 2 " in log
    assert "outcome=cancelled" in log
    assert "Traceback" not in log


def test_a_client_that_is_gone_ends_the_server_without_a_traceback(environ: Mapping[str, str]) -> None:
    with subprocess.Popen(
        SERVE, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environ
    ) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        assert server.stderr is not None
        try:
            server.stdin.write(json.dumps({"jsonrpc": "2.0", **REQUESTS[0]}).encode() + b"\n")
            server.stdin.flush()
            assert server.stdout.readline()
            server.stdout.close()
            server.stdin.write(json.dumps({"jsonrpc": "2.0", **REQUESTS[2]}).encode() + b"\n")
            server.stdin.flush()
            assert server.wait(2) == 0
            assert server.stderr.read() == b""
        finally:
            server.kill()


async def test_a_line_that_is_no_message_harms_nobody(environ: Mapping[str, str], tmp_path: Path) -> None:
    async with served(environ, tmp_path / "log", "--log-level", "debug") as wire:
        await wire.hello()
        for number, (kind, line) in enumerate(MALFORMED.items(), start=1):
            await wire.input.send(line + b"\n")
            await wire.query("select 1", number=number)
            answer = await wire.answer(number)
            assert answer["result"]["structuredContent"]["rows"] == [[1]], kind
        await wire.input.aclose()
        assert await wire.ends() == 0
        assert "Traceback" not in wire.log()


async def test_a_request_that_cannot_be_read_is_answered_so_that_nobody_waits_for_it(
    environ: Mapping[str, str], tmp_path: Path
) -> None:
    async with served(environ, tmp_path / "log") as wire:
        await wire.hello()
        for number, kind in enumerate(("no JSON", "half a surrogate pair", "deep arguments", "a very long line"), 100):
            await wire.input.send(MALFORMED[kind] + b"\n")
            await wire.send("ping", number=number)
            message = await wire.receive()
            # JSON-RPC 2.0, section 5: the id is null unless it could be read.
            assert message.get("id") in (None, 7), kind
            assert message["error"]["code"] in (types.PARSE_ERROR, types.INVALID_REQUEST), kind
            await wire.answer(number)


async def test_a_client_that_gives_up_stops_its_statement(
    mode: str, colonnade: str, environ: Mapping[str, str], tmp_path: Path, until: Until
) -> None:
    log = tmp_path / "log"
    server = declared(colonnade, environ, "--log-level", "info")

    async def asked() -> bool:
        return "asked 2 " in log.read_text()

    async def cancelled() -> bool:
        return "outcome=cancelled" in log.read_text()

    with log.open("w") as errors:
        async with Client(stdio_client(server, errors), mode=mode) as client:
            await client.call_tool("execute_query", {"connection": "shop", "sql": "select 1"})
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(client.call_tool, "execute_query", {"connection": "shop", "sql": ENDLESS})
                await until(asked)
                tasks.cancel_scope.cancel()
            began = time.monotonic()
            answer = await client.call_tool("execute_query", {"connection": "shop", "sql": "select 2"})
            assert time.monotonic() - began < 1
            await until(cancelled)
    assert answer.structured_content is not None
    assert answer.structured_content["rows"] == [[2]]


def with_file(path: Path, environ: Mapping[str, str], output: Path | None) -> subprocess.CompletedProcess[bytes]:
    """Run the server on a file as its standard input, and perhaps another as its output."""
    with path.open("rb") as requests, (output or Path(os.devnull)).open("wb") as answers:
        to = subprocess.PIPE if output is None else answers
        return subprocess.run(
            SERVE, stdin=requests, stdout=to, stderr=subprocess.PIPE, env=environ, timeout=10, check=False
        )


@pytest.mark.parametrize("output", ["a pipe", "a file"])
def test_a_file_as_input_is_read_to_its_end(environ: Mapping[str, str], tmp_path: Path, output: str) -> None:
    path = tmp_path / "requests"
    path.write_text("".join(json.dumps({"jsonrpc": "2.0", **request}) + "\n" for request in REQUESTS))
    answers = tmp_path / "answers" if output == "a file" else None
    ended = with_file(path, environ, answers)
    text = ended.stdout if answers is None else answers.read_bytes()
    assert ended.returncode == 0
    assert ended.stderr == b""
    # The end of the input is the end of the client: a request that was not answered by then may stay so.
    assert [json.loads(line)["id"] for line in text.splitlines()] in ([0], [0, 1])


def test_no_input_at_all_ends_the_server(environ: Mapping[str, str]) -> None:
    ended = with_file(Path(os.devnull), environ, None)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, b"", b"")


@pytest.mark.parametrize("closed", ["<&-", ">&-"], ids=["input", "output"])
def test_a_closed_standard_stream_is_no_crash(environ: Mapping[str, str], closed: str) -> None:
    ended = subprocess.run(
        ["/bin/sh", "-c", f'exec "$@" {closed}', "sh", *SERVE],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        env=environ,
        timeout=10,
        check=False,
    )
    assert b"Traceback" not in ended.stderr
    assert ended.stdout == b""


@pytest.mark.parametrize(("output", "number"), [("a terminal", signal.SIGINT), ("a file", signal.SIGTERM)])
async def test_a_signal_ends_a_server_whose_output_is_no_pipe(
    environ: Mapping[str, str], tmp_path: Path, until: Until, *, output: str, number: signal.Signals
) -> None:
    import pty  # POSIX only

    ours, theirs = pty.openpty()
    log = tmp_path / "log"
    try:
        with log.open("wb") as errors, (tmp_path / "output").open("wb") as file:
            process = await started(
                [*SERVE, "--log-level", "debug"],
                environ,
                stdin=theirs if output == "a terminal" else subprocess.PIPE,
                stdout=theirs if output == "a terminal" else file.fileno(),
                stderr=errors.fileno(),
            )

        async def ready() -> bool:
            return handles(process.pid, signal.SIGTERM)

        async with process:
            try:
                await until(ready)
                process.send_signal(number)
                with anyio.fail_after(2):
                    assert await process.wait() == 0
            finally:
                if process.returncode is None:
                    process.kill()
    finally:
        os.close(ours)
        os.close(theirs)
    assert "Traceback" not in log.read_text()


async def started(
    command: Sequence[str], environ: Mapping[str, str], *, stdin: int, stdout: int, stderr: int
) -> anyio.abc.Process:
    return await anyio.open_process(
        command, stdin=stdin, stdout=stdout, stderr=stderr, env=environ, start_new_session=True
    )


def handles(process: int, number: signal.Signals) -> bool:
    """Tell whether a process has a handler of its own for a signal."""
    status = Path(f"/proc/{process}/status")
    if not status.exists():
        pytest.skip("no /proc to see signal handlers in")
    caught = next(line for line in status.read_text().splitlines() if line.startswith("SigCgt:"))
    return bool(int(caught.split()[1], 16) >> (number - 1) & 1)
