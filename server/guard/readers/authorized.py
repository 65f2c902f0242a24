"""The engine's own grammar and authorizer, asked without a schema: a statement is compiled, and never run.

A connection to nothing knows no tables, and columns that nobody knows cannot be made up. So the text is put where
the grammar takes a query and nothing else, and the authorizer, which is asked before any name is looked up, denies:
the text is a query when it got as far as that. What it calls and reads is told by its tokens, cut as the engine cuts
them: a name before a parenthesis is a call, one after FROM, JOIN, IN or a comma between them is a table.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib import import_module
from threading import Lock
from typing import Any, Final, Protocol, cast

from ..dialects import Dialect
from ..reading import Called, Harmful, Reader, Reading, Relation, Unread

QUERY: Final = "EXPLAIN SELECT EXISTS (\n{}\n)"
PRAGMA: Final = "EXPLAIN {}"
SEND_A_SELECT: Final = "Send a SELECT; for table structures use describe_tables."

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
WRITES: Final = frozenset({"INSERT", "UPDATE", "DELETE", "REPLACE"})
CONSTANT: Final = frozenset({"TRUE", "FALSE"})
TOTALLING: Final = frozenset({"count", "sum", "avg", "min", "max", "total", "group_concat", "string_agg"})
"""Aggregates read everything before they return a row."""

ABOUT_ALL: Final = frozenset(
    {
        "application_id",
        "auto_vacuum",
        "cache_size",
        "collation_list",
        "compile_options",
        "data_version",
        "database_list",
    }
    | {"encoding", "foreign_key_check", "foreign_keys", "freelist_count", "function_list", "integrity_check"}
    | {"journal_mode", "max_page_count", "module_list", "page_count", "page_size", "pragma_list", "query_only"}
    | {"quick_check", "recursive_triggers", "schema_version", "synchronous", "table_list", "user_version"}
)
"""Pragmas that tell something when they are given no value."""
ABOUT_ONE: Final = frozenset(
    {
        "foreign_key_check",
        "foreign_key_list",
        "index_info",
        "index_list",
        "index_xinfo",
        "integrity_check",
        "quick_check",
    }
    | {"table_info", "table_list", "table_xinfo"}
)
"""Pragmas that tell something of what they are given: a table, an index, a number of messages."""

DENY: Final = 1
READS: Final = 21
ABOUT: Final = 19
"""Numbers of the library's interface: its authorizer's no, and the actions of a query and of a PRAGMA."""

HUGE: Final = 10**30
WHOLE: Final = re.compile(r"\s*[+-]?(\d+)")
WIDTH: Final = re.compile(r"%[^%a-zA-Z]*?(\d{4,})")
"""A width or a precision within a format."""


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


class Connection(Protocol):
    """What is used of the library's connection."""

    def execute(self, sql: str) -> object: ...
    def set_authorizer(self, callback: Callable[..., int]) -> None: ...


class Compiler:
    """A connection to an empty database in memory, behind an authorizer that denies everything."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._lock = Lock()
        self._connection: Connection | None = None
        self._asked: list[tuple[int, str | None, str | None]] = []
        self.orders_arguments = self.groups_digits = False
        """Younger libraries take ORDER BY within a call, and _ within a number; the older get the text without them."""

    def asks(self, text: str) -> tuple[int, str | None, str | None]:
        """Return the first action that the text asks for, with what for; Unread when it does not come to that."""
        with self._lock:
            if self._connection is None:
                self._open()
            return self._compiled(text)

    def _open(self) -> None:
        library: Any = import_module(self._dialect.parser)
        connection = cast(
            "Connection",
            library.connect(":memory:", isolation_level=None, check_same_thread=False, cached_statements=0),
        )
        connection.set_authorizer(self._deny)
        self._connection = connection
        self.orders_arguments = self._takes("SELECT max(1 ORDER BY 1)")
        self.groups_digits = self._takes("SELECT 1_0")

    def _takes(self, query: str) -> bool:
        try:
            return self._compiled(QUERY.format(query))[0] == READS
        except Unread:
            return False

    def _deny(self, action: int, first: str | None, second: str | None, *_: object) -> int:
        self._asked.append((action, first, second))
        return DENY

    def _compiled(self, text: str) -> tuple[int, str | None, str | None]:
        self._asked.clear()
        try:
            cast("Connection", self._connection).execute(text)
        except Exception as error:  # noqa: BLE001 - of the library, which is named in the dialect's data only
            if self._asked:
                return self._asked[0]
            raise Unread(str(error)[:160]) from None
        raise Unread("it asks for nothing")


def reader(dialect: Dialect) -> Reader:
    """Read with the dialect's own library, connected when the first statement comes."""
    compiler = Compiler(dialect)

    def read(text: str) -> Reading:
        try:
            return _read(compiler, text)
        except (Harmful, Unread):
            raise
        except Exception as error:  # noqa: BLE001 - whatever went wrong, the text was not read
            raise Unread(f"its parser fails with {type(error).__name__}") from None

    return read


