import io
import json

import pytest
from colonnade.server.cli.guard import judge_lines


def said(*lines: str) -> tuple[int, list[dict[str, object]]]:
    out = io.StringIO()
    code = judge_lines([line.encode() for line in lines], out)
    return code, [json.loads(line) for line in out.getvalue().splitlines()]


@pytest.mark.parametrize(
    "dialect", ["tsql", "mssql", "SQL Server", "postgres", "Postgres DB", "mariadb", "oracle", "snowflake", "odbc", "?"]
)
def test_every_name_of_a_dialect_is_taken(dialect: str) -> None:
    honest, harmful = "select count(*) from t", "drop table t"
    code, found = said(*(json.dumps({"id": n, "dialect": dialect, "sql": s}) for n, s in enumerate((honest, harmful))))
    assert (code, [each["verdict"] for each in found]) == (0, ["allow", "deny"])
    assert [each["id"] for each in found] == [0, 1]
    assert (found[0]["reason"], bool(found[1]["reason"])) == ("", True)


def test_a_line_that_is_none_is_denied_and_the_rest_is_judged() -> None:
    code, found = said("nonsense", "", '{"id": "a"}', '{"id": "b", "dialect": "sqlite", "sql": "select 1"}')
    assert (code, [each["verdict"] for each in found]) == (2, ["deny", "deny", "allow"])
