"""Exact JSON forms of values, one encoding for all engines.

NULL is null. Integers beyond 2^53 - 1 and all decimals are strings with every digit, floats are numbers (NaN and
infinities their names), timestamps ISO 8601 with the offset that the engine gave and none invented, intervals ISO 8601,
bytes base64, arrays arrays; whatever is unknown is its text.
"""

import base64
import datetime as dt
import math
from collections.abc import Mapping
from decimal import Decimal
from typing import cast

from ...model import Cell

EXACT = 2**53 - 1
"""The largest integer that every JSON reader keeps."""


def integer(value: object) -> Cell:
    number = cast("int", value)
    return number if -EXACT <= number <= EXACT else str(number)


def floating(value: object) -> Cell:
    number = cast("float", value)
    if math.isfinite(number):
        return number
    return "NaN" if math.isnan(number) else "Infinity" if number > 0 else "-Infinity"


def decimal(value: object) -> Cell:
    return format(cast("Decimal", value), "f")


def binary(value: object) -> Cell:
    return base64.b64encode(cast("bytes", value)).decode("ascii")


def temporal(value: object) -> Cell:
    return cast("dt.date | dt.time", value).isoformat()


def duration(value: object) -> Cell:
    span = cast("dt.timedelta", value)
    micros = (span.days * 86_400 + span.seconds) * 1_000_000 + span.microseconds
    sign, micros = ("-", -micros) if micros < 0 else ("", micros)
    seconds, rest = divmod(micros, 1_000_000)
    fraction = f".{rest:06d}".rstrip("0") if rest else ""
    return f"{sign}PT{seconds}{fraction}S"


def anything(value: object) -> Cell:  # noqa: PLR0911 - one return for each kind of value
    """Encode a value whose type only shows when it is there, nested ones too."""
    match value:
        case None | str() | bool():
            return value
        case int():
            return integer(value)
        case float():
            return floating(value)
        case Decimal():
            return decimal(value)
        case bytes() | bytearray():
            return binary(value)
        case dt.date() | dt.time():
            return temporal(value)
        case dt.timedelta():
            return duration(value)
        case list() | tuple() | set() | frozenset():
            return [anything(item) for item in cast("list[object]", value)]
        case Mapping():
            return str(cast("Mapping[object, object]", value))
        case _:
            return str(value)
