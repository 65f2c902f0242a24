"""How values travel: exactly, out of the numbers that the driver gets, before it cuts them to Python's types.

The driver's rows hold datetimes cut to microseconds, and fail beyond the year 9999. For its numpy mode it hands the
numbers themselves to a converter; ours needs no numpy and returns ISO texts. Only TIME, TIMESTAMP_LTZ and TIMESTAMP_TZ
have no such way: their type says what they are cut to.
"""

import datetime as dt
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Any, Final, Protocol

from ...model import Codec, ResultColumn
from ..base import codecs

if TYPE_CHECKING:
    from snowflake.connector.aio import SnowflakeConnection, SnowflakeCursor

CYCLE_DAYS: Final = 146_097
CYCLE_YEARS: Final = 400
EPOCH: Final = dt.date(1970, 1, 1).toordinal() - 1
DAY: Final = 86_400
MICROS: Final = 6
LONGEST: Final = frozenset({8_388_608, 16_777_216, 67_108_864, 134_217_728})
"""Sizes of a binary and a text that has none of its own, now and before Snowflake raised them."""
UTC_MINUTES: Final = 1_440
"""The driver's offsets count from here, in minutes."""

NAMES: Final = {
    1: "float", 3: "date", 4: "timestamp", 5: "variant", 6: "timestamp_ltz", 7: "timestamp_tz", 8: "timestamp_ntz",
    9: "object", 10: "array", 12: "time", 13: "boolean", 14: "geography", 15: "geometry", 16: "vector", 17: "map",
    18: "file", 19: "interval_year_month", 20: "interval_day_time",
}  # fmt: skip
FIXED: Final = 0
TEXT: Final = 2
BINARY: Final = 11
SCALED: Final = frozenset({4, 6, 7, 8, 12})
CUT: Final = frozenset({6, 7, 12})
"""Types of which the driver passes on no more than microseconds."""
CODECS: Final[dict[int, Codec | None]] = {
    1: codecs.floating,
    TEXT: None,
    12: codecs.temporal,
    13: None,
    BINARY: codecs.binary,
    **dict.fromkeys((3, 4, 6, 7, 8, 19, 20)),
}


class Described(Protocol):
    """A column as the driver describes it."""

    @property
    def name(self) -> str: ...
    @property
    def type_code(self) -> int: ...
    @property
    def internal_size(self) -> int | None: ...
    @property
    def precision(self) -> int | None: ...
    @property
    def scale(self) -> int | None: ...


def result_column(column: Described) -> ResultColumn:
    code = column.type_code
    if code == FIXED:
        if column.scale is None:
            # Such a float without a scale has up to 16,384 zeros, if written without its exponent.
            return ResultColumn(column.name, "decfloat", str)
        name = f"number({column.precision},{column.scale})"
        return ResultColumn(column.name, name, codecs.decimal if column.scale else codecs.integer)
    if code == TEXT:
        return ResultColumn(column.name, sized("varchar", column.internal_size))
    if code == BINARY:
        return ResultColumn(column.name, sized("binary", column.internal_size), codecs.binary)
    name = NAMES.get(code, f"type {code}")
    if code in SCALED and column.scale is not None:
        name = f"{name}({column.scale})"
        if code in CUT and column.scale > MICROS:
            name += " to microseconds"
    return ResultColumn(column.name, name, CODECS.get(code, codecs.anything))


def sized(name: str, size: int | None) -> str:
    return name if not size or size in LONGEST else f"{name}({size})"


def date_text(days: int) -> str:
    """Write a date of any year; the calendar repeats every 400 years."""
    cycles, rest = divmod(days + EPOCH, CYCLE_DAYS)
    date = dt.date.fromordinal(rest + 1)
    year = date.year + CYCLE_YEARS * cycles
    return f"{'-' if year < 0 else ''}{abs(year):04d}-{date.month:02d}-{date.day:02d}"


def timestamp_text(seconds: int, fraction: int, digits: int, offset: int | None = None) -> str:
    """Write a moment of any year; the offset is in minutes."""
    days, rest = divmod(seconds + 60 * (offset or 0), DAY)
    minutes, second = divmod(rest, 60)
    text = f"{date_text(days)}T{minutes // 60:02d}:{minutes % 60:02d}:{second:02d}"
    if fraction:
        text += f".{fraction:0{digits}d}".rstrip("0")
    if offset is None:
        return text
    hours, rest = divmod(abs(offset), 60)
    return f"{text}{'-' if offset < 0 else '+'}{hours:02d}:{rest:02d}"


