"""stdio and streamable HTTP: how requests reach the protocol, and how the process ends."""

import asyncio
import gc
import os
import signal
import socket
import stat
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable, MutableMapping
from contextlib import asynccontextmanager
from getpass import getuser
from hmac import compare_digest
from typing import Any, Final

import anyio
import mcp_types as types
from mcp.server.stdio import stdio_server
from mcp.shared.message import SessionMessage

from .app import App
from .protocol import ColonnadeServer, build

LONGEST_LINE: Final = 16 * 1024 * 1024
"""Bytes of one message on stdin, at most."""

LEAVING_SECONDS: Final = 5.0
"""How long running statements may take to stop when the process ends."""

UNAUTHORIZED: Final = (
    b"Send the header Authorization: Bearer TOKEN, with the token that the server printed at its start.\n"
)

LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})


def os_user() -> str | None:
    """Return the name of the user that this process runs as."""
    try:
        return getuser()
    except (KeyError, OSError):
        return None


async def serve_stdio(app: App) -> None:
    """Serve one client on standard input and output until it closes them, or a signal says to stop."""
    server = build(app, "stdio", os_user())
    # What was imported stays: it leaves the collector's sight, and the collector, off until now, comes back.
    gc.freeze()
    gc.enable()
    options = server.create_initialization_options()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_stop_on_signal, tasks.cancel_scope.cancel)
        async with _pipes() if _pipes_usable() else stdio_server() as (read, write):
            await server.run(read, write, options)
        tasks.cancel_scope.cancel()


async def _stop_on_signal(stop: Callable[[], None]) -> None:
    if sys.platform == "win32":
        return
    with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async for _ in signals:
            stop()
            return


def _pipes_usable() -> bool:
    """Asyncio's pipe transports take what clients use, pipes and sockets: no files, and nothing on Windows."""

    def usable(descriptor: int) -> bool:
        mode = os.fstat(descriptor).st_mode
        return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)

    return sys.platform != "win32" and usable(0) and usable(1)


@asynccontextmanager
async def _pipes() -> AsyncGenerator[tuple[Any, Any]]:
    """Read and write JSON lines on the event loop's own pipes; the SDK's transport takes a thread for every line."""
    loop = asyncio.get_running_loop()
    wire_in, wire_out = os.dup(0), os.dup(1)
    # A stray print, ours or a driver's, goes to stderr and cannot break the protocol.
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    reader = asyncio.StreamReader(limit=LONGEST_LINE)
    incoming, _ = await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(wire_in, "rb", buffering=0)
    )
    outgoing, flow = await loop.connect_write_pipe(
        asyncio.streams.FlowControlMixin, os.fdopen(wire_out, "wb", buffering=0)
    )
    writer = asyncio.StreamWriter(outgoing, flow, None, loop)
    to_server, from_client = anyio.create_memory_object_stream[SessionMessage | Exception](0)
    to_client, from_server = anyio.create_memory_object_stream[SessionMessage](0)

    async def receive() -> None:
        async with to_server:
            while True:
                try:
                    line = await reader.readline()
                    if not line:
                        return
                    message = SessionMessage(types.jsonrpc_message_adapter.validate_json(line, by_name=False))
                except ValueError as error:  # not JSON-RPC, or longer than a message may be
                    await to_server.send(error)
                    continue
                await to_server.send(message)

    async def send() -> None:
        async with from_server:
            async for message in from_server:
                text = message.message.model_dump_json(by_alias=True, exclude_unset=True)
                writer.write(text.encode() + b"\n")
                await writer.drain()

    try:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(receive)
            tasks.start_soon(send)
            yield from_client, to_client
    finally:
        incoming.close()
        outgoing.close()


async def serve_http(
    app: App,
    listening: socket.socket,
    token: str | None,
    *,
    mount: Callable[[ColonnadeServer], None] | None = None,
) -> None:
    """Serve any number of clients on a listening socket of this machine; with a token only those that send it."""
    import uvicorn
    from mcp.server.transport_security import TransportSecuritySettings

    names = ["127.0.0.1:*", "localhost:*", "[::1]:*"]
    server = build(app, "http", None, mount=mount)
    web: Application = server.streamable_http_app(
        transport_security=TransportSecuritySettings(
            allowed_hosts=names, allowed_origins=[f"http://{name}" for name in names]
        )
    )
    if token is not None:
        web = BearerOnly(web, token)
    config = uvicorn.Config(web, log_config=None, access_log=False, timeout_graceful_shutdown=int(LEAVING_SECONDS))
    await uvicorn.Server(config).serve(sockets=[listening])


Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]
"""An ASGI application."""


class BearerOnly:
    """Refuses every HTTP request that does not carry the token, before anything reads it."""

    def __init__(self, app: Application, token: str) -> None:
        self._app = app
        self._expected = f"Bearer {token}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            given = dict(scope["headers"]).get(b"authorization", b"")
            if not compare_digest(given, self._expected):
                headers = [(b"www-authenticate", b"Bearer"), (b"content-type", b"text/plain; charset=utf-8")]
                await send({"type": "http.response.start", "status": 401, "headers": headers})
                await send({"type": "http.response.body", "body": UNAUTHORIZED})
                return
        await self._app(scope, receive, send)
