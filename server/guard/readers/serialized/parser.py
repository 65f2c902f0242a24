"""The engine's parser and lexer, on a connection to nothing whose settings are locked; nothing ever runs."""

import json
import re
from importlib import import_module
from threading import Lock
from typing import Any, Final, Protocol, cast

from ...dialects import Dialect
from ...reading import Unread

Node = dict[str, Any]

Token = tuple[int, str]

SETTINGS: Final[dict[str, str | int | bool]] = {
    "enable_external_access": False,
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "python_enable_replacements": False,
    "threads": 1,
    "memory_limit": "256MB",
    "max_temp_directory_size": "0B",
}

LOCKING: Final = (
    "PRAGMA disable_optimizer",  # it would work on our own call
    # The tree comes as JSON, whose reader stops at about 900 levels; an expression has three levels a step.
    "SET max_expression_depth = 200",
    "SET lock_configuration = true",
)

SERIALIZE: Final = "SELECT json_serialize_sql(?, skip_default := true)"

NO_SELECT: Final = "Only SELECT statements can be serialized"

TOO_DEEP: Final = "Max expression depth"

WORD: Final = re.compile(r"\w+")


class Connection(Protocol):
    """What is used of the library's connection."""

    def execute(self, query: Any, parameters: list[str] = ...) -> "Connection": ...  # noqa: ANN401 - parsed, or a text
    def fetchone(self) -> tuple[str] | None: ...
    def extract_statements(self, query: str) -> list[Any]: ...


class Parser:
    """A connection of its own to nothing: in memory, without files, with its settings locked."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._lock = Lock()
        self._library: Any = None
        self._serialize: Any = None
        self._connection: Connection | None = None

    def tree(self, text: str) -> list[Node] | None:
        """Return the tree of each statement; None when one of them is no SELECT; Unread when the text is not parsed."""
        with self._lock:
            connection = self._open()
            found = connection.execute(self._serialize, [text]).fetchone()
        parsed: Node = json.loads(found[0]) if found else {"error": True}
        if parsed.get("error") is False:
            return parsed.get("statements", [])
        why = str(parsed.get("error_message", "it is not understood"))
        if why.startswith(NO_SELECT):
            return None
        if why.startswith(TOO_DEEP):
            raise Unread("it is nested too deeply")
        raise Unread(why.partition("\n")[0][:160])

    def kinds(self, text: str) -> list[str]:
        """Return the kind of each statement of the text, as the engine names it."""
        with self._lock:
            connection = self._open()
            try:
                return [statement.type.name for statement in connection.extract_statements(text)]
            except self._library.ParserException as error:
                raise Unread(str(error).partition("\n")[0].removeprefix("Parser Error: ")[:160]) from None

    def tokens(self, text: str) -> list[Token]:
        """Return words (upper case) and parentheses as the engine's lexer cuts them, by their place in the bytes."""
        raw = text.encode()
        with self._lock:
            self._open()
        kinds = self._library.token_type
        skipped = (kinds.comment, kinds.string_const, kinds.numeric_const)
        found: list[Token] = []
        for start, kind in self._library.tokenize(text):
            if kind == kinds.comment:
                continue
            word = WORD.match(raw[start : start + 40].decode(errors="replace"))
            plain = word.group().upper() if word and kind not in skipped else raw[start : start + 1].decode("latin-1")
            found.append((start, plain))
        return found

    def _open(self) -> Connection:
        if self._connection is None:
            try:
                self._library = import_module(self._dialect.parser)
            except ImportError:
                raise Unread(
                    f'its parser is not installed; the owner can add it: pip install "colonnade[{self._dialect.name}]"'
                ) from None
            connection = cast("Connection", self._library.connect(":memory:", config=SETTINGS))
            for setting in LOCKING:
                connection.execute(setting)
            self._serialize = connection.extract_statements(SERIALIZE)[0]
            self._connection = connection
        return self._connection
