"""SQLite on the standard library: the file opened read-only, an authorizer as the gate, statements in threads.

SQLite types belong to values, not to columns: a column's type here is that of its first value that is not NULL.
"""

import sqlite3
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from time import time
from typing import Final, TypeVar
from urllib.parse import quote, unquote

import anyio.to_thread
from anyio.lowlevel import checkpoint
from pydantic import Field, ValidationInfo, model_validator

from ..errors import ColonnadeError, Denied, SqlError, Unreachable
from ..model import Catalog, Cell, Column, ForeignKey, Index, Judged, Limits, Login, ResultColumn, ServerInfo, Table
from .base import Abilities, Client, Cursor, Engine, Options, Route, absolute, codecs, direct
from .base.deadline import Deadline
from .base.threads import in_thread

T = TypeVar("T")

BATCH: Final = 1_000
AHEAD: Final = 4
"""Batches that are read at once, after the first."""
LOCK_SECONDS: Final = 5.0
SCHEMA: Final = "main"
LONGEST_VALUE: Final = 50_000_000

FORBIDDEN_FUNCTIONS: Final = frozenset({"load_extension", "fts3_tokenizer", "readfile", "writefile", "edit", "zipfile"})
READING_PRAGMAS: Final = frozenset(
    {"table_info", "table_xinfo", "table_list", "index_list", "index_info", "index_xinfo", "foreign_key_list"}
)
TYPES: Final[dict[type, str]] = {int: "integer", float: "real", str: "text", bytes: "blob"}


class SqliteOptions(Options):
    """A database file; it must exist."""

    path: str | None = Field(None, description="The file, relative to the configuration's folder")
    url: str | None = Field(None, description="sqlite:///relative/path or sqlite:////absolute/path")

    @model_validator(mode="before")
    @classmethod
    def _one_absolute_path(cls, data: object, info: ValidationInfo) -> object:
        if not isinstance(data, dict):
            return data
        given: dict[str, object] = {**data}
        path, url = given.get("path"), given.get("url")
        if (path is None) == (url is None):
            raise ValueError("both url and path are given" if path is not None else "neither path nor url is given")
        if isinstance(url, str):
            scheme, separator, rest = url.partition(":///")
            if not (separator and rest) or "?" in rest:
                raise ValueError("the url is not of the form sqlite:///path")
            path = unquote(rest) if scheme.startswith("sqlite") else rest
        if isinstance(path, str):
            path = absolute(path, info)
        return {"path": path}


class Sqlite:
    """SQLite 3, in this process."""

    dialect = "sqlite"
    abilities = Abilities(schemas=False, comments=False, server_side_timeout=False)
    options = SqliteOptions
    remedy = ""

    async def open(
        self,
        options: SqliteOptions,
        secrets: Mapping[str, str],  # noqa: ARG002 - a file has no login
        limits: Limits,
        route: Route = direct,  # noqa: ARG002 - nor a host
    ) -> Client:
        path = options.path or ""
        return SqliteClient(path, await anyio.to_thread.run_sync(_open, path, limits.connect))


class SqliteClient:
    """Connections to one file, opened as statements need them and kept for the next."""

    def __init__(self, path: str, first: sqlite3.Connection) -> None:
        self._path = path
        self._idle = [first]
        self._closed = False

    @asynccontextmanager
    async def run(self, statement: Judged, *, rows: int, seconds: float) -> AsyncGenerator[Cursor]:
        deadline = Deadline(seconds)
        connection = self._idle.pop() if self._idle else await anyio.to_thread.run_sync(_open, self._path, seconds)
        cursor = SqliteCursor(connection, rows, deadline)
        try:
            await cursor.start(statement.text)
            yield cursor
        finally:
            # Closing the cursor resets the statement, which ends its read transaction.
            cursor.close()
            if self._closed:
                connection.close()
            else:
                self._idle.append(connection)

    async def catalog(self) -> Catalog:
        return await anyio.to_thread.run_sync(_read_catalog, self._path)

    async def fingerprint(self) -> str:
        return await anyio.to_thread.run_sync(_read_fingerprint, self._path)

    async def ping(self) -> ServerInfo:
        await anyio.to_thread.run_sync(_read_fingerprint, self._path)
        return ServerInfo(version=f"SQLite {sqlite3.sqlite_version}")

    async def login(self) -> Login:
        """Say that there is none: the file is open read-only, whoever owns it."""
        await checkpoint()
        return Login("")

    async def close(self) -> None:
        self._closed = True
        while self._idle:
            self._idle.pop().close()
        await checkpoint()


