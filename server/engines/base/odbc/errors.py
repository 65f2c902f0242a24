"""Errors by SQLSTATE, in our words; where a driver has no state for it, by its words."""

import re
import socket
import struct
from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

from ....errors import (
    AuthFailed,
    ColonnadeError,
    ConfigError,
    ConnectionLost,
    Denied,
    DriverMissing,
    Internal,
    SqlError,
    TimedOut,
    Unreachable,
)
from ..deadline import Deadline
from .strings import Target

NATIVE: Final = re.compile(r"\((-?\d+)\)\s*\(SQL\w+\)")
LEAD: Final = re.compile(r"^(?:\[[^\]]*\]\s*)+(?:(?:ERROR|FATAL):\s*)?")
FORBIDDEN: Final = re.compile(
    r"permission|\bdenied\b|read[- ]only|not authorized|insufficient privilege", re.IGNORECASE
)
BROKEN: Final = re.compile(
    r"server closed the connection|gone away|lost connection|connection.{0,40}(?:reset|broken|closed|terminated|killed)"
    r"|communication link|no connection to the server|not connected|could not (?:send|receive)",
    re.IGNORECASE,
)


def state_of(error: Exception) -> tuple[str, str]:
    """Return SQLSTATE and the driver's words."""
    state, words = (*(str(part) for part in error.args), "", "")[:2]
    return (state, words) if words else ("", state)


def code_of(words: str) -> int:
    """Return the database's own number of an error, 0 if there is none."""
    found = NATIVE.search(words)
    return int(found.group(1)) if found else 0


def cleaned(words: str) -> str:
    """Return what the database says, without the names of driver and function around it."""
    text = LEAD.sub("", NATIVE.split(words)[0]).replace("Error while executing the query", "")
    return " ".join(text.split()).rstrip(" .;")


def is_lost(state: str, words: str) -> bool:
    return state.startswith(("08", "57P")) or (state in ("HY000", "01000", "") and bool(BROKEN.search(words)))


@contextmanager
def explained(deadline: Deadline) -> Generator[None]:
    """Put the errors of a driver's work into our words."""
    try:
        yield
    except ColonnadeError:
        raise
    except Exception as error:  # noqa: BLE001 - a driver's exception never leaves this file
        raise explain(error, deadline) from None


def explain(error: Exception, deadline: Deadline) -> ColonnadeError:
    import pyodbc

    if isinstance(error, pyodbc.Error):
        return _explain_sql(*state_of(error), deadline)
    if isinstance(error, (ValueError, OverflowError, ArithmeticError, struct.error)):
        # A time of 24:00, a year beyond 9999, a text in another encoding: pyodbc cannot make a value of it.
        return SqlError(
            f"A value of the result cannot be read over ODBC: {' '.join(str(error).split())}.",
            hint="Select that column as text: cast(column as varchar(100)).",
        )
    return Internal(f"pyodbc failed with {type(error).__name__}.", hint="Report it with the log.")


def _explain_sql(state: str, words: str, deadline: Deadline) -> ColonnadeError:
    message = cleaned(words)
    if is_lost(state, words):
        return ConnectionLost(
            "The connection broke while the statement ran; nothing was changed.", hint="Send it again."
        )
    if state == "55P03" or (code_of(words) == 1222 and "[Microsoft]" in words):  # noqa: PLR2004 - SQL Server's for this
        return TimedOut(f"Another session kept a lock: {message}; nothing was changed.", hint="Try again later.")
    if state in ("HY008", "HY018", "57014", "HYT00", "HYT01") and (deadline.passed or state.startswith("HYT")):
        return deadline.error()
    if state in ("42501", "25006") or (state[:2] in ("42", "HY", "S0", "25") and FORBIDDEN.search(message)):
        return Denied(
            f"This connection only reads: {message}. Nothing was changed.",
            hint="Send a SELECT; for table structures use describe_tables.",
        )
    if state in ("HY106", "HYC00", "07006") or "not yet supported" in message:
        return SqlError(f"{message}.", hint="Select that column as text: cast(column as varchar(100)).")
    return SqlError(f"{message or 'The driver gave no reason'}.")


LOGIN: Final = re.compile(
    r"password authentication failed|no password supplied|access denied for user|login failed|authentication failed"
    r"|role .* does not exist|invalid (?:username|authorization)",
    re.IGNORECASE,
)
DATABASE: Final = re.compile(
    r"database .* does not exist|unknown database|cannot open database|to database '", re.IGNORECASE
)


def refusal(error: Exception, target: Target, seconds: float) -> ColonnadeError:
    """Map what a connection attempt raised: a driver's words may repeat what it was given, so none of them come out.

    Blocking: drivers that say only that they cannot connect are looked after with a socket.
    """
    import pyodbc

    if isinstance(error, OSError):
        return _unreachable(target, _why("", str(error), target, seconds))
    if not isinstance(error, pyodbc.Error):
        return Internal(f"pyodbc failed with {type(error).__name__}.", hint="Report it with the log.")
    state, words = state_of(error)
    if "Driver Manager" in words and (missing := _no_driver(state, words, target)):
        return missing
    if DATABASE.search(words):
        return Unreachable(f"Cannot reach {target}: there is no such database.", hint="Correct the database's name.")
    if state in ("28000", "28P01") or LOGIN.search(words):
        return AuthFailed(
            f"The server at {target} refused the login: wrong password, unknown user, or not allowed from here.",
            hint="Check `user` and `password`, and that this login may connect from here.",
        )
    return _unreachable(target, _why(state, words, target, seconds))


def _unreachable(target: Target, why: str) -> Unreachable:
    return Unreachable(
        f"Cannot reach {target}: {why}.",
        hint="Check host and port, and that the server runs and can be reached from here.",
    )


def _no_driver(state: str, words: str, target: Target) -> ColonnadeError | None:
    if state == "IM002" and target.dsn:
        return ConfigError(
            f"There is no ODBC data source named {target.dsn}.", hint="odbcinst -q -s lists them; correct `dsn`."
        )
    if state in ("IM002", "IM003", "IM004") or "Can't open lib" in words:
        return DriverMissing(
            f"The ODBC driver {target.driver or 'of this data source'} is not installed or cannot be loaded.",
            hint="odbcinst -q -d lists the installed ones; install it, or set `driver` to one of them or to its file.",
        )
    return None


HOSTLESS: Final = re.compile(r"translate host|unknown (?:server )?host|name or service not known|getaddrinfo")
UNTRUSTED: Final = re.compile(r"ssl|tls|certificate")


def _why(state: str, words: str, target: Target, seconds: float) -> str:
    said = words.lower()
    if "refused" in said:
        return "connection refused"
    if HOSTLESS.search(said):
        return "the host name is not known"
    if UNTRUSTED.search(said) and state != "HYT00":
        return "TLS: the server does not offer it, or its certificate was not accepted"
    late = f"no answer within {seconds:g} s"
    seen = _looked_after(target, late) if target.host and target.port else None
    return seen or (late if state.startswith("HYT") else f"the driver gave up with SQLSTATE {state}")


def _looked_after(target: Target, late: str) -> str | None:
    try:
        socket.create_connection((target.host, target.port), timeout=1).close()
    except ConnectionRefusedError:
        return "connection refused"
    except socket.gaierror:
        return "the host name is not known"
    except OSError:
        return late
    return None
