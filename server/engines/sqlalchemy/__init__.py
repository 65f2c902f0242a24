"""Any database with an async SQLAlchemy dialect, for those without an adapter of their own.

SQLAlchemy connects, streams and reflects; the statement itself goes to the driver as it was written. What only an
engine's own adapter can know is missing here: statements have no time limit in the database, row counts are not
estimated, and values are as exact as the driver makes them.
"""

from collections.abc import Mapping

from ...model import Limits
from ..base import Abilities, Client, Engine, Route, direct
from ..base.logins import ANY_REMEDY
from .client import AlchemyClient
from .opening import connector
from .options import SqlalchemyOptions


class Sqlalchemy:
    """Whatever the URL names."""

    dialect = "generic"
    # Many databases have a read-only mode, which is used, and end what is cancelled; of one that nobody has named yet,
    # neither can be promised.
    abilities = Abilities(read_only=False, cancels=False, server_side_timeout=False, exact=False)
    options = SqlalchemyOptions
    remedy = ANY_REMEDY

    async def open(
        self, options: SqlalchemyOptions, secrets: Mapping[str, str], limits: Limits, route: Route = direct
    ) -> Client:
        connect = await connector(options, secrets, limits, route)
        return AlchemyClient(connect, await connect(), limits)


ENGINE: Engine[SqlalchemyOptions] = Sqlalchemy()
