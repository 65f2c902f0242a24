"""The files that this process has open: each once, for as long as statements need it.

DuckDB keeps one instance of a file in a process and locks the file against writers elsewhere. So clients of one file
share the instance, and it is closed as soon as no statement has needed it for a while: a nightly load gets its turn.
"""

import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final
from weakref import WeakValueDictionary

from ...errors import ColonnadeError, Denied, Unreachable
from .options import DuckdbOptions

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

GUARDS: Final[dict[str, str | bool | int | float | list[str]]] = {
    "enable_external_access": False,
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "python_enable_replacements": False,
    "arrow_lossless_conversion": True,
    "lock_configuration": True,
}
PAUSE: Final = 0.02
"""Seconds between two looks at whether the one who waits has given up."""

_files: "WeakValueDictionary[str, File]" = WeakValueDictionary()
_files_lock = threading.Lock()


class GivenUp(Exception):
    """Nobody waits for the file any more."""


class File:
    """One file, opened when the first statement needs it. Every method may block and may be called from any thread."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._name = Path(path).name
        self._change = threading.Condition()
        self._instance: DuckDBPyConnection | None = None
        self._version: object = None
        self._used = 0
        self._uses = 0
        self._timer: threading.Timer | None = None
        self._patience = 0.0

    def enter(self, options: DuckdbOptions, given_up: threading.Event) -> "DuckDBPyConnection":
        """Return a connection of its own to what the file holds now; raises Unreachable, Denied or GivenUp.

        When the file was replaced or changed since it was opened, the statements that still read the old one end first.
        """
        with self._change:
            while self._instance is not None and self._version != self._version_now():
                if self._used == 0:
                    self._close()
                    break
                if given_up.is_set():
                    raise GivenUp
                self._change.wait(PAUSE)
            if self._instance is None:
                self._open(options)
            assert self._instance is not None  # noqa: S101 - opened above
            connection = self._instance.cursor()
            self._used += 1
            self._uses += 1
            return connection

    def leave(self, connection: "DuckDBPyConnection", idle_seconds: float, *, broken: bool = False) -> None:
        """Give a connection back; the last one closes the file, in a while. Never waits: see `enter`."""
        with suppress(Exception):
            connection.close()
        with self._change:
            self._used -= 1
            if broken:
                self._version = None
            if self._used == 0 and (self._timer is None or idle_seconds < self._patience):
                self._wait(idle_seconds)
            self._change.notify_all()

    def release(self) -> None:
        """Close the file unless somebody uses it."""
        with self._change:
            if self._used == 0:
                self._close()

    def _wait(self, seconds: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._patience = seconds
        self._timer = threading.Timer(seconds, self._close_if_unused, (self._uses, seconds))
        self._timer.daemon = True
        self._timer.start()

    def _close_if_unused(self, uses: int, seconds: float) -> None:
        with self._change:
            if self._timer is not threading.current_thread():
                return  # another one took its place
            self._timer = None
            if self._used or self._instance is None:
                return
            if self._uses == uses:
                self._close()
            else:
                self._wait(seconds)

    def _close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._instance is not None:
            with suppress(Exception):
                self._instance.close()
            self._instance = None

    def _version_now(self) -> object:
        try:
            found = Path(self._path).stat()
        except OSError:
            return ()
        return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns

    def _open(self, options: DuckdbOptions) -> None:
        import duckdb

        # DuckDB's own words for a missing file are no better, and a folder it would try to read.
        if not Path(self._path).is_file():
            raise Unreachable(f"There is no file {self._name} at the configured path.", hint="Correct `path`.")
        config = dict(GUARDS)
        config["temp_directory"] = options.temp_directory or ""
        config |= {} if options.memory_limit is None else {"memory_limit": options.memory_limit}
        config |= {} if options.threads is None else {"threads": options.threads}
        version = self._version_now()
        try:
            self._instance = duckdb.connect(self._path, read_only=True, config=config)
        except duckdb.Error as error:
            raise self._unreachable(error) from None
        self._version = version

    def _unreachable(self, error: Exception) -> ColonnadeError:
        said = str(error)
        if "Could not set lock" in said:
            process = said.partition("(PID ")[2].partition(")")[0]
            by = f"process {process}" if process.isdigit() else "another program"
            return Unreachable(
                f"The file {self._name} is locked: {by} has it open for writing.",
                hint="Try again when it has closed the file, or let it write a copy that then replaces this one.",
            )
        if "different configuration" in said:
            return Unreachable(
                f"The file {self._name} is open in this process with other settings.",
                hint="Give it the same path, memory_limit and threads wherever it is configured.",
            )
        if "Permission denied" in said:
            return Denied(f"This user may not read the file {self._name}.", hint="Change its permissions.")
        why = said.replace(self._path, self._name).partition("\n")[0].rstrip(".!")
        return Unreachable(
            f"The file {self._name} cannot be opened as a DuckDB database: {why}.",
            hint="Check the path, and that this version of DuckDB is not older than the one that wrote the file.",
        )


def file_at(path: str) -> File:
    """Return the one File of a path."""
    with _files_lock:
        file = _files.get(path)
        if file is None:
            file = _files[path] = File(path)
        return file
