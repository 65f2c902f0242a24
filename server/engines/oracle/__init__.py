"""Oracle on python-oracledb's thin mode: every statement a query, in a read-only transaction of its own.

Thick mode, which needs Oracle's client libraries and binds the whole process, is not supported.
"""

from collections.abc import Mapping

from ...model import Limits
from ..base import Abilities, Client, Engine, Route, direct
from ..base.logins import EXAMPLE
from .client import OracleClient
from .login import remedy
from .opening import connector
from .options import OracleOptions


class Oracle:
    """Oracle Database 12.1 and later."""

    dialect = "oracle"
    abilities = Abilities(empty_text=False)
    remedy = remedy((EXAMPLE.upper(),))
    options = OracleOptions

    async def open(
        self, options: OracleOptions, secrets: Mapping[str, str], limits: Limits, route: Route = direct
    ) -> Client:
        connect = connector(options, secrets, limits, route)
        return OracleClient(connect, await connect(), limits)


ENGINE: Engine[OracleOptions] = Oracle()
