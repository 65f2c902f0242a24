"""The moment a statement has to be over, and the words for one that was not."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

import anyio

from ...errors import TimedOut

GRACE: Final = 0.5
"""How long after its own limit a server may take to say so, before we stop waiting, in seconds."""


class Deadline:
    """When a statement ends by the server's own limit, and when we stop waiting for that."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.server = anyio.current_time() + seconds
        self.ours = self.server + GRACE

    @property
    def passed(self) -> bool:
        # The server's clock starts a little later and may tick a little faster.
        return anyio.current_time() > self.server - 0.05

    def error(self) -> TimedOut:
        return TimedOut(
            f"The statement was stopped after {self.seconds:g} s, its time limit; nothing was changed.",
            hint="Narrow it with a filter on an indexed column or aggregate less.",
        )

    @contextmanager
    def bounds(self, *, server: bool = True) -> Generator[None]:
        """Give up on what is inside when the limit has passed; with `server`, only after the grace. Raises TimedOut."""
        with anyio.CancelScope(deadline=self.ours if server else self.server) as limit:
            yield
        if limit.cancelled_caught:
            raise self.error()
