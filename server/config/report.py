"""The problems of a file as they are found, each with its line."""

from dataclasses import dataclass

from .document import At
from .lines import Lines
from .settings import Level, Problem


@dataclass(frozen=True, slots=True)
class Mistake:
    """A problem before anybody has looked up its line."""

    at: At
    what: str
    fix: str


class Report:
    """Collects problems; the same mistake, met from several connections, is told once."""

    def __init__(self, text: str, file: str) -> None:
        self._file = file
        self._lines = Lines(text)
        self._found: dict[tuple[int | None, str], Problem] = {}

    def error(self, at: At, what: str, fix: str) -> Problem:
        return self._add("error", at, what, fix)

    def warning(self, at: At, what: str, fix: str) -> Problem:
        return self._add("warning", at, what, fix)

    def line(self, at: At) -> int | None:
        return self._lines.of(at)

    def problems(self) -> tuple[Problem, ...]:
        """Return what was found, in the order of the file."""
        return tuple(sorted(self._found.values(), key=lambda problem: problem.line or 0))

    def _add(self, level: Level, at: At, what: str, fix: str) -> Problem:
        line = self._lines.of(at)
        known = self._found.get((line, what))
        if known is None or (known.level == "warning" and level == "error"):
            known = self._found[line, what] = Problem(self._file, line, what, fix, level)
        return known
