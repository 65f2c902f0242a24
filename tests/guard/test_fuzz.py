"""Pieces of the corpus, shuffled: the guard answers in time, with a verdict or a refusal, and never crashes."""

import time

import pytest
from colonnade.server.errors import Refused
from colonnade.server.guard import judge
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.guard.corpus import rows

DIALECTS = ("postgres", "mysql", "tsql", "oracle", "snowflake", "sqlite", "duckdb", "")
PIECES = sorted({piece for row in rows() if len(row["sql"]) < 400 for piece in row["sql"].split(" ")})
SIGNS = ["(", ")", "[", "]", "{", "}", ",", ".", ";", "'", '"', "`", "--", "/*", "*/", "$$", "\n", "@", ":", "->", "::"]

texts = st.one_of(
    st.lists(st.sampled_from(PIECES + SIGNS), max_size=60).map(" ".join),
    st.tuples(st.sampled_from(PIECES + SIGNS), st.integers(1, 4000)).map(lambda each: "SELECT " + each[0] * each[1]),
    st.tuples(st.sampled_from(PIECES + SIGNS), st.integers(1, 4000)).map(
        lambda each: "SELECT 1 FROM t " + f" {each[0]}" * each[1]
    ),
    st.text(max_size=200),
)


def answered(text: str, dialect: str) -> None:
    started = time.process_time()
    refused: Refused | None = None
    try:
        assert len(judge(text, dialect).text) == len(text)
    except Refused as error:
        refused = error
    if refused is not None:
        assert "could not be judged" not in refused.message
        assert refused.hint
        assert len(str(refused)) < 600
    assert time.process_time() - started < 2


@settings(max_examples=150, deadline=None)
@given(texts, st.sampled_from(DIALECTS))
def test_any_text_gets_an_answer(text: str, dialect: str) -> None:
    answered(text, dialect)


@pytest.mark.long
@settings(max_examples=20_000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(texts, st.sampled_from(DIALECTS))
def test_any_text_gets_an_answer_for_long(text: str, dialect: str) -> None:
    answered(text, dialect)


@pytest.mark.long
@pytest.mark.parametrize("dialect", DIALECTS)
def test_no_piece_repeated_keeps_the_parser_busy(dialect: str) -> None:
    for piece in PIECES + SIGNS:
        for many in (30, 4_000):
            answered("SELECT * FROM a " + f"{piece} " * many, dialect)