class SqliteCursor:
    """One statement; the first batch is read when it starts, since only values tell the types."""

    def __init__(self, connection: sqlite3.Connection, rows: int, deadline: Deadline) -> None:
        self._connection = connection
        self._cursor = connection.cursor()
        self._left = rows + 1
        self._deadline = deadline
        self._first: list[tuple[object, ...]] = []
        self.columns: tuple[ResultColumn, ...] = ()

    async def start(self, text: str) -> None:
        def work() -> list[tuple[object, ...]]:
            self._cursor.execute(text)
            return self._cursor.fetchmany(min(BATCH, self._left)) if self._cursor.description else []

        self._first = await self._in_thread(work)
        self.columns = tuple(
            ResultColumn(description[0], _type_of(self._first, position), _value)
            for position, description in enumerate(self._cursor.description or ())
        )

    async def batches(self) -> AsyncIterator[list[tuple[object, ...]]]:
        rows = self._first
        while rows:
            self._left -= len(rows)
            for start in range(0, len(rows), BATCH):
                yield rows[start : start + BATCH]
            if self._left <= 0:
                return
            # Each way into the thread has its price.
            rows = await self._in_thread(lambda: self._cursor.fetchmany(min(AHEAD * BATCH, self._left)))

    def close(self) -> None:
        self._cursor.close()

    async def _in_thread(self, work: Callable[[], T]) -> T:
        try:
            return await in_thread(work, interrupt=self._connection.interrupt, deadline=self._deadline)
        except (sqlite3.Error, UnicodeDecodeError) as error:
            raise _explain(error) from None


def _value(value: object) -> Cell:
    kind = type(value)
    if kind is str:
        return value  # pyright: ignore[reportReturnType] - an exact str by the test above
    if kind is int:
        return codecs.integer(value)
    return codecs.floating(value) if kind is float else codecs.binary(value)


def _type_of(rows: list[tuple[object, ...]], position: int) -> str:
    return next((TYPES[type(row[position])] for row in rows if row[position] is not None), "any")


def _explain(error: Exception) -> ColonnadeError:
    """Map a driver's error: it says what and near what, never where the file is."""
    if isinstance(error, UnicodeDecodeError) or "decode to UTF-8" in str(error):
        return SqlError(
            "A text of the result is not UTF-8.", hint="Select hex(column) or cast(column as blob) instead."
        )
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_AUTH):
        return Denied(
            f"This connection only reads: {error}. Nothing was changed.",
            hint="Send a SELECT; for table structures use describe_tables.",
        )
    if code == sqlite3.SQLITE_BUSY:
        return SqlError(
            f"The database file is locked by another program for over {LOCK_SECONDS:g} s.", hint="Try again."
        )
    return SqlError(f"SQLite: {error}.")


def _connect(path: str, seconds: float) -> sqlite3.Connection:
    if not Path(path).is_file():
        raise Unreachable(f"There is no file {Path(path).name} at the configured path.", hint="Correct `path`.")
    try:
        connection = sqlite3.connect(
            f"file:{quote(path)}?mode=ro",
            uri=True,
            timeout=min(seconds, LOCK_SECONDS),
            isolation_level=None,
            check_same_thread=False,
        )
        connection.execute("select count(*) from sqlite_schema").fetchall()
    except sqlite3.Error as error:
        raise Unreachable(
            f"The file {Path(path).name} cannot be opened as a SQLite database: {error}.",
            hint="Check that the path is right and that this user may read the file.",
        ) from None
    return connection


def _open(path: str, seconds: float) -> sqlite3.Connection:
    """Open a connection for callers' statements: read-only, and deaf to everything but reading."""
    connection = _connect(path, seconds)
    # Virtual tables are created at their first use, which the authorizer would take for DDL.
    connection.execute("select 1 from json_each('[]'), json_tree('[]')").fetchall()
    connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LONGEST_VALUE)
    connection.execute("pragma trusted_schema = off")
    connection.set_authorizer(_authorize)
    return connection


def _authorize(action: int, first: str | None, second: str | None, _database: str | None, _inner: str | None) -> int:
    match action:
        case sqlite3.SQLITE_SELECT | sqlite3.SQLITE_READ | sqlite3.SQLITE_RECURSIVE:
            return sqlite3.SQLITE_OK
        case sqlite3.SQLITE_FUNCTION:
            return sqlite3.SQLITE_DENY if (second or "").lower() in FORBIDDEN_FUNCTIONS else sqlite3.SQLITE_OK
        case sqlite3.SQLITE_PRAGMA if (first or "").lower() in READING_PRAGMAS:
            return sqlite3.SQLITE_OK
        case _:
            return sqlite3.SQLITE_DENY


