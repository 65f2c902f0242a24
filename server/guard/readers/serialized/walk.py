"""What a tree calls and reads; every node has to be a known one."""

import re
from typing import TYPE_CHECKING, Any, Final, cast

from ...reading import Called, Harmful, Relation
from .parser import WORD, Node
from .recursion import refuse_endless
from .sizes import HUGE, MULTIPLYING, number_of, written

if TYPE_CHECKING:
    from collections.abc import Iterable

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

CREDENTIAL: Final = re.compile(r"secret|password|token|credential|access_key", re.IGNORECASE)

FILE: Final = re.compile(
    r"\.(?:csv|tsv|txt|parquet|parq|json|jsonl|ndjson|geojson|xlsx?|avro|arrows?|orc|feather|ipc|vortex|lance|shp|gpkg|fgb"
    r"|gz|zst|bz2|xz|zip)",
    re.IGNORECASE,
)
"""Names that are read as files: also without quotes, where schema.table spells a file's name."""

PLAIN: Final = re.compile(r"[^\W\d][\w$]*")


def no_read(kind: str) -> Harmful:
    return Harmful(f"{kind.replace('_', ' ')} is not a read statement", SEND_A_SELECT)


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
                return number_of(node)
            self._note(node, kind, ctes)
        elif "info_type" in node:
            raise no_read(str(node["info_type"]).removesuffix("_INFO"))
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
        return max(largest, written(node["child"])) if kind == "OPERATOR_CAST" else largest

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
                refuse_endless(inside, reader)
            self.visit(entry["value"], ctes | {name} if recursive else ctes)
            ctes |= {name}
        return ctes

    def _table(self, path: list[str], ctes: frozenset[str]) -> None:
        own = path[-1].lower() in ctes and (len(path) == 1 or path[:-1] == ["recurring"])
        if not own:
            self.relations[relation_of(path)] = None

    def _shown(self, node: Node) -> None:
        name = str(node.get("table_name") or "").strip('"')
        match node.get("show_type"):
            case "DESCRIBE" | "SUMMARY":
                pass
            case "SHOW":
                if CREDENTIAL.search(name):
                    raise Harmful("this setting may hold a credential", SEND_A_SELECT)
                if not node.get("query"):  # which is walked like any other
                    self.relations[relation_of(node["qualified_name"]["path"])] = None
            case "SHOW_SPECIAL" if name in SHOWN:
                pass
            case "SHOW_FROM":
                self.relations[relation_of([part for part in node["qualified_name"]["path"] if part])] = None
            case other:
                raise no_read(f"{other} {name}".strip())


def _admit(node: Node, kind: str) -> None:
    if kind not in HARMLESS or node.get("class", "FUNCTION") not in CLASSES:
        raise no_read(kind.removesuffix("_QUERY_NODE"))


def relation_of(path: list[str]) -> Relation:
    """Tell a table from the name of a file, which is one in quotes, or spelled as schema.table."""
    whole = ".".join(path)
    if len(path) > 1 and FILE.fullmatch("." + path[-1]):
        return Relation((whole,), quoted=True)
    return Relation(tuple(path), quoted=not all(PLAIN.fullmatch(part) for part in path))
