"""describe_tables: the schema of one connection, or of all in a domain side by side."""

from typing import Annotated, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from ..server.app import App
from ..server.errors import UnknownTable
from ..server.model import Call
from ..server.registry import WHOLE, Arguments, Tool
from ..server.render.tables import LEGEND, Detail, Format
from ..server.render.view import Part, View, view

MAX_TOKENS = 6_000


class DescribeTables(Arguments):
    connection: Annotated[str, Field(description="key domain:connection, or a domain for all of its connections")]
    tables: Annotated[list[str] | None, Field(description="names or globs, e.g. sales.*; all when left out")] = None
    detail: Annotated[Detail | None, Field(description="default full with tables, else gist")] = None
    format: Format = "lines"
    max_tokens: Annotated[int, Field(ge=50, le=100_000), WHOLE] = MAX_TOKENS


class DescribedConnection(TypedDict):
    key: str
    domain: str
    connection: str
    type: str
    id: str
    fingerprint: str
    stale_since: NotRequired[str]
    schema: str
    left_out: NotRequired[str]


class NotRead(TypedDict):
    key: str
    type: str
    status: str
    reason: str


class Described(TypedDict):
    connections: list[DescribedConnection]
    legend: NotRequired[str]
    left_out: NotRequired[list[str]]
    not_read: NotRequired[list[NotRead]]


async def describe_tables(app: App, call: Call, arguments: DescribeTables) -> Described:
    """Describe tables and views: columns, types, keys, comments, row estimates, labelled by connection.

    Look at the gist of a connection first, then ask for the few tables you need in full. Tables of the same name on two
    connections are different tables.
    """
    connections = await app.scope(call.caller, arguments.connection)
    patterns = arguments.tables or []
    detail = arguments.detail or ("full" if patterns else "gist")
    seen = await app.see(call.caller, connections)
    if len(seen) == 1 and seen[0].error is not None:
        raise seen[0].error
    shown = view(seen, patterns, detail, arguments.format, arguments.max_tokens)
    described = [part for part in shown.parts if part.fingerprint is not None and (part.tables or not patterns)]
    unread = [part for part in shown.parts if part.fingerprint is None]
    if patterns and not described and not unread:
        raise _unknown(arguments.connection, shown)
    answer: Described = {"connections": [_described(part) for part in described]}
    if arguments.format == "lines" and detail != "names":
        answer["legend"] = LEGEND
    if shown.unmatched:
        similar = f"; similar: {', '.join(shown.similar)}" if shown.similar else ""
        answer["left_out"] = [f"no table matches {', '.join(shown.unmatched)}{similar}"]
    if unread:
        answer["not_read"] = [_not_read(part) for part in unread]
    return answer


def _unknown(connection: str, shown: View) -> UnknownTable:
    names = ", ".join(f'"{pattern}"' for pattern in shown.unmatched)
    return UnknownTable(
        f'No table {names} on "{connection}".',
        candidates=shown.similar,
        hint=f'Next: describe_tables(connection="{connection}", detail="names").',
    )


def _described(part: Part) -> DescribedConnection:
    connection = part.standing.connection
    described: DescribedConnection = {
        "key": str(connection.key),
        "domain": connection.key.domain,
        "connection": connection.key.connection,
        "type": connection.type,
        "id": connection.id,
        "fingerprint": part.fingerprint or "",
        "schema": part.text,
    }
    if part.stale_since is not None:
        described["stale_since"] = part.stale_since
    if part.left_out is not None:
        described["left_out"] = part.left_out
    return described


def _not_read(part: Part) -> NotRead:
    connection = part.standing.connection
    return {
        "key": str(connection.key),
        "type": connection.type,
        "status": part.standing.status,
        "reason": part.standing.reason or "its schema is still being read; ask again",
    }


TOOL = Tool("Describe tables", describe_tables, DescribeTables, Described)
