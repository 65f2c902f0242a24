"""What only MySQL and MariaDB do: their read-only holes, their network, their words."""

import os
import subprocess
import sys
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import anyio
import asyncmy
import pytest
from anyio.lowlevel import checkpoint
from colonnade.server.engines.base import Client
from colonnade.server.engines.mysql import ENGINE, MysqlOptions
from colonnade.server.engines.mysql.client import MysqlClient, Server
from colonnade.server.engines.mysql.login import Grants, remedy
from colonnade.server.errors import (
    ColonnadeError,
    ConfigError,
    ConnectionLost,
    Denied,
    DriverMissing,
    SqlError,
    TimedOut,
    Unreachable,
)
from colonnade.server.model import Catalog, Column, ForeignKey, Index, Limits, Table
from pydantic import ValidationError

from tests.contract.case import Case, Login, ask, opened, unguarded, until
from tests.contract.case import Server as Asked
from tests.contract.relay import Relay, relay
from tests.engines.mysql import PASSWORD, mariadb

pytestmark = [
    pytest.mark.parametrize("case", ["mysql"], indirect=True),
    pytest.mark.skipif("COLONNADE_TEST_MYSQL_DSN" in os.environ, reason="needs a server on a Unix socket here"),
]

SECRET = "hunter2"


def server_of(case: Case) -> Asked:
    return cast("Asked", case.server)


def options_of(case: Case) -> MysqlOptions:
    return cast("MysqlOptions", case.login.options(case))


def changed(case: Case, **settings: object) -> Login:
    return Login({**case.login.settings, **settings})


def over_tcp(case: Case, **settings: object) -> Login:
    return Login({**server_of(case).at(3306).settings, **settings})


def table(catalog: Catalog, name: str) -> Table:
    return next(table for table in catalog.tables if table.name == name)


async def as_root(case: Case, *statements: str) -> None:
    """Run statements in one session."""
    options = options_of(case)
    connection: Any = await asyncmy.connect(  # pyright: ignore[reportUnknownMemberType] - its stubs
        unix_socket=options.unix_socket, user="root", database=options.database, autocommit=True
    )
    for statement in statements:
        await connection.query(statement)
    await connection.ensure_closed()


@asynccontextmanager
async def relayed(case: Case, limits: Limits | None = None) -> AsyncGenerator[tuple[Client, Relay]]:
    """Open a client through a network that can fail."""
    async with (
        relay(str(options_of(case).unix_socket)) as network,
        opened(case, limits, server_of(case).at(network.port)) as client,
    ):
        yield client, network
        network.heal()