def duration_text(nanos: int) -> str:
    seconds, fraction = divmod(abs(nanos), 10**9)
    shown = f".{fraction:09d}".rstrip("0") if fraction else ""
    return f"{'-' if nanos < 0 else ''}PT{seconds}{shown}S"


def months_text(months: int) -> str:
    years, rest = divmod(abs(months), 12)
    return f"{'-' if months < 0 else ''}P{years}Y{rest}M"


def scaled(number: int, exponent: int) -> Decimal:
    # Built from its digits: arithmetic would round to the context's 28.
    return Decimal((int(number < 0), tuple(map(int, str(abs(number)))), exponent))


@cache
def exact_cursor() -> "type[SnowflakeCursor]":  # noqa: C901 - two classes of short methods, built once the driver is there
    from snowflake.connector._internal.arrow_context import ArrowConverterContext
    from snowflake.connector._internal.arrow_stream_async import create_async_row_iterator_from_stream_ptr
    from snowflake.connector.aio import SnowflakeCursor

    class Exact(ArrowConverterContext):
        """Receives numbers under the names that the driver calls; those of Windows too."""

        def TIMESTAMP_TZ_to_python(self, epoch: int, microseconds: int, tz: int) -> Any:
            return timestamp_text(epoch, microseconds, MICROS, tz - UTC_MINUTES)

        def TIMESTAMP_LTZ_to_python(self, epoch: int, microseconds: int) -> Any:
            return timestamp_text(epoch, microseconds, MICROS, 0)

        TIMESTAMP_TZ_to_python_windows = TIMESTAMP_TZ_to_python
        TIMESTAMP_LTZ_to_python_windows = TIMESTAMP_LTZ_to_python

        def TIMESTAMP_NTZ_ONE_FIELD_to_numpy_datetime64(self, value: int, scale: int) -> Any:
            return timestamp_text(*divmod(value, 10**scale), scale)

        def TIMESTAMP_NTZ_TWO_FIELD_to_numpy_datetime64(self, epoch: int, fraction: int) -> Any:
            return timestamp_text(epoch, fraction, 9)

        def DATE_to_numpy_datetime64(self, py_days: int) -> Any:
            return date_text(py_days)

        def REAL_to_numpy_float64(self, py_double: float) -> Any:
            return py_double

        def FIXED_to_numpy_int64(self, py_long: int) -> Any:
            return py_long

        def FIXED_to_numpy_float64(self, py_long: int, scale: int) -> Any:
            return scaled(py_long, -scale)

        def DECFLOAT_to_numpy_float64(self, exponent: int, significand: bytes) -> Any:
            return scaled(int.from_bytes(significand, "big", signed=True), exponent)

        DECFLOAT_to_decimal = DECFLOAT_to_numpy_float64

        def INTERVAL_YEAR_MONTH_to_numpy_timedelta(self, months: int, scale: int) -> Any:  # noqa: ARG002 - the driver's signature
            return months_text(months)

        def INTERVAL_DAY_TIME_int_to_numpy_timedelta(self, nanos: int) -> Any:
            return duration_text(nanos)

        def INTERVAL_DAY_TIME_decimal_to_numpy_timedelta(self, value: bytes) -> Any:
            return duration_text(int.from_bytes(value, "little", signed=True))

    class ExactCursor(SnowflakeCursor):
        """Sends statements as they were written, and reads rows through `Exact`."""

        def _prepare_query(self, operation: str, *_args: Any, **_kwargs: Any) -> Any:
            # The driver's own rewrites a bare DESC.
            return operation, None

        async def _create_row_iterator(self) -> Any:
            pointer = await self._result_set.get_arrow_stream_ptr()
            return create_async_row_iterator_from_stream_ptr(pointer, context=Exact(timezone="UTC"), use_numpy=True)

    return ExactCursor


def cursor_of(connection: "SnowflakeConnection") -> "SnowflakeCursor":
    return connection.cursor(exact_cursor())
