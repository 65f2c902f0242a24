"""Lines on standard input and output, on the event loop where the descriptors allow it.

The SDK's transport takes a thread for every line, and a thread that waits for a line cannot be cancelled. Here pipes,
sockets and terminals are read by the loop, and files, which never make anybody wait, are read as they are.
"""

import asyncio
import os
import stat
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from anyio.lowlevel import checkpoint

LONGEST_LINE: Final = 16 * 1024 * 1024
"""Bytes of one message, at most."""


class TooLong(ValueError):
    """A line has more than `LONGEST_LINE` bytes."""


class Wire:
    """The client's end. Whoever else reads 0 gets nothing, and whoever else prints to 1 reaches stderr."""

    def __init__(
        self, reader: asyncio.StreamReader | None, writer: asyncio.StreamWriter | None, files: tuple[int, int]
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._files = files
        self.gone = False
        """The client reads no more."""

    async def lines(self) -> AsyncIterator[bytes]:
        """Yield line after line to the end of input; raises TooLong and can then be asked for the next."""
        if self._reader is None:
            with os.fdopen(os.dup(self._files[0]), "rb") as file:
                for line in file:
                    await checkpoint()
                    yield line
            return
        while line := await _line(self._reader):
            yield line

    async def write(self, line: bytes) -> None:
        """Write one line, or nothing once the client has gone."""
        if self.gone:
            return
        try:
            if self._writer is None:
                _write_all(self._files[1], line)
            else:
                self._writer.write(line)
                await self._writer.drain()
        except OSError:
            self.gone = True


async def _line(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.readline()
    except ValueError:
        raise TooLong(f"a line has more than {LONGEST_LINE} bytes") from None


def _write_all(descriptor: int, line: bytes) -> None:
    while line:
        line = line[os.write(descriptor, line) :]


def _on_the_loop(descriptor: int) -> bool:
    mode = os.fstat(descriptor).st_mode
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) or os.isatty(descriptor)


@asynccontextmanager
async def standard_streams() -> AsyncGenerator[Wire]:
    """Take descriptors 0 and 1 for the protocol alone; POSIX only."""
    loop = asyncio.get_running_loop()
    descriptors = os.dup(0), os.dup(1)
    blocking = [os.get_blocking(descriptor) for descriptor in descriptors]
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    transports: list[asyncio.BaseTransport] = []
    reader, writer = None, None
    try:
        if _on_the_loop(descriptors[0]):
            reader = asyncio.StreamReader(limit=LONGEST_LINE)
            protocol = asyncio.StreamReaderProtocol(reader)
            source = os.fdopen(os.dup(descriptors[0]), "rb", buffering=0)
            transports.append((await loop.connect_read_pipe(lambda: protocol, source))[0])
        if _on_the_loop(descriptors[1]):
            sink = os.fdopen(os.dup(descriptors[1]), "wb", buffering=0)
            writing, flow = await loop.connect_write_pipe(asyncio.streams.FlowControlMixin, sink)
            transports.append(writing)
            writer = asyncio.StreamWriter(writing, flow, None, loop)
        yield Wire(reader, writer, descriptors)
    finally:
        for transport in transports:
            transport.close()
        # A terminal is shared with the shell that started this process.
        for descriptor, was_blocking in zip(descriptors, blocking, strict=True):
            os.set_blocking(descriptor, was_blocking)
            os.close(descriptor)
