"""What pyodbc does not ask a driver for, by the handles it gives: types by their native names, and bounds."""

import ctypes
import math
import struct
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final, cast

from ....model import Cell, Codec
from .. import codecs

if TYPE_CHECKING:
    import pyodbc

SQL_QUERY_TIMEOUT: Final = 0
SQL_CONCISE_TYPE: Final = 2
SQL_TYPE_NAME: Final = 14
SQL_REAL: Final = 7


@dataclass(frozen=True, slots=True)
class Described:
    """A column of a result, as driver manager and driver describe it."""

    name: str
    kind: type
    """What values are in Python."""
    size: int
    scale: int
    code: int | None = None
    """ODBC's number of its type."""
    native: str = ""
    """The database's name of its type."""


@cache
def _library() -> Any:  # noqa: ANN401 - ctypes has no types
    """Return the driver manager that pyodbc has loaded."""
    if sys.platform == "win32":
        return ctypes.WinDLL("odbc32")
    return ctypes.CDLL("libodbc.2.dylib" if sys.platform == "darwin" else "libodbc.so.2")


def set_attribute(cursor: "pyodbc.Cursor", attribute: int, value: int) -> None:
    """Set an attribute of a statement, where the driver has it; it is a help and never the only bound."""
    with suppress(OSError):
        _library().SQLSetStmtAttrW(cursor.hstmt, ctypes.c_int(attribute), ctypes.c_void_p(value), ctypes.c_int(0))


def described(cursor: "pyodbc.Cursor") -> list[Described]:
    return [
        Described(name, kind, size or 0, scale or 0, *_native(cursor, number))
        for number, (name, kind, _, _, size, scale, _) in enumerate(cursor.description, 1)
    ]


def _native(cursor: "pyodbc.Cursor", number: int) -> tuple[int | None, str]:
    """Ask for the number and the native name of a column's type, which pyodbc does not tell."""
    text = ctypes.create_string_buffer(512)
    length, value = ctypes.c_short(0), ctypes.c_ssize_t(0)

    def told(field: int) -> bool:
        answer = _library().SQLColAttributeW(
            cursor.hstmt,
            ctypes.c_ushort(number),
            ctypes.c_ushort(field),
            text,
            ctypes.c_short(len(text)),
            ctypes.byref(length),
            ctypes.byref(value),
        )
        return answer in (0, 1)

    try:
        code = value.value if told(SQL_CONCISE_TYPE) else None
        name = text.raw[: min(length.value, 510)].decode("utf-16-le", "replace") if told(SQL_TYPE_NAME) else ""
    except OSError:
        return None, ""
    return code, name.strip("\0 ")


CODECS: Final[Mapping[type, Codec | None]] = {
    bool: None,
    int: codecs.integer,
    float: codecs.floating,
    str: None,
    **dict.fromkeys((bytes, bytearray), codecs.binary),
}


def single(value: object) -> Cell:
    """Encode a float4, which drivers hand out with the digits of the nearest float8: 1.10000002384."""
    number = cast("float", value)
    if not math.isfinite(number):
        return codecs.floating(number)
    wanted = struct.pack("f", number)
    return next(short for digits in (6, 7, 8, 9) if struct.pack("f", short := float(f"{number:.{digits}g}")) == wanted)


def codec_of(column: Described) -> Codec | None:
    if column.code == SQL_REAL:
        return single
    return CODECS.get(column.kind, codecs.anything)
