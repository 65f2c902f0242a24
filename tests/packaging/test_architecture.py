"""What the folders promise, checked in the text of the code."""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from colonnade.server.engines import ENGINES

ROOT = Path(__file__).parents[2]
FOLDERS = ("server", "tools", "resources")
MODULES = sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))

NAMED = ("server/engines/__init__.py", "server/demo.py", "server/guard/dialects/")
"""The line an engine has in its registry, the demo with its own files, and what the guard knows of dialects."""


INTERFACES = ("odbc", "sqlalchemy")
"""Engines named like the interface that they speak, which other adapters may speak too."""


def called(path: Path) -> set[str]:
    calls = [node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Call)]
    return {call.func.id for call in calls if isinstance(call.func, ast.Name)}


@pytest.mark.parametrize("engine", [listed.type for listed in ENGINES])
def test_an_engine_is_named_in_its_own_file_only(engine: str) -> None:
    for path in MODULES:
        place = path.relative_to(ROOT).as_posix()
        home = "server/engines/" if engine in INTERFACES else f"server/engines/{engine}"
        own = place.startswith((*NAMED, f"{home}.py", f"{home.rstrip('/')}/"))
        code = "\n".join(line.partition("#")[0] for line in path.read_text("utf-8").splitlines())
        assert own or engine not in code.lower(), f"{place} names {engine}"


def test_there_is_no_first_connection_of_a_domain() -> None:
    for path in MODULES:
        assert not re.search(r"connections\[0\]|\.connections\)\[0\]|default_connection", path.read_text("utf-8")), path


@pytest.mark.parametrize(
    ("name", "builder"),
    [("Judged", "server/guard/__init__.py"), ("VisibleCatalog", "server/catalog.py")],
)
def test_only_its_owner_builds_it(name: str, builder: str) -> None:
    assert [path.relative_to(ROOT).as_posix() for path in MODULES if name in called(path)] == [builder]


def loaded_by(code: str) -> set[str]:
    script = f"import sys\n{code}\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    return set(done.stdout.split())


def test_the_command_line_loads_nothing_before_it_knows_what_to_do() -> None:
    loaded = loaded_by("import colonnade.server.cli")
    assert loaded.isdisjoint(
        {"argparse", "json", "logging", "asyncio", "anyio", "pydantic", "mcp", "importlib.metadata"}
    )
    assert {name for name in loaded if name.startswith("colonnade")} == {
        "colonnade",
        "colonnade.server",
        "colonnade.server.cli",
    }


HEAVY = ("sqlalchemy", "asyncpg", "snowflake", "oracledb", "aioodbc", "pyodbc", "sqlglot", "duckdb", "argparse", "rich")


def test_serving_imports_no_driver_and_no_parser_of_arguments() -> None:
    loaded = loaded_by(
        "import colonnade.server.cli.serve, colonnade.server.app, colonnade.server.transport\n"
        "from colonnade import tools, resources\n"
        "from colonnade.server.registry import Registry\n"
        "Registry.of(tools, resources)"
    )
    floor = loaded_by("import mcp.server")
    assert {name for name in loaded - floor if name.split(".")[0] in HEAVY} == set()
    assert "colonnade.server.engines.postgres" not in loaded


def test_the_layers_hold() -> None:
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("path", sorted(ROOT.glob("tests/**/*.py")), ids=lambda path: path.name)
def test_tests_import_the_package_by_its_name(path: Path) -> None:
    assert not re.search(r"^(from|import) (server|tools|resources)\b", path.read_text("utf-8"), re.MULTILINE)


def test_nothing_of_this_machine_stands_in_the_repository() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout")
    home = re.escape(os.path.expanduser("~"))  # noqa: PTH111 - as text
    for name in listed.stdout.split("\n"):
        path = ROOT / name
        if path.is_file() and path.suffix in {".py", ".md", ".toml", ".json", ".yaml", ""}:
            text = path.read_text("utf-8", errors="replace")
            assert not re.search(rf"{re.escape(str(ROOT))}\b|{home}/", text), name
