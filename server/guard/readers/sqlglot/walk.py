"""One walk over one tree.

Every class of the tree is looked up; one that is not listed is refused, so that a statement stays refused when a new
version of the parser learns to read it. Names of functions are taken from the text, not from the tree, which knows many
spellings of one function.
"""

import re
from collections.abc import Callable, Iterator
from functools import cache
from importlib.resources import files
from typing import Final, cast

from sqlglot import exp

from ...dialects import Dialect
from ...reading import Called, Harmful, Reading, Relation
from .scopes import defined, endless, inner, sources
from .sizes import largest

WRAPPERS: Final = frozenset(("Window", "Filter", "WithinGroup", "IgnoreNulls", "RespectNulls"))
NAMES: Final = frozenset(
    ("Identifier", "Var", "Literal", "Column", "Table", "Star", "Parameter", "Placeholder", "DataType")
)
"""Classes whose position in the text is that of a name, not of a call."""
REASONS: Final = {
    "Lock": ("the statement locks rows", "Leave the locking clause away."),
    "Into": ("INTO writes somewhere", "Select the rows; they are returned."),
    "NextValueFor": ("a sequence may not be advanced", "Read the sequence's state from the catalog."),
    "DynamicIdentifier": ("the name of a table is computed", "Write the name."),
    "Command": ("the statement is not one that reads", "Send a SELECT."),
}
ADVANCING: Final = frozenset(("nextval", "currval"))
CALLS: Final = re.compile(r"\s*\(")
ASSIGNED: Final = "a variable is assigned"


@cache
def classes() -> dict[type[exp.Expr], str]:
    """Return the classes that only read, with their names."""
    text = files(__package__ or "").joinpath("nodes.txt").read_text("utf-8")
    names = [line for line in text.splitlines() if line and not line.startswith("#")]
    return {found: name for name in names if (found := getattr(exp, name, None)) is not None}


