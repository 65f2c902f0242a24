"""One connection of the file, read as far as it can be without knowing the others."""

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

from pydantic import BaseModel, SecretBytes, SecretStr, ValidationError

from ..keys import INVISIBLE, LONGEST, fold
from ..model import Limits
from ..nearest import nearest
from .document import At, Table, is_table
from .fields import fields, forms, secret, strict, tables
from .interpolate import has_variable
from .layers import Layer, Layers
from .names import check
from .report import Mistake, Report, unknown
from .settings import Problem, Types
from .tables import OF_CONNECTION, Common, described, limits

if TYPE_CHECKING:
    from json import JSONEncoder

SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9.-]*)(?:\+[\w.-]+)?:")

BASE: Final = "base"
DEFAULTS: Final = "defaults"

UNKNOWN: Final = "unknown"
"""The type of a connection that has none."""


class Draft:
    """A connection on its way: what is known of it, and its first error.

    `unfilled` are the settings that lack a variable; `baseless` tells that what it extends is not there; `made`, that
    the name is not one that somebody wrote and gives way to those that are, `nameless` that there is none at all.
    """

    common: Common
    limits: Limits

    def __init__(self, layers: Layers, report: Report) -> None:
        self.layers = layers
        self.report = report
        self.settings = layers.merged()
        self.lacking = layers.mistakes()
        self.unfilled = {mistake.at[0] for mistake in self.lacking}
        self.baseless = False
        self.problem: Problem | None = None
        self.type = UNKNOWN
        self.name = ""
        self.made = False
        self.nameless = False
        self.options: BaseModel | None = None
        self.effective = ""

    def tell(self, mistake: Mistake) -> None:
        """Report an error, unless a missing variable or base explains it."""
        name = mistake.at[0] if mistake.at else None
        as_a_whole = name is None and (self.unfilled or self.baseless)
        if as_a_whole or name in self.unfilled or (self.baseless and name not in self.settings):
            return
        self.error(mistake.at, mistake.what, mistake.fix)

    def error(self, at: At, what: str, fix: str) -> None:
        self.refuse(self.report.error(self.layers.place(at), what, fix))

    def warning(self, at: At, what: str, fix: str) -> None:
        self.report.warning(self.layers.place(at), what, fix)

    def refuse(self, problem: Problem) -> None:
        """Make the connection unusable; its first problem stays."""
        self.problem = self.problem or problem


