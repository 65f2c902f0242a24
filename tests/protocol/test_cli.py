"""The command line as people and scripts meet it: real processes, their words and their exit codes."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, suppress
from pathlib import Path
from typing import Any

import anyio
import mcp_types as types
import pytest
from colonnade.server import __version__
from colonnade.server.cli import main
from colonnade.server.model import Login
from mcp import Client

Talk = Callable[[Path], AbstractAsyncContextManager[Client]]
Run = Callable[..., subprocess.CompletedProcess[str]]
Until = Callable[[Callable[[], Awaitable[bool]]], Awaitable[None]]
Command = Callable[..., tuple[int, str, str]]
Called = Callable[[Path, str, dict[str, Any]], types.CallToolResult]

ENDLESS = "with recursive n (i) as (select 1 union all select i + 1 from n where i > 0) select count(*) from n"

BROKEN_CONNECTIONS = """
[[domain]]
name = "Broken"

[[domain.connection]]
name = "gone"
type = "sqlite"
path = "gone.sqlite"

[[domain.connection]]
name = "painted"
type = "sqlite"
path = "orders.sqlite"
colour = "red"

[[domain.connection]]
name = "off"
type = "sqlite"
path = "orders.sqlite"
enabled = false
"""

TOOL_CALLS: list[tuple[list[str], str, dict[str, Any]]] = [
    (["list"], "list_connections", {}),
    (["list", "Sales", "--match", "web"], "list_connections", {"domain": "Sales", "match": "web"}),
    (["list", "--type", "sqlite"], "list_connections", {"type": "sqlite"}),
    (["describe", "Sales"], "describe_tables", {"connection": "Sales"}),
    (
        ["describe", "Sales:orders", "orders", "cust*", "--format", "xml"],
        "describe_tables",
        {"connection": "Sales:orders", "tables": ["orders", "cust*"], "format": "xml"},
    ),
    (
        ["query", "Sales:orders", "select * from customers order by id", "--limit", "2"],
        "execute_query",
        {"connection": "Sales:orders", "sql": "select * from customers order by id", "limit": 2},
    ),
]

FAILURES: list[tuple[list[str], int, str, dict[str, Any]]] = [
    (["query", "web", "select nobody"], 1, "execute_query", {"connection": "web", "sql": "select nobody"}),
    (["query", "wbe", "select 1"], 2, "execute_query", {"connection": "wbe", "sql": "select 1"}),
    (["query", "orders", "select 1"], 2, "execute_query", {"connection": "orders", "sql": "select 1"}),
    (["list", "Slaes"], 2, "list_connections", {"domain": "Slaes"}),
    (["describe", "web", "page"], 2, "describe_tables", {"connection": "web", "tables": ["page"]}),
    (
        ["query", "web", "select 1", "--limit", "0"],
        2,
        "execute_query",
        {"connection": "web", "sql": "select 1", "limit": 0},
    ),
    (["query", "painted", "select 1"], 3, "execute_query", {"connection": "painted", "sql": "select 1"}),
    (["query", "gone", "select 1"], 4, "execute_query", {"connection": "gone", "sql": "select 1"}),
    (["query", "web", "delete from pages"], 5, "execute_query", {"connection": "web", "sql": "delete from pages"}),
    (["query", "web", "select 1; select 2"], 5, "execute_query", {"connection": "web", "sql": "select 1; select 2"}),
    (["query", "off", "select 1"], 5, "execute_query", {"connection": "off", "sql": "select 1"}),
]


@pytest.fixture
def run(colonnade: str, environ: Mapping[str, str], tmp_path: Path) -> Run:
    """Run the command in an empty folder; what it would read from a terminal is at its end."""

    def running(*arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
        folder = tmp_path / "elsewhere"
        folder.mkdir(exist_ok=True)
        return subprocess.run(
            [colonnade, *arguments],
            input=given,
            capture_output=True,
            encoding="utf-8",
            env=environ,
            cwd=folder,
            timeout=30,
            check=False,
        )

    return running


@pytest.fixture
def command(environ: Mapping[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Run the command in this process, which is quicker than in one of its own."""
    for name in set(os.environ) - set(environ):
        monkeypatch.delenv(name)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)

    def running(*arguments: str) -> tuple[int, str, str]:
        code = main(arguments)
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return running


