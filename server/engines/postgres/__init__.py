"""PostgreSQL on asyncpg: every statement in a read-only transaction of its own, every value in an exact form.

Connections are kept by this adapter and not by asyncpg's pool, whose connections forget their prepared statements at
each release, wait for a frozen network before they let a cancelled task go, and cost a reset after every statement.
"""

from collections.abc import Mapping

from ...model import Limits
from ..base import Abilities, Client, Engine, Route, direct
from ..base.logins import EXAMPLE
from .client import PostgresClient
from .login import remedy
from .opening import connector
from .options import PostgresOptions


class Postgres:
    """PostgreSQL 12 and later."""

    dialect = "postgres"
    abilities = Abilities()
    remedy = remedy(EXAMPLE, ("public",))
    options = PostgresOptions

    async def open(
        self, options: PostgresOptions, secrets: Mapping[str, str], limits: Limits, route: Route = direct
    ) -> Client:
        connect = connector(options, secrets, limits, route)
        return PostgresClient(connect, await connect(), limits)


ENGINE: Engine[PostgresOptions] = Postgres()
