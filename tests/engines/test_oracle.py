"""What can be asked of the Oracle adapter without a server.

A scripted stand-in for the driver's connections proves the adapter, and the real driver meets listeners that refuse,
hang up, keep silent or speak something else. No test here has seen an Oracle database: that is for the contract with
COLONNADE_TEST_ORACLE_DSN.
"""

import array
import asyncio
import datetime as dt
import socket
import sys
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import anyio
import oracledb
import pytest
import sqlglot
from colonnade.server.engines.base import Client, direct
from colonnade.server.engines.oracle import ENGINE, OracleOptions, catalog, login
from colonnade.server.engines.oracle.client import BEGIN, OracleClient
from colonnade.server.engines.oracle.driver import DriverConnection
from colonnade.server.engines.oracle.opening import SETTINGS
from colonnade.server.engines.oracle.statements import check_query
from colonnade.server.engines.oracle.values import db_type
from colonnade.server.errors import (
    AuthFailed,
    ColonnadeError,
    ConfigError,
    ConnectionLost,
    Denied,
    DriverMissing,
    SqlError,
    TimedOut,
    Unreachable,
)
from colonnade.server.model import Cell, Column, ForeignKey, Index, Judged, Limits, ResultColumn
from pydantic import ValidationError
from sqlglot import exp

from tests.contract.case import encode, every_question
from tests.engines.oracle_fake import Answer, Connection, Server, error, info

SECRET = "hunter2"
ONE = "select 1 from dual"
SLOW = "select count(*) from everything"
NUMBERS = (info("N", "NUMBER", 0, -127),)


@asynccontextmanager
async def opened(server: Server, limits: Limits | None = None) -> AsyncGenerator[Client]:
    async def connect() -> DriverConnection:
        return cast("DriverConnection", await server.connect())

    server.answers.setdefault(ONE, Answer(NUMBERS, [(Decimal(1),)]))
    client = OracleClient(connect, await connect(), limits or Limits())
    try:
        yield client
    finally:
        with anyio.fail_after(5, shield=True):
            await client.close()


async def ask(
    client: Client, sql: str, *, rows: int = 200, seconds: float = 5
) -> tuple[tuple[ResultColumn, ...], list[tuple[Cell, ...]]]:
    found: list[tuple[Cell, ...]] = []
    async with client.run(Judged(sql, "oracle"), rows=rows, seconds=seconds) as cursor:
        async for batch in cursor.batches():
            found += [tuple(map(encode, cursor.columns, row)) for row in batch]
        return cursor.columns, found


def cursors(connection: Connection) -> list[Any]:
    return connection.__dict__.get("cursors", [])


# What is sent


@pytest.mark.parametrize(
    "sql",
    [
        "insert into authors (id) values (1)",
        "drop table authors",
        " /* select */ -- select\n  DROP table authors",
        "--select\r\ncreate table made (id number)",
        "begin execute immediate 'drop table authors'; end;",
        "declare x number; begin null; end;",
        "call wipe()",
        "commit",
        "set transaction read write",
        "alter session set current_schema = sys",
        "explain plan for select 1 from dual",
        "lock table authors in exclusive mode",
        "merge into authors a using dual on (1 = 1) when matched then update set a.name = 'x'",
        "with function f return number is pragma autonomous_transaction; begin return 1; end; select f from dual",
        "WITH /* */ procedure p is begin null; end; select 1 from dual",
    ],
)
async def test_what_is_no_query_never_reaches_the_server(sql: str) -> None:
    server = Server()
    async with opened(server) as client:
        with pytest.raises(Denied, match="only reads"):
            await ask(client, sql)
        assert server.said == []


@pytest.mark.parametrize("end", ["\r", "\v", "\f", "\x1c", "\x85", "\u2028"])
@pytest.mark.parametrize(
    "sql",
    [
        "--{}select\ndrop table authors",
        "--{}drop table authors\nselect 1 from dual",
        "with --{}x\nfunction f return number is begin return 1; end; select f from dual",
    ],
)
async def test_a_comment_that_may_end_in_two_places_hides_nothing(sql: str, end: str) -> None:
    server = Server()
    async with opened(server) as client:
        with pytest.raises((Denied, SqlError)):
            await ask(client, sql.format(end))
        assert server.said == []


def test_many_comments_are_read_in_no_time() -> None:
    begun = time.monotonic()
    check_query("with " + 5_000 * "/**/" + "t as (select 1 from dual) select * from t")
    with pytest.raises(SqlError):
        check_query("with " + 5_000 * "/**/" + "?")
    assert time.monotonic() - begun < 1


@pytest.mark.parametrize(("sql", "named"), [("selct 1", "selct"), ("", "no statement"), ("-- ?", "no statement")])
async def test_what_is_no_statement_is_named(sql: str, named: str) -> None:
    server = Server()
    async with opened(server) as client:
        with pytest.raises(SqlError, match=named):
            await ask(client, sql)
        assert server.said == []


