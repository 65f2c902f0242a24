"""The parse tree of libpg_query: JSON of the nodes known to be harmless, and nothing else.

A node is `{"Kind": {field: value, …}}`; a field whose type the grammar fixes holds the fields alone. A kind or a field
that SHAPES does not list is refused by name, so that a newer grammar lets nothing new through by itself.
"""

import json
import re
from collections.abc import Iterator
from typing import Any, Final, cast

Fields = dict[str, Any]

LEAF: Final = ""
"""A field without nodes in it: a flag, a name, a list of names."""
NODES: Final = "*"
"""A field that holds a node, or a list of them."""

SHAPES: Final = {
    kind: {name: kept or mark for name, mark, kept in re.findall(r"(\w+)(\*?)(?:=(\w+))?", fields)}
    for kind, _, fields in (
        line.partition(":")
        for line in """
SelectStmt: distinctClause* targetList* fromClause* whereClause* groupClause* groupDistinct havingClause* \
windowClause* valuesLists* sortClause* limitOffset* limitCount* limitOption op all larg=SelectStmt \
rarg=SelectStmt withClause
WithClause: ctes* recursive location
CommonTableExpr: ctename aliascolnames ctematerialized ctequery* search_clause=CTESearchClause \
cycle_clause=CTECycleClause location
CTESearchClause: search_col_list search_breadth_first search_seq_column location
CTECycleClause: cycle_col_list cycle_mark_column cycle_mark_value* cycle_mark_default* cycle_path_column location
RangeVar: catalogname schemaname relname inh relpersistence alias location
RangeSubselect: lateral subquery* alias
RangeFunction: lateral ordinality is_rowsfrom functions* alias coldeflist*
RangeTableFunc: lateral docexpr* rowexpr* namespaces* columns* alias location
RangeTableFuncCol: colname typeName=TypeName for_ordinality is_not_null colexpr* coldefexpr* location
RangeTableSample: relation* method args* repeatable* location
JoinExpr: jointype isNatural larg* rarg* usingClause join_using_alias quals* alias rtindex
ColumnDef: colname typeName=TypeName is_local collClause=CollateClause location
ResTarget: name val* location
ColumnRef: fields location
ParamRef: number location
A_Const: isnull ival fval boolval sval bsval location
A_Star:
A_Expr: kind name lexpr* rexpr* rexpr_list_start rexpr_list_end location
A_ArrayExpr: elements* list_start list_end location
A_Indices: is_slice lidx* uidx*
A_Indirection: arg* indirection*
String: sval
Integer: ival
List: items*
BoolExpr: boolop args* location
NullTest: arg* nulltesttype argisrow location
BooleanTest: arg* booltesttype location
TypeCast: arg* typeName=TypeName location
TypeName: names setof typmods* typemod arrayBounds* location
CollateClause: arg* collname location
CaseExpr: arg* args* defresult* location
CaseWhen: expr* result* location
CoalesceExpr: args* location
MinMaxExpr: op args* location
RowExpr: args* row_format colnames location
SubLink: subLinkType testexpr* operName subselect* location
FuncCall: funcname args* agg_order* agg_filter* over=WindowDef agg_within_group agg_star agg_distinct func_variadic \
funcformat location
NamedArgExpr: arg* name argnumber location
SQLValueFunction: op typmod location
GroupingFunc: args* location
GroupingSet: kind content* location
SortBy: node* sortby_dir sortby_nulls useOp location
WindowDef: name refname partitionClause* orderClause* frameOptions startOffset* endOffset* location
XmlExpr: op name named_args* args* xmloption indent location
XmlSerialize: xmloption expr* typeName=TypeName indent location
JsonTable: context_item=JsonValueExpr pathspec=JsonTablePathSpec passing* columns* on_error=JsonBehavior alias lateral \
location
JsonTableColumn: coltype name typeName=TypeName pathspec=JsonTablePathSpec format wrapper quotes columns* \
on_empty=JsonBehavior on_error=JsonBehavior location
JsonTablePathSpec: string* name name_location location
JsonBehavior: btype expr* coerce location
JsonFuncExpr: op column_name context_item=JsonValueExpr pathspec* passing* output=JsonOutput on_empty=JsonBehavior \
on_error=JsonBehavior wrapper quotes location
JsonValueExpr: raw_expr* format
JsonOutput: typeName=TypeName returning
JsonIsPredicate: expr* format item_type unique_keys location
JsonObjectConstructor: exprs* output=JsonOutput absent_on_null unique location
JsonArrayConstructor: exprs* output=JsonOutput absent_on_null location
JsonArrayQueryConstructor: query* output=JsonOutput format absent_on_null location
JsonKeyValue: key* value=JsonValueExpr
JsonArgument: val=JsonValueExpr name
JsonScalarExpr: expr* output=JsonOutput location
JsonSerializeExpr: expr=JsonValueExpr output=JsonOutput location
JsonParseExpr: expr=JsonValueExpr output=JsonOutput unique_keys location
JsonObjectAgg: constructor=JsonAggConstructor arg=JsonKeyValue absent_on_null unique
JsonArrayAgg: constructor=JsonAggConstructor arg=JsonValueExpr absent_on_null
JsonAggConstructor: output=JsonOutput agg_filter* agg_order* over=WindowDef location
""".strip().splitlines()
    )
}
"""Kind → field → LEAF, NODES or the kind of the fields that it holds. `withClause` is a leaf here: who walks a SELECT
opens it first, because what its queries see differs from what the SELECT sees."""