# Settings


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"url": "mysql://db/sales", "host": "db"}, "both url and host"),
        ({"url": "mysql://db/sales", "unix_socket": "/s"}, "both url and host"),
        ({"url": "mysql://db/sales", "database": "sales"}, "both url and host"),
        ({"unix_socket": "/s", "port": 3306}, "both unix_socket and host"),
        ({"unix_socket": "/s", "ssl_mode": "required"}, "needs no TLS"),
        ({"host": "db", "ssl_ca": "ca.pem", "ssl_mode": "required"}, "does not check ssl_ca"),
        ({"local_infile": True}, "local_infile"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(case: Case, settings: dict[str, object], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        case.engine.options.model_validate(settings)


def test_files_lie_beside_the_configuration(case: Case, tmp_path: Path) -> None:
    given = {"ssl_ca": "ca.pem", "ssl_cert": "/etc/me.pem"}
    options = case.engine.options.model_validate(given, context={"folder": tmp_path})
    assert (options.ssl_ca, options.ssl_cert) == (str(tmp_path / "ca.pem"), "/etc/me.pem")


def test_every_option_can_be_shown_in_a_form(case: Case) -> None:
    for field in case.engine.options.model_fields.values():
        assert field.description
        assert set(cast("dict[str, str]", field.json_schema_extra)) == {"label", "group"}


@pytest.mark.parametrize("scheme", ["mysql", "mariadb", "mysql+asyncmy"])
async def test_a_url_opens_too(case: Case, scheme: str) -> None:
    options = options_of(case)
    async with relay(str(options.unix_socket)) as network:
        secret = "r3ader's%20p%40ss%2Fw%C3%B6rd%231"
        url = f"{scheme}://{options.user}:{secret}@127.0.0.1:{network.port}/{options.database}"
        async with opened(case, login=Login({"url": url})) as client:
            found = (await ask(case, client, "select substring_index(user(), '@', 1), database()"))[1]
            assert found == [(options.user, options.database)]


@pytest.mark.parametrize(
    "url",
    [
        f"mysql://user:{SECRET}@x@127.0.0.1:1/db",
        f"mysql://user:{SECRET}/x@127.0.0.1:1/db",
        f"mysql://user:{SECRET}#x@127.0.0.1:1/db",
        f"mysql://user:{SECRET}?x@127.0.0.1:1/db",
        f"mysql://user:12?{SECRET}@127.0.0.1:1/db",
        f"mysql://user:{SECRET}[x@127.0.0.1:1/db",
        f"mysql://user:{SECRET}%x@127.0.0.1:1/db",
        f"postgresql://user:{SECRET}@127.0.0.1:1/db",
        f"{SECRET}://user@127.0.0.1:1/db",
        f"mysql://user:x@127.0.0.1:{SECRET}/db",
        f"mysql://user:x@127.0.0.1:99999/db?password={SECRET}",
        f"mysql://127.0.0.1:1/db?password={SECRET}",
        f"user:{SECRET}@127.0.0.1:1/db",
        SECRET,
    ],
)
async def test_no_piece_of_a_url_that_holds_a_secret_comes_out(case: Case, url: str) -> None:
    with pytest.raises((ConfigError, Unreachable)) as caught:
        async with opened(case, login=Login({"url": url})):
            pass
    assert SECRET not in str(caught.value)


async def test_a_missing_driver_is_told_with_its_command(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "asyncmy", None)
    with pytest.raises(DriverMissing, match=r"colonnade\[mysql\]"):
        await ENGINE.open(options_of(case), {}, Limits())


@pytest.mark.parametrize(
    ("greeting", "name", "number", "words"),
    [
        ("5.5.5-10.11.19-MariaDB-0+deb12u1", "MariaDB", "10.11.19", ("tx_read_only = 1", "max_statement_time = 1.500")),
        ("11.4.2-MariaDB-log", "MariaDB", "11.4.2", ("transaction_read_only = 1", "max_statement_time = 1.500")),
        ("8.0.36", "MySQL", "8.0.36", ("transaction_read_only = 1", "max_execution_time = 1500")),
        ("5.7.44-log", "MySQL", "5.7.44", ("transaction_read_only = 1", "max_execution_time = 1500")),
    ],
)
def test_each_server_is_spoken_to_in_its_words(
    case: Case, greeting: str, name: str, number: str, words: tuple[str, ...]
) -> None:
    server = Server(greeting)
    assert (server.name, server.number) == (name, number)
    assert all(word in server.begin(1.5, 11).decode() for word in words)
    assert case.type == "mysql"


async def test_a_session_has_the_settings_that_make_values_exact(case: Case) -> None:
    await as_root(case, "set global sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES'", "set global time_zone = '+09:00'")
    try:
        async with opened(case) as client:
            for _ in range(2):
                names = (
                    "sql_mode",
                    "time_zone",
                    "character_set_results",
                    "tx_read_only",
                    "autocommit",
                    "lock_wait_timeout",
                )
                values = ", ".join(f"concat(@@session.{name})" for name in names)
                found = (await ask(case, client, f"select {values}, @@max_statement_time", seconds=7.5))[1]
                assert found == [("", "+00:00", "utf8mb4", "ON", "OFF", "5", 7.5)]
    finally:
        await as_root(case, "set global sql_mode = default", "set global time_zone = 'SYSTEM'")


# Opening


async def test_an_unknown_host_is_told_as_one(case: Case) -> None:
    with pytest.raises(Unreachable, match=r"db\.invalid:3306/.*: the host name is not known"):
        async with opened(case, login=over_tcp(case, host="db.invalid")):
            pass


async def test_a_socket_without_a_server_is_told_as_one(case: Case, tmp_path: Path) -> None:
    with pytest.raises(Unreachable, match="no server listens on this socket"):
        async with opened(case, login=changed(case, unix_socket=str(tmp_path / "none.sock"))):
            pass


async def test_a_silent_server_is_given_up_at_the_connect_limit(case: Case) -> None:
    async with relay(str(options_of(case).unix_socket)) as network:
        network.freeze()
        with anyio.fail_after(1.5), pytest.raises(Unreachable, match=r"no answer within 0\.3 s"):
            async with opened(case, Limits(connect=0.3), server_of(case).at(network.port)):
                pass


@pytest.mark.parametrize("mode", ["required", "verify_ca", "verify_identity"])
async def test_a_server_without_tls_is_not_talked_to_in_plain(case: Case, mode: str) -> None:
    async with relay(str(options_of(case).unix_socket)) as network:
        with pytest.raises(Unreachable, match="TLS: the server does not offer it"):
            async with opened(case, login=over_tcp(case, port=network.port, ssl_mode=mode)):
                pass


# TLS


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make an authority, a certificate of a server named `localhost`, and one of a client."""
    folder = tmp_path_factory.mktemp("tls")

    def openssl(*arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True, timeout=30)

    new = ("req", "-newkey", "rsa:2048", "-sha256")
    openssl(*new, "-x509", "-days", "2", "-nodes", "-subj", "/CN=Test CA", "-keyout", "ca.key", "-out", "ca.pem")
    for name, key in (("server", ("-nodes",)), ("client", ("-passout", f"pass:{SECRET}"))):
        openssl(*new, *key, "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.csr")
        (folder / "names").write_text("subjectAltName = DNS:localhost")
        signed = ("-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-extfile", "names")
        openssl("x509", "-req", "-in", f"{name}.csr", *signed, "-out", f"{name}.pem")
    openssl(*new, "-x509", "-days", "2", "-nodes", "-subj", "/CN=Other CA", "-keyout", "o.key", "-out", "other.pem")
    return folder


@pytest.fixture(scope="module")
def encrypted(authority: Path) -> Generator[int]:
    """Start a server that offers TLS, with a login that has to use it and one that has to show a certificate."""
    files = (("ca", "ca.pem"), ("cert", "server.pem"), ("key", "server.key"))
    with mariadb(*(f"--ssl-{name}={authority / file}" for name, file in files)) as (unix_socket, port):
        for sql in (
            f"create user safe identified by '{SECRET}' require ssl",
            f"create user known identified by '{SECRET}' require x509",
        ):
            client = ["mariadb", "--no-defaults", f"--socket={unix_socket}", "--user=root", f"--execute={sql}"]
            subprocess.run(client, check=True, capture_output=True, timeout=30)
        yield port


def safe(port: int, **settings: object) -> Login:
    return Login({"host": "localhost", "port": port, "user": "safe", "password": SECRET, **settings})


CIPHER = "select variable_value <> '' from information_schema.session_status where variable_name = 'Ssl_cipher'"


@pytest.mark.parametrize("mode", [None, "required", "verify_ca", "verify_identity"])
async def test_tls_is_used_as_it_is_offered(case: Case, encrypted: int, authority: Path, mode: str | None) -> None:
    checked = {"ssl_ca": str(authority / "ca.pem")} if mode in ("verify_ca", "verify_identity") else {}
    login = safe(encrypted, **checked, **({"ssl_mode": mode} if mode else {}))
    async with opened(case, login=login) as client:
        assert (await ask(case, client, CIPHER))[1] == [(1,)]
        with anyio.move_on_after(0.1) as limit:
            await ask(case, client, "select sleep(30)")
        assert limit.cancelled_caught
        assert (await ask(case, client, CIPHER))[1] == [(1,)]


async def test_a_login_that_requires_tls_is_refused_without_it(case: Case, encrypted: int) -> None:
    with pytest.raises(ColonnadeError, match="refused the login"):
        async with opened(case, login=safe(encrypted, ssl_mode="disabled")):
            pass


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"host": "127.0.0.1"}, "IP address mismatch"),
        ({"ssl_ca": "other.pem"}, "certificate was not accepted"),
        ({"ssl_ca": "other.pem", "ssl_mode": "verify_ca"}, "certificate was not accepted"),
    ],
)
async def test_a_wrong_name_or_authority_is_refused(
    case: Case, encrypted: int, authority: Path, settings: dict[str, str], said: str
) -> None:
    given = {"ssl_ca": "ca.pem", **settings}
    with pytest.raises(Unreachable, match=said):
        async with opened(case, login=safe(encrypted, **{**given, "ssl_ca": str(authority / given["ssl_ca"])})):
            pass
    # Without the name, the certificate itself is good.
    login = safe(encrypted, host="127.0.0.1", ssl_ca=str(authority / "ca.pem"), ssl_mode="verify_ca")
    async with opened(case, login=login) as client:
        assert (await ask(case, client, CIPHER))[1] == [(1,)]


async def test_the_name_stays_that_of_the_real_host_through_a_tunnel(
    case: Case, encrypted: int, authority: Path
) -> None:
    async def route(host: str, port: int) -> tuple[str, int]:
        assert (host, port) == ("localhost", 1)
        await checkpoint()
        return "127.0.0.1", encrypted

    options = safe(1, ssl_ca=str(authority / "ca.pem")).options(case)
    client = await ENGINE.open(cast("MysqlOptions", options), {"password": SECRET}, Limits(), route)
    assert (await ask(case, client, CIPHER))[1] == [(1,)]
    await client.close()


async def test_a_client_shows_its_certificate(case: Case, encrypted: int, authority: Path) -> None:
    files = {"ssl_cert": str(authority / "client.pem"), "ssl_key": str(authority / "client.key")}
    login = safe(encrypted, user="known", ssl_ca=str(authority / "ca.pem"), **files)
    with pytest.raises(ConfigError, match="cannot be used"):
        async with opened(case, login=login):
            pass
    async with opened(case, login=Login({**login.settings, "ssl_key_passphrase": SECRET})) as client:
        assert (await ask(case, client, CIPHER))[1] == [(1,)]


async def test_a_file_that_is_not_there_is_named(case: Case, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no file ca\.pem at `ssl_ca`"):
        async with opened(case, login=over_tcp(case, ssl_ca=str(tmp_path / "ca.pem"))):
            pass


# The network


async def test_a_frozen_network_ends_a_statement_at_its_deadline(case: Case) -> None:
    async with relayed(case) as (client, network):
        with anyio.fail_after(1.8), pytest.raises(TimedOut):  # noqa: PT012 - freezing belongs to it
            async with client.run(unguarded(case, case.endless), rows=100_000, seconds=0.4) as cursor:
                async for _ in cursor.batches():
                    network.freeze()
        network.heal()
        assert (await ask(case, client, "select 1"))[1] == [(1,)]


async def test_a_kept_connection_that_died_silently_is_replaced(case: Case) -> None:
    async with relayed(case, Limits(connect=0.4)) as (client, network):
        network.freeze()
        async with anyio.create_task_group() as tasks:

            async def heal_for_new_connections() -> None:
                await anyio.sleep(0.5)
                network.heal()

            tasks.start_soon(heal_for_new_connections)
            with anyio.fail_after(2):
                assert (await ask(case, client, "select 1"))[1] == [(1,)]


async def test_a_cut_network_is_told_and_healed(case: Case) -> None:
    async with relayed(case) as (client, network):
        with pytest.raises(ConnectionLost), anyio.fail_after(5):  # noqa: PT012 - cutting belongs to it
            async with client.run(unguarded(case, case.endless), rows=1_000_000, seconds=10) as cursor:
                async for _ in cursor.batches():
                    network.cut()
        assert (await ask(case, client, "select 1"))[1] == [(1,)]


async def test_a_small_result_costs_three_round_trips(case: Case) -> None:
    async with relayed(case) as (client, network):
        await ask(case, client, "select 1")
        before = network.sent
        await ask(case, client, "select 1")
        # What the row limit of the session cuts needs no stopping either.
        await ask(case, client, "select d.id from authors d, authors e", rows=1)
        assert network.sent - before == 6


async def test_a_reader_that_pauses_holds_the_rows_back(case: Case) -> None:
    async with opened(case) as client:
        assert isinstance(client, MysqlClient)
        async with client.run(unguarded(case, case.endless), rows=10_000_000, seconds=10) as cursor:
            async for _ in cursor.batches():
                wire = cast("Any", cursor)._wire
                await anyio.sleep(0.3)
                assert wire._proto.length - wire._proto.pos < 4_000_000
                break


# Statements


@pytest.mark.parametrize(
    "sql",
    [
        "delete from authors",
        "truncate authors",
        "create temporary table kept (id int)",
        "select * from authors for update",
        "lock tables authors write",
        "explain analyze insert into authors (name) values ('x')",
        "analyze insert into authors (name) values ('x')",
        "set statement max_statement_time = 1 for insert into authors (name) values ('x')",
        "begin not atomic insert into authors (name) values ('x'); end",
        "execute immediate 'delete from authors'",
        "call adds()",
        "select adding()",
        "/*! insert into authors (name) values ('x') */",
    ],
)
async def test_whatever_writes_is_refused_to_an_owner_too(case: Case, sql: str) -> None:
    await case.admin(
        "create procedure adds() begin start transaction; insert into authors (name) values ('x'); commit; end"
    )
    await case.admin(
        "create function adding() returns int begin insert into authors (name) values ('x'); return 1; end"
    )
    async with opened(case, Limits(concurrent=1), case.owner) as client:
        with pytest.raises((Denied, SqlError)):
            await ask(case, client, sql)
        assert (await ask(case, client, "select name from authors order by id"))[1] == [("Ada",), ("Ben",)]


@pytest.mark.parametrize(
    "sql",
    [
        "select get_lock('kept', 0)",
        "select @kept := 1",
        "select 1 into @kept",
        "select sets()",
        "set session transaction read write",
        "set transaction read write",
        "set autocommit = 1",
        "set time_zone = '+09:00'",
        "prepare kept from 'select 1'",
        "use information_schema",
        "commit",
        "rollback",
        "call shows()",
    ],
)
async def test_a_statement_leaves_nothing_behind(case: Case, sql: str) -> None:
    await case.admin("create function sets() returns int begin set time_zone = '+09:00', @kept = 1; return 1; end")
    await case.admin("create procedure shows() begin select 1; select sleep(0.01); end")
    async with opened(case, Limits(concurrent=1), case.owner) as client:
        await ask(case, client, "select 1")
        await ask(case, client, sql)
        left = "select @kept, is_free_lock('kept'), @@time_zone, @@autocommit, @@tx_read_only, database()"
        assert (await ask(case, client, left))[1] == [(None, 1, "+00:00", 0, 1, case.default_schema)]
        with pytest.raises(SqlError):
            await ask(case, client, "execute kept")
        with pytest.raises(Denied):
            await ask(case, client, case.write)
        await until(lambda: _has(case, 1))


async def _has(case: Case, number: int) -> bool:
    return await server_of(case).connections() == number


async def test_a_file_of_this_machine_is_not_sent(case: Case, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("secret")
    async with opened(case, login=case.owner) as client:
        with pytest.raises(ColonnadeError):
            await ask(case, client, f"load data local infile '{path}' into table authors (name)")


async def test_a_statement_may_not_switch_its_time_limit_off_for_the_next(case: Case) -> None:
    async with opened(case, Limits(concurrent=1)) as client:
        await ask(case, client, "set session max_statement_time = 0")
        with anyio.fail_after(2), pytest.raises(TimedOut):
            await ask(case, client, case.slow, seconds=0.2)


async def test_a_lock_is_not_waited_for_long(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    begin = Server.begin
    monkeypatch.setattr(Server, "begin", lambda *given: begin(*given) + b", lock_wait_timeout = 0")  # pyright: ignore[reportUnknownArgumentType, reportUnknownLambdaType]
    options = options_of(case)
    other: Any = await asyncmy.connect(  # pyright: ignore[reportUnknownMemberType] - its stubs
        unix_socket=options.unix_socket, user="root", database=options.database
    )
    await other.query("lock tables books write")
    try:
        async with opened(case) as client:
            with anyio.fail_after(3), pytest.raises(TimedOut, match="kept a lock"):
                await ask(case, client, "select * from books")
    finally:
        await other.ensure_closed()


async def test_a_percent_sign_is_a_percent_sign(case: Case) -> None:
    async with opened(case) as client:
        assert (await ask(case, client, "select '%s %(a)s %%', 7 % 4"))[1] == [("%s %(a)s %%", 3)]


async def test_a_text_that_is_no_text_spoils_nothing(case: Case) -> None:
    async with opened(case, Limits(concurrent=1)) as client:
        with pytest.raises(SqlError, match="not UTF-8"):
            await ask(case, client, "select '\ud800'")
        assert (await ask(case, client, "select 1"))[1] == [(1,)]


async def test_a_mistake_is_told_without_the_manual(case: Case) -> None:
    async with opened(case) as client:
        with pytest.raises(SqlError) as caught:
            await ask(case, client, "selct 1")
    assert caught.value.message == "You have an error in your SQL syntax near 'selct 1' at line 1"


async def test_a_value_of_many_packets_arrives_whole(case: Case) -> None:
    async with opened(case) as client:
        for _ in range(2):
            (_, rows) = await ask(case, client, "select repeat('x', 9000000), repeat('y', 9000000), 2", seconds=20)
            assert rows == [("x" * 9_000_000, "y" * 9_000_000, 2)]


# The catalog


async def test_indexes_stand_with_their_prefixes_and_without_those_of_keys(case: Case) -> None:
    for sql in (
        "create unique index by_start on authors (name(5), country)",
        "create fulltext index words on books (title)",
        "create table notes (id int primary key, book int, foreign key (book) references books (id))",
        "alter table notes add author int, add constraint written foreign key (author) references authors (id)",
    ):
        await case.admin(sql)
    async with opened(case) as client:
        catalog = await client.catalog()
    assert table(catalog, "authors").indexes == (Index("by_start", ("name(5)", "country"), unique=True),)
    assert table(catalog, "authors").unique == (("email",),)
    assert table(catalog, "books").indexes == (Index("books_by_title", ("title",)), Index("words", ("title",)))
    notes = table(catalog, "notes")
    assert notes.indexes == ()
    assert [(key.columns, key.table) for key in notes.foreign_keys] == [(("book",), "books"), (("author",), "authors")]


async def test_only_what_the_login_may_read_is_in_the_catalog(case: Case) -> None:
    reader = f"'{options_of(case).user}'@'%'"
    for sql in (
        f"revoke select on {case.default_schema}.* from {reader}",
        f"grant select on books to {reader}",
        f"grant select (id, name) on authors to {reader}",
    ):
        await case.admin(sql)
    async with opened(case) as client:
        before, catalog = await client.fingerprint(), await client.catalog()
        assert [found.name for found in catalog.tables] == ["authors", "books"]
        authors = table(catalog, "authors")
        assert [column.name for column in authors.columns] == ["id", "name"]
        assert (authors.primary_key, authors.unique) == (("id",), ())
        key = ForeignKey(("author_id",), case.default_schema, "authors", ("id",))
        assert table(catalog, "books").foreign_keys == (key,)
        await case.admin(f"grant select on loans to {reader}")
        assert await client.fingerprint() != before


async def test_without_a_database_all_that_the_login_sees_is_read(case: Case) -> None:
    settings = {key: value for key, value in case.login.settings.items() if key != "database"}
    async with opened(case, login=Login(settings)) as client:
        catalog = await client.catalog()
        found = await ask(case, client, f"select count(*) from {case.default_schema}.authors")
    assert {case.default_schema} < {found.schema for found in catalog.tables}
    assert not {"mysql", "information_schema", "performance_schema", "sys"} & {t.schema for t in catalog.tables}
    assert catalog.default_schema == ""
    assert found[1] == [(2,)]


async def test_a_view_of_a_table_that_is_gone_hides_nothing_else(case: Case) -> None:
    for sql in ("create table gone (id int)", "create view left_over as select id from gone", "drop table gone"):
        await case.admin(sql)
    async with opened(case) as client:
        catalog = await client.catalog()
        assert catalog.fingerprint == await client.fingerprint()
    assert [found.name for found in catalog.tables] == ["authors", "books", "left_over", "loans", "recent"]
    assert (table(catalog, "left_over").columns, table(catalog, "left_over").comment) == ((), None)


async def test_only_what_can_be_read_as_a_table_is_one(case: Case) -> None:
    for sql in (
        "create sequence numbers",
        "create table kept (id int) with system versioning",
        "create table hash_of (id int, twice int as (id * 2) virtual, day date) partition by hash (id) partitions 3",
    ):
        await case.admin(sql)
    async with opened(case) as client:
        catalog = await client.catalog()
    kinds = {found.name: found.kind for found in catalog.tables}
    expected = dict.fromkeys(("authors", "books", "hash_of", "kept", "loans"), "table")
    assert kinds == {**expected, "recent": "view"}
    twice = Column("twice", "int(11)", default="`id` * 2", generated=True)
    assert table(catalog, "hash_of").columns == (Column("id", "int(11)"), twice, Column("day", "date"))


async def test_a_cancelled_reader_of_a_huge_value_leaves_nothing_running(case: Case) -> None:
    async with opened(case, Limits(concurrent=1)) as client:
        for moment in (0.002, 0.01, 0.03, 0.06):
            with anyio.move_on_after(moment):
                await ask(case, client, "select repeat('x', 9000000), repeat('y', 9000000), sleep(0) from authors")
            await until(lambda: _is_idle(case))
            assert (await ask(case, client, "select 1"))[1] == [(1,)]


async def _is_idle(case: Case) -> bool:
    return await server_of(case).running() == 0


async def test_names_come_as_they_are(case: Case) -> None:
    await case.admin("create table `Da \\ 'x' \"y\"` (`Spalte, 1 %s` enum('a,b', 'c''d') primary key)")
    async with opened(case) as client:
        found = table(await client.catalog(), "Da \\ 'x' \"y\"")
    assert found.columns == (Column("Spalte, 1 %s", "enum('a,b','c''d')", nullable=False),)
    assert found.primary_key == ("Spalte, 1 %s",)


async def test_a_default_that_is_the_word_null_is_no_missing_one(case: Case) -> None:
    await case.admin("create table words (a varchar(9) default 'NULL', b varchar(9), c datetime default now())")
    async with opened(case) as client:
        columns = table(await client.catalog(), "words").columns
    assert [column.default for column in columns] == ["'NULL'", None, "current_timestamp()"]


async def test_rows_are_estimates_and_analyze_leaves_the_fingerprint(case: Case) -> None:
    async with opened(case) as client:
        before = await client.catalog()
        await case.admin("insert into authors (name) values ('Cleo'), ('Dan')")
        await case.admin("analyze table authors")
        after = await client.catalog()
    assert (table(after, "authors").rows, table(after, "recent").rows) == (4, None)
    assert after.fingerprint == before.fingerprint


async def test_the_catalog_is_read_in_a_constant_number_of_round_trips(case: Case) -> None:
    async with relayed(case) as (client, network):
        sent: list[int] = []
        for count in (1, 20):
            for number in range(count):
                await case.admin(
                    f"create table made_{count}_{number} (id int primary key, other int references books (id))"
                )
            await client.catalog()
            before = network.sent
            await client.catalog()
            sent.append(network.sent - before)
        assert sent == [7, 7]


def test_the_password_of_the_tests_needs_more_than_ascii(case: Case) -> None:
    assert not PASSWORD.isascii()
    assert case.login.settings["password"] == PASSWORD


# The login


@asynccontextmanager
async def made(case: Case, *statements: str, user: str = "made") -> AsyncGenerator[Login]:
    """Run statements that make a user, and drop it in the end."""
    try:
        for sql in statements:
            await case.admin(sql)
        yield changed(case, user=user)
    finally:
        await case.admin(f"drop user if exists '{user}'@'%'")


async def dangers(case: Case, login: Login) -> tuple[str, ...]:
    async with opened(case, login=login) as client:
        return (await client.login()).dangers


CREATE = "create user 'made'@'%' identified by '{}'".format(PASSWORD.replace("'", "''"))


@pytest.mark.parametrize(
    ("privileges", "danger"),
    [
        ("file on *.*", "may read and write files on the server (FILE)"),
        ("process on *.*", "sees what everybody runs (PROCESS)"),
        ("super on *.*", "administers the server (SUPER)"),
        ("shutdown, reload on *.*", "has privileges to administer (RELOAD, SHUTDOWN)"),
        ("all on *.*", "has all privileges on the server"),
        ("insert on *.*", "may write to every database"),
        ("delete on `{database}`.*", "may write to 1 database"),
        ("update on `{database}`.authors", "may write to 1 table"),
        ("update (name, email) on `{database}`.authors", "may write to 1 table"),
        ("insert on `{database}`.`a ON ``b`` TO (c`", "may write to 1 table"),
        ("drop, create view on `{database}`.*", "may create, alter or drop in 1 database"),
        ("execute on `{database}`.*", "may run stored procedures (EXECUTE)"),
        ("lock tables on `{database}`.*", "may lock tables (LOCK TABLES)"),
        ("select on `{database}`.books", None),
    ],
)
async def test_each_danger_of_a_login_is_named(case: Case, privileges: str, danger: str | None) -> None:
    database = case.default_schema
    async with made(case, CREATE, f"grant select, show view on `{database}`.* to 'made'@'%'") as login:
        assert await dangers(case, login) == ()
        await case.admin("create table `a ON ``b`` TO (c` (id integer)")
        await case.admin(f"grant {privileges.format(database=database)} to 'made'@'%'")
        found = await dangers(case, login)
        assert danger in found if danger else found == ()
        await case.admin(f"grant select on `{database}`.* to 'made'@'%' with grant option")
        assert "may grant what it may do (GRANT OPTION)" in await dangers(case, login)


async def test_a_role_counts_whether_it_is_taken_on_already_or_not(case: Case) -> None:
    database = case.default_schema
    async with made(case, CREATE, f"grant select on `{database}`.* to 'made'@'%'") as login:
        await case.admin("create role if not exists writer")
        try:
            await case.admin(f"grant insert on `{database}`.authors to writer")
            await case.admin("grant writer to 'made'@'%'")
            assert await dangers(case, login) == ("may take on another role by SET ROLE (`writer`)",)
            await case.admin("set default role writer for 'made'@'%'")
            assert await dangers(case, login) == ("may write to 1 table",)
        finally:
            await case.admin("drop role writer")


async def test_the_remedy_makes_a_login_that_only_reads(case: Case) -> None:
    async with opened(case, login=cast("Login", case.owner)) as client:
        create, grant = (await client.login()).remedy.rstrip(";").split(";\n")
    create = create.replace("<password>", PASSWORD.replace("'", "''"))
    async with made(case, create, grant, user="colonnade_reader") as login:
        assert await dangers(case, login) == ()
        async with opened(case, login=login) as client:
            assert (await ask(case, client, "select name from authors order by id"))[1] == [("Ada",), ("Ben",)]
            assert {table.name for table in (await client.catalog()).tables} >= {"authors", "recent"}


def test_grants_as_mysql_tells_them_are_understood(case: Case) -> None:
    assert case.type == "mysql"
    grants = Grants.of(
        (
            "GRANT SELECT, INSERT (`a`, `b``, (`) ON `shop`.`t` TO `u`@`%`",
            "GRANT BACKUP_ADMIN,FLUSH_TABLES ON *.* TO `u`@`%` WITH GRANT OPTION",
            "GRANT ALL PRIVILEGES ON `a\\_b`.* TO 'u'@'%' IDENTIFIED BY PASSWORD '*6BB4837EB74329105EE4568DDA7DC67E'",
            "GRANT ALTER ROUTINE, EXECUTE ON PROCEDURE `shop`.`p` TO `u`@`%`",
            "REVOKE INSERT ON `mysql`.* FROM `u`@`%`",
            "GRANT PROXY ON ``@`` TO `u`@`%`",
            "GRANT `r1`@`%`,`r 2`@`%` TO `u`@`%`",
            "GRANT SOMETHING NEW",
        )
    )
    assert list(grants.dangers()) == [
        "may write to 1 database and 1 table",
        "may create, alter or drop in 1 database and 1 table",
        "may run stored procedures (EXECUTE)",
        "has privileges to administer (BACKUP_ADMIN, FLUSH_TABLES)",
        "may grant what it may do (GRANT OPTION)",
        "may act as another user (PROXY)",
        "has 1 grant that could not be read",
    ]
    assert grants.roles == ["`r1`@`%`", "`r 2`@`%`"]
    assert "grant select on `a\\_b\\%`.*" in remedy("a_b%")
