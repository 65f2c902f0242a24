"""The text of a configuration as tables."""

import re
from typing import Final, TypeGuard

from .settings import Problem, Unreadable

Table = dict[str, object]
At = tuple[str | int, ...]
"""The way to a setting: names of tables and settings, positions in lists."""


def is_table(value: object) -> TypeGuard[Table]:
    """Tell whether a value of a document is a table."""
    return isinstance(value, dict)


def is_list(value: object) -> TypeGuard[list[object]]:
    """Tell whether a value of a document is a list."""
    return isinstance(value, list)


def holds(value: object, part: str | int) -> bool:
    """Tell whether a table has a setting, or a list a position."""
    if isinstance(part, str):
        return is_table(value) and part in value
    return is_list(value) and part < len(value)


def inside(value: object, part: str | int) -> object:
    """Return what a table or a list holds there; raises KeyError for nothing."""
    if isinstance(part, str) and is_table(value):
        return value[part]
    if isinstance(part, int) and is_list(value):
        return value[part]
    raise KeyError(part)


PLACE: Final = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")

WORDS: Final = (
    ("Invalid value", "a value is missing or not quoted", 'Put text in quotes: name = "Sales Analytics".'),
    ("Invalid statement", "this is no setting and no table", 'Write NAME = "value", [TABLE] or [[TABLE]].'),
    ("Expected '=' after a key", "a setting has no =", 'Write NAME = "value"; a name with spaces needs quotes.'),
    ("Expected newline", "something follows a value", "Start a new line for the next setting, or quote the value."),
    ("Expected ']'", "a table's header is not closed", 'Write [NAME]; a name with spaces needs quotes: ["A B"].'),
    ("Expected ']]'", "a table's header is not closed", "Write [[domain]] or [[domain.connection]]."),
    ("Cannot declare", "this table is already there", "Merge the two; several of a kind are written [[NAME]]."),
    ("Cannot overwrite", "this setting or table is already there", "Keep one of the two."),
    ("Duplicate inline", "this setting is already there", "Keep one of the two."),
    ("Cannot mutate", "this table is already complete", "Write all of its settings in one place."),
    ("Cannot redefine", "this table is already complete", "Write all of its settings in one place."),
    ("Unclosed", "a bracket is not closed", "Close it with ] or }."),
    ("Unterminated", "a quote is not closed", "Close it."),
    ("Expected", "a quote is not closed", "Close it."),
    ("Found invalid", "a quote is not closed, or a control character stands in the file", "Close or remove it."),
    ("Unescaped", "a backslash in double quotes", r"Write \\, or use single quotes: 'C:\data\shop.db'."),
    ("Illegal character", "a character that must be escaped, such as the end of a line", "Close the quote before it."),
)
"""What the parser says, what we say, and what to do."""


def parse(text: str, file: str) -> Table:
    """Read TOML; raises Unreadable with the line of the first mistake."""
    import tomllib

    line: int | None = None
    try:
        text.encode()
        return tomllib.loads(text)
    except UnicodeEncodeError:
        what, fix = "not UTF-8 text", "Save the file as UTF-8."
    except tomllib.TOMLDecodeError as error:
        place = PLACE.search(str(error))
        line = int(place[1]) if place and place[1] else text.rstrip().count("\n") + 1
        what, fix = _words(str(error))
    except RecursionError:
        what, fix = "lists or tables are nested too deeply", "Write them flat."
    except ValueError:
        what, fix = "a number is too long", "Put it in quotes."
    raise Unreadable(Problem(file, line, what, fix, "error"))


def _words(message: str) -> tuple[str, str]:
    for theirs, ours, fix in WORDS:
        if message.startswith(theirs):
            return f"not TOML: {ours}", fix
    return "not TOML", "Put text in quotes and close every bracket and quote."
