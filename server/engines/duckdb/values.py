"""How values travel: read from Arrow's buffers as they are, and turned into their exact JSON forms one by one."""

import ctypes
import datetime as dt
import json
import math
import struct
from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain, pairwise
from typing import Any, Final, Literal, cast
from uuid import UUID

from ...errors import Unsupported
from ...model import Cell, Codec
from ..base import codecs
from .arrow import CArray, Field, buffer, children

Reader = Callable[[CArray], list[Any]]
Code = Literal["b", "B", "h", "H", "i", "I", "q", "Q", "f", "d"]

BITS: Final = tuple(tuple(bool(byte >> bit & 1) for bit in range(8)) for byte in range(256))
EPOCH: Final = dt.datetime(1970, 1, 1)  # noqa: DTZ001 - timestamps without a zone have none
EPOCH_DAY: Final = dt.date(1970, 1, 1).toordinal()
MICRO: Final = 1_000_000
NANO: Final = 1_000_000_000
DAY: Final = 86_400
CENTURIES: Final = 146_097
"""Days of 400 years, after which the calendar repeats."""
WIDEST_ZONE: Final = 16 * 3_600 - 1
"""TIMETZ keeps this less its offset, in seconds."""


@dataclass(frozen=True, slots=True)
class Form:
    """How one type is read, encoded as a cell, and encoded inside a JSON text."""

    read: Reader
    codec: Codec | None = None
    inner: Callable[[Any], object] | None = None

    def cell(self, value: object) -> Cell:
        return cast("Cell", value) if value is None or self.codec is None else self.codec(value)

    def nested(self, value: object) -> object:
        return self.cell(value) if value is None or self.inner is None else self.inner(value)


def form_of(field: Field) -> Form:
    """Choose a form by the layout; raises Unsupported for a type that has no exact one."""
    form = _plain(field) if field.dictionary is None else _enumeration(field, field.dictionary)
    if field.format == "n" or field.format.startswith("+us:"):
        return form
    return Form(_nullable(form.read), form.codec, form.inner)


def _plain(field: Field) -> Form:
    kind = field.annotations.get(b"ARROW:extension:name", b"").decode()
    if kind == "arrow.opaque":
        kind = json.loads(field.annotations[b"ARROW:extension:metadata"])["type_name"]
    if kind and kind not in AS_STORED:
        if kind not in EXTENSIONS:
            raise Unsupported(kind.rpartition(".")[2])
        return EXTENSIONS[kind]
    if field.format in FORMS:
        return FORMS[field.format]
    head, _, rest = field.format.partition(":")
    if head not in MADE:
        raise Unsupported(field.format)
    return MADE[head](field, rest)


# Reading


def _fixed(code: Code) -> Reader:
    size = struct.calcsize(code)
    return lambda array: memoryview(buffer(array, 1, array.length * size)).cast(code).tolist()


