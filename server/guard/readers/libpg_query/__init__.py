"""Reads a statement with libpg_query, the parser of the server itself, through pglast.

The text is read as the server reads it with `standard_conforming_strings = on`, which the connection pins when it
opens; names are folded and cut at 63 bytes as the server does. What is known to be harmless passes (see `tree.SHAPES`),
all else is refused by name.

What no parser can see, and who closes it:
- `t.f` and `(row).f` are a column or the call of a function f of a row: the text does not tell which. Their names are
  among `Reading.columns`, for rules about names; functions that users made are closed by the read-only transaction and
  the login.
- An operator, a cast or a default collation may be a user's and run the user's function; so may a view or a row policy.
  Operators are refused where a schema of a user's stands in front; the rest is the `search_path` that the connection
  pins, the read-only transaction and the login.
"""

import re
from collections.abc import Callable
from typing import Final, cast

from ...dialects import Dialect
from ...reading import Called, Harmful, Reader, Reading, Relation, Unread
from .recursion import bounded, endless
from .sizes import Sizes
from .tree import LEAF, NODES, SHAPES, Fields, load, names

Scope = tuple["Scope", dict[str, int], int] | None
"""What names a CTE here: the scope around, the places of the CTEs of a WITH, and how many of them are in reach."""

ONLY_READS: Final = "Send a SELECT, VALUES, TABLE or SHOW, or EXPLAIN of one of them."
SYSTEM: Final = "pg_catalog"
SAMPLES: Final = frozenset({"system", "bernoulli"})
"""The server's own sampling methods."""

MOST_ENDLESS: Final = 1
"""Recursive queries without an end that a LIMIT outside may excuse: looking for it goes over the whole statement."""

EXPLAINED: Final = frozenset(
    {
        "analyze", "verbose", "costs", "settings", "generic_plan", "buffers", "serialize", "wal", "timing", "summary",
        "memory", "format", "debug", "range_table",
    }
)  # fmt: skip
"""Options of EXPLAIN; the last two are of an extension that comes with the server."""

WORDS: Final = {
    "AlterDatabaseSetStmt": "ALTER DATABASE",
    "AlterRoleSetStmt": "ALTER ROLE",
    "CheckPointStmt": "CHECKPOINT",
    "ClosePortalStmt": "CLOSE",
    "ConstraintsSetStmt": "SET CONSTRAINTS",
    "CreateStmt": "CREATE TABLE",
    "CreateTableAsStmt": "CREATE TABLE AS",
    "CreatedbStmt": "CREATE DATABASE",
    "DefineStmt": "CREATE",
    "DropdbStmt": "DROP DATABASE",
    "IndexStmt": "CREATE INDEX",
    "RefreshMatViewStmt": "REFRESH MATERIALIZED VIEW",
    "RenameStmt": "ALTER … RENAME",
    "RuleStmt": "CREATE RULE",
    "SecLabelStmt": "SECURITY LABEL",
    "TransactionStmt": "Transaction control (BEGIN, COMMIT, ROLLBACK …)",
    "VacuumStmt": "VACUUM or ANALYZE",
    "VariableSetStmt": "SET or RESET",
    "ViewStmt": "CREATE VIEW",
}
"""Statements whose node is not called as they are."""


PLAIN: Final = re.compile(r"[^\W\d][\w$]*")


def _worded(kind: str) -> str:
    return WORDS.get(kind) or re.sub(r"(?<=[a-z])(?=[A-Z])", " ", kind.removesuffix("Stmt")).upper()


def _refusal(kind: str) -> Harmful:
    if kind.endswith("Stmt"):
        return Harmful(f"{_worded(kind)} is not a read", ONLY_READS)
    return Harmful(
        f"The statement holds a part that is not on the list of harmless ones: {kind}", "Write it without that part."
    )


def _exact(name: str) -> str:
    """Return the name, quoted unless it is plain: "LOWER" and "x.lower" are a user's, never taken for lower."""
    return name if PLAIN.fullmatch(name) and name == name.lower() else f'"{name}"'


