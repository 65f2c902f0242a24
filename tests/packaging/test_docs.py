"""The tables of the docs come from the code; `COLONNADE_WRITE_DOCS=1` writes them anew."""

import ast
import inspect
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, get_args

import pytest
from colonnade import resources, tools
from colonnade.server import errors
from colonnade.server.cli.commands import COMMANDS, EXIT_CODES
from colonnade.server.engines import ENGINES, load
from colonnade.server.engines.base import Abilities
from colonnade.server.errors import ColonnadeError
from colonnade.server.model import Limits, Status
from colonnade.server.registry import Registry

from tests.conftest import engine_file

ROOT = Path(__file__).parents[2]

LIMITS = {
    "rows": "rows of a result, when the call asks for nothing",
    "max_rows": "rows that a call may ask for",
    "bytes": "bytes of the rows in an answer, always",
    "seconds": "time of a statement, when the call asks for nothing",
    "max_seconds": "time that a call may ask for",
    "connect": "seconds to open a connection",
    "wait": "seconds to wait for a free place, outside `seconds`",
    "concurrent": "statements at the same time, and driver connections",
}


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def tool_table() -> str:
    registry = Registry[Any].of(tools, resources)
    rows = [
        [
            f"`{tool.name}`",
            ", ".join(f"`{name}`" for name in tool.arguments.model_fields),
            tool.description.partition("\n\n")[0].replace("\n", " "),
            "read" if tool.reads_only else "write",
        ]
        for tool in registry.tools.values()
    ]
    return table(["Tool", "Arguments", "What it does", "Access"], rows)


def error_table() -> str:
    told = {word.strip(" ├└│─"): what for word, _, what in (line.partition("  ") for line in tree())}
    rows = [
        [f"`{kind.code}`", told[kind.__name__].strip().partition(": ")[2], "yes" if kind.retryable else "no",
         str(EXIT_CODES.get(kind.code, 1))]
        for kind in kinds()
    ]  # fmt: skip
    return table(["Code", "Meaning", "Retry", "Exit code"], rows)


def tree() -> list[str]:
    return [line for line in (errors.__doc__ or "").splitlines() if line.startswith(("├", "└"))]


def kinds() -> list[type[ColonnadeError]]:
    return [kind for kind in ColonnadeError.__subclasses__() if kind.__module__ == errors.__name__]


def limit_table() -> str:
    rows = [[f"`{field.name}`", f"{field.default:,}", LIMITS[field.name]] for field in fields(Limits)]
    return table(["Limit", "Default", "What it bounds"], rows)


def engine_table() -> str:
    rows = [
        [f"`{listed.type}`", f"`{name}`", field.description or ""]
        for listed in ENGINES
        for name, field in load(listed.type).options.model_fields.items()
    ]
    return table(["Type", "Setting", "Meaning"], rows)


def login_table() -> str:
    """Give each engine's SQL as a block, since a cell of a table has one line."""
    remedies = {listed.type: load(listed.type).remedy for listed in ENGINES}
    shared: dict[str, list[str]] = {}
    for kind, sql in remedies.items():
        shared.setdefault(sql, []).append(f"`{kind}`")
    blocks = [f"{', '.join(kinds)}:\n\n```sql\n{sql}\n```" for sql, kinds in shared.items() if sql]
    return "\n\n".join([*blocks, f"{', '.join(shared[''])}: no logins; the file is opened read-only, whoever owns it."])


def ability_table() -> str:
    abilities = {listed.type: load(listed.type).abilities for listed in ENGINES}
    rows = [[_said(name), *("yes" if getattr(each, name) else "no" for each in abilities.values())] for name in NAMES]
    return table(["What the engine does", *(f"`{kind}`" for kind in abilities)], rows)


def _said(ability: str) -> str:
    """Take the words of an ability from below its field."""
    lines = inspect.getsource(Abilities).splitlines()
    at = next(number for number, line in enumerate(lines) if line.strip().startswith(f"{ability}:"))
    return lines[at + 1].strip().strip('"').rstrip(".")


