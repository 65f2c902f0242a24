"""MySQL and MariaDB on asyncmy: every statement in a read-only transaction of its own, every value in an exact form.

A server holds databases and these hold tables, with nothing in between: what a catalog calls schema is the name of
the database. A FLOAT is the one value that does not come whole: the server itself prints six digits of it, and the
column's type says so.
"""

from collections.abc import Mapping

from ...model import Limits
from ..base import Abilities, Client, Engine, Route, direct
from ..base.logins import EXAMPLE
from .client import MysqlClient
from .login import remedy
from .opening import connector
from .options import MysqlOptions


class Mysql:
    """MySQL 5.7 and MariaDB 10.3, and later ones."""

    dialect = "mysql"
    abilities = Abilities(schemas=False)
    remedy = remedy(EXAMPLE)
    options = MysqlOptions

    async def open(
        self, options: MysqlOptions, secrets: Mapping[str, str], limits: Limits, route: Route = direct
    ) -> Client:
        connect = connector(options, secrets, limits, route)
        return MysqlClient(connect, await connect(), limits)


ENGINE: Engine[MysqlOptions] = Mysql()
