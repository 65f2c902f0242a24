"""What the engine's own grammar and authorizer tell of statements."""

import json
from pathlib import Path

import pytest
from colonnade.server.guard.dialects import of
from colonnade.server.guard.readers.authorized import reader
from colonnade.server.guard.reading import Called, Harmful, Relation, Unread

from tests.guard.reading import harmful, lines, tells

READ = reader(of("sqlite"))
SEEN = [row for row in map(json.loads, lines("seen.jsonl")) if row["dialect"] == "sqlite"]


@pytest.mark.parametrize("sql", lines("sqlite_honest.sql"))
def test_an_honest_statement_is_read(sql: str) -> None:
    told = tells(READ, sql)
    assert not told & {"-", "size"}


@pytest.mark.parametrize(("tell", "sql"), harmful("sqlite_harmful.sql"))
def test_what_harms_is_told(tell: str, sql: str) -> None:
    assert tell in tells(READ, sql)


@pytest.mark.parametrize("row", SEEN, ids=lambda row: row["id"])
def test_the_seen_corpus_is_told_apart(row: dict[str, str]) -> None:
    risky = {"-", "size", "load_extension", "writefile", "readfile", "fts3_tokenizer"}
    assert bool(tells(READ, row["sql"]) & risky) == (row["verdict"] == "deny")


def test_a_call_has_its_schema_and_its_largest_number() -> None:
    found = READ("SELECT max(1, abs(200)), 7 FROM Main.JSON_each('[]') j, main.t")
    assert set(found.functions) == {Called("max", "", 200), Called("abs", "", 200), Called("json_each", "main", None)}
    assert found.relations == (Relation(("main", "t")),)


def test_types_windows_and_lists_of_columns_are_no_calls() -> None:
    found = READ(
        "WITH a(x, y) AS NOT MATERIALIZED (SELECT 1, CAST(2 AS DECIMAL(10, 2)))"
        " SELECT count(*) FILTER (WHERE x) OVER (w), x IN (1), x LIKE ('a') FROM a WINDOW w AS (ORDER BY y), v AS (w)"
    )
    assert [called.name for called in found.functions] == ["count"]
    assert found.relations == ()


def test_a_cte_hides_a_table_only_where_it_is_visible() -> None:
    assert READ("SELECT * FROM (WITH s AS (SELECT 1) SELECT * FROM s), s").relations == (Relation(("s",)),)
    assert READ("WITH s AS (SELECT 1) SELECT * FROM main.s, S").relations == (Relation(("main", "s")),)


def test_what_only_newer_libraries_take_is_read_by_any() -> None:
    found = READ("SELECT group_concat(a, ',' ORDER BY lower(b)), 1_000 FROM t")
    assert {called.name for called in found.functions} == {"group_concat", "lower"}


def test_what_the_grammar_does_not_take_is_unread_with_the_place() -> None:
    with pytest.raises(Unread, match='near "FORM"'):
        READ("SELECT * FORM t WHERE")


def test_nothing_runs_and_nothing_is_written(tmp_path: Path) -> None:
    there = tmp_path / "there.db"
    for sql in (f"ATTACH '{there}' AS x", f"VACUUM INTO '{there}'", f"EXPLAIN VACUUM INTO '{there}'"):
        with pytest.raises(Harmful):
            READ(sql)
    assert not there.exists()
