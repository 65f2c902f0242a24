"""What is looked at before any parser: characters, sizes, quotations and comments, as the dialect's lexer cuts them.

A parser is a large program that is fed by strangers; it gets only text that is short, shallow and one statement. What
was a comment is blanked, so that the parser and the database read the same, and positions stay right.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Final

from .dialects import Dialect, Lexis, Trap
from .reading import Harmful

LONGEST: Final = 50_000
"""Characters of a statement, at most."""
MOST_TOKENS: Final = 10_000
DEEPEST: Final = 60
"""Levels of parentheses, brackets, CASE and prefix operators."""
MOST_JOINS: Final = 8
"""Joins in one list that wait for their ON or USING; each may double the time of a parser."""
MOST_REPEATED: Final = 8
"""Times that one word may follow itself."""

UNSEEN: Final = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f"
    "\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb\U000e0000-\U000e007f\ud800-\udfff]"
)
"""Control, zero-width, direction-changing and tag characters, and halves of characters."""

ODD_BLANK: Final = re.compile("[\x85\xa0\u1680\u2000-\u200a\u202f\u205f\u3000]")
BLANKS: Final = re.compile(r"[ \t\n\r]*+")
NO_PLAIN_BLANK: Final = "a blank that is not a plain one stands outside of quotations"
EVERYWHERE: Final = (Trap(r"[0-9][A-Za-z0-9_.]*+['\"]", "a number touches a quotation", "Put a blank between them."),)
NESTING: Final = re.compile(r"/\*|\*/")

WITHOUT_ON: Final = frozenset(("CROSS", "NATURAL", "POSITIONAL"))
PREFIXES: Final = frozenset(
    ("NOT", "-", "+", "~", "!", "@", "BINARY", "PRIOR", "CONNECT_BY_ROOT", "INTERVAL", "EXISTS", "LATERAL")
)
"""What a parser may read by calling itself once more."""
FIRST: Final = frozenset(
    [
        "SELECT",
        "WITH",
        "VALUES",
        "TABLE",
        "FROM",
        "SHOW",
        "EXPLAIN",
        "DESC",
        "DESCRIBE",
        "ANALYZE",
        "PRAGMA",
        "SUMMARIZE",
        "PIVOT",
        "UNPIVOT",
    ]
)
"""Words that may begin a statement; what follows decides."""
BEFORE_OPERAND: Final = frozenset(
    (
        "WHEN",
        "THEN",
        "ELSE",
        "CASE",
        "AND",
        "OR",
        "NOT",
        "IN",
        "IS",
        "LIKE",
        "BETWEEN",
        "SELECT",
        ".",
        "(",
        ",",
        "[",
        "",
    )
)
"""After these, END is a name and ends no CASE."""


def prepared(text: str, dialect: Dialect) -> str:
    """Return the text as it may be parsed and run, of equal length; raises Harmful with the reason."""
    if len(text) > LONGEST:
        raise Harmful(
            f"the statement has {len(text):,} characters; {LONGEST:,} is the most",
            "Shorten it: join a table instead of listing values.",
        )
    if hidden := UNSEEN.search(text):
        name = "a NUL character" if hidden.group() == "\0" else f"the unseen character U+{ord(hidden.group()):04X}"
        raise Harmful(f"the statement holds {name}, at character {hidden.start() + 1}", "Remove it.")
    blanked: list[tuple[int, int]] = []
    state = _State(dialect, _watched(dialect))
    for kind, start, end in tokens(text, dialect.lexis):
        if kind == "comment":
            blanked.append((start, end))
        elif kind == "end":
            blanked.append((start, end))
            state.ended = state.begun
        else:
            state.take(kind, "'" if kind == "quoted" else text[start:end].upper(), start)
    if not state.begun:
        raise Harmful("the statement is empty", "Send one SQL statement.")
    state.finish()
    return _blanked(text, blanked) if blanked else text


def _blanked(text: str, places: list[tuple[int, int]]) -> str:
    out: list[str] = []
    at = 0
    for start, end in places:
        out += text[at:start], "".join("\n" if character == "\n" else " " for character in text[start:end])
        at = end
    return "".join((*out, text[at:]))


@cache
def _watched(dialect: Dialect) -> frozenset[str]:
    """Return the words and signs that are more than a token among others."""
    return frozenset((*dialect.starters, *PREFIXES, *"()[]{}", "INTO", "CASE", "END", "JOIN", "ON", "USING"))


@dataclass(slots=True)
class _State:
    """What the tokens so far amount to."""

    dialect: Dialect
    watched: frozenset[str]
    begun: bool = False
    ended: bool = False
    tokens: int = 0
    before: str = ""
    """The last word or sign, upper case; a quotation is `'`."""
    earlier: str = ""
    opened: list[str] = field(default_factory=list[str])
    prefixes: int = 0
    repeated: int = 0
    joins: list[int] = field(default_factory=lambda: [0])
    starter: str = ""
    """A word that begins a statement, unless the next word is one of its companions."""

    def take(self, kind: str, word: str, start: int) -> None:
        """Take the next token, in upper case; a quotation is `'`."""
        if self.ended:
            raise Harmful(
                f"the call holds more than one statement: a second begins at character {start + 1}",
                "Send one statement a call.",
            )
        self.tokens += 1
        if self.tokens > MOST_TOKENS:
            raise Harmful(
                f"the statement has more than {MOST_TOKENS:,} words and signs",
                "Shorten it: join a table instead of listing values.",
            )
        if self.starter and word not in self.dialect.starters[self.starter]:
            self.finish()
        self.starter = ""
        if not self.begun:
            self.begun = True
            if kind == "word" and word not in FIRST:
                raise Harmful(f"{word[:40]} does not begin a statement that reads", "Send a SELECT.")
        if word in self.watched:
            self._watch(word)
        elif self.prefixes:
            self.prefixes = 0
        if word == self.before and kind == "word":
            self.repeated += 1
            if self.repeated > MOST_REPEATED:
                raise Harmful(f"the word {word[:40]} follows itself too often", "Write it once.")
        else:
            self.repeated = 0
        self.earlier, self.before = self.before, word

    def _watch(self, word: str) -> None:
        if self.before != ".":
            if word in self.dialect.starters:
                self.starter = word
            if word == "INTO" and not self.dialect.into:
                raise Harmful("INTO writes somewhere", "Select the rows; they are returned.")
        self.prefixes = self.prefixes + 1 if word in PREFIXES else 0
        self._nests(word)
        if len(self.opened) > DEEPEST or self.prefixes > DEEPEST:
            raise Harmful(
                f"the statement is nested more than {DEEPEST} levels deep", "Flatten it, with CTEs for instance."
            )

    def finish(self) -> None:
        """Refuse a word that can only begin another statement."""
        if self.starter:
            raise Harmful(
                f"{self.starter} begins a second statement here, no semicolon needed",
                f"Leave it away; quote it if {self.starter.lower()} is a name.",
            )

    def _nests(self, word: str) -> None:
        if word in {"(", "[", "{"}:
            self.opened.append(word)
            self.joins.append(0)
        elif word in {")", "]", "}"}:
            while self.opened and self.opened.pop() == "CASE":
                pass
            self.joins = self.joins[:-1] or [0]
        elif word == "CASE" and self.before != ".":
            self.opened.append(word)
        elif word == "END" and self.opened[-1:] == ["CASE"] and self.before not in BEFORE_OPERAND:
            self.opened.pop()
        elif word == "JOIN" and self.before not in WITHOUT_ON and self.earlier not in WITHOUT_ON:
            self.joins[-1] += 1
            if self.joins[-1] > MOST_JOINS:
                raise Harmful("there are too many joins without ON or USING", "Put ON after each JOIN.")
        elif word in {"ON", "USING"}:
            self.joins[-1] = max(0, self.joins[-1] - 1)


def tokens(text: str, lexis: Lexis) -> Iterator[tuple[str, int, int]]:
    """Cut text into comment, quoted, word, sign and end; blanks between them are left out."""
    pattern, traps = _pattern(lexis)
    at, length = 0, len(text)
    while at < length:
        token = pattern.match(text, at)
        if token is None:  # a quotation or a comment that nothing closes
            at = BLANKS.match(text, at).end()  # pyright: ignore[reportOptionalMemberAccess] - it matches nothing, too
            raise Harmful(f"the {text[at : at + 2].strip()} at character {at + 1} is never closed", "Close it.")
        kind = token.lastgroup
        if kind is None:
            return
        at, end = token.span(kind)
        if kind.startswith("trap"):
            trap = traps[int(kind[4:])]
            raise Harmful(f"{trap.reason}, at character {at + 1}", trap.hint)
        if kind == "block":
            kind, end = "comment", _block(text, at, lexis)
        elif kind == "line":
            kind = "comment"
            if end < length and text[end] == "\r" and text[end + 1 : end + 2] != "\n":
                raise Harmful(
                    f"the comment at character {at + 1} ends with a carriage return alone, which not all read alike",
                    "End lines with a newline.",
                )
        elif kind == "quoted" and lexis.unsure and re.search(r"\\['\"`]", token.group(kind)):
            raise Harmful(
                f"a backslash stands before a quote in the text at character {at + 1}, which this engine may escape",
                "Write the text without it, or with CHR().",
            )
        elif kind == "word" and not (word := token.group(kind)).isascii() and ODD_BLANK.search(word):
            raise Harmful(f"{NO_PLAIN_BLANK}, at character {at + 1}", "Write plain blanks.")
        yield kind, at, end
        at = end


def _block(text: str, start: int, lexis: Lexis) -> int:
    """Return where the comment that begins at `start` ends."""
    level = 0
    for mark in NESTING.finditer(text, start):
        if mark.group() == "/*":
            if level and lexis.nested is None:
                raise Harmful("a comment stands inside a comment, which versions read differently", "Remove it.")
            level += 1 if lexis.nested or not level else 0
        else:
            level -= 1
            if not level:
                return mark.end()
    raise Harmful(f"the /* at character {start + 1} is never closed", "Close it.")


@cache
def _pattern(lexis: Lexis) -> tuple[re.Pattern[str], tuple[Trap, ...]]:
    """Write a dialect's lexer as one pattern; whatever it does not match is a quotation left open."""
    quoted: list[str] = []
    if lexis.escape_prefix:
        quoted.append(r"[eE]'(?:[^'\\]++|\\.|'')*+'")
    if lexis.q_quotes:
        quoted.append(r"[nN]?[qQ]'(?:\[.*?\]|\{.*?\}|\(.*?\)|<.*?>|(?P<q>[^\s\[{(<]).*?(?P=q))'")
    for quote in lexis.quotes:
        inside = rf"[^{quote}\\]++|\\.|{quote}{quote}" if quote in lexis.escapes else rf"[^{quote}]++|{quote}{quote}"
        quoted.append(rf"{quote}(?:{inside})*+{quote}")
    if lexis.brackets:
        quoted.append(r"\[(?:[^\]]++|\]\])*+\]" if lexis.brackets == "doubled" else r"\[[^\]]*+\]")
    if lexis.dollars:
        tag = r"(?:[A-Za-z_\x80-\U0010ffff][A-Za-z0-9_\x80-\U0010ffff]*+)?" if lexis.dollars == "tagged" else ""
        quoted.append(rf"(?P<dollar>\${tag}\$).*?(?P=dollar)")
    opening = lexis.quotes + ("[" if lexis.brackets else "")
    lines = "|".join(map(re.escape, lexis.line_comments))
    parts = [
        *(rf"(?P<trap{place}>{trap.pattern})" for place, trap in enumerate((*lexis.traps, *EVERYWHERE))),
        rf"(?P<line>(?:{lines})[^\n\r]*+)",
        r"(?P<block>/\*)",
        rf"(?P<quoted>{'|'.join(quoted)})",
        rf"(?P<word>[A-Za-z_\x80-\U0010ffff{lexis.begins}][A-Za-z0-9_$\x80-\U0010ffff{lexis.goes_on}]*+|[0-9][A-Za-z0-9_.]*+)",
        r"(?P<end>;)",
        r"(?P<sign>\$[0-9]+|" + (r"\$(?!\$)|" if lexis.dollars == "plain" else "") + rf"[^{re.escape(opening)}])",
    ]
    return re.compile(rf"[ \t\n\r]*+(?:{'|'.join(parts)}|\Z)", re.DOTALL), (*lexis.traps, *EVERYWHERE)
