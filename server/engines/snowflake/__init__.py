"""Snowflake on its connector for asyncio: statements submitted, waited for and aborted by their query id.

There is no read-only mode: the role is the wall, and every statement is rolled back. DDL commits by itself in
Snowflake, so the role must be one that may only read.
"""

from collections.abc import Mapping

from ...model import Limits
from ..base import Abilities, Client, Engine, Route, direct
from ..base.logins import EXAMPLE
from .client import SnowflakeClient
from .login import remedy
from .opening import Leaving, connector
from .options import SnowflakeOptions


class Snowflake:
    """Snowflake, over HTTPS."""

    dialect = "snowflake"
    abilities = Abilities(read_only=False)
    remedy = remedy(EXAMPLE.upper(), "<warehouse>")
    options = SnowflakeOptions

    async def open(
        self,
        options: SnowflakeOptions,
        secrets: Mapping[str, str],
        limits: Limits,
        route: Route = direct,  # noqa: ARG002 - the driver takes no other name for TLS than the one it connects to
    ) -> Client:
        leaving = Leaving()
        connect = await connector(options, secrets, limits, leaving)
        return SnowflakeClient(connect, await connect(), limits, leaving)


ENGINE: Engine[SnowflakeOptions] = Snowflake()
