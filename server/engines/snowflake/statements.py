"""The errors of a statement in our words."""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import Final

from ...errors import AuthFailed, ColonnadeError, ConnectionLost, Denied, Internal, SqlError
from ..base.deadline import Deadline

LOGIN_REFUSED: Final[Mapping[int, str]] = {
    390_100: "wrong user or password",
    390_101: "the authenticator is not allowed",
    390_144: "the key or its token was not accepted",
    390_186: "the role is not granted to this user",
    390_189: "there is no such role",
    390_195: "the identity token has expired",
    390_303: "the OAuth token was not accepted",
    390_318: "the OAuth token has expired",
    390_422: "the network policy does not allow this address",
}
"""What the server says to a login; the last ones also to one that has expired since."""

SESSION_GONE: Final = frozenset({390_103, 390_104, 390_110, 390_111, 390_112, 390_113, 390_114, 390_115})
"""The session or its token is no more; a new login may well work."""

CANCELLED: Final = 604
TIMED_OUT: Final = 630
NO_WAREHOUSE: Final = 606
NO_PRIVILEGE: Final = 3001
CLOSED: Final = frozenset({250_001, 250_002, 250_003})


@contextmanager
def watched(deadline: Deadline) -> Generator[None]:
    """Bound the driver's work by the deadline, and put its errors into our words."""
    # The server counts whole seconds, and from when it starts: the limit itself is kept here, by aborting.
    with deadline.bounds(server=False):
        try:
            yield
        except ColonnadeError:
            raise
        except Exception as error:  # noqa: BLE001 - a driver's exception never leaves this folder
            raise explain(error, deadline) from None


def explain(error: Exception, deadline: Deadline) -> ColonnadeError:  # noqa: PLR0911 - one return for each kind
    from snowflake.connector.errors import DatabaseError, Error, InterfaceError, OperationalError

    if not isinstance(error, Error):
        return Internal(f"snowflake.connector failed with {type(error).__name__}.", hint="Report it with the log.")
    code, message = error.errno, line(error.raw_msg)
    if code in SESSION_GONE or code in CLOSED or isinstance(error, InterfaceError):
        return ConnectionLost("The server ended the session; nothing was changed.", hint="Send it again.")
    if code in LOGIN_REFUSED:
        return AuthFailed(f"The login is no longer good: {LOGIN_REFUSED[code]}.", hint="Give it a new token.")
    if code in (CANCELLED, TIMED_OUT):
        if deadline.passed or code == TIMED_OUT:
            return deadline.error()
        return SqlError("The statement was cancelled in the database by somebody else; nothing was changed.")
    if code == NO_PRIVILEGE:
        return Denied(f"The login may not do this: {message}.", hint="describe_tables lists what it may read.")
    if isinstance(error, OperationalError):
        return ConnectionLost(
            "The connection broke while the statement ran; nothing was changed.", hint="Send it again."
        )
    if isinstance(error, DatabaseError):
        hint = "Set `warehouse` to one that the role may use." if code == NO_WAREHOUSE else ""
        return SqlError(f"{message or f'Snowflake refused it with code {code}'}.", hint=hint)
    return Internal(f"snowflake.connector failed with {type(error).__name__}.", hint="Report it with the log.")


def line(text: object) -> str:
    return " ".join(str(text).split()).rstrip(".")
