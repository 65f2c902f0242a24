"""The reader for dialects whose own parser no library carries: sqlglot's tree, walked once."""

import logging

import sqlglot
from sqlglot import exp
from sqlglot.errors import ParseError, SqlglotError

from ...dialects import Dialect
from ...lexical import tokens
from ...reading import Harmful, Reader, Reading, Unread
from ..words import in_words
from .walk import REASONS, Walk, spelled

ROOTS = frozenset(("Select", "Union", "Except", "Intersect", "Subquery", "Values", "Pivot"))

logging.getLogger("sqlglot").setLevel(logging.CRITICAL)  # what it falls back to is refused here, with a reason


def reader(dialect: Dialect) -> Reader:
    """Return the reader of a dialect."""
    known = sqlglot.Dialect.get_or_raise(dialect.parser or None)

    def parse(text: str) -> exp.Expr:
        try:
            trees = known.parse(text)
        except ParseError as error:
            raise Unread(_where(error)) from None
        except SqlglotError as error:
            raise Unread(str(error).splitlines()[0][:120]) from None
        found = [tree for tree in trees if tree is not None]
        if len(found) != 1:
            raise Harmful("the call holds more than one statement", "Send one statement a call.")
        return found[0]

    def query(text: str) -> Reading:
        text = _without_overlooked(text, dialect)
        root = parse(text)
        name = type(root).__name__
        if name not in ROOTS:
            reason, hint = REASONS.get(name, (f"{spelled(name)} is not a statement that reads", "Send a SELECT."))
            raise Harmful(reason, hint)
        return Walk(text, dialect).read("select", root)

    return in_words(query, dialect)


def _where(error: ParseError) -> str:
    first = error.errors[0] if error.errors else {}
    near = str(first.get("highlight") or "")[:40]
    said = str(first.get("description") or "its syntax is not known").rstrip(".")[:120]
    return f'{said}, near "{near}"' if near else said


def _without_overlooked(text: str, dialect: Dialect) -> str:
    """Blank, for the parser alone, harmless words that it does not know."""
    if dialect.overlooked is None or dialect.overlooked.search(text) is None:
        return text
    out: list[str] = []
    at = 0
    quoted = [(start, end) for kind, start, end in tokens(text, dialect.lexis) if kind == "quoted"]
    for start, end in (*quoted, (len(text), len(text))):
        out.append(dialect.overlooked.sub(lambda found: " " * len(found.group()), text[at:start]))
        out.append(text[start:end])
        at = end
    return "".join(out)
