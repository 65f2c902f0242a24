"""What the engine's own grammar and authorizer tell of statements."""

import json
import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from random import Random

import pytest
from colonnade.server.guard.dialects import of
from colonnade.server.guard.readers.authorized import reader
from colonnade.server.guard.reading import Called, Harmful, Relation, Unread

from tests.guard.reading import harmful, lines, tells

READ = reader(of("sqlite"))
SEEN = [row for row in map(json.loads, lines("../corpus.jsonl")) if row["dialect"] == "sqlite"]


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


WORDS = ["f", "filter", "over", "offset", "materialized", "with", "rows", "range", "groups", "by", "recursive"]
KEYS = ["current", "key", "plan", "exclude", "nulls", "if", "end", "match", "like"]
NAMES = [*WORDS, *KEYS]
TABLES = ["t0", "t1 AS x", "main.t2", '"t3" window', "[t4] filter", "'t5' over", "json_each(1)", "main.json_each('[]')"]
TYPES = ["INT", "VARCHAR(10)", "DECIMAL(10, 2)", "DOUBLE PRECISION", "x y(3)"]
OPERATORS = ["+", "||", "=", "LIKE", "GLOB", "IS NOT DISTINCT FROM", "IS DISTINCT FROM", "AND", "->>", "COLLATE x ="]


class Maker:
    """Makes queries over tables that exist, full of functions that are called like keywords."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)  # noqa: S311 - the same statements each time

    def value(self, deep: int = 0) -> str:
        pick, more = self.random.choice, deep + 1
        if deep > 3 or self.random.random() < 0.35:
            return pick(["1", "c", "'z'", "NULL", '"c"', "window", "filter"])
        one, other, call = (
            self.value(more),
            self.value(more),
            pick([*NAMES, '"f"', "[f]", "`f` /* ( */", "lower", "F "]),
        )
        return pick(
            [
                f"{call}({one}, {other})",
                f"{call}({one}) FILTER (WHERE {other})",
                f"{call}() OVER (PARTITION BY {one} ORDER BY {other} ROWS BETWEEN (1) PRECEDING AND CURRENT ROW)",
                f"({one}) {pick(OPERATORS)} ({other})",
                f"{one} {pick(OPERATORS)} {other}",
                f"CAST({one} AS {pick(TYPES)})",
                f"{one} IN {pick(['t1', 'main.t2', '(1, 2)', 'json_each(1)', '(SELECT 1 FROM t3)'])}",
                f"CASE {one} WHEN {other} THEN {one} END",
                f"(SELECT {one} FROM {self.source(more)} ORDER BY {other})",
            ]
        )

    def source(self, deep: int = 0) -> str:
        pick, more = self.random.choice, deep + 1
        if deep > 2 or self.random.random() < 0.4:
            return pick(TABLES)
        one, other = self.source(more), self.source(more)
        return pick(
            [
                f"{one}, {other}",
                f"{one} LEFT JOIN {other} ON {self.value(more)}",
                f"({one}) JOIN ({other})",
                f"(WITH w AS (SELECT 1) SELECT {self.value(more)} AS c FROM {one}, w) materialized",
            ]
        )

    def query(self) -> str:
        value, source = self.value, self.source
        return self.random.choice(
            [
                f"SELECT {value()} AS materialized, {value()} filter FROM {source()} WHERE {value()}",
                f"WITH a(c) AS NOT MATERIALIZED (SELECT {value()}) SELECT {value()} FROM a, {source()}",
                f"SELECT {value()} FROM {source()} WINDOW a AS (ORDER BY {value()}), b AS (a) ORDER BY {value()}",
                f"SELECT {value()} FROM {source()} LIMIT {value()} OFFSET {value()}",
                f"VALUES ({value()}), ({value()})",
            ]
        )


@pytest.mark.parametrize("seed", range(8))
def test_what_the_authorizer_is_asked_for_the_reader_has_told(seed: int) -> None:
    asked: list[tuple[int, str | None, str | None]] = []

    def note(action: int, first: str | None, second: str | None, *_: str | None) -> int:
        asked.append((action, first, second))
        return sqlite3.SQLITE_OK

    checked = 0
    with closing(sqlite3.connect(":memory:")) as connection:
        for number in range(6):
            connection.execute(f"CREATE TABLE t{number} (c, window, filter)")
        for name in NAMES:
            connection.create_function(name, -1, lambda *_: 1)
        connection.execute("SELECT * FROM json_each('[]')").fetchall()
        connection.set_authorizer(note)
        maker = Maker(seed)
        for query in (maker.query() for _ in range(400)):
            asked.clear()
            with suppress(sqlite3.Error):
                connection.execute(f"EXPLAIN {query}").close()
            with suppress(Unread):
                found = READ(query)
                called = {second for action, _, second in asked if action == sqlite3.SQLITE_FUNCTION}
                read = {first for action, first, _ in asked if action == sqlite3.SQLITE_READ}
                checked += bool(called)
                assert called - {"like", "glob", "->>"} <= {one.name for one in found.functions}, query
                assert read & {f"t{n}" for n in range(6)} <= {one.parts[-1] for one in found.relations}, query
    assert checked > 200
