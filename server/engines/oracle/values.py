"""Result columns: their native types, and how a value of the driver becomes exact, or says that it is not."""

import ctypes
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, cast

from ...errors import SqlError
from ...model import Cell, Codec, ResultColumn
from ..base import codecs

if TYPE_CHECKING:
    from array import array
    from decimal import Decimal

    from .driver import DriverCursor, Info


MICROSECONDS: Final = 6
"""Digits of a second that the driver keeps; Oracle has up to nine."""
BINARY_PRECISION: Final = -127
"""Scale of a NUMBER that declares none: NUMBER itself, and FLOAT(p)."""
LONGEST_TEXT: Final = 32_767
TEXT_OF_JSON: Final = {"JSON": "VARCHAR", "CLOB": "LONG", "NCLOB": "LONG_NVARCHAR", "BLOB": "LONG_RAW"}
"""What the driver is to read these as, in order to bring what is stored."""


def number(value: object) -> Cell:
    """Encode a NUMBER that declares no scale: an integer where it is one, as counts and keys are."""
    exact = cast("Decimal", value)
    return codecs.integer(int(exact)) if exact == exact.to_integral_value() else codecs.decimal(exact)


def whole(value: object) -> Cell:
    return codecs.integer(int(cast("Decimal", value)))


def single(value: object) -> Cell:
    """Encode a BINARY_FLOAT with the fewest digits that mean it: 1.1, where a double would say 1.10000002384."""
    shortest = cast("float", value)
    for digits in range(6, 10):
        candidate = float(f"{value:.{digits}g}")
        if ctypes.c_float(candidate).value == value:
            shortest = candidate
            break
    return codecs.floating(shortest)


def months(value: object) -> Cell:
    years, rest = cast("tuple[int, int]", value)
    sign = "-" if min(years, rest) < 0 else ""
    return f"{sign}P{abs(years)}Y{abs(rest)}M"


def vector(value: object) -> Cell:
    if not hasattr(value, "typecode"):
        return str(value)  # a sparse one: dimensions, indices, values
    numbers = cast("array[float]", value)
    encode = {"f": single, "d": codecs.floating}.get(numbers.typecode, codecs.integer)
    return [encode(item) for item in numbers]


SIMPLE: Final[Mapping[str, tuple[str, Codec | None]]] = {
    "VARCHAR": ("VARCHAR2", None),
    "NVARCHAR": ("NVARCHAR2", None),
    "CHAR": ("CHAR", None),
    "NCHAR": ("NCHAR", None),
    "CLOB": ("CLOB", None),
    "NCLOB": ("NCLOB", None),
    "LONG": ("LONG", None),
    "LONG_NVARCHAR": ("LONG", None),
    "ROWID": ("ROWID", None),
    "UROWID": ("UROWID", None),
    "XMLTYPE": ("XMLTYPE", None),
    "JSON": ("JSON", None),
    "BOOLEAN": ("BOOLEAN", None),
    "RAW": ("RAW", codecs.binary),
    "LONG_RAW": ("LONG RAW", codecs.binary),
    "BLOB": ("BLOB", codecs.binary),
    "BINARY_FLOAT": ("BINARY_FLOAT", single),
    "BINARY_DOUBLE": ("BINARY_DOUBLE", codecs.floating),
    "BINARY_INTEGER": ("BINARY_INTEGER", codecs.integer),
    "DATE": ("DATE", codecs.temporal),
    "INTERVAL_YM": ("INTERVAL YEAR TO MONTH", months),
    "VECTOR": ("VECTOR", vector),
}
TIMED: Final[Mapping[str, tuple[str, str, Codec]]] = {
    "TIMESTAMP": ("TIMESTAMP", "", codecs.temporal),
    "TIMESTAMP_TZ": ("TIMESTAMP", " WITH TIME ZONE", codecs.temporal),
    "TIMESTAMP_LTZ": ("TIMESTAMP", " WITH LOCAL TIME ZONE", codecs.temporal),
    "INTERVAL_DS": ("INTERVAL DAY TO SECOND", "", codecs.duration),
}
ZONED: Final = ("TIMESTAMP_TZ", "TIMESTAMP_LTZ")


def result_column(info: "Info") -> ResultColumn:
    """Name a column; a type whose values the driver does not bring exactly says what is missing."""
    kind = _kind(info)
    if kind == "NUMBER":
        return _number_column(info)
    if kind in TIMED:
        return _timed_column(info, kind)
    if kind == "OBJECT":
        return ResultColumn(info.name, _object_name(info), str)
    name, codec = SIMPLE.get(kind, (kind, str))
    return ResultColumn(info.name, name, codec)


def _kind(info: "Info") -> str:
    kind = info.type_code.name.removeprefix("DB_TYPE_")
    return "XMLTYPE" if kind == "OBJECT" and _object_name(info) in ("SYS.XMLTYPE", "PUBLIC.XMLTYPE") else kind


def _object_name(info: "Info") -> str:
    kind = info.type
    return f"{getattr(kind, 'schema', '')}.{kind.name}".lstrip(".")


def _number_column(info: "Info") -> ResultColumn:
    precision, scale = info.precision or 0, info.scale or 0
    if precision == 0:
        return ResultColumn(info.name, "NUMBER", number)
    if scale == BINARY_PRECISION:
        return ResultColumn(info.name, f"FLOAT({precision})", codecs.decimal)
    if scale <= 0:
        return ResultColumn(info.name, f"NUMBER({precision}{f',{scale}' if scale else ''})", whole)
    return ResultColumn(info.name, f"NUMBER({precision},{scale})", codecs.decimal)


def _timed_column(info: "Info", kind: str) -> ResultColumn:
    name, suffix, codec = TIMED[kind]
    # The driver cuts nanoseconds, and gives the local time of a zone without saying which; it says neither.
    lost = [
        said
        for said, so in (
            ("cut to microseconds", (info.scale or 0) > MICROSECONDS),
            ("local time, its offset is not known: TO_CHAR or SYS_EXTRACT_UTC keep it", kind in ZONED),
        )
        if so
    ]
    return ResultColumn(info.name, name + suffix + (f" ({'; '.join(lost)})" if lost else ""), codec)


UNREADABLE: Final[Mapping[str, str]] = {
    "BFILE": "Select DBMS_LOB.GETLENGTH of it; its content lies in a file of the server.",
    "CURSOR": "Select its rows by a join instead of a CURSOR expression.",
    "OBJECT": "Select its attributes (alias.column.attribute), or TABLE(alias.column) of a nested table or varray.",
    "UNKNOWN": "Cast it to a plain type.",
}


def check_readable(infos: "Sequence[Info]") -> None:
    """Refuse columns that the driver gives no values of. Raises SqlError."""
    for info in infos:
        kind = _kind(info)
        if kind in UNREADABLE:
            shown = _object_name(info) if kind == "OBJECT" else kind
            raise SqlError(f"The column {info.name} is of type {shown}, which has no form here.", hint=UNREADABLE[kind])


def as_stored(cursor: "DriverCursor", info: "Info") -> object:
    """Return a variable for JSON, whose text the driver would otherwise parse and so lose 1.10 and long numbers."""
    kind = _kind(info)
    if kind != "JSON" and not info.is_json and not info.is_oson:
        return None
    wanted = TEXT_OF_JSON.get(kind, kind)
    size = LONGEST_TEXT if kind == "JSON" else info.internal_size or 0
    return cursor.var(db_type(wanted), size, cursor.arraysize)


def db_type(kind: str) -> Any:  # noqa: ANN401 - the driver's constants have no types
    import oracledb

    return getattr(oracledb, f"DB_TYPE_{kind}")
