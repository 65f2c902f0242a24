"""The errors of a statement in our words."""

import re
from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from ...errors import ColonnadeError, ConnectionLost, Denied, Internal, SqlError, TimedOut
from ..base.deadline import Deadline

if TYPE_CHECKING:
    from asyncpg import Connection, PostgresError, Record


LOCK_SECONDS: Final = 5.0


@contextmanager
def watched(text: str, deadline: Deadline, connection: "Connection[Record]") -> Generator[None]:
    """Bound the driver's work by the deadline, and put its errors into our words."""
    with deadline.bounds():
        try:
            yield
        except Exception as error:  # noqa: BLE001 - a driver's exception never leaves this file
            raise _explain(error, text, deadline, lost=connection.is_closed()) from None


def _explain(error: Exception, text: str, deadline: Deadline, *, lost: bool) -> ColonnadeError:
    import asyncpg

    if isinstance(error, asyncpg.PostgresError) and not lost:
        return _explain_sql(error, text, deadline)
    if isinstance(error, UnicodeError):
        return SqlError("A text of the statement or its result is not UTF-8.", hint="Select encode(column, 'hex').")
    if lost or isinstance(error, OSError):
        return ConnectionLost(
            "The connection broke while the statement ran; nothing was changed.", hint="Send it again."
        )
    if isinstance(error, (asyncpg.InterfaceError, asyncpg.InternalClientError)):
        return SqlError(f"asyncpg: {_line(error.args[0])}.", hint="Give no parameters, and cast unusual types to text.")
    return Internal(f"asyncpg failed with {type(error).__name__}.", hint="Report it with the log.")


def _explain_sql(error: "PostgresError", text: str, deadline: Deadline) -> ColonnadeError:
    message = _line(error.args[0])
    match str(error.sqlstate):
        case "25006":
            return Denied(
                f"This connection only reads: {message}. Nothing was changed.",
                hint="Send a SELECT; for table structures use describe_tables.",
            )
        case "42501":
            return Denied(f"The login may not do this: {message}.", hint="describe_tables lists what it may read.")
        case "57014" if deadline.passed:
            return deadline.error()
        case "55P03":
            return TimedOut(
                f"Another session kept a lock for over {LOCK_SECONDS:g} s: {message}; nothing was changed.",
                hint="Try again later.",
            )
        case "57P01" | "57P02" | "57P03" | "57P05" | "25P03" | "08000" | "08003" | "08006":
            return ConnectionLost(f"The server ended the connection: {message}.", hint="Send it again.")
        case _:
            said = [_line(part) for part in (error.hint, error.detail) if part]
            return SqlError(message + _where(text, error.position), hint=" ".join(said))


def _line(text: object) -> str:
    return " ".join(str(text).split()).rstrip(".")


def _where(text: str, position: str | None) -> str:
    """Point at a position (counted from 1) as people do: line, column, and a caret below the word."""
    if position is None:
        return ""
    at = min(int(position) - 1, len(text))
    start = text.rfind("\n", 0, at) + 1
    before, after = text[start:at], text[at:].partition("\n")[0]
    word = re.match(r"\w+|\"[^\"]*\"|'[^']*'", after)
    shown = before[-60:].expandtabs(1)
    return (
        f", line {text.count(chr(10), 0, at) + 1} column {at - start + 1}:\n"
        f"  {shown}{after[:60].expandtabs(1)}\n  {' ' * len(shown)}{'^' * min(60, len(word.group()) if word else 1)}"
    )