@pytest.mark.parametrize(
    "sql",
    [
        "select 1 from dual",
        "  SELECT 1 from dual",
        "/* a */ -- b\r\n select 1 from dual",
        "((select 1 from dual))",
        "with functions as (select 1 from dual) select * from functions",
        "select 'drop table x' from dual",
    ],
)
async def test_a_query_is_sent_as_it_is_in_a_read_only_transaction(sql: str) -> None:
    server = Server(answers={sql: Answer(NUMBERS, [(Decimal(1),)])})
    async with opened(server) as client:
        assert (await ask(client, sql))[1] == [(1,)]
        assert server.said == [BEGIN, sql, "ROLLBACK"]


async def test_the_drivers_defaults_are_left_alone() -> None:
    server = Server()
    async with opened(server) as client:
        await ask(client, ONE)
        assert cursors(server.connections[0])[-1].asked == {"fetch_lobs": False, "fetch_decimals": True}
    assert (oracledb.defaults.fetch_lobs, oracledb.defaults.fetch_decimals) == (True, False)


# Rows


async def test_the_server_is_not_asked_for_more_rows_than_are_wanted() -> None:
    rows = [(Decimal(n),) for n in range(5_000)]
    server = Server(answers={SLOW: Answer(NUMBERS, rows)})
    async with opened(server) as client:
        assert (await ask(client, SLOW, rows=2_300))[1] == [(n,) for n in range(2_301)]
        cursor = cursors(server.connections[0])[-1]
        assert (cursor.prefetchrows, cursor.sizes) == (1_000, [1_000, 1_000, 301])
        assert len((await ask(client, SLOW, rows=10))[1]) == 11
        assert cursors(server.connections[0])[-1].prefetchrows == 11


async def test_every_cursor_is_closed() -> None:
    server = Server()
    async with opened(server) as client:
        for _ in range(3):
            await ask(client, ONE)
        assert len(server.connections) == 1
        assert all(cursor.closed for cursor in cursors(server.connections[0]))


EXACT = [
    (info("V", "NUMBER", 0, -127), Decimal(7), "NUMBER", 7),
    (info("V", "NUMBER", 0, -127), Decimal("12.5"), "NUMBER", "12.5"),
    (info("V", "NUMBER", 0, -127), Decimal(2**53 + 1), "NUMBER", "9007199254740993"),
    (info("V", "NUMBER", 0, -127), Decimal("-1e125"), "NUMBER", "-1" + 125 * "0"),
    (info("V", "NUMBER", 0, -127), Decimal("1e-7"), "NUMBER", "0.0000001"),
    (info("V", "NUMBER", 38, 0), Decimal(38 * "9"), "NUMBER(38)", 38 * "9"),
    (info("V", "NUMBER", 10, 2), Decimal("12.50"), "NUMBER(10,2)", "12.50"),
    (info("V", "NUMBER", 4, -2), Decimal(1200), "NUMBER(4,-2)", 1200),
    (info("V", "NUMBER", 126, -127), Decimal("0.1"), "FLOAT(126)", "0.1"),
    (info("V", "BINARY_FLOAT"), 1.10000002384185791015625, "BINARY_FLOAT", 1.1),
    (info("V", "BINARY_FLOAT"), 3.4028234663852886e38, "BINARY_FLOAT", 3.4028235e38),
    (info("V", "BINARY_FLOAT"), float("nan"), "BINARY_FLOAT", "NaN"),
    (info("V", "BINARY_DOUBLE"), float("-inf"), "BINARY_DOUBLE", "-Infinity"),
    (info("V", "VARCHAR", max_size=10), "ß ☃", "VARCHAR2", "ß ☃"),
    (info("V", "NCHAR"), "a  ", "NCHAR", "a  "),
    (info("V", "CLOB"), "long", "CLOB", "long"),
    (info("V", "BLOB"), b"\x00\xff", "BLOB", "AP8="),
    (info("V", "LONG_RAW"), b"\x00", "LONG RAW", "AA=="),
    (info("V", "RAW", max_size=2), b"\x00\xff", "RAW", "AP8="),
    (info("V", "BOOLEAN"), True, "BOOLEAN", True),
    (info("V", "ROWID"), "AAAR3sAAEAAAACXAAA", "ROWID", "AAAR3sAAEAAAACXAAA"),
    (info("V", "DATE"), dt.datetime(2024, 2, 29), "DATE", "2024-02-29T00:00:00"),  # noqa: DTZ001 - as the driver's
    (
        info("V", "TIMESTAMP", 0, 6),
        dt.datetime(2024, 2, 29, 1, 2, 3, 4),  # noqa: DTZ001 - as the driver's
        "TIMESTAMP",
        "2024-02-29T01:02:03.000004",
    ),
    (info("V", "INTERVAL_YM"), oracledb.IntervalYM(1, 2), "INTERVAL YEAR TO MONTH", "P1Y2M"),
    (info("V", "INTERVAL_YM"), oracledb.IntervalYM(0, -2), "INTERVAL YEAR TO MONTH", "-P0Y2M"),
    (info("V", "INTERVAL_DS", 2, 6), dt.timedelta(days=1, seconds=2), "INTERVAL DAY TO SECOND", "PT86402S"),
    (info("V", "JSON"), '{"a": 1.10}', "JSON", '{"a": 1.10}'),
    (info("V", "VECTOR"), array.array("f", [1.1, 2]), "VECTOR", [1.1, 2.0]),
    (info("V", "VECTOR"), array.array("b", [1, -2]), "VECTOR", [1, -2]),
]


