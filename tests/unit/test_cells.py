"""What stands in a cell: shown whole and as it is, but for what cannot be seen and what does not fit."""

import pytest
from colonnade.server.keys import INVISIBLE
from colonnade.server.render.cells import LONGEST, hides, shortened, shown
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import to_json


@pytest.mark.parametrize(
    ("cell", "seen"),
    [
        ("pay\u200b me", "pay\\u200b me"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("a\x1b[2Jb", "a\\u001b[2Jb"),
        ("hi\U000e0041\U000e0042", "hi\\U000e0041\\U000e0042"),
        (["ok", "\ufeffbad"], ["ok", "\\ufeffbad"]),
        ("a\u200db", "a\\u200db"),
    ],
)
def test_what_cannot_be_seen_is_written_out(cell: object, seen: object) -> None:
    assert hides(to_json([[cell]]))
    assert shown([[cell, 1]]) == ([(seen, 1)], 1)  # pyright: ignore[reportArgumentType] - cells


@pytest.mark.parametrize(
    "cell", ["two\nlines\tand a tab\r\n", "👩‍👩‍👧", "می‌خواهم", "ß ☃ שלום", "\\u200b", "", 1, None, 1.5, True]
)
def test_everything_else_stays_as_it_is(cell: object) -> None:
    assert shown([[cell]]) == ([(cell,)], 0)  # pyright: ignore[reportArgumentType] - cells


@given(st.text(max_size=20))
def test_the_quick_look_misses_nothing(text: str) -> None:
    rows, changed = shown([[text]])
    assert hides(to_json([[text]])) or changed == 0
    assert not INVISIBLE.search("".join(sign for sign in str(rows[0][0]) if sign not in "\t\n\r\u200c\u200d"))


def test_a_long_text_says_how_much_is_missing() -> None:
    rows, cut = shortened([["x" * (LONGEST + 1_234), "short", 5]])
    assert rows == [("x" * LONGEST + "… (+1,234 characters)", "short", 5)]
    assert cut == 1
