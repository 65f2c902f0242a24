"""What the serializer of the engine's own parser tells of statements."""

import json
import subprocess
import sys

import pytest
from colonnade.server.guard.dialects import Dialect, of
from colonnade.server.guard.readers.serialized import reader
from colonnade.server.guard.reading import Called, Relation, Unread

from tests.guard.reading import harmful, lines, tells

READ = reader(of("duckdb"))
SEEN = [row for row in map(json.loads, lines("../corpus.jsonl")) if row["dialect"] == "duckdb"]


@pytest.mark.parametrize("sql", lines("duckdb_honest.sql"))
def test_an_honest_statement_is_read(sql: str) -> None:
    told = tells(READ, sql)
    assert not told & {"-", "size", "file"}


@pytest.mark.parametrize(("tell", "sql"), harmful("duckdb_harmful.sql"))
def test_what_harms_is_told(tell: str, sql: str) -> None:
    assert tell in tells(READ, sql)


@pytest.mark.parametrize("row", SEEN, ids=lambda row: row["id"])
def test_the_seen_corpus_is_told_apart(row: dict[str, str]) -> None:
    risky = {"-", "size", "file"} | {"read_csv", "read_text", "glob", "getenv", "nextval", "query", "sleep_ms"}
    risky |= {"duckdb_secrets"}
    assert bool(tells(READ, row["sql"]) & risky) == (row["verdict"] == "deny")


def test_a_pivot_without_values_is_read_piece_by_piece() -> None:
    found = READ("PIVOT (SELECT f(1) FROM a) ON g(x) IN (SELECT y FROM b), z USING sum(c.v) AS s GROUP BY w")
    assert {called.name for called in found.functions} == {"f", "g", "sum"}
    assert set(found.relations) == {Relation(("a",)), Relation(("b",))}
    assert {"x", "y", "z", "v", "w"} <= set(found.columns)


def test_words_of_a_pivot_inside_of_texts_and_names_stay() -> None:
    found = READ("""PIVOT "ON" ON "USING" || ' ON é USING ' USING sum("PIVOT")""")
    assert found.relations == (Relation(("ON",)),)
    assert set(found.columns) == {"using", "pivot"}


def test_a_cte_hides_a_table_only_where_it_is_visible() -> None:
    assert READ("WITH t AS (SELECT * FROM t) FROM t").relations == (Relation(("t",)),)
    assert READ("SELECT * FROM (WITH s AS (SELECT 1) FROM s), s").relations == (Relation(("s",)),)
    assert READ("WITH s AS (SELECT 1) FROM main.s").relations == (Relation(("main", "s")),)


def test_a_call_has_its_schema_and_its_largest_number() -> None:
    found = READ('SELECT "My".Other.F(1, [2, 3000]), range(10 * 20)')
    assert Called("f", "my.other", 3000) in found.functions
    assert Called("range", "", 200) in found.functions


@pytest.mark.parametrize(
    ("sql", "kind"),
    [("SHOW TABLES", "show"), ("SUMMARIZE t", "describe"), ("EXPLAIN FROM t", "explain"), ("PRAGMA version", "pragma")],
)
def test_a_statement_has_a_kind(sql: str, kind: str) -> None:
    assert READ(sql).kind == kind


def test_what_the_parser_does_not_take_is_unread_with_the_place() -> None:
    with pytest.raises(Unread, match='near "t"'):
        READ("SELECT * FORM t WHERE")


def test_without_the_library_the_command_to_install_it_is_told() -> None:
    missing = reader(Dialect(name="duckdb", reader="serialized", parser="no_such_parser"))
    with pytest.raises(Unread, match=r'pip install "colonnade\[duckdb\]"'):
        missing("SELECT 1")


