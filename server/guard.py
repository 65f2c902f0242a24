"""What may run: for now, one statement a call; that it only reads is the engine's own read-only mode.

Pure and synchronous. The reading is generic: where engines differ, text counts as outside of a quotation, so that a
misreading refuses and never lets a second statement through.
"""

import re

from .errors import Refused
from .model import Judged

LONGEST = 100_000
"""Characters of a statement, at most."""

TOKEN = re.compile(
    r"""
    (?P<comment> --[^\n]* | /\*.*?\*/ )
  | (?P<quoted>  \b[eE]'(?:[^'\\]|\\.|'')*' | '(?:[^']|'')*' | "(?:[^"]|"")*" | `(?:[^`]|``)*`
               | (?P<dollar> \$(?:[^\W\d]\w*)?\$ ) .*? (?P=dollar) )
  | (?P<end>     ; )
  | (?P<open>    /\* | ['"`] )
  | (?P<other>   \w[\w$]* | \s+ | . )
    """,
    re.VERBOSE | re.DOTALL,
)


def judge(text: str, dialect: str) -> Judged:
    """Let one statement pass, or raise Refused with the reason; no database is touched."""
    if len(text) > LONGEST:
        raise Refused(
            f"The statement has {len(text):,} characters; {LONGEST:,} is the most.",
            hint="Shorten it: join a table instead of listing values.",
        )
    if "\0" in text:
        raise Refused("The statement holds a NUL character.", hint="Remove it.")
    begun = ended = False
    for token in TOKEN.finditer(text):
        match token.lastgroup:
            case "end":
                ended = ended or begun
            case "comment":
                pass
            case "open":
                raise Refused(
                    f"The {token.group()} at character {token.start() + 1} of the statement is never closed.",
                    hint="Close the quotation or comment.",
                )
            case _ if not token.group().isspace():
                if ended:
                    raise Refused(
                        f"The call holds more than one statement: a second begins at character {token.start() + 1}.",
                        hint="Send one statement a call.",
                    )
                begun = True
            case _:
                pass
    if not begun:
        raise Refused("The statement is empty.", hint="Send one SQL statement.")
    return Judged(text=text, dialect=dialect)
