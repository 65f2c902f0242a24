"""What only PostgreSQL does: its types, its privileges, its network, its words."""

import sys
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import anyio
import asyncpg
import pytest
from colonnade.server.app import App
from colonnade.server.engines.base import Client
from colonnade.server.engines.postgres import ENGINE, PostgresClient, PostgresOptions, opening
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
from colonnade.server.model import Caller, Catalog, Column, ForeignKey, Index, Limits, Table
from pydantic import ValidationError

from tests.contract.case import Case, Login, Server, ask, opened, unguarded, until
from tests.contract.relay import Relay, relay
from tests.engines.postgres import PASSWORD

pytestmark = pytest.mark.parametrize("case", ["postgres"], indirect=True)

SECRET = "hunter2"


def server_of(case: Case) -> Server:
    return cast("Server", case.server)


def options_of(case: Case) -> PostgresOptions:
    return cast("PostgresOptions", case.login.options(case))


def changed(case: Case, **settings: object) -> Login:
    return Login({**case.login.settings, **settings})


def table(catalog: Catalog, name: str) -> Table:
    return next(table for table in catalog.tables if table.name == name)


@asynccontextmanager
async def relayed(case: Case, limits: Limits | None = None) -> AsyncGenerator[tuple[Client, Relay]]:
    """Open a client through a network that can fail."""
    async with (
        relay(f"{options_of(case).host}/.s.PGSQL.5432") as network,
        opened(case, limits, server_of(case).at(network.port)) as client,
    ):
        yield client, network
        network.heal()


# Settings


@pytest.mark.parametrize("more", [{"host": "db"}, {"port": 5433}, {"database": "sales"}])
def test_a_url_and_its_parts_exclude_each_other(case: Case, more: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match="both url and host/port/database are given"):
        PostgresOptions.model_validate({"url": "postgresql://db/sales", **more})
    assert case.engine.options is PostgresOptions


def test_files_lie_beside_the_configuration(case: Case, tmp_path: Path) -> None:
    given = {"sslrootcert": "ca.pem", "passfile": "/etc/pgpass"}
    options = case.engine.options.model_validate(given, context={"folder": tmp_path})
    assert (options.sslrootcert, options.passfile) == (str(tmp_path / "ca.pem"), "/etc/pgpass")


def test_every_option_can_be_shown_in_a_form(case: Case) -> None:
    for field in case.engine.options.model_fields.values():
        assert field.description
        assert set(cast("dict[str, str]", field.json_schema_extra)) == {"label", "group"}


async def test_a_url_opens_too(case: Case) -> None:
    options = options_of(case)
    url = f"postgresql://reader:r3ader's%20p%40ss%2Fword%231@/{options.database}?host={options.host}"
    async with opened(case, login=Login({"url": url})) as client:
        assert (
            await ask(
                case,
                client,
                "select current_user::text, application_name from pg_stat_activity where pid = pg_backend_pid()",
            )
        )[1] == [("reader", "colonnade")]


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://user:{SECRET}@x@127.0.0.1:1/db",
        f"postgresql://user:{SECRET}/x@127.0.0.1:1/db",
        f"postgresql://user:{SECRET}#x@127.0.0.1:1/db",
        f"postgresql://user:{SECRET}?x@127.0.0.1:1/db",
        f"postgresql://user:12?{SECRET}@127.0.0.1:1/db",
        f"postgresql://user:{SECRET}[x@127.0.0.1:1/db",
        f"postgresql://user:{SECRET}%x@127.0.0.1:1/db",
        f"mysql://user:{SECRET}@127.0.0.1:1/db",
        f"{SECRET}://user@127.0.0.1:1/db",
        f"postgresql://user:x@127.0.0.1:{SECRET}/db",
        f"postgresql://user:x@127.0.0.1:99999/db?password={SECRET}",
        f"postgresql://user:x@127.0.0.1:1/db?sslmode={SECRET}",
        f"postgresql://127.0.0.1:1/db?password={SECRET}",
        f"user:{SECRET}@127.0.0.1:1/db",
        SECRET,
    ],
)
async def test_no_piece_of_a_url_that_holds_a_secret_comes_out(case: Case, url: str) -> None:
    login = Login({"url": url})
    with pytest.raises((ConfigError, Unreachable)) as caught:
        async with opened(case, login=login):
            pass
    assert SECRET not in str(caught.value)


