"""What a reader tells of a statement, in no engine's words: the rules ask nothing else."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Called:
    """A call of a function."""

    name: str
    """Lower case, without quotes."""
    schema: str = ""
    """What qualifies it, lower case, dots kept; empty without one."""
    size: int | None = None
    """The largest whole number written among its arguments, if any."""


@dataclass(frozen=True, slots=True)
class Relation:
    """A source of rows that is neither a function nor a CTE of the statement."""

    parts: tuple[str, ...]
    """Its name as the dialect folds it, schema first."""
    quoted: bool = False


@dataclass(frozen=True, slots=True)
class Reading:
    """One statement that reads, as its dialect's parser understands it."""

    kind: str
    """`select` (also VALUES, TABLE and set operations), `show`, `explain`, `describe` or `pragma`."""
    functions: tuple[Called, ...] = ()
    relations: tuple[Relation, ...] = ()
    columns: tuple[str, ...] = ()
    """Names of columns that stand anywhere, lower case."""


class Harmful(Exception):
    """The statement holds what never passes: the reason, and what to do next."""

    def __init__(self, reason: str, hint: str = "") -> None:
        super().__init__(reason, hint)


class Unread(Exception):
    """The reader cannot read the text: where and why, short."""


Reader = Callable[[str], Reading]
"""Reads the judged text, comments blanked; raises Harmful or Unread."""