@pytest.mark.parametrize(("column", "value", "named", "wanted"), EXACT)
async def test_a_value_comes_exactly(column: oracledb.FetchInfo, value: object, named: str, wanted: Cell) -> None:
    server = Server(answers={SLOW: Answer([column], [(value,), (None,)])})
    async with opened(server) as client:
        (found,), rows = await ask(client, SLOW)
        assert (found.type, rows) == (named, [(wanted,), (None,)])


@pytest.mark.parametrize(
    ("column", "said"),
    [
        (info("V", "TIMESTAMP", 0, 9), "cut to microseconds"),
        (info("V", "INTERVAL_DS", 2, 9), "cut to microseconds"),
        (info("V", "TIMESTAMP_TZ", 0, 6), "WITH TIME ZONE (local time, its offset is not known"),
        (info("V", "TIMESTAMP_LTZ", 0, 9), "cut to microseconds; local time"),
    ],
)
async def test_a_type_says_what_the_driver_loses(column: oracledb.FetchInfo, said: str) -> None:
    server = Server(answers={SLOW: Answer([column])})
    async with opened(server) as client:
        assert said in (await ask(client, SLOW))[0][0].type


@pytest.mark.parametrize("kind", ["BFILE", "CURSOR"])
async def test_a_type_without_a_form_says_what_to_select_instead(kind: str) -> None:
    server = Server(answers={SLOW: Answer([info("V", kind)], [(object(),)])})
    async with opened(server) as client:
        with pytest.raises(SqlError, match=f"column V is of type {kind}") as caught:
            await ask(client, SLOW)
        assert "Select" in caught.value.hint


@pytest.mark.parametrize(
    ("column", "wanted"),
    [
        (info("V", "JSON"), "VARCHAR"),
        (info("V", "VARCHAR", max_size=100, is_json=True), "VARCHAR"),
        (info("V", "CLOB", is_json=True), "LONG"),
        (info("V", "BLOB", is_oson=True), "LONG_RAW"),
    ],
)
async def test_the_driver_does_not_parse_json(column: oracledb.FetchInfo, wanted: str) -> None:
    server = Server(answers={SLOW: Answer([column])})
    async with opened(server) as client:
        await ask(client, SLOW)
        assert cursors(server.connections[0])[-1].wanted[0][0] is db_type(wanted)


# Errors


@pytest.mark.parametrize(
    ("text", "kind", "said"),
    [
        ('ORA-00904: "NMAE": invalid identifier', SqlError, "NMAE"),
        ("ORA-01456: may not perform insert, delete, update in a READ ONLY transaction", Denied, "only reads"),
        ("ORA-14551: cannot perform a DML operation inside a query", Denied, "only reads"),
        ("ORA-01031: insufficient privileges", Denied, "may not do this"),
        ("ORA-03113: end-of-file on communication channel", ConnectionLost, "broke"),
        ("ORA-00028: your session has been killed", ConnectionLost, "broke"),
        ("DPY-4011: the database or network closed the connection", ConnectionLost, "broke"),
        ("DPY-4024: call timeout of 5000 ms exceeded", TimedOut, "5 s"),
        ("ORA-01013: user requested cancel of current operation", SqlError, "Somebody stopped"),
        ("DPY-3022: named time zones are not supported in thin mode", SqlError, "named zone"),
        ("DPY-4010: a bind variable replacement value was not provided", SqlError, "bind variable"),
    ],
)
@pytest.mark.parametrize("later", [False, True])
async def test_an_error_comes_in_our_words(text: str, kind: type[ColonnadeError], said: str, *, later: bool) -> None:
    fails = error(text)
    rows = [(Decimal(n),) for n in range(3_000)]
    answer = Answer(NUMBERS, rows, fails_later=fails) if later else Answer(fails=fails)
    server = Server(answers={SLOW: answer})
    async with opened(server) as client:
        with pytest.raises(kind, match=said) as caught:
            await ask(client, SLOW, rows=5_000)
        assert "docs.oracle.com" not in str(caught.value)
        assert caught.value.__cause__ is None
        assert server.said[-1] == "ROLLBACK"
        assert (await ask(client, ONE))[1] == [(1,)]


async def test_a_mistake_is_pointed_at_in_the_text_that_was_sent() -> None:
    sql = "  select 'ß',\n  nmae from authors"
    fails = error('ORA-00904: "NMAE": invalid identifier', offset=len(b"select '\xc3\x9f',\n  "))
    server = Server(answers={sql: Answer(fails=fails)})
    async with opened(server) as client:
        with pytest.raises(SqlError) as caught:
            await ask(client, sql)
        assert caught.value.what.endswith("line 2 column 3:\n    nmae from authors\n    ^^^^")


