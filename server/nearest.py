"""The names closest to what somebody typed."""

from collections.abc import Iterable
from difflib import SequenceMatcher
from heapq import nlargest

SHOWN = 5
ALIKE = 0.6


def nearest(word: str, known: Iterable[str], shown: int = SHOWN) -> list[str]:
    """Return at most `shown` of `known` that resemble `word`, best first; case does not count."""
    sought = word.casefold()
    matcher = SequenceMatcher(autojunk=False)
    matcher.set_seq2(sought)
    scored: list[tuple[float, str]] = []
    for name in known:
        folded = name.casefold()
        matcher.set_seq1(folded)
        if sought and (sought in folded or (folded and folded in sought)):
            scored.append((1.0, name))
        elif matcher.real_quick_ratio() >= ALIKE and matcher.quick_ratio() >= ALIKE and matcher.ratio() >= ALIKE:
            scored.append((matcher.ratio(), name))
    return [name for _, name in nlargest(shown, scored, key=lambda pair: pair[0])]
