"""Tools and resources as values, found in their folders; knows neither the app nor the MCP SDK.

A tool is a function `(app, call, arguments)` with a pydantic model of its arguments and a TypedDict as its result: the
result is plain data from the start, so that nothing is dumped twice on the way out.
"""

import pkgutil
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from inspect import cleandoc
from types import ModuleType
from typing import Any, Final, Generic, TypeVar, cast

from pydantic import BaseModel, BeforeValidator, ConfigDict, TypeAdapter, ValidationError

from .errors import BadArgument
from .model import Call
from .nearest import nearest

AppT = TypeVar("AppT")
ArgumentsT = TypeVar("ArgumentsT", bound="Arguments")
ResultT = TypeVar("ResultT", bound=Mapping[str, object])

Schema = dict[str, Any]


class Arguments(BaseModel):
    """Base of every tool's arguments: unknown names are refused, and nothing is turned into another type."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)


def _whole(value: object) -> object:
    return int(value) if isinstance(value, float) and value.is_integer() else value


WHOLE: Final = BeforeValidator(_whole)
"""Beside `int`: 7.0 is an integer, "7" is none."""


@dataclass(frozen=True)
class Tool(Generic[AppT, ArgumentsT, ResultT]):
    """One tool: its name is the function's, its description the function's docstring."""

    title: str
    run: Callable[[AppT, Call, ArgumentsT], Awaitable[ResultT]]
    arguments: type[ArgumentsT]
    result: type[ResultT]
    reads_only: bool = True

    @property
    def name(self) -> str:
        return self.run.__name__

    @property
    def description(self) -> str:
        return cleandoc(self.run.__doc__ or "")

    @cached_property
    def input_schema(self) -> Schema:
        """JSON Schema of the arguments, in as few tokens as it can be said."""
        return _slim(self.arguments.model_json_schema())

    @cached_property
    def output_schema(self) -> Schema:
        """JSON Schema of the result: a contract, not a hint."""
        return _slim(TypeAdapter(self.result).json_schema(mode="serialization"), keep_null=True)


@dataclass(frozen=True, slots=True)
class Template:
    """A family of resources by its URI template (RFC 6570)."""

    uri: str
    name: str
    title: str
    description: str
    mime_type: str


@dataclass(frozen=True, slots=True)
class Item:
    """One resource in the list."""

    uri: str
    name: str
    title: str
    description: str
    mime_type: str


@dataclass(frozen=True, slots=True)
class Contents:
    """What reading a resource gives."""

    text: str
    mime_type: str


@dataclass(frozen=True)
class Resource(Generic[AppT]):
    """A URI family: its templates, what is listed of it, how one is read and its template's arguments completed."""

    templates: tuple[Template, ...]
    items: Callable[[AppT, Call], Awaitable[Sequence[Item]]]
    read: Callable[[AppT, Call, str], Awaitable[Contents | None]]
    """Return None for a URI of another family or of nothing."""
    complete: Callable[[AppT, Call, str, str, Mapping[str, str]], Awaitable[Sequence[str]]]
    """(app, call, argument, what was typed, arguments given so far) to values, best first."""


@dataclass(frozen=True)
class Registry(Generic[AppT]):
    """All tools and resources of an app, sorted by module name."""

    tools: Mapping[str, Tool[AppT, Any, Any]]
    resources: tuple[Resource[AppT], ...]

    @classmethod
    def of(cls, tools: ModuleType, resources: ModuleType) -> "Registry[AppT]":
        """Import every module of the two packages and take its `TOOL` or `RESOURCE`."""
        found = [cast("Tool[AppT, Any, Any]", module.TOOL) for module in _modules(tools)]
        return cls({tool.name: tool for tool in found}, tuple(module.RESOURCE for module in _modules(resources)))

    async def call(self, app: AppT, call: Call, name: str, arguments: Mapping[str, object]) -> Mapping[str, object]:
        """Check the arguments and run a tool; raises KeyError if unknown, BadArgument, and what the tool raises."""
        tool = self.tools[name]
        try:
            checked = tool.arguments.model_validate(arguments)
        except ValidationError as error:
            raise _bad(tool, error) from None
        return await tool.run(app, call, checked)


def _modules(package: ModuleType) -> list[ModuleType]:
    names = sorted(found.name for found in pkgutil.iter_modules(package.__path__))
    return [import_module(f"{package.__name__}.{name}") for name in names]


def _bad(tool: Tool[Any, Any, Any], error: ValidationError) -> BadArgument:
    known = list(tool.arguments.model_fields)
    lines: list[str] = []
    candidates: list[str] = []
    for problem in error.errors(include_url=False, include_input=False, include_context=False):
        name = ".".join(str(part) for part in problem["loc"])
        match problem["type"]:
            case "extra_forbidden":
                lines.append(f"unknown argument `{name}`")
                candidates += nearest(name, known, 1)
            case "missing":
                lines.append(f"`{name}` is missing")
            case _:
                lines.append(f"`{name}`: {problem['msg'][0].lower()}{problem['msg'][1:]}")
    return BadArgument(
        f"{tool.name}: {'; '.join(dict.fromkeys(lines))}.",
        candidates=candidates,
        hint=f"Arguments: {', '.join(known)}.",
    )


NULL: Final[Schema] = {"type": "null"}


def _slim(schema: Schema, *, keep_null: bool = False) -> Schema:
    """Drop what a schema says twice: generated titles, and for arguments that they may be null."""
    return cast("Schema", _slimmed(schema, keep_null=keep_null, names=False))


def _slimmed(node: object, *, keep_null: bool, names: bool) -> object:
    """Rewrite one node; `names` says that its keys are names of properties and no keywords."""
    if isinstance(node, list):
        return [_slimmed(part, keep_null=keep_null, names=False) for part in cast("list[object]", node)]
    if not isinstance(node, dict):
        return node
    slim = {
        key: _slimmed(value, keep_null=keep_null, names=key in {"properties", "$defs"} and not names)
        for key, value in cast("Schema", node).items()
        if names or not (key == "title" and isinstance(value, str))
    }
    return slim if names else _merged(slim, keep_null=keep_null)


def _merged(slim: Schema, *, keep_null: bool) -> Schema:
    if not keep_null:
        if "default" in slim and slim["default"] is None:
            del slim["default"]
        if "anyOf" in slim:
            slim["anyOf"] = [part for part in slim["anyOf"] if part != NULL]
    choices = cast("list[Schema] | None", slim.get("anyOf"))
    if choices is not None and len(choices) == 1:
        del slim["anyOf"]
        slim = {**choices[0], **slim}
    elif choices is not None and not keep_null and all(set(part) == {"type"} for part in choices):
        del slim["anyOf"]
        slim["type"] = [part["type"] for part in choices]
    if "enum" in slim or "const" in slim:
        slim.pop("type", None)
    return slim
