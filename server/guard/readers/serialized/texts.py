"""What has to be done to a text before the serializer takes it, its pieces as they are."""

import re
from typing import Final

from ...reading import Unread
from .parser import Node, Parser, Token

QUERY: Final = re.compile(
    rb"\s*\(*\s*(?:SELECT|WITH|FROM|VALUES|TABLE|PIVOT|PIVOT_WIDER|UNPIVOT|DESCRIBE|SHOW|SUMMARIZE|INSERT|UPDATE|DELETE)\b",
    re.IGNORECASE,
)

LETTERS: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_"


def check_ctes(parser: Parser, text: str) -> None:
    """Parse the queries of nested CTEs one by one, from the inside out.

    A syntax error within n nested CTEs takes the parser some 5**n times as long as one outside, minutes for a hundred
    characters. So each query is parsed with SELECT 1 in the place of those inside of it: the whole has then no error.
    """
    raw = text.encode()
    levels: list[bytes] = [b""]
    begins = 0
    bodies: list[bool] = []
    before = ""
    for start, word in parser.tokens(text):
        if word == "(":
            levels[-1] += raw[begins : start + 1]
            bodies.append(before in ("AS", "MATERIALIZED"))
            levels.append(b"")
            begins = start + 1
        elif word == ")":
            if not bodies:
                raise Unread('syntax error at or near ")"')
            inside = levels.pop() + raw[begins:start]
            if bodies.pop() and QUERY.match(inside):
                parser.kinds(inside.decode())
                inside = b"SELECT 1"
            levels[-1] += inside
            begins = start
        before = word
    if bodies:
        raise Unread("a parenthesis is never closed")
    parser.kinds((levels[0] + raw[begins:]).decode())


def explained(text: str, tokens: list[Token]) -> str:
    """Return what follows EXPLAIN and its options."""
    at = 1
    if tokens[at][1] == "ANALYZE":
        at += 1
    if tokens[at][1] == "(" and tokens[at + 1][1] in ("FORMAT", "ANALYZE"):
        while tokens[at][1] != ")":
            at += 1
        at += 1
    return text.encode()[tokens[at][0] :].decode()


def pivoted(parser: Parser, text: str, tokens: list[Token]) -> list[Node]:
    """Return the tree of a text whose PIVOT … ON … USING … is read as FROM … SELECT … , …, its pieces as they are."""
    changes: list[tuple[int, str]] = []
    levels: list[dict[str, int]] = [{}]
    before = ""
    for start, word in (*tokens, (-1, ")")):
        if word == "(":
            levels.append({})
        elif word == ")":
            changes += _changes(levels.pop() if len(levels) > 1 else levels[0])
        else:
            _pivot(levels[-1], start, word, before)
        before = word
    raw = text.encode()
    for start, new in sorted(changes, reverse=True):
        raw = raw[:start] + f" {new} ".encode() + raw[start:].lstrip(LETTERS)
    trees = parser.tree(raw.decode()) if changes else None
    if trees is None:
        raise Unread("this form of PIVOT is not understood; list its values: ON … IN (…)")
    return trees


def _pivot(level: dict[str, int], start: int, word: str, before: str) -> None:
    """Remember where the clauses of a PIVOT statement begin, which stands first in its parentheses or after a WITH."""
    if word in ("PIVOT", "PIVOT_WIDER") and before in ("", "(", ")"):
        level.setdefault("PIVOT", start)
    elif word == "ON" and "PIVOT" in level:
        level["ON"] = start
        level.pop("USING", None)  # that of a join
    elif word == "USING" and "ON" in level:
        level["USING"] = start


def _changes(level: dict[str, int]) -> list[tuple[int, str]]:
    if "ON" not in level:
        return []
    new = {"PIVOT": "FROM", "ON": "SELECT", "USING": ","}
    return [(start, new[word]) for word, start in level.items()]
