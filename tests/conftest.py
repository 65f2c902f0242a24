"""One case for each engine: its file in tests/engines starts what it needs once, and gives a test its database."""

from collections.abc import AsyncGenerator, Callable, Generator, Mapping
from contextlib import AbstractAsyncContextManager, AbstractContextManager, ExitStack
from importlib import import_module
from pathlib import Path
from typing import Protocol, cast

import pytest
from colonnade.server.engines import ENGINES

from tests.contract.case import Case

HERE = Path(__file__).parent

CASES = [engine.type for engine in ENGINES if (HERE / "engines" / f"{engine.type}.py").is_file()]


class EngineFile(Protocol):
    """What every file in tests/engines that is named like an engine defines."""

    UNTESTABLE: Mapping[str, str]
    """Tests of the contract that cannot be put to what `start` starts, by name, with the reason."""

    def start(self) -> AbstractContextManager[object]:
        """Start, once a session, whatever all cases share."""
        ...

    def case(self, started: object, folder: Path) -> AbstractAsyncContextManager[Case]:
        """Build a seeded database for one test."""
        ...


@pytest.fixture(scope="session")
def started() -> Generator[Callable[[str], object]]:
    """Start an engine's server when the first test asks for it; all are stopped when the session ends."""
    running: dict[str, object] = {}
    with ExitStack() as stack:

        def start(name: str) -> object:
            if name not in running:
                running[name] = stack.enter_context(engine_file(name).start())
            return running[name]

        yield start


@pytest.fixture(params=CASES)
async def case(
    request: pytest.FixtureRequest, started: Callable[[str], object], tmp_path: Path
) -> AsyncGenerator[Case]:
    name = str(request.param)
    reason = engine_file(name).UNTESTABLE.get(getattr(request.function, "__name__", ""))
    if reason is not None:
        pytest.skip(reason)
    async with engine_file(name).case(started(name), tmp_path) as case:
        yield case


def engine_file(name: str) -> EngineFile:
    return cast("EngineFile", import_module(f"tests.engines.{name}"))
