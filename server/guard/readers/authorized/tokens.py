"""Tokens, cut as the engine cuts them, and which of its words are names."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from ...reading import Harmful, Unread

TOKEN: Final = re.compile(
    r"""
    (?P<space>     [ \t\n\f\r]+ | --[^\n]* | /\*.*?\*/ )
  | (?P<text>      [xX]?'(?:[^']|'')*' )
  | (?P<quoted>    "(?:[^"]|"")*" | `(?:[^`]|``)*` | \[[^\]]*\] )
  | (?P<number>    0[xX][\da-fA-F_]+ | (?:\d[\d_]*(?:\.[\d_]*)?|\.\d[\d_]*)(?:[eE][+-]?\d[\d_]*)? )
  | (?P<parameter> \?\d* | [:@$\#][\w$\x80-\U0010ffff]+ )
  | (?P<word>      [A-Za-z_\x80-\U0010ffff][\w$\x80-\U0010ffff]* )
  | (?P<sign>      ->>? | \|\| | <[=<>]? | >[=>]? | ==? | != | [-+*/%&|~(),.;] )
    """,
    re.VERBOSE | re.DOTALL | re.ASCII,
)

NO_NAMES: Final = frozenset(
    {
        "ALL",
        "AND",
        "AS",
        "BETWEEN",
        "CASE",
        "COLLATE",
        "DISTINCT",
        "ELSE",
        "ESCAPE",
        "EXCEPT",
        "EXISTS",
        "FROM",
        "GROUP",
    }
    | {"HAVING", "IN", "INDEXED", "INTERSECT", "IS", "ISNULL", "JOIN", "LIMIT", "NOT", "NOTNULL", "NULL", "ON", "OR"}
    | {"ORDER", "SELECT", "THEN", "UNION", "USING", "VALUES", "WHEN", "WHERE", "RETURNING"}
)
"""Reserved words: a parenthesis behind one is not that of a call."""

BETWEEN: Final = frozenset({"LIKE", "GLOB", "REGEXP", "MATCH", "OFFSET", "ROWS", "RANGE", "GROUPS"})
"""Names, except behind an operand."""

NO_OPERANDS: Final = (NO_NAMES | BETWEEN | {"BY"}) - {"NOT"}  # a NOT LIKE (b)

AFTER_CALL: Final = frozenset({"OVER", "FILTER"})
"""Names, except behind the parenthesis of a call."""

COMPOUNDS: Final = frozenset({"UNION", "EXCEPT", "INTERSECT"})

AFTER_SOURCES: Final = COMPOUNDS | {"WHERE", "GROUP", "HAVING", "ORDER", "LIMIT", "WINDOW", "SELECT", "VALUES"}

QUERIES: Final = frozenset({"SELECT", "VALUES", "WITH"})


@dataclass(slots=True)
class Token:
    kind: str
    text: str
    start: int
    word: str = ""
    """In upper case, when it is a word or a sign."""
    match: int = -1
    """Of an opening parenthesis: where it closes."""

    @property
    def name(self) -> str:
        """What it names; empty when it is nothing that names."""
        if self.kind == "word":
            return self.text
        if self.kind == "quoted" or (self.kind == "text" and self.text[0] == "'"):
            close = self.text[-1]
            inside = self.text[1:-1]
            return inside if close == "]" else inside.replace(close * 2, close)
        return ""


def cut(text: str) -> list[Token]:
    """Cut the one statement of the text."""
    found: list[Token] = []
    at, ended = 0, False
    while at < len(text):
        match = TOKEN.match(text, at)
        if match is None:
            raise Unread(f'unrecognized token: "{text[at : at + 10]}"')
        kind, piece, at = str(match.lastgroup), match.group(), match.end()
        if kind == "space":
            continue
        if kind == "parameter" and text[at : at + 1] in ("(", ":"):
            raise Unread(f'parameter with a suffix: "{piece[:20]}"')
        if piece == ";":
            ended = bool(found)
            continue
        if ended:
            raise Harmful("the call holds more than one statement", "Send one statement a call.")
        found.append(Token(kind, piece, match.start(), piece.upper() if kind in ("word", "sign") else ""))
        if kind == "number" and text[at : at + 1].isalnum():
            raise Unread(f'unrecognized token: "{piece[:20]}{text[at]}"')
    if not found:
        raise Harmful("the text holds no statement", "Send one statement a call.")
    return found


def end_of(tokens: list[Token]) -> int:
    return tokens[-1].start + len(tokens[-1].text)


def pair(tokens: list[Token]) -> None:
    opened: list[Token] = []
    for position, token in enumerate(tokens):
        if token.word == "(":
            opened.append(token)
        elif token.word == ")":
            if not opened:
                raise Unread('near ")": syntax error')
            opened.pop().match = position
    if opened:
        raise Unread("a parenthesis is never closed")


def level_of(tokens: list[Token], start: int, end: int) -> Iterator[int]:
    """Return the positions between two that stand in no further parentheses; an opening one stands for its content."""
    at = start
    while at < end:
        yield at
        at = tokens[at].match + 1 if tokens[at].match > at else at + 1
