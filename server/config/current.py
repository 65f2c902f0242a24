"""The configuration in force: read at its first use, and again whenever its file has changed."""

import logging
import time
from collections.abc import Callable, Mapping
from typing import Final

import anyio
import anyio.to_thread

from .changes import Changes, diff
from .settings import Configuration, Problem, Types, Unreadable
from .source import Source

LOOK_SECONDS: Final = 1.0
"""How often the file is looked at, at most."""

LOG: Final = logging.getLogger("colonnade.config")


class Current:
    """One source, and what was last read from it. A file that breaks keeps the configuration that worked."""

    def __init__(
        self,
        source: Source,
        types: Types,
        environ: Mapping[str, str],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._source = source
        self._types = types
        self._environ = environ
        self._clock = clock
        self._configuration: Configuration | None = None
        self._error: Unreadable | None = None
        self._stamp: object = None
        self._looked_at = float("-inf")
        self._reading = anyio.Lock()

    @property
    def complaints(self) -> list[str]:
        """What keeps the file as it is now from being used, while an earlier state of it is in force."""
        return [] if self._error is None else [str(self._error)]

    async def get(self) -> tuple[Configuration, Changes | None]:
        """Return the configuration, and once after each change what changed.

        Raises Unreadable while no readable state of the file was ever seen.
        """
        changes = None
        if self._clock() - self._looked_at >= LOOK_SECONDS:
            async with self._reading:
                if self._clock() - self._looked_at >= LOOK_SECONDS:
                    changes = await self._look()
        if self._configuration is not None:
            return self._configuration, changes
        raise self._error or Unreadable(Problem(self._source.where, None, "not read yet", "Try again.", "error"))

    async def _look(self) -> Changes | None:
        stamp = self._source.stamp()
        if stamp == self._stamp and (self._configuration is not None or self._error is not None):
            self._looked_at = self._clock()
            return None
        old = self._configuration
        if old is None and self._error is not None:
            # A file that is mended is a change for those who were told that it is broken.
            old = Configuration((), (), self._source.where)
        try:
            self._configuration = await anyio.to_thread.run_sync(self._load)
            self._error = None
        except Unreadable as error:
            self._error = error
            LOG.warning("%s", error)
            return None
        finally:
            self._stamp = stamp
            self._looked_at = self._clock()
        for problem in self._configuration.problems:
            LOG.warning("%s", problem)
        return None if old is None else diff(old, self._configuration)

    def _load(self) -> Configuration:
        from .load import load  # the reader of files is no part of a start

        return load(self._source.read(), self._source.where, self._types, self._environ, demo=self._source.demo)
