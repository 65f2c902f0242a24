"""The engine's own parser, through its own serializer of statements: a text comes back as a tree and is never run.

The serializer takes what reads: SELECT in all its forms, VALUES, FROM, set operations, SHOW, DESCRIBE and SUMMARIZE.
It does not take EXPLAIN, which is peeled off, nor a PIVOT that finds its columns itself, which is read as the SELECT of
the same expressions. What else it does not take is no read.
"""

import json
import re
from collections.abc import Callable, Iterable
from decimal import Decimal
from importlib import import_module
from threading import Lock
from typing import Any, Final, Protocol, cast

from ..dialects import Dialect
from ..reading import Called, Harmful, Reader, Reading, Relation, Unread

Node = dict[str, Any]
Token = tuple[int, str]

SETTINGS: Final[dict[str, str | int | bool]] = {
    "enable_external_access": False,
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "python_enable_replacements": False,
    "threads": 1,
    "memory_limit": "256MB",
    "max_temp_directory_size": "0B",
}
LOCKING: Final = (
    "PRAGMA disable_optimizer",  # it would work on our own call
    # The tree comes as JSON, whose reader stops at about 900 levels; an expression has three levels a step.
    "SET max_expression_depth = 200",
    "SET lock_configuration = true",
)
SERIALIZE: Final = "SELECT json_serialize_sql(?, skip_default := true)"
NO_SELECT: Final = "Only SELECT statements can be serialized"
TOO_DEEP: Final = "Max expression depth"
SEND_A_SELECT: Final = "Send a SELECT; for table structures use describe_tables."

