"""What only ODBC does: connection strings, drivers and what they lose, and a second driver beside the case's."""

import subprocess
import sys
from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import anyio
import pytest
from colonnade.server.engines.base.deadline import Deadline
from colonnade.server.engines.base.odbc.errors import explain
from colonnade.server.engines.base.odbc.native import single
from colonnade.server.engines.base.odbc.strings import connection_string, parsed, target_of
from colonnade.server.engines.odbc import ENGINE, OdbcOptions
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
from colonnade.server.model import Limits
from pydantic import ValidationError

from tests.contract.case import Case, Login, Server, ask, opened, unguarded, until
from tests.contract.relay import relay
from tests.engines.installed import require_odbc
from tests.engines.mysql import mariadb

require_odbc()
import pyodbc  # noqa: E402 - where the line above has not skipped it all

ours = pytest.mark.parametrize("case", ["odbc"], indirect=True)

SECRET = "hunter2"


# Connection strings


@pytest.mark.parametrize("value", ["plain", "a;b", "a}b", "{a", " a ", "a=b", "}", ";;", "p@ss/word#1", "{}};{"])
def test_a_value_comes_back_as_it_was(value: str) -> None:
    assert parsed(connection_string({"PWD": value, "UID": "ann"})) == {"PWD": value, "UID": "ann"}


def test_a_value_cannot_bring_a_keyword_of_its_own() -> None:
    assert connection_string({"UID": "ann;Server=evil"}) == "UID={ann;Server=evil};"