@pytest.mark.parametrize("fails", [ValueError("year -43 is out of range"), UnicodeDecodeError("utf-8", b"", 0, 1, "")])
async def test_a_value_that_the_driver_cannot_read_is_the_statements_error(fails: Exception) -> None:
    server = Server(answers={SLOW: Answer(fails=fails)})
    async with opened(server) as client:
        with pytest.raises(SqlError, match="of the result"):
            await ask(client, SLOW)


# Time


async def test_a_cancelled_statement_is_broken_off_and_waited_for() -> None:
    server = Server(answers={SLOW: Answer(runs=True)})
    async with opened(server, Limits(concurrent=1)) as client:
        with anyio.move_on_after(0.1):
            await ask(client, SLOW)
        assert server.said == [BEGIN, SLOW, "BREAK", "PING", "ROLLBACK"]
        assert (await ask(client, ONE))[1] == [(1,)]
        assert len(server.connections) == 1


async def test_a_statement_that_does_not_break_off_costs_its_connection() -> None:
    server = Server(answers={SLOW: Answer(runs=True, deaf=True)})
    async with opened(server, Limits(concurrent=1)) as client:
        begun = anyio.current_time()
        with anyio.move_on_after(0.1):
            await ask(client, SLOW)
        assert anyio.current_time() - begun < 1
        assert (await ask(client, ONE))[1] == [(1,)]
        assert len(server.connections) == 2
    assert server.connections[0].closed


async def test_the_time_limit_is_the_servers_first_and_then_ours() -> None:
    server = Server(answers={SLOW: Answer(runs=True)})
    async with opened(server, Limits(concurrent=1)) as client:
        with pytest.raises(TimedOut, match=r"0\.3 s"):
            await ask(client, SLOW, seconds=0.3)
        assert server.said == [BEGIN, SLOW, "ROLLBACK"]
        assert 200 < server.connections[0].timeouts[1] <= 300
        server.answers[SLOW] = Answer(runs=True, deaf=True)
        begun = anyio.current_time()
        with pytest.raises(TimedOut, match=r"0\.3 s"):
            await ask(client, SLOW, seconds=0.3)
        assert anyio.current_time() - begun < 2
        assert (await ask(client, ONE))[1] == [(1,)]


async def test_leaving_early_rolls_back() -> None:
    server = Server(answers={SLOW: Answer(NUMBERS, [(Decimal(n),) for n in range(3_000)])})
    async with opened(server) as client:
        async with client.run(Judged(SLOW, "oracle"), rows=3_000, seconds=5):
            pass
        with pytest.raises(LookupError):
            async with client.run(Judged(SLOW, "oracle"), rows=3_000, seconds=5):
                raise LookupError
        assert server.said == 2 * [BEGIN, SLOW, "ROLLBACK"]


async def test_a_connection_that_died_while_idle_is_replaced_unseen() -> None:
    server = Server()
    async with opened(server) as client:
        await ask(client, ONE)
        server.connections[0].healthy = False
        assert (await ask(client, ONE))[1] == [(1,)]
        assert len(server.connections) == 2


async def test_a_connection_that_dies_at_its_first_word_is_replaced_unseen() -> None:
    server = Server()
    async with opened(server) as client:
        await ask(client, ONE)
        server.connections[0].dies = True
        assert (await ask(client, ONE))[1] == [(1,)]
        assert len(server.connections) == 2
    assert server.connections[0].closed


async def test_every_statement_is_bounded_by_the_limit_of_places() -> None:
    server = Server(answers={SLOW: Answer(runs=True)})
    async with opened(server, Limits(concurrent=2)) as client, anyio.create_task_group() as tasks:
        for _ in range(5):
            tasks.start_soon(ask, client, SLOW)
        await anyio.sleep(0.1)
        assert len(server.connections) == 2
        tasks.cancel_scope.cancel()


async def test_closing_says_goodbye_and_can_be_repeated() -> None:
    server = Server()
    async with opened(server) as client:
        await ask(client, ONE)
        await client.close()
        await client.close()
        assert server.said.count("CLOSE") >= 1
        with pytest.raises(ConnectionLost):
            await ask(client, ONE)


async def test_it_says_what_the_server_is() -> None:
    async with opened(Server()) as client:
        assert (await client.ping()).version == "Oracle Database 23.9.0.25.7"


# The catalog

QUERIES = ("TABLES", "COLUMNS", "KEYS", "INDEXES", "FINGERPRINT")


@pytest.mark.parametrize("name", QUERIES)
def test_a_query_of_the_catalog_is_oracles_sql(name: str) -> None:
    text: str = getattr(catalog, name)
    (parsed,) = sqlglot.parse(text, read="oracle")
    assert isinstance(parsed, exp.Query)
    read = {table.name.lower() for table in parsed.find_all(exp.Table)}
    assert all(found.startswith("all_") or found == "dual" for found in read)


