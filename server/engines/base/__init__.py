"""What an engine is: the protocol between Colonnade and one kind of database."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar, cast

from pydantic import BaseModel, ConfigDict

from ...model import Catalog, Judged, Limits, ResultColumn, ServerInfo


class Options(BaseModel):
    """Base of every engine's options: what is not declared is refused by name."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


def folder_of(context: object) -> Path:
    """Return the folder that relative paths of a configuration start from; the validation context carries it."""
    folder = cast("Mapping[str, object]", context).get("folder") if isinstance(context, Mapping) else None
    return folder if isinstance(folder, Path) else Path()


OptionsT = TypeVar("OptionsT", bound=Options)


@dataclass(frozen=True, slots=True)
class Abilities:
    """What the contract suite may expect of an engine; what is false is shown to the user."""

    read_only: bool = True
    """Refuses writes by a mode of its own, whatever the login may do; where it has none, the login is the wall."""
    cancels: bool = True
    """Ends a statement in the database when the caller gives up, not only here."""
    server_side_timeout: bool = True
    """Ends a statement by itself at its time limit."""
    schemas: bool = True
    """Has schemas inside a database."""
    comments: bool = True
    """Keeps comments on tables and columns."""
    keys: bool = True
    """Tells primary, foreign and unique keys, and indexes."""
    empty_text: bool = True
    """Tells an empty text from NULL."""


class Cursor(Protocol):
    """The rows of one running statement."""

    @property
    def columns(self) -> tuple[ResultColumn, ...]:
        """Name, native type and codec of each column; empty for a statement without rows."""
        ...

    def batches(self) -> AsyncIterator[list[tuple[object, ...]]]:
        """Yield the driver's rows, at most one more in all than `run` was asked for."""
        ...


class Client(Protocol):
    """An open connection or a pool of them. It owns every transaction, and at most `limits.concurrent` connections."""

    def run(self, statement: Judged, *, rows: int, seconds: float) -> AbstractAsyncContextManager[Cursor]:
        """Run one statement in a read-only transaction of its own.

        Leaving the block rolls back and, if rows are still coming, stops the statement on the server; the block ends
        only when the statement has ended there.

        Raises TimedOut, SqlError, Denied or ConnectionLost.
        """
        ...

    async def catalog(self) -> Catalog:
        """Read the whole schema in a constant number of round trips."""
        ...

    async def fingerprint(self) -> str:
        """Return a text that changes with every change of the schema, for a fraction of what `catalog` costs."""
        ...

    async def ping(self) -> ServerInfo:
        """Ask the server for its version."""
        ...

    async def close(self) -> None:
        """Give everything back; never raises, and ends within seconds."""
        ...


class Engine(Protocol[OptionsT]):
    """One kind of database. Stateless: it only knows how to connect."""

    @property
    def dialect(self) -> str:
        """Name of its SQL dialect."""
        ...

    @property
    def abilities(self) -> Abilities:
        """What it can do."""
        ...

    @property
    def options(self) -> type[OptionsT]:
        """The model of its settings in the configuration."""
        ...

    async def open(self, options: OptionsT, secrets: Mapping[str, str], limits: Limits) -> Client:
        """Open a client, with one working connection as the proof.

        Raises Unreachable, AuthFailed or DriverMissing; the time limit is the caller's.
        """
        ...
