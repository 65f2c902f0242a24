"""`${NAME}` and `${NAME:-default}` in the strings of a parsed file; `$${` writes a literal `${`."""

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import quote

from .document import At, Table, is_list, is_table
from .report import Mistake

VARIABLE: Final = re.compile(r"\$\$\{|\$\{(?:([A-Za-z_]\w*)(?::-([^}]*))?\})?", re.ASCII)

DEEPEST: Final = 16
"""Lists and tables in one another, at most: an option of an engine needs two or three."""


class Interpolation:
    """Fills in the variables of a table, and keeps what was missing."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.mistakes: list[Mistake] = []
        self._environ = environ

    def table(self, table: Table, at: At = ()) -> Table:
        """Return the table with its strings filled in; a string that cannot be stays as written."""
        return {
            name: value if isinstance(value, str) and "${" not in value else self._value(value, (*at, name))
            for name, value in table.items()
        }

    def _value(self, value: object, at: At) -> object:
        if isinstance(value, str):
            return self._text(value, at) if "${" in value else value
        if not (is_table(value) or is_list(value)):
            return value
        if len(at) > DEEPEST:
            self.mistakes.append(Mistake(at[:1], f"`{at[0]}` is nested too deeply", "Write it flat."))
            return None
        if is_table(value):
            return self.table(value, at)
        return [self._value(item, (*at, position)) for position, item in enumerate(value)]

    def _text(self, text: str, at: At) -> str:
        mistakes: list[Mistake] = []
        start, end = _userinfo(text) if at == ("url",) else (0, 0)

        def filled(match: re.Match[str]) -> str:
            if match[0] == "$${":
                return "${"
            value, (what, fix) = self._variable(match[1], match[2])
            if value is None:
                mistakes.append(Mistake(at, what, fix))
                return match[0]
            return quote(value, safe="") if start <= match.start() < end else value

        result = VARIABLE.sub(filled, text)
        self.mistakes += mistakes
        return text if mistakes else result

    def _variable(self, name: str | None, default: str | None) -> tuple[str | None, tuple[str, str]]:
        """Return the value of a variable, or None with what is wrong and what to do."""
        if name is None:
            return None, ("`${` begins no variable", "Write ${NAME} or ${NAME:-default}; $${ stands for a literal ${.")
        value = self._environ.get(name)
        if default is not None and not value:  # as in a shell, `:-` also stands in for an empty variable
            value = default
        if value is None:
            return None, (
                f"environment variable {name} is not set",
                f"Set {name} where the server starts, or write ${{{name}:-default}}.",
            )
        try:
            value.encode()
        except UnicodeEncodeError:
            return None, (f"environment variable {name} is not UTF-8 text", f"Set {name} again, as UTF-8.")
        return value, ("", "")


def has_variable(text: str) -> bool:
    """Tell whether a string takes anything from the environment."""
    return any(match[1] for match in VARIABLE.finditer(text))


def _userinfo(url: str) -> tuple[int, int]:
    """Return where user and password stand in a URL: what is put there is percent-encoded."""
    plain = VARIABLE.sub(lambda match: "x" * len(match[0]), url)
    start = plain.find("://") + 3
    if start < 3:  # noqa: PLR2004 - not found: a variable may be the whole URL
        return 0, 0
    authority = re.split(r"[/?#]", plain[start:], maxsplit=1)[0]
    return start, start + max(authority.rfind("@"), 0)
