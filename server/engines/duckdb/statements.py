"""Which statements are let in, and the errors of a statement in our words."""

import re
from typing import TYPE_CHECKING, Final

from ...errors import ColonnadeError, ConnectionLost, Denied, Internal, SqlError
from .arrow import StreamError
from .file import GivenUp

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

READING: Final = frozenset({"SELECT", "EXPLAIN", "MULTI"})
"""SHOW, DESCRIBE, SUMMARIZE, FROM and VALUES are SELECT here; MULTI is a PIVOT that finds its columns first.

What is left out either writes, or changes the connection (SET, PREPARE, temporary tables), or tells paths (PRAGMA).
"""

SEND_A_SELECT: Final = "Send a SELECT; for table structures use describe_tables."


def admit(connection: "DuckDBPyConnection", text: str) -> None:
    """Let one reading statement through; raises Denied, SqlError or what the parser says."""
    statements = connection.extract_statements(text)
    if not statements:
        raise SqlError("The text holds no statement.", hint="Send a SELECT.")
    if len(statements) > 1:
        raise Denied(f"One statement at a time, not {len(statements)}. Nothing was run.", hint="Send them one by one.")
    kind = statements[0].type.name
    if kind not in READING:
        raise Denied(
            f"This connection only reads, and {kind.replace('_', ' ')} does more than that. Nothing was changed.",
            hint=SEND_A_SELECT,
        )


def explain(error: Exception, *, closed: bool) -> ColonnadeError:
    """Map an error: DuckDB's words start with its kind."""
    import duckdb

    said = _said(error)
    if isinstance(error, (duckdb.InterruptException, GivenUp)) or said.startswith("Interrupted"):
        why = "The connection was closed" if closed else "The statement was interrupted"
        return ConnectionLost(f"{why}; nothing was changed.", hint="Send it again.")
    if "read-only mode" in said or isinstance(error, duckdb.PermissionException) or "has been locked" in said:
        why = said.partition("\n")[0].rstrip(".!")
        return Denied(f"This connection only reads: {why}. Nothing was changed.", hint=SEND_A_SELECT)
    if is_fatal(error):
        return ConnectionLost("DuckDB failed inside and is opened anew; nothing was changed.", hint="Send it again.")
    if isinstance(error, (duckdb.Error, StreamError)):
        return SqlError(f"DuckDB: {said}" if "\n" in said else f"DuckDB: {said}.")  # else it ends with a caret
    if isinstance(error, UnicodeError):
        return SqlError("A text of the statement or its result is not UTF-8.", hint="Select encode(column) instead.")
    return Internal(f"duckdb failed with {type(error).__name__}.", hint="Report it with the log.")


def is_fatal(error: Exception) -> bool:
    """Tell an error after which DuckDB refuses everything, or is not to be trusted."""
    import duckdb

    return isinstance(error, (duckdb.FatalException, duckdb.InternalException)) or (
        isinstance(error, StreamError) and str(error).startswith(("FATAL Error", "INTERNAL Error"))
    )


def _said(error: Exception) -> str:
    text = re.sub(r"^[A-Za-z ]*Error: ", "", str(error), count=1)
    return text.rstrip().rstrip(".!")
