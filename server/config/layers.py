"""Where a connection's settings come from: its own table over the base that it extends over the defaults."""

from collections.abc import Container, Mapping, Sequence
from typing import NamedTuple, Self

from .document import At, Table, holds, inside, is_table
from .interpolate import Interpolation
from .report import Mistake


class Layer(NamedTuple):
    """One table of the file: as written, filled in, and what could not be filled in."""

    at: At
    written: Table
    filled: Table
    mistakes: tuple[Mistake, ...]

    @classmethod
    def of(cls, at: At, table: Table, environ: Mapping[str, str]) -> Self:
        interpolation = Interpolation(environ)
        filled = interpolation.table(table)
        return cls(at, table, filled, tuple(interpolation.mistakes))

    def reaches(self, at: At) -> bool:
        """Tell whether the table has a setting."""
        value: object = self.filled
        for part in at:
            if not holds(value, part):
                return False
            value = inside(value, part)
        return True


class Layers:
    """The tables of one connection, the strongest first."""

    def __init__(self, layers: Sequence[Layer]) -> None:
        self._layers = layers

    def merged(self, whole: Container[str] = ()) -> Table:
        """Return the settings that hold; tables merge key by key, except those named in `whole`."""
        if len(self._layers) == 1:
            return dict(self._layers[0].filled)
        result: Table = {}
        for layer in reversed(self._layers):
            for name, value in layer.filled.items():
                below = result.get(name)
                if is_table(value) and is_table(below) and name not in whole:
                    result[name] = {**below, **value}
                else:
                    result[name] = value
        return result

    def mistakes(self) -> list[Mistake]:
        """Return what could not be filled in among the settings that hold."""
        return [each for layer in self._layers for each in layer.mistakes if self._source(each.at) is layer]

    def written(self, at: At) -> object:
        """Return a setting that some table has, as it stands in the file."""
        value: object = self._source(at).written
        for part in at:
            value = inside(value, part)
        return value

    def place(self, at: At) -> At:
        """Return where in the file a setting stands; one that is missing belongs to the connection itself."""
        return (*self._source(at).at, *at)

    def _source(self, at: At) -> Layer:
        while at:
            for layer in self._layers:
                if layer.reaches(at):
                    return layer
            at = at[:-1]
        return self._layers[0]
