"""The engine's own parser, through its own serializer of statements: a text comes back as a tree and is never run.

The serializer takes what reads: SELECT in all its forms, VALUES, FROM, set operations, SHOW, DESCRIBE and SUMMARIZE.
It does not take EXPLAIN, which is peeled off, nor a PIVOT that finds its columns itself, which is read as the SELECT of
the same expressions. What else it does not take is no read.
"""

import re
from typing import Final

from ...dialects import Dialect
from ...reading import Called as Called
from ...reading import Harmful, Reader, Reading, Unread
from ...reading import Relation as Relation
from .parser import Node, Parser
from .texts import check_ctes, explained, pivoted
from .walk import SEND_A_SELECT, Walk, no_read, relation_of

ABOUT_ALL: Final = frozenset(
    {"version", "database_list", "show_tables", "show_tables_expanded", "show_databases", "database_size", "functions"}
    | {"collations", "platform", "user_agent"}
)

ABOUT_ONE: Final = frozenset({"table_info", "storage_info", "show"})

PRAGMA: Final = re.compile(
    r"\s*PRAGMA\s+(?P<name>\w+)\s*(?:\(\s*(?P<about>'[^']*'|\"[^\"]*\"|\w+(?:\.\w+)*)\s*\)\s*)?;?\s*", re.IGNORECASE
)

WITH: Final = re.compile(r"\bWITH\b", re.IGNORECASE)

FEW_CTES: Final = 2

LONG: Final = 4_000


def reader(dialect: Dialect) -> Reader:
    """Read with the dialect's own library, imported when the first statement comes."""
    parser = Parser(dialect)

    def read(text: str) -> Reading:
        try:
            return _read(parser, text)
        except (Harmful, Unread):
            raise
        except RecursionError:
            raise Unread("it is nested too deeply") from None
        except Exception as error:  # noqa: BLE001 - whatever the library raises, the text was not read
            raise Unread(f"its parser fails with {type(error).__name__}") from None

    return read


def _read(parser: Parser, text: str) -> Reading:
    ctes = len(WITH.findall(text))
    if ctes > FEW_CTES or (ctes and len(text) > LONG):
        check_ctes(parser, text)
    trees = parser.tree(text)
    if trees is not None:
        return _walked(trees)
    kinds = parser.kinds(text)
    if len(kinds) != 1:
        raise _several(len(kinds))
    if kinds[0] == "PRAGMA":
        return _pragma(text)
    if kinds[0] not in ("EXPLAIN", "MULTI"):
        raise no_read(kinds[0])
    tokens = parser.tokens(text)
    if tokens[0][1] != "EXPLAIN":
        return _walked(pivoted(parser, text, tokens))
    rest = explained(text, tokens)
    trees = parser.tree(rest)
    if trees is None:
        kinds = parser.kinds(rest)
        if kinds != ["MULTI"]:
            raise no_read(f"EXPLAIN of {' and '.join(kinds)}")
        trees = pivoted(parser, rest, parser.tokens(rest))
    inside = _walked(trees)
    return Reading("explain", inside.functions, inside.relations, inside.columns)


def _several(count: int) -> Harmful:
    return Harmful(
        f"the call holds {count} statements" if count else "the text holds no statement", "Send one statement a call."
    )


def _pragma(text: str) -> Reading:
    found = PRAGMA.fullmatch(text)
    name = found["name"].lower() if found else ""
    about = found["about"] if found else None
    if name not in (ABOUT_ALL if about is None else ABOUT_ONE):
        raise Harmful("this PRAGMA is not known to only read", SEND_A_SELECT)
    if about is None:
        return Reading("pragma")
    return Reading("pragma", relations=(relation_of(about.strip("'\"").split(".")),))


def _walked(trees: list[Node]) -> Reading:
    if len(trees) != 1:
        raise _several(len(trees))
    root: Node = trees[0]["node"]
    walk = Walk()
    walk.visit(root, frozenset())
    source: Node = root.get("from_table") or {}
    kind = "select"
    if source.get("type") == "SHOW_REF":
        kind = "show" if str(source.get("show_type")).startswith("SHOW") else "describe"
    return Reading(kind, tuple(walk.functions), tuple(walk.relations), tuple(sorted(walk.columns)))
