"""Serve the demo over HTTP with the conformance fixtures mounted; prints the URL."""

import socket
import sys

import anyio
from colonnade.server.app import App
from colonnade.server.transport.http import serve_http
from fixtures import mount


async def main() -> None:
    """Serve on a free port until a signal says to stop."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        sys.stdout.write(f"http://127.0.0.1:{listening.getsockname()[1]}/mcp\n")
        sys.stdout.flush()
        async with App.open(demonstrate=True) as app:
            await serve_http(app, listening, None, mount=mount)


if __name__ == "__main__":
    anyio.run(main)
