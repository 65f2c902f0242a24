"""Catalogs by (effective settings, identity): read once however many ask, kept, and checked by fingerprint.

The raw catalog never leaves this module; what callers get is a `VisibleCatalog`.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import anyio
from anyio.abc import TaskGroup

from .config import Connection
from .engines.base import Client
from .errors import ColonnadeError, Internal, TimedOut, place_of
from .model import Catalog, VisibleCatalog
from .pool import Pool

FRESH_SECONDS: Final = 10.0
"""How long a catalog is served without asking the database whether it still holds."""

READ_SECONDS: Final = 60.0

LOG: Final = logging.getLogger("colonnade.catalog")

Place = tuple[str, str]
"""The digest of a connection's effective settings, and an identity: equal ones have one catalog."""


@dataclass(slots=True)
class Kept:
    """A catalog as it was last confirmed, on the clock of this module."""

    raw: Catalog
    checked_at: float
    stale_since: float | None = None


class Reading:
    """One attempt to read or confirm a catalog, shared by all who wait for it."""

    def __init__(self) -> None:
        self.ended = anyio.Event()
        self.error: ColonnadeError | None = None


class Catalogs:
    """Every catalog of this process."""

    def __init__(self, tasks: TaskGroup, pool: Pool, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._tasks = tasks
        self._pool = pool
        self._clock = clock
        self._kept: dict[Place, Kept] = {}
        self._readings: dict[Place, Reading] = {}

    def known(self, connection: Connection, identity: str) -> VisibleCatalog | None:
        """Return what is at hand, without asking anybody."""
        kept = self._kept.get((connection.effective, identity))
        return None if kept is None else _visible(kept)

    async def get(self, connection: Connection, identity: str) -> VisibleCatalog:
        """Return the catalog, read now if there is none, confirmed if it is older than `FRESH_SECONDS`.

        A catalog that cannot be confirmed is returned with `stale_since`; without one the error of the reading is
        raised: what `Pool.use` raises, or TimedOut. A caller that gives up does not stop the reading.
        """
        place = (connection.effective, identity)
        kept = self._kept.get(place)
        if kept is not None and self._clock() - kept.checked_at < FRESH_SECONDS:
            return _visible(kept)
        reading = self._readings.get(place)
        if reading is None:
            reading = self._readings[place] = Reading()
            self._tasks.start_soon(self._read, connection, identity, reading)
        await reading.ended.wait()
        kept = self._kept.get(place)
        if kept is not None:
            return _visible(kept)
        raise reading.error or Internal("The catalog was not read.")

    async def _read(self, connection: Connection, identity: str, reading: Reading) -> None:
        place = (connection.effective, identity)
        kept = self._kept.get(place)

        async def read(client: Client) -> Kept:
            if kept is None or await client.fingerprint() != kept.raw.fingerprint:
                return Kept(await client.catalog(), 0.0)
            return kept

        try:
            with anyio.fail_after(READ_SECONDS):
                kept = await self._pool.use(connection, identity, read)
            kept.stale_since = None
            self._kept[place] = kept
        except TimeoutError:
            reading.error = TimedOut(f"The schema was not read within {READ_SECONDS:g} s.", hint="Try again later.")
        except ColonnadeError as error:
            reading.error = error
        except Exception as error:  # noqa: BLE001 - whatever an adapter lets through must not end the task group
            LOG.error("reading %s failed: %s", connection.key, place_of(error))  # noqa: TRY400 - its text may hold a secret
            reading.error = Internal.of("Reading the schema", error)
        finally:
            if reading.error is not None:
                reading.error.at(str(connection.key), connection.type)
                LOG.warning("schema not read: %s", reading.error.message)
                if kept is not None:
                    kept.stale_since = kept.stale_since or kept.raw.read_at
            if kept is not None:
                kept.checked_at = self._clock()
            del self._readings[place]
            reading.ended.set()


def _visible(kept: Kept) -> VisibleCatalog:
    raw = kept.raw
    return VisibleCatalog(raw.tables, raw.fingerprint, raw.read_at, raw.default_schema, kept.stale_since)