def spelled(name: str) -> str:
    """Write the name of a class as words."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).upper()


class Walk:
    """What is found on the way."""

    def __init__(self, text: str, dialect: Dialect) -> None:
        self._text = text
        self._dialect = dialect
        self._functions: list[Called] = []
        self._columns: set[str] = set()
        self._tables: list[exp.Table] = []
        self._ctes: set[str] = set()
        self._qualified: list[exp.Expr] = []
        self._schemas: dict[int, str] = {}
        """What stands before a function, by the function's id: known before the walk comes to the function."""

    def read(self, kind: str, root: exp.Expr) -> Reading:
        """Walk the tree; raises Harmful where it meets what is not known to read only."""
        known = classes()
        stack = [root]
        while stack:
            node = stack.pop()
            name = known.get(type(node))
            if name is None:
                found = type(node).__name__
                unknown = (f"{spelled(found)} is not known as something that only reads", "Write it in plainer SQL.")
                raise Harmful(*REASONS.get(found, unknown))
            handler = HANDLERS.get(name)
            if handler is not None and handler(self, node):
                continue
            if name not in NAMES:
                self._call(node)
            stack.extend(node.iter_expressions())
        relations = tuple(self._relations())
        for column in self._qualified:
            self._bare_call(cast("exp.Column", column))
        return Reading(kind, tuple(self._functions), relations, tuple(sorted(self._columns)))

    def _fold(self, name: exp.Expr) -> str:
        """Return a name as the dialect folds it."""
        text, folds = name.name, self._dialect.folds
        if folds != "none" and name.args.get("quoted"):
            return text
        return text.upper() if folds == "upper" else text.lower()

    def _plain(self, written: str) -> str:
        """Return the name of a function in lower case, unless its quotes make it another one."""
        name = written.strip('"`[]')
        folds = self._dialect.folds
        other = name.upper() if folds == "upper" else name.lower() if folds == "lower" else name
        return written if name not in {written, other} else name.lower()

    def _call(self, node: exp.Expr) -> None:
        """Note a call, by the name that stands in the text."""
        schema = self._schemas.get(id(node))
        start, end = cast("tuple[int | None, int]", (node.meta_get("start"), node.meta_get("end")))
        if start is not None and CALLS.match(self._text, end + 1):
            name = self._plain(self._text[start : end + 1])
        elif isinstance(node, exp.Anonymous):
            name = node.name.lower()
        elif schema is not None and isinstance(node, exp.Func):
            name = node.sql_name().lower()
        else:
            return
        if name in self._dialect.argless and not any(node.iter_expressions()):
            return
        size = largest(node) if name in self._dialect.generators else None
        self._functions.append(Called(name, schema or "", size))

    def _chain(self, node: exp.Expr) -> str:
        """Return what stands before a dot, as a dotted name; "()" for a value."""
        match node:
            case exp.Dot():
                return f"{self._chain(node.this)}.{self._chain(node.expression)}"
            case exp.Column():
                return ".".join(part.name.lower() for part in node.parts)
            case exp.Identifier() | exp.Var():
                return node.name.lower()
            case _:
                return "()"

    def dot(self, node: exp.Expr) -> bool:
        """Note what qualifies a call; before a name, a dot takes a field or calls a function on the value."""
        last: exp.Expr = node.args["expression"]
        while type(last).__name__ in WRAPPERS:
            last = last.this
        if isinstance(last, exp.Func):
            self._schemas[id(last)] = self._qualifier(self._chain(node.this), last.name.lower(), node)
        elif isinstance(last, exp.Identifier):
            self._columns.add(last.name.lower())
        return False

    def _qualifier(self, chain: str, name: str, node: exp.Expr) -> str:
        """Return the chain before a call; "()" where it is a value of one of the sources that has such a method."""
        if name in self._dialect.methods and self._dialect.bare_calls:
            first = chain.partition(".")[0]
            return "()" if any(source == first for source, _ in sources(node)) else chain
        return chain

    def column(self, node: exp.Expr) -> bool:
        """Note the name, and the column where it may be a call without parentheses."""
        name = node.name.lower()
        self._columns.add(name)
        if node.args.get("table") is not None and (self._dialect.bare_calls or name in ADVANCING):
            self._qualified.append(node)
        return False

    def _bare_call(self, column: exp.Column) -> None:
        """Note a column whose qualifier names no source: that may be a package or sequence, and the column a call."""
        name, table, schema = column.name.lower(), column.table.lower(), column.text("db").lower()
        if name not in ADVANCING:
            for source, of_schema in sources(column):
                if source == table and schema in {"", of_schema}:
                    return
        self._functions.append(Called(name, f"{schema}.{table}" if schema else table))

    def table(self, node: exp.Expr) -> bool:
        """Note a relation, or what qualifies a function that stands in its place."""
        source = inner(node, "this")
        while source is not None and type(source).__name__ in WRAPPERS:
            source = source.this
        if isinstance(source, exp.Func):
            schema = ".".join(part for key in ("catalog", "db") if (part := node.text(key).lower()))
            if schema:
                self._schemas[id(source)] = schema
        elif isinstance(source, exp.Dot) and any(isinstance(part, exp.Func) for part in source.flatten()):
            pass  # the dot notes the call
        elif isinstance(source, exp.Parameter) and self._dialect.flow and source.name.isdecimal():
            pass  # $1 is what the statement before gave
        elif isinstance(source, (exp.Var, exp.Parameter, exp.Placeholder, exp.SessionParameter)):
            raise Harmful("a variable or a stage stands where a table is read", "Name a table of this database.")
        elif source is not None:
            self._tables.append(cast("exp.Table", node))
        return False

    def _relations(self) -> Iterator[Relation]:
        for table in self._tables:
            parts = [part for each in table.parts for part in _parts(each)]
            names = tuple(self._fold(part) if isinstance(part, exp.Identifier) else part.name for part in parts)
            last = names[-1]
            may_be_cte = len(names) == 1 and last in self._ctes and last.lower() not in self._dialect.secrets
            if not (may_be_cte and defined(table, last, self._fold, self._dialect)):
                quoted = any(part.args.get("quoted") or isinstance(part, exp.Literal) for part in parts)
                yield Relation(names, quoted)

    def cte(self, node: exp.Expr) -> bool:
        """Note the name, and refuse a recursion that nothing stops."""
        self._ctes.add(self._fold(node.args["alias"].this))
        if endless(node, self._fold):
            raise Harmful("the recursive query has no condition that stops it", "Add a WHERE to its recursive part.")
        return False

    def variable(self, _node: exp.Expr) -> bool:
        """Refuse := where it assigns."""
        if self._dialect.assigns:
            raise Harmful(ASSIGNED, "Leave the assignment away.")
        return False

    def select(self, node: exp.Expr) -> bool:
        """Refuse @x = … as an output column where it assigns."""
        if self._dialect.assigns:
            for each in node.expressions:
                if isinstance(each, exp.EQ) and isinstance(each.this, (exp.Parameter, exp.SessionParameter)):
                    raise Harmful(ASSIGNED, "Leave the assignment away.")
        return False

    def hints(self, node: exp.Expr) -> bool:
        """Refuse a hint on a table that may take locks."""
        for hint in node.expressions:
            if hint.name.upper() not in self._dialect.table_hints:
                raise Harmful(f"the table hint {hint.name[:40]} may take locks", "Leave it away.")
        return True


def _parts(node: exp.Expr) -> Iterator[exp.Expr]:
    if isinstance(node, exp.Dot):
        yield from _parts(node.this)
        yield from _parts(node.expression)
    else:
        yield node


HANDLERS: Final[dict[str, Callable[[Walk, exp.Expr], bool]]] = {
    "Dot": Walk.dot,
    "Column": Walk.column,
    "Table": Walk.table,
    "CTE": Walk.cte,
    "PropertyEQ": Walk.variable,
    "Select": Walk.select,
    "WithTableHint": Walk.hints,
}
"""What is done besides walking on; True leaves out what is below."""
