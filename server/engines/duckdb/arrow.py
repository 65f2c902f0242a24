"""Results as Arrow's C data interface hands them over, read without pyarrow.

The driver's own Python values lose what Python's types cannot hold: nanoseconds, months, infinity (which becomes the
year 9999). In Arrow's form, a stable ABI that DuckDB fills column by column, nothing is lost.
"""

import ctypes
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    Pointer = ctypes._Pointer  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] - ctypes has no other name for it


class CSchema(ctypes.Structure):
    """ArrowSchema of the specification."""


class CArray(ctypes.Structure):
    """ArrowArray of the specification."""

    length: int
    null_count: int
    offset: int
    buffers: "Pointer[ctypes.c_void_p]"
    children: "Pointer[Pointer[CArray]]"
    dictionary: "Pointer[CArray]"


class CStream(ctypes.Structure):
    """ArrowArrayStream of the specification."""


CSchema._fields_ = [
    ("format", ctypes.c_char_p),
    ("name", ctypes.c_char_p),
    ("metadata", ctypes.c_void_p),
    ("flags", ctypes.c_int64),
    ("n_children", ctypes.c_int64),
    ("children", ctypes.POINTER(ctypes.POINTER(CSchema))),
    ("dictionary", ctypes.POINTER(CSchema)),
    ("release", ctypes.CFUNCTYPE(None, ctypes.POINTER(CSchema))),
    ("private_data", ctypes.c_void_p),
]
CArray._fields_ = [
    ("length", ctypes.c_int64),
    ("null_count", ctypes.c_int64),
    ("offset", ctypes.c_int64),
    ("n_buffers", ctypes.c_int64),
    ("n_children", ctypes.c_int64),
    ("buffers", ctypes.POINTER(ctypes.c_void_p)),
    ("children", ctypes.POINTER(ctypes.POINTER(CArray))),
    ("dictionary", ctypes.POINTER(CArray)),
    ("release", ctypes.CFUNCTYPE(None, ctypes.POINTER(CArray))),
    ("private_data", ctypes.c_void_p),
]
CStream._fields_ = [
    ("get_schema", ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(CStream), ctypes.POINTER(CSchema))),
    ("get_next", ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(CStream), ctypes.POINTER(CArray))),
    ("get_last_error", ctypes.CFUNCTYPE(ctypes.c_char_p, ctypes.POINTER(CStream))),
    ("release", ctypes.CFUNCTYPE(None, ctypes.POINTER(CStream))),
    ("private_data", ctypes.c_void_p),
]

NAME: Final = b"arrow_array_stream"
_pointer_of = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object, ctypes.c_char_p)(
    ("PyCapsule_GetPointer", ctypes.pythonapi)
)


class StreamError(Exception):
    """The statement failed while its rows were read; the text is the database's."""


@dataclass(frozen=True, slots=True)
class Field:
    """A column's layout: `format` as the specification writes it, `annotations` where a type needs more than that."""

    format: str
    name: str
    annotations: Mapping[bytes, bytes]
    children: "tuple[Field, ...]"
    dictionary: "Field | None"


class Stream:
    """The batches of one result; blocking calls, during which other Python threads run."""

    def __init__(self, capsule: object) -> None:
        # The capsule owns the stream and frees it when it goes.
        self._capsule = capsule
        self._stream: Any = ctypes.cast(_pointer_of(capsule, NAME), ctypes.POINTER(CStream))
        schema: Any = CSchema()
        self._check(self._stream.contents.get_schema(self._stream, ctypes.byref(schema)))
        try:
            self.fields = _field(schema).children
        finally:
            schema.release(ctypes.byref(schema))

    def next(self) -> "Batch | None":
        array: Any = CArray()
        self._check(self._stream.contents.get_next(self._stream, ctypes.byref(array)))
        return Batch(array) if array.release else None

    def _check(self, code: int) -> None:
        if code:
            said: bytes | None = self._stream.contents.get_last_error(self._stream)
            raise StreamError((said or b"").decode("utf-8", "replace"))


class Batch:
    """Rows by column; what is read of it has to be copied before the block ends."""

    def __init__(self, array: Any) -> None:  # noqa: ANN401 - a structure, whose fields ctypes does not type
        self._array = array
        self.length: int = array.length

    def __enter__(self) -> list[CArray]:
        return children(self._array)

    def __exit__(self, *_: object) -> None:
        self._array.release(ctypes.byref(self._array))


def children(array: CArray) -> list[CArray]:
    count: int = getattr(array, "n_children")  # noqa: B009 - not declared, like all that only this file reads
    return [array.children[position].contents for position in range(count)]


def buffer(array: CArray, number: int, size: int) -> bytes:
    """Copy the first bytes of one of an array's buffers."""
    address = array.buffers[number]
    return ctypes.string_at(address, size) if address and size else b""  # pyright: ignore[reportArgumentType] - an int in fact


def _field(schema: Any) -> Field:  # noqa: ANN401 - as above
    return Field(
        schema.format.decode(),
        schema.name.decode() if schema.name else "",
        _annotations(schema.metadata),
        tuple(_field(schema.children[position].contents) for position in range(schema.n_children)),
        _field(schema.dictionary.contents) if schema.dictionary else None,
    )


def _annotations(address: int | None) -> Mapping[bytes, bytes]:
    """Read pairs of texts, each with its length before it, and their number before all."""
    if not address:
        return {}
    at = address

    def number() -> int:
        nonlocal at
        at += 4
        return int.from_bytes(ctypes.string_at(at - 4, 4), "little", signed=True)

    def text() -> bytes:
        nonlocal at
        size = number()
        at += size
        return ctypes.string_at(at - size, size)

    return {text(): text() for _ in range(number())}
