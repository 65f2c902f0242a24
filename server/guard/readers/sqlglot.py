"""The reader for dialects whose own parser no library carries: sqlglot's tree, walked once.

Every class of the tree is looked up; one that is not listed is refused, so that a statement stays refused when a new
version of the parser learns to read it. Names of functions are taken from the text, not from the tree, which knows many
spellings of one function.
"""

import logging
import re
from collections.abc import Callable, Iterator
from functools import cache
from importlib.resources import files
from typing import Final

import sqlglot
from sqlglot import exp
from sqlglot.errors import ParseError, SqlglotError

from ..dialects import Dialect
from ..reading import Called, Harmful, Reader, Reading, Relation, Unread

logging.getLogger("sqlglot").setLevel(logging.CRITICAL)  # what it falls back to is refused here, with a reason

ROOTS: Final = frozenset(("Select", "Union", "Except", "Intersect", "Subquery", "Values", "Pivot"))
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
PRAGMA: Final = re.compile(
    r"\s*PRAGMA\s+(?:\w+\s*\.\s*)?(\w+)\s*(?:\(\s*('[^']*'|\"[^\"]*\"|\w+)\s*\))?\s*", re.IGNORECASE
)
ADVANCING: Final = frozenset(("nextval", "currval"))
CALLS: Final = re.compile(r"\s*\(")


@cache
def _classes() -> dict[type[exp.Expr], str]:
    """Return the classes that only read, with their names."""
    text = files(__package__).joinpath("sqlglot_nodes.txt").read_text("utf-8")
    names = [line for line in text.splitlines() if line and not line.startswith("#")]
    return {found: name for name in names if (found := getattr(exp, name, None)) is not None}


def reader(dialect: Dialect) -> Reader:
    """Return the reader of a dialect."""
    known = sqlglot.Dialect.get_or_raise(dialect.parser or None)

    def parse(text: str) -> exp.Expr:
        try:
            trees = known.parse(text)
        except ParseError as error:
            raise Unread(_where(error)) from None
        except SqlglotError as error:
            raise Unread(str(error).splitlines()[0][:120]) from None
        found = [tree for tree in trees if tree is not None]
        if len(found) != 1:
            raise Harmful("the call holds more than one statement", "Send one statement a call.")
        return found[0]

    def read(text: str) -> Reading:
        return _whole(text, dialect) or _query(text, dialect, parse)

    return read


def _where(error: ParseError) -> str:
    first = error.errors[0] if error.errors else {}
    near = str(first.get("highlight") or "")[:40]
    said = str(first.get("description") or "its syntax is not known").rstrip(".")[:120]
    return f'{said}, near "{near}"' if near else said


def _whole(text: str, dialect: Dialect) -> Reading | None:
    """Read what is judged by its words: SHOW, DESCRIBE and PRAGMA."""
    word = text.lstrip()[:9].upper()
    if word.startswith("PRAGMA"):
        found = PRAGMA.fullmatch(text)
        if found is None or found[1].lower() not in (dialect.pragmas_of if found[2] else dialect.pragmas):
            raise Harmful("this PRAGMA may change the database", "Ask for the schema with describe_tables.")
        return Reading("pragma")
    if not word.startswith(("SHOW", "DESC", "EXPLAIN", "SUMMARIZE")):
        return None
    if dialect.show is not None and (shown := dialect.show.fullmatch(text)) is not None:
        where = shown.groupdict().get("where")
        if where is None:
            return Reading("show")
        return _as("show", reader(dialect)(f"SELECT 1 FROM shown WHERE {where}"))
    if dialect.describe is not None and (described := dialect.describe.fullmatch(text)) is not None:
        name = described.groupdict().get("relation") or ""
        parts = tuple(part.strip("\"'") for part in re.findall(r"\"[^\"]*\"|'[^']*'|[^.]+", name))
        return Reading("describe", relations=(Relation(parts, name != name.strip("\"'")),) if parts else ())
    if word.startswith("SHOW"):
        raise Harmful("this SHOW is not known as one that only reads", "Ask the catalog with a SELECT.")
    return None


