import pytest
from colonnade.server.errors import Refused
from colonnade.server.guard import Policy, judge


@pytest.mark.parametrize(
    ("text", "dialect", "why"),
    [
        ("select pg_sleep(1)", "postgres", "pg_sleep is not on the list"),
        ('select "pg_sleep"(1)', "postgres", "pg_sleep is not on the list"),
        ('select "LOWER"(x) from t', "postgres", "LOWER"),
        ("select mine.lower(x) from t", "postgres", "mine.lower"),
        ("select 1 order by pg_sleep(1)", "postgres", "pg_sleep"),
        ("select count(*) filter (where pg_sleep(1) is null) from t", "postgres", "pg_sleep"),
        ("select t.pg_read_file from unnest(array['/etc/passwd']) t", "postgres", "written like a column"),
        ("select ('/etc/passwd'::text).pg_read_file", "postgres", "written like a column"),
        ("select mine.count(*) over () from dual", "oracle", "mine.count"),
        ("select pack.f from dual", "oracle", "pack.f"),
        ("select pack.f from dual where exists (select 1 from t pack)", "oracle", "pack.f"),
        ("select s.nextval from dual", "oracle", "s.nextval"),
        ("select s.nextval from s", "snowflake", "s.nextval"),
        ("select dbo.string_agg(x) from t", "tsql", "dbo.string_agg"),
        ("show tables where sleep(5)", "mysql", "sleep"),
        ("select last_insert_id(5)", "mysql", "last_insert_id"),
        ("show tables ->> select evil(1) from $1", "snowflake", "evil"),
        ("select repeat('x', 1000000 * 1000)", "postgres", "1,000,000,000"),
        ("select * from generate_series(1, 100000000000)", "postgres", "the most"),
        (
            "with recursive r as (select 1 n union all select n + 1 from r) select * from r",
            "postgres",
            "stops|could end it",
        ),
        (
            "with recursive r as (select 1 n union all select n + 1 from r where true) select * from r",
            "mysql",
            "stops|could end it",
        ),
        ("with pg_authid as (select * from pg_authid) select * from pg_authid", "postgres", "credentials"),
        ("select * from mysql.user", "mysql", "credentials"),
        ("select * from a.b.c.d", "tsql", "another server"),
        ("select * from t@link", "oracle", "out of the database"),
        ("from 'x.csv'", "duckdb", "path of a file"),
        ("select * from data.csv", "duckdb", "path of a file"),
        ("summarize 'x.csv'", "duckdb", "path of a file"),
        ("select * from t for update", "postgres", "lock"),
        ("select * from t with (updlock)", "tsql", "locks"),
        ("select @a := 1", "mysql", "assigned"),
        ("select @a = 1", "tsql", "assigned"),
        ("explain analyze delete from t", "postgres", "."),
        ("explain plan for select 1 from dual", "oracle", "no EXPLAIN"),
        ("pragma journal_mode = delete", "sqlite", "PRAGMA"),
        ("with x as (delete from t returning 1) select * from x", "postgres", "DELETE"),
        ("select next value for s", "tsql", "sequence"),
        ("select xkcd(1)", "", "not on the list"),
    ],
)
def test_what_does_more_than_read_is_refused_with_its_reason(text: str, dialect: str, why: str) -> None:
    with pytest.raises(Refused, match=why) as refused:
        judge(text, dialect)
    assert refused.value.hint


@pytest.mark.parametrize(
    ("text", "dialect"),
    [
        ("table t order by 1 limit 5", "postgres"),
        ("select pg_catalog.lower(x) from t", "postgres"),
        ("with recursive r(n) as (select 1 union all select n + 1 from r where n < 9) select * from r", "postgres"),
        ("show full tables from `db` where Table_type = 'VIEW'", "mysql"),
        ("select last_insert_id()", "mysql"),
        ("select c.doc.value('@id', 'int') from c", "tsql"),
        ("select * from t with (nolock, index(ix))", "tsql"),
        ("select [close] from t", "tsql"),
        ("select t.js.a.string() from t", "oracle"),
        ("select json_query(a, '$.b' with wrapper) from t", "oracle"),
        ("show tables ->> select * from $1", "snowflake"),
        ("select a from t where b like 'x' escape '!' collate nocase", "sqlite"),
        ("select a.upper().lower() from t", "duckdb"),
        ("describe select 1", "duckdb"),
        ("select upper(a), count(*) from s.t group by upper(a)", ""),
    ],
)
def test_what_only_reads_passes(text: str, dialect: str) -> None:
    judge(text, dialect)


def test_a_connection_allows_more_functions_by_their_exact_name() -> None:
    policy = Policy(frozenset(("gis.reach", "twice")))
    judge("select gis.reach(a), Twice(b) from t", "postgres", policy)
    for text in ("select reach(a) from t", "select other.twice(b) from t"):
        with pytest.raises(Refused, match="allow_functions"):
            judge(text, "postgres", policy)


def test_a_connection_allows_files() -> None:
    judge("from 'x.csv'", "duckdb", Policy(allow_files=True))
    with pytest.raises(Refused, match="allow_files"):
        judge("from 'x.csv'", "duckdb")


def test_a_near_name_is_offered() -> None:
    with pytest.raises(Refused, match="Did you mean lower"):
        judge("select lowerr(x) from t", "postgres")


def test_a_refusal_never_repeats_the_statement() -> None:
    secret = "S3cr3t" * 50
    for text in (f"select '{secret}' from", f"select {secret}(1)", f"delete from {secret}"):
        with pytest.raises(Refused) as refused:
            judge(text, "postgres")
        assert secret not in str(refused.value)