def column(table: str, number: int, name: str, kind: str, **more: object) -> tuple[object, ...]:
    facts: dict[str, object] = {"owner": None, "length": None, "characters": None, "used": None, "precision": None}
    facts |= {"scale": None, "nullable": "Y", "comment": None, "virtual": "NO", "identity": "NO", "default": None}
    facts |= more
    return ("SHOP", table, number, name, kind, *facts.values())


def scripted() -> Server:
    return Server(
        answers={
            catalog.TABLES: Answer(
                rows=[
                    ("SHOP", "RECENT", "view", None, None),
                    ("SHOP", "BOOKS", "table", "What was written", 12),
                    ("SHOP", "AUTHORS", "table", None, None),
                ]
            ),
            catalog.COLUMNS: Answer(
                rows=[
                    column("BOOKS", 3, "TITLE", "VARCHAR2", length=200, characters=200, used="B", default="'none' "),
                    column(
                        "BOOKS", 1, "ID", "NUMBER", precision=10, scale=0, nullable="N", identity="YES", default="q"
                    ),
                    column("BOOKS", 2, "AUTHOR_ID", "NUMBER", scale=0, comment="Who"),
                    column("BOOKS", 4, "LABEL", "NVARCHAR2", characters=9, virtual="YES", default='UPPER("TITLE")'),
                    column("BOOKS", 5, "PRICE", "NUMBER", precision=8, scale=2, default="NULL"),
                    column("BOOKS", 6, "SEEN", "TIMESTAMP(9) WITH TIME ZONE"),
                    column("BOOKS", 7, "PLACE", "POINT", owner="GEO"),
                    column("BOOKS", 8, "DOC", "XMLTYPE", owner="SYS"),
                    column("AUTHORS", 1, "ID", "NUMBER"),
                    column("AUTHORS", 2, "CODE", "CHAR", length=12, characters=3, used="C"),
                    column("AUTHORS", 3, "MASS", "FLOAT", precision=126),
                    column("AUTHORS", 4, "HASH", "RAW", length=16),
                ]
            ),
            catalog.KEYS: Answer(
                rows=[
                    ("SHOP", "BOOKS", "B_U", "U", None, None, 2, "TITLE"),
                    ("SHOP", "BOOKS", "B_U", "U", None, None, 1, "AUTHOR_ID"),
                    ("SHOP", "BOOKS", "B_P", "P", None, None, 1, "ID"),
                    ("SHOP", "AUTHORS", "A_P", "P", None, None, 1, "ID"),
                    ("SHOP", "BOOKS", "B_F", "R", "SHOP", "A_P", 1, "AUTHOR_ID"),
                    ("SHOP", "BOOKS", "B_G", "R", "HIDDEN", "X_P", 1, "PRICE"),
                ]
            ),
            catalog.INDEXES: Answer(
                rows=[
                    ("SHOP", "BOOKS", "SHOP", "B_I", "NONUNIQUE", 2, "SYS_NC00009$", "DESC", '"PRICE"'),
                    ("SHOP", "BOOKS", "SHOP", "B_I", "NONUNIQUE", 1, "SYS_NC00008$", "ASC", 'UPPER("TITLE")'),
                    ("SHOP", "BOOKS", "SHOP", "B_A", "UNIQUE", 1, "PRICE", "ASC", None),
                ]
            ),
            catalog.FINGERPRINT: Answer(rows=[("3:1", "9:2", "5:3", "1:4", "1:5", "0:", "READER")]),
        }
    )


async def test_the_catalog_is_put_together() -> None:
    server = scripted()
    async with opened(server) as client:
        found = await client.catalog()
        assert len(server.said) == 7
        assert found.fingerprint == await client.fingerprint()
    assert found.default_schema == "READER"
    assert [(table.name, table.kind, table.rows) for table in found.tables] == [
        ("AUTHORS", "table", None),
        ("BOOKS", "table", 12),
        ("RECENT", "view", None),
    ]
    authors, books, _ = found.tables
    assert [named.type for named in authors.columns] == ["NUMBER", "CHAR(3 CHAR)", "FLOAT(126)", "RAW(16)"]
    assert books.comment == "What was written"
    assert books.columns == (
        Column("ID", "NUMBER(10)", nullable=False, generated=True),
        Column("AUTHOR_ID", "NUMBER(*,0)", comment="Who"),
        Column("TITLE", "VARCHAR2(200)", default="'none'"),
        Column("LABEL", "NVARCHAR2(9)", default='UPPER("TITLE")', generated=True),
        Column("PRICE", "NUMBER(8,2)"),
        Column("SEEN", "TIMESTAMP(9) WITH TIME ZONE"),
        Column("PLACE", "GEO.POINT"),
        Column("DOC", "XMLTYPE"),
    )
    assert (books.primary_key, books.unique) == (("ID",), (("AUTHOR_ID", "TITLE"),))
    assert books.foreign_keys == (ForeignKey(("AUTHOR_ID",), "SHOP", "AUTHORS", ("ID",)),)
    assert books.indexes == (
        Index("B_A", ("PRICE",), unique=True),
        Index("B_I", ('UPPER("TITLE")', "PRICE desc")),
    )


