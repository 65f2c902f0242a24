"""Whatever stands in the file, reading it ends in a configuration or in Unreadable."""

import json
import tomllib
from collections.abc import Callable, Iterator, Mapping
from typing import Literal, cast

import pytest
from colonnade.server.config import Configuration, Problem, Unreadable
from colonnade.server.config.lines import Lines
from colonnade.server.config.load import load
from colonnade.server.keys import fold
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field, SecretStr

SECRET = "hunter2"


class Reference(BaseModel):
    model_config = ConfigDict(extra="forbid")

    env: str


class HarborOptions(BaseModel):
    """A made-up server with a field of every shape."""

    model_config = ConfigDict(extra="forbid")

    url: SecretStr | None = None
    host: str = Field(min_length=1, max_length=20, pattern="^[a-z]")
    port: int | str = 1
    password: Reference | SecretStr | None = None
    mode: Literal["fast", "careful"] = "fast"
    nested: dict[str, list[Reference | int]] = {}
    ratio: float = 0.5
    words: frozenset[str] = frozenset()


class Types:
    names = ("harbor",)
    aliases: Mapping[str, str] = {fold(word): "harbor" for word in ("harbor", "Harbor DB")}
    schemes: Mapping[str, str] = {"harbor": "harbor"}

    def options(self, kind: str) -> type[BaseModel]:
        assert kind == "harbor"
        return HarborOptions


ENVIRON = {"SET": "value", "EMPTY": "", "ODD": "p@ss:/w#rd%?", "BROKEN": "\udcff"}

texts = st.one_of(
    st.text(max_size=8),
    st.sampled_from(
        [
            *[
                "",
                "a",
                "A",
                "a:b",
                ".",
                "‥",
                "\u200b",
                "x" * 90,
                "harbor",
                "Harbor DB",
                "harbr",
                "shared",
                "other",
                "${SET}",
            ],
            *["${EMPTY}", "${NOPE}", "${NOPE:-x}", "$${", "${", "${BROKEN}", "harbor://${ODD}:${NOPE}@h", "harbor://h"],
        ]
    ),
)
scalars = st.one_of(
    texts, st.integers(), st.integers(-5, 5), st.floats(), st.booleans(), st.datetimes(), st.dates(), st.times()
)
names = st.one_of(
    texts,
    st.sampled_from(
        ["name", "id", "type", "extends", "enabled", "description", "owner", "tags", "environment", "limits"]
    )
    | st.sampled_from([*HarborOptions.model_fields, "env", "rows", "seconds", "connection", "domain", "version"]),
)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3), max_leaves=6
)


def mostly(usual: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    return st.integers(0, 9).flatmap(lambda chance: values if chance == 0 else usual)


connections = st.fixed_dictionaries(
    {"type": mostly(st.just("harbor")), "host": mostly(st.just("h"))},
    optional={
        "name": mostly(texts),
        "id": mostly(texts),
        "extends": mostly(st.sampled_from(["shared", "other"])),
        "enabled": mostly(st.booleans()),
        "tags": mostly(st.lists(texts, max_size=2)),
        "limits": mostly(st.dictionaries(st.sampled_from(["rows", "seconds"]), st.integers(1, 5), max_size=2)),
        "url": mostly(texts),
        "password": mostly(st.dictionaries(st.just("env"), texts, min_size=1)),
        "nested": mostly(st.dictionaries(names, st.lists(st.integers()))),
        "words": mostly(st.lists(texts)),
    },
)
domains = st.fixed_dictionaries(
    {},
    optional={
        "name": mostly(texts),
        "id": values,
        "connection": mostly(st.lists(connections, max_size=4)),
        "x": values,
    },
)
documents = st.fixed_dictionaries(
    {},
    optional={
        "version": mostly(st.just(1)),
        "defaults": mostly(connections),
        "base": mostly(st.dictionaries(st.sampled_from(["shared", "other"]), mostly(connections))),
        "domain": mostly(st.lists(domains, max_size=4)),
        "other": values,
    },
)


def written(value: object) -> str:
    """Write a value as TOML on one line."""
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, dict):
        table = cast("dict[str, object]", value)
        return "{" + ", ".join(f"{written(name)} = {written(each)}" for name, each in table.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(written, cast("list[object]", value))) + "]"
    if isinstance(value, bool | int | float):
        return str(value).lower()
    return str(value)


def document(content: Mapping[str, object]) -> str:
    """Write a document, its domains and connections as `[[…]]` where they are tables."""
    lines: list[str] = [f"{written(name)} = {written(value)}" for name, value in content.items() if name != "domain"]
    parts = cast("list[object]", content.get("domain", []))
    if not (isinstance(parts, list) and all(isinstance(each, dict) for each in parts)):  # pyright: ignore[reportUnnecessaryIsInstance] - anything is tried
        return "\n".join([*lines, f"domain = {written(parts)}"])
    for part in cast("list[dict[str, object]]", parts):
        inner = part.get("connection", [])
        tables = isinstance(inner, list) and all(isinstance(each, dict) for each in cast("list[object]", inner))
        lines.append("[[domain]]")
        lines += [f"{written(n)} = {written(v)}" for n, v in part.items() if n != "connection" or not tables]
        for table in cast("list[dict[str, object]]", inner) if tables else []:
            lines += ["[[domain.connection]]", *(f"{written(n)} = {written(v)}" for n, v in table.items())]
    return "\n".join(lines)


