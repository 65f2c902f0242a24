"""Cells are data of strangers: what cannot be seen in one is shown, and what is too long is cut, never in silence."""

import re
from collections.abc import Sequence
from itertools import chain
from typing import Final

from ..keys import INVISIBLE
from ..model import Cell

LONGEST: Final = 2_000
"""Characters of a text, where an answer would otherwise not fit."""

HIDDEN: Final = re.compile(
    rb"\\[bfu]|\x7f|\xc2[\x80-\x9f\xad]|\xd8\x9c|\xe1\xa0\x8e|\xe2\x80[\x8b-\x8f\xa8-\xae]|\xe2\x81[\xa0-\xaf]|\xef\xbb\xbf"
    rb"|\xef\xbf[\xb9-\xbb]|\xf3\xa0[\x80-\x81]"
)
"""What INVISIBLE means, as it stands in JSON: control characters are escaped there, the others are UTF-8."""

JOINERS: Final = "\u200c\u200d"
LINES: Final = "\t\n\r"


def hides(json: bytes) -> bool:
    """Tell whether a result, as JSON, may hold what cannot be seen; a quick look, since almost none does."""
    return HIDDEN.search(json) is not None


def shown(rows: Sequence[Sequence[Cell]]) -> tuple[list[tuple[Cell, ...]], int]:
    """Write out what cannot be seen, by its number; returns the rows and how many cells were changed."""
    changed = 0
    found: list[tuple[Cell, ...]] = []
    for row in rows:
        cells = tuple(map(_shown, row))
        changed += sum(after is not before for after, before in zip(cells, row, strict=True))
        found.append(cells)
    return found, changed


def shortened(rows: Sequence[Sequence[Cell]]) -> tuple[list[tuple[Cell, ...]], int]:
    """Cut long texts; returns the rows and how many cells were cut."""
    found = [tuple(map(_shortened, row)) for row in rows]
    pairs = zip(chain.from_iterable(found), chain.from_iterable(rows), strict=True)
    return found, sum(after is not before for after, before in pairs)


def _shown(cell: Cell) -> Cell:
    if isinstance(cell, list):
        items = [_shown(item) for item in cell]
        return items if any(after is not before for after, before in zip(items, cell, strict=True)) else cell
    if not isinstance(cell, str) or not INVISIBLE.search(cell):
        return cell
    plain = INVISIBLE.sub(_written_out, cell)
    return cell if plain == cell else plain


def _written_out(found: re.Match[str]) -> str:
    sign, text = found.group(), found.string
    if sign in LINES:
        return sign
    before, after = text[: found.start()][-1:], text[found.end() :][:1]
    if sign in JOINERS and before > "\x7f" and after > "\x7f":
        return sign  # part of an emoji, or of a word in a script that joins its letters
    return f"\\u{ord(sign):04x}" if sign <= "\uffff" else f"\\U{ord(sign):08x}"


def _shortened(cell: Cell) -> Cell:
    if isinstance(cell, str) and len(cell) > LONGEST:
        return f"{cell[:LONGEST]}… (+{len(cell) - LONGEST:,} characters)"
    return cell
