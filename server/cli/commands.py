"""The commands for people: they call the same tools through the same registry, and print what comes back."""

import argparse
import json
import logging
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NoReturn, cast

import anyio

from ... import resources, tools
from .. import __version__
from ..app import App
from ..errors import ColonnadeError
from ..model import Call, Caller
from ..nearest import nearest
from ..registry import Registry
from ..transport.leaving import os_user, unless_interrupted
from . import output
from .serve import FAILED, INTERRUPTED, OK, USAGE, Serving, serve

CONFIG, UNREACHABLE, DENIED = 3, 4, 5

EXIT_CODES: Final[Mapping[str, int]] = {
    "config_error": CONFIG,
    "unreachable": UNREACHABLE,
    "auth_failed": UNREACHABLE,
    "driver_missing": UNREACHABLE,
    "denied": DENIED,
    "refused": DENIED,
    "bad_argument": USAGE,
    "unknown_connection": USAGE,
    "ambiguous_connection": USAGE,
    "unknown_domain": USAGE,
    "empty_domain": USAGE,
    "unknown_table": USAGE,
}
"""Exit code of an error; any other is 1."""

COMMANDS: Final = {
    "serve": "run the MCP server (the default on a pipe)",
    "demo": "start the server of mcp.json on the embedded demo and ask it through a real client",
    "list": "list domains and connections",
    "describe": "show the tables of a connection or a domain",
    "query": "run one read-only statement on a connection",
    "guard": "judge statements: JSON lines {id, dialect, sql} in, {id, verdict, reason} out",
}


class Parser(argparse.ArgumentParser):
    """An argument parser that offers the nearest command."""

    def error(self, message: str) -> NoReturn:
        if "invalid choice" in message and (near := nearest(message.split("'")[1], COMMANDS, 1)):
            message = f"no command {message.split(chr(39))[1]!r}. Did you mean `colonnade {near[0]}`?"
        self.exit(USAGE, f"colonnade: {message}\n")


def parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    common = Parser(add_help=False)
    common.add_argument("--config", metavar="FILE", default=argparse.SUPPRESS, help="configuration file")
    common.add_argument(
        "--json", action="store_true", default=argparse.SUPPRESS, help="print the tool's result as JSON"
    )
    whole = Parser(
        "colonnade",
        parents=[common],
        description="Named databases for agents: an MCP server, and the same tools on the command line.",
        epilog="Without any configuration it serves an embedded demo. "
        "Exit codes: 0 ok, 1 the query failed, 2 usage, 3 configuration, 4 unreachable, 5 denied.",
    )
    whole.add_argument("--version", action="version", version=f"colonnade {__version__}")
    commands = whole.add_subparsers(dest="command", metavar="COMMAND", required=True)
    made = {name: commands.add_parser(name, help=text, parents=[common]) for name, text in COMMANDS.items()}
    made["serve"].add_argument("--http", metavar="HOST:PORT", help="serve HTTP on a loopback address instead of stdio")
    made["serve"].add_argument("--no-token", action="store_true", help="ask HTTP clients for no bearer token")
    made["serve"].add_argument("--demo", action="store_true", help="serve the embedded demo whatever is configured")
    levels = ["debug", "info", "warning", "error"]
    made["serve"].add_argument("--log-level", choices=levels, default="warning", help="what to log to stderr")
    made["list"].add_argument("domain", nargs="?")
    made["list"].add_argument("--type", help="only this engine")
    made["list"].add_argument("--match", help="words or glob in key, type, description, tags")
    made["list"].add_argument(
        "--check", action="store_true", help="open each connection, and tell what its login may do beyond reading"
    )
    made["describe"].add_argument("connection", metavar="KEY", help="domain:connection, or a domain")
    made["describe"].add_argument("tables", nargs="*", metavar="TABLE", help="names or globs; all when left out")
    made["describe"].add_argument("--detail", choices=["names", "gist", "digest", "full"])
    made["describe"].add_argument("--format", choices=["lines", "xml"], default="lines")
    made["query"].add_argument("connection", metavar="KEY")
    made["query"].add_argument("sql", metavar="SQL", help="one statement; - reads it from standard input")
    made["query"].add_argument("--limit", type=int, help="most rows")
    return whole


def run(given: Sequence[str]) -> int:
    """Parse, run and return the exit code."""
    chosen = parser().parse_args(given)
    if chosen.command != "serve":
        # What is wrong stands in the answer; without a handler Python would print it once more.
        logging.getLogger("colonnade").addHandler(logging.NullHandler())
    try:
        return _run(chosen)
    except KeyboardInterrupt:
        return INTERRUPTED


def _run(chosen: argparse.Namespace) -> int:
    config: str | None = getattr(chosen, "config", None)
    as_json: bool = getattr(chosen, "json", False)
    match chosen.command:
        case "serve":
            return serve(Serving(config, chosen.demo, chosen.http, not chosen.no_token, chosen.log_level))
        case "demo":
            from .demo import demonstrate

            return anyio.run(demonstrate)
        case "guard":
            from .guard import judge_lines

            return judge_lines(sys.stdin.buffer, sys.stdout)
        case "list":
            asked = {"domain": chosen.domain, "type": chosen.type, "match": chosen.match}
            return _call(config, as_json, "list_connections", asked, check=chosen.check)
        case "describe":
            tables = chosen.tables or None
            asked = {"connection": chosen.connection, "tables": tables, "detail": chosen.detail}
            return _call(config, as_json, "describe_tables", {**asked, "format": chosen.format})
        case _:
            sql = sys.stdin.read() if chosen.sql == "-" else chosen.sql
            asked = {"connection": chosen.connection, "sql": sql, "limit": chosen.limit}
            return _call(config, as_json, "execute_query", asked)


def _call(
    config: str | None,
    as_json: bool,  # noqa: FBT001 - one of the user's own switches
    tool: str,
    arguments: Mapping[str, Any],
    *,
    check: bool = False,
) -> int:
    try:
        result, remedies = anyio.run(_ask, config, tool, arguments, check)
    except ColonnadeError as error:
        print(json.dumps(error.payload()) if as_json else f"colonnade: {error}", file=None if as_json else sys.stderr)
        return EXIT_CODES.get(error.code, FAILED)
    if as_json:
        print(json.dumps(result, ensure_ascii=False))
    else:
        output.show(tool, result, remedies)
    return OK


async def _ask(
    config: str | None,
    tool: str,
    arguments: Mapping[str, Any],
    check: bool,  # noqa: FBT001 - one of the user's own switches
) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the tool's result, and for each key whose login may do too much the SQL that makes a proper one."""
    registry = Registry[App].of(tools, resources)
    call = Call(Caller(os_user(), "colonnade", "command"))

    async def ask() -> tuple[dict[str, Any], dict[str, str]]:
        async with App.open(None if config is None else Path(config)) as app:
            if tool == "list_connections":
                for problem in (await app.configuration()).problems:
                    print(problem, file=sys.stderr)
            if check:
                await app.look(call.caller, arguments.get("domain"))
            result = cast("dict[str, Any]", await registry.call(app, call, tool, arguments))
            standings = await app.connections(call.caller) if check else ()
            return result, {str(s.connection.key): s.login.remedy for s in standings if s.login and s.warnings}

    return await unless_interrupted(ask)
