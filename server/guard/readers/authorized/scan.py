"""What a statement calls and reads, in one pass over its tokens."""

import re
from dataclasses import dataclass, field
from typing import Final, cast

from ...reading import Called, Relation
from .recursion import refuse_endless
from .tokens import AFTER_CALL, AFTER_SOURCES, BETWEEN, NO_NAMES, NO_OPERANDS, QUERIES, Token

HUGE: Final = 10**30

WHOLE: Final = re.compile(r"\s*[+-]?(\d+)")

WIDTH: Final = re.compile(r"%[^%a-zA-Z]*?(\d{4,})")
"""A width or a precision within a format."""


@dataclass(slots=True)
class Frame:
    """What stands between two parentheses."""

    opening: int
    above: "Frame | None" = None
    call: str = ""
    schema: str = ""
    sources: bool = False
    """Inside of a FROM clause."""
    expects: bool = False
    """The next name is that of a table."""
    casts: bool = False
    types: bool = False
    ctes: set[str] = field(default_factory=set[str])
    largest: int = 0
    value: int = 0
    """The number before, that an operator may make larger."""
    operator: str = ""

    def number(self, value: int) -> None:
        """Take a number that stands here, with the operator before it."""
        match self.operator:
            case "" | ",":
                pass
            case "*":
                value *= max(self.value, 1)
            case "+" | "||":
                value += self.value
            case "<<":
                value = max(self.value, 1) << min(value, 100)
            case _:
                pass
        self.value = min(value, HUGE)
        self.largest = max(self.largest, self.value)
        self.operator = ""

    def has(self, cte: str) -> bool:
        return cte in self.ctes or (self.above is not None and self.above.has(cte))


