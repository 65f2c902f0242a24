"""Every statement of the corpus gets its verdict, whichever build of the parser is installed."""

import json
import subprocess
import sys
from collections import Counter

import pytest
from colonnade.server.errors import Refused
from colonnade.server.guard import judge

from tests.guard.corpus import CORPUS, Row, rows

ROWS = rows()

PURE = """
import sys
from importlib.machinery import FileFinder, SourceFileLoader

class Pure:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "sqlglot" and path:
            for folder in path:
                if (spec := FileFinder(folder, (SourceFileLoader, [".py"])).find_spec(name)) is not None:
                    return spec

sys.meta_path.insert(0, Pure())
import sqlglot.parser
assert sqlglot.parser.__file__.endswith(".py")
from colonnade.server.cli import main
sys.exit(main(["guard"]))
"""


def verdict(row: Row) -> str:
    try:
        judged = judge(row["sql"], row["dialect"])
    except Refused:
        return "deny"
    assert len(judged.text) == len(row["sql"])
    return "allow"


def test_nothing_harmful_passes_and_hardly_anything_honest_is_refused() -> None:
    found = Counter((row["verdict"], verdict(row)) for row in ROWS)
    passed = [row["id"] for row in ROWS if row["verdict"] == "deny" and verdict(row) == "allow"]
    refused = [row["id"] for row in ROWS if row["verdict"] == "allow" and verdict(row) == "deny"]
    assert not passed
    assert len(refused) <= 0.01 * (found["allow", "allow"] + found["allow", "deny"]), refused
    assert found["deny", "deny"] > 250


@pytest.mark.parametrize("row", [row for row in ROWS if row["verdict"] == "allow"], ids=lambda row: row["id"])
def test_the_judged_text_is_judged_alike(row: Row) -> None:
    once = judge(row["sql"], row["dialect"]).text
    assert judge(once, row["dialect"]).text == once


def test_the_pure_parser_says_the_same_as_the_compiled_one() -> None:
    with CORPUS.open("rb") as lines:
        done = subprocess.run(
            [sys.executable, "-c", PURE], stdin=lines, capture_output=True, text=True, check=True, timeout=120
        )
    said = {each["id"]: each["verdict"] for each in map(json.loads, done.stdout.splitlines())}
    assert said == {row["id"]: verdict(row) for row in ROWS}