@pytest.mark.parametrize("place", range(7))
async def test_a_change_of_any_fact_changes_the_fingerprint(place: int) -> None:
    server = scripted()
    async with opened(server) as client:
        before = await client.fingerprint()
        facts = list(server.answers[catalog.FINGERPRINT].rows[0])
        facts[place] = "changed"
        server.answers[catalog.FINGERPRINT] = Answer(rows=[tuple(facts)])
        assert await client.fingerprint() != before


# Settings


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"url": "oracle://db/sales", "host": "db"}, "both url and host"),
        ({"url": "oracle://db/sales", "dsn": "db/sales"}, "both url and dsn"),
        ({"dsn": "db/sales", "service_name": "sales"}, "both dsn and host"),
        ({"dsn": "db/sales", "protocol": "tcps"}, "both dsn and protocol"),
        ({"service_name": "sales", "sid": "SALES"}, "both service_name and sid"),
        ({"password": {"env": "A"}, "access_token": {"env": "B"}}, "both password and access_token"),
        ({"dsn": f"scott/{SECRET}@db/sales"}, "holds no login"),
        ({"thick_mode": True}, "thick_mode"),
    ],
)
def test_settings_that_contradict_are_named(settings: dict[str, object], said: str) -> None:
    with pytest.raises(ValidationError, match=said) as caught:
        OracleOptions.model_validate(settings)
    assert SECRET not in str(caught.value)


def test_files_lie_beside_the_configuration(tmp_path: Path) -> None:
    given = {"config_dir": "net", "wallet_location": "/etc/wallet"}
    options = OracleOptions.model_validate(given, context={"folder": tmp_path})
    assert (options.config_dir, options.wallet_location) == (str(tmp_path / "net"), "/etc/wallet")


def test_every_option_can_be_shown_in_a_form() -> None:
    for field in OracleOptions.model_fields.values():
        assert field.description
        assert set(cast("dict[str, str]", field.json_schema_extra)) == {"label", "group"}


async def test_a_missing_driver_is_told_with_its_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "oracledb", None)
    with pytest.raises(DriverMissing, match="pip install oracledb"):
        await ENGINE.open(OracleOptions(), {}, Limits())


@pytest.mark.parametrize(
    "url",
    [
        f"oracle://user:{SECRET}@x@127.0.0.1:1/db",
        f"oracle://user:{SECRET}/x@127.0.0.1:1/db",
        f"oracle://user:{SECRET}#x@127.0.0.1:1/db",
        f"oracle://user:{SECRET}?x@127.0.0.1:1/db",
        f"oracle://user:12?{SECRET}@127.0.0.1:1/db",
        f"oracle://user:{SECRET}[x@127.0.0.1:1/db",
        f"oracle://user:{SECRET}%x@127.0.0.1:1/db",
        f"mysql://user:{SECRET}@127.0.0.1:1/db",
        f"{SECRET}://user@127.0.0.1:1/db",
        f"oracle://user:x@127.0.0.1:{SECRET}/db",
        f"oracle://user:x@127.0.0.1:99999/db?password={SECRET}",
        f"oracle://user:x@127.0.0.1:1/?sid=db&service_name={SECRET}",
        f"user:{SECRET}@127.0.0.1:1/db",
        SECRET,
    ],
)
async def test_no_piece_of_a_url_that_holds_a_secret_comes_out(url: str) -> None:
    with pytest.raises((ConfigError, Unreachable)) as caught:
        await ENGINE.open(OracleOptions.model_validate({"url": url}), {"url": url}, Limits(connect=1))
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "more", "wanted"),
    [
        ("oracle://reader:p%40ss@db:1522/sales", {}, {"user": "reader", "port": 1522, "service_name": "sales"}),
        ("oracle://db/?sid=SALES", {"user": "reader"}, {"user": "reader", "port": 1521, "sid": "SALES"}),
        ("oracle://db/?service_name=sales", {"protocol": "tcps"}, {"port": 2484, "protocol": "tcps"}),
    ],
)
async def test_a_url_is_taken_apart(
    monkeypatch: pytest.MonkeyPatch, url: str, more: dict[str, object], wanted: dict[str, object]
) -> None:
    connect = Scripted(await Server().connect())
    monkeypatch.setattr(oracledb, "connect_async", connect)
    options = OracleOptions.model_validate({"url": url, **more})
    client = await ENGINE.open(options, {"url": url}, Limits())
    assert {name: getattr(connect.params, name) for name in wanted} == wanted
    assert connect.params.host == "db"
    await client.close()


# The network, with the real driver


@asynccontextmanager
async def listener(answer: bytes | None = None, *, silent: bool = False) -> AsyncGenerator[tuple[int, list[bytes]]]:
    """Listen on a port: keep silent, or read what comes, answer, and hang up."""
    heard: list[bytes] = []
    over = asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.read(4_096))
        if silent:
            await over.wait()
        elif answer:
            writer.write(answer)
            await writer.drain()
        writer.close()

    async with await asyncio.start_server(talk, "127.0.0.1", 0) as server:
        try:
            yield server.sockets[0].getsockname()[1], heard
        finally:
            over.set()
            await asyncio.sleep(0.01)


