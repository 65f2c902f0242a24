"""The errors of a statement in our words."""

import re
from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, cast

from ...errors import ColonnadeError, ConnectionLost, Denied, Internal, SqlError, TimedOut
from ..base.deadline import Deadline

if TYPE_CHECKING:
    from .wire import Wire

LOCK_SECONDS: Final = 5

READ_ONLY: Final = (1290, 1792, 1836)
DENIED: Final = (1044, 1045, 1142, 1143, 1227, 1345, 1370, 1410, 1419, 1820, 3118, 3530)
INTERRUPTED: Final = (1317, 1969, 3024)
LOCKED: Final = (1205, 3572)
ENDED: Final = (1053, 1077, 1079, 1152, 1159, 1160, 1161, 1927, 2006, 2013, 2014, 4031)

SYNTAX: Final = re.compile(r"; check the manual that .*? for the right syntax to use")


@contextmanager
def watched(deadline: Deadline, wire: "Wire") -> Generator[None]:
    """Bound the driver's work by the deadline, and put its errors into our words."""
    with deadline.bounds():
        try:
            yield
        except Exception as error:  # noqa: BLE001 - a driver's exception never leaves this file
            raise _explain(error, deadline, lost=wire.lost) from None


def _explain(error: Exception, deadline: Deadline, *, lost: bool) -> ColonnadeError:
    from asyncmy.errors import MySQLError

    if isinstance(error, UnicodeError):
        return SqlError("A text of the statement or its result is not UTF-8.", hint="Select hex(column).")
    if not isinstance(error, (MySQLError, OSError)):
        return Internal(f"asyncmy failed with {type(error).__name__}.", hint="Report it with the log.")
    code, message = (*cast("tuple[object, ...]", error.args), 0, "")[:2] if isinstance(error, MySQLError) else (0, "")
    if lost or code in ENDED or not isinstance(code, int) or not code:
        return ConnectionLost(
            "The connection broke while the statement ran; nothing was changed.", hint="Send it again."
        )
    return _explain_sql(code, SYNTAX.sub("", " ".join(str(message).split())).rstrip("."), deadline)


def _explain_sql(code: int, message: str, deadline: Deadline) -> ColonnadeError:
    if code in READ_ONLY:
        return Denied(
            f"This connection only reads: {message}. Nothing was changed.",
            hint="Send a SELECT; for table structures use describe_tables.",
        )
    if code in DENIED:
        return Denied(f"The login may not do this: {message}.", hint="describe_tables lists what it may read.")
    if code in INTERRUPTED and deadline.passed:
        return deadline.error()
    if code in LOCKED:
        return TimedOut(
            f"Another session kept a lock for over {LOCK_SECONDS} s: {message}; nothing was changed.",
            hint="Try again later.",
        )
    return SqlError(message)
