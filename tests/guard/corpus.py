"""The statements that the guard is measured on, and the verdicts that a person gave them."""

import json
from pathlib import Path
from typing import Final, TypedDict


class Row(TypedDict):
    id: str
    dialect: str
    sql: str
    verdict: str
    why: str


CORPUS: Final = Path(__file__).with_name("corpus.jsonl")


def rows() -> list[Row]:
    return [json.loads(line) for line in CORPUS.read_text("utf-8").splitlines()]