def refusal(code: int) -> bytes:
    """A listener's word for a service that it does not know."""
    data = f"(DESCRIPTION=(TMP=)(VSNNUM=0)(ERR={code})(ERROR_STACK=(ERROR=(CODE={code})(EMFI=4))))".encode()
    body = b"\x22\x00" + len(data).to_bytes(2, "big") + data
    return (len(body) + 8).to_bytes(2, "big") + b"\0\0\x04\0\0\0" + body


async def attempt(port: int, seconds: float = 2, **settings: object) -> str:
    options = OracleOptions.model_validate({"user": "reader", "host": "127.0.0.1", "port": port, **settings})
    secrets = {"password": SECRET}
    with anyio.fail_after(seconds + 1), pytest.raises(ColonnadeError) as caught:
        await ENGINE.open(options, secrets, Limits(connect=seconds))
    assert isinstance(caught.value, Unreachable)
    assert SECRET not in str(caught.value)
    assert caught.value.__cause__ is None
    return caught.value.what


async def test_a_refused_port_is_told_at_once() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port: int = unused.getsockname()[1]
        assert await attempt(port, service_name="sales") == f"Cannot reach 127.0.0.1:{port}/sales: connection refused."


async def test_a_listener_that_hangs_up_is_told() -> None:
    async with listener() as (port, heard):
        assert "closed the connection" in await attempt(port, service_name="sales")
    assert b"sales" in heard[0]
    assert SECRET.encode() not in heard[0]


async def test_a_server_of_another_kind_is_told() -> None:
    async with listener(b"HTTP/1.1 400 Bad Request\r\n\r\n" * 20) as (port, _):
        assert "not an Oracle listener" in await attempt(port, service_name="sales")


async def test_a_silent_listener_is_given_up_at_the_connect_limit() -> None:
    async with listener(silent=True) as (port, _):
        assert "no answer within 0.3 s" in await attempt(port, 0.3, service_name="sales")


@pytest.mark.parametrize(("code", "setting"), [(12514, "service_name"), (12505, "sid")])
async def test_an_unknown_service_is_told(code: int, setting: str) -> None:
    async with listener(refusal(code)) as (port, _):
        said = await attempt(port, 2, **{setting: "nowhere"})
    assert f"127.0.0.1:{port}/nowhere: there is no such database service or SID" in said


async def test_a_full_server_is_told() -> None:
    async with listener(refusal(12519)) as (port, _):
        assert "no free sessions" in await attempt(port, service_name="sales")


async def test_tls_to_a_server_without_it_is_told() -> None:
    async with listener(b"no TLS here") as (port, _):
        assert "TLS" in await attempt(port, service_name="sales", protocol="tcps")


async def test_an_unknown_host_is_told() -> None:
    assert "the host name is not known" in await attempt(1521, host="db.invalid", service_name="sales")


async def test_an_alias_is_looked_up_in_its_folder(tmp_path: Path) -> None:
    async with listener() as (port, heard):
        address = f"(ADDRESS=(PROTOCOL=tcp)(HOST=127.0.0.1)(PORT={port}))"
        (tmp_path / "tnsnames.ora").write_text(f"shop = (DESCRIPTION={address}(CONNECT_DATA=(SERVICE_NAME=sales)))\n")
        options = OracleOptions(dsn="shop", config_dir=str(tmp_path), user="reader")
        with pytest.raises(Unreachable, match=f"127.0.0.1:{port}/sales: the server closed"):
            await ENGINE.open(options, {"password": SECRET}, Limits(connect=2))
        assert b"sales" in heard[0]
        with pytest.raises(ConfigError, match="no such alias"):
            await ENGINE.open(OracleOptions(dsn="shoe", config_dir=str(tmp_path)), {}, Limits(connect=2))


async def test_a_tunnel_leads_where_the_listener_is() -> None:
    asked: list[tuple[str, int]] = []
    async with listener() as (port, heard):

        async def tunnel(host: str, other: int) -> tuple[str, int]:
            asked.append((host, other))
            return await direct("127.0.0.1", port)

        options = OracleOptions.model_validate(
            {"host": "db.invalid", "service_name": "sales", "user": "reader", "ssh": {"host": "bastion"}}
        )
        with pytest.raises(Unreachable, match=r"db\.invalid:1521/sales"):
            await ENGINE.open(options, {"password": SECRET}, Limits(connect=2), tunnel)
    assert asked == [("db.invalid", 1521)]
    assert heard


async def test_through_a_tunnel_the_certificate_needs_a_name() -> None:
    options = OracleOptions.model_validate(
        {"host": "db", "service_name": "s", "user": "r", "protocol": "tcps", "ssh": {"host": "bastion"}}
    )
    with pytest.raises(ConfigError, match="certificate's name") as caught:
        await ENGINE.open(options, {"password": SECRET}, Limits(connect=2))
    assert "ssl_server_cert_dn" in caught.value.hint


