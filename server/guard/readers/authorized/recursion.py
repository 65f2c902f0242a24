"""Recursions that never end, by their tokens."""

from typing import Final

from ...reading import Harmful
from .tokens import AFTER_SOURCES, COMPOUNDS, NO_NAMES, Token, level_of

CONSTANT: Final = frozenset({"TRUE", "FALSE"})

TOTALLING: Final = frozenset({"count", "sum", "avg", "min", "max", "total", "group_concat", "string_agg"})
"""Aggregates read everything before they return a row."""


def refuse_endless(tokens: list[Token], cte: str, opening: int, end: int) -> None:
    """Refuse a recursion in which nothing can leave a row out, unless what reads it stops by itself."""
    close = tokens[opening].match
    arms: list[list[int]] = [[]]
    for at in level_of(tokens, opening + 1, close):
        if tokens[at].word in COMPOUNDS:
            arms.append([])
        else:
            arms[-1].append(at)
    if any(_repeats(tokens, cte, arm) for arm in arms[1:]) and not _stops(tokens, close + 1, end):
        raise Harmful(
            f"the recursive query {cte} has no condition that ends it", "Add one to its second part: WHERE n < 100."
        )


def _repeats(tokens: list[Token], cte: str, arm: list[int]) -> bool:
    """Tell an arm that returns a row for each of the recursion's, whatever it holds."""
    words = [tokens[at].word for at in arm]
    if {"HAVING", "LIMIT", "ON", "USING", "NATURAL"} & set(words):
        return False
    froms = [at for at, word in enumerate(words) if word == "FROM" and words[at - 1] != "DISTINCT"]
    if not froms:
        return False
    ends = [at for at, word in enumerate(words) if at > froms[0] and word in AFTER_SOURCES]
    sources = arm[froms[0] : ends[0] if ends else len(arm)]
    if not any(tokens[at].name.lower() == cte for at in sources) or any(tokens[at].word == "(" for at in sources):
        return False
    wheres = [arm[at] for at in ends if words[at] == "WHERE"]
    return not (wheres and any(_varies(token) for token in tokens[wheres[0] + 1 : arm[-1] + 1]))


def _varies(token: Token) -> bool:
    if token.kind == "word":
        return token.word == "SELECT" or token.word not in NO_NAMES | CONSTANT
    return token.kind in ("quoted", "parameter")


def _stops(tokens: list[Token], start: int, end: int) -> bool:
    """Tell a query with a LIMIT that needs not read everything first."""
    level = list(level_of(tokens, start, end))
    words = [tokens[at].word for at in level]
    limits = [at for at in level if tokens[at].word == "LIMIT" and at + 1 < end and tokens[at + 1].word != "-"]
    totals = any(tokens[at].name.lower() in TOTALLING and at + 1 < end and tokens[at + 1].word == "(" for at in level)
    return bool(limits) and not totals and not {"ORDER", "GROUP", "DISTINCT"} & set(words)
