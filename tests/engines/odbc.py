"""Any ODBC data source as a case: PostgreSQL by its own driver, a database of the server that postgres.py starts."""

from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from colonnade.server.engines.odbc import ENGINE

from tests.contract.case import Case, Golden, Login, Server
from tests.contract.relay import relay
from tests.engines import postgres

DRIVER = "PostgreSQL Unicode"

UNTESTABLE = {
    "test_two_statements_never_both_run": (
        "psqlodbc sends a text of several statements as it is, and runs them all; here the guard and the login hold"
    ),
}

