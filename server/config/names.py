"""Names and ids as people write them: what is wrong with one, and what it is listed under until it is put right."""

import unicodedata
from collections.abc import Sequence
from typing import Final, Literal

from ..keys import INVISIBLE, LONGEST, fold, normal

SHORT_ID: Final = 8
"""Hex digits of an id made from a name."""


Fault = tuple[str, str]
"""What is wrong with a name, and what to do."""


def check(written: str, of: Literal["connection", "domain"]) -> tuple[str, list[Fault]]:
    """Return the stored form of a name and its faults; with faults the form is a suggestion, and may be empty."""
    name = normal(INVISIBLE.sub("", written))
    shown = f'{of} name "{name[:LONGEST]}"'
    faults: list[Fault] = []
    if INVISIBLE.search(written):
        faults.append((f"{shown} holds control or invisible characters", "Type it again."))
    if of == "connection" and ":" in fold(name):
        name = "".join("_" if ":" in unicodedata.normalize("NFKC", character) else character for character in name)
        fix = f'The key is domain:connection, split at the last colon. Try "{name[:LONGEST]}".'
        faults.append((f"{shown} contains ':'", fix))
    if fold(name) in (".", ".."):
        name = "_" * len(name)
        faults.append((f"{shown} says nothing", "Use a name that says what it is."))
    if len(name) > LONGEST:
        name = name[:LONGEST].strip()
        faults.append((f"{shown} is cut at {LONGEST} characters", "Shorten it; a description may be longer."))
    return name, faults


class Taken:
    """Names that are given away, in folded form."""

    def __init__(self, names: set[str]) -> None:
        self._names = names
        self._next: dict[str, int] = {}

    def free(self, name: str) -> str:
        """Return the name, with a number if it is taken, and take it."""
        found, number = name, self._next.get(fold(name), 2)
        while fold(found) in self._names:
            ending = f" {number}"
            found, number = name[: LONGEST - len(ending)].strip() + ending, number + 1
        self._next[fold(name)] = number
        self._names.add(fold(found))
        return found


def ids(wanted: Sequence[tuple[str | None, str]]) -> tuple[list[str], list[list[int]]]:
    """Give everything an id: the one that it asks for, or one from its folded name.

    Returns the ids in order, and the positions of those that ask for the same one: nobody gets that.
    """
    asking: dict[str, list[int]] = {}
    for position, (own, _) in enumerate(wanted):
        if own is not None:
            asking.setdefault(fold(own), []).append(position)
    clashes = [positions for positions in asking.values() if len(positions) > 1]
    refused = {position for positions in clashes for position in positions}
    taken = set(asking)
    given: list[str] = []
    for position, (own, folded) in enumerate(wanted):
        given.append(own if own is not None and position not in refused else _made(folded, taken))
    return given, clashes


def _made(folded: str, taken: set[str]) -> str:
    from hashlib import sha256

    digits = sha256(folded.encode()).hexdigest()
    length = SHORT_ID
    while digits[:length] in taken and length < len(digits):
        length += 1
    taken.add(digits[:length])
    return digits[:length]
