import pytest
from colonnade.server.errors import Refused
from colonnade.server.guard import judge
from colonnade.server.guard.lexical import LONGEST
from hypothesis import given
from hypothesis import strategies as st

DIALECTS = ("postgres", "mysql", "tsql", "oracle", "snowflake", "sqlite", "duckdb", "")


@pytest.mark.parametrize(
    ("text", "dialect"),
    [
        ("select 1", ""),
        ("select ';' as a, \"b;c\" from t", ""),
        ("select ';' as a, \"b;c\", `d;e` from t", "sqlite"),
        ("select $$a; b$$, $tag$ ; $$ $tag$", "postgres"),
        ("select $$a; b$$", "snowflake"),
        (r"select E'it\'s; fine'", "postgres"),
        (r"select 'it\'s; fine'", "mysql"),
        ("select 'it''s; fine'", ""),
        ("select q'[it's; fine]' from dual", "oracle"),
        ("select [a;b]]c] from t", "tsql"),
        ("select a$b$c from t", "postgres"),
    ],
)
def test_one_statement_passes_as_it_is(text: str, dialect: str) -> None:
    assert judge(text, dialect).text == text


@pytest.mark.parametrize(
    ("text", "dialect", "runs"),
    [
        ("select 1;", "", "select 1 "),
        (" ; select 1 ; ; -- done", "", "   select 1            "),
        ("/* ; */ select 1 -- ; the end", "postgres", "        select 1             "),
        ("select /*+ full(t) */ 1 from t", "oracle", "select                1 from t"),
        ("select /* a /* b */ c */ 1", "postgres", "select                   1"),
        ("select 1 # one\n, 2", "mysql", "select 1      \n, 2"),
    ],
)
def test_comments_hints_and_closing_semicolons_are_blanked_in_place(text: str, dialect: str, runs: str) -> None:
    assert judge(text, dialect).text == runs
    assert len(runs) == len(text)


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("select 1; delete from t", "more than one statement: a second begins at character 11"),
        ("select 1 /* a */; /* b */ select 2", "more than one statement"),
        ("", "empty"),
        (" ;; -- nothing", "empty"),
        ("select 'open", "never closed"),
        ("select 1 /* open", "never closed"),
        ("select 1\0; drop table t", "NUL"),
        ("select 1\u200b", r"U\+200B"),
        ("select 1 \u202e from t", r"U\+202E"),
        ("select\xa01", "plain blanks"),
        ("select 1 -- x\r, 2", "carriage return alone"),
        ("select " + "1," * LONGEST, "characters"),
        ("select " + "(" * 61 + "1" + ")" * 61, "levels"),
        ("select " + "not " * 61 + "1", "follows itself|levels"),
        ("select * from t " + "join u " * 10, "joins"),
        ("delete from t", "does not begin a statement that reads"),
        ("select 1e'x'", "number touches"),
    ],
)
def test_what_no_parser_gets_to_see(text: str, dialect: str, why: str) -> None:
    with pytest.raises(Refused, match=f"(?i){why}"):
        judge(text, dialect)


@pytest.mark.parametrize(
    ("text", "dialect", "why"),
    [
        ("select 1 as a$b$; delete from t; select 2 as c$b$", "postgres", "more than one"),
        ("select 'a\\'; delete from t; --'", "postgres", "more than one"),
        ("select 'a\\'; delete from t; --'", "", "a backslash stands before a quote"),
        ("select '\\\\'; delete from t; -- '", "mysql", "more than one"),
        ("select 1 /*! into outfile 'x' */", "mysql", "code"),
        ("select 1 /*M!100100 , sleep(1) */", "mysql", "code"),
        ("select 1 --1", "mysql", "two dashes"),
        ("select [a]]; delete from t", "sqlite", "first ]"),
        ("select $a('), 1; delete from t --'", "sqlite", "parameter"),
        ("select 1 /* /* */ ; delete from t */", "mysql", "more than one"),
        ("select 1 /* /* */ */", "duckdb", "inside a comment"),
        ("select 1 delete from t", "tsql", "second statement"),
        ("select 1 shutdown", "tsql", "second statement"),
        ("select 1 use master", "tsql", "second statement"),
        ("select * into x from t", "tsql", "INTO"),
        ("select * from @stage/x", "snowflake", "stage"),
    ],
)
def test_what_one_dialect_reads_otherwise_than_it_looks(text: str, dialect: str, why: str) -> None:
    with pytest.raises(Refused, match=f"(?i){why}"):
        judge(text, dialect)


@given(
    st.lists(
        st.sampled_from(["select 1", "'", '"', "$$", "$a$", ";", "--", "\n", "/*", "*/", "`", "E'", "\\", "x", "["])
    ),
    st.sampled_from(DIALECTS),
)
def test_no_quoting_hides_a_statement_that_is_plainly_there(parts: list[str], dialect: str) -> None:
    """Whatever comes before, a statement after an unquoted semicolon on a line of its own is seen."""
    text = " ".join(parts)
    try:
        judge(text, dialect)
    except Refused:
        return
    with pytest.raises(Refused):
        judge(f"{text}\n;\ndelete from t", dialect)
