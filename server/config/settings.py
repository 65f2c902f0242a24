"""What a configuration is once it is read."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, Protocol

from pydantic import BaseModel

from ..errors import ConfigError
from ..keys import ConnectionKey, Directory
from ..model import Limits

Level = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake: where it stands, what it is, and what to do about it. Never holds the value of an option."""

    file: str
    line: int | None
    what: str
    fix: str
    level: Level

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        return f"{place}: {self.level}: {self.what}\n    {self.fix}"


class Unreadable(ConfigError):
    """The configuration cannot be read at all: no such file, or not TOML."""

    def __init__(self, *problems: Problem) -> None:
        first = problems[0]
        place = first.file if first.line is None else f"{first.file}:{first.line}"
        super().__init__(f"{place}: {first.what}", hint=first.fix)
        self.problems = problems


class Types(Protocol):
    """What a configuration must know of engines."""

    @property
    def names(self) -> tuple[str, ...]:
        """Every type."""
        ...

    @property
    def aliases(self) -> Mapping[str, str]:
        """Folded label → type."""
        ...

    @property
    def schemes(self) -> Mapping[str, str]:
        """URL scheme, without its driver → type."""
        ...

    def options(self, kind: str) -> type[BaseModel]:
        """Return the option model of a type. Imports the engine: asked only for types in use."""
        ...


@dataclass(frozen=True, slots=True)
class Connection:
    """A connection as configured; it is usable if it is enabled and has no problem."""

    key: ConnectionKey
    id: str
    type: str
    """As written where it is no known type, `unknown` where none is given."""
    description: str
    environment: str
    owner: str
    tags: tuple[str, ...]
    enabled: bool
    limits: Limits
    options: BaseModel | None = field(repr=False)
    """None with a problem, and where a disabled connection lacks its variables."""
    problem: Problem | None
    """The first error."""
    effective: str
    """SHA-256 of type and options, empty without options: equal ones reach the same target with the same login."""
    allow_functions: frozenset[str] = frozenset()
    """Functions, by name or schema.name in lower case, that run here beyond those that only compute."""
    allow_files: bool = False
    """Queries may read files that the database can reach."""


@dataclass(frozen=True, slots=True)
class Domain:
    """A named group of connections, in the order of the file; it may be empty."""

    name: str
    id: str
    description: str
    owner: str
    tags: tuple[str, ...]
    connections: tuple[Connection, ...]


@dataclass(frozen=True)
class Configuration:
    """Every domain, and every problem of the file in the order of its lines."""

    domains: tuple[Domain, ...]
    problems: tuple[Problem, ...]
    where: str
    """The file as shown to people."""
    demo: bool = False

    @cached_property
    def directory(self) -> Directory:
        """The names, and how a caller's text finds them."""
        return Directory({domain.name: [c.key.connection for c in domain.connections] for domain in self.domains})

    @cached_property
    def connections(self) -> Mapping[ConnectionKey, Connection]:
        """Every connection by its key."""
        return {connection.key: connection for domain in self.domains for connection in domain.connections}

    def connection(self, key: ConnectionKey) -> Connection:
        """Return the connection of a key; raises UnknownConnection."""
        found = self.connections.get(key)
        return found if found is not None else self.connections[self.directory.key(str(key))]