INTERNAL = {
    "gtsvector", "pg_brin_bloom_summary", "pg_brin_minmax_multi_summary", "pg_dependencies", "pg_mcv_list",
    "pg_ndistinct", "pg_node_tree",
}  # fmt: skip
"""Types whose values the server alone makes."""

UNBUILT = {"xml"}
"""Types that the server of the tests is built without."""


async def test_the_golden_values_are_of_every_type_that_a_server_has(case: Case) -> None:
    types = (
        "select typname::text from pg_type where typtype in ('b', 'r', 'm')"
        " and typnamespace = 'pg_catalog'::regnamespace and typcategory <> 'A' and typelem = 0"
    )
    async with opened(case) as client:
        _, rows = await ask(case, client, types)
    assert {str(row[0]) for row in rows} - {golden.type for golden in case.golden} == INTERNAL | UNBUILT


async def test_a_missing_driver_is_told_with_its_command(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "asyncpg", None)
    with pytest.raises(DriverMissing, match="pip install asyncpg"):
        await ENGINE.open(options_of(case), {}, Limits())


async def test_a_session_has_the_settings_that_make_values_exact(case: Case) -> None:
    wanted = {
        "default_transaction_read_only": "on",
        "TimeZone": "UTC",
        "IntervalStyle": "iso_8601",
        "standard_conforming_strings": "on",
        "statement_timeout": "7500ms",
        "lock_timeout": "5s",
        "client_connection_check_interval": "1s",
        "transaction_isolation": "read committed",
        "transaction_read_only": "on",
    }
    async with opened(case) as client:
        names = ", ".join(f"current_setting('{name}')" for name in wanted)
        assert (await ask(case, client, f"select {names}", seconds=7.5))[1] == [tuple(wanted.values())]


async def test_an_older_server_is_spared_the_setting_it_lacks(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "SETTINGS", {**opening.SETTINGS, opening.OPTIONAL: "refused"})
    async with opened(case, Limits(concurrent=2)) as client:
        shown = f"select current_setting('{opening.OPTIONAL}')"
        assert (await ask(case, client, shown))[1] == [("0",)]


# Opening


async def test_a_server_without_tls_is_not_talked_to_in_plain(case: Case) -> None:
    async with relay(f"{options_of(case).host}/.s.PGSQL.5432") as network:
        for mode in ("require", "verify-full"):
            login = changed(case, host="127.0.0.1", port=network.port, ssl=mode, sslrootcert=None)
            with pytest.raises((Unreachable, ConfigError), match=r"TLS|verify-full") as caught:
                async with opened(case, login=login):
                    pass
            assert "127.0.0.1" in str(caught.value)


async def test_a_root_certificate_that_is_not_there_is_named(case: Case, tmp_path: Path) -> None:
    login = changed(case, ssl="verify-full", sslrootcert=str(tmp_path / "ca.pem"))
    with pytest.raises(ConfigError, match=r"no file ca\.pem"):
        async with opened(case, login=login):
            pass


async def test_an_unknown_host_is_told_as_one(case: Case) -> None:
    with pytest.raises(Unreachable, match=r"db\.invalid:5432/.*: the host name is not known"):
        async with opened(case, login=changed(case, host="db.invalid", port=5432)):
            pass


async def test_a_socket_without_a_server_is_told_as_one(case: Case, tmp_path: Path) -> None:
    with pytest.raises(Unreachable, match="no server listens on this socket"):
        async with opened(case, login=changed(case, host=str(tmp_path))):
            pass


async def test_a_silent_server_is_given_up_at_the_connect_limit(case: Case) -> None:
    async with relay(f"{options_of(case).host}/.s.PGSQL.5432") as network:
        network.freeze()
        with anyio.fail_after(1.5), pytest.raises(Unreachable, match=r"no answer within 0\.3 s"):
            async with opened(case, Limits(connect=0.3), server_of(case).at(network.port)):
                pass


async def test_a_full_server_has_no_free_slots(case: Case) -> None:
    database = options_of(case).database
    await case.admin(f"alter database {database} connection limit 0")
    with pytest.raises(Unreachable, match="no free slots"):
        async with opened(case):
            pass


# The network


