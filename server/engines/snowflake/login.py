"""What a login may do: the grants of its role, of its secondary roles and of those that these inherit.

Neither context functions nor SHOW need a warehouse.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

from ...model import Login
from ..base.logins import READER, counted, some

Row = Mapping[str, Any]

SESSION: Final = """
select current_user() as "user", current_role() as "role", current_secondary_roles() as "secondary",
       current_database() as "database", current_warehouse() as "warehouse"
"""
MOST_ROLES: Final = 10
"""Roles that are looked into, at most: each is a round trip."""

ADMINISTRATORS: Final = ("ACCOUNTADMIN", "SECURITYADMIN", "SYSADMIN", "USERADMIN", "ORGADMIN", "GLOBALORGADMIN")
ROLE: Final = "ROLE"
DATABASE_ROLE: Final = "DATABASE_ROLE"
WRITES: Final = frozenset({"INSERT", "UPDATE", "DELETE", "TRUNCATE", "EVOLVE SCHEMA"})
HARMLESS: Final = frozenset({"SELECT", "REFERENCES", "USAGE", "READ", "MONITOR", "IMPORTED PRIVILEGES"})
RUN: Final = ("PROCEDURE", "FUNCTION", "EXTERNAL_FUNCTION")

Role = tuple[str, str]
"""ROLE or DATABASE_ROLE, and the name as it stands in a statement."""


class Roles:
    """The roles of a session and their grants, found role by role."""

    def __init__(self, facts: Row) -> None:
        secondary: str = json.loads(facts["secondary"] or "{}").get("roles") or ""
        names = [facts["role"], *secondary.split(",")]
        self._waiting: list[Role] = [(ROLE, quoted(name.strip())) for name in names if name and name.strip()]
        self.looked: list[Role] = []
        self.grants: list[Row] = []

    def next(self) -> str | None:
        """Return what tells the grants of one more role; None when there is none, or enough has been asked."""
        while self._waiting and len(self.looked) < MOST_ROLES:
            kind, name = role = self._waiting.pop(0)
            if role not in self.looked:
                self.looked.append(role)
                return f"show grants to {kind.replace('_', ' ').lower()} {name}"
        return None

    def add(self, grants: Iterable[Row]) -> None:
        for grant in grants:
            self.grants.append(grant)
            kind = str(grant["granted_on"]).replace(" ", "_")
            if kind in (ROLE, DATABASE_ROLE) and grant["privilege"] == "USAGE":
                name = str(grant["name"])
                self._waiting.append((kind, quoted(name) if kind == ROLE else name))

    @property
    def left(self) -> int:
        """How many roles were not looked into."""
        return len(set(self._waiting) - set(self.looked))


def login_of(facts: Row, roles: Roles) -> Login:
    names = {name.strip('"') for kind, name in roles.looked if kind == ROLE}
    remedied = remedy(facts["database"] or "<database>", facts["warehouse"] or "<warehouse>")
    return Login(str(facts["user"]), tuple(_dangers(names, roles)), remedied)


def _dangers(names: set[str], roles: Roles) -> Iterable[str]:
    yield from (f"uses {role}" for role in ADMINISTRATORS if role in names)
    found: dict[str, set[tuple[str, str]]] = {}
    for grant in roles.grants:
        kind = str(grant["granted_on"]).replace(" ", "_")
        found.setdefault(_group(str(grant["privilege"]), kind), set()).add((kind, str(grant["name"])))
    for group, words in (("write", "may write to"), ("own", "owns"), ("run", "may run")):
        if group in found:
            yield f"{words} {counted(len(found[group]), WHAT[group])}"
    if rest := sorted(found.keys() - WHAT.keys() - {""}):
        yield f"has other privileges ({some(rest)})"
    if roles.left:
        yield f"inherits {counted(roles.left, 'more role')}, which could not all be looked into"


WHAT: Final = {"write": "table", "own": "object", "run": "function or procedure"}


def _group(privilege: str, kind: str) -> str:
    """Return the group of a privilege, nothing for one that only reads, or the privilege itself."""
    if privilege in WRITES:
        return "write"
    if privilege == "OWNERSHIP":
        return "own"
    if privilege == "USAGE" and kind in RUN:
        return "run"
    return "" if privilege in HARMLESS else privilege


def remedy(database: str, warehouse: str) -> str:
    role, user = READER.upper(), f"{READER}_user".upper()
    named, runs = _named(database), _named(warehouse)
    lines = [
        f"create role {role}",
        f"grant usage on database {named} to role {role}",
        f"grant usage on warehouse {runs} to role {role}",
        f"grant usage on all schemas in database {named} to role {role}",
        f"grant select on all tables in database {named} to role {role}",
        f"grant select on all views in database {named} to role {role}",
        f"grant select on future tables in database {named} to role {role}",
        f"grant select on future views in database {named} to role {role}",
        f"create user {user} type = service default_role = {role} rsa_public_key = '<public key>'",
        f"alter user {user} set default_secondary_roles = ()",
        f"grant role {role} to user {user}",
    ]
    return ";\n".join(lines) + ";"


def _named(name: str) -> str:
    return name if name.isidentifier() or name.startswith("<") else quoted(name)


def quoted(name: str) -> str:
    doubled = name.replace('"', '""')
    return f'"{doubled}"'