def _as(kind: str, reading: Reading) -> Reading:
    return Reading(kind, reading.functions, reading.relations, reading.columns)


def _query(text: str, dialect: Dialect, parse: Callable[[str], exp.Expr]) -> Reading:
    """Read a query, or what EXPLAIN explains and DESCRIBE describes of one."""
    kind = "select"
    for kind_of, words in (("explain", dialect.explain), ("describe", dialect.describes)):
        if words is not None and (prefix := words.match(text)) is not None:
            kind, text = kind_of, text[prefix.end() :]
            break
    root = parse(text)
    name = type(root).__name__
    if name not in ROOTS:
        reason, hint = REASONS.get(name, (f"{_spelled(name)} is not a statement that reads", "Send a SELECT."))
        raise Harmful(reason, hint)
    return _Walk(text, dialect).read(kind, root)


def _spelled(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).upper()


class _Walk:
    """One walk over one tree."""

    def __init__(self, text: str, dialect: Dialect) -> None:
        self.text = text
        self.dialect = dialect
        self.functions: list[Called] = []
        self.tables: list[exp.Table] = []
        self.columns: set[str] = set()
        self.qualified: list[exp.Column] = []
        self.schemas: dict[int, str] = {}
        """What stands before a function, by the function's id; known before the walk comes to the function."""
        self.ctes: set[str] = set()

    def read(self, kind: str, root: exp.Expr) -> Reading:
        classes, stack = _classes(), [root]
        while stack:
            node = stack.pop()
            name = classes.get(type(node))
            if name is None:
                found = type(node).__name__
                raise Harmful(
                    *REASONS.get(
                        found,
                        (f"{_spelled(found)} is not known as something that only reads", "Write it in plainer SQL."),
                    )
                )
            handler = HANDLERS.get(name)
            if handler is not None and handler(self, node):
                continue
            if name not in NAMES:
                self._call(node)
            stack.extend(node.iter_expressions())
        relations = tuple(self._relations())
        for column in self.qualified:
            self._bare_call(column)
        return Reading(kind, tuple(self.functions), relations, tuple(sorted(self.columns)))

    def fold(self, name: exp.Expr) -> str:
        """Return a name as the dialect folds it."""
        text = name.name
        folds = self.dialect.folds
        if folds == "none":
            return text.lower()
        if name.args.get("quoted"):
            return text
        return text.lower() if folds == "lower" else text.upper()

    def plain(self, name: str, *, quoted: bool) -> str:
        """Return the name of a function in lower case, unless its quotes make it another one."""
        other = quoted and (
            (self.dialect.folds == "upper" and name != name.upper())
            or (self.dialect.folds == "lower" and name != name.lower())
        )
        return f'"{name}"' if other else name.lower()

    # What is called

    def _call(self, node: exp.Expr) -> None:
        """Note a call, by the name that stands in the text."""
        schema = self.schemas.get(id(node))
        start, end = node.meta_get("start"), node.meta_get("end")
        if start is not None and CALLS.match(self.text, end + 1):
            written = self.text[start : end + 1]
            bare = written.strip('"`[]')
            name = self.plain(bare, quoted=bare != written)
        elif isinstance(node, exp.Anonymous):
            name = node.name.lower()
        elif schema is not None and isinstance(node, exp.Func):
            name = node.sql_name().lower()
        else:
            return
        size = _size(node) if name in self.dialect.generators else None
        self.functions.append(Called(name, schema or "", size))

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
        """A dot before a call qualifies it; before a name it takes a field, or calls a function on the value."""
        last = node.args["expression"]
        while type(last).__name__ in WRAPPERS:
            last = last.this
        if isinstance(last, exp.Func):
            self.schemas[id(last)] = self._chain(node.this)
        elif isinstance(last, exp.Identifier):
            self.columns.add(last.name.lower())
        return False

    def column(self, node: exp.Expr) -> bool:
        self.columns.add(node.name.lower())
        if node.args.get("table") is not None and (self.dialect.bare_calls or node.name.lower() in ADVANCING):
            self.qualified.append(node)  # pyright: ignore[reportArgumentType] - only a Column comes here
        return False

    def _bare_call(self, column: exp.Column) -> None:
        """A qualifier that names no source of the query may be a package or a sequence, and the column a function."""
        table, schema = column.table.lower(), column.text("db").lower()
        if column.name.lower() in ADVANCING or not any(
            table == name and (not schema or schema == of_schema) for name, of_schema in self._sources(column)
        ):
            self.functions.append(Called(column.name.lower(), f"{schema}.{table}" if schema else table))

    def _sources(self, node: exp.Expr) -> Iterator[tuple[str, str]]:
        """Name the sources that a column may belong to, with their schemas."""
        above = node.parent
        while above is not None:
            if isinstance(above, (exp.MatchRecognize, exp.Pivot)):
                yield node.args["table"].name.lower(), ""  # pattern variables are names of their own
            if isinstance(above, exp.Select):
                joined = [join.this for join in above.args.get("joins") or ()]
                laterals = above.args.get("laterals") or ()
                source = above.args.get("from_")
                for each in (*([source.this] if source is not None else ()), *joined, *laterals):
                    yield from self._names(each)
            above = above.parent
        yield "prior", ""

    def _names(self, source: exp.Expr) -> Iterator[tuple[str, str]]:
        yield source.alias_or_name.lower(), "" if source.alias else source.text("db").lower()
        for pivot in source.args.get("pivots") or ():
            yield pivot.alias.lower(), ""
        for join in source.args.get("joins") or ():
            yield from self._names(join.this)
        if isinstance(source, (exp.Paren, exp.Subquery)) and isinstance(source.this, exp.Table):
            yield from self._names(source.this)

    # What is read

    def table(self, node: exp.Expr) -> bool:
        inner = node.this
        if isinstance(inner, exp.Func) or type(inner).__name__ in WRAPPERS:
            while type(inner).__name__ in WRAPPERS:
                inner = inner.this
            if schema := ".".join(part for key in ("catalog", "db") if (part := node.text(key).lower())):
                self.schemas[id(inner)] = schema
        elif isinstance(inner, exp.Dot) and any(isinstance(part, exp.Func) for part in inner.flatten()):
            pass  # the dot notes the call
        elif isinstance(inner, (exp.Var, exp.Parameter, exp.Placeholder, exp.SessionParameter)):
            raise Harmful("a variable or a stage stands where a table is read", "Name a table of this database.")
        elif inner is not None:
            self.tables.append(node)  # pyright: ignore[reportArgumentType] - only a Table comes here
        return False

    def _relations(self) -> Iterator[Relation]:
        for table in self.tables:
            parts = [part for each in table.parts for part in self._parts(each)]
            names = tuple(self.fold(part) if isinstance(part, exp.Identifier) else part.name for part in parts)
            if len(names) == 1 and names[0] in self.ctes and names[0].lower() not in self.dialect.secrets:
                if self._is_cte(table, names[0]):
                    continue
            quoted = any(part.args.get("quoted") or isinstance(part, exp.Literal) for part in parts)
            yield Relation(names, quoted)

    def _parts(self, node: exp.Expr) -> Iterator[exp.Expr]:
        if isinstance(node, exp.Dot):
            yield from self._parts(node.this)
            yield from self._parts(node.expression)
        else:
            yield node

    def _is_cte(self, table: exp.Expr, name: str) -> bool:
        """Whether a WITH around the table defines the name before it, or around itself when it recurs."""
        inside: exp.Expr | None = None
        above: exp.Expr | None = table
        while above is not None:
            if isinstance(above, exp.CTE):
                inside = above
            of = above.args.get("with_")
            if of is None and isinstance(above, exp.With):
                of = above
            if of is not None:
                for cte in of.expressions:
                    itself = cte is inside
                    if itself and not self._recurs(of, cte):
                        break
                    if self.fold(cte.args["alias"].this) == name:
                        return True
                    if itself:
                        break
            above = above.parent
        return False

    def _recurs(self, with_: exp.Expr, cte: exp.Expr) -> bool:
        match self.dialect.recursion:
            case "always":
                return True
            case "columns":
                return bool(cte.args["alias"].args.get("columns") or with_.args.get("recursive"))
            case _:
                return bool(with_.args.get("recursive"))

    def cte(self, node: exp.Expr) -> bool:
        """Note the name, and refuse a recursive term that nothing can stop."""
        name = node.args["alias"].this
        self.ctes.add(self.fold(name))
        body = node.this
        while isinstance(body, (exp.Subquery, exp.Paren)):
            body = body.this
        outer = node.parent.parent if node.parent is not None else None
        if isinstance(body, exp.Union) and (outer is None or outer.args.get("limit") is None):
            term = body.expression
            while isinstance(term, (exp.Subquery, exp.Paren)):
                term = term.this
            if isinstance(term, exp.Select) and body.args.get("limit") is None and self._endless(term, self.fold(name)):
                raise Harmful(
                    "the recursive query has no condition that stops it", "Add a WHERE to its recursive part."
                )
        return False

    def _endless(self, term: exp.Select, name: str) -> bool:
        source = term.args.get("from_")
        joins = term.args.get("joins") or []
        read = [source.this, *(join.this for join in joins)] if source is not None else []
        if not any(
            isinstance(each, exp.Table) and isinstance(each.this, exp.Identifier) and self.fold(each.this) == name
            for each in read
        ):
            return False
        if any(term.args.get(key) for key in ("limit", "having", "qualify", "laterals", "connect", "group", "fetch")):
            return False
        stops = [term.args.get("where"), *(join.args.get("on") for join in joins)]
        if any(join.args.get("using") or join.args.get("method") for join in joins):
            return False
        if any(not isinstance(each, exp.Table) for each in read):
            return False
        return not any(stop is not None and stop.find(exp.Column) for stop in stops)

    # What changes something, or might

    def variable(self, node: exp.Expr) -> bool:
        if self.dialect.assigns:
            raise Harmful("a variable is assigned", "Leave the assignment away.")
        return False

    def select(self, node: exp.Expr) -> bool:
        if self.dialect.assigns and any(
            isinstance(each, exp.EQ) and isinstance(each.this, (exp.Parameter, exp.SessionParameter))
            for each in node.expressions
        ):
            raise Harmful("a variable is assigned", "Leave the assignment away.")
        return False

    def hints(self, node: exp.Expr) -> bool:
        for hint in node.expressions:
            if hint.name.upper() not in self.dialect.table_hints:
                raise Harmful(f"the table hint {hint.name[:40]} may take locks", "Leave it away.")
        return True


