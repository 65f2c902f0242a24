"""How values travel: by their Python types, which are all that every driver has in common.

A column's type is the driver's name for it where `cursor.description` has one. Most drivers only have numbers there;
then it is named after the first value that is not NULL, in the words of the SQL standard where it has one.
"""

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from inspect import isawaitable
from typing import Any, Final
from uuid import UUID

from ...model import Cell, Codec, ResultColumn
from ..base import codecs

TYPES: Final[Mapping[type, str]] = {
    bool: "boolean",
    int: "integer",
    float: "double precision",
    Decimal: "decimal",
    str: "text",
    bytes: "binary",
    bytearray: "binary",
    memoryview: "binary",
    dt.datetime: "timestamp",
    dt.date: "date",
    dt.time: "time",
    dt.timedelta: "interval",
    UUID: "uuid",
    list: "array",
    tuple: "array",
    dict: "object",
}


def _itself(value: object) -> Cell:
    return value  # pyright: ignore[reportReturnType] - of a type that is exact JSON


CODECS: Final[Mapping[type, Codec]] = {
    str: _itself,
    bool: _itself,
    int: codecs.integer,
    float: codecs.floating,
    Decimal: codecs.decimal,
    bytes: codecs.binary,
    memoryview: codecs.binary,
    dt.datetime: codecs.temporal,
    dt.date: codecs.temporal,
    UUID: str,
    dict: lambda value: json.dumps(value, ensure_ascii=False, default=str),
}


def encoded(value: object) -> Cell:
    return CODECS.get(type(value), codecs.anything)(value)


def result_column(description: Sequence[Any], rows: Sequence[Sequence[object]], position: int) -> ResultColumn:
    code = description[1] if len(description) > 1 else None
    name = TYPES.get(code) if isinstance(code, type) else code if isinstance(code, str) else getattr(code, "name", None)
    if not isinstance(name, str):
        name = next((_name(row[position]) for row in rows if row[position] is not None), "any")
    return ResultColumn(str(description[0]), name, encoded)


def _name(value: object) -> str:
    kind = type(value)
    if isinstance(value, (dt.datetime, dt.time)) and value.tzinfo is not None:
        return f"{TYPES[kind]} with time zone"
    return TYPES.get(kind) or kind.__name__.lower()


AS_TEXT: Final = ("date", "time", "timetz", "timestamp", "timestamptz", "interval", "json", "jsonb", "bit", "varbit")
"""Types with values that Python's have no room for: infinity, the year 10000, 24:00, a month, 1.10 in a JSON text."""


async def declare_types(driver: object) -> None:
    """Let the database's own texts stand for them, if the driver lets us choose; left alone it changes some silently.

    Each comes as a text that is named like its type in the database.
    """
    choose = getattr(driver, "set_type_codec", None)
    if not callable(choose):
        return
    for name, kind in TEXTS.items():
        done = choose(name, schema="pg_catalog", encoder=str, decoder=kind, format="text")
        if isawaitable(done):
            await done


def _text(name: str) -> "type[str]":
    def new(kind: type[str], text: str) -> str:
        return str.__new__(kind, text.replace(" ", "T", 1) if name.startswith("timestamp") else text)

    return type(name, (str,), {"__slots__": (), "__new__": new})


TEXTS: Final[Mapping[str, type[str]]] = {name: _text(name) for name in AS_TEXT}
