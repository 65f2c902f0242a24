"""What drivers raise, in our words: by SQLSTATE where a driver tells it, else by what it says."""

import re
from collections.abc import Iterator
from typing import Final

from ...errors import ColonnadeError, ConnectionLost, Denied, SqlError
from ..base.deadline import Deadline

STATE: Final = re.compile(r"[0-9A-Z]{5}")
BROKEN: Final = ("08", "57P0")
GONE: Final = re.compile(
    r"connection (was |is |has been )?(closed|lost|reset)|gone away|lost connection", re.IGNORECASE
)
READING: Final = re.compile(r"read[- ]?only", re.IGNORECASE)
UNREADABLE: Final = re.compile(r"(cannot|could not) (be )?decode", re.IGNORECASE)
FORBIDDEN: Final = re.compile(
    r"permission denied|command denied|access denied|not authori[sz]ed|insufficient privileges?|not permitted",
    re.IGNORECASE,
)


def chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an exception of SQLAlchemy, the driver's below it, and what caused that."""
    found: BaseException | None = error
    while found is not None:
        yield found
        found = getattr(found, "orig", None) or found.__cause__


def sqlstate(error: BaseException) -> str:
    """Return the standard's code of an error; empty for a driver that does not tell it."""
    for each in chain(error):
        for code in (getattr(each, "sqlstate", None), getattr(each, "pgcode", None), *each.args[:1]):
            if isinstance(code, str) and STATE.fullmatch(code):
                return code
    return ""


def words(error: BaseException) -> str:
    """Return what the driver said, without SQLAlchemy's frame of statement and links around it."""
    driver = [*chain(error)][-1]
    said = driver.args[-1] if driver.args and isinstance(driver.args[-1], str) else driver
    return " ".join(str(said).split()).rstrip(".") or type(driver).__name__


def explain(error: Exception, deadline: Deadline) -> ColonnadeError:
    state, said = sqlstate(error), words(error)
    if _broken(error, state, said):
        return ConnectionLost(
            "The connection broke while the statement ran; nothing was changed.", hint="Send it again."
        )
    if type(error).__module__ == "builtins" or UNREADABLE.search(said):
        return SqlError(f"The driver cannot read a value: {said}.", hint="Cast the column to text.")
    if state == "57014" and deadline.passed:
        return deadline.error()
    if state == "25006" or READING.search(said):
        return Denied(
            f"This connection only reads: {said}. Nothing was changed.",
            hint="Send a SELECT; for table structures use describe_tables.",
        )
    if state == "42501" or FORBIDDEN.search(said):
        return Denied(f"The login may not do this: {said}.", hint="describe_tables lists what it may read.")
    return SqlError(f"{said}.", hint=" ".join(str(getattr([*chain(error)][-1], "hint", None) or "").split()))


def _broken(error: Exception, state: str, said: str) -> bool:
    from sqlalchemy.exc import DBAPIError, SQLAlchemyError

    # SQLAlchemy itself refuses only a connection that it has given up.
    ours = error.connection_invalidated if isinstance(error, DBAPIError) else isinstance(error, SQLAlchemyError)
    outside = any(isinstance(each, OSError) for each in chain(error))
    return ours or outside or state.startswith(BROKEN) or bool(GONE.search(said))
