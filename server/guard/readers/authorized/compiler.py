"""The library's compiler, asked what a text would do; nothing ever runs."""

from collections.abc import Callable
from importlib import import_module
from threading import Lock
from typing import Any, Final, Protocol, cast

from ...dialects import Dialect
from ...reading import Unread

QUERY: Final = "EXPLAIN SELECT EXISTS (\n{}\n)"

PRAGMA: Final = "EXPLAIN {}"

DENY: Final = 1

READS: Final = 21

ABOUT: Final = 19
"""Numbers of the library's interface: its authorizer's no, and the actions of a query and of a PRAGMA."""


class Connection(Protocol):
    """What is used of the library's connection."""

    def execute(self, sql: str) -> object: ...
    def set_authorizer(self, callback: Callable[..., int]) -> None: ...


class Compiler:
    """A connection to an empty database in memory, behind an authorizer that denies everything."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._lock = Lock()
        self._connection: Connection | None = None
        self._asked: list[tuple[int, str | None, str | None]] = []
        self.orders_arguments = self.groups_digits = False
        """Younger libraries take ORDER BY within a call, and _ within a number; the older get the text without them."""

    def asks(self, text: str) -> tuple[int, str | None, str | None]:
        """Return the first action that the text asks for, with what for; Unread when it does not come to that."""
        with self._lock:
            if self._connection is None:
                self._open()
            return self._compiled(text)

    def _open(self) -> None:
        library: Any = import_module(self._dialect.parser)
        connection = cast(
            "Connection",
            library.connect(":memory:", isolation_level=None, check_same_thread=False, cached_statements=0),
        )
        connection.set_authorizer(self._deny)
        self._connection = connection
        self.orders_arguments = self._takes("SELECT max(1 ORDER BY 1)")
        self.groups_digits = self._takes("SELECT 1_0")

    def _takes(self, query: str) -> bool:
        try:
            return self._compiled(QUERY.format(query))[0] == READS
        except Unread:
            return False

    def _deny(self, action: int, first: str | None, second: str | None, *_: object) -> int:
        self._asked.append((action, first, second))
        return DENY

    def _compiled(self, text: str) -> tuple[int, str | None, str | None]:
        self._asked.clear()
        try:
            cast("Connection", self._connection).execute(text)
        except Exception as error:  # noqa: BLE001 - of the library, which is named in the dialect's data only
            if self._asked:
                return self._asked[0]
            raise Unread(str(error)[:160]) from None
        raise Unread("it asks for nothing")
