"""Serving: stdio by default, HTTP on a loopback address."""

import gc
import os
import sys
from dataclasses import dataclass
from pathlib import Path

OK, FAILED, USAGE, INTERRUPTED = 0, 1, 2, 130


@dataclass(frozen=True, slots=True)
class Serving:
    """What `colonnade serve` was told."""

    config: str | None = None
    demo: bool = False
    http: str | None = None
    token: bool = True
    log_level: str = "warning"


def serve(serving: Serving) -> int:
    """Serve until the client leaves or a signal says to stop."""
    # Imports make a thousand classes and no garbage; the transport switches the collector on again.
    gc.disable()
    _log_to_stderr(serving.log_level)
    try:
        return _serve_http(serving) if serving.http is not None else _serve_stdio(serving)
    except KeyboardInterrupt:
        return INTERRUPTED


def _serve_stdio(serving: Serving) -> int:
    if sys.stdin is None or sys.stdout is None:  # pyright: ignore[reportUnnecessaryComparison] - closed before we began
        return _refuse("standard input and output have to be open: that is where the client speaks")
    import anyio

    from ..app import App
    from ..transport.stdio import serve_stdio

    async def run() -> None:
        async with App.open(_path(serving), demonstrate=serving.demo) as app:
            await serve_stdio(app)

    anyio.run(run)
    sys.stderr.flush()
    return OK


def _serve_http(serving: Serving) -> int:
    import socket

    import anyio

    from ..app import App
    from ..transport.http import LOOPBACK, serve_http

    host, _, number = (serving.http or "").rpartition(":")
    host = host.strip("[]")
    if not number.isdecimal() or int(number) > 65_535 or not host:  # noqa: PLR2004 - the last port
        return _refuse(f"--http takes HOST:PORT, for instance 127.0.0.1:8765, not {serving.http}")
    if host not in LOOPBACK:
        return _refuse(
            f"--http {serving.http}: only 127.0.0.1, localhost and ::1 are served until authentication is configured"
        )
    token = _token() if serving.token else None

    async def run() -> None:
        async with App.open(_path(serving), demonstrate=serving.demo) as app:
            await serve_http(app, listening, token)

    try:
        listening = socket.create_server((host, int(number)), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        return _refuse(f"--http {serving.http}: the port cannot be opened: {error.strerror}")
    port = listening.getsockname()[1]
    print(f"Colonnade serves MCP on http://{f'[{host}]' if ':' in host else host}:{port}/mcp", file=sys.stderr)
    if token is not None:
        print(f"Clients send the header  Authorization: Bearer {token}", file=sys.stderr)
    sys.stderr.flush()
    gc.enable()
    anyio.run(run)
    return OK


def _token() -> str:
    from secrets import token_urlsafe

    return os.environ.get("COLONNADE_HTTP_TOKEN") or token_urlsafe(24)


def _path(serving: Serving) -> Path | None:
    return None if serving.config is None else Path(serving.config)


def _refuse(why: str) -> int:
    print(f"colonnade: {why}", file=sys.stderr)
    return USAGE


def _log_to_stderr(level: str) -> None:
    """Log our own words to stderr; the logs of others may hold statements and stay silent."""
    import logging

    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))
    logger = logging.getLogger("colonnade")
    logger.addHandler(handler)
    logger.setLevel(level.upper())
    logger.propagate = False
    logging.getLogger().addHandler(logging.NullHandler())