def _is_cte(name: str, scope: Scope) -> bool:
    while scope is not None:
        scope, places, reach = scope
        if places.get(name, reach) < reach:
            return True
    return False


class _Walk:
    """One pass over the tree, outermost first; visits gather the facts."""

    def __init__(self) -> None:
        self.calls: list[Fields] = []
        self.methods: list[Called] = []
        self.relations: dict[Relation, None] = {}
        self.columns: dict[str, None] = {}
        self.endless = 0
        self.work: list[tuple[str, Fields, Scope]] = []

    def over(self, kind: str, fields: Fields) -> None:
        self.work.append((kind, fields, None))
        for node, here, outside in self.work:
            shape = SHAPES.get(node)
            if shape is None:
                raise _refusal(node)
            visit = VISITS.get(node)
            scope = visit(self, here, outside) if visit else outside
            for field, value in here.items():
                within = shape.get(field)
                if within is LEAF:
                    continue
                if within is NODES:
                    for part in cast("list[Fields]", value if isinstance(value, list) else [value]):
                        for name, inner in part.items():
                            self.work.append((name, inner, scope))
                elif within is None:
                    raise _unlisted(node, field)
                else:
                    self.work.append((within, value, scope))

    def select(self, fields: Fields, outside: Scope) -> Scope:
        """Open WITH: which names mean its queries depends on where one stands."""
        clause = fields.get("withClause")
        if clause is None:
            return outside
        if unlisted := clause.keys() - SHAPES["WithClause"].keys():
            raise _unlisted("WithClause", unlisted.pop())
        ctes: list[Fields] = [cte["CommonTableExpr"] for cte in clause["ctes"]]
        places = {cte["ctename"]: place for place, cte in enumerate(ctes)}
        for place, cte in enumerate(ctes):
            reach = len(ctes) if clause.get("recursive") else place
            self.work.append(("CommonTableExpr", cte, (outside, places, reach)))
            if clause.get("recursive") and endless(cte):
                self.endless += 1
                if self.endless <= MOST_ENDLESS and bounded(cte, fields):
                    continue
                raise Harmful(
                    f'The recursive query "{cte["ctename"]}" has no condition that could end it',
                    "Give its recursive part a WHERE that becomes false, such as n < 100.",
                )
        return outside, places, len(ctes)

    def cte(self, fields: Fields, outside: Scope) -> Scope:
        for kind in fields["ctequery"]:
            if kind != "SelectStmt":
                raise Harmful(f"{_worded(kind)} inside of WITH is not a read", ONLY_READS)
        return outside

    def relation(self, fields: Fields, outside: Scope) -> Scope:
        parts = [fields[part] for part in ("catalogname", "schemaname", "relname") if part in fields]
        if len(parts) > 1 or not _is_cte(parts[0], outside):
            self.relations[Relation(tuple(parts))] = None
        return outside

    def column(self, fields: Fields, outside: Scope) -> Scope:
        for name in names(fields["fields"])[-1:]:
            self.columns[name.lower()] = None
        return outside

    def attribute(self, fields: Fields, outside: Scope) -> Scope:
        for name in names(fields["indirection"]):
            self.columns[name.lower()] = None
        return outside

    def join(self, fields: Fields, outside: Scope) -> Scope:
        for name in names(fields.get("usingClause", [])):
            self.columns[name.lower()] = None
        return outside

    def call(self, fields: Fields, outside: Scope) -> Scope:
        self.calls.append(fields)
        return outside

    def sample(self, fields: Fields, outside: Scope) -> Scope:
        """Gather a sampling method: a function that is named without parentheses of its own."""
        *schema, name = names(fields["method"])
        if name not in SAMPLES or schema not in ([], [SYSTEM]):
            self.methods.append(Called(_exact(name), ".".join(map(_exact, schema))))
        return outside

    def operator(self, fields: Fields, outside: Scope) -> Scope:
        for key in ("name", "operName", "useOp"):
            *schema, name = names(fields.get(key, [])) or [""]
            if schema not in ([], [SYSTEM]):
                raise Harmful(
                    f"The operator {'.'.join(schema)}.{name} is a user's and may run any function",
                    "Use the operator without OPERATOR(…), or a function that this connection allows.",
                )
        return outside

    def functions(self) -> tuple[Called, ...]:
        """Return the calls with their sizes; the innermost are measured first, so that nothing is looked at twice."""
        sizes = Sizes()
        for call in reversed(self.calls):
            sizes.measure(call)
        found = dict[Called, None]()
        for call in self.calls:
            *schema, name = names(call["funcname"])
            found[Called(_exact(name), ".".join(map(_exact, schema)), sizes.known[id(call)])] = None
        return (*found, *self.methods)


