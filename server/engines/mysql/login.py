"""What a login may do, from SHOW GRANTS: information_schema leaves out what comes by a role.

Whatever is not known to be harmless counts as a danger, and so does a line that is not understood.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from ...model import Login
from ..base.logins import PASSWORD, READER, counted, some

NAME: Final = re.compile(r"`(?:[^`]|``)*`")
COLUMNS: Final = re.compile(r" ?\([`\d, ]*\)")
GRANT: Final = re.compile(
    r"GRANT (?P<what>[A-Z_, ]+) ON (?:(?:TABLE|FUNCTION|PROCEDURE|PACKAGE BODY|PACKAGE) )?"
    r"(?P<database>\*|`\d+`)\.(?P<object>\*|`\d+`) TO (?P<rest>.*)",
    re.DOTALL,
)
ROLE: Final = r"(?:`\d+`|[\w$]+)(?:@(?:`\d+`|'[^']*'))?"
ROLES: Final = re.compile(rf"GRANT (?P<roles>{ROLE}(?:, ?{ROLE})*) TO .*", re.DOTALL)
BESIDE: Final = re.compile(r"(?:SET DEFAULT ROLE|REVOKE) .*", re.DOTALL)
"""Lines that give nothing; a partial revoke only takes away, and is not counted on."""

EVERYTHING: Final = frozenset({"ALL PRIVILEGES", "ALL"})
HARMLESS: Final = frozenset(
    {"USAGE", "SELECT", "SHOW VIEW", "SHOW DATABASES", "SHOW CREATE ROUTINE", "SHOW_ROUTINE", "CREATE TEMPORARY TABLES"}
)
WRITES: Final = frozenset({"INSERT", "UPDATE", "DELETE", "DELETE HISTORY", "DELETE VERSIONING ROWS"})
DEFINES: Final = frozenset(
    {"CREATE", "ALTER", "DROP", "INDEX", "REFERENCES", "TRIGGER", "EVENT"}
    | {"CREATE VIEW", "CREATE ROUTINE", "ALTER ROUTINE", "CREATE TABLESPACE"}
)
TOLD: Final = {
    "FILE": "may read and write files on the server (FILE)",
    "SUPER": "administers the server (SUPER)",
    "PROCESS": "sees what everybody runs (PROCESS)",
    "EXECUTE": "may run stored procedures (EXECUTE)",
    "LOCK TABLES": "may lock tables (LOCK TABLES)",
}


@dataclass(slots=True)
class Reach:
    """Where privileges of one kind hold."""

    everywhere: bool = False
    databases: set[str] = field(default_factory=set[str])
    tables: set[str] = field(default_factory=set[str])

    def add(self, database: str, table: str) -> None:
        if database == "*":
            self.everywhere = True
        elif table == "*":
            self.databases.add(database)
        else:
            self.tables.add(f"{database}.{table}")

    def told(self) -> str:
        if self.everywhere:
            return "every database"
        kinds = ((self.databases, "database"), (self.tables, "table"))
        return " and ".join(counted(len(found), what) for found, what in kinds if found)


@dataclass(slots=True)
class Grants:
    """What the lines of SHOW GRANTS add up to."""

    all: bool = False
    writes: Reach = field(default_factory=Reach)
    defines: Reach = field(default_factory=Reach)
    others: set[str] = field(default_factory=set[str])
    grantable: bool = False
    proxy: bool = False
    roles: list[str] = field(default_factory=list[str])
    unread: int = 0

    @classmethod
    def of(cls, lines: Iterable[str]) -> "Grants":
        grants = cls()
        for line in lines:
            grants._add(line)
        return grants

    def _add(self, line: str) -> None:
        names: dict[str, str] = {}
        # Names may hold anything, also what looks like the end of the line.
        plain = NAME.sub(lambda found: f"`{names.setdefault(found[0], str(len(names)))}`", line)
        named = {f"`{number}`": name for name, number in names.items()}
        plain = COLUMNS.sub("", plain)
        if plain.startswith("GRANT PROXY ON "):
            self.proxy = True
        elif found := GRANT.fullmatch(plain):
            self.grantable = self.grantable or "GRANT OPTION" in found["rest"]
            database, table = (named.get(part, part) for part in (found["database"], found["object"]))
            for privilege in re.split(r" ?, ?", found["what"].strip()):
                self._give(privilege, database, table)
        elif found := ROLES.fullmatch(plain):
            self.roles += [NAME.sub(lambda role: named[role[0]], role) for role in re.split(", ?", found["roles"])]
        elif not BESIDE.fullmatch(plain):
            self.unread += 1

    def _give(self, privilege: str, database: str, table: str) -> None:
        if privilege in EVERYTHING:
            self.all = self.all or database == "*"
            self.writes.add(database, table)
            self.defines.add(database, table)
        elif privilege in WRITES:
            self.writes.add(database, table)
        elif privilege in DEFINES:
            self.defines.add(database, table)
        elif privilege == "GRANT OPTION":
            self.grantable = True
        elif privilege not in HARMLESS:
            self.others.add(privilege)

    def dangers(self) -> Iterable[str]:
        if self.all:
            yield "has all privileges on the server"
        if reach := self.writes.told():
            yield f"may write to {reach}"
        if reach := self.defines.told():
            yield f"may create, alter or drop in {reach}"
        yield from (what for privilege, what in TOLD.items() if privilege in self.others)
        if rest := sorted(self.others - TOLD.keys()):
            yield f"has privileges to administer ({some(rest)})"
        if self.grantable:
            yield "may grant what it may do (GRANT OPTION)"
        if self.proxy and not self.all:
            yield "may act as another user (PROXY)"
        if self.unread:
            yield f"has {counted(self.unread, 'grant')} that could not be read"


def using(roles: Sequence[str]) -> str:
    """Return what tells the privileges of roles too, in MySQL's words; MariaDB tells of the active one by itself."""
    return f"show grants for current_user() using {', '.join(roles)}"


def login_of(name: str, database: str, lines: Iterable[str], beside: Sequence[str] = ()) -> Login:
    """Put together what a login may do; `beside` are roles that it may take on and whose grants the lines leave out."""
    dangers = list(Grants.of(lines).dangers())
    if beside:
        dangers.append(f"may take on another role by SET ROLE ({some(beside)})")
    return Login(name, tuple(dangers), remedy(database))


def remedy(database: str) -> str:
    # In a grant, _ and % stand for any letters.
    pattern = re.sub(r"([\\_%])", r"\\\1", database).replace("`", "``") if database else "<database>"
    user = f"'{READER}'@'%'"
    return f"create user {user} identified by '{PASSWORD}';\ngrant select on `{pattern}`.* to {user};"
