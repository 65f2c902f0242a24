"""What may be sent over a driver that runs several statements: only what every dialect reads as one."""

import pytest
from colonnade.server.engines.base.single import refuse_several
from colonnade.server.errors import SqlError


@pytest.mark.parametrize(
    "text",
    [
        "select 1",
        " select 1 ; ",
        "select '; drop table a'",
        "select string_agg(name, '; ') from authors where city <> 'x;y'",
        "select 'it''s; fine'",
        'select "a;b" from t',
        "select 1 -- no semicolon here",
        "select '\\' from t",
    ],
)
def test_one_statement_passes(text: str) -> None:
    refuse_several(text)


@pytest.mark.parametrize(
    "text",
    [
        "select 1; select 2",
        "select 1;; ",
        "commit; insert into a values ('x')",
        "select 1 -- ' \n; drop table a -- '",
        "select 1 /* ' */; drop table a /* ' */",
        "select 1 # ' \n; drop table a # '",
        "select '\\'; drop table a; select \\''",
        "select $$'$$; drop table a; select $$'$$",
        "select `'`; drop table a; select `'`",
        "select [']; drop table a; select [']",
        "select 'open; x",
        'select "\'"; drop table a; select "\'"',
    ],
)
def test_what_some_dialect_reads_as_several_is_not_sent(text: str) -> None:
    with pytest.raises(SqlError, match="several statements"):
        refuse_several(text)