def _unlisted(node: str, field: str) -> Harmful:
    match node, field:
        case "SelectStmt", "intoClause":
            return Harmful("SELECT … INTO makes a table", "Leave INTO out: the rows come back as the result.")
        case "SelectStmt", "lockingClause":
            return Harmful("FOR UPDATE and FOR SHARE lock rows", "Leave the locking clause out.")
        case _:
            return _refusal(f"{node}.{field}")


Visit = Callable[[_Walk, Fields, Scope], Scope]
VISITS: Final[dict[str, Visit]] = {
    "SelectStmt": _Walk.select,
    "CommonTableExpr": _Walk.cte,
    "RangeVar": _Walk.relation,
    "ColumnRef": _Walk.column,
    "A_Indirection": _Walk.attribute,
    "JoinExpr": _Walk.join,
    "FuncCall": _Walk.call,
    "RangeTableSample": _Walk.sample,
    "A_Expr": _Walk.operator,
    "SubLink": _Walk.operator,
    "SortBy": _Walk.operator,
}


def _statement(tree: Fields) -> Reading:
    match tree["stmts"]:
        case [{"stmt": statement}]:
            pass
        case []:
            raise Harmful("The statement is empty", "Send one SQL statement.")
        case _:
            raise Harmful("The call holds more than one statement", "Send one statement a call.")
    match statement:
        case {"VariableShowStmt": {"name": name, **more}} if not more:
            return Reading("show", columns=(name.lower(),))
        case {"ExplainStmt": {"query": explained, **more}}:
            kind = "explain"
            _options(more)
        case explained:
            kind = "select"
    walk = _Walk()
    for root, fields in explained.items():
        if root != "SelectStmt":
            raise _refusal(root)
        walk.over(root, fields)
    return Reading(kind, walk.functions(), tuple(walk.relations), tuple(walk.columns))


def _options(fields: Fields) -> None:
    if unlisted := fields.keys() - {"options"}:
        raise _unlisted("ExplainStmt", unlisted.pop())
    for option in fields.get("options", []):
        if (name := option["DefElem"]["defname"]) not in EXPLAINED:
            raise Harmful(f"EXPLAIN has no option {name} that is known to be harmless", "Leave the option out.")


def reader(dialect: Dialect) -> Reader:
    """Return a function that reads one statement of the dialect."""
    from pglast.parser import ParseError, parse_sql_json

    del dialect  # libpg_query reads one

    def read(text: str) -> Reading:
        if "\0" in text:
            raise Unread("it holds a NUL character")
        try:
            tree = load(parse_sql_json(text))
        except ParseError as error:
            raise Unread(_where(error)) from None
        except RecursionError:
            raise Unread("it is nested too deeply") from None
        except UnicodeEncodeError:
            raise Unread("it holds half of a surrogate pair") from None
        return _statement(tree)

    return read


def _where(error: Exception) -> str:
    message, place = (*error.args, None, None)[:2]
    if "exhausted" in str(message) or "stack depth" in str(message):
        return "it is nested too deeply"
    words = re.sub(r'"(.{40}).+"', r'"\1…"', str(message), flags=re.DOTALL)
    return words if place is None else f"{words}, at character {place + 1}"
