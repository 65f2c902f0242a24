"""The settings that every connection and every domain has, whatever its engine."""

import re
from collections.abc import Callable
from dataclasses import fields as dataclass_fields
from functools import cache
from typing import Annotated, Final, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from ..keys import INVISIBLE, LONGEST, normal
from ..model import Limits
from .document import Table, is_table
from .report import Mistake, unknown

FUNCTION: Final = re.compile(r"\w[\w$#]*(?:\.\w[\w$#]*)*")

Tell = Callable[[Mistake], object]
"""Takes every mistake that is found."""


def _visible(text: str) -> str:
    if INVISIBLE.search(text):
        raise ValueError("holds control or invisible characters")
    return normal(text)


def _function(text: str) -> str:
    if not FUNCTION.fullmatch(text):
        raise ValueError("is no name of a function: write name, or schema.name, without parentheses")
    return text.lower()


class Described(BaseModel):
    """What people say of a domain or a connection."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True, defer_build=True)

    id: (
        Annotated[str, Field(coerce_numbers_to_str=True, min_length=1, max_length=LONGEST), AfterValidator(_visible)]
        | None
    ) = None
    description: str = ""
    owner: str = ""
    tags: tuple[str, ...] = ()


class Common(Described):
    """What every connection has besides its name, its type and its limits."""

    environment: str = ""
    enabled: bool = True
    allow_functions: tuple[Annotated[str, AfterValidator(_function)], ...] = ()
    allow_files: bool = False


OF_DOMAIN: Final = ("name", *Described.model_fields, "connection")

OF_CONNECTION: Final = ("name", "type", "extends", *Common.model_fields, "limits")
"""Settings that no engine sees; all others are the engine's."""

DEFAULT_LIMITS: Final = Limits()

LIMITS: Final = tuple(field.name for field in dataclass_fields(Limits))

DescribedT = TypeVar("DescribedT", bound=Described)


def described(model: type[DescribedT], table: Table, tell: Tell) -> DescribedT:
    """Read the common settings of a table; one that cannot be used is told and left at its default."""
    given = {name: table[name] for name in model.model_fields if name in table}
    try:
        return model.model_validate(given)
    except ValidationError as error:
        from .mistakes import mistakes

        for mistake in mistakes(error, given, model):
            tell(mistake)
        bad = {details["loc"][0] for details in error.errors()}
        return model.model_validate({name: value for name, value in given.items() if name not in bad})


def limits(table: Table, tell: Tell) -> Limits:
    """Read `limits`; with a mistake in them they are the usual ones."""
    given = table.get("limits")
    if given is None:
        return DEFAULT_LIMITS
    if not is_table(given):
        tell(Mistake(("limits",), "`limits` must be a table", f"Write limits = {{ {LIMITS[0]} = 100 }}."))
        return DEFAULT_LIMITS
    for name in given:
        if name not in LIMITS:
            tell(unknown(name, LIMITS, ("limits", name)))
    try:
        found = _limits().validate_python({name: value for name, value in given.items() if name in LIMITS})
    except ValidationError as error:
        from .mistakes import mistakes

        for mistake in mistakes(error, given, BaseModel, ("limits",)):
            tell(mistake)
        return DEFAULT_LIMITS
    return found


@cache
def _limits() -> TypeAdapter[Limits]:
    return TypeAdapter(Limits)
