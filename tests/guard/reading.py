"""How the statements of the files here are told apart, by both readers' tests."""

import re
from pathlib import Path

from colonnade.server.guard.reading import Harmful, Reader, Reading, Unread

STATEMENTS = Path(__file__).with_name("statements")
GENERATED = 1_000_000


def lines(name: str) -> list[str]:
    return (STATEMENTS / name).read_text("utf-8").splitlines()


def harmful(name: str) -> list[tuple[str, str]]:
    """Return what gives each statement away, and the statement."""
    return [(tell, sql) for tell, _, sql in (line.partition(" | ") for line in lines(name))]


def tells(reader: Reader, text: str) -> set[str]:
    """Return what the rules can refuse the text for: - when the reader did itself."""
    try:
        found = reader(text)
    except (Harmful, Unread):
        return {"-"}
    named = {f"{called.schema}.{called.name}".lstrip(".") for called in found.functions}
    named |= {called.name for called in found.functions}
    if any(called.size and called.size > GENERATED for called in found.functions):
        named.add("size")
    if reads_files(found):
        named.add("file")
    return named | {".".join(relation.parts).lower() for relation in found.relations}


def reads_files(found: Reading) -> bool:
    return any(
        relation.quoted and re.search(r"[./\\*?:]", part) for relation in found.relations for part in relation.parts
    )