async def test_a_frozen_network_ends_a_statement_at_its_deadline(case: Case) -> None:
    async with relayed(case) as (client, network):
        with anyio.fail_after(1.5), pytest.raises(TimedOut):  # noqa: PT012 - freezing belongs to it
            async with client.run(unguarded(case, case.endless), rows=100_000, seconds=0.4) as cursor:
                async for _ in cursor.batches():
                    network.freeze()
        network.heal()
        assert (await ask(case, client, "select 1"))[1] == [(1,)]


async def test_a_frozen_network_does_not_keep_a_cancelled_statement(case: Case) -> None:
    async with relayed(case) as (client, network):
        outcome: list[str] = []
        begun = 0.0

        async def work() -> None:
            try:
                await ask(case, client, case.slow)
            except anyio.get_cancelled_exc_class():
                outcome.append("cancelled")
                raise

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(work)
            await until(lambda: _is_running(case))
            network.freeze()
            begun = anyio.current_time()
            tasks.cancel_scope.cancel()
        assert anyio.current_time() - begun < 0.8
        assert outcome == ["cancelled"]
        network.heal()
        assert (await ask(case, client, "select 1"))[1] == [(1,)]
        # The server looks every second whether its client is still there.
        await until(lambda: _is_idle(case), seconds=4)


async def _is_running(case: Case) -> bool:
    return await server_of(case).running() == 1


async def _is_idle(case: Case) -> bool:
    return await server_of(case).running() == 0


async def test_a_kept_connection_that_died_silently_is_replaced(case: Case) -> None:
    async with relayed(case, Limits(connect=0.4)) as (client, network):
        network.freeze()
        begun = anyio.current_time()
        async with anyio.create_task_group() as tasks:

            async def heal_for_new_connections() -> None:
                await anyio.sleep(0.5)
                network.heal()

            tasks.start_soon(heal_for_new_connections)
            assert (await ask(case, client, "select 1"))[1] == [(1,)]
        assert anyio.current_time() - begun < 2


async def test_a_cut_network_is_told_and_healed(case: Case) -> None:
    async with relayed(case) as (client, network):
        with pytest.raises(ConnectionLost), anyio.fail_after(5):  # noqa: PT012 - cutting belongs to it
            async with client.run(unguarded(case, case.endless), rows=100_000, seconds=10) as cursor:
                async for _ in cursor.batches():
                    network.cut()
        assert (await ask(case, client, "select 1"))[1] == [(1,)]


async def test_closing_does_not_wait_for_a_frozen_network(case: Case) -> None:
    async with relayed(case) as (client, network):
        network.freeze()
        with anyio.fail_after(3):
            await client.close()


async def test_a_small_result_of_a_known_statement_costs_three_round_trips(case: Case) -> None:
    async with relayed(case) as (client, network):
        for _ in range(2):
            await ask(case, client, "select 1")
        before = network.sent
        await ask(case, client, "select 1")
        assert network.sent - before == 3


# Statements


async def test_a_mistake_is_pointed_at(case: Case) -> None:
    async with opened(case) as client:
        with pytest.raises(SqlError) as caught:
            await ask(case, client, "select id,\n  emial\nfrom authors")
    assert caught.value.message == 'column "emial" does not exist, line 2 column 3:\n    emial\n    ^^^^^'
    assert caught.value.hint == 'Perhaps you meant to reference the column "authors.email"'


async def test_a_mistake_at_the_end_is_pointed_at_too(case: Case) -> None:
    async with opened(case) as client:
        with pytest.raises(SqlError) as caught:
            await ask(case, client, "select 1 from")
    assert caught.value.message.endswith("line 1 column 14:\n  select 1 from\n               ^")


async def test_a_mistake_far_into_a_long_line_is_shown_with_its_surroundings(case: Case) -> None:
    async with opened(case) as client:
        with pytest.raises(SqlError) as caught:
            await ask(case, client, f"select {'1, ' * 500}nmae, {'1, ' * 500}1 from authors")
    message = caught.value.message
    assert "line 1 column 1508" in message
    assert len(message) < 300
    excerpt, caret = message.splitlines()[1:]
    assert excerpt[caret.index("^") :].startswith("nmae")