def _read_fingerprint(path: str) -> str:
    with closing(_connect(path, LOCK_SECONDS)) as connection:
        return _fingerprint(connection)


def _fingerprint(connection: sqlite3.Connection) -> str:
    digest = sha256()
    for row in connection.execute("select type, name, tbl_name, sql from sqlite_schema order by 1, 2"):
        digest.update(repr(row).encode())
    return digest.hexdigest()[:16]


def _read_catalog(path: str) -> Catalog:
    with closing(_connect(path, LOCK_SECONDS)) as connection:
        connection.execute("begin")
        objects: list[tuple[str, str]] = connection.execute(
            "select name, type from sqlite_schema where type in ('table', 'view')"
            " and name not like 'sqlite\\_%' escape '\\' order by name"
        ).fetchall()
        estimates = _estimates(connection)
        tables = {name: _table(connection, name, kind == "view", estimates.get(name)) for name, kind in objects}
        return Catalog(
            tables=tuple(_with_foreign_keys(connection, table, tables) for table in tables.values()),
            fingerprint=_fingerprint(connection),
            read_at=time(),
            default_schema=SCHEMA,
        )


def _estimates(connection: sqlite3.Connection) -> dict[str, int]:
    """Return row counts as ANALYZE left them: the first number of a table's statistics."""
    if not connection.execute("select 1 from sqlite_schema where name = 'sqlite_stat1'").fetchall():
        return {}
    rows: list[tuple[str, str]] = connection.execute(
        "select tbl, max(cast(stat as integer)) from sqlite_stat1 where stat is not null group by tbl"
    ).fetchall()
    return {name: int(count) for name, count in rows}


def _table(connection: sqlite3.Connection, name: str, view: bool, rows: int | None) -> Table:  # noqa: FBT001 - a fact of the row read
    try:
        described = connection.execute(
            'select name, type, "notnull", dflt_value, pk, hidden from pragma_table_xinfo(?) order by cid', (name,)
        ).fetchall()
    except sqlite3.Error:
        described = []  # a view over a table that is gone
    keyed = sorted((pk, column) for column, _, _, _, pk, _ in described if pk)
    unique, indexes = _indexes(connection, name)
    return Table(
        schema=SCHEMA,
        name=name,
        kind="view" if view else "table",
        rows=rows,
        columns=tuple(
            Column(column, kind.lower() or "any", not (notnull or pk), default, None, hidden in (2, 3))
            for column, kind, notnull, default, pk, hidden in described
            if hidden != 1
        ),
        primary_key=tuple(column for _, column in keyed),
        unique=unique,
        indexes=indexes,
    )


def _indexes(connection: sqlite3.Connection, name: str) -> tuple[tuple[tuple[str, ...], ...], tuple[Index, ...]]:
    unique: list[tuple[str, ...]] = []
    indexes: list[Index] = []
    listed = connection.execute('select name, "unique", origin from pragma_index_list(?) order by name', (name,))
    for index, is_unique, origin in listed.fetchall():
        parts = connection.execute("select name from pragma_index_info(?) order by seqno", (index,)).fetchall()
        columns = tuple(column if column is not None else "(expression)" for (column,) in parts)
        if origin == "u":
            unique.append(columns)
        elif origin == "c":
            indexes.append(Index(index, columns, bool(is_unique)))
    return tuple(unique), tuple(indexes)


def _with_foreign_keys(connection: sqlite3.Connection, table: Table, tables: dict[str, Table]) -> Table:
    if table.kind == "view":
        return table
    listed = connection.execute(
        'select id, "table", "from", "to" from pragma_foreign_key_list(?) order by id, seq', (table.name,)
    )
    grouped: dict[int, list[tuple[str, str, str | None]]] = {}
    for number, there, column, target in listed.fetchall():
        grouped.setdefault(number, []).append((there, column, target))
    folded = {name.lower(): name for name in tables}
    keys: list[ForeignKey] = []
    for parts in grouped.values():
        there = folded.get(parts[0][0].lower(), parts[0][0])
        # Without a column named, the key points at the primary key.
        implied = tables[there].primary_key if there in tables else ()
        targets = tuple(target for _, _, target in parts if target is not None) or implied
        keys.append(ForeignKey(tuple(column for _, column, _ in parts), SCHEMA, there, targets))
    keys.sort(key=lambda key: key.columns)
    return replace(table, foreign_keys=tuple(keys))


ENGINE: Engine[SqliteOptions] = Sqlite()
