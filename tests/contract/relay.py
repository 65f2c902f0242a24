"""A network between a client and a server that a test can freeze, cut and listen to."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress

import anyio
from anyio.abc import ByteStream, SocketAttribute


class Relay:
    """Takes TCP connections on `port` and passes their bytes on to a Unix socket."""

    def __init__(self, port: int, target: str) -> None:
        self.port = port
        self.sent = 0
        """How often a client has sent something."""
        self._target = target
        self._flowing = anyio.Event()
        self._flowing.set()
        self._scopes: set[anyio.CancelScope] = set()

    def freeze(self) -> None:
        """Lose nothing and pass nothing on, in both directions, new connections included."""
        self._flowing = anyio.Event()

    def heal(self) -> None:
        self._flowing.set()

    def cut(self) -> None:
        """Drop every connection."""
        for scope in self._scopes:
            scope.cancel()

    async def serve(self, client: ByteStream) -> None:
        with anyio.CancelScope() as scope:
            self._scopes.add(scope)
            try:
                async with client:
                    await self._flowing.wait()
                    async with await anyio.connect_unix(self._target) as server, anyio.create_task_group() as tasks:
                        tasks.start_soon(self._answer, server, client)
                        await self._ask(client, server)
                        tasks.cancel_scope.cancel()
            finally:
                self._scopes.discard(scope)

    async def _ask(self, client: ByteStream, server: ByteStream) -> None:
        with suppress(anyio.BrokenResourceError, anyio.ClosedResourceError):
            async for data in client:
                self.sent += 1
                await self._flowing.wait()
                await server.send(data)

    async def _answer(self, server: ByteStream, client: ByteStream) -> None:
        with suppress(anyio.BrokenResourceError, anyio.ClosedResourceError):
            async for data in server:
                await self._flowing.wait()
                await client.send(data)
        await client.aclose()


@asynccontextmanager
async def relay(target: str) -> AsyncGenerator[Relay]:
    async with await anyio.create_tcp_listener(local_host="127.0.0.1") as listener, anyio.create_task_group() as tasks:
        relay = Relay(listener.extra(SocketAttribute.local_port), target)  # noqa: S610 - anyio's, and no Django
        tasks.start_soon(listener.serve, relay.serve)
        yield relay
        tasks.cancel_scope.cancel()