@pytest.fixture
def called(talk: Talk) -> Called:
    """Call a tool through a client that is connected in memory."""

    def calling(config: Path, tool: str, arguments: dict[str, Any]) -> types.CallToolResult:
        async def call() -> types.CallToolResult:
            async with talk(config) as client:
                return await client.call_tool(tool, arguments)

        return anyio.run(call)

    return calling


@pytest.fixture
def broken(config: Path) -> Path:
    """A configuration with three connections that work and three that do not."""
    config.write_text(config.read_text(encoding="utf-8") + BROKEN_CONNECTIONS, encoding="utf-8")
    return config


async def owned(_: object) -> Login:
    return Login("ann\x1b[2J", ("is a superuser", "may write to 12 tables"), "create user reader;\ngrant \x1b[2J")


def test_a_check_opens_the_connections_and_tells_of_logins_that_may_do_too_much(
    config: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("colonnade.server.engines.sqlite.SqliteClient.login", owned)
    _, printed, _ = command("--config", str(config), "list", "Sales")
    assert "superuser" not in printed
    code, printed, _ = command("--config", str(config), "list", "Sales", "--check")
    assert code == 0
    assert "\x1b" not in printed
    assert (
        "Sales:orders (sqlite): login ann [2J: is a superuser; may write to 12 tables\n"
        "A login that may only read is made by:\n    create user reader;\n    grant [2J\n"
    ) in printed
    _, printed, _ = command("--config", str(config), "--json", "list", "--check")
    connections = {each["key"]: each for each in json.loads(printed)["connections"]}
    assert connections["Sales:orders"]["warnings"] == ["login ann [2J: is a superuser; may write to 12 tables"]
    assert connections["Sales:orders"]["status"] == "ok"
    assert "create user" not in printed


def test_a_check_tells_nothing_of_logins_that_only_read_and_of_what_is_down(broken: Path, command: Command) -> None:
    code, printed, _ = command("--config", str(broken), "--json", "list", "--check")
    assert code == 0
    connections = json.loads(printed)["connections"]
    assert {each["key"]: each["status"] for each in connections if each["domain"] == "Broken"} == {
        "Broken:gone": "down",
        "Broken:painted": "config_error",
        "Broken:off": "disabled",
    }
    assert not any("warnings" in each for each in connections)


def words(ended: subprocess.CompletedProcess[str]) -> str:
    """Return what went to standard error, which never is a traceback."""
    assert "Traceback" not in ended.stderr
    return ended.stderr


def without_time(result: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in result.items() if name != "elapsed_ms"}


@pytest.mark.parametrize("mode", ["auto"])
@pytest.mark.parametrize(("arguments", "tool", "asked"), TOOL_CALLS, ids=[" ".join(call[0][:3]) for call in TOOL_CALLS])
def test_json_is_the_result_of_the_tool(  # noqa: PLR0913 - a row of the table each
    command: Command, called: Called, config: Path, *, arguments: list[str], tool: str, asked: dict[str, Any]
) -> None:
    code, out, err = command("--config", str(config), *arguments, "--json")
    assert (code, err) == (0, "")
    result = called(config, tool, asked).structured_content
    assert result is not None
    assert without_time(json.loads(out)) == without_time(result)


@pytest.mark.parametrize("mode", ["auto"])
@pytest.mark.parametrize(
    ("arguments", "code", "tool", "asked"), FAILURES, ids=[" ".join(call[0][:3]) for call in FAILURES]
)
def test_a_failure_has_the_exit_code_of_its_kind_and_json_is_the_error_of_the_tool(  # noqa: PLR0913 - as above
    command: Command, called: Called, broken: Path, *, arguments: list[str], code: int, tool: str, asked: dict[str, Any]
) -> None:
    ended, out, _ = command("--json", "--config", str(broken), *arguments)
    result = called(broken, tool, asked)
    assert ended == code
    assert result.meta is not None
    assert json.loads(out) == result.meta["colonnade/error"]


@pytest.mark.parametrize(
    ("arguments", "code", "error"),
    [
        (["query", "web", "select nobody"], 1, "sql_error"),
        (["query", "wbe", "select 1"], 2, "unknown_connection"),
        (["describe", "painted"], 3, "config_error"),
        (["describe", "gone"], 4, "unreachable"),
        (["query", "web", "delete from pages"], 5, "refused"),
    ],
    ids=["sql", "usage", "configuration", "unreachable", "refused"],
)
def test_a_script_can_tell_failures_apart(
    run: Run, broken: Path, *, arguments: list[str], code: int, error: str
) -> None:
    ended = run(*arguments, "--config", str(broken))
    assert ended.returncode == code
    assert ended.stdout == ""
    assert f"colonnade: {error}: " in words(ended)


def test_a_failure_without_json_is_told_on_standard_error(command: Command, config: Path) -> None:
    code, out, err = command("query", "Sales:wbe", "select 1", "--config", str(config))
    assert (code, out) == (2, "")
    assert err.startswith('colonnade: unknown_connection: No connection "Sales:wbe". Nearest: "Sales:web"')


def test_list_shows_keys_types_and_status_and_says_what_is_wrong(run: Run, broken: Path) -> None:
    ended = run("list", "--config", str(broken))
    assert ended.returncode == 0
    lines = ended.stdout.splitlines()
    assert lines[0].split() == ["KEY", "TYPE", "ENV", "STATUS", "DESCRIPTION"]
    assert lines[1].split()[:4] == ["Sales:orders", "sqlite", "prod", "pending"]
    (painted,) = [line for line in lines if line.startswith("Broken:painted (sqlite) is config_error")]
    assert "colour" in painted
    (problem,) = [line for line in words(ended).splitlines() if line.startswith(f"{broken}:")]
    assert "colour" in problem


def test_describe_labels_every_connection(command: Command, config: Path) -> None:
    code, out, err = command("describe", "Sales", "customers", "--config", str(config))
    assert (code, err) == (0, "")
    assert "# Sales:orders (sqlite)\ncustomers: id* integer" in out
    assert "# Sales:web (sqlite)\ncustomers: email* text" in out


def test_query_prints_rows_and_where_they_come_from(run: Run, config: Path) -> None:
    ended = run("query", "Sales:orders", "-", "--config", str(config), given="select id, email from customers\n")
    assert ended.returncode == 0
    assert words(ended) == ""
    assert [line.split() for line in ended.stdout.splitlines()[:3]] == [
        ["id", "email"],
        ["1", "ada@example.com"],
        ["2", "∅"],
    ]
    assert "3 rows from Sales:orders (sqlite)" in ended.stdout


def test_a_cell_cannot_drive_the_terminal(command: Command, config: Path) -> None:
    code, out, _ = command(
        "query", "web", "select char(27) || '[31mred' || char(10) || 'next'", "--config", str(config)
    )
    assert code == 0
    assert "\x1b" not in out
    assert "[31mred next" in out


def test_a_command_that_is_misspelt_gets_the_nearest(run: Run) -> None:
    ended = run("lst")
    assert ended.returncode == 2
    assert ended.stdout == ""
    assert "`colonnade list`" in words(ended)


@pytest.mark.parametrize("arguments", [["list", "--nothing"], ["query", "web"]], ids=["option", "argument"])
def test_a_wrong_use_is_told_in_a_line(run: Run, arguments: list[str]) -> None:
    ended = run(*arguments)
    assert ended.returncode == 2
    assert ended.stdout == ""
    assert len(words(ended).splitlines()) == 1
    assert ended.stderr.startswith("colonnade")


def test_the_version_is_the_package_s(run: Run) -> None:
    ended = run("--version")
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, f"colonnade {__version__}\n", "")


