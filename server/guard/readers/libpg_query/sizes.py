"""How large a call's arguments are, as far as the text proves it: `generate_series(1, 10 ^ 9)` makes 10⁹ rows."""

import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from math import isfinite, prod
from operator import add, mul, sub
from typing import Any, Final, cast

from .tree import Fields, names

Value = int | float | str
MOST: Final = 10**30
"""No size is given larger than this."""
DEEPEST: Final = 40
"""Operators within one another that are computed, at most; what is deeper counts by its literals."""

NUMBERS: Final = frozenset({"int2", "int4", "int8", "float4", "float8", "numeric", "oid", "money"})
"""Types of numbers, by the names that the parser gives them."""
LONGEST_INTERVAL: Final = 60
"""Characters of an interval that is understood, at most: its patterns go over a text many times."""
COMPARISONS: Final = frozenset({"=", "<>", "<", ">", "<=", ">="})
COMPUTED: Final = frozenset({"A_Const", "A_Expr", "TypeCast", "FuncCall"})
UNSIZED: Final = frozenset(
    {"whereClause", "havingClause", "quals", "agg_filter", "sortClause", "groupClause", "over", "typeName"}
)
"""Parts of an argument whose numbers say nothing of its size."""

UNITS: Final = {
    "microsecond": 1e-6, "us": 1e-6, "millisecond": 1e-3, "ms": 1e-3, "second": 1, "sec": 1, "s": 1,
    "minute": 60, "min": 60, "m": 60, "hour": 3600, "h": 3600, "day": 86400, "d": 86400, "week": 604800, "w": 604800,
    "month": 2.6e6, "mon": 2.6e6, "year": 3.15e7, "y": 3.15e7, "decade": 3.15e8, "century": 3.15e9,
}  # fmt: skip


class Sizes:
    """The sizes of a statement's calls; every part is computed once."""

    def __init__(self) -> None:
        self.values: dict[int, Value | None] = {}
        self.known: dict[int, int | None] = {}

    def measure(self, call: Fields) -> int | None:
        """Return the size of a call; those among its arguments are measured before."""
        self.known[id(call)] = found = self._size(call)
        return found

    def literal(self, node: Fields) -> int | None:
        """Return a constant's size."""
        return _number(self._value(node), texts=True)

    def _size(self, call: Fields) -> int | None:
        name = names(call["funcname"])[-1]
        args: list[Fields] = call.get("args", [])
        series = name.startswith("generate_series")
        if series and (span := _span([self._value(arg) for arg in args])) is not None:
            return span
        if name == "array_fill" and len(args) > 1 and "A_ArrayExpr" in args[1]:
            sides = [self._largest(side, texts=True) for side in args[1]["A_ArrayExpr"].get("elements", [])]
            return min(prod(side or 1 for side in sides), MOST)
        found = [self._largest(arg, texts=series or place == 1) for place, arg in enumerate(args)]
        if name == "repeat" and len(args) == 2 and "FuncCall" in args[0]:  # noqa: PLR2004 - a text, and how often
            return min((found[0] or 1) * (found[1] or 1), MOST)
        return max((number for number in found if number is not None), default=None)

    def _largest(self, arg: Fields, *, texts: bool) -> int | None:
        largest: int | None = None
        work: list[Any] = [arg]
        for part in work:
            if isinstance(part, list):
                work.extend(cast("list[Any]", part))
            elif isinstance(part, dict):
                for kind, fields in cast("Fields", part).items():
                    here = _number(self._value({kind: fields}), texts=texts) if kind in COMPUTED else None
                    if here is None and kind == "FuncCall":
                        here = self.known.get(id(fields))
                    elif here is None and kind not in UNSIZED:
                        work.extend(_sized(kind, fields))
                    if here is not None and (largest is None or here > largest):
                        largest = here
        return largest

    def _value(self, node: Fields, depth: int = 0) -> Value | None:
        """Compute a constant expression; None if it is not constant, or not computed here."""
        key = id(next(iter(node.values()), node))
        if depth < DEEPEST and key not in self.values:
            self.values[key] = self._compute(node, depth + 1)
        return self.values.get(key)

    def _compute(self, node: Fields, depth: int) -> Value | None:
        match node:
            case {"A_Const": constant}:
                return _constant(constant)
            case {"TypeCast": {"arg": arg, "typeName": {"names": type_names}}}:
                value = self._value(arg, depth)
                return _parsed(value) if isinstance(value, str) and names(type_names)[-1] in NUMBERS else value
            case {"A_Expr": {"kind": "AEXPR_OP", "name": operator, "lexpr": left, "rexpr": right}}:
                return _computed(names(operator)[-1], [self._value(left, depth), self._value(right, depth)])
            case {"A_Expr": {"kind": "AEXPR_OP", "name": operator, "rexpr": right}}:
                return _computed(names(operator)[-1], [self._value(right, depth)])
            case {"FuncCall": {"funcname": function, "args": args}}:
                name = names(function)[-1]
                return _computed(name, [self._value(arg, depth) for arg in args]) if name in CALLED else None
            case _:
                return None


