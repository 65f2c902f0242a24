"""DuckDB, in this process: a file opened read-only, statements in threads, values as Arrow carries them."""

from collections.abc import Mapping

from ...model import Limits
from ..base import Abilities, Client, Engine, Route, direct
from ..base.driver import require
from .client import DuckdbClient
from .file import file_at
from .options import DuckdbOptions


class Duckdb:
    """DuckDB 2."""

    dialect = "duckdb"
    abilities = Abilities(server_side_timeout=False)
    options = DuckdbOptions
    remedy = ""

    async def open(
        self,
        options: DuckdbOptions,
        secrets: Mapping[str, str],  # noqa: ARG002 - a file has no login
        limits: Limits,
        route: Route = direct,  # noqa: ARG002 - nor a host
    ) -> Client:
        require("duckdb", 'pip install "colonnade[duckdb]"')
        client = DuckdbClient(file_at(options.path or ""), options, limits)
        await client.ping()
        return client


ENGINE: Engine[DuckdbOptions] = Duckdb()
