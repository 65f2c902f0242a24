"""`colonnade demo`: the server of mcp.json, asked through the SDK's own client as an agent would."""

import json
import os
import shutil
import sys
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import mcp_types as types
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client

from .output import show
from .serve import FAILED, OK

QUESTIONS: Final[tuple[tuple[str, str, Mapping[str, Any]], ...]] = (
    ("Which databases are there?", "list_connections", {}),
    (
        "What do both know about customers?",
        "describe_tables",
        {"connection": "Demo Shop", "tables": ["customers", "tickets"]},
    ),
    (
        "Which months brought the most revenue?",
        "execute_query",
        {
            "connection": "Demo Shop:shop",
            "sql": "select month, revenue_eur from revenue_by_month order by revenue_eur desc limit 3",
        },
    ),
    (
        "Which customers have the most refunded orders?",
        "execute_query",
        {
            "connection": "Demo Shop:shop",
            "sql": "select c.email, count(*) as refunds from orders o join customers c on c.id = o.customer_id "
            "where o.status = 'refunded' group by 1 order by 2 desc, 1 limit 3",
        },
    ),
)

TICKETS: Final = (
    "select topic, count(*) as tickets from tickets where customer_email in ({emails}) group by 1 order by 2 desc, 1"
)


async def demonstrate() -> int:
    """Ask the demo and print questions and answers; returns an exit code."""
    async with Client(stdio_client(_server())) as client:
        answer: dict[str, Any] = {}
        for question, tool, arguments in QUESTIONS:
            answer = await _ask(client, question, tool, arguments)
        emails = ", ".join(f"'{row[0]}'" for row in answer["rows"])
        answer = await _ask(
            client,
            "What do the same customers write to support about?",
            "execute_query",
            {"connection": "Demo Shop:support", "sql": TICKETS.format(emails=emails)},
        )
    return OK if answer["rows"] else FAILED


async def _ask(client: Client, question: str, tool: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    print(f"Q: {question}\n   {tool}({json.dumps(arguments)})\n")
    result = await client.call_tool(tool, dict(arguments))
    if result.is_error or result.structured_content is None:
        text = " ".join(block.text for block in result.content if isinstance(block, types.TextContent))
        raise SystemExit(text)
    show(tool, result.structured_content, {})
    print()
    return result.structured_content


def _server() -> StdioServerParameters:
    """Return how mcp.json starts the server; the command is looked for beside this program first."""
    declared: dict[str, Any] = json.loads(files("colonnade").joinpath("mcp.json").read_text())["mcpServers"][
        "colonnade"
    ]
    beside = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    named: str = declared["command"]
    command = shutil.which(named, path=beside) or named
    return StdioServerParameters(
        command=command,
        args=[*declared["args"], "--demo"],
        env={**os.environ, "PATH": beside, **declared.get("env", {})},
    )
