"""A client that costs next to nothing, so that the server dominates: JSON lines over a subprocess's pipes (Linux)."""

import json
import os
import select
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from subprocess import PIPE, Popen
from typing import Any, Self

PATIENCE = 60.0
"""Seconds that no answer and no exit may take."""

CHUNK = 1 << 20
FAILED = b'"isError":true'
UNKNOWN_METHOD = b'"error":{'

LOOP = 2
"""Sockets of every asyncio event loop: the pair that wakes it up."""

HELLO = b"""\
{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},\
"clientInfo":{"name":"bench","version":"1"}}}
{"jsonrpc":"2.0","method":"notifications/initialized"}
{"jsonrpc":"2.0","id":2,"method":"tools/list"}
"""


@dataclass(frozen=True, slots=True)
class Program:
    """A server as it is started, and how SQL is sent to it."""

    command: Sequence[str]
    folder: Path
    environ: Mapping[str, str]
    tool: str
    arguments: Mapping[str, str]
    """Beside `sql`."""

    def query(self, sql: str, **arguments: object) -> bytes:
        """Return the parameters of a tools/call."""
        given = {**self.arguments, "sql": sql, **arguments}
        return json.dumps({"name": self.tool, "arguments": given}).encode()


@dataclass(frozen=True, slots=True)
class Start:
    """What a start cost: milliseconds from the spawn to both replies, CPU to the second, and sockets after it."""

    initialize_ms: float
    tools_ms: float
    cpu_ms: float
    sockets: int


@dataclass(frozen=True, slots=True)
class Answer:
    """One line of the server, and when its last byte came."""

    line: bytes
    at: float

    @property
    def result(self) -> dict[str, Any]:
        return json.loads(self.line)["result"]

    @property
    def rows(self) -> list[list[object]]:
        return json.loads(self.result["content"][0]["text"])["rows"]

    @property
    def code(self) -> str:
        """Colonnade's error code, or `ok`."""
        result = self.result
        return result["_meta"]["colonnade/error"]["code"] if result.get("isError") else "ok"


class Conversation:
    """One server process; leaving the block ends it."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self._number = 10
        self._unread = bytearray()
        self._arrived: dict[int, Answer] = {}
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - closed in __exit__
        self._began = time.perf_counter()
        self._process = Popen(
            program.command,
            bufsize=0,
            cwd=program.folder,
            env=program.environ,
            stdin=PIPE,
            stdout=PIPE,
            stderr=self._log,
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._stdin, self._stdout = self._process.stdin, self._process.stdout
        self._readable = select.poll()
        self._readable.register(self._stdout, select.POLLIN)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        for file in (self._stdin, self._stdout, self._log):
            file.close()

    def start(self) -> Start:
        """Send the handshake and tools/list at once, as the first thing the process ever hears."""
        self._write(HELLO)
        initialized, listed = self.answer(1), self.answer(2)
        cpu = self.cpu_ms()
        assert listed.result["tools"]
        return Start(_ms(self._began, initialized.at), _ms(self._began, listed.at), cpu, self.sockets())

    def send(self, parameters: bytes, method: bytes = b"tools/call") -> int:
        """Send a request and return its number."""
        self._number += 1
        self._write(b'{"jsonrpc":"2.0","id":%d,"method":"%b","params":%b}\n' % (self._number, method, parameters))
        return self._number

    def answer(self, number: int) -> Answer:
        """Wait for the answer to a request; others that come before it are kept."""
        while number not in self._arrived:
            self._take()
        return self._arrived.pop(number)

    def answered(self, number: int) -> bool:
        """Tell whether the answer to a request was read already."""
        return number in self._arrived

    def call(self, parameters: bytes) -> tuple[float, Answer]:
        """Call a tool; returns the milliseconds it took, and the answer, which may be an error."""
        began = time.perf_counter()
        answer = self.answer(self.send(parameters))
        return _ms(began, answer.at), answer

    def latencies(self, parameters: bytes, count: int) -> list[float]:
        """Call a tool again and again, one call at a time; returns milliseconds."""
        found: list[float] = []
        for _ in range(count):
            elapsed, answer = self.call(parameters)
            found.append(elapsed)
            _succeeded(answer.line)
        return found

    def rate(self, parameters: bytes, count: int, in_flight: int) -> float:
        """Call a tool with several calls in flight; returns calls per second."""
        began = time.perf_counter()
        for _ in range(in_flight):
            self.send(parameters)
        for received in range(count):
            _succeeded(self._line())
            if received < count - in_flight:
                self.send(parameters)
        return count / (time.perf_counter() - began)

    def leave(self) -> float:
        """Close the server's input; returns the milliseconds until the process is gone."""
        ended = os.pidfd_open(self._process.pid)
        waiting = select.poll()
        waiting.register(ended, select.POLLIN)
        began = time.perf_counter()
        self._stdin.close()
        gone = waiting.poll(PATIENCE * 1_000)
        elapsed = _ms(began, time.perf_counter())
        os.close(ended)
        assert gone, f"still running {PATIENCE:g} s after its input was closed"
        assert self._process.wait() == 0, self._complaints()
        return elapsed

    def cpu_ms(self) -> float:
        """Return the CPU time of the process so far, of all its threads."""
        clock = (~self._process.pid << 3) | 2  # what clock_getcpuclockid of the C library returns
        return time.clock_gettime(clock) * 1_000

    def rss_mb(self) -> float:
        """Return the memory the process holds."""
        status = Path(f"/proc/{self._process.pid}/status").read_text(encoding="utf-8")
        return int(status.partition("VmRSS:")[2].split()[0]) / 1_024

    def sockets(self) -> int:
        """Count the open sockets beside the event loop's own pair; stdin and stdout are pipes."""
        found = -LOOP
        for descriptor in Path(f"/proc/{self._process.pid}/fd").iterdir():
            with suppress(FileNotFoundError):  # closed since it was listed
                found += str(descriptor.readlink()).startswith("socket:")
        return found

    def _write(self, text: bytes) -> None:
        assert self._stdin.write(text) == len(text)

    def _take(self) -> None:
        line = self._line()
        at = time.perf_counter()
        number = json.loads(line).get("id")
        if number is not None:
            self._arrived[number] = Answer(line, at)

    def _line(self) -> bytes:
        looked = 0
        while (end := self._unread.find(b"\n", looked)) < 0:
            looked = len(self._unread)
            assert self._readable.poll(PATIENCE * 1_000), f"no answer for {PATIENCE:g} s: {self._complaints()}"
            received = os.read(self._stdout.fileno(), CHUNK)
            assert received, f"the server ended: {self._complaints()}"
            self._unread += received
        line = bytes(self._unread[:end])
        del self._unread[: end + 1]
        return line

    def _complaints(self) -> str:
        self._log.seek(0)
        return self._log.read().decode(errors="replace")[-2_000:]


def _succeeded(line: bytes) -> None:
    assert FAILED not in line and UNKNOWN_METHOD not in line, line[:2_000]  # noqa: PT018 - one line, one look


def _ms(began: float, ended: float) -> float:
    return (ended - began) * 1_000
