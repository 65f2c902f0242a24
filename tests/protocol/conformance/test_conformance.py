"""The official conformance suite against our server over HTTP, in both revisions."""

import re
import sys
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest
from anyio.streams.buffered import BufferedByteReceiveStream

SERVE = Path(__file__).with_name("serve.py")

SCENARIO = re.compile(r"^([✓✗]) ([\w./-]+): (\d+) passed, (\d+) failed", re.MULTILINE)
UNSCORED = re.compile(r"^  [✓✗] ([\w./-]+) \((.+)\)$", re.MULTILINE)


@asynccontextmanager
async def served(environ: Mapping[str, str], log: Path) -> AsyncGenerator[str]:
    """Run our server with the fixtures mounted, and give its URL."""
    with log.open("wb") as errors:
        process = await anyio.open_process([sys.executable, str(SERVE)], stdin=None, stderr=errors, env=environ)
    async with process:
        assert process.stdout is not None
        try:
            with anyio.fail_after(10):
                line = await BufferedByteReceiveStream(process.stdout).receive_until(b"\n", 1_000)
            yield line.decode()
        finally:
            if process.returncode is None:
                process.kill()


@pytest.mark.parametrize(("revision", "scored"), [("2025-11-25", 30), ("2026-07-28", 37)])
async def test_every_scenario_that_a_revision_requires_passes(
    node_modules: Path, environ: Mapping[str, str], tmp_path: Path, *, revision: str, scored: int
) -> None:
    suite = [
        str(node_modules / "node/bin/node"),
        str(node_modules / "@modelcontextprotocol/conformance/dist/index.js"),
    ]
    async with served(environ, tmp_path / "log") as url:
        with anyio.fail_after(60):
            ended = await anyio.run_process(
                [*suite, "server", "--url", url, "--requirements", revision, "--output-dir", str(tmp_path / "results")],
                env=environ,
                check=False,
            )
    report = ended.stdout.decode()
    _, _, summary = report.partition("=== SUMMARY ===")
    unscored = {name for name, _ in UNSCORED.findall(summary)}
    required = {name: mark for mark, name, _, _ in SCENARIO.findall(summary) if name not in unscored}
    assert [name for name, mark in required.items() if mark != "✓"] == [], report
    assert len(required) == scored, summary
    assert ended.returncode == 0, summary
