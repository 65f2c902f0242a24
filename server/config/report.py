"""The problems of a file as they are found, each with its line."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final, NamedTuple

from ..keys import INVISIBLE
from ..nearest import nearest
from .document import At
from .settings import Level, Problem

if TYPE_CHECKING:
    from .lines import Lines


LONGEST: Final = 400
"""Characters of a problem's text, at most."""


class Mistake(NamedTuple):
    """A problem before anybody has looked up its line."""

    at: At
    what: str
    fix: str


def unknown(name: str, known: Iterable[str], at: At) -> Mistake:
    """Return the mistake of a setting that does not exist, with the nearest that does."""
    names = list(dict.fromkeys(known))
    near = nearest(name, names, 1)
    fix = f'Did you mean "{near[0]}"?' if near else f"Known here: {', '.join(names) or 'nothing'}."
    return Mistake(at, f'unknown setting "{name}"', fix)


def _printable(text: str) -> str:
    """Keep names out of the file from doing more than being read: they may hold anything."""
    text = INVISIBLE.sub("\ufffd", text)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


class Report:
    """Collects problems; the same mistake, met from several connections, is told once."""

    def __init__(self, text: str, file: str) -> None:
        self._file = file
        self._text = text
        self._lines: Lines | None = None
        self._found: dict[tuple[int | None, str], Problem] = {}

    def error(self, at: At, what: str, fix: str) -> Problem:
        return self._add("error", at, what, fix)

    def warning(self, at: At, what: str, fix: str) -> Problem:
        return self._add("warning", at, what, fix)

    def line(self, at: At) -> int | None:
        """Return the line of a setting, or of the nearest table around it."""
        if self._lines is None:
            from .lines import Lines

            self._lines = Lines(self._text)
        return self._lines.of(at)

    def problems(self) -> tuple[Problem, ...]:
        """Return what was found, in the order of the file."""
        return tuple(sorted(self._found.values(), key=lambda problem: problem.line or 0))

    def _add(self, level: Level, at: At, what: str, fix: str) -> Problem:
        line, what, fix = self.line(at), _printable(what), _printable(fix)
        known = self._found.get((line, what))
        if known is None or (known.level == "warning" and level == "error"):
            known = self._found[line, what] = Problem(self._file, line, what, fix, level)
        return known
