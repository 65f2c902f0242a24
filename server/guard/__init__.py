"""What may run: one statement that only reads, as far as its text can tell. Pure and synchronous; no database.

Characters, sizes and comments are looked at first, then the dialect's own reader parses what is left, and the rules
judge what it calls and reads. Everything is an allowlist: what is unknown, unread or crashes is refused. What runs is
the text that was judged. Further layers (the engine's read-only mode, the login) stand behind this one.
"""

from typing import Final

from ..errors import Refused
from ..model import Judged
from .dialects import of
from .lexical import prepared
from .reading import Harmful, Unread
from .rules import Policy, weigh

__all__ = ["NOTHING_MORE", "Policy", "judge"]

NOTHING_MORE: Final = Policy()
"""The policy of a connection that allows nothing beyond the rules."""


def judge(text: str, dialect: str, policy: Policy = NOTHING_MORE) -> Judged:
    """Let one statement that only reads pass, or raise Refused with the reason; no database is touched.

    The judged text is the given one with comments and closing semicolons blanked, of equal length.
    """
    facts = of(dialect)
    try:
        judged = prepared(text, facts)
        from .readers import reader_of

        weigh(reader_of(dialect)(judged), facts, policy)
    except Harmful as harm:
        reason, hint = harm.args
        raise Refused(f"{reason[:1].upper()}{reason[1:]}.", hint=hint) from None
    except Unread as unread:
        raise Refused(
            f"The statement cannot be read: {unread.args[0]}.",
            hint="Correct it, or write it in plainer SQL; what cannot be read does not run.",
        ) from None
    except RecursionError:
        raise Refused("The statement is nested too deeply.", hint="Flatten it, with CTEs for instance.") from None
    except Exception as error:  # noqa: BLE001 - a guard that crashes refuses
        raise Refused(
            f"The statement could not be judged ({type(error).__name__}).", hint="Write it in plainer SQL."
        ) from None
    return Judged(text=judged, dialect=dialect)
