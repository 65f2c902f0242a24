"""From the text of a file to a configuration, with every problem found on the way."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from .connection import BASE, DEFAULTS, Reader
from .document import At, Table, is_table, parse
from .domain import block, tables
from .layers import Layer
from .report import Report, unknown
from .roster import domains
from .settings import Configuration, Types

VERSION: Final = 1

OF_FILE: Final = ("version", DEFAULTS, BASE, "domain")

OWN: Final = ("name", "id", "extends")
"""Settings that connections cannot share."""


def load(text: str, file: str, types: Types, environ: Mapping[str, str], *, demo: bool = False) -> Configuration:
    """Read a configuration; relative paths in it start from the folder of `file`.

    Raises Unreadable if it is not TOML. Any other mistake makes its own connection unusable and no other.
    """
    text = text.removeprefix("\ufeff")
    document = parse(text, file)
    report = Report(text, file)
    _check_top(document, report)
    shared = {layer.at: layer for layer in _shared(document, report, environ)}
    reader = Reader(report, types, environ, Path(file).parent, shared)
    written = enumerate(tables(report, document, (), "domain"), start=1)
    blocks = [block(reader, environ, at, table, number) for number, (at, table) in written]
    found = domains(blocks, report)
    return Configuration(found, report.problems(), file, demo)


def _check_top(document: Table, report: Report) -> None:
    for name in document:
        if name == "connection":
            fix = "Write it below its [[domain]], as [[domain.connection]]."
            report.error((name,), "a connection belongs to a domain", fix)
        elif name not in OF_FILE:
            mistake = unknown(name, OF_FILE, (name,))
            report.error(mistake.at, mistake.what, mistake.fix)
    version = document.get("version", VERSION)
    if version is not VERSION and (type(version) is not int or version != VERSION):
        report.error(("version",), f"`version` must be {VERSION}", f"Write version = {VERSION}, or leave it out.")


def _shared(document: Table, report: Report, environ: Mapping[str, str]) -> Iterator[Layer]:
    """Yield what connections share: the defaults and the bases."""
    bases = document.get(BASE, {})
    if not is_table(bases):
        report.error((BASE,), f"`{BASE}` must be a table", f"Write [{BASE}.NAME] and its settings below.")
        bases = {}
    found: dict[At, object] = {(BASE, name): table for name, table in bases.items()}
    if DEFAULTS in document:
        found[DEFAULTS,] = document[DEFAULTS]
    for at, table in found.items():
        if not is_table(table):
            title = ".".join(str(part) for part in at)
            report.error(at, f"`{title}` must be a table", f"Write [{title}] and its settings below.")
            continue
        for name in OWN:
            if name in table:
                report.error((*at, name), f"`{name}` cannot be shared", "Write it in the connection itself.")
        yield Layer.of(at, {name: value for name, value in table.items() if name not in OWN}, environ)
