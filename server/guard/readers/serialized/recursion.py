"""Recursions that never end, by their trees."""

from typing import Any, Final, cast

from ...reading import Harmful
from .parser import Node

TOTALLING: Final = frozenset(
    {"count", "count_star", "sum", "avg", "min", "max", "list", "array_agg", "string_agg", "last", "any_value"}
)
"""Aggregates read everything before they return a row."""

EXPANDING: Final = frozenset({"unnest", "unlist", "generate_series", "range", "generate_subscripts"})
"""Functions that return no row for an empty list, so that a recursion over them may end without a condition."""


def refuse_endless(recursion: Node, reader: Node) -> None:
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
