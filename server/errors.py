"""Everything Colonnade raises on purpose.

ColonnadeError              what failed, why, the nearest right answers, and the next thing to try
├── ConfigError             config_error: the configuration cannot be used as written
├── BadArgument             bad_argument: an argument is missing, unknown or out of range
├── UnknownConnection       unknown_connection: no connection has that key
├── AmbiguousConnection     ambiguous_connection: several connections fit, and none is the default
├── UnknownDomain           unknown_domain: no domain has that name
├── EmptyDomain             empty_domain: the domain holds no connections
├── UnknownTable            unknown_table: the connection has no such table
├── Refused                 refused: the guard said no; nothing reached the database
├── Denied                  denied: the database or a policy does not allow it
├── DriverMissing           driver_missing: a Python package or system library is not installed
├── Unreachable             unreachable: the database did not answer
├── AuthFailed              auth_failed: the database refused the login
├── Busy                    busy: all places of the connection are taken
├── TimedOut                timeout: the statement was stopped at its time limit
├── ConnectionLost          connection_lost: the connection broke while the statement ran
├── SqlError                sql_error: the database rejected the statement
├── Unsupported             unsupported: this engine or this version cannot do that
└── Internal                internal: a fault of ours
"""

import traceback
from collections.abc import Sequence
from typing import ClassVar, Self, TypedDict


class ErrorPayload(TypedDict):
    """What `_meta["colonnade/error"]` carries and `--json` prints."""

    code: str
    message: str
    hint: str
    candidates: list[str]
    retryable: bool


class ColonnadeError(Exception):
    """An error that an agent can act on."""

    code: ClassVar[str]
    retryable: ClassVar[bool] = False
    listing: ClassVar[str] = "Nearest"

    def __init__(self, message: str, *, hint: str = "", candidates: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.what = message
        self.hint = hint
        self.candidates = tuple(candidates)
        self.where = ""

    def at(self, key: str, engine: str) -> Self:
        """Name the connection that it happened on; the first name given stays."""
        self.where = self.where or f'"{key}" ({engine}): '
        return self

    @property
    def message(self) -> str:
        """What happened and why, on which connection."""
        return self.where + self.what

    def __str__(self) -> str:
        """One text for agents and people: code, what, why, nearest, next."""
        parts = [f"{self.code}: {self.message}"]
        if self.candidates:
            parts.append(f"{self.listing}: " + ", ".join(f'"{name}"' for name in self.candidates) + ".")
        if self.hint:
            parts.append(self.hint)
        return " ".join(parts)

    def payload(self) -> ErrorPayload:
        """Return the same facts as data."""
        return {
            "code": self.code,
            "message": self.message,
            "hint": self.hint,
            "candidates": list(self.candidates),
            "retryable": self.retryable,
        }


class ConfigError(ColonnadeError):
    code = "config_error"


class BadArgument(ColonnadeError):
    code = "bad_argument"


class UnknownConnection(ColonnadeError):
    code = "unknown_connection"


class AmbiguousConnection(ColonnadeError):
    code = "ambiguous_connection"
    listing = "Candidates"


class UnknownDomain(ColonnadeError):
    code = "unknown_domain"


class EmptyDomain(ColonnadeError):
    code = "empty_domain"


class UnknownTable(ColonnadeError):
    code = "unknown_table"


class Refused(ColonnadeError):
    code = "refused"


class Denied(ColonnadeError):
    code = "denied"


class DriverMissing(ColonnadeError):
    code = "driver_missing"


class Unreachable(ColonnadeError):
    code = "unreachable"
    retryable = True


class AuthFailed(ColonnadeError):
    code = "auth_failed"


class Busy(ColonnadeError):
    code = "busy"
    retryable = True


class TimedOut(ColonnadeError):
    code = "timeout"


class ConnectionLost(ColonnadeError):
    code = "connection_lost"
    retryable = True


class SqlError(ColonnadeError):
    code = "sql_error"


class Unsupported(ColonnadeError):
    code = "unsupported"


class Internal(ColonnadeError):
    code = "internal"

    @classmethod
    def of(cls, what: str, error: Exception) -> "Internal":
        """Tell a foreign exception by its type alone: its text may hold rows, statements or a secret."""
        return cls(f"{what} failed with {type(error).__name__}.", hint="The server's log says where. Other calls work.")


def place_of(error: Exception) -> str:
    """Return where an exception came from, for a log: functions and lines, and nothing that it says."""
    frames = traceback.extract_tb(error.__traceback__)[-4:]
    where = " < ".join(f"{frame.name}:{frame.lineno}" for frame in reversed(frames))
    return f"{type(error).__name__} in {where}"