def _nullable(read: Reader) -> Reader:
    def within(array: CArray) -> list[Any]:
        if array.offset:
            raise Unsupported("a slice of an array")  # allowed by the specification, never made by DuckDB
        values = read(array)
        present = buffer(array, 0, (array.length + 7) // 8) if array.null_count else b""
        if not present:
            return values
        bits = chain.from_iterable(BITS[byte] for byte in present)
        return [value if there else None for value, there in zip(values, bits, strict=False)]

    return within


def _offsets(array: CArray) -> list[int]:
    # Of an array without values there need not be any offset, not even the first.
    return memoryview(buffer(array, 1, (array.length + 1) * 4)).cast("i").tolist() if array.length else [0]


def _steps(size: int) -> Callable[[CArray], range]:
    return lambda array: range(0, (array.length + 1) * size, size)


def _texts(array: CArray) -> list[Any]:
    offsets = _offsets(array)
    data = buffer(array, 2, offsets[-1])
    if data.isascii():
        text = data.decode("ascii")
        return [text[start:end] for start, end in pairwise(offsets)]
    return [data[start:end].decode() for start, end in pairwise(offsets)]


def _binaries(array: CArray) -> list[Any]:
    offsets = _offsets(array)
    data = buffer(array, 2, offsets[-1])
    return [data[start:end] for start, end in pairwise(offsets)]


def _pieces(size: int) -> Reader:
    def read(array: CArray) -> list[Any]:
        data = buffer(array, 1, array.length * size)
        return [data[start : start + size] for start in range(0, len(data), size)]

    return read


def _booleans(array: CArray) -> list[Any]:
    return [value != 0 for value in FORMS["c"].read(array)]


def _intervals(array: CArray) -> list[Any]:
    """Read months, days and nanoseconds; DuckDB keeps microseconds, and lets large ones overflow on their way."""
    values = list(struct.iter_unpack("<iiq", buffer(array, 1, array.length * 16)))
    if any(nanos % 1_000 for _, _, nanos in values):
        raise Unsupported("interval of over 292 years in hours")
    return values


# Encoding


def _single(value: object) -> Cell:
    """Give a FLOAT the fewest digits that tell it from its neighbours: 1.1, not 1.100000023841858."""
    number = cast("float", value)
    for digits in (6, 7, 8) if math.isfinite(number) else ():
        short = float(f"{number:.{digits}g}")
        if ctypes.c_float(short).value == number:
            return short
    return codecs.floating(number)


def _decimal(precision: int, scale: int) -> Form:
    def read(array: CArray) -> list[Any]:
        words = memoryview(buffer(array, 1, array.length * 16)).cast("q").tolist()
        if precision <= 18:  # noqa: PLR2004 - the digits that one word always holds
            return words[::2]
        return [(high << 64) | (low & 0xFFFF_FFFF_FFFF_FFFF) for low, high in zip(words[::2], words[1::2], strict=True)]

    def encode(value: object) -> Cell:
        number = cast("int", value)
        digits = str(abs(number)).rjust(scale + 1, "0")
        text = f"{digits[:-scale]}.{digits[-scale:]}" if scale else digits
        return f"-{text}" if number < 0 else text

    return Form(read, encode)


def _day(days: int) -> tuple[str, str]:
    """Write a day as DuckDB does, whatever its year, and what marks one before Christ."""
    ordinal = days + EPOCH_DAY
    if 1 <= ordinal <= dt.date.max.toordinal():
        return dt.date.fromordinal(ordinal).isoformat(), ""
    cycles, rest = divmod(ordinal - 1, CENTURIES)
    date = dt.date.fromordinal(rest + 1)
    year = date.year + 400 * cycles
    return f"{year if year > 0 else 1 - year:04}-{date:%m-%d}", "" if year > 0 else " (BC)"


def _date(value: object) -> Cell:
    days = cast("int", value)
    if abs(days) == 2**31 - 1:
        return "infinity" if days > 0 else "-infinity"
    return "".join(_day(days))


def _clock(value: int, unit: int) -> str:
    """Write a time of the day, 24:00:00 included; as many digits as are needed, in threes."""
    seconds, rest = divmod(value, unit)
    text = f"{seconds // 3_600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    if not rest:
        return text
    micros, nanos = divmod(rest * (NANO // unit), 1_000)
    return f"{text}.{micros:06}" + (f"{nanos:03}" if nanos else "")


def _time(unit: int) -> Codec:
    return lambda value: _clock(cast("int", value), unit)


def _timestamp(unit: int, zone: str) -> Codec:
    def encode(value: object) -> Cell:
        number = cast("int", value)
        if abs(number) == 2**63 - 1:
            return "infinity" if number > 0 else "-infinity"
        if unit == MICRO and -62_135_596_800_000_000 <= number < 253_402_300_800_000_000:  # noqa: PLR2004 - years 1 to 9999
            return (EPOCH + dt.timedelta(microseconds=number)).isoformat() + zone
        days, rest = divmod(number, DAY * unit)
        day, era = _day(days)
        return f"{day}T{_clock(rest, unit)}{zone}{era}"

    return encode


def _zoned_time(value: object) -> Cell:
    bits = int.from_bytes(cast("bytes", value), "little")
    offset = WIDEST_ZONE - (bits & 0xFF_FFFF)
    sign, seconds = ("-", -offset) if offset < 0 else ("+", offset)
    zone = f"{seconds // 3_600:02}:{seconds // 60 % 60:02}" + (f":{seconds % 60:02}" if seconds % 60 else "")
    return f"{_clock(bits >> 24, MICRO)}{sign}{zone}"


def _interval(value: object) -> Cell:
    months, days, nanos = cast("tuple[int, int, int]", value)
    years, months = (abs(months) // 12 * (1 if months > 0 else -1), abs(months) % 12 * (1 if months > 0 else -1))
    date = "".join(f"{number}{unit}" for number, unit in ((years, "Y"), (months, "M"), (days, "D")) if number)
    sign, rest = ("-", -nanos) if nanos < 0 else ("", nanos)
    seconds, rest = divmod(rest, NANO)
    fraction = f".{rest:09}".rstrip("0") if rest else ""
    parts = ((seconds // 3_600, "", "H"), (seconds // 60 % 60, "", "M"), (seconds % 60, fraction, "S"))
    time = "".join(f"{sign}{number}{more}{unit}" for number, more, unit in parts if number or more)
    return f"P{date}T{time}" if time else f"P{date or 'T0S'}"


def _bits(value: object) -> Cell:
    """Unpack a BIT: how many of the first byte's bits are padding, then the bits."""
    data = cast("bytes", value)
    return "".join(f"{byte:08b}" for byte in data[1:])[data[0] :]


def _huge(value: object) -> Cell:
    """Unpack a BIGNUM: sign and size in three bytes, then the digits; all of it inverted below zero."""
    data = cast("bytes", value)
    if data[0] & 0x80:
        return str(int.from_bytes(data[3:], "big"))
    return str(-int.from_bytes(bytes(byte ^ 0xFF for byte in data[3:]), "big"))


# What holds other values


def _json(inner: Callable[[Any], object]) -> Codec:
    return lambda value: json.dumps(inner(value), ensure_ascii=False, separators=(",", ":"))


def _enumeration(field: Field, words: Field) -> Form:
    numbers, texts = FORMS[field.format].read, form_of(words).read

    def read(array: CArray) -> list[Any]:
        known = texts(array.dictionary.contents)
        # Where a value is NULL, its number is anything.
        return [known[number] if number < len(known) else None for number in numbers(array)]

    return Form(read)


def _list(offsets: Callable[[CArray], Any], item: Form) -> Form:
    def read(array: CArray) -> list[Any]:
        values = item.read(children(array)[0])
        return [values[start:end] for start, end in pairwise(offsets(array))]

    return Form(
        read,
        lambda value: [item.cell(found) for found in cast("list[object]", value)],
        lambda value: [item.nested(found) for found in value],
    )


def _struct(field: Field) -> Form:
    forms = [form_of(child) for child in field.children]
    names = [child.name for child in field.children]

    def read(array: CArray) -> list[Any]:
        parts = [form.read(child) for form, child in zip(forms, children(array), strict=True)]
        return list(zip(*parts, strict=True))

    def inner(value: Any) -> object:  # noqa: ANN401 - a tuple of whatever the fields are
        return {name: form.nested(part) for name, form, part in zip(names, forms, value, strict=True)}

    return Form(read, _json(inner), inner)


def _map(entry: Field) -> Form:
    """Write a map as a JSON object where its keys are texts, else as pairs."""
    pairs = _list(_offsets, _struct(entry))
    key, item = map(form_of, entry.children)

    def inner(value: Any) -> object:  # noqa: ANN401 - pairs of whatever
        if entry.children[0].format == "u":
            return {name: item.nested(found) for name, found in value}
        return [[key.nested(name), item.nested(found)] for name, found in value]

    return Form(pairs.read, _json(inner), inner)


def _union(field: Field, numbers: list[int]) -> Form:
    """Write a union as an object of the one member it has, since 2 and '2' may be two of its values.

    Arrow has no NULL of a union, only a member that is NULL; both are null here, as in DuckDB's own output.
    """
    members = {number: (child.name, form_of(child)) for number, child in zip(numbers, field.children, strict=True)}

    def read(array: CArray) -> list[Any]:
        tags = memoryview(buffer(array, 0, array.length)).cast("b").tolist()
        parts = [form.read(child) for (_, form), child in zip(members.values(), children(array), strict=True)]
        values = dict(zip(members, parts, strict=True))
        return [None if values[tag][row] is None else (tag, values[tag][row]) for row, tag in enumerate(tags)]

    def inner(value: Any) -> object:  # noqa: ANN401 - a tag and whatever
        name, form = members[value[0]]
        return {name: form.nested(value[1])}

    return Form(read, _json(inner), inner)


FORMS: Final[dict[str, Form]] = {
    "n": Form(lambda array: [None] * array.length),
    "u": Form(_texts),
    "z": Form(_binaries, codecs.binary),
    "b": Form(lambda array: list(chain.from_iterable(BITS[b] for b in buffer(array, 1, (array.length + 7) // 8)))),
    "c": Form(_fixed("b")),
    "C": Form(_fixed("B")),
    "s": Form(_fixed("h")),
    "S": Form(_fixed("H")),
    "i": Form(_fixed("i")),
    "I": Form(_fixed("I")),
    "l": Form(_fixed("q"), codecs.integer),
    "L": Form(_fixed("Q"), codecs.integer),
    "f": Form(_fixed("f"), _single),
    "g": Form(_fixed("d"), codecs.floating),
    "tdD": Form(_fixed("i"), _date),
    "ttu": Form(_fixed("q"), _time(MICRO)),
    "ttn": Form(_fixed("q"), _time(NANO)),
    "tss:": Form(_fixed("q"), _timestamp(1, "")),
    "tsm:": Form(_fixed("q"), _timestamp(1_000, "")),
    "tin": Form(_intervals, _interval),
}
EXTENSIONS: Final[dict[str, Form]] = {
    "arrow.bool8": Form(_booleans),
    "arrow.uuid": Form(_pieces(16), lambda value: str(UUID(bytes=cast("bytes", value)))),
    "hugeint": Form(
        _pieces(16), lambda value: codecs.integer(int.from_bytes(cast("bytes", value), "little", signed=True))
    ),
    "uhugeint": Form(_pieces(16), lambda value: codecs.integer(int.from_bytes(cast("bytes", value), "little"))),
    "time_tz": Form(_pieces(8), _zoned_time),
    "bit": Form(_binaries, _bits),
    "bignum": Form(_binaries, _huge),
}
MADE: Final[dict[str, Callable[[Field, str], Form]]] = {
    "d": lambda _, rest: _decimal(*map(int, rest.split(",")[:2])),
    "tsu": lambda _, zone: Form(_fixed("q"), _timestamp(MICRO, "+00:00" if zone else "")),
    "tsn": lambda _, zone: Form(_fixed("q"), _timestamp(NANO, "+00:00" if zone else "")),
    "+l": lambda field, _: _list(_offsets, form_of(field.children[0])),
    "+w": lambda field, size: _list(_steps(int(size)), form_of(field.children[0])),
    "+s": lambda field, _: _struct(field),
    "+m": lambda field, _: _map(field.children[0]),
    "+us": lambda field, numbers: _union(field, list(map(int, numbers.split(",")))),
}
"""Types that something goes into, by what stands before the colon."""
AS_STORED: Final = frozenset({"arrow.json", "geoarrow.wkb"})
"""What is read like the type that it is stored in: JSON as text, GEOMETRY as its well-known bytes."""
