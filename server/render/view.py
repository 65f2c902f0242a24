"""The view of one or several connections: their tables chosen, fitted into a budget and put into one envelope."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from xml.sax.saxutils import escape

from ..config import Connection, Domain
from ..errors import ColonnadeError
from ..model import Login, Status, Table, VisibleCatalog
from ..nearest import nearest
from .tables import LEGEND, Detail, Format, attributes, clean, fit, name_of


@dataclass(frozen=True, slots=True)
class Standing:
    """A connection and what is known of it, without asking it."""

    connection: Connection
    domain: Domain
    status: Status
    reason: str
    tables: int | None
    checked_at: float | None
    """Seconds since the epoch."""
    lacks: tuple[str, ...] = ()
    """What its engine cannot do and one has to know."""
    login: Login | None = None
    """What its login may do; None until somebody has looked."""

    @property
    def warnings(self) -> list[str]:
        """What of this connection should be mended, in words."""
        if self.login is None or not self.login.dangers:
            return []
        name = f"login {clean(self.login.name, 100)}".rstrip()
        return [f"{name}: {clean('; '.join(self.login.dangers), 1_000)}"]


@dataclass(frozen=True, slots=True)
class Seen:
    """A connection with its catalog, or the error of reading it; neither where it was not read in time."""

    standing: Standing
    catalog: VisibleCatalog | None
    error: ColonnadeError | None


@dataclass(frozen=True, slots=True)
class Exact:
    """One table by its schema and name as they are, and no pattern."""

    schema: str
    name: str


@dataclass(frozen=True, slots=True)
class Part:
    """What a view shows of one connection; `text` is empty where nothing can be shown or nothing fits the patterns."""

    standing: Standing
    text: str
    tables: int
    fingerprint: str | None
    stale_since: str | None
    left_out: str | None


@dataclass(frozen=True, slots=True)
class View:
    """What was asked for, connection by connection, and what is missing from it."""

    parts: tuple[Part, ...]
    unmatched: tuple[str, ...]
    """Patterns that no table of any connection fits."""
    similar: tuple[str, ...]
    """Names of tables that resemble the unmatched patterns."""


def view(seen: Sequence[Seen], patterns: Sequence[str | Exact], detail: Detail, form: Format, max_tokens: int) -> View:
    """Choose the tables that fit a pattern (all if there is none) and share the budget evenly among connections."""
    share = max_tokens // max(1, sum(each.catalog is not None for each in seen))
    parts: list[Part] = []
    matched: set[str | Exact] = set()
    names: dict[str, None] = {}
    for each in seen:
        catalog = each.catalog
        if catalog is None:
            parts.append(Part(each.standing, "", 0, None, None, None))
            continue
        chosen: list[Table] = []
        for table in catalog.tables:
            fitting = [pattern for pattern in patterns if _fits(table, catalog.default_schema, pattern)]
            matched.update(fitting)
            if fitting or not patterns:
                chosen.append(table)
        fitted = fit(chosen, detail, form, catalog.default_schema, share)
        names.update(dict.fromkeys(name_of(table, catalog.default_schema) for table in catalog.tables))
        stale = moment(catalog.stale_since)
        parts.append(Part(each.standing, fitted.text, len(chosen), catalog.fingerprint, stale, fitted.left_out))
    unmatched = tuple(
        pattern if isinstance(pattern, str) else f"{pattern.schema}.{pattern.name}"
        for pattern in patterns
        if pattern not in matched
    )
    similar = tuple(dict.fromkeys(name for pattern in unmatched for name in nearest(pattern, names)))
    return View(tuple(parts), unmatched, similar)


INDEXED = 200
"""Connections in the index, at most; beyond it, domains with their numbers only."""


def index(domains: Sequence[Domain], standings: Sequence[Standing]) -> str:
    """Return all domains with their connections and what is known of them, without any table."""
    if len(standings) > INDEXED:
        shown = [
            f"<data_source{attributes(name=d.name, id=d.id, connections=str(len(d.connections)))}/>" for d in domains
        ]
        return "\n".join(["<domains>", *shown, "</domains>"])
    parts = [Part(standing, "", standing.tables or 0, None, None, None) for standing in standings]
    shown = [_data_source(d, [p for p in parts if p.standing.domain is d], "xml") for d in domains]
    return "\n".join(["<domains>", *shown, "</domains>"])


def envelope(shown: View, form: Format) -> str:
    """Return `<data_source>` → `<description>` → `<connection>` for each domain in a view."""
    domains = {part.standing.domain.name: part.standing.domain for part in shown.parts}
    return "\n".join(
        _data_source(domain, [part for part in shown.parts if part.standing.domain is domain], form)
        for domain in domains.values()
    )


def moment(seconds: float | None) -> str | None:
    """Return a time, in seconds since the epoch, as ISO 8601 in UTC."""
    return None if seconds is None else time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def _fits(table: Table, default_schema: str, pattern: str | Exact) -> bool:
    if isinstance(pattern, Exact):
        return (table.schema, table.name) == (pattern.schema, pattern.name)
    sought = pattern.casefold()
    names = (
        table.name.casefold(),
        f"{table.schema}.{table.name}".casefold(),
        name_of(table, default_schema).casefold(),
    )
    if any(sign in sought for sign in "*?["):
        return sought in names or any(fnmatchcase(name, sought) for name in names)
    return sought in names


def _data_source(domain: Domain, parts: Sequence[Part], form: Format) -> str:
    lines = [f"<data_source{attributes(name=domain.name, id=domain.id)}>"]
    if domain.description:
        lines.append(f"<description>{escape(clean(domain.description, 2_000))}</description>")
    if form == "lines":
        lines.append(f"<!-- {LEGEND} -->")
    lines += [_connection(part, form) for part in parts]
    lines.append("</data_source>")
    return "\n".join(lines)


def _connection(part: Part, form: Format) -> str:
    connection, standing = part.standing.connection, part.standing
    head = attributes(
        name=connection.key.connection,
        type=connection.type,
        id=connection.id,
        key=str(connection.key),
        environment=connection.environment or None,
        status=None if part.fingerprint is not None else standing.status,
        reason=standing.reason or None,
        fingerprint=part.fingerprint,
        stale_since=part.stale_since,
        left_out=part.left_out,
    )
    inner: list[str] = []
    if connection.description:
        inner.append(f"<description>{escape(clean(connection.description, 500))}</description>")
    if part.text:
        # Lines hold '>' as a sign of their own, which XML allows in text.
        inner.append(part.text if form == "xml" else part.text.replace("&", "&amp;").replace("<", "&lt;"))
    return "\n".join([f"<connection{head}>", *inner, "</connection>"]) if inner else f"<connection{head}/>"
