"""Tables as text: lines and XML at four levels of detail, within a budget.

Whatever comes from a database is untrusted text: it is cleaned of what cannot be seen, escaped and capped.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal
from xml.sax.saxutils import quoteattr

from ..keys import INVISIBLE
from ..model import Column, ForeignKey, Table

Detail = Literal["names", "gist", "digest", "full"]
Format = Literal["lines", "xml"]

LEVELS: Final[tuple[Detail, ...]] = ("full", "digest", "gist", "names")
DIGEST_COLUMNS: Final = 8
LONGEST_COMMENT: Final = 150
LONGEST_DEFAULT: Final = 60
CHARACTERS_PER_TOKEN: Final = 3

LEGEND: Final = (
    "name rows 'comment': column* type! >table.column =default 'comment'; "
    "* primary key, ! not null, > foreign key, (view) after the name of a view"
)
"""Explains the line form; sent once with each answer in it."""


@dataclass(frozen=True, slots=True)
class Fitted:
    """A rendering within its budget, and in words what it left out."""

    text: str
    left_out: str | None


def clean(text: str, longest: int) -> str:
    """Return untrusted text on one line, without invisible characters, capped."""
    plain = INVISIBLE.sub(" ", text)
    plain = " ".join(plain.split())
    return plain if len(plain) <= longest else plain[: longest - 1] + "…"


def fit(tables: Sequence[Table], detail: Detail, form: Format, schema: str, max_tokens: int) -> Fitted:
    """Render tables with as much detail as asked for and as the budget allows; the same input gives the same text.

    Steps down from full over digest and gist to names, then drops tables from the end; says so in `left_out`.
    """
    budget = max_tokens * CHARACTERS_PER_TOKEN
    text = ""
    for level in LEVELS[LEVELS.index(detail) :]:
        text = render(tables, level, form, schema)
        if len(text) <= budget:
            return Fitted(text, None if level == detail else f"shown as {level} instead of {detail}: over max_tokens")
    kept = len(tables)
    while kept and len(text) > budget:
        kept = min(kept - 1, int(kept * budget / len(text)))
        text = render(tables[:kept], "names", form, schema)
    return Fitted(text, f"{len(tables) - kept} of {len(tables)} tables: over max_tokens; give `tables` a pattern")


def render(tables: Sequence[Table], detail: Detail, form: Format, schema: str) -> str:
    """Render tables in the form and detail asked for; `schema` is the one whose tables are named without it."""
    if form == "xml":
        return "\n".join(_xml_table(table, detail) for table in tables)
    if detail == "names":
        return ", ".join(name_of(table, schema) for table in tables)
    line = {"gist": _gist, "digest": _digest, "full": _full}[detail]
    return "\n".join(line(table, schema) for table in tables)


def name_of(table: Table, schema: str) -> str:
    """Return a table's name as one writes it: without the schema where that is the default one."""
    name = clean(table.name, 200)
    return name if table.schema == schema else f"{clean(table.schema, 200)}.{name}"


def _full(table: Table, schema: str) -> str:
    keys = _single_keys(table)
    parts = [_column(column, table, keys, schema) for column in table.columns]
    wide = [
        f"({', '.join(key.columns)})>{_there(key, schema)}({', '.join(key.columns_there)})"
        for key in table.foreign_keys
        if len(key.columns) > 1
    ]
    wide += [f"unique({', '.join(columns)})" for columns in table.unique]
    wide += [f"{'unique ' * index.unique}index({', '.join(index.columns)})" for index in table.indexes]
    tail = f" | {clean('; '.join(wide), 2_000)}" if wide else ""
    return f"{_head(table, schema)}: {', '.join(parts)}{tail}"


def _digest(table: Table, schema: str) -> str:
    keys = _single_keys(table)
    first = [c for c in table.columns if c.name in table.primary_key or c.name in keys]
    rest = [c for c in table.columns if c not in first]
    chosen = {c.name for c in [*first, *rest][: max(DIGEST_COLUMNS, len(first))]}
    parts = [
        clean(c.name, 200) + "*" * (c.name in table.primary_key) + _target(keys, c, schema)
        for c in table.columns
        if c.name in chosen
    ]
    more = len(table.columns) - len(chosen)
    return f"{_head(table, schema)}: {', '.join(parts)}{f', +{more} more' if more > 0 else ''}"


