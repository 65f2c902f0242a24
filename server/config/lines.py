"""The line on which each setting of a document stands."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from .document import At

TOKEN: Final = re.compile(
    r'"""(?:[^"\\]|\\.|"(?!""))*"{3,5}|\'\'\'(?:[^\']|\'(?!\'\'))*\'{3,5}'
    r'|"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\'|\#[^\n]*|\n|[\[\]{},=.]|[^\s\[\]{},=."\'\#]+',
    re.DOTALL,
)


@dataclass(slots=True)
class _Open:
    """A list or an inline table that is not closed yet; `index` is None in a table."""

    at: At
    index: int | None


@dataclass(slots=True)
class Lines:
    """Where the settings of a document stand. Read in one pass over the text, when first asked."""

    text: str
    _found: dict[At, int] | None = None

    def of(self, at: At) -> int | None:
        """Return the line of a setting, or of the nearest table around it."""
        if self._found is None:
            self._found = _Scan().read(self.text)
        while at:
            if (line := self._found.get(at)) is not None:
                return line
            at = at[:-1]
        return None


@dataclass(slots=True)
class _Scan:
    """A pass over a text that is known to be TOML: it need not tell right from wrong."""

    found: dict[At, int] = field(default_factory=dict[At, int])
    lists: dict[At, int] = field(default_factory=dict[At, int])
    """Position of the last `[[…]]` of each name."""
    table: At = ()
    opened: list[_Open] = field(default_factory=list[_Open])
    names: list[str] = field(default_factory=list[str])
    """Parts of the name that was read last."""
    in_value: bool = False

    def read(self, text: str) -> dict[At, int]:
        line, header = 1, 0
        for word in _words(text):
            if header or (word == "[" and not (self.in_value or self.opened or self.names)):
                header = self._header(word, header, line)
            elif word == "\n":
                if not self.opened:
                    self.in_value, self.names = False, []
            elif not self.in_value:
                self._name(word, line)
            else:
                self._value(word, line)
            line += word.count("\n")
        return self.found

    def _header(self, word: str, brackets: int, line: int) -> int:
        """Read on in `[name]` or `[[name]]`; returns the number of brackets, 0 at its end."""
        if word == "\n":
            at: At = ()
            for name in self.names[:-1]:
                at = self._inside((*at, name))
            at = (*at, *self.names[-1:])
            if brackets > 1:
                self.lists[at] = self.lists.get(at, -1) + 1
            self.names, self.table = [], self._inside(at)
            self._mark(self.table, line)
            return 0
        if word not in ("[", "]", "."):
            self.names.append(_unquoted(word))
        return brackets + (word == "[")

    def _inside(self, at: At) -> At:
        return (*at, self.lists[at]) if at in self.lists else at

    def _name(self, word: str, line: int) -> None:
        if word == "=":
            self._mark((*self._base(), *self.names), line)
            self.in_value = True
        elif word == "}":
            self._close()
        elif word == ",":
            self.names = []
        elif word != ".":
            self.names.append(_unquoted(word))

    def _value(self, word: str, line: int) -> None:
        if word in ("[", "{"):
            at = (*self._base(), *self.names)
            self.opened.append(_Open(at, 0 if word == "[" else None))
            self.names, self.in_value = [], word == "["
        elif word in ("]", "}"):
            self._close()
        elif word == "," and self.opened:
            top = self.opened[-1]
            if top.index is None:
                self.names, self.in_value = [], False
            else:
                top.index += 1
        elif self.opened:
            self._mark((*self._base(), *self.names), line)

    def _base(self) -> At:
        if not self.opened:
            return self.table
        top = self.opened[-1]
        return top.at if top.index is None else (*top.at, top.index)

    def _close(self) -> None:
        self.opened.pop()
        self.names, self.in_value = [], True

    def _mark(self, at: At, line: int) -> None:
        while at and at not in self.found:
            self.found[at] = line
            at = at[:-1]


def _words(text: str) -> Iterator[str]:
    for match in TOKEN.finditer(text):
        if not match[0].startswith("#"):
            yield match[0]
    yield "\n"


def _unquoted(name: str) -> str:
    if name.startswith("'"):
        return name[1:-1]
    if name.startswith('"'):
        import tomllib

        return str(tomllib.loads(f"name = {name}")["name"])
    return name