def test_help_names_every_command_and_exit_code(run: Run) -> None:
    ended = run("--help")
    assert ended.returncode == 0
    assert all(command in ended.stdout for command in ("serve", "demo", "list", "describe", "query"))
    assert "3 configuration, 4 unreachable, 5 denied" in " ".join(ended.stdout.split())


def test_the_demo_answers_questions_through_a_real_client(run: Run) -> None:
    ended = run("demo")
    assert ended.returncode == 0
    assert words(ended) == ""
    assert ended.stdout.count("Q: ") == 5
    assert "Demo Shop:shop" in ended.stdout
    assert "3 rows from Demo Shop:shop (sqlite)" in ended.stdout
    assert "from Demo Shop:support (sqlite)" in ended.stdout


def test_without_a_configuration_the_demo_is_listed(command: Command) -> None:
    code, out, err = command("list", "--json")
    assert (code, err) == (0, "")
    assert [each["key"] for each in json.loads(out)["connections"]] == ["Demo Shop:shop", "Demo Shop:support"]


def test_a_configuration_named_in_the_environment_is_used(
    command: Command, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLONNADE_CONFIG", str(config))
    _, out, _ = command("list", "Staff", "--json")
    assert [each["key"] for each in json.loads(out)["connections"]] == ["Staff:orders"]


def test_a_configuration_that_cannot_be_read_is_told_with_its_line_and_the_fix(run: Run, config: Path) -> None:
    config.write_text("version = 1\n[[domain]]\nname = Sales\n")
    ended = run("list", "--config", str(config))
    assert ended.returncode == 3
    assert ended.stdout == ""
    assert words(ended).startswith(f"colonnade: config_error: {config}:3: not TOML")
    assert "quotes" in ended.stderr
    assert len(ended.stderr.splitlines()) == 1


@pytest.mark.parametrize("content", [b"name = '\xff'\n", b"a = [\n", None], ids=["no UTF-8", "unclosed", "no file"])
@pytest.mark.parametrize(
    "arguments", [["list"], ["describe", "Sales"], ["query", "web", "select 1"]], ids=lambda a: a[0]
)
def test_whatever_is_wrong_with_the_file_is_told_in_words(
    command: Command, tmp_path: Path, *, arguments: list[str], content: bytes | None
) -> None:
    path = tmp_path / "wrong.toml"
    if content is not None:
        path.write_bytes(content)
    code, out, _ = command(*arguments, "--json", "--config", str(path))
    assert code == 3
    error = json.loads(out)
    assert error["code"] == "config_error"
    assert str(path) in error["message"]
    assert error["hint"]


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="no /proc to see in what a process has open")
async def test_an_interrupted_query_ends_at_once_and_says_nothing_more(
    colonnade: str, environ: Mapping[str, str], config: Path, tmp_path: Path, until: Until
) -> None:
    log = tmp_path / "log"
    with log.open("wb") as output:
        process = await anyio.open_process(
            [colonnade, "query", "web", ENDLESS, "--config", str(config)],
            stdin=None,
            stdout=output,
            stderr=output,
            env=environ,
        )

    async def opened() -> bool:
        return str(tmp_path / "web.sqlite") in open_files(process.pid)

    async with process:
        try:
            await until(opened)
            process.send_signal(signal.SIGINT)
            with anyio.fail_after(2):
                assert await process.wait() == 130
        finally:
            if process.returncode is None:
                process.kill()
    assert log.read_text() == ""


def open_files(process: int) -> set[str]:
    """Return the paths of what a process has open."""
    found: set[str] = set()
    for entry in Path(f"/proc/{process}/fd").iterdir():
        with suppress(OSError):  # closed meanwhile
            found.add(str(entry.readlink()))
    return found


@pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals are POSIX")
def test_on_a_terminal_it_says_what_it_is_instead_of_waiting(colonnade: str, environ: Mapping[str, str]) -> None:
    import pty

    ours, theirs = pty.openpty()
    try:
        ended = subprocess.run(
            [colonnade], stdin=theirs, capture_output=True, encoding="utf-8", env=environ, timeout=10, check=False
        )
    finally:
        os.close(ours)
        os.close(theirs)
    assert ended.returncode == 0
    assert ended.stderr == ""
    assert len(ended.stdout.splitlines()) == 4
    assert "colonnade demo" in ended.stdout
    assert "colonnade --help" in ended.stdout


def test_on_a_pipe_it_serves(run: Run) -> None:
    client = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "raw", "version": "1"}}
    hello = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": client}
    ended = run(given=json.dumps(hello) + "\n")
    assert ended.returncode == 0
    assert json.loads(ended.stdout)["result"]["serverInfo"]["name"] == "colonnade"
