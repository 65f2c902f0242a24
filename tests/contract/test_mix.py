"""The promise: any mix of systems in one domain, and nobody ever guesses which one answered."""

import re
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import anyio
import pytest
from colonnade.server.app import App

from tests.conftest import CASES, engine_file
from tests.contract.case import Case
from tests.contract.test_contract import AUTHORS, HOME, call, toml


@pytest.fixture
async def cases(started: Callable[[str], object], tmp_path: Path) -> AsyncGenerator[dict[str, Case]]:
    """Start a case of every engine that has a server here."""
    found: dict[str, Case] = {}
    async with AsyncExitStack() as stack:
        for name in CASES:
            if "test_it_opens_one_connection_and_says_what_it_is" not in engine_file(name).UNTESTABLE:
                folder = tmp_path / name
                folder.mkdir()
                found[name] = await stack.enter_async_context(engine_file(name).case(started(name), folder))
        yield found


def written(folder: Path, cases: dict[str, Case]) -> Path:
    lines = ["[[domain]]", 'name = "Everything"', 'description = "All of it"']
    for name, case in cases.items():
        for copy in ("one", "two"):
            settings = [f"{key} = {toml(value)}" for key, value in case.login.settings.items()]
            lines += ["[[domain.connection]]", f'name = "{name}_{copy}"', f'type = "{name}"', *settings]
    path = folder / "colonnade.toml"
    path.write_text("\n".join(lines))
    return path


async def test_every_engine_answers_side_by_side_under_its_own_key(cases: dict[str, Case], tmp_path: Path) -> None:
    assert len(cases) >= len(CASES) - 1
    answers: dict[str, object] = {}
    async with App.open(written(tmp_path, cases), environ=HOME) as app:

        async def ask(name: str, connection: str) -> None:
            answer = await call(app, "execute_query", connection=f"Everything:{connection}", sql=AUTHORS)
            assert (answer["key"], answer["type"]) == (f"Everything:{connection}", name)
            answers[connection] = answer["rows"]

        with anyio.fail_after(60):
            async with anyio.create_task_group() as tasks:
                for name in cases:
                    for copy in ("one", "two"):
                        tasks.start_soon(ask, name, f"{name}_{copy}")
        listed = await call(app, "list_connections", status="ok")
        for name in cases:  # each alone first: a domain waits two seconds for those that were never read
            await call(app, "describe_tables", connection=f"Everything:{name}_one", detail="names")
            await call(app, "describe_tables", connection=f"Everything:{name}_two", detail="names")
        domain = await call(app, "describe_tables", connection="Everything", detail="gist", format="xml")
    assert set(map(str, answers.values())) == {"[['Ada'], ['Ben']]"}
    assert len(listed["connections"]) == 2 * len(cases)
    described = {found["key"]: found for found in domain["connections"]}
    assert set(described) == {f"Everything:{name}_{copy}" for name in cases for copy in ("one", "two")}
    for name, case in cases.items():
        for copy in ("one", "two"):
            found = described[f"Everything:{name}_{copy}"]
            assert found["type"] == name
            assert re.search(rf'<table name="{case.folded("authors")}"', found["schema"])