HARMLESS: Final = frozenset(
    {"SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "CTE_NODE"}
    # sources of rows
    | {"BASE_TABLE", "EMPTY", "EXPRESSION_LIST", "JOIN", "PIVOT", "SHOW_REF", "SUBQUERY", "TABLE_FUNCTION"}
    # modifiers, and the direction of an order
    | {"DISTINCT_MODIFIER", "LIMIT_MODIFIER", "LIMIT_PERCENT_MODIFIER", "ORDER_MODIFIER"}
    | {"ORDER_DEFAULT", "ASCENDING", "DESCENDING"}
    # expressions
    | {"FUNCTION", "COLUMN_REF", "VALUE_CONSTANT", "VALUE_DEFAULT", "VALUE_PARAMETER", "POSITIONAL_REFERENCE", "STAR"}
    | {"LAMBDA", "LAMBDA_REF", "TYPE", "CASE_EXPR", "COLLATE", "OPERATOR_CAST", "CONJUNCTION_AND", "CONJUNCTION_OR"}
    | {"COMPARE_EQUAL", "COMPARE_NOTEQUAL", "COMPARE_LESSTHAN", "COMPARE_GREATERTHAN", "COMPARE_LESSTHANOREQUALTO"}
    | {"COMPARE_GREATERTHANOREQUALTO", "COMPARE_DISTINCT_FROM", "COMPARE_NOT_DISTINCT_FROM", "COMPARE_BETWEEN"}
    | {"COMPARE_NOT_BETWEEN", "COMPARE_IN", "COMPARE_NOT_IN", "OPERATOR_NOT", "OPERATOR_IS_NULL"}
    | {"OPERATOR_IS_NOT_NULL", "OPERATOR_COALESCE", "OPERATOR_NULLIF", "OPERATOR_TRY", "OPERATOR_UNPACK"}
    | {"GROUPING_FUNCTION", "ARRAY_CONSTRUCTOR", "ARRAY_EXTRACT", "ARRAY_SLICE", "STRUCT_EXTRACT"}
    | {"WINDOW_AGGREGATE", "WINDOW_CUME_DIST", "WINDOW_FILL", "WINDOW_FIRST_VALUE", "WINDOW_LAG", "WINDOW_LAST_VALUE"}
    | {"WINDOW_LEAD", "WINDOW_NTH_VALUE", "WINDOW_NTILE", "WINDOW_PERCENT_RANK", "WINDOW_RANK", "WINDOW_RANK_DENSE"}
    | {"WINDOW_ROW_NUMBER"}
)
CLASSES: Final = frozenset(
    {
        "FUNCTION",
        "COLUMN_REF",
        "CONSTANT",
        "DEFAULT",
        "PARAMETER",
        "POSITIONAL_REFERENCE",
        "STAR",
        "LAMBDA",
        "LAMBDA_REF",
    }
    | {"TYPE", "CASE", "COLLATE", "CAST", "CONJUNCTION", "COMPARISON", "BETWEEN", "OPERATOR", "SUBQUERY", "WINDOW"}
)
SEEN_ALREADY: Final = frozenset({"cte_map", "qualified_name", "column_names"})
"""Parts of a node that hold names only, or are visited first."""
SHOWN: Final = frozenset({"tables", "databases", "schemas", "variables", "__show_tables_expanded"})
ABOUT_ALL: Final = frozenset(
    {"version", "database_list", "show_tables", "show_tables_expanded", "show_databases", "database_size", "functions"}
    | {"collations", "platform", "user_agent"}
)
ABOUT_ONE: Final = frozenset({"table_info", "storage_info", "show"})
PRAGMA: Final = re.compile(
    r"\s*PRAGMA\s+(?P<name>\w+)\s*(?:\(\s*(?P<about>'[^']*'|\"[^\"]*\"|\w+(?:\.\w+)*)\s*\)\s*)?;?\s*", re.IGNORECASE
)
CREDENTIAL: Final = re.compile(r"secret|password|token|credential|access_key", re.IGNORECASE)

FILE: Final = re.compile(
    r"\.(?:csv|tsv|txt|parquet|parq|json|jsonl|ndjson|geojson|xlsx?|avro|arrows?|orc|feather|ipc|vortex|lance|shp|gpkg|fgb"
    r"|gz|zst|bz2|xz|zip)",
    re.IGNORECASE,
)
"""Names that are read as files: also without quotes, where schema.table spells a file's name."""
WITH: Final = re.compile(r"\bWITH\b", re.IGNORECASE)
FEW_CTES: Final = 2
LONG: Final = 4_000
QUERY: Final = re.compile(
    rb"\s*\(*\s*(?:SELECT|WITH|FROM|VALUES|TABLE|PIVOT|PIVOT_WIDER|UNPIVOT|DESCRIBE|SHOW|SUMMARIZE|INSERT|UPDATE|DELETE)\b",
    re.IGNORECASE,
)
LETTERS: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_"
WORD: Final = re.compile(r"\w+")
PLAIN: Final = re.compile(r"[^\W\d][\w$]*")
WHOLE: Final = re.compile(r"[+-]?\d[\d_]{0,40}")
HUGE: Final = 10**30
MULTIPLYING: Final[dict[str, Callable[[int, int], int]]] = {
    "*": lambda one, other: max(one, 1) * max(other, 1),
    "+": lambda one, other: one + other,
    "**": lambda one, other: max(one, 2) ** min(other, 100),
    "^": lambda one, other: max(one, 2) ** min(other, 100),
    "<<": lambda one, other: max(one, 1) << min(other, 100),
}
TOTALLING: Final = frozenset(
    {"count", "count_star", "sum", "avg", "min", "max", "list", "array_agg", "string_agg", "last", "any_value"}
)
"""Aggregates read everything before they return a row."""
EXPANDING: Final = frozenset({"unnest", "unlist", "generate_series", "range", "generate_subscripts"})
"""Functions that return no row for an empty list, so that a recursion over them may end without a condition."""


class Connection(Protocol):
    """What is used of the library's connection."""

    def execute(self, query: Any, parameters: list[str] = ...) -> "Connection": ...  # noqa: ANN401 - parsed, or a text
    def fetchone(self) -> tuple[str] | None: ...
    def extract_statements(self, query: str) -> list[Any]: ...


class Parser:
    """A connection of its own to nothing: in memory, without files, with its settings locked."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._lock = Lock()
        self._library: Any = None
        self._serialize: Any = None
        self._connection: Connection | None = None

    def tree(self, text: str) -> list[Node] | None:
        """Return the tree of each statement; None when one of them is no SELECT; Unread when the text is not parsed."""
        with self._lock:
            connection = self._open()
            found = connection.execute(self._serialize, [text]).fetchone()
        parsed: Node = json.loads(found[0]) if found else {"error": True}
        if parsed.get("error") is False:
            return parsed.get("statements", [])
        why = str(parsed.get("error_message", "it is not understood"))
        if why.startswith(NO_SELECT):
            return None
        if why.startswith(TOO_DEEP):
            raise Unread("it is nested too deeply")
        raise Unread(why.partition("\n")[0][:160])

    def kinds(self, text: str) -> list[str]:
        """Return the kind of each statement of the text, as the engine names it."""
        with self._lock:
            connection = self._open()
            try:
                return [statement.type.name for statement in connection.extract_statements(text)]
            except self._library.ParserException as error:
                raise Unread(str(error).partition("\n")[0].removeprefix("Parser Error: ")[:160]) from None

    def tokens(self, text: str) -> list[Token]:
        """Return words (upper case) and parentheses as the engine's lexer cuts them, by their place in the bytes."""
        raw = text.encode()
        with self._lock:
            self._open()
        kinds = self._library.token_type
        skipped = (kinds.comment, kinds.string_const, kinds.numeric_const)
        found: list[Token] = []
        for start, kind in self._library.tokenize(text):
            if kind == kinds.comment:
                continue
            word = WORD.match(raw[start : start + 40].decode(errors="replace"))
            plain = word.group().upper() if word and kind not in skipped else raw[start : start + 1].decode("latin-1")
            found.append((start, plain))
        return found

    def _open(self) -> Connection:
        if self._connection is None:
            try:
                self._library = import_module(self._dialect.parser)
            except ImportError:
                raise Unread(
                    f'its parser is not installed; the owner can add it: pip install "colonnade[{self._dialect.name}]"'
                ) from None
            connection = cast("Connection", self._library.connect(":memory:", config=SETTINGS))
            for setting in LOCKING:
                connection.execute(setting)
            self._serialize = connection.extract_statements(SERIALIZE)[0]
            self._connection = connection
        return self._connection


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


def _check_ctes(parser: Parser, text: str) -> None:
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


def _read(parser: Parser, text: str) -> Reading:
    ctes = len(WITH.findall(text))
    if ctes > FEW_CTES or (ctes and len(text) > LONG):
        _check_ctes(parser, text)
    trees = parser.tree(text)
    if trees is not None:
        return _walked(trees)
    kinds = parser.kinds(text)
    if len(kinds) != 1:
        raise _several(len(kinds))
    if kinds[0] == "PRAGMA":
        return _pragma(text)
    if kinds[0] not in ("EXPLAIN", "MULTI"):
        raise _no_read(kinds[0])
    tokens = parser.tokens(text)
    if tokens[0][1] != "EXPLAIN":
        return _walked(_pivoted(parser, text, tokens))
    rest = _explained(text, tokens)
    trees = parser.tree(rest)
    if trees is None:
        kinds = parser.kinds(rest)
        if kinds != ["MULTI"]:
            raise _no_read(f"EXPLAIN of {' and '.join(kinds)}")
        trees = _pivoted(parser, rest, parser.tokens(rest))
    inside = _walked(trees)
    return Reading("explain", inside.functions, inside.relations, inside.columns)


def _several(count: int) -> Harmful:
    return Harmful(
        f"the call holds {count} statements" if count else "the text holds no statement", "Send one statement a call."
    )


def _no_read(kind: str) -> Harmful:
    return Harmful(f"{kind.replace('_', ' ')} is not a read statement", SEND_A_SELECT)


def _pragma(text: str) -> Reading:
    found = PRAGMA.fullmatch(text)
    name = found["name"].lower() if found else ""
    about = found["about"] if found else None
    if name not in (ABOUT_ALL if about is None else ABOUT_ONE):
        raise Harmful("this PRAGMA is not known to only read", SEND_A_SELECT)
    if about is None:
        return Reading("pragma")
    return Reading("pragma", relations=(_relation(about.strip("'\"").split(".")),))


def _explained(text: str, tokens: list[Token]) -> str:
    """Return what follows EXPLAIN and its options."""
    at = 1
    if tokens[at][1] == "ANALYZE":
        at += 1
    if tokens[at][1] == "(" and tokens[at + 1][1] in ("FORMAT", "ANALYZE"):
        while tokens[at][1] != ")":
            at += 1
        at += 1
    return text.encode()[tokens[at][0] :].decode()


def _pivoted(parser: Parser, text: str, tokens: list[Token]) -> list[Node]:
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


class Walk:
    """Collects what a tree calls and reads; every node has to be a known one."""

    def __init__(self) -> None:
        self.functions: dict[Called, None] = {}
        self.relations: dict[Relation, None] = {}
        self.columns: set[str] = set()

    def visit(self, node: Node, ctes: frozenset[str]) -> int:
        """Return the largest whole number that the node writes or makes of what it writes; 0 without one."""
        kind = node.get("type")
        if isinstance(kind, str):
            _admit(node, kind)
            if kind == "VALUE_CONSTANT":
                return _number(node)
            self._note(node, kind, ctes)
        elif "info_type" in node:
            raise _no_read(str(node["info_type"]).removesuffix("_INFO"))
        elif kind is not None:
            return 0  # a value, whose type is an object
        if "map" in (node.get("cte_map") or ()):
            ctes = self._with(node, ctes)
        if kind == "FUNCTION" and node.get("is_operator") and not WORD.search(node["function_name"]):
            return self._operated(node, ctes)
        largest = self._inside(node, ctes)
        if kind == "FUNCTION" or node.get("class") == "WINDOW":
            *schema, name = node["qualified_name"]["path"] if node.get("qualified_name") else [node["function_name"]]
            self.functions[Called(name.lower(), ".".join(schema).lower(), largest or None)] = None
        return max(largest, _written(node["child"])) if kind == "OPERATOR_CAST" else largest

    def _inside(self, node: Node, ctes: frozenset[str]) -> int:
        largest = 0
        for key, value in node.items():
            if value.__class__ in (dict, list) and key not in SEEN_ALREADY:
                largest = max(largest, self._each(value, ctes))
        return largest

    def _operated(self, node: Node, ctes: frozenset[str]) -> int:
        """Visit an operator, which nobody can define anew, and the numbers that it makes."""
        numbers = [self._each(argument, ctes) for argument in cast("list[Node]", node.pop("arguments"))]
        largest = max(self._inside(node, ctes), *numbers)
        grows = MULTIPLYING.get(node["function_name"])
        if grows and largest and len(numbers) == 2:  # noqa: PLR2004 - an operator between two
            largest = max(largest, min(grows(*numbers), HUGE))
        return largest

    def _note(self, node: Node, kind: str, ctes: frozenset[str]) -> None:
        match kind:
            case "COLUMN_REF":
                self.columns.update(name.lower() for name in node["column_names"])
            case "BASE_TABLE":
                self._table(node["qualified_name"]["path"], ctes)
            case "SHOW_REF":
                self._shown(node)
            case "JOIN":
                self.columns.update(name.lower() for name in node.get("using_columns") or ())
            case "PIVOT":
                self.columns.update(name.lower() for name in node.get("groups") or ())
            case _:
                pass

    def _each(self, value: Any, ctes: frozenset[str]) -> int:  # noqa: ANN401 - a piece of JSON
        if isinstance(value, dict):
            return self.visit(cast("Node", value), ctes)
        largest = 0
        for item in cast("Iterable[Any]", value):
            if item.__class__ in (dict, list):
                largest = max(largest, self._each(item, ctes))
        return largest

    def _with(self, reader: Node, ctes: frozenset[str]) -> frozenset[str]:
        """Visit the CTEs: each sees those before it, and itself when it is recursive."""
        for entry in cast("list[Node]", reader["cte_map"]["map"]):
            name = str(entry["key"]).lower()
            inside: Node = entry["value"].get("query_node") or {}
            recursive = inside.get("type") == "RECURSIVE_CTE_NODE"
            if recursive:
                _refuse_endless(inside, reader)
            self.visit(entry["value"], ctes | {name} if recursive else ctes)
            ctes |= {name}
        return ctes

    def _table(self, path: list[str], ctes: frozenset[str]) -> None:
        own = path[-1].lower() in ctes and (len(path) == 1 or path[:-1] == ["recurring"])
        if not own:
            self.relations[_relation(path)] = None

    def _shown(self, node: Node) -> None:
        name = str(node.get("table_name") or "").strip('"')
        match node.get("show_type"):
            case "DESCRIBE" | "SUMMARY":
                pass
            case "SHOW":
                if CREDENTIAL.search(name):
                    raise Harmful("this setting may hold a credential", SEND_A_SELECT)
                if not node.get("query"):  # which is walked like any other
                    self.relations[_relation(node["qualified_name"]["path"])] = None
            case "SHOW_SPECIAL" if name in SHOWN:
                pass
            case "SHOW_FROM":
                self.relations[_relation([part for part in node["qualified_name"]["path"] if part])] = None
            case other:
                raise _no_read(f"{other} {name}".strip())


def _admit(node: Node, kind: str) -> None:
    if kind not in HARMLESS or node.get("class", "FUNCTION") not in CLASSES:
        raise _no_read(kind.removesuffix("_QUERY_NODE"))


def _relation(path: list[str]) -> Relation:
    """Tell a table from the name of a file, which is one in quotes, or spelled as schema.table."""
    whole = ".".join(path)
    if len(path) > 1 and FILE.fullmatch("." + path[-1]):
        return Relation((whole,), quoted=True)
    return Relation(tuple(path), quoted=not all(PLAIN.fullmatch(part) for part in path))


def _number(constant: Node) -> int:
    literal: Node = constant.get("literal") or {}
    text = str(literal.get("text", ""))
    match literal.get("kind"):
        case "INTEGER":
            return min(abs(int(text)), HUGE) if WHOLE.fullmatch(text) else HUGE
        case "NUMERIC":
            number = abs(Decimal(text.replace("_", "")))
            return HUGE if number > HUGE else int(number)
        case _:
            return 0


def _written(child: Node) -> int:
    """Return the number that a cast makes of a text."""
    literal: Node = child.get("literal") or {}
    text = str(literal.get("text", "")).strip()
    return min(abs(int(text)), HUGE) if literal.get("kind") == "STRING" and WHOLE.fullmatch(text) else 0


def _refuse_endless(recursion: Node, reader: Node) -> None:
    """Refuse a recursion in which nothing can leave a row out, unless what reads it stops by itself."""
    name = str(recursion["cte_name"]).lower()
    if _repeats(recursion["right"], name) and not _stops(reader):
        raise Harmful(
            f"the recursive query {name} has no condition that ends it", "Add one to its second part: WHERE n < 100."
        )


def _stops(reader: Node) -> bool:
    """Tell a query with a LIMIT that needs not read everything first."""
    kinds = {modifier["type"] for modifier in reader.get("modifiers") or ()}
    return "LIMIT_MODIFIER" in kinds and len(kinds) == 1 and not _calls(reader.get("select_list"), TOTALLING)


def _repeats(step: Node, name: str) -> bool:
    """Tell a query that returns a row for each of the recursion's, whatever that holds."""
    if step["type"] == "SET_OPERATION_NODE" and str(step.get("setop_type", "UNION")).startswith("UNION"):
        return any(_repeats(child, name) for child in step.get("children") or ())
    if step["type"] != "SELECT_NODE":
        return False
    limited = any(str(modifier["type"]).startswith("LIMIT") for modifier in step.get("modifiers") or ())
    conditions = (step.get("where_clause"), step.get("having"), step.get("qualify"))
    if limited or step.get("sample") or any(_depends(condition) for condition in conditions if condition):
        return False
    return _multiplies(step.get("from_table") or {}, name) and not _calls(step.get("select_list"), EXPANDING)


def _multiplies(source: Node, name: str) -> bool:
    """Tell a source that is at least the recursion itself times something that has rows."""
    match source.get("type"):
        case "BASE_TABLE":
            return str(source["qualified_name"]["path"][-1]).lower() == name
        case "SUBQUERY":
            return _repeats(source["subquery"]["node"], name)
        case "JOIN":
            condition = source.get("condition")
            if source.get("using_columns") or source.get("ref_type", "REGULAR") not in ("CROSS", "REGULAR"):
                return False
            if condition and _depends(condition):
                return False
            sides = (source["left"], source["right"])
            return any(_multiplies(side, name) for side in sides) and all(
                _multiplies(side, name) or side["type"] in ("BASE_TABLE", "EXPRESSION_LIST") for side in sides
            )
        case _:
            return False


def _depends(condition: Any) -> bool:  # noqa: ANN401 - a piece of JSON
    """Tell a condition that looks at a row from one that is always the same."""
    if isinstance(condition, dict):
        node = cast("Node", condition)
        return node.get("type") in ("COLUMN_REF", "SUBQUERY", "STAR") or any(map(_depends, node.values()))
    return isinstance(condition, list) and any(map(_depends, cast("list[Any]", condition)))


def _calls(piece: Any, names: frozenset[str]) -> bool:  # noqa: ANN401 - a piece of JSON
    if isinstance(piece, dict):
        node = cast("Node", piece)
        return str(node.get("function_name", "")).lower() in names or any(
            _calls(value, names) for value in node.values()
        )
    return isinstance(piece, list) and any(_calls(value, names) for value in cast("list[Any]", piece))
