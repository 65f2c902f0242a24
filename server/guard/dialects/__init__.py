"""What the guard has to know of each dialect, as data: one file a dialect, one list of functions a dialect.

These files alone name engines; the guard's code reads their facts.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from importlib import import_module
from importlib.resources import files
from typing import Final, Literal

NAMES: Final = ("postgres", "mysql", "tsql", "oracle", "snowflake", "sqlite", "duckdb")
GENERIC: Final = "generic"


FILES: Final = re.compile(
    r"[/\\*?:]|\.(?:csv|tsv|txt|parquet|json|jsonl|ndjson|gz|zst|xlsx?|arrow|feather|avro|orc|db|sqlite3?|duckdb|ddb|xml"
    r"|shp|gpkg|geojson|yaml)$",
    re.IGNORECASE,
)
"""A path, or a name that ends like a file's."""


@dataclass(frozen=True, slots=True)
class Trap:
    """What the dialect reads otherwise than it looks, so that it is refused where a token begins."""

    pattern: str
    reason: str
    hint: str


@dataclass(frozen=True, slots=True)
class Lexis:
    """How the dialect's lexer cuts text: where a quotation or a comment ends decides what is code."""

    quotes: str = "'\""
    """Characters that open and close a quotation; doubled inside, one stands for itself."""
    escapes: str = ""
    """The quotes inside of which a backslash takes the meaning of the next character."""
    unsure: bool = False
    """A backslash before a quote may escape or not (an unknown engine): such a text is refused."""
    escape_prefix: bool = False
    """E'…' has backslash escapes."""
    brackets: Literal["", "doubled", "plain"] = ""
    """[name] is a quotation, in which ]] stands for ], or which ends at the first ]."""
    dollars: Literal["", "plain", "tagged"] = ""
    """$$…$$ is a text, and $tag$…$tag$ too."""
    q_quotes: bool = False
    """q'[…]' is a text."""
    line_comments: tuple[str, ...] = ("--",)
    nested: bool | None = False
    """Block comments nest; None where versions differ, so that one inside another is refused."""
    begins: str = ""
    """Signs that begin a word besides letters, as in a class of a pattern."""
    goes_on: str = ""
    """Signs that go on with a word besides letters, digits and $."""
    traps: tuple[Trap, ...] = ()


@dataclass(frozen=True, eq=False)
class Dialect:
    """One dialect: how it is cut, who reads it, and what in it is harmless."""

    name: str
    reader: str = "sqlglot"
    """The module below `readers` that reads it."""
    instead: str = ""
    """The module that reads all of it where the library of `reader` is not installed."""
    parser: str = ""
    """What the reader's library calls the dialect."""
    lexis: Lexis = Lexis()
    folds: Literal["lower", "upper", "none"] = "lower"
    """How names without quotes are folded."""

    system_schemas: frozenset[str] = frozenset()
    """Schemas whose functions are the engine's own, so that they are looked up without the schema."""
    methods: frozenset[str] = frozenset()
    """Functions that are called on a value: x.method(…)."""
    dotted_calls: bool = False
    """x.f(…) is f(x, …): what stands before the dot is a value, not a schema."""
    argless: frozenset[str] = frozenset()
    """Functions that only read as long as they get no argument."""
    overlooked: re.Pattern[str] | None = None
    """Words that change nothing the rules look at, and that the parser does not know."""
    flow: str = ""
    """The sign between statements of which each reads the rows of the one before."""
    generators: frozenset[str] = frozenset()
    """Functions that make as much as their argument says."""
    attribute_calls: re.Pattern[str] | None = None
    """Names that, written like a column of something, call a function that must not run."""
    bare_calls: bool = False
    """A function without arguments is called without parentheses, so that a qualified column may be one."""

    secrets: frozenset[str] = frozenset()
    """Relations that hold credentials, lower case, by their last name or with their schema."""
    files: re.Pattern[str] | None = None
    """What tells that the name of a relation is the path of a file or a URL."""
    at_sign: bool = False
    """An @ in the name of a relation leads out of the database: a link, a stage, a variable."""
    most_parts: int = 3
    """Parts of a relation's name; one more leads to another server."""

    starters: Mapping[str, frozenset[str]] = field(default_factory=dict[str, frozenset[str]])
    """Reserved words that begin a statement even without a semicolon before them, and the words before which they do
    not; upper case."""
    into: bool = False
    """INTO stands also in statements that only read."""
    assigns: bool = False
    """A variable is assigned within a SELECT."""
    table_hints: frozenset[str] = frozenset()
    """Hints on a table that take no lock, upper case."""

    explain: re.Pattern[str] | None = None
    """The words of EXPLAIN before the statement that is explained; None without an EXPLAIN that only reads."""
    show: re.Pattern[str] | None = None
    """Whole statements that show something harmless."""
    describe: re.Pattern[str] | None = None
    """Whole statements that describe a table; the group `relation` holds its name where that may be a file."""
    describes: re.Pattern[str] | None = None
    """The words before a query whose result is described."""
    recursion: Literal["keyword", "columns", "always"] = "keyword"
    """When a CTE sees itself: after RECURSIVE, with a list of columns, always."""
    pragmas: frozenset[str] = frozenset()
    """Pragmas that read when they have no argument."""
    pragmas_of: frozenset[str] = frozenset()
    """Pragmas that read with an argument in parentheses."""

    listed: str = field(default="")
    """The file of functions, if it is not named like the dialect."""

    @cached_property
    def functions(self) -> frozenset[str]:
        """Names of functions that only compute, lower case, with the schema where it is no system schema."""
        text = files(__name__).joinpath("functions", f"{self.listed or self.name}.txt").read_text("utf-8")
        return frozenset(line for each in text.splitlines() if (line := each.partition("#")[0].strip()))


@cache
def of(name: str) -> Dialect:
    """Return a dialect; an engine without one gets the generic, strictest rules."""
    found: Dialect = import_module(f".{name if name in NAMES else GENERIC}", __package__).DIALECT
    return found
