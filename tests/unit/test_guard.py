import pytest
from colonnade.server.errors import Refused
from colonnade.server.guard import LONGEST, judge
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    "text",
    [
        "select 1",
        "select 1;",
        " ; select 1 ; ; -- done",
        "select ';' as a, \"b;c\", `d;e`",
        "select $$a; b$$, $tag$ ; $$ $tag$",
        r"select E'it\'s; fine'",
        "select 'it''s; fine'",
        "/* ; */ select 1 -- ; the end",
        "select a$b$c from t",
        "select $1",
    ],
)
def test_one_statement_passes_as_it_is(text: str) -> None:
    assert judge(text, "any").text == text


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("select 1; delete from t", "more than one statement: a second begins at character 11"),
        ("select 1 /* a */; /* b */ select 2", "more than one statement"),
        ("select 1 as a$b$; delete from t; select 2 as c$b$", "more than one statement"),
        ("select 'a\\'; delete from t; --'", "more than one statement"),
        ("", "empty"),
        (" ;; -- nothing", "empty"),
        ("select 'open", "never closed"),
        ("select 1 /* open", "never closed"),
        ("select 1\0; drop table t", "NUL"),
        ("select " + "1," * LONGEST, "characters"),
    ],
)
def test_anything_else_is_refused_with_its_reason(text: str, why: str) -> None:
    with pytest.raises(Refused, match=why):
        judge(text, "any")


@given(
    st.lists(st.sampled_from(["select 1", "'", '"', "$$", "$a$", ";", "--", "\n", "/*", "*/", "`", "E'", "\\", "x"]))
)
def test_no_quoting_hides_a_statement_that_is_plainly_there(parts: list[str]) -> None:
    """Whatever comes before, a statement after an unquoted semicolon on a line of its own is seen."""
    text = " ".join(parts)
    try:
        judge(text, "any")
    except Refused:
        return
    with pytest.raises(Refused):
        judge(f"{text}\n;\ndelete from t", "any")
