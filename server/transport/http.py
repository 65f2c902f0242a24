"""Streamable HTTP: any number of clients on a loopback address."""

import socket
from collections.abc import Awaitable, Callable, Generator, MutableMapping
from contextlib import contextmanager
from hmac import compare_digest
from typing import Any, Final

import anyio

from ..app import App
from ..protocol import ColonnadeServer, build
from .leaving import stop_on_signal

LEAVING_SECONDS: Final = 5
"""How long running calls may take to end when the process does."""

LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})

UNAUTHORIZED: Final = (
    b"Send the header Authorization: Bearer TOKEN, with the token that the server printed at its start.\n"
)


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
    web = requests = Requests(web)

    class Running(uvicorn.Server):
        @contextmanager
        def capture_signals(self) -> Generator[None]:
            """Leave signals to us: uvicorn would raise them once more, after a clean end."""
            yield

    config = uvicorn.Config(web, log_config=None, access_log=False, timeout_graceful_shutdown=LEAVING_SECONDS)
    running = Running(config)

    def stop() -> None:
        running.should_exit = True
        requests.cancel()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(stop_on_signal, stop)
        await running.serve(sockets=[listening])
        tasks.cancel_scope.cancel()


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


class Requests:
    """The requests that are being answered, so that leaving need not wait for them."""

    def __init__(self, app: Application) -> None:
        self._app = app
        self._running: set[anyio.CancelScope] = set()

    def cancel(self) -> None:
        """End every request: its statement stops, and its client sees the connection close."""
        for scope in self._running:
            scope.cancel()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        with anyio.CancelScope() as running:
            self._running.add(running)
            try:
                await self._app(scope, receive, send)
            finally:
                self._running.discard(running)
