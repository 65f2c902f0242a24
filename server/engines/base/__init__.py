"""What an engine is: the protocol between Colonnade and one kind of database."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Protocol, TypeVar, cast

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from ...model import Catalog, Judged, Limits, Login, ResultColumn, ServerInfo
from ...secrets import Secret


class Options(BaseModel):
    """Base of every engine's options: what is not declared is refused by name."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


def folder_of(context: object) -> Path:
    """Return the folder that relative paths of a configuration start from; the validation context carries it."""
    folder = cast("Mapping[str, object]", context).get("folder") if isinstance(context, Mapping) else None
    return folder if isinstance(folder, Path) else Path()


def absolute(path: str, info: ValidationInfo) -> str:
    """Return a path of the configuration as it is used."""
    return str(Path(folder_of(info.context), Path(path).expanduser()).absolute())


class Ssh(Options):
    """A host to tunnel through. Its key must be among the known ones; there is no way to switch that off."""

    host: str = Field(description="Name or address of the SSH server")
    port: int = Field(default=22, ge=1, le=65_535, description="Its port")
    user: str | None = Field(default=None, description="Login there; this user's name when left out")
    private_key: str | None = Field(
        default=None, description="File of the private key; the agent's and the usual ones when left out"
    )
    passphrase: Secret | None = Field(default=None, description="Passphrase of the private key")
    password: Secret | None = Field(default=None, description="Password of the login, where no key will do")
    known_hosts: str | None = Field(
        default=None, description="File of the known host keys; ~/.ssh/known_hosts when left out"
    )

    @field_validator("private_key", "known_hosts")
    @classmethod
    def _from_the_folder(cls, path: str | None, info: ValidationInfo) -> str | None:
        return path and absolute(path, info)


class Networked(Options):
    """Options of an engine that is reached over TCP, and so through a tunnel too."""

    ssh: Ssh | None = Field(
        default=None,
        description="SSH server to tunnel through: { host, user, private_key, … }",
        json_schema_extra={"label": "SSH tunnel", "group": "Connection"},
    )


Route = Callable[[str, int], Awaitable[tuple[str, int]]]
"""Where to connect to, in order to reach a host and port: asked before each connection, it may open a tunnel.

TLS names stay those of the host that was asked for. Raises Unreachable, AuthFailed, ConfigError or DriverMissing.
"""


async def direct(host: str, port: int) -> tuple[str, int]:
    """Connect to the host itself."""
    return host, port


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
    exact: bool = True
    """Returns every value as the database holds it, or says in the column's type or in an error what is lost of it."""

    LACKING: ClassVar[Mapping[str, str]] = {
        "read_only": "no read-only mode: give it a login that can only read",
        "cancels": "a statement may run on in the database after it was given up",
        "keys": "primary and foreign keys are not told",
        "empty_text": "an empty text is NULL",
        "exact": "its driver may change dates outside the years 1 to 9999: cast those to text",
    }
    """What people and agents have to know of an ability that is missing."""

    @property
    def lacking(self) -> tuple[str, ...]:
        """What to know of this engine, in words."""
        return tuple(words for name, words in self.LACKING.items() if not getattr(self, name))


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

    async def login(self) -> Login:
        """Look at what the login may do beyond reading, in a bounded number of round trips, none of which writes.

        What cannot be found out is one of the dangers. Raises what `run` does.
        """
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
    def remedy(self) -> str:
        """The SQL that makes a login that may only read a database `shop`; empty where there are no logins."""
        ...

    @property
    def options(self) -> type[OptionsT]:
        """The model of its settings in the configuration."""
        ...

    async def open(
        self, options: OptionsT, secrets: Mapping[str, str], limits: Limits, route: Route = direct
    ) -> Client:
        """Open a client, with one working connection as the proof.

        `secrets` are the values of the secret options by name, those of a table in it as `table.name`.

        Raises Unreachable, AuthFailed or DriverMissing; the time limit is the caller's.
        """
        ...
