"""What pydantic refuses, in plain words and at the place in the file. A value is never repeated."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from ..nearest import nearest
from .document import At, Table, holds, inside, is_list, is_table
from .fields import forms, known, secret
from .report import Mistake, unknown

BOUNDS: Final = {
    "greater_than": ("must be more than {gt}", "Give a larger number."),
    "greater_than_equal": ("must be at least {ge}", "Give a larger number."),
    "less_than": ("must be less than {lt}", "Give a smaller number."),
    "less_than_equal": ("must be at most {le}", "Give a smaller number."),
    "string_too_short": ("must have at least {min_length} characters", "Write more, or leave it out."),
    "string_too_long": ("must have at most {max_length} characters", "Shorten it."),
    "too_short": ("must have at least {min_length} entries", "Add to it, or leave it out."),
    "too_long": ("must have at most {max_length} entries", "Shorten it."),
}
"""Kind of error → what is wrong, and what to do."""

TABLE: Final = "a table"

KINDS: Final = {
    "string": ("text", 'Put it in quotes: {name} = "…".'),
    "int": ("a whole number", "Write digits without quotes: {name} = 1."),
    "float": ("a number", "Write digits without quotes: {name} = 1.5."),
    "bool": ("true or false", "Write {name} = true or {name} = false."),
    "list": ("a list", 'Put it in brackets: {name} = ["…"].'),
    "tuple": ("a list", 'Put it in brackets: {name} = ["…"].'),
    "set": ("a list", 'Put it in brackets: {name} = ["…"].'),
    "dict": (TABLE, "Write {name} = {{ … }}."),
    "model": (TABLE, "Write {name} = {{ … }}."),
    "dataclass": (TABLE, "Write {name} = {{ … }}."),
}
"""First word of an error of kind → what is wanted, and how to write it."""

OF_KIND: Final = ("_type", "_parsing", "_parsing_size", "_from_float", "_unicode")

QUOTED: Final = re.compile(r"'([^']+)'|\"([^\"]+)\"|`([^`]+)`")

SHORTEST_TELLTALE: Final = 3
"""A value shorter than this is looked for in a message only inside quotes."""


@dataclass(frozen=True, slots=True)
class _Error:
    """An error of pydantic, with its place as the file has it."""

    at: At
    union: At | None
    """Where several forms were tried, if this one is about one of them."""
    missing: str | None
    details: ErrorDetails

    @property
    def kind(self) -> str:
        return self.details["type"]


def mistakes(error: ValidationError, given: Table, model: type[BaseModel], at: At = ()) -> list[Mistake]:
    """Translate what a model said of the settings given to it; `at` is where those stand."""
    words = _Words(given, model, at)
    unions: dict[At, list[_Error]] = {}
    found: list[Mistake] = []
    for each in (_placed(details, given) for details in error.errors(include_url=False, include_input=False)):
        if each.union is None:
            found.append(words.plain(each))
        else:
            unions.setdefault(each.union, []).append(each)
    for place, errors in unions.items():
        found += words.union(place, errors)
    return list({(mistake.at, mistake.what): mistake for mistake in found}.values())


def _placed(details: ErrorDetails, given: Table) -> _Error:
    at: At = ()
    union: At | None = None
    value: object = given
    missing: str | None = None
    way = details["loc"]
    if details["type"] == "missing" and way:
        way, missing = way[:-1], str(way[-1])
    for part in way:
        if holds(value, part):
            at, value = (*at, part), inside(value, part)
        elif union is None:  # not in the file: pydantic's name for one of the forms it tried
            union = at
    return _Error(at, union, missing, details)


@dataclass(frozen=True, slots=True)
class _Words:
    given: Table
    model: type[BaseModel]
    at: At

    def plain(self, error: _Error) -> Mistake:
        """Translate an error of a setting that has one form."""
        at, name = error.at, _label((*self.at, *error.at))
        if error.missing is not None:
            at = (*at, error.missing)
            name = _label((*self.at, *at))
            return self._say(at, f"`{name}` is missing", f'Add {error.missing} = "…".')
        if error.kind == "extra_forbidden":
            return self._unknown(at)
        if (bound := _bound(error)) is not None:
            return self._say(at, f"`{name}` {bound[0]}", bound[1])
        if error.kind in ("literal_error", "enum"):
            return self._say(at, f"`{name}` must be {_choices(error)}", self._nearest_choice(error))
        if (wanted := _wanted(error)) is not None:
            fix = (
                "Change that entry."
                if at and isinstance(at[-1], int)
                else wanted[1].format(name=at[-1] if at else name)
            )
            return self._say(at, f"`{name}` must be {wanted[0]}", fix)
        return self._own(at, name, error)

    def union(self, place: At, errors: list[_Error]) -> list[Mistake]:
        """Translate the errors of all the forms that a setting may have, of which none fits."""
        name, names = _label((*self.at, *place)), known(self.model, place)
        extra = {error.at: str(error.at[-1]) for error in errors if error.kind == "extra_forbidden" and error.at}
        if strange := [self._unknown(at) for at, word in extra.items() if word not in names]:
            return strange
        if deeper := [e for e in errors if len(e.at) > len(place) and e.kind != "extra_forbidden"]:
            return [self.plain(error) for error in deeper]
        if len(extra) > 1:
            words = " and ".join(f"`{word}`" for word in sorted(extra.values()))
            return [self._say(place, f"`{name}` holds {words}, of which only one can be", "Keep one of them.")]
        tables = forms(self.model, str(place[0])) if len(place) == 1 else []
        wanted = dict.fromkeys([*tables, *(form for error in errors if (form := _form(error)))])
        if tables:
            wanted.pop(TABLE, None)
        if not wanted:
            return [self.plain(errors[0])]
        return [self._say(place, f"`{name}` must be {_either(list(wanted))}", "Write it in one of these forms.")]

    def _say(self, at: At, what: str, fix: str) -> Mistake:
        return Mistake((*self.at, *at), what, fix)

    def _unknown(self, at: At) -> Mistake:
        return unknown(str(at[-1]), known(self.model, at[:-1]), (*self.at, *at))

    def _own(self, at: At, name: str, error: _Error) -> Mistake:
        """Take the words of the model's own check, unless they repeat what stands in the file."""
        fix = f"Known here: {', '.join(known(self.model, ()))}."
        own = _context(error).get("error", error.details["msg"])
        message = str(own)
        if error.kind not in ("value_error", "assertion_error") or self._tells(message):
            what = f"`{name}` cannot be used as written" if at else "these settings cannot be used together"
        else:
            what = f"`{name}`: {message}" if at else message
        return self._say(at, what.rstrip("."), fix)

    def _tells(self, message: str) -> bool:
        values = {text for text in _texts(self.given) if text and text not in known(self.model, ())}
        quoted = {part for match in QUOTED.finditer(message) for part in match.groups() if part}
        return any(
            (len(text) >= SHORTEST_TELLTALE and text in message) or any(part in text for part in quoted)
            for text in values
        )

    def _nearest_choice(self, error: _Error) -> str:
        value: object = self.given
        for part in error.at:
            value = inside(value, part)
        secrecy = bool(error.at) and error.at[0] in secret(self.model)
        choices = re.findall(r"'([^']*)'", _choices(error))
        near = nearest(value, choices, 1) if isinstance(value, str) and not secrecy else []
        return f'Did you mean "{near[0]}"?' if near else "Use one of these."


def _context(error: _Error) -> Mapping[str, object]:
    return error.details.get("ctx", {})


def _choices(error: _Error) -> str:
    return str(_context(error).get("expected", "something else"))


def _bound(error: _Error) -> tuple[str, str] | None:
    if error.kind not in BOUNDS:
        return None
    what, fix = BOUNDS[error.kind]
    context = {key: _number(value) for key, value in _context(error).items()}
    return ("must not be empty" if context.get("min_length") == 1 else what.format(**context)), fix


def _wanted(error: _Error) -> tuple[str, str] | None:
    return KINDS.get(error.kind.partition("_")[0]) if error.kind.endswith(OF_KIND) else None


def _form(error: _Error) -> str | None:
    if error.missing is not None:
        return f"{{ {error.missing} = … }}"
    wanted = _wanted(error)
    if wanted is None:
        return _choices(error) if error.kind in ("literal_error", "enum") else None
    return wanted[0]


def _either(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


def _number(value: object) -> object:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _label(at: At) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in at).lstrip(".")


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif is_table(value) or is_list(value):
        for inner in value.values() if is_table(value) else value:
            yield from _texts(inner)