def questions() -> list[str]:
    """Return the tests of the contract that are put to every engine, in their order."""
    tree = ast.parse((ROOT / "tests/contract/test_contract.py").read_text("utf-8"))
    found = [node for node in tree.body if isinstance(node, ast.AsyncFunctionDef)]
    return [node.name for node in found if any(argument.arg == "case" for argument in node.args.args)]


def contract_table() -> str:
    """Say which questions of the contract each engine was asked; the tests fail unless all of those pass."""
    left = {listed.type: engine_file(listed.type).UNTESTABLE for listed in ENGINES}
    rows = [
        [name.removeprefix("test_").replace("_", " "), *("-" if name in each else "passed" for each in left.values())]
        for name in questions()
        if name.startswith("test_")
    ]
    return table(["Question of the contract", *(f"`{kind}`" for kind in left)], rows)


def untestable_table() -> str:
    rows: list[list[str]] = []
    for listed in ENGINES:
        reasons: dict[str, int] = {}
        for reason in engine_file(listed.type).UNTESTABLE.values():
            reasons[reason] = reasons.get(reason, 0) + 1
        rows += [[f"`{listed.type}`", str(count), reason] for reason, count in reasons.items()]
    return table(["Type", "Questions", "Why they are not asked here"], rows)


NAMES = [field.name for field in fields(Abilities)]

OWN_SERVERS = any(re.fullmatch("COLONNADE_TEST_.*_DSN", name) for name in os.environ)
"""Against one's own servers more can be asked than the docs say."""

TABLES = {
    ("README.md", "tools"): tool_table,
    ("README.md", "logins"): login_table,
    ("docs/troubleshooting.md", "errors"): error_table,
    ("docs/configuration.md", "limits"): limit_table,
    ("docs/configuration.md", "engines"): engine_table,
    ("docs/engines.md", "abilities"): ability_table,
    ("docs/engines.md", "contract"): contract_table,
    ("docs/engines.md", "untestable"): untestable_table,
}


@pytest.mark.skipif(OWN_SERVERS, reason="tested against somebody's own servers")
@pytest.mark.parametrize(("page", "name"), TABLES)
def test_a_table_of_the_docs_says_what_the_code_says(page: str, name: str) -> None:
    path = ROOT / page
    text = path.read_text("utf-8")
    wanted = f"<!-- table: {name} -->\n{TABLES[page, name]()}\n<!-- end -->"
    new = re.sub(rf"<!-- table: {name} -->.*?<!-- end -->", lambda _: wanted, text, count=1, flags=re.DOTALL)
    if os.environ.get("COLONNADE_WRITE_DOCS"):
        path.write_text(new, "utf-8")
    assert path.read_text("utf-8") == new
    assert wanted in new


def test_every_error_stands_in_the_tree_and_has_a_code_of_its_own() -> None:
    assert [line.split()[1] for line in tree()] == [kind.__name__ for kind in kinds()]
    codes = [kind.code for kind in kinds()]
    assert len(set(codes)) == len(codes)


def test_every_status_and_command_is_explained() -> None:
    troubleshooting = (ROOT / "docs/troubleshooting.md").read_text("utf-8")
    assert all(f"| `{status}` |" in troubleshooting for status in get_args(Status))
    readme = (ROOT / "README.md").read_text("utf-8")
    assert all(re.search(rf"colonnade [^\n]*\b{command}\b", readme) for command in COMMANDS)


def test_every_engine_has_a_row_in_the_readme() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    assert all(f"| `{listed.type}` |" in readme for listed in ENGINES)


def test_every_link_between_the_pages_leads_somewhere() -> None:
    for page in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]:
        for target in re.findall(r"\]\((?!https?://)([^)#]+)", page.read_text("utf-8")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"
