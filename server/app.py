"""The app: opens and closes everything, and is the one object that every tool, resource and command receives."""

import os
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path
from typing import Final, Self

import anyio
import anyio.to_thread
from anyio.abc import TaskGroup

from .audit import Audit
from .catalog import Catalogs
from .config import Changes, Configuration, Connection, Current, Domain, Source, find
from .engines import EngineTypes, load
from .engines.base import Client, Networked
from .errors import ColonnadeError, ConfigError, Denied
from .executor import Executor
from .keys import ConnectionKey, fold
from .model import Caller, Result, ServerInfo, Status, VisibleCatalog
from .pool import Pool, identity_of
from .render.view import Seen, Standing
from .secrets import resolve
from .store import cache_folder

PATIENCE_SECONDS: Final = 2.0
"""How long an answer about several connections waits for those whose schema was never read."""


class App:
    """One running Colonnade. Opening it opens no connection and imports no driver."""

    def __init__(
        self, tasks: TaskGroup, source: Source, environ: Mapping[str, str], clock: Callable[[], float]
    ) -> None:
        self.demo = source.demo
        self._environ = environ
        self._current = Current(source, EngineTypes(), environ, clock=clock)
        self._pool = Pool(tasks, self._build, clock=clock)
        self._catalogs = Catalogs(tasks, self._pool, clock=clock)
        self._executor = Executor(self._pool, Audit())
        self._listeners: list[Callable[[], Awaitable[None]]] = []

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        config: Path | None = None,
        *,
        demonstrate: bool = False,
        environ: Mapping[str, str] = os.environ,
        clock: Callable[[], float] = time.monotonic,
    ) -> AsyncGenerator[Self]:
        """Open an app on the configuration that `find` finds, or on the embedded demo: asked for, or without any."""
        source = None if demonstrate else find(config, environ)
        if source is None:
            from . import demo

            source = Source(text=demo.config(cache_folder("demo", environ)), demo=True)
        failure: Exception | None = None
        async with anyio.create_task_group() as tasks:
            app = cls(tasks, source, environ, clock)
            tasks.start_soon(app._pool.keep_sweeping)
            try:
                yield app
            except Exception as error:  # noqa: BLE001 - raised again below, where the task group does not wrap it
                failure = error
            finally:
                with anyio.CancelScope(shield=True):
                    await app._pool.close()
                tasks.cancel_scope.cancel()
        if failure is not None:
            raise failure

    def on_change(self, listener: Callable[[], Awaitable[None]]) -> None:
        """Call `listener` whenever the configuration in force has changed."""
        self._listeners.append(listener)

    async def configuration(self) -> Configuration:
        """Return the configuration in force, after a look at the file; raises Unreadable if there never was one."""
        configuration, changes = await self._current.get()
        if changes is not None:
            await self._apply(changes)
        return configuration

    async def problems(self) -> list[str]:
        """Return what is wrong with the configuration beside what is told of its connections, a line each."""
        configuration = await self.configuration()
        told = {each.problem for domain in configuration.domains for each in domain.connections}
        found = [str(problem) for problem in configuration.problems if problem not in told and problem.level == "error"]
        return [*self._current.complaints, *found]

    async def domains(self, caller: Caller) -> tuple[Domain, ...]:
        """Return the domains in the order of the configuration."""
        return (await self.configuration()).domains

    async def connection(self, caller: Caller, key: str) -> Connection:
        """Find one connection that can be used, by its key or an unambiguous name.

        Raises UnknownConnection, AmbiguousConnection, EmptyDomain, ConfigError for one that is not usable as
        configured, or Denied for one that is switched off.
        """
        configuration = await self.configuration()
        return _usable(configuration.connection(configuration.directory.key(key)))

    async def scope(self, caller: Caller, name: str) -> list[Connection]:
        """Find the connections that a key or the name of a domain means, usable or not."""
        configuration = await self.configuration()
        return [configuration.connection(key) for key in configuration.directory.scope(name)]

    async def members(self, caller: Caller, domain: str) -> list[Connection]:
        """Return the connections of a domain; raises UnknownDomain or EmptyDomain."""
        configuration = await self.configuration()
        return [configuration.connection(key) for key in configuration.directory.members(domain)]

    async def member(self, caller: Caller, domain: str, name: str) -> Connection:
        """Find a connection of a domain by its name there, or by its key; raises UnknownDomain or UnknownConnection."""
        configuration = await self.configuration()
        text = name if ":" in name else f"{configuration.directory.domain(domain)}:{name}"
        return configuration.connection(configuration.directory.key(text))

    async def connections(  # noqa: PLR0913 - one filter each
        self,
        caller: Caller,
        *,
        domain: str | None = None,
        kind: str | None = None,
        status: Status | None = None,
        environment: str | None = None,
        match: str | None = None,
    ) -> list[Standing]:
        """List connections in the order of the configuration; raises UnknownDomain or EmptyDomain for the filter."""
        configuration = await self.configuration()
        wanted = None if domain is None else {key.domain for key in configuration.directory.members(domain)}
        kinds = None if kind is None else EngineTypes().aliases.get(fold(kind), kind)
        standings = [
            self._standing(caller, each, connection)
            for each in configuration.domains
            if wanted is None or each.name in wanted
            for connection in each.connections
            if (kinds is None or connection.type == kinds)
            and (environment is None or fold(connection.environment) == fold(environment))
            and (match is None or _matches(match, connection))
        ]
        return [standing for standing in standings if status is None or standing.status == status]

    def _standing(self, caller: Caller, domain: Domain, connection: Connection) -> Standing:
        if connection.problem is not None:
            reason = f"{connection.problem.what}. {connection.problem.fix}"
            return Standing(connection, domain, "config_error", reason, None, None)
        if not connection.enabled:
            return Standing(connection, domain, "disabled", "enabled = false in the configuration", None, None)
        identity = identity_of(connection, caller)
        health = self._pool.health(connection, identity)
        known = self._catalogs.known(connection, identity)
        reason = "" if health.error is None else health.error.what
        tables = None if known is None else len(known.tables)
        engine, login = load(connection.type), health.login
        if login is not None and not login.remedy:
            login = replace(login, remedy=engine.remedy)
        lacks = engine.abilities.lacking
        return Standing(connection, domain, health.status, reason, tables, health.checked_at, lacks, login)

    async def run(self, caller: Caller, connection: Connection, sql: str, *, rows: int | None = None) -> Result:
        """Run one statement that only reads; see `Executor.run`."""
        return await self._executor.run(caller, connection, sql, rows=rows)

    async def catalog(self, caller: Caller, connection: Connection) -> VisibleCatalog:
        """Return what the caller may see of a connection's schema; raises what reaching it does."""
        return await self._catalogs.get(_usable(connection), identity_of(connection, caller))

    async def see(self, caller: Caller, connections: Sequence[Connection]) -> list[Seen]:
        """Return several connections with their catalogs, or the errors of reading them.

        One alone is waited for to its own limits; of several, those that were not read within `PATIENCE_SECONDS` have
        neither, and their reading goes on.
        """
        found: dict[ConnectionKey, VisibleCatalog] = {}
        failed: dict[ConnectionKey, ColonnadeError] = {}

        async def read(connection: Connection) -> None:
            try:
                found[connection.key] = await self.catalog(caller, connection)
            except ColonnadeError as error:
                failed[connection.key] = error

        with anyio.move_on_after(PATIENCE_SECONDS if len(connections) > 1 else None):
            async with anyio.create_task_group() as tasks:
                for connection in connections:
                    tasks.start_soon(read, connection)
        domains = {domain.name: domain for domain in (await self.configuration()).domains}
        return [
            Seen(self._standing(caller, domains[c.key.domain], c), found.get(c.key), failed.get(c.key))
            for c in connections
        ]

    async def clients(self, caller: Caller, domain: str) -> dict[ConnectionKey, ServerInfo | ColonnadeError]:
        """Build the clients of a whole domain, and tell for each key what its server says or why it failed.

        Raises UnknownDomain or EmptyDomain.
        """
        configuration = await self.configuration()
        reached: dict[ConnectionKey, ServerInfo | ColonnadeError] = {}

        async def reach(connection: Connection) -> None:
            try:
                identity = identity_of(connection, caller)
                reached[connection.key] = await self._pool.use(
                    _usable(connection), identity, lambda client: client.ping()
                )
            except ColonnadeError as error:
                reached[connection.key] = error

        keys = configuration.directory.members(domain)
        async with anyio.create_task_group() as tasks:
            for key in keys:
                tasks.start_soon(reach, configuration.connection(key))
        return {key: reached[key] for key in keys}

    async def look(self, caller: Caller, domain: str | None = None) -> None:
        """Open every connection, or those of a domain, and wait until it is known what their logins may do.

        What fails stands in the status of its connection. Raises UnknownDomain or EmptyDomain.
        """
        configuration = await self.configuration()
        keys = None if domain is None else configuration.directory.members(domain)
        listed = [
            each for found in configuration.domains for each in found.connections if keys is None or each.key in keys
        ]

        async def look(connection: Connection) -> None:
            with suppress(ColonnadeError):
                await self._pool.look(_usable(connection), identity_of(connection, caller))

        async with anyio.create_task_group() as tasks:
            for connection in listed:
                tasks.start_soon(look, connection)

    async def _build(self, connection: Connection, identity: str) -> Client:
        if self.demo:
            from . import demo

            await anyio.to_thread.run_sync(demo.build, cache_folder("demo", self._environ))
        if connection.options is None:
            raise ConfigError("The connection has no usable settings.")
        engine, options, limits = load(connection.type), connection.options, connection.limits
        secrets = await resolve(options)
        if isinstance(options, Networked) and options.ssh is not None:
            from .tunnel import through

            return await through(options.ssh, secrets, limits, partial(engine.open, options, secrets, limits))
        return await engine.open(options, secrets, limits)

    async def _apply(self, changes: Changes) -> None:
        for key in (*changes.removed, *changes.reconnect):
            self._pool.retire(key)
        for listener in self._listeners:
            await listener()


def _usable(connection: Connection) -> Connection:
    if connection.problem is not None:
        raise ConfigError(
            f"This connection is not usable as configured: {connection.problem.what}.", hint=connection.problem.fix
        ).at(str(connection.key), connection.type)
    if not connection.enabled:
        raise Denied(
            "This connection is switched off.", hint="Its owner can set enabled = true in the configuration."
        ).at(str(connection.key), connection.type)
    return connection


def _matches(pattern: str, connection: Connection) -> bool:
    text = fold(" ".join((str(connection.key), connection.type, connection.description, *connection.tags)))
    sought = fold(pattern)
    if any(sign in sought for sign in "*?["):
        return fnmatchcase(fold(str(connection.key)), sought) or fnmatchcase(fold(connection.key.connection), sought)
    return all(word in text for word in sought.split())
