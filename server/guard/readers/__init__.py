"""Readers: one module a parser. Each ends with `reader(dialect)`; the library behind it is imported there."""

from functools import cache
from importlib import import_module

from ..dialects import Dialect, of
from ..reading import Reader


@cache
def reader_of(name: str) -> Reader:
    """Return the reader of a dialect, its library imported."""
    dialect: Dialect = of(name)
    try:
        found: Reader = import_module(f".{dialect.reader}", __package__).reader(dialect)
    except ImportError:
        if not dialect.instead:
            raise
        found = import_module(f".{dialect.instead}", __package__).reader(dialect)
    return found
