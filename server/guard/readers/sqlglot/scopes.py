"""Which names a place in the tree sees, and which recursion has an end."""

from collections.abc import Callable, Iterator
from typing import Final, cast

from sqlglot import exp

from ...dialects import Dialect

Fold = Callable[[exp.Expr], str]

ENDS: Final = ("limit", "fetch", "having", "qualify", "laterals", "connect", "group")


def inner(node: exp.Expr, key: str) -> exp.Expr | None:
    """Return one part of a node."""
    return cast("exp.Expr | None", node.args.get(key))


def several(node: exp.Expr, key: str) -> list[exp.Expr]:
    """Return a list of parts of a node."""
    return cast("list[exp.Expr]", node.args.get(key) or [])


def sources(node: exp.Expr) -> Iterator[tuple[str, str]]:
    """Name the sources that a column at this place may belong to, lower case, with their schemas."""
    above = node.parent
    while above is not None:
        if isinstance(above, exp.MatchRecognize):
            yield from ((part.name.lower(), "") for part in above.find_all(exp.Identifier))  # pattern variables
        if isinstance(above, exp.Select):
            source = inner(above, "from_")
            read = [join.this for join in several(above, "joins")] + several(above, "laterals")
            for each in read if source is None else [source.this, *read]:
                yield from _named(each)
        above = above.parent
    yield "prior", ""


def _named(source: exp.Expr) -> Iterator[tuple[str, str]]:
    yield source.alias_or_name.lower(), "" if source.alias else source.text("db").lower()
    yield from ((pivot.alias.lower(), "") for pivot in several(source, "pivots"))
    for join in several(source, "joins"):
        yield from _named(join.this)
    if isinstance(source, (exp.Paren, exp.Subquery)) and isinstance(source.this, exp.Table):
        yield from _named(source.this)


def defined(table: exp.Expr, name: str, fold: Fold, dialect: Dialect) -> bool:
    """Tell whether a WITH around the table defines the name before it, or around itself when it recurs."""
    inside: exp.Expr | None = None
    above: exp.Expr | None = table
    while above is not None:
        if isinstance(above, exp.CTE):
            inside = above
        with_ = above if isinstance(above, exp.With) else inner(above, "with_")
        if with_ is not None and _defines(with_, inside, name, fold, dialect):
            return True
        above = above.parent
    return False


def _defines(with_: exp.Expr, inside: exp.Expr | None, name: str, fold: Fold, dialect: Dialect) -> bool:
    for cte in cast("list[exp.CTE]", with_.expressions):
        if cte is inside and not _recurs(with_, cte, dialect):
            return False
        if fold(cte.args["alias"].this) == name:
            return True
        if cte is inside:
            return False
    return False


def _recurs(with_: exp.Expr, cte: exp.Expr, dialect: Dialect) -> bool:
    if with_.args.get("recursive") or dialect.recursion == "always":
        return True
    return dialect.recursion == "columns" and bool(cte.args["alias"].args.get("columns"))


def endless(cte: exp.Expr, fold: Fold) -> bool:
    """Tell whether a recursive CTE provably never ends: nothing that it reads can leave out a row."""
    outer = cte.parent.parent if cte.parent is not None else None
    body = _bare(cte.this)
    if not isinstance(body, exp.Union) or body.args.get("limit") or (outer is not None and outer.args.get("limit")):
        return False
    term, name = _bare(body.expression), fold(cte.args["alias"].this)
    if not isinstance(term, exp.Select) or any(term.args.get(key) for key in ENDS):
        return False
    source = inner(term, "from_")
    joins = several(term, "joins")
    read = [] if source is None else [source.this, *(join.this for join in joins)]
    plain = all(isinstance(each, exp.Table) and isinstance(each.this, exp.Identifier) for each in read)
    if not plain or name not in [fold(each.this) for each in read]:
        return False
    if any(join.args.get("using") or join.args.get("method") for join in joins):
        return False
    conditions = [inner(term, "where"), *(inner(join, "on") for join in joins)]
    return not any(condition is not None and condition.find(exp.Column) for condition in conditions)


def _bare(node: exp.Expr) -> exp.Expr:
    while isinstance(node, (exp.Subquery, exp.Paren)):
        node = node.this
    return node
