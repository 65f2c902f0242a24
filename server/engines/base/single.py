"""One statement a text, for drivers that would run several: the last look, after the guard's."""

import re
from typing import Final

from ...errors import SqlError

QUOTED: Final = re.compile(r"'[^']*'|\"[^\"]*\"")
"""A text or a quoted name, which every dialect reads alike: a doubled quote inside it only begins the next one."""

OTHERWISE: Final = re.compile(r"[\\`$#\[]|--|/\*|['\"]")
"""What dialects read each in its own way: escapes, other quotes, comments, and a quote that is left open."""


def refuse_several(text: str) -> None:
    """Raise SqlError unless every dialect takes the text for one statement.

    A ; inside '…' is one character of a text, unless there is also something by which a dialect may end that text
    elsewhere: then nobody but the database knows, and the text is not sent.
    """
    inner = text.strip().removesuffix(";")
    if ";" not in inner:
        return
    bare = QUOTED.sub("", inner)
    if ";" in bare or OTHERWISE.search(bare) or "\\" in inner:
        raise SqlError(
            "This driver would take a text with ; in it for several statements, so it is not sent.",
            hint="Send one statement; beside a ; in quotes use no comment and no backslash.",
        )
