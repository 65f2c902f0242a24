"""`colonnade guard`: anyone's own statements against the guard, without a database."""

import json
import sys
from collections.abc import Iterable
from typing import TextIO, TypedDict

from pydantic import BaseModel, ValidationError

from ..engines import EngineTypes, load
from ..errors import Refused
from ..guard import judge
from ..keys import fold
from .serve import OK, USAGE


class Line(BaseModel):
    """One statement to judge."""

    id: str | int | None = None
    dialect: str
    sql: str


class Verdict(TypedDict):
    """What is printed for it."""

    id: str | int | None
    verdict: str
    reason: str


def judge_lines(lines: Iterable[bytes], out: TextIO) -> int:
    """Judge each line as a connection that allows nothing beyond the rules would; a line that is none ends it."""
    aliases = EngineTypes().aliases
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            asked = Line.model_validate(json.loads(line))
        except (ValueError, ValidationError) as error:
            what = type(error).__name__
            print(f'colonnade: line {number} is not {{"id", "dialect", "sql"}} in JSON ({what})', file=sys.stderr)
            return USAGE
        kind = aliases.get(fold(asked.dialect))
        dialect = asked.dialect.lower() if kind is None else load(kind).dialect
        verdict = Verdict(id=asked.id, verdict="allow", reason="")
        try:
            judge(asked.sql, dialect)
        except Refused as refused:
            verdict = Verdict(id=asked.id, verdict="deny", reason=f"{refused.message} {refused.hint}".strip())
        out.write(json.dumps(verdict) + "\n")
        out.flush()
    return OK
