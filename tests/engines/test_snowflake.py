"""What only Snowflake has."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import pytest
from colonnade.server.engines.snowflake import ENGINE
from colonnade.server.engines.snowflake.values import date_text, months_text, scaled, timestamp_text
from colonnade.server.errors import AuthFailed, ConfigError, DriverMissing, SqlError
from colonnade.server.model import Limits
from colonnade.server.secrets import resolve
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from pydantic import ValidationError

from tests.conftest import engine_file
from tests.contract.case import ask, opened
from tests.engines.snowflake import PASSWORD, Started


async def refused(**settings: object) -> Exception:
    options = ENGINE.options.model_validate(settings)
    with pytest.raises((ConfigError, AuthFailed)) as caught:
        await ENGINE.open(options, await resolve(options), Limits())
    assert "hunter2" not in str(caught.value)
    return caught.value


def test_unknown_options_are_refused_by_name() -> None:
    with pytest.raises(ValidationError, match="warehose"):
        ENGINE.options.model_validate({"account": "a", "warehose": "w"})


@pytest.mark.parametrize(
    "settings",
    [
        {"url": "snowflake://u:p@acc/db", "account": "acc"},
        {"account": "acc", "private_key": "x", "private_key_file": "y"},
        {"connections_file": "connections.toml", "account": "acc"},
        {"user": "nobody"},
    ],
)
def test_settings_that_contradict_each_other_are_refused(settings: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        ENGINE.options.model_validate(settings)


@pytest.mark.parametrize(
    "url",
    [
        "snowflake://u:hunter2/x@acc/db",
        "snowflake://u:hunter2#@acc/db",
        "snowflake://u:hunter2@acc:443/db",
        "mysql://acc",
    ],
)
async def test_a_torn_url_is_never_repeated(url: str) -> None:
    assert "not of the form" in str(await refused(url=url))


async def test_a_private_key_that_is_none_is_told_and_not_repeated() -> None:
    assert "not PEM" in str(await refused(account="acc", user="u", private_key="hunter2"))


async def test_a_key_pair_logs_in_with_a_signed_token(started: Callable[[str], object]) -> None:
    # The emulator knows no keys: it tells that a token came, and refuses it as Snowflake does an unknown key.
    server = started("snowflake")
    assert isinstance(server, Started)
    key = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
    encryption = serialization.BestAvailableEncryption(b"hunter2")
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption).decode()
    settings = {name: value for name, value in server.login("LIB").settings.items() if name != "password"}
    error = await refused(**settings, private_key=pem, private_key_file_pwd="hunter2")
    assert isinstance(error, AuthFailed)
    assert "key" in str(error)
    assert "390144" in str(error)


async def test_a_browser_is_not_opened_without_a_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    assert "no screen" in str(await refused(account="acc", user="u", authenticator="externalbrowser"))


async def test_a_browser_is_not_opened_because_a_file_says_so(tmp_path: Path) -> None:
    file = tmp_path / "connections.toml"
    file.write_text('[work]\naccount = "acc"\nauthenticator = "externalbrowser"\n')
    assert "unasked" in str(await refused(connection_name="work", connections_file=str(file)))


async def test_an_answer_in_time_is_not_late_by_polling(started: Callable[[str], object], tmp_path: Path) -> None:
    async with engine_file("snowflake").case(started("snowflake"), tmp_path) as case, opened(case) as client:
        with anyio.fail_after(5):
            for _ in range(10):
                assert (await ask(case, client, "select 1"))[1] == [(1,)]


async def test_a_bare_describe_is_sent_as_it_is(started: Callable[[str], object], tmp_path: Path) -> None:
    # The driver's own cursor warns of it, which is an error here, and sends something else.
    async with engine_file("snowflake").case(started("snowflake"), tmp_path) as case, opened(case) as client:
        with pytest.raises(SqlError):
            await ask(case, client, "desc nowhere")


async def test_a_missing_driver_is_told_with_its_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "snowflake.connector.aio", None)
    options = ENGINE.options.model_validate({"account": "acc"})
    with pytest.raises(DriverMissing) as caught:
        await ENGINE.open(options, {}, Limits())
    assert "pip install" in caught.value.hint


async def test_a_named_connection_is_used(started: Callable[[str], object], tmp_path: Path) -> None:
    server = started("snowflake")
    assert isinstance(server, Started)
    async with engine_file("snowflake").case(server, tmp_path) as case:
        settings: dict[str, Any] = dict(case.login.settings)
        lines = [f"{name} = {value!r}" for name, value in settings.items() if name != "password"]
        (tmp_path / "connections.toml").write_text("\n".join(["[work]", *lines]))
        options = ENGINE.options.model_validate(
            {"connection_name": "work", "connections_file": "connections.toml", "password": PASSWORD},
            context={"folder": tmp_path},
        )
        client = await ENGINE.open(options, await resolve(options), Limits())
        assert (await client.ping()).version.startswith("Snowflake")
        await client.close()


async def test_nothing_is_written_to_the_home_folder(
    started: Callable[[str], object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = started("snowflake")
    home = tmp_path / "home"
    home.mkdir()
    for name in ("HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "SNOWFLAKE_HOME"):
        monkeypatch.setenv(name, str(home))
    async with engine_file("snowflake").case(server, tmp_path) as case, opened(case) as client:
        await ask(case, client, "select 1")
    assert list(home.iterdir()) == []


async def test_the_driver_is_not_imported_before_its_first_use() -> None:
    code = (
        "import anyio, sys; from colonnade.server.engines.snowflake import ENGINE as e;"
        "from colonnade.server.model import Limits; assert 'snowflake.connector' not in sys.modules"
    )
    process = await anyio.run_process((sys.executable, "-c", code))
    assert process.returncode == 0


def test_values_beyond_what_python_holds_are_written_whole() -> None:
    assert date_text(2_932_897) == "10000-01-01"
    assert date_text(-719_528) == "0000-01-01"
    assert timestamp_text(0, 123_456_789, 9) == "1970-01-01T00:00:00.123456789"
    assert timestamp_text(-1, 5, 3, -90) == "1969-12-31T22:29:59.005-01:30"
    assert str(scaled(-int("9" * 38), -2)) == f"-{'9' * 36}.99"
    assert months_text(-14) == "-P1Y2M"


async def test_a_catalog_needs_a_database(started: Callable[[str], object], tmp_path: Path) -> None:
    async with engine_file("snowflake").case(started("snowflake"), tmp_path) as case:
        settings = {name: value for name, value in case.login.settings.items() if name not in ("database", "schema")}
        options = ENGINE.options.model_validate(settings)
        client = await ENGINE.open(options, await resolve(options), Limits())
        with pytest.raises(SqlError, match="no database"):
            await client.catalog()
        await client.close()