def _gist(table: Table, schema: str) -> str:
    return f"{name_of(table, schema)}({', '.join(clean(column.name, 200) for column in table.columns)})"


def _head(table: Table, schema: str) -> str:
    kind = "" if table.kind == "table" else f" ({table.kind})"
    rows = "" if table.rows is None else f" {_short(table.rows)}"
    comment = f" '{clean(table.comment, LONGEST_COMMENT)}'" if table.comment else ""
    return f"{name_of(table, schema)}{kind}{rows}{comment}"


def _column(column: Column, table: Table, keys: Mapping[str, ForeignKey], schema: str) -> str:
    primary = column.name in table.primary_key
    default = f" ={clean(column.default, LONGEST_DEFAULT)}" if column.default is not None else ""
    comment = f" '{clean(column.comment, LONGEST_COMMENT)}'" if column.comment else ""
    required = "!" if not (column.nullable or primary) else ""
    return (
        f"{clean(column.name, 200)}{'*' * primary} {clean(column.type, 100)}{required}"
        f"{_target(keys, column, schema)}{' generated' * column.generated}{default}{comment}"
    )


def _single_keys(table: Table) -> dict[str, ForeignKey]:
    return {key.columns[0]: key for key in table.foreign_keys if len(key.columns) == 1}


def _target(keys: Mapping[str, ForeignKey], column: Column, schema: str) -> str:
    key = keys.get(column.name)
    return "" if key is None else f" >{_there(key, schema)}.{'.'.join(clean(name, 200) for name in key.columns_there)}"


def _there(key: ForeignKey, schema: str) -> str:
    return clean(key.table if key.schema == schema else f"{key.schema}.{key.table}", 400)


def _short(rows: int) -> str:
    for size, letter in ((1_000_000_000, "G"), (1_000_000, "M"), (1_000, "k")):
        if rows >= size:
            return f"{rows / size:.3g}{letter}"
    return str(rows)


def _xml_table(table: Table, detail: Detail) -> str:
    head = attributes(
        name=table.name,
        schema=table.schema,
        kind=None if table.kind == "table" else table.kind,
        rows=None if table.rows is None or detail == "names" else str(table.rows),
        comment=table.comment if detail in ("digest", "full") else None,
    )
    if detail == "names":
        return f"<table{head}/>"
    columns = table.columns[:DIGEST_COLUMNS] if detail == "digest" else table.columns
    inner = [_xml_column(column, table, detail) for column in columns]
    inner += [f"<more columns={quoteattr(str(left))}/>"] if (left := len(table.columns) - len(columns)) else []
    if detail != "gist":
        inner += [_xml_foreign_key(key) for key in table.foreign_keys]
    if detail == "full":
        inner += [f"<unique{attributes(columns=_list(columns))}/>" for columns in table.unique]
        inner += [
            f"<index{attributes(name=i.name, columns=_list(i.columns), unique='true' if i.unique else None)}/>"
            for i in table.indexes
        ]
    return f"<table{head}>{''.join(inner)}</table>"


def _xml_column(column: Column, table: Table, detail: Detail) -> str:
    if detail == "gist":
        return f"<column{attributes(name=column.name)}/>"
    primary = "true" if column.name in table.primary_key else None
    if detail == "digest":
        return f"<column{attributes(name=column.name, type=column.type, primary_key=primary)}/>"
    facts = attributes(
        name=column.name,
        type=column.type,
        nullable="true" if column.nullable else "false",
        primary_key=primary,
        default=column.default,
        generated="true" if column.generated else None,
        comment=column.comment,
    )
    return f"<column{facts}/>"


def _xml_foreign_key(key: ForeignKey) -> str:
    facts = attributes(
        columns=_list(key.columns), table=key.table, schema=key.schema, references=_list(key.columns_there)
    )
    return f"<foreign_key{facts}/>"


def _list(names: Iterable[str]) -> str:
    return ", ".join(names)


LONGEST_OF: Final[Mapping[str, int]] = {"comment": LONGEST_COMMENT, "default": LONGEST_DEFAULT}


def attributes(**values: str | None) -> str:
    """Return XML attributes, cleaned and quoted; those that are None are left out."""
    return "".join(
        f" {name}={quoteattr(clean(value, LONGEST_OF.get(name, 400)))}"
        for name, value in values.items()
        if value is not None
    )