class Reader:
    """Reads connections, each by itself; `folder` is what relative paths start from."""

    def __init__(
        self, report: Report, types: Types, environ: Mapping[str, str], folder: Path, shared: Mapping[At, Layer]
    ) -> None:
        self.report = report
        self.environ = environ
        self._types = types
        self._folder = folder
        self._bases = {str(at[-1]): layer for at, layer in shared.items() if at[0] == BASE}
        self._defaults = shared.get((DEFAULTS,))
        self._models: dict[str, type[BaseModel]] = {}

    def read(self, at: At, table: Table) -> Draft:
        own = Layer.of(at, table, self.environ)
        base = own.filled.get("extends")
        under = self._bases.get(base) if isinstance(base, str) else None
        layers = Layers(tuple(layer for layer in (own, under, self._defaults) if layer is not None))
        draft = Draft(layers, self.report)
        draft.common = described(Common, draft.settings, draft.tell)
        for mistake in draft.lacking:
            tell = draft.error if draft.common.enabled else draft.warning
            tell(mistake.at, mistake.what, mistake.fix)
        if base is not None and under is None:
            self._no_base(draft, base)
        self._name(draft, draft.settings.get("name", ""))
        kind = self._type(draft, draft.settings.get("type"), draft.settings.get("url"))
        draft.limits = limits(draft.settings, draft.tell)
        if kind is not None:
            self._options(draft, kind)
        return draft

    def _no_base(self, draft: Draft, base: object) -> None:
        if isinstance(base, str):
            near = nearest(base, self._bases, 1)
            fix = f'Did you mean "{near[0]}"?' if near else f"Known: {', '.join(self._bases) or 'none'}."
            draft.tell(Mistake(("extends",), f"there is no [base.{_shown(base)}]", fix))
        else:
            draft.error(("extends",), "`extends` must be text", "Write the NAME of a [base.NAME] in quotes.")
        draft.baseless = True

    def _name(self, draft: Draft, written: object) -> None:
        name, faults = check(written, "connection") if isinstance(written, str) else ("", [])
        if not isinstance(written, str):
            draft.error(("name",), "`name` must be text", 'Put it in quotes: name = "…".')
        for what, fix in faults:
            draft.tell(Mistake(("name",), what, fix))
        draft.name = name
        draft.nameless = isinstance(written, str) and not (name or faults)
        draft.made = bool(faults) or not name or "name" in draft.unfilled

    def _type(self, draft: Draft, written: object, url: object) -> str | None:
        """Find the type, by its label or by the scheme of the url, and show the one written where there is none."""
        every = f"Types: {', '.join(self._types.names)}."
        if isinstance(written, str):
            found = self._types.aliases.get(fold(written))
            shown = _shown(written)
            draft.type = found or shown or UNKNOWN
            if found is None:
                fix = _did_you_mean(written, self._types.aliases) + every
                draft.tell(Mistake(("type",), f'unknown connection type "{shown}"', fix))
            return found
        if written is not None:
            draft.error(("type",), "`type` must be text", f"Put it in quotes. {every}")
            return None
        scheme = SCHEME.match(url) if isinstance(url, str) else None
        if scheme is None:
            what = "connection has no type" if url is None else "connection has no type, and its url tells none"
            draft.tell(Mistake(("url",) if url is not None else ("type",), what, f'Write type = "…". {every}'))
            return None
        found = self._types.schemes.get(scheme[1].casefold())
        draft.type = found or UNKNOWN
        if found is None:  # the scheme itself may be part of a secret: a URL without one begins with the user
            fix = _did_you_mean(scheme[1], self._types.schemes) + every
            draft.tell(Mistake(("url",), "no type of connection has a url like this", fix))
        return found

    def _options(self, draft: Draft, kind: str) -> None:
        """Read what belongs to the engine."""
        model = self._models.get(kind) or self._models.setdefault(kind, self._types.options(kind))
        settings = draft.layers.merged(whole=secret(model))  # a secret is one form or the other, never both
        given = {name: value for name, value in settings.items() if name not in OF_CONNECTION}
        self._in_the_open(draft, model, given)
        if strict(model):
            known = [*fields(model), *OF_CONNECTION]
            for name in [name for name in given if name not in fields(model)]:
                draft.tell(unknown(name, known, (name,)))
                del given[name]
        try:
            options = model.model_validate(given, context={"folder": self._folder})
        except ValidationError as error:
            from .mistakes import mistakes

            for mistake in mistakes(error, given, model):
                draft.tell(mistake)
            return
        except Exception as error:  # noqa: BLE001 - an engine's own check may fail in any way: this connection, no other
            why = f"the settings of {kind} cannot be read: {type(error).__name__}"
            draft.tell(Mistake((), why, f"Check them; known here: {', '.join(fields(model))}."))
            return
        if draft.problem is None and not draft.unfilled:
            draft.options = options
            draft.effective = _digest(kind, options)

    def _in_the_open(self, draft: Draft, model: type[BaseModel], given: Table, at: tuple[str, ...] = ()) -> None:
        """Warn of secrets that stand in the file as text, in the tables of a connection too."""
        unfilled = {mistake.at for mistake in draft.lacking}
        for name, value in given.items():
            here = (*at, name)
            if is_table(value) and name not in secret(model):
                for inner in tables(model, name):
                    self._in_the_open(draft, inner, value, here)
            elif name in secret(model) and here not in unfilled and here != ("url",):
                text = draft.layers.written(here)
                if isinstance(text, str) and text and not has_variable(text):
                    better = " or ".join(forms(model, name)) or '"${NAME}"'
                    draft.warning(here, f"{'.'.join(here)} is written in the file", f"Use {name} = {better}.")


def _did_you_mean(word: str, types: Mapping[str, str]) -> str:
    near = nearest(word, types, 1)
    return f'Did you mean "{types[near[0]]}"? ' if near else ""


def _shown(word: str) -> str:
    return INVISIBLE.sub("", word)[:LONGEST]


def _digest(kind: str, options: BaseModel) -> str:
    from hashlib import sha256

    text = _encoder().encode([kind, options.model_dump(warnings=False)])
    return sha256(text.encode()).hexdigest()


@cache
def _encoder() -> "JSONEncoder":
    from json import JSONEncoder

    return JSONEncoder(sort_keys=True, default=_plain)


def _plain(value: object) -> object:
    """Give what JSON cannot hold a form that is the same in every process."""
    if isinstance(value, SecretStr):
        return [value.get_secret_value()]
    if isinstance(value, SecretBytes):
        return [value.get_secret_value().hex()]
    if isinstance(value, set | frozenset):
        return sorted(map(repr, cast("set[object]", value)))
    return repr(value)