class Scripted:
    """What a connect of the driver leads to."""

    def __init__(self, outcome: Exception | Connection) -> None:
        self.outcome = outcome
        self.params: Any = None

    async def __call__(self, *, params: object) -> Connection:
        self.params = params
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome


@pytest.mark.parametrize(
    ("text", "kind", "said"),
    [
        ("ORA-01017: invalid username/password; logon denied", AuthFailed, "wrong password"),
        ("ORA-28000: The account is locked.", AuthFailed, "locked"),
        ("ORA-28001: the password has expired", AuthFailed, "expired"),
        ("ORA-01045: user READER lacks CREATE SESSION privilege; logon denied", AuthFailed, "not allowed"),
        ("DPY-4001: no credentials specified", AuthFailed, "refused the login"),
        ("ORA-01033: ORACLE initialization or shutdown in progress", Unreachable, "starting or stopping"),
        ("ORA-00020: maximum number of processes (300) exceeded", Unreachable, "no free sessions"),
        ("DPY-3010: connections to this database server version are not supported", Unreachable, "12.1"),
        ("ORA-12170: TNS:Connect timeout occurred", Unreachable, "ORA-12170"),
        ("DPY-2018: wallet file /x/ewallet.pem was not found", ConfigError, r"no ewallet\.pem"),
    ],
)
async def test_a_refusal_comes_in_our_words(
    monkeypatch: pytest.MonkeyPatch, text: str, kind: type[ColonnadeError], said: str
) -> None:
    monkeypatch.setattr(oracledb, "connect_async", Scripted(error(f"{text} {SECRET}")))
    with pytest.raises(kind, match=said) as caught:
        await ENGINE.open(OracleOptions(user="reader", service_name="sales"), {"password": SECRET}, Limits())
    assert SECRET not in str(caught.value)


async def test_a_new_session_has_its_settings_or_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server()
    monkeypatch.setattr(oracledb, "connect_async", Scripted(await server.connect()))
    client = await ENGINE.open(OracleOptions(user="reader", service_name="sales"), {"password": SECRET}, Limits())
    assert server.said == [SETTINGS]
    await client.close()
    broken = Server(dead=True)
    monkeypatch.setattr(oracledb, "connect_async", Scripted(await broken.connect()))
    with pytest.raises(Unreachable):
        await ENGINE.open(OracleOptions(user="reader", service_name="sales"), {"password": SECRET}, Limits())
    assert broken.connections[0].closed


def test_the_contract_is_told_to_be_open() -> None:
    assert "test_every_native_type_arrives_exactly" in every_question()
    assert "test_every_engine_has_a_case" not in every_question()


# The login


@pytest.mark.parametrize("name", ["FACTS", "SCHEMAS", "PRIVILEGES", "ROLES"])
def test_a_query_about_the_login_is_oracles_sql(name: str) -> None:
    text: str = getattr(login, name)
    (parsed,) = sqlglot.parse(text, read="oracle")
    assert isinstance(parsed, exp.Query)
    read = {table.name.lower() for table in parsed.find_all(exp.Table)}
    assert all(found.startswith(("all_", "session_")) or found == "dual" for found in read)


def told(privileges: Sequence[str], roles: Sequence[str], *counts: int) -> Server:
    text = (info("V", "VARCHAR"),)
    numbers = [info(f"N{number}", "NUMBER") for number in range(4)]
    return Server(
        {
            login.PRIVILEGES: Answer(text, [(each,) for each in privileges]),
            login.ROLES: Answer(text, [(each,) for each in roles]),
            login.FACTS: Answer((*text, *numbers), [("ANN", *map(Decimal, counts))]),
            login.SCHEMAS: Answer(text, [("SHOP",), ("O'Hara",)]),
        }
    )


@pytest.mark.parametrize(
    ("server", "dangers"),
    [
        (told(["CREATE SESSION"], [], 0, 0, 0, 0), ()),
        (told(["CREATE SESSION", "READ ANY TABLE"], ["CONNECT"], 0, 0, 0, 0), ()),
        (
            told(["CREATE SESSION", "DELETE ANY TABLE", "DROP USER", "ALTER SYSTEM"], ["DBA"], 3, 1, 0, 0),
            (
                "has the DBA role",
                "may write to every table (DELETE ANY TABLE)",
                "has other privileges (ALTER SYSTEM, DROP USER)",
                "owns 3 tables, which it may write to",
                "may write to 1 table",
            ),
        ),
        (
            told(["CREATE SESSION"], [], 0, 12, 1, 2),
            (
                "may write to 12 tables",
                "may run 1 stored program",
                "may write files on the server (2 grants of WRITE)",
            ),
        ),
    ],
)
async def test_the_dangers_of_a_login_are_named(server: Server, dangers: tuple[str, ...]) -> None:
    async with opened(server) as client:
        found = await client.login()
    assert (found.name, found.dangers) == ("ANN", dangers)
    assert "('SHOP', 'O''Hara')" in found.remedy.replace("in (", "(")
    assert server.said[0] == BEGIN
    assert "ROLLBACK" in server.said