def test_the_parser_is_imported_when_a_statement_comes() -> None:
    code = (
        "import sys; from colonnade.server.guard.dialects import of;"
        "from colonnade.server.guard.readers.serialized import reader;"
        "read = reader(of('duckdb')); before = 'duckdb' in sys.modules; read('SELECT 1');"
        "print(before, 'duckdb' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.split() == ["False", "True"]


BOMBS = """
import json, sys, time
from importlib import import_module
from colonnade.server.guard.dialects import of
from colonnade.server.guard.reading import Harmful, Unread
dialect = of(sys.argv[1])
read = import_module("colonnade.server.guard.readers." + dialect.reader).reader(dialect)
read("SELECT 1")
bombs = {
    "subqueries": "SELECT * FROM (" * 59 + "SELECT 1" + ") x" * 59,
    "parentheses": "SELECT " + "(" * 60 + "1" + ")" * 60,
    "calls": "SELECT " + "abs(" * 60 + "1" + ")" * 60,
    "not": "SELECT " + "NOT " * 60 + "a",
    "minus": "SELECT " + "- " * 60 + "a",
    "case": "SELECT " + "CASE WHEN a THEN " * 60 + "1" + " END" * 60,
    "joins": "SELECT * FROM a" + " JOIN t" * 8,
    "commas": "SELECT * FROM a" + ", t" * 4900,
    "joins with ON": "SELECT * FROM a" + "".join(f" JOIN t t{n} ON t{n}.i=a.i" for n in range(700)),
    "numbers": "SELECT 1 IN (" + ",".join(str(n % 1000) for n in range(4990)) + ")",
    "texts": "SELECT 1 IN (" + ",".join("'%0999d'" % n for n in range(49)) + ")",
    "sum": "SELECT 1" + "+1" * 4990,
    "and": "SELECT 1 WHERE a" + " AND a" * 4990,
    "concatenation": "SELECT a" + "||a" * 4990,
    "unions": "SELECT 1" + " UNION ALL SELECT 1" * 2490,
    "ctes": "WITH c0 AS (SELECT 1 AS x)" + "".join(
        f", c{n} AS (SELECT 1 AS x FROM c{n - 1} a, c{n - 1} b)" for n in range(1, 400)) + " SELECT 1 FROM c399",
    "nested ctes": "WITH x AS (" * 59 + "SELECT 1" + ") SELECT 1 FROM x" * 59,
    "unclosed ctes": "WITH " + "a AS (WITH " * 58,
    "broken ctes": "WITH a AS (" * 58 + "SELECT 1 x y" + ") SELECT 1 FROM a" * 58,
    "broken long ctes": "WITH a AS (" * 5 + "SELECT 1" + " UNION SELECT 1" * 2400 + " x y" + ") SELECT 1 FROM a" * 5,
    "broken after ctes": "WITH a AS (" * 58 + "SELECT 1" + ") SELECT 1 FROM a" * 58 + " x y z",
    "broken siblings": "WITH a AS (SELECT 1)" + ", a AS (WITH a AS (SELECT 1) SELECT 1 FROM a)" * 400 + " SELECT 1 x y",
    "broken in parentheses": "SELECT (" * 20 + "WITH a AS (" * 20 + "x y" + ") SELECT 1" * 20 + ")" * 20,
    "long text": "SELECT '" + "x" * 49_900 + "'",
    "long name": "SELECT " + "x" * 49_900,
    "quotes": "SELECT " + "'" * 49_000,
    "columns": "SELECT " + ",".join("a" for n in range(4990)),
    "values": "VALUES " + ",".join("(1)" for n in range(2490)),
    "whens": "SELECT CASE" + " WHEN a THEN 1" * 2490 + " END",
    "dots": "SELECT a" + ".a" * 4990,
    "exists": "SELECT EXISTS (" * 59 + "SELECT 1" + ")" * 59,
    "products": "SELECT zeroblob(9" + "*9" * 180 + ")",
    "powers": "SELECT range(9" + "**9" * 180 + ")",
    "slashes": "SELECT 1 " + "/*" * 20_000,
    "long number": "SELECT zeroblob(" + "9" * 49_900 + ")",
    "exponent": "SELECT zeroblob(1e" + "9" * 4_000 + ")",
}
took = {}
for name, bomb in bombs.items():
    assert len(bomb) <= 50_000, name
    best = 9.0
    for _ in range(3):
        start = time.process_time()
        try:
            read(bomb)
        except (Harmful, Unread):
            pass
        best = min(best, time.process_time() - start)
    took[name] = round(best * 1000, 1)
print(json.dumps(took))
"""


@pytest.mark.parametrize("dialect", ["duckdb", "sqlite"])
def test_a_bomb_within_the_lexical_limits_neither_kills_nor_stalls(dialect: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", BOMBS, dialect], capture_output=True, text=True, check=True, timeout=120
    )
    took: dict[str, float] = json.loads(done.stdout)
    assert {name: milliseconds for name, milliseconds in took.items() if milliseconds > 100} == {}