def check(text: str) -> None:
    try:
        configuration = load(text, "c.toml", Types(), ENVIRON)
    except Unreadable as unreadable:
        problems = unreadable.problems
    else:
        problems = configuration.problems
        check_names(configuration)
    check_problems(problems, text.count("\n") + 1)


def check_names(configuration: Configuration) -> None:
    seen: set[str] = set()
    for domain in configuration.domains:
        assert configuration.directory.domain(domain.name) == domain.name
        for connection in domain.connections:
            assert connection.key.domain == domain.name
            assert configuration.directory.key(str(connection.key)) == connection.key
            assert configuration.connection(connection.key) is connection
            assert fold(str(connection.key)) not in seen
            seen.add(fold(str(connection.key)))
            assert connection.problem is None or connection.problem in configuration.problems
            assert (connection.options is None) == (connection.effective == "")
            assert connection.problem is None or connection.options is None
            assert connection.problem or connection.options or not connection.enabled
    assert len({domain.id for domain in configuration.domains}) == len(configuration.domains)
    assert len({connection.id for connection in configuration.connections.values()}) == len(seen)


def check_problems(problems: tuple[Problem, ...], last: int) -> None:
    for problem in problems:
        assert problem.line is None or 1 <= problem.line <= last
        assert problem.what
        assert problem.fix
        assert str(problem)
    places = [(problem.line, problem.what) for problem in problems]
    assert len(set(places)) == len(places)
    assert [line or 0 for line, _ in places] == sorted(line or 0 for line, _ in places)


def run(examples: int, test: Callable[..., None]) -> None:
    settings(
        max_examples=examples, deadline=None, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow]
    )(test)()


@given(documents)
def any_document(content: Mapping[str, object]) -> None:
    check(document(content))


@given(st.text() | st.lists(st.sampled_from([*"[]{}='\"#.,\n \\$", "domain", "connection", "name", "a"])).map("".join))
def any_text(text: str) -> None:
    check(text)


@given(connections, st.sampled_from(["url", "host", "port", "password", "mode", "nested", "words", "limits", "tags"]))
def any_secret(connection: Mapping[str, object], name: str) -> None:
    """A secret value, alone or inside lists and tables, shows up in no problem."""
    for value in (
        SECRET,
        [SECRET],
        {"env": [SECRET]},
        {"rows": SECRET},
        f"harbor://u:{SECRET}@${{NOPE}}/x",
        f"{SECRET}:x",
    ):
        text = document({"domain": [{"name": "S", "connection": [{**connection, name: value}]}]})
        try:
            configuration = load(text, "c.toml", Types(), ENVIRON)
        except Unreadable:
            return
        assert SECRET not in "\n".join(map(str, configuration.problems))


SETTINGS = (
    "a = @\n",
    '"b c" = @ # a = 1\n',
    "'d\"' = [@, # [x]\n  @]\n",
    'e = [\n  @,\n  { f = @, "g" = [@,\n @] }, [[@],\n []],\n]\n',
    "h . i.j = @\n",
    'k = """\n[[x]]\ny = "1" \\"""\n""" # c\n',
    "l = '''a\n[z]''''\n",
    "m = { n = @, o.p = @, q = {} }\n",
    "\n",
    "# [[z]]\n",
    "\tr=@\r\n",
)
HEADERS = ("[[s]]\n", '[[ s . "t" ]]\n', "[s.u]\n", "[ v.'w x' ]\n", "[[s.t.y]] # [z]\n")


@given(st.lists(st.tuples(st.sampled_from(HEADERS), st.lists(st.sampled_from(SETTINGS), unique=True)), max_size=6))
def any_layout(blocks: list[tuple[str, list[str]]]) -> None:
    """Every whole number in the file is the number of its line, and the finder agrees."""
    template = "".join(header + "".join(inner) for header, inner in blocks)
    lines = template.split("\n")
    text = "\n".join(line.replace("@", str(number)) for number, line in enumerate(lines, start=1))
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        reject()
    finder = Lines(text)
    for at, value in leaves(content, ()):
        assert finder.of(at) == value


def leaves(value: object, at: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], int]]:
    if isinstance(value, int):
        yield at, value
    elif isinstance(value, dict):
        for name, each in cast("dict[str, object]", value).items():
            yield from leaves(each, (*at, name))
    elif isinstance(value, list):
        for position, each in enumerate(cast("list[object]", value)):
            yield from leaves(each, (*at, position))


TESTS = (any_document, any_text, any_secret, any_layout)


@pytest.mark.parametrize("test", TESTS)
def test_any_content_is_read_or_unreadable(test: Callable[..., None]) -> None:
    run(300, test)


@pytest.mark.long
@pytest.mark.parametrize("test", TESTS)
def test_any_content_is_read_or_unreadable_however_long_one_tries(test: Callable[..., None]) -> None:
    run(10_000, test)


@pytest.mark.parametrize(
    "text",
    [
        "domain = [{name='S', connection=[{name='c', type='harbor', nested=" + "[" * 90 + "]" * 90 + "}]}]",
        "[[domain]]\nname='S'\n[[domain.connection]]\nname='c'\ntype='harbor'\nnested." + "a." * 3_000 + "b = '${SET}'",
        "a." * 3_000 + "b = 1",
        "[base." + "a." * 3_000 + "b]\nc = 1",
        "[domain." + "a." * 3_000 + "b]\nc = 1",
        "[defaults.limits." + "a." * 3_000 + "b]\nc = 1\n[[domain]]\nconnection = [{}]",
    ],
)
def test_deep_nesting_is_a_problem_like_any_other(text: str) -> None:
    check(text)
