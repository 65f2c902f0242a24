"""Clients by (key, identity), each built on first use and kept while it is used.

A build belongs to the pool's task group, so that one caller giving up spoils nothing for the others; a failed one is
told to everybody until its back-off has passed. A retired client, after a reload or idleness, closes after its last
lease. A client whose login is refused later on had its secrets for too long: one attempt is made with new ones.
"""

import logging
import random
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final, TypeVar

import anyio
from anyio.abc import TaskGroup

from .config import Connection
from .engines.base import Client
from .errors import AuthFailed, Busy, ColonnadeError, Internal, Unreachable, place_of
from .keys import ConnectionKey
from .model import Caller, Login, Status

LOG: Final = logging.getLogger("colonnade.pool")

SYSTEM: Final = "system"
"""The identity of every connection whose login is the configuration's own, whoever asks."""

PROCESS_LIMIT: Final = 32
"""Statements that run at the same time in this process, at most."""

IDLE_SECONDS: Final = 300.0
SWEEP_SECONDS: Final = 30.0
CLOSE_SECONDS: Final = 5.0
LOOK_SECONDS: Final = 10.0
"""How long a look at what a login may do takes at most."""
QUIET_SECONDS: Final = 1.0
"""For how long a client has to be unused before that look."""
QUIET_ATTEMPTS: Final = 60
"""How often such a time is waited for, before the look is had while statements run."""

FIRST_BACKOFF: Final = 1.0
LONGEST_BACKOFF: Final = 60.0

FoundT = TypeVar("FoundT")

Slot = tuple[ConnectionKey, str, str]
"""A key, its effective settings and an identity: a caller who still holds the settings of before a reload cannot leave
a client of theirs to the callers after it."""

STATUS_OF: Final[dict[str, Status]] = {"config_error": "config_error", "driver_missing": "driver_missing"}
"""The status that an error code of a build means; any other is `down`."""


@dataclass(slots=True)
class Health:
    """What the last build, or the lack of one, says of a connection."""

    status: Status = "pending"
    error: ColonnadeError | None = None
    checked_at: float | None = None
    """Seconds since the epoch."""
    failures: int = 0
    closed_until: float = 0.0
    """On the pool's clock: before it no build is tried."""
    login: Login | None = None
    """What the login may do, once somebody has looked."""


@dataclass(eq=False, slots=True)
class Entry:
    """A client, or the attempt to build one, and how many leases it has."""

    ready: anyio.Event = field(default_factory=anyio.Event)
    client: Client | None = None
    error: ColonnadeError | None = None
    leases: int = 0
    retired: bool = False
    used_at: float = 0.0
    looked: bool = False
    """Whether the look at what the login may do has begun."""
    looking: anyio.CancelScope = field(default_factory=anyio.CancelScope)
    wanted: anyio.Event = field(default_factory=anyio.Event)
    """Set when somebody waits for it."""
    told: anyio.Event = field(default_factory=anyio.Event)
    """Set when there is nothing more to be told of the login."""


