"""Where the configuration comes from."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from .settings import Problem, Unreadable

FILE: Final = "colonnade.toml"

LARGEST: Final = 4 * 1024 * 1024
"""Bytes of a file, at most."""

URL_VARIABLES: Final = ("DB_URL", "DATABASE_URL")

ONE_URL: Final = """\
[[domain]]
name = "default"

[[domain.connection]]
name = "db"
url = "${{{variable}}}"
"""

Stamp = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Source:
    """A file, or a text that is ready, with its name."""

    path: Path | None = None
    text: str | None = None
    name: str = "the embedded configuration"
    demo: bool = False

    @property
    def where(self) -> str:
        """The name that people see."""
        return self.name if self.path is None else str(self.path)

    def stamp(self) -> Stamp | None:
        """Return what changes when the file does; None without one. A ready text never changes."""
        if self.path is None:
            return (0, 0, 0)
        try:
            status = self.path.stat()
        except (OSError, ValueError):
            return None
        return (status.st_mtime_ns, status.st_size, status.st_ino)

    def read(self) -> str:
        """Return the text; raises Unreadable with what is wrong and what to do."""
        if self.path is None:
            return self.text or ""
        try:
            with self.path.open("rb") as file:
                content = file.read(LARGEST + 1)
        except (OSError, ValueError) as error:
            raise self._unreadable(*_reason(error)) from None
        if len(content) > LARGEST:
            raise self._unreadable(f"larger than {LARGEST >> 20} MB", "Check that it is the configuration.")
        try:
            return content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = content.count(b"\n", 0, error.start) + 1
            raise self._unreadable("not UTF-8 text", "Save the file as UTF-8.", line) from None

    def _unreadable(self, what: str, fix: str, line: int | None = None) -> Unreadable:
        return Unreadable(Problem(self.where, line, what, fix, "error"))


def find(explicit: Path | None, environ: Mapping[str, str]) -> Source | None:
    """Return the first source there is: `--config`, COLONNADE_CONFIG, the user's file, DB_URL, DATABASE_URL."""
    if explicit is not None:
        return _file(os.fspath(explicit))
    if named := environ.get("COLONNADE_CONFIG"):
        return _file(named)
    path = _folder(environ) / FILE
    if _exists(path):
        return _file(os.fspath(path))
    for variable in URL_VARIABLES:
        if environ.get(variable):
            return Source(name=variable, text=ONE_URL.format(variable=variable))
    return None


def _file(path: str) -> Source:
    return Source(Path(os.path.expanduser(path)))  # noqa: PTH111 - Path.expanduser raises without a home


def _folder(environ: Mapping[str, str]) -> Path:
    """Return the user's configuration folder."""
    if home := environ.get("COLONNADE_HOME"):
        return Path(os.path.expanduser(home))  # noqa: PTH111 - as above
    from platformdirs import user_config_path

    return user_config_path("colonnade", appauthor=False)


def _exists(path: Path) -> bool:
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True  # it is there and cannot be read: that is told, and nothing else is served in its place
    return True


def _reason(error: OSError | ValueError) -> tuple[str, str]:
    match error:
        case FileNotFoundError() | NotADirectoryError():
            return "there is no such file", "Check the path, or leave it out to serve the demo."
        case IsADirectoryError():
            return "this is a folder", f"Give the file in it, for example {FILE}."
        case PermissionError():
            return "the file may not be read", "Let the user that runs the server read it."
        case _:
            return f"the file cannot be read: {type(error).__name__}", "Check the path and the disk."
