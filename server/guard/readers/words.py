"""What is judged by its words, whatever parses the rest: SHOW, DESCRIBE, PRAGMA, and the words of EXPLAIN."""

import re
from collections.abc import Callable
from typing import Final

from ..dialects import Dialect
from ..lexical import tokens
from ..reading import Harmful, Reader, Reading, Relation

PRAGMA: Final = re.compile(
    r"\s*PRAGMA\s+(?:\w+\s*\.\s*)?(\w+)\s*(?:\(\s*('[^']*'|\"[^\"]*\"|\w+)\s*\))?\s*", re.IGNORECASE
)
PART: Final = re.compile(r"\"[^\"]*\"|'[^']*'|[^.]+")
BY_WORDS: Final = ("PRAGMA", "SHOW", "DESC", "EXPLAIN", "SUMMARIZE")


def in_words(query: Reader, dialect: Dialect) -> Reader:
    """Return a reader of everything, given one of queries."""

    def read(text: str) -> Reading:
        if dialect.flow and dialect.flow in text and len(parts := _parts(text, dialect)) > 1:
            return _together([one(part) for part in parts])
        return one(text)

    def one(text: str) -> Reading:
        return _whole(text, dialect, query) or _prefixed(text, dialect, query)

    return read


def _parts(text: str, dialect: Dialect) -> list[str]:
    """Cut a chain of statements, each of which reads what the one before gave."""
    cuts = [0]
    signs = [at for kind, at, _ in tokens(text, dialect.lexis) if kind == "sign"]
    for at in signs:
        if text.startswith(dialect.flow, at):
            cuts += [at, at + len(dialect.flow)]
    cuts.append(len(text))
    return [text[cuts[place] : cuts[place + 1]] for place in range(0, len(cuts), 2)]


def _together(readings: list[Reading]) -> Reading:
    return Reading(
        readings[-1].kind,
        tuple(called for reading in readings for called in reading.functions),
        tuple(relation for reading in readings for relation in reading.relations),
        tuple(sorted({column for reading in readings for column in reading.columns})),
    )


def _whole(text: str, dialect: Dialect, query: Reader) -> Reading | None:
    word = text.lstrip()[:9].upper()
    if not word.startswith(BY_WORDS):
        return None
    if word.startswith("PRAGMA"):
        found = PRAGMA.fullmatch(text)
        if found is None or found[1].lower() not in (dialect.pragmas_of if found[2] else dialect.pragmas):
            raise Harmful("this PRAGMA may change the database", "Ask for the schema with describe_tables.")
        return Reading("pragma")
    if dialect.show is not None and (shown := dialect.show.fullmatch(text)) is not None:
        where = shown.groupdict().get("where")
        return Reading("show") if where is None else _of_kind("show", query, "SELECT 1 FROM shown WHERE " + where)  # noqa: S608 - never run
    if dialect.describe is not None and (described := dialect.describe.fullmatch(text)) is not None:
        name = described.groupdict().get("relation") or ""
        parts = tuple(part.strip("\"'") for part in PART.findall(name))
        return Reading("describe", relations=(Relation(parts, name.strip("\"'") != name),) if parts else ())
    if word.startswith("SHOW"):
        raise Harmful("this SHOW is not known as one that only reads", "Ask the catalog with a SELECT.")
    if word.startswith("EXPLAIN") and dialect.explain is None:
        raise Harmful("there is no EXPLAIN here that only reads", "Send the query itself.")
    return None


def _prefixed(text: str, dialect: Dialect, query: Reader) -> Reading:
    """Read a query, or the one that EXPLAIN explains or DESCRIBE describes: it is judged like any other."""
    for kind, words in (("explain", dialect.explain), ("describe", dialect.describes)):
        if words is not None and (prefix := words.match(text)) is not None:
            return _of_kind(kind, query, text[prefix.end() :])
    return query(text)


def _of_kind(kind: str, query: Callable[[str], Reading], text: str) -> Reading:
    reading = query(text)
    return Reading(kind, reading.functions, reading.relations, reading.columns)
