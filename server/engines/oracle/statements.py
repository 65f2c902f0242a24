"""What is sent at all, and the errors of a statement in our words."""

import re
from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, Protocol

from ...errors import ColonnadeError, ConnectionLost, Denied, Internal, SqlError
from ..base.deadline import Deadline

if TYPE_CHECKING:
    from oracledb import Error


# The first word decides, for the server and for the driver alike, whether a text is a query. Oracle's DDL commits
# implicitly, the transaction's mode notwithstanding, and runs even when only parsed: it must never arrive. A line
# comment that might end earlier for one of the two readers than for the other does not pass.
BLANK: Final = r"(?>\s|/\*.*?\*/|--[^\n\r\v\f\x1c-\x1e\x85\u2028\u2029]*(?:\r?\n|\Z))"
FIRST: Final = re.compile(rf"(?:{BLANK}|\()*+(?P<word>[A-Za-z]+|\S|\Z)", re.DOTALL)
SECOND: Final = re.compile(rf"{BLANK}*+(?P<word>\w+|\"|\Z)", re.DOTALL)
QUERIES: Final = frozenset({"SELECT", "WITH"})
VERBS: Final = frozenset(
    {"ADMINISTER", "ALTER", "ANALYZE", "ASSOCIATE", "AUDIT", "BEGIN", "CALL", "COMMENT", "COMMIT", "CREATE", "DECLARE"}
    | {"DELETE", "DISASSOCIATE", "DROP", "EXPLAIN", "FLASHBACK", "GRANT", "INSERT", "LOCK", "MERGE", "NOAUDIT", "PURGE"}
    | {"RENAME", "REVOKE", "ROLLBACK", "SAVEPOINT", "SET", "TRUNCATE", "UPDATE"}
)

READ_ONLY: Final = frozenset({1456, 14551, 14552, 16000})
"""Writing in a read-only transaction, or in a function of a query; a database that is open read-only."""
PRIVILEGE: Final = frozenset({1031, 1720, 41900})
CANCELLED: Final = frozenset({1013, 3111})
LOST: Final = frozenset({28, 1012, 1089, 1092, 2396, 3113, 3114, 3135, 12537, 12547, 12570, 12571})


def check_query(text: str) -> None:
    """Let queries pass, and nothing else reach the server. Raises Denied or SqlError."""
    first = FIRST.match(text)
    word = first["word"] if first else ""
    if word.upper() in VERBS:
        raise Denied(
            f"This connection only reads: {word.upper()} is not a query. Nothing was changed.",
            hint="Send a SELECT; for table structures use describe_tables.",
        )
    if first is None or word.upper() not in QUERIES:
        raise SqlError(
            f"No query begins with {word!r}." if word else "There is no statement.",
            hint="Begin with SELECT or WITH, and end without a semicolon.",
        )
    if word.upper() == "WITH":
        _check_with(SECOND.match(text, first.end()))


def _check_with(second: re.Match[str] | None) -> None:
    if second is None:
        raise SqlError("WITH is not followed by a name.", hint="Put no comment between them.")
    if second["word"].upper() in ("FUNCTION", "PROCEDURE"):
        raise Denied(
            "This connection only reads: WITH FUNCTION may hold an autonomous transaction. Nothing was changed.",
            hint="Write the query without PL/SQL.",
        )


class Watched(Protocol):
    """What of a connection decides how an error reads."""

    @property
    def alive(self) -> bool: ...


@contextmanager
def watched(text: str, deadline: Deadline, session: Watched) -> Generator[None]:
    """Bound the driver's work by the deadline, and put its errors into our words."""
    with deadline.bounds():
        try:
            yield
        except ColonnadeError:
            raise
        except Exception as error:  # noqa: BLE001 - a driver's exception never leaves this folder
            raise _explain(error, text, deadline, lost=not session.alive) from None


def _explain(error: Exception, text: str, deadline: Deadline, *, lost: bool) -> ColonnadeError:
    import oracledb

    if isinstance(error, oracledb.Error):
        return _explain_driver(error, text, deadline, lost=lost)
    if lost or isinstance(error, OSError):
        return broken()
    if isinstance(error, UnicodeError):
        return SqlError("A text of the result is not valid in its character set.", hint="Select UTL_RAW or RAWTOHEX.")
    if isinstance(error, (ValueError, OverflowError)):
        return SqlError("A value of the result is out of the driver's range.", hint="Select TO_CHAR of old dates.")
    return Internal(f"oracledb failed with {type(error).__name__}.", hint="Report it with the log.")


def broken() -> ConnectionLost:
    return ConnectionLost("The connection broke while the statement ran; nothing was changed.", hint="Send it again.")


def _explain_driver(  # noqa: PLR0911 - one return for each kind of error
    error: "Error", text: str, deadline: Deadline, *, lost: bool
) -> ColonnadeError:
    details = error.args[0]
    code, full = int(details.code), str(details.full_code)
    said = _line(details.message)
    if full == "DPY-4024" or (code in CANCELLED and deadline.passed):
        return deadline.error()
    if lost or full in ("DPY-4011", "DPY-1001") or code in LOST:
        return broken()
    if code in CANCELLED:
        return SqlError(f"Somebody stopped the statement in the database: {said}.", hint="Send it again.")
    if code in READ_ONLY:
        return Denied(f"This connection only reads: {said}. Nothing was changed.", hint="Send a SELECT.")
    if code in PRIVILEGE:
        return Denied(f"The login may not do this: {said}.", hint="describe_tables lists what it may read.")
    if full == "DPY-3022":
        return SqlError(
            "A TIMESTAMP WITH TIME ZONE with a named zone cannot be read by the driver.",
            hint="Select TO_CHAR(column, 'YYYY-MM-DD\"T\"HH24:MI:SS.FF TZR') or SYS_EXTRACT_UTC(column).",
        )
    hint = {
        "ORA-00942": "describe_tables lists the tables that the login may read.",
        "DPY-4010": "Write literals instead of :parameters.",
    }.get(full, "")
    return SqlError(said + _where(text, int(details.offset)), hint=hint)


def _line(text: object) -> str:
    """Return the driver's message as one line, without its pointer to a page of help."""
    lines = (line.strip() for line in str(text).splitlines())
    return " ".join(line for line in lines if line and not line.startswith("Help:")).rstrip(".")


def _where(text: str, offset: int) -> str:
    """Point at a place (in bytes, as the server counts) as people do: line, column, and a caret below the word."""
    if offset <= 0:
        return ""
    text = text.strip()  # as the driver sent it
    at = len(text.encode()[:offset].decode(errors="ignore"))
    start = text.rfind("\n", 0, at) + 1
    before, after = text[start:at], text[at:].partition("\n")[0]
    word = re.match(r"\w+|\"[^\"]*\"|'[^']*'", after)
    shown = before[-60:].expandtabs(1)
    return (
        f", line {text.count(chr(10), 0, at) + 1} column {at - start + 1}:\n"
        f"  {shown}{after[:60].expandtabs(1)}\n  {' ' * len(shown)}{'^' * min(60, len(word.group()) if word else 1)}"
    )
