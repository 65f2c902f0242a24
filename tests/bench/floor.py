"""The floor: the least that a server of the MCP SDK does, written in an hour; Colonnade is measured beside it."""

import os
from typing import TYPE_CHECKING, Any

import anyio
import mcp_types as types
from mcp.server import Server, ServerRequestContext
from mcp.server.stdio import stdio_server
from pydantic_core import to_json, to_jsonable_python

if TYPE_CHECKING:
    from asyncpg import Pool, Record

TABLES = """\
SELECT table_schema, table_name FROM information_schema.tables
WHERE table_schema NOT IN ('pg_catalog', 'information_schema') ORDER BY 1, 2"""
COLUMNS = "SELECT column_name, data_type, is_nullable FROM information_schema.columns WHERE table_name = $1"


def tool(name: str, description: str, *arguments: str) -> types.Tool:
    properties = {argument: {"type": "string"} for argument in arguments}
    schema = {"type": "object", "properties": properties, "required": list(arguments)}
    return types.Tool(name=name, description=description, input_schema=schema)


TOOLS = [
    tool("list", "List the tables of the database."),
    tool("describe", "Show the columns of a table.", "table"),
    tool("query", "Run one SQL statement and return its rows.", "sql"),
]


class Floor:
    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._opening = anyio.Lock()
        self._pool: Pool[Record] | None = None

    async def list_tools(self, _: ServerRequestContext[Any, Any], __: object) -> types.ListToolsResult:
        return types.ListToolsResult(tools=TOOLS)

    async def call_tool(
        self, _: ServerRequestContext[Any, Any], params: types.CallToolRequestParams
    ) -> types.CallToolResult:
        arguments = params.arguments or {}
        match params.name:
            case "list":
                records = await self._fetch(TABLES)
            case "describe":
                records = await self._fetch(COLUMNS, arguments["table"])
            case _:
                records = await self._fetch(arguments["sql"])
        columns = list(records[0].keys()) if records else []
        answer = to_jsonable_python({"columns": columns, "rows": [list(record.values()) for record in records]})
        text = types.TextContent(type="text", text=to_json(answer).decode())
        return types.CallToolResult(content=[text], structured_content=answer)

    async def _fetch(self, sql: str, *parameters: str) -> "list[Record]":
        pool = self._pool or await self._open()
        return await pool.fetch(sql, *parameters)

    async def _open(self) -> "Pool[Record]":
        async with self._opening:
            if self._pool is None:
                import asyncpg

                self._pool = await asyncpg.create_pool(self._dsn)
            return self._pool

    async def close(self) -> None:
        if self._pool is not None:
            await self._pool.close()


async def serve(dsn: str) -> None:
    floor = Floor(dsn)
    server = Server[Any]("floor", on_list_tools=floor.list_tools, on_call_tool=floor.call_tool)
    async with stdio_server() as (read, write):
        await server.run(read, write, server.create_initialization_options())
    await floor.close()


def main() -> None:
    anyio.run(serve, os.environ["FLOOR_DSN"])