DEEPEST: Final = 300_000
"""Characters of JSON that are read piece by piece, at most: some 2,000 links of `a || b || …`, 1,000 of UNION."""
CUT: Final = 150
"""Objects within one another that are read at once."""

BRACE: Final = re.compile(r"""(?:[^{}"]++|"(?:[^"\\]++|\\.)*+")*+[{}]""", re.DOTALL)
"""The next brace outside of a text."""


def load(text: str) -> Fields:
    """Return the tree of the JSON; raises RecursionError when it is deep beyond reason."""
    try:
        return json.loads(text)
    except RecursionError:
        if len(text) > DEEPEST:
            raise
        return _unfold(text)


def _unfold(text: str) -> Fields:
    """Read piece by piece: a chain of a few hundred `||` or UNIONs is honest, and deeper than `json` goes.

    What is nested CUT objects deep is read first, and stands as NaN, which no tree holds, in what is around it.
    """
    pieces: list[tuple[list[str], list[Any]]] = [([], [])]
    depth = begun = 0
    for found in BRACE.finditer(text):
        end = found.end()
        if text[end - 1] == "{":
            depth += 1
            if depth % CUT == 0:
                pieces[-1][0].extend((text[begun : end - 1], "NaN"))
                pieces.append(([], []))
                begun = end - 1
        else:
            if depth % CUT == 0:
                value = _joined(*pieces.pop(), text[begun:end])
                pieces[-1][1].append(value)
                begun = end
            depth -= 1
    return cast("Fields", _joined(*pieces.pop(), text[begun:]))


def _joined(texts: list[str], values: list[Any], last: str) -> Any:  # noqa: ANN401 - what JSON holds
    following = iter(values)
    return json.loads("".join((*texts, last)), parse_constant=lambda _: next(following))


def names(listed: list[Fields]) -> list[str]:
    """Return the strings of a list of names; what is no string among them (`*`, a subscript) is left out."""
    return [node["String"].get("sval", "") for node in listed if "String" in node]


def parts(tree: Any) -> Iterator[Fields]:  # noqa: ANN401 - any part of a tree
    """Yield every object of a part of the tree, the part itself first; without recursion."""
    work = [tree]
    for part in work:
        if isinstance(part, dict):
            fields = cast("Fields", part)
            yield fields
            if "A_Const" not in fields:
                work.extend(fields.values())
        elif isinstance(part, list):
            work.extend(cast("list[Any]", part))


def holds(tree: Any, kinds: frozenset[str]) -> bool:  # noqa: ANN401 - any part of a tree
    """Tell whether a node of one of the kinds stands anywhere in the part."""
    return any(not kinds.isdisjoint(part) for part in parts(tree))