def _sized(kind: str, fields: Any) -> Iterable[Any]:  # noqa: ANN401 - what JSON holds
    """Yield the parts of a node whose numbers may be its size."""
    if kind == "CaseWhen":
        return (fields["result"],)
    if kind == "A_Expr" and COMPARISONS.issuperset(names(fields["name"])):
        return ()
    if kind in COMPUTED:
        return fields.values() if kind != "A_Const" else ()
    return (fields,)


def _number(value: Value | None, *, texts: bool) -> int | None:
    if isinstance(value, str):
        value = _parsed(value) if texts else None
    if value is None:
        return None
    return min(int(abs(value)), MOST) if isinstance(value, int) or isfinite(value) else MOST


def _parsed(text: str) -> int | float | None:
    """Read a number as the server does: 10, 1_000, 0xFF, 1e9."""
    text = text.strip().replace("_", "").lower()
    if re.fullmatch(r"[+-]?0(x[0-9a-f]+|o[0-7]+|b[01]+)", text):
        return int(text, 0)
    if re.fullmatch(r"[+-]?[0-9]{1,400}", text):
        return int(text)
    return float(text) if re.fullmatch(r"[+-]?([0-9]++(\.[0-9]*+)?|\.[0-9]++)(e[+-]?[0-9]++)?", text) else None


def _power(base: float, exponent: float) -> float:
    try:
        return float(base) ** float(exponent)
    except (OverflowError, ZeroDivisionError):
        return float(MOST)


def _shifted(number: float, places: float) -> float:
    return int(number) << int(places) if 0 <= places < 64 else number  # noqa: PLR2004 - bits of the widest integer


OPERATORS: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "+": add, "-": sub, "*": mul, "/": lambda a, b: a / b, "^": _power, "<<": _shifted,
    "power": _power, "pow": _power, "dpow": _power, "numeric_power": _power, "int4mul": mul, "int8mul": mul,
    "numeric_mul": mul, "float8mul": mul, "int4shl": _shifted, "int8shl": _shifted,
}  # fmt: skip
CALLED: Final = frozenset({name for name in OPERATORS if name.isidentifier()} | {"abs"})


def _constant(constant: Fields) -> Value | None:
    match constant:
        case {"ival": number}:
            return number.get("ival", 0)
        case {"fval": number}:
            return _parsed(number["fval"])
        case {"sval": text}:
            return text.get("sval", "")
        case {"bsval": bits}:
            text = bits.get("bsval", "b")
            digits, base = text[1:] or "0", 16 if text[0] == "x" else 2
            pattern = "[0-9a-fA-F]+" if base == 16 else "[01]+"  # noqa: PLR2004 - x'…' or b'…'
            return int(digits[:400], base) if re.fullmatch(pattern, digits) else None
        case _:
            return None


def _computed(operator: str, values: list[Value | None]) -> Value | None:
    if operator == "||":
        return None if None in values else "".join(map(str, values))[:400]
    match [_parsed(value) if isinstance(value, str) else value for value in values]:
        case [int() | float() as one] if operator in {"+", "-", "abs"}:
            return {"+": one, "-": -one, "abs": abs(one)}[operator]
        case [int() | float() as left, int() | float() as right] if operator in OPERATORS:
            try:
                result = OPERATORS[operator](left, right)
            except (ArithmeticError, ValueError):
                return None
            return max(-MOST, min(result, MOST))
        case _:
            return None


def _span(values: list[Value | None]) -> int | None:
    """Count the rows of a series from one constant to another."""
    if not 2 <= len(values) <= 4:  # noqa: PLR2004 - start, stop, step, zone
        return None
    ends = [_number_or_time(value) for value in values[:2]]
    step = 1 if len(values) == 2 else _step(values[2])  # noqa: PLR2004 - no step is given
    if ends[0] is None or ends[1] is None or not step:
        return None
    rows = abs(ends[1] - ends[0]) / abs(step) + 1
    return min(int(rows), MOST) if isfinite(rows) else MOST


def _number_or_time(value: Value | None) -> float | None:
    if not isinstance(value, str):
        return value
    if (number := _parsed(value)) is not None:
        return number
    try:
        moment = datetime.fromisoformat(value.strip())
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _step(value: Value | None) -> float | None:
    """Count the seconds of an interval; a plain number stays."""
    if not isinstance(value, str):
        return value
    if (number := _parsed(value)) is not None:
        return number
    if len(value) > LONGEST_INTERVAL:
        return None
    parts = re.findall(r"([+-]?[0-9]*\.?[0-9]+)\s*([a-z]+)", value.lower())
    units = [UNITS.get(unit) or UNITS.get(unit.removesuffix("s")) for _, unit in parts]
    if not parts or None in units or re.sub(r"[+-]?[0-9]*\.?[0-9]+\s*[a-z]+|\s", "", value.lower()):
        return None
    return sum(float(number) * (unit or 0) for (number, _), unit in zip(parts, units, strict=True))