async def test_a_transaction_only_reads_by_itself(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    less = {name: value for name, value in opening.SETTINGS.items() if name != "default_transaction_read_only"}
    monkeypatch.setattr(opening, "SETTINGS", less)
    async with opened(case) as client:
        with pytest.raises(Denied, match="only reads"):
            await ask(case, client, case.write)


async def test_a_foreign_privilege_is_denied(case: Case) -> None:
    await case.admin("revoke select on books from reader")
    async with opened(case) as client:
        with pytest.raises(Denied, match="permission denied for table books"):
            await ask(case, client, "select * from books")


async def test_a_lock_is_not_waited_for_long(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "SETTINGS", {**opening.SETTINGS, "lock_timeout": "200ms"})
    async with opened(case) as client, _locked(case, "books"):
        with pytest.raises(TimedOut, match="kept a lock"):
            await ask(case, client, "select * from books")


@asynccontextmanager
async def _locked(case: Case, name: str) -> AsyncGenerator[None]:
    """Hold a table as a migration does."""
    import asyncpg

    options = options_of(case)
    connection = await asyncpg.connect(host=options.host, user="postgres", database=options.database)
    try:
        await connection.execute(f"begin; lock table {name} in access exclusive mode")
        yield
    finally:
        await connection.close()


async def test_a_kept_statement_follows_a_change_of_its_table(case: Case) -> None:
    async with opened(case, Limits(concurrent=1)) as client:
        for name in ("pages", "weight"):
            await ask(case, client, "select * from books")
            await case.admin(f"alter table books add column {name} integer")
            columns, rows = await ask(case, client, "select * from books")
            assert columns[-1].name == name
            assert len(rows) == 2


async def test_statements_are_kept_up_to_a_number(case: Case) -> None:
    async with opened(case, Limits(concurrent=1)) as client:
        for number in range(130):
            await ask(case, client, f"select {number}")
        kept = "select count(*) from pg_prepared_statements where statement ~ '^select [0-9]+$'"
        assert (await ask(case, client, kept))[1][0][0] in range(95, 103)


@pytest.mark.parametrize(
    "sql",
    [
        "select pg_advisory_lock(7)",
        "select set_config('TimeZone', 'Asia/Tokyo', false)",
        "set TimeZone = 'Asia/Tokyo'",
        "set session characteristics as transaction read write",
        "prepare kept as select 1",
        "commit",
        "commit and chain",
        "rollback",
        "deallocate all",
        "copy authors to stdout",
        "listen news",
        "set transaction read write",
    ],
)
async def test_a_statement_leaves_nothing_behind(case: Case, sql: str) -> None:
    async with opened(case, Limits(concurrent=1)) as client:
        await ask(case, client, "select 1")
        await ask(case, client, sql)
        left = """
            select (select count(*) from pg_locks where locktype = 'advisory'),
                   (select count(*) from pg_prepared_statements where name = 'kept'),
                   (select count(*) from pg_listening_channels()),
                   current_setting('TimeZone'), current_setting('transaction_read_only')
        """
        assert (await ask(case, client, left))[1] == [(0, 0, 0, "UTC", "on")]
        with pytest.raises(Denied):
            await ask(case, client, case.write)
        assert await server_of(case).connections() == 1


async def test_a_parameter_without_a_value_is_a_mistake(case: Case) -> None:
    async with opened(case) as client:
        with pytest.raises(SqlError, match="expects 1 argument"):
            await ask(case, client, "select $1::int")


async def test_a_type_that_cannot_be_read_says_what_to_do(case: Case) -> None:
    async with opened(case) as client:
        with pytest.raises(SqlError, match="cast unusual types to text"):
            await ask(case, client, "select null::anyrange")


async def test_a_text_that_is_no_text_spoils_nothing(case: Case) -> None:
    async with opened(case, Limits(concurrent=1)) as client:
        with pytest.raises(SqlError, match="not UTF-8"):
            await ask(case, client, "select '\ud800'")
        assert (await ask(case, client, "select 1"))[1] == [(1,)]


async def test_a_type_made_after_the_connection_is_read_too(case: Case) -> None:
    async with opened(case, Limits(concurrent=1)) as client:
        await ask(case, client, "select array[1]")
        await case.admin("create type box_of as (width numeric, tags text[])")
        await case.admin("grant usage on type box_of to reader")
        for _ in range(2):
            columns, rows = await ask(case, client, "select row(1.50, '{a,b}')::box_of, array[1], array[1.50]")
            assert [column.type for column in columns] == ["box_of", "int4[]", "numeric[]"]
            assert rows == [('(1.50,"{a,b}")', [1], ["1.50"])]


# The catalog


async def test_a_partitioned_table_is_one_table(case: Case) -> None:
    for sql in (
        "create table events (id int, day date, primary key (id, day)) partition by range (day)",
        "create table events_1 partition of events for values from ('2024-01-01') to ('2024-02-01')",
        "create table events_2 partition of events for values from ('2024-02-01') to (maxvalue) partition by list (id)",
        "create table events_2_1 partition of events_2 for values in (1)",
        "create table notes (id int, day date, foreign key (id, day) references events)",
        "insert into events values (1, '2024-01-01'), (2, '2024-01-02'), (1, '2024-02-03')",
    ):
        await case.admin(sql)
    async with opened(case) as client:
        assert table(await client.catalog(), "events").rows is None
        await case.admin("vacuum analyze events_1")
        await case.admin("vacuum analyze events_2_1")
        catalog = await client.catalog()
    assert [found.name for found in catalog.tables if "events" in found.name] == ["events"]
    assert table(catalog, "events").rows == 3
    assert table(catalog, "events").primary_key == ("id", "day")
    assert table(catalog, "notes").foreign_keys == (ForeignKey(("id", "day"), "public", "events", ("id", "day")),)


async def test_rows_are_estimates_and_analyze_leaves_the_fingerprint(case: Case) -> None:
    async with opened(case) as client:
        before = await client.catalog()
        assert {found.rows for found in before.tables} == {None}
        await case.admin("analyze books")
        after = await client.catalog()
    assert (table(after, "books").rows, table(after, "recent").rows) == (2, None)
    assert after.fingerprint == before.fingerprint


async def test_indexes_stand_with_their_expressions(case: Case) -> None:
    await case.admin("create unique index by_lower on authors (lower(name), country) where born is not null")
    await case.admin("create index covering on authors (country desc) include (born)")
    async with opened(case) as client:
        assert table(await client.catalog(), "authors").indexes == (
            Index("by_lower", ("lower(name)", "country", "where born IS NOT NULL"), unique=True),
            Index("covering", ("country",)),
        )


async def test_every_kind_of_relation_is_told_apart(case: Case) -> None:
    for sql in (
        "create materialized view counted as select count(*) as n from books",
        "create extension file_fdw",
        "create server files foreign data wrapper file_fdw",
        "create foreign table lines (line text) server files options (filename '/dev/null')",
    ):
        await case.admin(sql)
    async with opened(case) as client:
        catalog = await client.catalog()
    kinds = {name: table(catalog, name).kind for name in ("books", "recent", "counted", "lines")}
    assert kinds == {"books": "table", "recent": "view", "counted": "materialized", "lines": "foreign"}


async def test_only_what_the_login_may_read_is_in_the_catalog(case: Case) -> None:
    for sql in (
        "create schema hidden",
        "revoke usage on schema hidden from reader",
        "create table hidden.secrets (id int primary key)",
        "create table public.more (id int references hidden.secrets, name text)",
        "revoke select on authors from reader",
        "grant select (id, name) on authors to reader",
        "revoke select on loans from reader",
    ):
        await case.admin(sql)
    async with opened(case) as client:
        catalog = await client.catalog()
    assert [found.name for found in catalog.tables] == ["authors", "books", "more", "recent"]
    authors = table(catalog, "authors")
    assert [column.name for column in authors.columns] == ["id", "name"]
    assert (authors.primary_key, authors.unique) == (("id",), ())
    assert table(catalog, "more").foreign_keys == ()
    assert table(catalog, "books").foreign_keys != ()


@pytest.mark.parametrize("grant", ["grant pg_read_all_data to reader", "grant owners to reader"])
@pytest.mark.parametrize("seen", ["", "id"])
async def test_the_fingerprint_follows_the_memberships_of_the_login(case: Case, seen: str, grant: str) -> None:
    await case.admin("create role owners")
    try:
        await case.admin("grant select (name) on authors to owners")
        await case.admin("revoke select on authors from reader")
        await case.admin(f"grant select ({seen}) on authors to reader" if seen else "select")
        async with opened(case) as client:
            before, kept = await client.fingerprint(), await client.catalog()
            assert [found.name for found in kept.tables if found.name == "authors"] == ["authors"] * bool(seen)
            await case.admin(grant)
            assert await client.fingerprint() != before
            assert "name" in {column.name for column in table(await client.catalog(), "authors").columns}
    finally:
        await case.admin("revoke pg_read_all_data from reader")
        await case.admin("drop owned by owners")
        await case.admin("drop role owners")


async def test_temporary_tables_of_others_are_no_change(case: Case) -> None:
    import asyncpg

    options = options_of(case)
    other = await asyncpg.connect(host=options.host, user="postgres", database=options.database)
    async with opened(case) as client:
        before = await client.catalog()
        await other.execute(
            "create temp table working (id int primary key, name text); comment on table working is 'x'"
        )
        after = await client.catalog()
        await other.close()
    assert (after.tables, after.fingerprint) == (before.tables, before.fingerprint)


async def test_names_come_as_they_are(case: Case) -> None:
    await case.admin('create schema "Über. Uns"')
    await case.admin('create table "Über. Uns"."Da ""x""" ("Spalte, 1" "mood"[], primary key ("Spalte, 1"))')
    async with opened(case) as client:
        found = table(await client.catalog(), 'Da "x"')
    assert (found.schema, found.primary_key) == ("Über. Uns", ("Spalte, 1",))
    assert found.columns == (Column("Spalte, 1", "mood[]", nullable=False),)


async def test_the_default_schema_is_the_first_that_exists(case: Case) -> None:
    await case.admin("create schema archive")
    await case.admin(
        f"alter role reader in database {options_of(case).database} set search_path = nowhere, archive, public"
    )
    async with opened(case) as client:
        assert (await client.catalog()).default_schema == "archive"
    await case.admin(f"alter role reader in database {options_of(case).database} set search_path = nowhere")
    async with opened(case) as client:
        assert (await client.catalog()).default_schema == ""


async def test_a_migration_does_not_keep_the_catalog_waiting(case: Case) -> None:
    await case.admin("create index by_lower on books (lower(title))")
    async with opened(case) as client, _locked(case, "books"):
        with anyio.fail_after(2):
            books = table(await client.catalog(), "books")
    assert [column.name for column in books.columns] == ["id", "author_id", "title", "published", "label"]
    assert books.indexes == (Index("books_by_title", ("title",)),)


async def test_the_catalog_is_read_in_a_constant_number_of_round_trips(case: Case) -> None:
    async with relayed(case) as (client, network):
        sent: list[int] = []
        for count in (1, 30):
            for number in range(count):
                await case.admin(f"create table made_{count}_{number} (id int primary key, other int references books)")
            await client.catalog()
            before = network.sent
            await client.catalog()
            sent.append(network.sent - before)
        assert sent == [7, 7]


async def test_a_client_that_was_closed_says_so(case: Case) -> None:
    async with opened(case) as client:
        assert isinstance(client, PostgresClient)
        async with client.run(unguarded(case, "select 1"), rows=1, seconds=1):
            await client.close()
        with pytest.raises(ColonnadeError, match="closed"):
            await ask(case, client, "select 1")


@pytest.fixture
async def rotating(case: Case, tmp_path: Path) -> AsyncGenerator[Path]:
    """A login whose password stands in a file, and a configuration with it; a client that has one connection open."""
    await case.admin("create role rotating login password 'old'")
    secret = tmp_path / "secret"
    secret.touch(0o600)
    secret.write_text("old")
    place = case.login.settings
    (tmp_path / "colonnade.toml").write_text(f"""
        [[domain]]
        name = "Shop"
        [[domain.connection]]
        name = "crm"
        type = "postgres"
        host = "{place["host"]}"
        database = "{place["database"]}"
        user = "rotating"
        allow_functions = ["pg_sleep"]
        password = {{ file = "{secret}" }}
    """)
    yield secret
    await case.admin("drop role rotating")


@pytest.fixture
def logins(case: Case, monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Count the connections that are tried."""
    del case
    tried: list[object] = []
    connect = asyncpg.connect

    async def counted(*args: Any, **kwargs: Any) -> object:  # noqa: ANN401 - as asyncpg's
        if kwargs.get("user") == "rotating":
            tried.append(kwargs["password"])
        return await connect(*args, **kwargs)

    monkeypatch.setattr(asyncpg, "connect", counted)
    return tried


@asynccontextmanager
async def with_one_busy(secret: Path) -> AsyncGenerator[Callable[[], Awaitable[object]]]:
    """Yield what needs one more connection than the client has: the one it has is at work."""
    caller = Caller("ann", "test", "memory")
    async with App.open(secret.parent / "colonnade.toml", environ={}) as app:
        connection = await app.connection(caller, "Shop:crm")
        await app.run(caller, connection, "select 1")
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(app.run, caller, connection, "select 1 from pg_sleep(20)")
            await anyio.sleep(0.05)
            yield lambda: app.run(caller, connection, "select 1")
            tasks.cancel_scope.cancel()


async def test_a_rotated_password_is_read_anew_without_anybody_noticing(
    case: Case, rotating: Path, logins: list[object]
) -> None:
    async with with_one_busy(rotating) as ask_more:
        await case.admin("alter role rotating password 'new'")
        await anyio.Path(rotating).write_text("new")
        await ask_more()
        assert logins == ["old", "old", "new"]


async def test_a_password_that_is_wrong_now_is_tried_twice_and_no_more(
    case: Case, rotating: Path, logins: list[object]
) -> None:
    async with with_one_busy(rotating) as ask_more:
        await case.admin("alter role rotating password 'new'")
        for _ in range(3):
            with pytest.raises(AuthFailed):
                await ask_more()
        assert logins == ["old", "old", "old"]


# The login


@asynccontextmanager
async def made(case: Case, *statements: str, role: str = "made") -> AsyncGenerator[Login]:
    """Run statements that make a role, and drop it in the end."""
    try:
        for sql in statements:
            await case.admin(sql)
        yield changed(case, user=role)
    finally:
        await case.admin(f"drop owned by {role}")
        await case.admin(f"drop role {role}")


async def dangers(case: Case, login: Login) -> tuple[str, ...]:
    async with opened(case, login=login) as client:
        return (await client.login()).dangers


CREATE = "create role made login password '{}'".format(PASSWORD.replace("'", "''"))


@pytest.mark.parametrize(
    ("sql", "danger"),
    [
        ("alter role made superuser", "is a superuser"),
        ("alter role made bypassrls", "is bound by no row-level security (BYPASSRLS)"),
        ("alter role made replication", "may replicate the server (REPLICATION)"),
        ("alter role made createrole", "may create roles (CREATEROLE)"),
        ("alter role made createdb", "may create databases (CREATEDB)"),
        ("grant pg_execute_server_program to made", "is a member of pg_execute_server_program"),
        ("grant pg_read_server_files to made", "is a member of pg_read_server_files"),
        ("grant pg_signal_backend to made", "is a member of pg_signal_backend"),
        ("grant create on schema public to made", "may create tables in 1 schema (public)"),
        ("grant update (name) on authors to made", "may write to 1 table"),
        ("grant insert on authors, books to made", "may write to 2 tables"),
        ("grant truncate on loans to public", "may write to 1 table"),
        ("grant usage on all sequences in schema public to made", "may advance 1 sequence"),
        ("alter table books owner to made", "owns 1 relation"),
        (
            "alter role made noinherit; grant owner to made",
            "may become another role by SET ROLE (owner)",
        ),
    ],
)
async def test_each_danger_of_a_login_is_named(case: Case, sql: str, danger: str) -> None:
    async with made(case, CREATE, "grant select on all tables in schema public to made") as login:
        assert await dangers(case, login) == ()
        await case.admin(sql)
        assert danger in await dangers(case, login)
        if "owner to made" in sql:
            await case.admin("alter table books owner to current_user")
        if "public" in sql:
            await case.admin("revoke truncate on loans from public")


async def test_the_remedy_makes_a_login_that_only_reads(case: Case) -> None:
    async with opened(case, login=cast("Login", case.owner)) as client:
        remedy = (await client.login()).remedy
    remedy = remedy.replace("<password>", PASSWORD.replace("'", "''"))
    async with made(case, remedy, role="colonnade_reader") as login:
        await case.admin("create table later (id integer)")
        assert await dangers(case, login) == ()
        async with opened(case, login=login) as client:
            assert (await ask(case, client, "select name from authors order by id"))[1] == [("Ada",), ("Ben",)]
            assert (await ask(case, client, "select * from later"))[1] == []
            assert {table.name for table in (await client.catalog()).tables} >= {"authors", "later"}
