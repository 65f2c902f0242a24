"""Why a host cannot be reached, in the same words for every engine."""

from errno import ECONNREFUSED
from socket import gaierror


def reason(error: OSError, seconds: float) -> str:
    """Say what the operating system said; `seconds` is how long an answer was waited for."""
    if isinstance(error, TimeoutError):
        return f"no answer within {seconds:g} s"
    if isinstance(error, gaierror):
        return "the host name is not known"
    if isinstance(error, FileNotFoundError):
        return "no server listens on this socket"
    # Several addresses of one name come as one OSError without a number.
    if isinstance(error, ConnectionRefusedError) or f"[Errno {ECONNREFUSED}]" in str(error):
        return "connection refused"
    if isinstance(error, ConnectionError):
        return "the server closed the connection"
    return error.strerror or type(error).__name__
