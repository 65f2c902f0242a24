"""Statements that kill parsers, or keep them busy, are refused at once, by a process that lives on."""

import json
import subprocess
import sys

import pytest

DIALECTS = ("postgres", "mysql", "tsql", "oracle", "snowflake", "sqlite", "duckdb", "")

BOMBS = {
    "parentheses": "SELECT " + "(" * 20_000 + "1" + ")" * 20_000,
    "brackets": "SELECT " + "[" * 20_000 + "]" * 20_000,
    "queries": "SELECT * FROM " + "(SELECT * FROM " * 20_000 + "t" + ")" * 20_000,
    "queries that fit": "SELECT * FROM " + "(SELECT * FROM " * 2_500 + "t" + ")" * 2_500,
    "NOT": "SELECT " + "NOT " * 9_000 + "1",
    "minus": "SELECT " + "- " * 9_000 + "1",
    "mixed signs": "SELECT " + "- NOT + ~ " * 2_000 + "1",
    "joins": "SELECT * FROM a" + " JOIN t" * 5_000,
    "left joins": "SELECT * FROM a" + " LEFT JOIN t" * 30,
    "list": "SELECT * FROM t WHERE a IN (" + "1," * 30_000 + "1)",
    "CASE": "SELECT " + "CASE WHEN a THEN " * 2_500 + "1" + " END" * 2_500,
    "CASE with columns named end": "SELECT " + "CASE WHEN x.end THEN " * 2_300 + "1",
    "EXPLAIN": "EXPLAIN " * 6_000 + "SELECT 1",
    "casts": "SELECT " + "CAST(" * 3_000 + "1" + " AS INT)" * 3_000,
    "open quotations": "SELECT " + "'a" * 20_001,
    "open comments": "SELECT " + "/*" * 20_001,
    "dollars": "SELECT " + "$a$ $b$ " * 6_001,
    "numbers": "SELECT " + "1e" * 20_000 + "'",
}

SCRIPT = """
import json, sys, time
from colonnade.server.errors import Refused
from colonnade.server.guard import judge
for dialect in json.loads(sys.argv[1]):
    judge("select 1", dialect)
    for name, text in json.load(open(sys.argv[2])).items():
        started = time.process_time()
        try:
            judge(text, dialect)
        except Refused:
            print(json.dumps([dialect, name, time.process_time() - started]))
print("alive")
"""


def test_bombs_are_refused_within_a_tenth_of_a_second(tmp_path_factory: pytest.TempPathFactory) -> None:
    file = tmp_path_factory.mktemp("bombs") / "bombs.json"
    file.write_text(json.dumps(BOMBS))
    command = [sys.executable, "-c", SCRIPT, json.dumps(DIALECTS), str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    *lines, last = done.stdout.splitlines()
    assert last == "alive"
    took = {(dialect, name): seconds for dialect, name, seconds in map(json.loads, lines)}
    assert {(dialect, name) for dialect in DIALECTS for name in BOMBS} == set(took)
    assert {key: seconds for key, seconds in took.items() if seconds > 0.1} == {}
