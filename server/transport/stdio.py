"""stdio: one client, on standard input and output."""

import gc
import json
import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, cast

import anyio
import mcp_types as types
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp.server.stdio import stdio_server
from mcp.shared.message import SessionMessage

from ..app import App
from ..protocol import build
from .leaving import os_user, stop_on_signal
from .wire import LONGEST_LINE, TooLong, Wire, standard_streams


async def serve_stdio(app: App) -> None:
    """Serve one client until it closes its end, or a signal says to stop."""
    server = build(app, "stdio", os_user())
    # What was imported stays: it leaves the collector's sight, and the collector, off until now, comes back.
    gc.freeze()
    gc.enable()
    options = server.create_initialization_options()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(stop_on_signal, tasks.cancel_scope.cancel)
        async with _streams() as (read, write):
            await server.run(read, write, options)
        tasks.cancel_scope.cancel()


def _streams() -> AbstractAsyncContextManager[tuple[Any, Any]]:
    return stdio_server() if sys.platform == "win32" else _messages()


@asynccontextmanager
async def _messages() -> AsyncGenerator[tuple[Any, Any]]:
    """Turn lines into the SDK's messages and back."""
    to_server, from_client = anyio.create_memory_object_stream[SessionMessage | Exception](0)
    to_client, from_server = anyio.create_memory_object_stream[SessionMessage](0)
    async with standard_streams() as wire, anyio.create_task_group() as tasks:
        tasks.start_soon(_receive, wire, to_server)
        tasks.start_soon(_send, wire, from_server, tasks.cancel_scope.cancel)
        yield from_client, to_client


async def _receive(wire: Wire, to_server: MemoryObjectSendStream[SessionMessage | Exception]) -> None:
    async with to_server:
        while True:
            try:
                async for line in wire.lines():
                    await _hand_on(wire, line, to_server)
            except TooLong:
                await wire.write(_unreadable(b"", f"longer than {LONGEST_LINE:,} bytes"))
            else:
                return


async def _hand_on(wire: Wire, line: bytes, to_server: MemoryObjectSendStream[SessionMessage | Exception]) -> None:
    try:
        message = SessionMessage(types.jsonrpc_message_adapter.validate_json(line, by_name=False))
    except ValueError:
        # The SDK leaves such a line unanswered, and a client that sent a request would wait for ever.
        await wire.write(_unreadable(line, "not a JSON-RPC message"))
    else:
        await to_server.send(message)


async def _send(wire: Wire, from_server: MemoryObjectReceiveStream[SessionMessage], stop: Callable[[], object]) -> None:
    async with from_server:
        async for message in from_server:
            text = message.message.model_dump_json(by_alias=True, exclude_unset=True)
            await wire.write(text.encode() + b"\n")
            if wire.gone:
                stop()


def _unreadable(line: bytes, why: str) -> bytes:
    """Answer a line that is no message, by its number where it has one that can be read."""
    number: object = None
    try:
        parsed: object = json.loads(line)
    except (ValueError, RecursionError):
        code = types.PARSE_ERROR
    else:
        code = types.INVALID_REQUEST
        if isinstance(parsed, dict):
            number = cast("dict[str, object]", parsed).get("id")
    if not isinstance(number, str | int) or isinstance(number, bool):
        number = None
    answer = {"jsonrpc": "2.0", "id": number, "error": {"code": code, "message": f"The line is {why}."}}
    return json.dumps(answer).encode() + b"\n"
