"""How much a call asks for, as far as it is written out."""

from collections.abc import Callable
from contextlib import suppress
from typing import Final

from sqlglot import exp

HUGE: Final = 1e30
MOST_POWER: Final = 100.0

COMPUTED: Final[dict[type, Callable[[float, float], float]]] = {
    exp.Add: lambda left, right: left + right,
    exp.Mul: lambda left, right: left * right,
    exp.Pow: lambda left, right: _power(abs(left), right),
    exp.BitwiseLeftShift: lambda left, right: left * _power(2.0, right),
}


def largest(call: exp.Expr) -> int | None:
    """Return the largest whole number among the arguments, sums, products and powers of such included."""
    sizes = [size for node in call.walk() if (size := _value(node)) is not None]
    return int(max(sizes)) if sizes else None


def _power(base: float, exponent: float) -> float:
    try:
        return base ** min(exponent, MOST_POWER)
    except (OverflowError, ZeroDivisionError):
        return HUGE


def _value(node: exp.Expr | None) -> float | None:
    if node is None:
        return None
    if isinstance(node, exp.Literal):
        with suppress(ValueError):
            return min(float(node.name), HUGE)
    elif isinstance(node, (exp.Paren, exp.Cast, exp.TryCast)):
        return _value(node.this)
    elif (compute := COMPUTED.get(type(node))) is not None:
        left, right = _value(node.this), _value(node.args.get("expression"))
        if left is not None and right is not None:
            return min(compute(left, right), HUGE)
    return None
