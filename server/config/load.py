"""From the text of a file to a configuration, with every problem found on the way."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from .connection import Reader
from .document import At, Table, is_table, parse
from .domain import block, tables
from .layers import Layer
from .mistakes import unknown
from .report import Report
from .roster import domains
from .settings import Configuration, Types

VERSION: Final = 1

OF_FILE: Final = ("version", "defaults", "base", "domain")

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
    bases = dict(_bases(document, report, environ))
    defaults = _shared(("defaults",), document["defaults"], report, environ) if "defaults" in document else None
    reader = Reader(report, types, environ, Path(file).parent, bases, defaults)
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


def _bases(document: Table, report: Report, environ: Mapping[str, str]) -> Iterator[tuple[str, Layer]]:
    bases = document.get("base", {})
    if not is_table(bases):
        report.error(("base",), "`base` must be a table", "Write [base.NAME] and its settings below.")
        return
    for name, table in bases.items():
        layer = _shared(("base", name), table, report, environ)
        if layer is not None:
            yield name, layer


def _shared(at: At, table: object, report: Report, environ: Mapping[str, str]) -> Layer | None:
    """Read settings that several connections share."""
    title = ".".join(str(part) for part in at)
    if not is_table(table):
        report.error(at, f"`{title}` must be a table", f"Write [{title}] and its settings below.")
        return None
    for name in OWN:
        if name in table:
            report.error((*at, name), f"`{name}` cannot be shared", "Write it in the connection itself.")
    return Layer.of(at, {name: value for name, value in table.items() if name not in OWN}, environ)