@pytest.mark.parametrize("text", [SECRET, f"PWD={{{SECRET}", f"PWD={{{SECRET}}}x;A=b"])
def test_a_torn_connection_string_is_not_repeated(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parsed(text)
    assert SECRET not in str(caught.value)


def test_a_target_says_where_and_nothing_else() -> None:
    assert str(target_of(parsed(f"servername=db;PORT=5;Database=shop;UID=ann;PWD={SECRET}"))) == "db:5/shop"
    assert str(target_of({"DSN": "shop"})) == "DSN shop"


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({}, "none of dsn, driver and connection_string is given"),
        ({"dsn": "a", "driver": "b"}, "both dsn and driver"),
        ({"connection_string": "DSN=a", "keywords": {"a": 1}}, "both connection_string and keywords"),
        ({"driver": "a", "keywords": {"PWD": SECRET}}, "PWD is a secret"),
        ({"driver": "a", "keywords": {"a;b": 1}}, "has no place in one"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(settings: dict[str, object], why: str) -> None:
    with pytest.raises(ValidationError, match=why) as caught:
        OdbcOptions.model_validate(settings)
    assert SECRET not in str(caught.value)


def test_a_driver_s_file_lies_beside_the_configuration(tmp_path: Path) -> None:
    options = OdbcOptions.model_validate({"driver": "./lib.so"}, context={"folder": tmp_path})
    assert options.driver == str(tmp_path / "lib.so")


@ours
async def test_a_secret_keyword_comes_from_the_environment(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ODBC_TEST_PASSWORD", str(case.login.settings["password"]))
    keywords = {**cast("dict[str, object]", case.login.settings["keywords"]), "PWD": {"env": "ODBC_TEST_PASSWORD"}}
    settings = {name: value for name, value in case.login.settings.items() if name != "password"}
    async with opened(case, login=Login({**settings, "keywords": keywords})) as client:
        assert (await ask(case, client, "select 1"))[1] == [(1,)]


@ours
async def test_a_whole_connection_string_opens_too(case: Case) -> None:
    settings = case.login.settings
    keywords = {name: str(value) for name, value in cast("dict[str, object]", settings["keywords"]).items()}
    text = connection_string({"Driver": str(settings["driver"]), **keywords, "UID": "reader"})
    async with opened(case, login=Login({"connection_string": text, "password": settings["password"]})) as client:
        assert (await ask(case, client, "select current_user::text"))[1] == [("reader",)]


# Opening


async def _open(settings: dict[str, object]) -> None:
    await ENGINE.open(OdbcOptions.model_validate(settings), {}, Limits())


async def test_what_is_not_installed_is_told() -> None:
    with pytest.raises(DriverMissing, match=r"ODBC driver Nope is not installed"):
        await _open({"driver": "Nope"})
    with pytest.raises(DriverMissing, match=r"ODBC driver /nope\.so is not installed"):
        await _open({"driver": "/nope.so"})
    with pytest.raises(ConfigError, match="no ODBC data source named nope"):
        await _open({"dsn": "nope"})


async def test_a_missing_package_is_told_with_its_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "aioodbc", None)
    with pytest.raises(DriverMissing, match="pip install aioodbc"):
        await _open({"driver": "Nope"})


async def test_a_missing_driver_manager_is_told_with_its_command(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_library(name: str, remedy: str) -> None:
        if name == "pyodbc":
            raise DriverMissing("The package pyodbc cannot be loaded: libodbc.so.2: no such file.", hint=remedy)

    monkeypatch.setattr("colonnade.server.engines.base.odbc.sessions.require", no_library)
    with pytest.raises(DriverMissing, match="apt-get install unixodbc"):
        await _open({"driver": "Nope"})


@ours
async def test_an_unknown_host_is_told_as_one(case: Case) -> None:
    keywords = {**cast("dict[str, object]", case.login.settings["keywords"]), "Servername": "db.invalid"}
    with pytest.raises(Unreachable, match=r"db\.invalid:5432/.*: the host name is not known"):
        async with opened(case, login=Login({**case.login.settings, "keywords": keywords})):
            pass


@ours
async def test_a_tunnel_needs_a_host_and_a_port(case: Case) -> None:
    with pytest.raises(ConfigError, match="needs the host and the port"):
        await _open({"dsn": "shop", "ssh": {"host": "bastion"}})
    assert case.type == "odbc"


# Statements


def _folder(case: Case) -> str:
    return str(cast("dict[str, object]", case.login.settings["keywords"])["Servername"])


@ours
async def test_a_frozen_network_keeps_nobody(case: Case) -> None:
    async with relay(f"{_folder(case)}/.s.PGSQL.5432") as network:
        keywords = {
            **cast("dict[str, object]", case.login.settings["keywords"]),
            "Servername": "127.0.0.1",
            "Port": network.port,
        }
        login = Login({**case.login.settings, "keywords": keywords})
        async with opened(case, Limits(connect=1), login) as client:
            with anyio.fail_after(2), pytest.raises(TimedOut):  # noqa: PT012 - freezing belongs to it
                async with client.run(unguarded(case, case.endless), rows=100_000, seconds=0.4) as cursor:
                    async for _ in cursor.batches():
                        network.freeze()
            network.heal()
            assert (await ask(case, client, "select 1"))[1] == [(1,)]


@ours
async def test_a_driver_that_never_returns_is_left_behind(case: Case) -> None:
    async with opened(case) as client:
        with anyio.fail_after(3), pytest.raises(ColonnadeError):
            await ask(case, client, "copy (select 1) to stdout", seconds=0.3)
        assert (await ask(case, client, "select 1"))[1] == [(1,)]
        # psqlodbc waits for ever; only the end of its connection lets its thread go.
        server = cast("Server", case.server)
        await server.kill()

        async def gone() -> bool:
            return await server.connections() == 0

        await until(gone)


@ours
async def test_escapes_of_odbc_are_not_looked_for(case: Case) -> None:
    async with opened(case) as client:
        assert (await ask(case, client, "select '{fn now()}', '?'"))[1] == [("{fn now()}", "?")]


@ours
async def test_a_value_that_python_has_no_room_for_is_an_error(case: Case) -> None:
    async with opened(case) as client:
        with pytest.raises(SqlError, match="cannot be read over ODBC") as caught:
            await ask(case, client, "select time '24:00'")
        assert "cast(column as varchar" in caught.value.hint


@ours
async def test_a_flag_is_one_also_where_the_driver_makes_it_a_text(case: Case) -> None:
    keywords = {**cast("dict[str, object]", case.login.settings["keywords"]), "BoolsAsChar": 1}
    async with opened(case, login=Login({**case.login.settings, "keywords": keywords})) as client:
        assert (await ask(case, client, "select true, false"))[1] == [(True, False)]


def test_a_float4_has_its_own_digits() -> None:
    assert [single(value) for value in (1.100000023841858, 3.4028234663852886e38, float("nan"), 0.0)] == [
        1.1,
        3.4028235e38,
        "NaN",
        0.0,
    ]


@pytest.mark.parametrize(
    ("state", "words", "kind"),
    [
        ("08S01", "[08S01] [Microsoft][x]Communication link failure (0) (SQLExecDirectW)", ConnectionLost),
        ("HYT00", "[HYT00] [Microsoft][x]Query timeout expired (0) (SQLExecDirectW)", TimedOut),
        ("HYT00", "[HYT00] [Microsoft][x][SQL Server]Lock request time out (1222) (SQLExecDirectW)", TimedOut),
        ("42000", "[42000] [Microsoft][x]The INSERT permission was denied (229) (SQLExecDirectW)", Denied),
        ("HY106", "[HY106] ODBC SQL type -200 is not yet supported", SqlError),
    ],
)
async def test_errors_are_told_by_their_sqlstate(state: str, words: str, kind: type[ColonnadeError]) -> None:
    error = explain(pyodbc.Error(state, words), Deadline(5))
    assert type(error) is kind
    assert ("lock" in str(error)) == ("1222" in words)
    assert "SQLExec" not in str(error)
    assert "Microsoft" not in str(error)


# A second driver: MariaDB


@dataclass(frozen=True, slots=True)
class Maria:
    socket: str
    port: int

    def execute(self, sql: str) -> str:
        command = ["mariadb", "--no-defaults", f"--socket={self.socket}", "--skip-column-names", "-e", sql]
        return subprocess.run(command, check=True, capture_output=True, text=True, timeout=20).stdout.strip()

    def running(self) -> int:
        return int(
            self.execute("select count(*) from information_schema.processlist where user <> 'root' and info > ''")
        )


@pytest.fixture(scope="module")
def maria() -> Generator[Maria]:
    require_odbc("MariaDB Unicode", "odbc-mariadb")
    with mariadb() as (unix_socket, port):
        server = Maria(unix_socket, port)
        server.execute(
            "create database shop; create table shop.notes (id int primary key, f float, t text) engine innodb;"
            "insert into shop.notes values (1, 1.1, 'a'); create user ann@'%' identified by 'pw;}1';"
            "grant all on shop.* to ann@'%'"
        )
        yield server


@pytest.fixture
def to_maria(maria: Maria) -> Callable[..., Case]:
    def settings(**changes: object) -> Case:
        keywords = {"Server": "127.0.0.1", "Port": maria.port, "Database": "shop", **changes}
        login = Login({"driver": "MariaDB Unicode", "keywords": keywords, "user": "ann", "password": "pw;}1"})
        return cast("Case", _MariaCase(login))

    return settings


@dataclass(frozen=True, slots=True)
class _MariaCase:
    """As much of a case as opening and asking needs."""

    login: Login
    engine: object = ENGINE
    type: str = "odbc"


async def test_its_statements_end_at_the_deadline_and_on_the_server(
    maria: Maria, to_maria: Callable[..., Case]
) -> None:
    case = to_maria()
    async with opened(case, Limits(concurrent=1)) as client:
        begun = anyio.current_time()
        with pytest.raises(TimedOut):
            await ask(case, client, "select sleep(20)", seconds=0.3)
        with anyio.move_on_after(0.3):
            await ask(case, client, "select sleep(20)")
        assert anyio.current_time() - begun < 3
        assert maria.running() == 0
        assert (await ask(case, client, "select 1"))[1] == [(1,)]


async def test_what_is_written_there_does_not_stay(maria: Maria, to_maria: Callable[..., Case]) -> None:
    case = to_maria()
    async with opened(case) as client:
        await ask(case, client, "insert into notes values (2, 2, 'b')")
        assert (await ask(case, client, "select id from notes"))[1] == [(1,)]
        with pytest.raises(SqlError):
            await ask(case, client, "commit; insert into notes values (3, 3, 'c')")
    assert maria.execute("select count(*) from shop.notes") == "1"


async def test_its_values_are_exact(to_maria: Callable[..., Case]) -> None:
    case = to_maria()
    async with opened(case) as client:
        sql = (
            "select f, cast('0000-00-00' as date), cast('-838:59:59' as time), 18446744073709551615, "
            "cast('2024-02-29 12:30:00.123456' as datetime(6)), cast(1.5 as decimal(65,30)) from notes"
        )
        columns, rows = await ask(case, client, sql)
    assert [column.type for column in columns] == ["float", "date", "time", "bigint", "datetime", "decimal"]
    assert rows == [
        (1.1, "0000-00-00", "-838:59:59", "18446744073709551615", "2024-02-29T12:30:00.123456", "1.5" + 29 * "0")
    ]


async def test_its_catalog_has_the_keys_that_information_schema_shows(to_maria: Callable[..., Case]) -> None:
    async with opened(to_maria()) as client:
        catalog = await client.catalog()
    assert [(table.schema, table.name, table.primary_key) for table in catalog.tables] == [("shop", "notes", ("id",))]
    assert catalog.default_schema == "shop"


async def test_its_refusals_are_told(to_maria: Callable[..., Case]) -> None:
    for case, kind, why in (
        (to_maria(Database="nowhere"), Unreachable, "nowhere: there is no such database"),
        (to_maria(Port=1), Unreachable, "127.0.0.1:1/shop: connection refused"),
        (_with_password(to_maria(), SECRET), AuthFailed, "refused the login"),
    ):
        with pytest.raises(kind, match=why):
            async with opened(case):
                pass


def _with_password(case: Case, password: str) -> Case:
    return replace(case, login=Login({**case.login.settings, "password": password}))


@ours
async def test_of_a_login_nothing_is_promised_that_its_database_does_not_tell(case: Case) -> None:
    async with opened(case) as client:
        login = await client.login()
    assert login.name
    assert login.dangers == ("what this login may write is not known",)
    assert login.remedy == case.engine.remedy
