"""How much an expression over constants may come to."""

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Final

from .parser import Node

WHOLE: Final = re.compile(r"[+-]?\d[\d_]{0,40}")

HUGE: Final = 10**30

MULTIPLYING: Final[dict[str, Callable[[int, int], int]]] = {
    "*": lambda one, other: max(one, 1) * max(other, 1),
    "+": lambda one, other: one + other,
    "**": lambda one, other: max(one, 2) ** min(other, 100),
    "^": lambda one, other: max(one, 2) ** min(other, 100),
    "<<": lambda one, other: max(one, 1) << min(other, 100),
}


def number_of(constant: Node) -> int:
    literal: Node = constant.get("literal") or {}
    text = str(literal.get("text", ""))
    match literal.get("kind"):
        case "INTEGER":
            return min(abs(int(text)), HUGE) if WHOLE.fullmatch(text) else HUGE
        case "NUMERIC":
            number = abs(Decimal(text.replace("_", "")))
            return HUGE if number > HUGE else int(number)
        case _:
            return 0


def written(child: Node) -> int:
    """Return the number that a cast makes of a text."""
    literal: Node = child.get("literal") or {}
    text = str(literal.get("text", "")).strip()
    return min(abs(int(text)), HUGE) if literal.get("kind") == "STRING" and WHOLE.fullmatch(text) else 0
