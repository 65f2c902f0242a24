"""The MCP Inspector against the server of mcp.json, as its users run it."""

import json
import os
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

MCP_JSON = Path(__file__).parents[2] / "mcp.json"

Inspect = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def inspect(node_modules: Path, colonnade: str, environ: Mapping[str, str]) -> Inspect:
    """Run one method of the server of mcp.json through the Inspector, in one era of the protocol."""
    path = os.pathsep.join([str(Path(colonnade).parent), environ.get("PATH", "")])

    def inspecting(era: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        program = [str(node_modules / "node/bin/node"), str(node_modules / ".bin/mcp-inspector"), "--cli"]
        server = ["--config", str(MCP_JSON), "--server", "colonnade", "--protocol-era", era]
        return subprocess.run(
            [*program, *server, "--format", "json", "--quiet", *arguments],
            capture_output=True,
            encoding="utf-8",
            env={**environ, "PATH": path},
            timeout=60,
            check=False,
        )

    return inspecting


def result(ended: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    return json.loads(ended.stdout)["result"]


@pytest.mark.parametrize("era", ["modern", "legacy"])
def test_the_tools_pass_the_strict_check(inspect: Inspect, era: str) -> None:
    ended = inspect(era, "--method", "tools/list", "--strict")
    assert ended.returncode == 0, ended.stderr
    assert [tool["name"] for tool in result(ended)["tools"]] == ["describe_tables", "execute_query", "list_connections"]


def test_a_tool_is_called(inspect: Inspect) -> None:
    arguments = json.dumps({"connection": "Demo Shop:shop", "sql": "select count(*) as regions from regions"})
    ended = inspect("modern", "--method", "tools/call", "--tool-name", "execute_query", "--tool-args-json", arguments)
    assert ended.returncode == 0, ended.stderr
    assert result(ended)["structuredContent"]["rows"] == [[5]]


def test_a_tool_that_fails_is_seen_as_failed(inspect: Inspect) -> None:
    arguments = ("--tool-name", "describe_tables", "--tool-arg", "connection=Demo Shop:shp")
    ended = inspect("legacy", "--method", "tools/call", *arguments)
    assert ended.returncode == 5
    assert result(ended)["isError"] is True
