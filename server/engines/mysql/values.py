"""How values travel: numbers as numbers, everything else as the server's own text or bytes."""

from collections.abc import Callable, Mapping
from typing import Final, Protocol

from ...model import Cell, Codec, ResultColumn
from ..base import codecs

Parser = tuple[int, str | None, Callable[[bytes], object] | None]
"""How asyncmy's reader takes a field: 0 bytes, 1 UTF-8, 2 ASCII; then what it makes of them."""


class Field(Protocol):
    """A column of a result, as the server describes it."""

    @property
    def name(self) -> str: ...
    @property
    def type_code(self) -> int: ...
    @property
    def flags(self) -> int: ...
    @property
    def length(self) -> int: ...
    @property
    def scale(self) -> int: ...
    @property
    def charsetnr(self) -> int: ...


UNSIGNED: Final = 32
ENUM: Final = 256
SET: Final = 2048
BINARY: Final = 63
"""The character set of bytes."""

TINYINT: Final = 1
DECIMAL: Final = (0, 246)
BIT: Final = 16
VARCHAR: Final = (15, 253)
CHAR: Final = 254
BLOBS: Final = (249, 250, 251, 252)
BYTES_PER_CHARACTER: Final = 4
LONGEST_FRACTION: Final = 6

INTEGERS: Final[Mapping[int, str]] = {1: "tinyint", 2: "smallint", 3: "int", 8: "bigint", 9: "mediumint", 13: "year"}
FLOATS: Final[Mapping[int, str]] = {4: "float (6 digits)", 5: "double"}
TEMPORAL: Final[Mapping[int, str]] = {7: "timestamp", 10: "date", 11: "time", 12: "datetime", 14: "date"}
DATE: Final = (10, 14)
TIME: Final = 11
OTHER: Final[Mapping[int, str]] = {6: "null", 242: "vector", 245: "json", 247: "enum", 248: "set", 255: "geometry"}
TEXTUAL: Final = (245, 247, 248)
"""Text whatever character set they claim: a JSON column says that it is binary."""

# The limits of TINY…, …, MEDIUM… in bytes, and in those of text, whose characters are announced with four bytes each.
SIZES: Final = ((255, "tiny"), (65_535, ""), (16_777_215, "medium"))


def result_column(field: Field) -> ResultColumn:
    return ResultColumn(field.name, _type(field), _codec(field))


def parser(field: Field) -> Parser:
    if field.type_code in INTEGERS:
        return 0, None, int
    if field.type_code in FLOATS:
        return 0, None, float
    if field.type_code in TEMPORAL or field.type_code in DECIMAL:
        return 2, "ascii", None
    return (0, None, None) if _is_bytes(field) else (1, "utf8", None)


def _is_bytes(field: Field) -> bool:
    return field.charsetnr == BINARY and field.type_code not in TEXTUAL


def _codec(field: Field) -> Codec | None:
    code = field.type_code
    if code in INTEGERS:
        return codecs.integer if INTEGERS[code] == "bigint" else None
    if code in FLOATS:
        return codecs.floating
    if code in TEMPORAL:
        return _span if code == TIME else None if code in DATE else _moment
    if code in DECIMAL or not _is_bytes(field):
        return None
    return _bits if code == BIT else codecs.binary


def _type(field: Field) -> str:  # noqa: PLR0911 - one return for each family of types
    code, unsigned = field.type_code, bool(field.flags & UNSIGNED)
    if code in INTEGERS:
        # A display width means nothing but here: this is what BOOLEAN stands for.
        width = "(1)" if code == TINYINT and field.length == 1 and not unsigned else ""
        return INTEGERS[code] + width + (" unsigned" if unsigned and INTEGERS[code] != "year" else "")
    if code in FLOATS:
        return FLOATS[code]
    if code in DECIMAL:
        digits = field.length - (field.scale > 0) - (not unsigned)
        return f"decimal({digits},{field.scale})" + (" unsigned" if unsigned else "")
    if code in TEMPORAL:
        return TEMPORAL[code] + (f"({field.scale})" if 0 < field.scale <= LONGEST_FRACTION else "")
    if code == BIT:
        return f"bit({field.length})"
    if code in BLOBS:
        return _blob(field)
    if code == CHAR or code in VARCHAR:
        return _characters(field)
    return OTHER.get(code, "unknown")


def _characters(field: Field) -> str:
    if field.flags & ENUM:
        return "enum"
    if field.flags & SET:
        return "set"
    varying = "var" if field.type_code in VARCHAR else ""
    if field.charsetnr == BINARY:
        return f"{varying}binary({field.length})"
    return f"{varying}char({field.length // BYTES_PER_CHARACTER})"


def _blob(field: Field) -> str:
    is_bytes = field.charsetnr == BINARY
    factor = 1 if is_bytes else BYTES_PER_CHARACTER
    size = next((size for most, size in SIZES if field.length <= most * factor), "long")
    return f"{size}blob" if is_bytes else f"{size}text"


def _bits(value: object) -> Cell:
    return codecs.integer(int.from_bytes(value if isinstance(value, bytes) else b"", "big"))


def _moment(value: object) -> Cell:
    return str(value).replace(" ", "T", 1)


def _span(value: object) -> Cell:
    """Write -838:59:59.5 as -PT838H59M59.5S: a TIME is a time of day or a span, and only the longer form says both."""
    text = str(value)
    hours, minutes, seconds = text.lstrip("-").split(":")
    whole, point, fraction = seconds.partition(".")
    return f"{'-' * text.startswith('-')}PT{int(hours)}H{int(minutes)}M{int(whole)}{point}{fraction}S"