class Pool:
    """Builds, lends and closes clients. Opens nothing by itself."""

    def __init__(
        self,
        tasks: TaskGroup,
        build: Callable[[Connection, str], Awaitable[Client]],
        *,
        clock: Callable[[], float] = time.monotonic,
        jitter: Callable[[], float] = lambda: random.uniform(0.8, 1.2),  # noqa: S311 - spreads retries, hides nothing
    ) -> None:
        self._tasks = tasks
        self._build = build
        self._clock = clock
        self._jitter = jitter
        self._entries: dict[Slot, Entry] = {}
        self._health: dict[Slot, Health] = {}
        self._places: dict[tuple[str, str], anyio.CapacityLimiter] = {}
        self._process = anyio.CapacityLimiter(PROCESS_LIMIT)
        self._open: set[Entry] = set()
        self._closed = False

    def health(self, connection: Connection, identity: str) -> Health:
        """Tell what is known, without touching the database."""
        return self._health.get(_slot(connection, identity)) or Health()

    async def use(self, connection: Connection, identity: str, work: Callable[[Client], Awaitable[FoundT]]) -> FoundT:
        """Do a piece of work that only reads, once more from the start if the login of a living client is refused.

        The second client is built anew, so that its secrets are those of now. What a build raises is told at once:
        repeated logins lock an account. Raises what `lease` does, and what `work` does.
        """
        lent = False
        try:
            async with self.lease(connection, identity, last=False) as client:
                lent = True
                return await work(client)
        except AuthFailed:
            if not lent:
                raise
        async with self.lease(connection, identity) as client:
            return await work(client)

    @asynccontextmanager
    async def lease(self, connection: Connection, identity: str, *, last: bool = True) -> AsyncGenerator[Client]:
        """Lend the client for one piece of work; builds it if there is none.

        A client whose work raises Unreachable or AuthFailed is let go, and no other is built before its back-off has
        passed; unless, for AuthFailed, this is not the `last` attempt.
        Raises what the build raised (Unreachable, AuthFailed, DriverMissing, ConfigError), or Busy if no place came
        free within `limits.wait` seconds.
        """
        slot = _slot(connection, identity)
        entry, client = await self._checkout(connection, slot)
        try:
            async with self._place(connection, identity):
                yield client
        except (Unreachable, AuthFailed) as error:
            error.at(str(connection.key), connection.type)
            told = last or isinstance(error, Unreachable)
            self._lost(slot, entry, error if told else None)
            raise
        finally:
            self._give_back(connection, slot, entry)

    async def look(self, connection: Connection, identity: str) -> None:
        """Build the client if there is none, and wait until it is known what its login may do.

        Raises what the build raised.
        """
        slot = _slot(connection, identity)
        entry, _ = await self._checkout(connection, slot)
        self._give_back(connection, slot, entry)
        entry.wanted.set()
        await entry.told.wait()

    def retire(self, key: ConnectionKey) -> None:
        """Let the next caller of a key have a new client at once; running work keeps the old one to its end."""
        for slot in [slot for slot in self._health if slot[0] == key]:
            del self._health[slot]
        for slot in [slot for slot in self._entries if slot[0] == key]:
            self._retire(slot)

    def sweep(self) -> None:
        """Retire the clients that nobody used for `IDLE_SECONDS`."""
        now = self._clock()
        for slot, entry in list(self._entries.items()):
            if entry.client is not None and not entry.leases and now - entry.used_at > IDLE_SECONDS:
                self._retire(slot)

    async def keep_sweeping(self) -> None:
        """Sweep for as long as the pool lives."""
        while True:
            await anyio.sleep(SWEEP_SECONDS)
            self.sweep()

    async def close(self) -> None:
        """Close everything, leased or not, within `CLOSE_SECONDS`; builds end with the pool's task group."""
        self._closed = True
        for entry in self._entries.values():
            entry.retired = True
        self._entries.clear()
        async with anyio.create_task_group() as tasks:
            for entry in self._open:
                tasks.start_soon(self._close, entry)

    async def _checkout(self, connection: Connection, slot: Slot) -> tuple[Entry, Client]:
        while True:
            entry = self._entries.get(slot)
            if entry is None:
                entry = self._start_building(connection, slot)
            if not entry.ready.is_set():
                await entry.ready.wait()
            if entry.error is not None:
                raise _copy(entry.error)
            if entry.client is not None and not entry.retired:
                # No wait between the test and the count: nobody can retire it in between.
                entry.leases += 1
                return entry, entry.client

    def _give_back(self, connection: Connection, slot: Slot, entry: Entry) -> None:
        """End a lease. Nothing here waits, so a second cancellation cannot interrupt it."""
        entry.leases -= 1
        entry.used_at = self._clock()
        if entry.retired:
            if not entry.leases:
                self._start_closing(entry)
        elif not entry.looked:
            entry.looked = True
            self._tasks.start_soon(self._look, connection, slot, entry)

    async def _look(self, connection: Connection, slot: Slot, entry: Entry) -> None:
        """Ask what the login may do. It holds no lease and ends with its client; whatever it raises is an answer."""
        with entry.looking:
            await _quiet(entry)
            login = await _look_at(entry.client, connection.key) if entry.client is not None else None
            if self._entries.get(slot) is entry:
                self._health.setdefault(slot, Health()).login = login
        entry.told.set()

    def _start_building(self, connection: Connection, slot: Slot) -> Entry:
        if self._closed:
            raise Unreachable("The server is shutting down.")
        health = self._health.setdefault(slot, Health())
        left = health.closed_until - self._clock()
        if health.error is not None and left > 0:
            raise _copy(health.error, f" The next attempt is in {left:.0f} s.")
        entry = self._entries[slot] = Entry()
        self._tasks.start_soon(self._do_build, connection, slot, entry)
        return entry

    async def _do_build(self, connection: Connection, slot: Slot, entry: Entry) -> None:
        health = self._health.setdefault(slot, Health())
        try:
            with anyio.fail_after(connection.limits.connect):
                entry.client = await self._build(connection, slot[2])
            entry.used_at = self._clock()
            self._open.add(entry)
            health.status, health.error, health.failures, health.closed_until = "ok", None, 0, 0.0
        except TimeoutError:
            entry.error = Unreachable(
                f"No answer within {connection.limits.connect:g} s, the connect limit.",
                hint="Check host, port and firewall, or raise limits.connect. Other connections work.",
            )
        except ColonnadeError as error:
            entry.error = error
        except Exception as error:  # noqa: BLE001 - whatever an adapter lets through must not end the pool
            LOG.error("opening %s failed: %s", connection.key, place_of(error))  # noqa: TRY400 - its text may hold a secret
            entry.error = Internal.of("Opening", error)
        finally:
            health.checked_at = time.time()
            if entry.client is None:
                entry.error = entry.error or Unreachable("The server is shutting down.")
                entry.error.at(str(connection.key), connection.type)
                self._note_failure(health, entry.error)
                if self._entries.get(slot) is entry:
                    del self._entries[slot]
            entry.ready.set()
            if entry.client is not None and entry.retired and not entry.leases:
                self._start_closing(entry)

    def _lost(self, slot: Slot, entry: Entry, error: ColonnadeError | None) -> None:
        """Let a client that can reach nothing any more go; with an error, the back-off holds for the next callers."""
        if self._entries.get(slot) is entry:
            self._retire(slot)
            if error is not None:
                health = self._health.setdefault(slot, Health())
                health.checked_at = time.time()
                self._note_failure(health, error)

    def _note_failure(self, health: Health, error: ColonnadeError) -> None:
        health.failures += 1
        health.status = STATUS_OF.get(error.code, "down")
        health.error = error
        backoff = min(LONGEST_BACKOFF, FIRST_BACKOFF * 2 ** min(health.failures - 1, 10))
        health.closed_until = self._clock() + backoff * self._jitter()

    @asynccontextmanager
    async def _place(self, connection: Connection, identity: str) -> AsyncGenerator[None]:
        """Take a place of the connection and one of the process; equal targets share their places."""
        mine = self._places.get((connection.effective, identity))
        if mine is None:
            mine = self._places[connection.effective, identity] = anyio.CapacityLimiter(connection.limits.concurrent)
        elif mine.total_tokens != connection.limits.concurrent:
            mine.total_tokens = connection.limits.concurrent
        # The borrower is an object and not the task: one task may hold several places.
        borrower = object()
        held: list[anyio.CapacityLimiter] = []
        try:
            try:
                for limiter in (mine, self._process):
                    await _borrow(limiter, borrower, connection.limits.wait)
                    held.append(limiter)
            except TimeoutError:
                limits = connection.limits
                raise Busy(
                    f"No place came free in {limits.wait:g} s; {limits.concurrent} statements may run at a time.",
                    hint="Try again when one has ended, or raise limits.concurrent.",
                ) from None
            yield
        finally:
            for limiter in held:
                limiter.release_on_behalf_of(borrower)

    def _retire(self, slot: Slot) -> None:
        entry = self._entries.pop(slot)
        entry.retired = True
        if entry.client is not None and not entry.leases:
            self._start_closing(entry)

    def _start_closing(self, entry: Entry) -> None:
        self._tasks.start_soon(self._close, entry)

    async def _close(self, entry: Entry) -> None:
        client, entry.client = entry.client, None
        entry.looking.cancel()
        entry.told.set()
        if client is not None:
            with anyio.move_on_after(CLOSE_SECONDS, shield=True):
                await client.close()
        self._open.discard(entry)


