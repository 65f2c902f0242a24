"""What a pydantic model declares, by the names under which a file sets it."""

from collections.abc import Iterator, Mapping
from functools import cache
from inspect import isclass
from typing import TypeGuard, get_args

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from .document import At


@cache
def fields(model: type[BaseModel]) -> Mapping[str, FieldInfo]:
    """Return the fields of a model by the name that a file uses."""
    return {field.alias or name: field for name, field in model.model_fields.items()}


@cache
def secret(model: type[BaseModel]) -> frozenset[str]:
    """Return the names of the fields that may hold a secret as text."""
    return frozenset(name for name, field in fields(model).items() if SecretStr in _parts(field.annotation))


@cache
def strict(model: type[BaseModel]) -> bool:
    """Tell whether a model refuses what it does not declare."""
    return model.model_config.get("extra") == "forbid"


def known(model: type[BaseModel], at: At) -> list[str]:
    """Return what may stand in the table at a place inside a model; nothing for a table that is free."""
    models = [model]
    for name in at:
        if isinstance(name, str):
            inner = [fields(each)[name] for each in models if name in fields(each)]
            models = [part for field in inner for part in _parts(field.annotation) if _is_model(part)]
    return list(dict.fromkeys(name for each in models for name in fields(each)))


def forms(model: type[BaseModel], name: str) -> list[str]:
    """Return the tables that a field takes, as `{ env = … }`."""
    return [f"{{ {inner} = … }}" for each in tables(model, name) for inner in list(fields(each))[:1]]


def tables(model: type[BaseModel], name: str) -> list[type[BaseModel]]:
    """Return the models of the tables that a field takes."""
    annotation = fields(model)[name].annotation if name in fields(model) else None
    return [part for part in _parts(annotation) if _is_model(part)]


def _is_model(part: object) -> TypeGuard[type[BaseModel]]:
    return isclass(part) and issubclass(part, BaseModel)


def _parts(annotation: object) -> Iterator[object]:
    yield annotation
    for part in get_args(annotation):
        yield from _parts(part)
