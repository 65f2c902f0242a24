"""Who ran what, where, and how it ended: two entries with one number for every statement.

*asked* is written before the statement is judged or sent, *ended* before the answer leaves. For now the entries go to
the log of this process at level INFO, with a digest in place of the text.
"""

import hashlib
import itertools
import logging
from dataclasses import dataclass
from time import perf_counter
from typing import Final

from .keys import ConnectionKey
from .model import Caller

LOG: Final = logging.getLogger("colonnade.audit")


@dataclass(frozen=True, slots=True)
class Asked:
    """A statement that was asked for and has not ended yet."""

    number: int
    key: ConnectionKey
    engine: str
    began: float


class Audit:
    """The record of this process."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)

    def asked(self, caller: Caller, key: ConnectionKey, engine: str, sql: str) -> Asked:
        """Write that a caller wants a statement run."""
        entry = Asked(next(self._numbers), key, engine, perf_counter())
        if LOG.isEnabledFor(logging.INFO):
            digest = hashlib.sha256(sql.encode("utf-8", "surrogatepass")).hexdigest()[:16]
            LOG.info(
                'asked %d key="%s" type=%s caller=%s client=%s transport=%s digest=%s',
                entry.number, key, engine, caller.subject, caller.client, caller.transport, digest,
            )  # fmt: skip
        return entry

    def ended(self, asked: Asked, outcome: str, rows: int = 0) -> float:
        """Write how it ended: `ok` or the code of the error. Returns the milliseconds it took."""
        elapsed = (perf_counter() - asked.began) * 1_000
        LOG.info(
            'ended %d key="%s" type=%s outcome=%s rows=%d ms=%.1f',
            asked.number, asked.key, asked.engine, outcome, rows, elapsed,
        )  # fmt: skip
        return elapsed