async def _borrow(limiter: anyio.CapacityLimiter, borrower: object, seconds: float) -> None:
    """Take a token at once if there is one, which is the rule, or wait for it; raises TimeoutError."""
    try:
        limiter.acquire_on_behalf_of_nowait(borrower)
    except anyio.WouldBlock:
        with anyio.fail_after(seconds):
            await limiter.acquire_on_behalf_of(borrower)


def _slot(connection: Connection, identity: str) -> Slot:
    return (connection.key, connection.effective, identity)


async def _quiet(entry: Entry) -> None:
    """Wait until nobody uses a client: else a statement would wait for the look, or find its connection taken."""
    for _ in range(QUIET_ATTEMPTS):
        before = entry.used_at
        with anyio.move_on_after(QUIET_SECONDS):
            await entry.wanted.wait()
            return
        if not entry.leases and entry.used_at == before:
            return


async def _look_at(client: Client, key: ConnectionKey) -> Login:
    try:
        with anyio.fail_after(LOOK_SECONDS):
            return await client.login()
    except TimeoutError:
        return _unchecked(f"no answer within {LOOK_SECONDS:g} s")
    except ColonnadeError as error:
        return _unchecked(error.what)
    except Exception as error:  # noqa: BLE001 - whatever an adapter lets through must not end the pool
        LOG.error("looking at the login of %s failed: %s", key, place_of(error))  # noqa: TRY400 - its text may hold a secret
        return _unchecked(f"{type(error).__name__}, a fault of ours")


def _unchecked(why: str) -> Login:
    return Login("", (f"could not be checked: {why.rstrip('.')}",))


def identity_of(connection: Connection, caller: Caller) -> str:  # noqa: ARG001 - all logins are the configuration's so far
    """Return whose login a caller uses on a connection; clients and catalogs of different identities never mix."""
    return SYSTEM


def _copy(error: ColonnadeError, more: str = "") -> ColonnadeError:
    """Return an error to raise once more: one that several tasks raised would collect all their tracebacks."""
    copy = type(error)(error.what, hint=(error.hint + more).strip(), candidates=error.candidates)
    copy.where = error.where
    return copy
