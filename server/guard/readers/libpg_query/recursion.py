"""Recursive queries that provably never end: a term that reads only itself, with nothing that could stop it."""

from typing import Any, Final, cast

from .sizes import Sizes
from .tree import Fields, holds, names, parts

VARYING: Final = frozenset({"ColumnRef", "FuncCall", "SubLink", "SQLValueFunction", "ParamRef"})
COLUMNS: Final = frozenset({"ColumnRef"})

SERIES: Final = frozenset(
    {
        "unnest", "generate_series", "generate_subscripts", "json_array_elements", "json_array_elements_text",
        "json_each", "json_each_text", "json_object_keys", "json_populate_recordset", "json_to_recordset",
        "jsonb_array_elements", "jsonb_array_elements_text", "jsonb_each", "jsonb_each_text", "jsonb_object_keys",
        "jsonb_path_query", "jsonb_path_query_tz", "jsonb_populate_recordset", "jsonb_to_recordset", "regexp_matches",
        "regexp_split_to_table", "string_to_table",
    }
)  # fmt: skip
"""Functions that give no row when there is nothing left of their argument."""

FOLDING: Final = frozenset(
    {
        "array_agg", "avg", "bit_and", "bit_or", "bool_and", "bool_or", "count", "every", "json_agg", "json_object_agg",
        "jsonb_agg", "jsonb_object_agg", "max", "min", "string_agg", "sum", "xmlagg",
    }
)  # fmt: skip
"""Functions that need every row before they give one."""

GROWING: Final = frozenset({"+", "-", "*", "||"})
MOST: Final = 1_000_000
"""Rows of a LIMIT that bounds what reads an endless query."""


def endless(cte: Fields) -> bool:
    """Whether the query of a WITH RECURSIVE never ends if all of it is read."""
    name = cte["ctename"]
    query = cte["ctequery"].get("SelectStmt")
    if query is None or query.get("op") != "SETOP_UNION":
        return False
    distinct = not query.get("all") or "cycle_clause" in cte
    inner = {other["CommonTableExpr"]["ctename"] for other in query["rarg"].get("withClause", {}).get("ctes", [])}
    return any(
        _reads(arm, {name, *inner}) and not _may_stop(arm, {name, *inner}) and (not distinct or _grows(arm))
        for arm in _arms(query["rarg"])
    )


def _arms(query: Fields) -> list[Fields]:
    work = [query]
    for part in work:
        if part.get("op") == "SETOP_UNION":
            work += [part["larg"], part["rarg"]]
    return [part for part in work if part.get("op") != "SETOP_UNION"]


def _reads(tree: Any, called: set[str]) -> bool:  # noqa: ANN401 - any part of a tree
    sources = (part["RangeVar"] for part in parts(tree) if "RangeVar" in part)
    return any(source["relname"] in called and "schemaname" not in source for source in sources)


def _may_stop(arm: Fields, itself: set[str]) -> bool:
    """Whether anything in the term could leave a row out: a condition, another relation, a function of a row."""
    work: list[Any] = [arm]
    kept: dict[int, bool] = {}
    for part in work:
        if isinstance(part, list):
            work.extend(cast("list[Any]", part))
        if not isinstance(part, dict):
            continue
        fields = cast("Fields", part)
        if _stops(fields, itself, kept):
            return True
        if (join := fields.get("JoinExpr")) and _keeps(join, itself, kept):
            work.append(join["larg"])
        else:
            work.extend(value for field, value in fields.items() if field != "SubLink")
    return False


def _stops(fields: Fields, itself: set[str], kept: dict[int, bool]) -> bool:
    match fields:
        case {"RangeVar": {"relname": relation, **more}}:
            return relation not in itself or "schemaname" in more
        case {"RangeFunction": rows} | {"JsonTable": rows} | {"RangeTableFunc": rows}:
            return holds(rows, COLUMNS)
        case {"FuncCall": {"funcname": name, **more}}:
            return names(name)[-1] in SERIES and holds(more, COLUMNS)
        case {"JoinExpr": join}:
            return ("usingClause" in join or "isNatural" in join) and not _keeps(join, itself, kept)
        case _:
            conditions = [fields[key] for key in ("whereClause", "havingClause", "quals") if key in fields]
            return (
                holds(conditions, VARYING)
                or "limitOffset" in fields
                or fields.get("op") in {"SETOP_EXCEPT", "SETOP_INTERSECT"}
            )


def _keeps(join: Fields, itself: set[str], known: dict[int, bool]) -> bool:
    """Whether a join keeps every row of the query's own: it begins with it, and is LEFT."""
    if join["jointype"] != "JOIN_LEFT":
        return False
    chain = [join]
    while id(chain[-1]) not in known and "JoinExpr" in chain[-1]["larg"]:
        chain.append(chain[-1]["larg"]["JoinExpr"])
    own = known.get(id(chain[-1]), chain[-1]["larg"].get("RangeVar", {}).get("relname") in itself)
    known |= {id(link): own for link in chain}
    return own


def _grows(arm: Fields) -> bool:
    """Whether a column is computed from itself, so that no row comes twice."""
    for target in arm.get("targetList", []):
        value = target["ResTarget"]["val"]
        while "TypeCast" in value:
            value = value["TypeCast"]["arg"]
        computed = value.get("A_Expr", {})
        if names(computed.get("name", []))[-1:] and names(computed["name"])[-1] in GROWING and holds(computed, COLUMNS):
            return True
    return False


def bounded(cte: Fields, select: Fields) -> bool:
    """Whether all who read the query, in and below the SELECT that it belongs to, take a few rows and no more."""
    others = [other for other in select["withClause"]["ctes"] if other["CommonTableExpr"] is not cte]
    outside = [{field: value for field, value in select.items() if field != "withClause"}, others]
    readers = [part for part in parts(outside) if "fromClause" in part and _reads_directly(part, cte["ctename"])]
    return bool(readers) and all(map(_takes_few, readers))


def _reads_directly(part: Fields, name: str) -> bool:
    work: list[Fields] = list(part["fromClause"])
    for source in work:
        if join := source.get("JoinExpr"):
            work += [join["larg"], join["rarg"]]
    return any(source["RangeVar"]["relname"] == name for source in work if "RangeVar" in source)


def _takes_few(select: Fields) -> bool:
    limit = Sizes().literal(select["limitCount"]) if "limitCount" in select else None
    folded = (part["FuncCall"] for part in parts(select.get("targetList", [])) if "FuncCall" in part)
    return (
        limit is not None
        and limit <= MOST
        and len(select["fromClause"]) == 1
        and "RangeVar" in select["fromClause"][0]
        and not {"sortClause", "groupClause", "distinctClause", "havingClause", "windowClause"} & select.keys()
        and not any("over" in call or names(call["funcname"])[-1] in FOLDING for call in folded)
    )
