"""The words of the house as values: callers, limits, catalogs, judged statements, results.

They are declared here, below everything else, so that a layer can take what a higher one alone may build: `Judged`
comes from the guard, `VisibleCatalog` from `catalog`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

Cell = str | int | float | bool | list["Cell"] | None
"""One value of a result as JSON carries it without losing anything."""

Transport = Literal["stdio", "http", "command", "memory"]

TableKind = Literal["table", "view", "materialized", "foreign", "external"]

Status = Literal["pending", "ok", "down", "config_error", "driver_missing", "disabled"]
"""What is known of a connection; `pending` until its first use."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks. Over stdio and on the command line the user of the operating system; over HTTP the token's subject."""

    subject: str | None
    client: str
    transport: Transport


@dataclass(frozen=True, slots=True)
class Call:
    """What a tool or resource knows of the request it answers."""

    caller: Caller


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one connection.

    `rows` and `seconds` hold when a call asks for nothing, `max_rows` and `max_seconds` are the most it may ask for;
    `bytes` bounds every answer, `connect` the opening and `wait` the queue, in seconds; `concurrent` counts statements.
    """

    rows: Annotated[int, Field(ge=1, le=1_000_000)] = 200
    max_rows: Annotated[int, Field(ge=1, le=1_000_000)] = 10_000
    bytes: Annotated[int, Field(ge=1_000, le=100_000_000)] = 30_000
    seconds: Annotated[float, Field(gt=0, le=86_400)] = 30.0
    max_seconds: Annotated[float, Field(gt=0, le=86_400)] = 300.0
    connect: Annotated[float, Field(gt=0, le=300)] = 10.0
    wait: Annotated[float, Field(gt=0, le=300)] = 5.0
    concurrent: Annotated[int, Field(ge=1, le=64)] = 4


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table; `type` is the engine's own name for it."""

    name: str
    type: str
    nullable: bool = True
    default: str | None = None
    comment: str | None = None
    generated: bool = False


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """Columns that point at columns of another table of the same connection."""

    columns: tuple[str, ...]
    schema: str
    table: str
    columns_there: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Index:
    """An index that no key made; an expression stands as its text."""

    name: str
    columns: tuple[str, ...]
    unique: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """A table or view; `rows` is the engine's estimate, None where it has none."""

    schema: str
    name: str
    kind: TableKind = "table"
    comment: str | None = None
    rows: int | None = None
    columns: tuple[Column, ...] = ()
    primary_key: tuple[str, ...] = ()
    foreign_keys: tuple[ForeignKey, ...] = ()
    unique: tuple[tuple[str, ...], ...] = ()
    indexes: tuple[Index, ...] = ()


@dataclass(frozen=True, slots=True)
class Catalog:
    """A connection's schema at one time, as its adapter read it; tables in the order of schema and name."""

    tables: tuple[Table, ...]
    fingerprint: str
    read_at: float
    """Seconds since the epoch."""
    default_schema: str = ""
    """Tables of this schema are named without it."""


@dataclass(frozen=True, slots=True)
class VisibleCatalog:
    """What a caller may see of a catalog. Built by `catalog` alone; nothing else leaves it."""

    tables: tuple[Table, ...]
    fingerprint: str
    read_at: float
    default_schema: str
    stale_since: float | None = None
    """Since when the connection could not be asked whether this still holds, in seconds since the epoch."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A statement that the guard let pass; built by the guard alone, from one reading."""

    text: str
    dialect: str


Codec = Callable[[object], Cell]
"""Turns one value of a driver, never NULL, into its exact JSON form."""


@dataclass(frozen=True, slots=True)
class ResultColumn:
    """A column of a result: `codec` is None where the driver's values are exact JSON already."""

    name: str
    type: str
    codec: Codec | None = None


@dataclass(frozen=True, slots=True)
class ServerInfo:
    """What the database says of itself."""

    version: str


@dataclass(frozen=True, slots=True)
class Login:
    """Whose login a connection uses, and what that may do beyond reading."""

    name: str
    """Empty where there are no logins, or where it is not known."""
    dangers: tuple[str, ...] = ()
    """What it may do, each as a short sentence without its subject: "is a superuser", "may write to 12 tables"."""
    remedy: str = ""
    """The SQL that makes a login that may only read, for this database; passwords are placeholders."""


@dataclass(frozen=True, slots=True)
class Result:
    """The rows of one statement; `cut` says why there may be more, None when these are all."""

    columns: tuple[ResultColumn, ...]
    rows: Sequence[Sequence[Cell]]
    cut: str | None
    elapsed_ms: float
    told: str | None = None
    """What was done to cells that could not be shown as they are."""
