"""`colonnade guard`: anyone's own statements against the guard, without a database."""

import json
from collections.abc import Iterable
from typing import Any, TextIO, TypedDict, cast

from ..engines import EngineTypes, load
from ..errors import Refused
from ..guard import judge
from ..keys import fold
from .serve import OK, USAGE


class Verdict(TypedDict):
    """What is printed for it."""

    id: str | int | None
    verdict: str
    reason: str


def judge_lines(lines: Iterable[bytes], out: TextIO) -> int:
    """Judge each line as a connection that allows nothing beyond the rules would; what is no such line is denied."""
    engines, code = EngineTypes(), OK
    for line in lines:
        if not line.strip():
            continue
        try:
            asked = cast("dict[str, Any]", json.loads(line))
            known, dialect, sql = asked.get("id"), str(asked["dialect"]), str(asked["sql"])
        except (ValueError, KeyError, TypeError, AttributeError):
            code = USAGE
            verdict = Verdict(id=None, verdict="deny", reason='The line is not {"id", "dialect", "sql"} in JSON.')
        else:
            kind = engines.aliases.get(fold(dialect))
            verdict = _verdict(known, sql, dialect.lower() if kind is None else load(kind).dialect)
        out.write(json.dumps(verdict) + "\n")
        out.flush()
    return code


def _verdict(known: str | int | None, sql: str, dialect: str) -> Verdict:
    try:
        judge(sql, dialect)
    except Refused as refused:
        return Verdict(id=known, verdict="deny", reason=f"{refused.message} {refused.hint}".strip())
    return Verdict(id=known, verdict="allow", reason="")