class Scan:
    """One pass over the tokens."""

    def __init__(self, tokens: list[Token]) -> None:
        self.tokens = tokens
        self.functions: dict[Called, None] = {}
        self.columns: set[str] = set()
        self.calls: list[int] = []
        """The opening parentheses of calls."""
        self._returning = ("", "")
        """The function that returns a table, before its parenthesis."""
        self._relations: list[tuple[tuple[str, ...], bool, Frame]] = []

    def told(self) -> tuple[Relation, ...]:
        """Return the tables, each once; what a CTE of theirs is called is none."""
        found = dict.fromkeys(
            Relation(parts, quoted)
            for parts, quoted, frame in self._relations
            if len(parts) != 1 or not frame.has(parts[0].lower())
        )
        return tuple(found)

    def run(self) -> None:
        frame, at = Frame(-1), 0
        while at < len(self.tokens):
            token = self.tokens[at]
            if token.word == "(":
                frame = self._opened(at, frame)
            elif token.word == ")":
                frame = self._closed(frame)
            elif frame.expects and token.name:
                at = self._source(at, frame)
                continue
            else:
                self._inside(at, token, frame)
            at += 1

    def _word(self, at: int) -> str:
        return self.tokens[at].word if 0 <= at < len(self.tokens) else ""

    def _opened(self, at: int, above: Frame) -> Frame:
        frame = Frame(at, above)
        cte = self._cte(at)
        if self._returning[0]:
            frame.call, frame.schema = self._returning
            self._returning = ("", "")
        elif cte:
            above.ctes.add(cte)
            end = self.tokens[above.opening].match if above.above else len(self.tokens)
            refuse_endless(self.tokens, cte, at, end)
        elif above.expects:
            # A join in parentheses, or a query.
            above.expects = False
            frame.sources = frame.expects = self._word(at + 1) not in QUERIES
        else:
            self._call(at, frame)
        return frame

    def _closed(self, frame: Frame) -> Frame:
        above = cast("Frame", frame.above)
        if frame.call:
            self.functions[Called(frame.call, frame.schema, frame.largest or None)] = None
        above.number(frame.largest)
        return above

    def _cte(self, at: int) -> str:
        """Return the name of the CTE whose query the parenthesis opens; a window has no query."""
        if not self._begins_query(at):
            return ""
        at -= 1
        if self._word(at) == "MATERIALIZED":
            at -= 2 if self._word(at - 1) == "NOT" else 1
        if self._word(at) != "AS":
            return ""
        at -= 1
        if self._word(at) == ")":
            closing = at
            at = next(position for position in range(at) if self.tokens[position].match == closing) - 1
        return self.tokens[at].name.lower() if at >= 0 else ""

    def _call(self, at: int, frame: Frame) -> None:
        """Take the name before the parenthesis for a function's, where it can be one."""
        before = self.tokens[at - 1] if at else None
        if before is None or before.kind not in ("word", "quoted"):
            return
        word = before.word
        if word == "CAST":
            frame.casts = True
        elif not (
            word in NO_NAMES
            or (word == "BY" and self._word(at - 2) in ("ORDER", "GROUP", "PARTITION"))
            or (word in AFTER_CALL and self._word(at - 2) == ")")
            or (word in BETWEEN and self._is_operand(at - 2))
            or cast("Frame", frame.above).types
            or self._names_columns(at)
        ):
            frame.call = before.name.lower()
            self.calls.append(at)

    def _is_operand(self, at: int) -> bool:
        token = self.tokens[at] if at >= 0 else None
        if token is None or token.word in NO_OPERANDS:
            return False
        return token.word == ")" or token.kind != "sign"

    def _names_columns(self, at: int) -> bool:
        """Tell the list of a CTE's columns, which AS and a query follow."""
        at = self.tokens[at].match + 1
        if self._word(at) != "AS":
            return False
        at += 1 + (self._word(at + 1) == "NOT")
        return self._begins_query(at + (self._word(at) == "MATERIALIZED"))

    def _begins_query(self, at: int) -> bool:
        """Tell a parenthesis with a query from one with a window, which may be called WITH."""
        if self._word(at) != "(" or self._word(at + 1) not in QUERIES:
            return False
        return self._word(at + 1) != "WITH" or self._word(at + 2) == "RECURSIVE" or self._word(at + 3) in ("AS", "(")

    def _source(self, at: int, frame: Frame) -> int:
        """Take the name of a table or of a function that returns one; return the position behind it."""
        frame.expects = False
        named = [self.tokens[at]]
        while self._word(at + 1) == "." and at + 2 < len(self.tokens) and self.tokens[at + 2].name:
            at += 2
            named.append(self.tokens[at])
        parts = tuple(token.name for token in named)
        if self._word(at + 1) == "(":
            self._returning = (parts[-1].lower(), ".".join(parts[:-1]).lower())
            return at + 1
        self._relations.append((parts, any(token.kind != "word" for token in named), frame))
        if parts[-1].lower().startswith("pragma_"):
            self.functions[Called(parts[-1].lower(), ".".join(parts[:-1]).lower())] = None
        return at + 1

    def _inside(self, at: int, token: Token, frame: Frame) -> None:
        match token.kind:
            case "number":
                frame.number(_number(token.text))
            case "text":
                if found := WHOLE.fullmatch(token.text[1:-1]) or WIDTH.search(token.text):
                    frame.number(min(int(found[1]), HUGE))
            case "sign":
                frame.operator = token.word
                frame.value = 0 if token.word == "," else frame.value
                frame.expects = frame.expects or (token.word == "," and frame.sources)
            case "word" | "quoted":
                frame.value = 0
                self._named(at, token, frame)
            case _:
                pass

    def _named(self, at: int, token: Token, frame: Frame) -> None:
        match token.word:
            case "FROM" if self._word(at - 1) != "DISTINCT":
                frame.sources = frame.expects = True
            case "JOIN" if frame.sources:
                frame.expects = True
            case "IN":
                frame.expects = self._word(at + 1) != "("
            case "AS" if frame.casts:
                frame.types = True
            case word if word in AFTER_SOURCES and (word != "WINDOW" or self._word(at + 2) == "AS"):
                frame.sources = False
            case word if word not in NO_NAMES and self._word(at + 1) != "(":
                self.columns.add(token.name.lower())
            case _:
                pass


def relation_of(parts: tuple[str, ...]) -> Relation:
    return Relation(parts, quoted=not all(part.isidentifier() for part in parts))


def _number(text: str) -> int:
    if text.isdecimal() and len(text) < 30:  # noqa: PLR2004 - fewer digits than HUGE has
        return int(text)
    text = text.replace("_", "")
    if text[:2] in ("0x", "0X"):
        return min(int(text[2:] or "0", 16), HUGE)
    mantissa, _, exponent = text.lower().partition("e")
    if int(exponent or 0) > len(str(HUGE)):
        return HUGE
    return min(int(float(mantissa) * 10.0 ** int(exponent or 0)), HUGE)
