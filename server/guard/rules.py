"""What a statement may call and read: the rules over a reading, the same for all dialects."""

import re
from dataclasses import dataclass
from typing import Final

from ..nearest import nearest
from .dialects import Dialect
from .reading import Called, Harmful, Reading, Relation

MOST_GENERATED: Final = 1_000_000
"""The largest size that a generating function may be asked for."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What one connection allows beyond the rules."""

    allow_functions: frozenset[str] = frozenset()
    """Names, or schema.name, of further functions; lower case."""
    allow_files: bool = False
    """A query may read files that the database can reach."""


def weigh(reading: Reading, dialect: Dialect, policy: Policy) -> None:
    """Raise Harmful if the statement calls or reads what this connection does not allow."""
    for called in reading.functions:
        _function(called, dialect, policy)
    for relation in reading.relations:
        _relation(relation, dialect, policy)
    if dialect.attribute_calls is not None:
        for column in reading.columns:
            if dialect.attribute_calls.match(column) and column not in dialect.functions:
                raise Harmful(f"{column} calls a function when it is written like a column", "Name a column.")


def _function(called: Called, dialect: Dialect, policy: Policy) -> None:
    full = f"{called.schema}.{called.name}" if called.schema else called.name
    if full not in policy.allow_functions and not _listed(called, dialect):
        near = nearest(called.name, sorted(dialect.functions), 1) if not called.schema else ()
        raise Harmful(
            f"the function {full[:80]} is not on the list of functions that only read",
            (f"Did you mean {near[0]}? " if near else "Use another function. ")
            + "The owner of the connection may add it to allow_functions.",
        )
    if called.size is not None and called.size > MOST_GENERATED and called.name in dialect.generators:
        raise Harmful(f"{called.name} is asked for {called.size:,}; {MOST_GENERATED:,} is the most", "Ask for less.")


def _listed(called: Called, dialect: Dialect) -> bool:
    last = called.schema.rpartition(".")[2]
    if not called.schema or dialect.dotted_calls or last in dialect.system_schemas:
        return called.name in dialect.functions or f"{last}.{called.name}" in dialect.functions
    if called.name in dialect.methods and (called.schema == "()" or not dialect.bare_calls):
        return True
    full = f"{called.schema}.{called.name}"
    return full in dialect.functions or any(
        full.startswith(f"{system}.") and full.removeprefix(f"{system}.") in dialect.functions
        for system in dialect.system_schemas
    )


def _relation(relation: Relation, dialect: Dialect, policy: Policy) -> None:
    parts = [part.lower() for part in relation.parts]
    name = ".".join(parts)
    if parts[-1] in dialect.secrets or ".".join(parts[-2:]) in dialect.secrets:
        raise Harmful(f"{name} holds credentials", "Read another table.")
    if len(parts) > dialect.most_parts:
        raise Harmful(f"{name} has {len(parts)} parts, which leads to another server", "Name a table of this database.")
    if dialect.at_sign and "@" in name:
        raise Harmful(f"{name} leads out of the database", "Name a table of this database.")
    if dialect.files is not None and not policy.allow_files and _is_file(relation, name, dialect.files):
        raise Harmful(f"{name[:80]} is the path of a file", "The owner of the connection may set allow_files = true.")


def _is_file(relation: Relation, name: str, files: re.Pattern[str]) -> bool:
    return bool(files.search(name)) or (relation.quoted and any("." in part for part in relation.parts))