def _size(call: exp.Expr) -> int | None:
    """Return the largest whole number among the arguments, products and powers of written numbers included."""
    sizes = [size for node in call.walk() if (size := _value(node)) is not None]
    return int(max(sizes)) if sizes else None


def _value(node: exp.Expr | None) -> float | None:
    match node:
        case exp.Literal():
            try:
                return min(float(node.name), 1e30)
            except ValueError:
                return None
        case exp.Paren() | exp.Cast() | exp.TryCast():
            return _value(node.this)
        case exp.Neg():
            return None if (value := _value(node.this)) is None else -value
        case exp.Add() | exp.Mul() | exp.Pow() | exp.BitwiseLeftShift():
            left, right = _value(node.this), _value(node.expression)
            if left is None or right is None:
                return None
            if isinstance(node, exp.Add):
                return left + right
            if isinstance(node, exp.Mul):
                return left * right
            return (
                min(abs(left) ** min(right, 30), 1e30) if isinstance(node, exp.Pow) else left * 2.0 ** min(right, 100)
            )
        case _:
            return None


HANDLERS: Final[dict[str, Callable[[_Walk, exp.Expr], bool]]] = {
    "Dot": _Walk.dot,
    "Column": _Walk.column,
    "Table": _Walk.table,
    "CTE": _Walk.cte,
    "PropertyEQ": _Walk.variable,
    "Select": _Walk.select,
    "WithTableHint": _Walk.hints,
}
"""What is done besides walking on; True leaves out what is below."""
