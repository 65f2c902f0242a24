"""list_connections: what there is to query."""

from typing import Annotated, Literal, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from ..server.app import App
from ..server.model import Call, Status
from ..server.registry import Arguments, Tool
from ..server.render.view import Standing, moment

SHOWN = 50
"""Connections in one answer, at most: a caller pays for every one."""


class ListConnections(Arguments):
    domain: Annotated[str | None, Field(description="only this domain")] = None
    type: Annotated[str | None, Field(description="only this engine")] = None
    status: Status | None = None
    environment: Annotated[str | None, Field(description="only this label, e.g. prod")] = None
    match: Annotated[str | None, Field(description="words or glob in key, type, description, tags")] = None
    group_by: Annotated[Literal["type"] | None, Field(description="adds groups: type to keys")] = None


class ListedDomain(TypedDict):
    name: str
    id: str
    description: str


class ListedConnection(TypedDict):
    key: str
    domain: str
    connection: str
    type: str
    id: str
    description: str
    environment: str
    access: str
    status: str
    reason: NotRequired[str]
    lacks: NotRequired[list[str]]
    warnings: NotRequired[list[str]]
    tables: int | None
    checked_at: str | None


class Connections(TypedDict):
    domains: list[ListedDomain]
    connections: list[ListedConnection]
    groups: NotRequired[dict[str, list[str]]]
    left_out: NotRequired[str]
    problems: NotRequired[list[str]]


async def list_connections(app: App, call: Call, arguments: ListConnections) -> Connections:
    """List the databases: connections by domain, with the key that every other tool takes, type and status.

    Call it first. A pending connection is fine: it opens on first use.
    """
    standings = await app.connections(
        call.caller,
        domain=arguments.domain,
        kind=arguments.type,
        status=arguments.status,
        environment=arguments.environment,
        match=arguments.match,
    )
    shown = standings[:SHOWN]
    filtered = any(value is not None for name, value in arguments if name != "group_by")
    named = {standing.connection.key.domain for standing in shown}
    # Without a filter the empty domains show too.
    domains = [d for d in await app.domains(call.caller) if d.name in named or not (filtered or d.connections)]
    answer: Connections = {
        "domains": [{"name": d.name, "id": d.id, "description": d.description} for d in domains[:SHOWN]],
        "connections": [_listed(standing) for standing in shown],
    }
    if arguments.group_by == "type":
        groups: dict[str, list[str]] = {}
        for standing in shown:
            groups.setdefault(standing.connection.type, []).append(str(standing.connection.key))
        answer["groups"] = groups
    if len(standings) > SHOWN:
        answer["left_out"] = f"{len(standings) - SHOWN} of {len(standings)}; narrow with domain, type or match"
    if problems := await app.problems():
        answer["problems"] = problems
    return answer


def _listed(standing: Standing) -> ListedConnection:
    connection = standing.connection
    listed: ListedConnection = {
        "key": str(connection.key),
        "domain": connection.key.domain,
        "connection": connection.key.connection,
        "type": connection.type,
        "id": connection.id,
        "description": connection.description,
        "environment": connection.environment,
        "access": "read",
        "status": standing.status,
        "tables": standing.tables,
        "checked_at": moment(standing.checked_at),
    }
    if standing.reason:
        listed["reason"] = standing.reason
    if standing.lacks:
        listed["lacks"] = list(standing.lacks)
    if standing.warnings:
        listed["warnings"] = standing.warnings
    return listed


TOOL = Tool("List connections", list_connections, ListConnections, Connections)