def _read(compiler: Compiler, text: str) -> Reading:
    tokens = _tokens(text)
    kind = "select"
    if tokens[0].word == "EXPLAIN":
        tokens = tokens[3:] if [token.word for token in tokens[1:3]] == ["QUERY", "PLAN"] else tokens[1:]
        kind = "explain"
    first = tokens[0].word if tokens else ""
    if first == "PRAGMA" and kind == "select":
        return _pragma(compiler, text[tokens[0].start : _end(tokens)])
    if first not in QUERIES:
        raise Harmful(f"{first or 'this'} is not a read statement", SEND_A_SELECT)
    _pair(tokens)
    for write in _level(tokens, 0, len(tokens)):
        if tokens[write].word in WRITES and tokens[write + 1 : write + 2] and _is_write(tokens, write):
            raise Harmful(f"{tokens[write].word} is not a read statement", SEND_A_SELECT)
    scan = Scan(tokens)
    scan.run()
    if compiler.asks(QUERY.format(_compilable(compiler, text, tokens, scan)))[0] != READS:
        raise Unread("it asks for something else than to read")
    return Reading(kind, tuple(scan.functions), scan.told(), tuple(sorted(scan.columns)))


def _tokens(text: str) -> list[Token]:
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


def _end(tokens: list[Token]) -> int:
    return tokens[-1].start + len(tokens[-1].text)


def _pair(tokens: list[Token]) -> None:
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


def _level(tokens: list[Token], start: int, end: int) -> Iterator[int]:
    """Return the positions between two that stand in no further parentheses; an opening one stands for its content."""
    at = start
    while at < end:
        yield at
        at = tokens[at].match + 1 if tokens[at].match > at else at + 1


def _is_write(tokens: list[Token], position: int) -> bool:
    """Tell the verb of a statement after WITH from a column or function of the name."""
    before, after = tokens[position - 1].word, tokens[position + 1]
    return before == ")" and (
        after.word in ("INTO", "OR", "FROM") or (tokens[position].word == "UPDATE" and bool(after.name))
    )


def _pragma(compiler: Compiler, text: str) -> Reading:
    action, name, about = compiler.asks(PRAGMA.format(text))
    if action != ABOUT or (name or "").lower() not in (ABOUT_ALL if about is None else ABOUT_ONE):
        raise Harmful(
            "this PRAGMA is not known to only read", "Read a pragma by its name alone, or use describe_tables."
        )
    return Reading("pragma", relations=() if about is None or about.isdigit() else (_relation((about,)),))


def _compilable(compiler: Compiler, text: str, tokens: list[Token], scan: "Scan") -> str:
    """Return the statement without what only younger libraries take, all of which the scan has seen."""
    start = tokens[0].start
    pieces = text[start : _end(tokens)]
    if not compiler.orders_arguments:
        for opening in scan.calls:
            close = tokens[opening].match
            for at in _level(tokens, opening + 1, close):
                if tokens[at].word == "ORDER":
                    begin, end = tokens[at].start - start, tokens[close].start - start
                    pieces = pieces[:begin] + " " * (end - begin) + pieces[end:]
    if not compiler.groups_digits:
        for token in tokens:
            if token.kind == "number" and "_" in token.text and re.fullmatch(r"\d+(_\d+)+", token.text):
                begin, end = token.start - start, token.start - start + len(token.text)
                pieces = pieces[:begin] + token.text.replace("_", "").ljust(end - begin) + pieces[end:]
    return pieces


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
            _refuse_endless(self.tokens, cte, at, end)
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


def _relation(parts: tuple[str, ...]) -> Relation:
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


def _refuse_endless(tokens: list[Token], cte: str, opening: int, end: int) -> None:
    """Refuse a recursion in which nothing can leave a row out, unless what reads it stops by itself."""
    close = tokens[opening].match
    arms: list[list[int]] = [[]]
    for at in _level(tokens, opening + 1, close):
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
    level = list(_level(tokens, start, end))
    words = [tokens[at].word for at in level]
    limits = [at for at in level if tokens[at].word == "LIMIT" and at + 1 < end and tokens[at + 1].word != "-"]
    totals = any(tokens[at].name.lower() in TOTALLING and at + 1 < end and tokens[at + 1].word == "(" for at in level)
    return bool(limits) and not totals and not {"ORDER", "GROUP", "DISTINCT"} & set(words)
