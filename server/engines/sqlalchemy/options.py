"""How to reach a database through SQLAlchemy."""

from typing import Any

from pydantic import Field, SecretStr

from ...secrets import Secret
from ..base import Networked


def _shown(label: str, group: str) -> dict[str, Any]:
    return {"label": label, "group": group}


class SqlalchemyOptions(Networked):
    """A SQLAlchemy URL, with the login beside it if it is not to stand in it."""

    url: SecretStr = Field(
        description="SQLAlchemy URL of an async driver: dialect+driver://host:port/database",
        json_schema_extra=_shown("URL", "Connection"),
    )
    user: str | None = Field(
        default=None,
        description="Login, best one that may only read; instead of the url's",
        json_schema_extra=_shown("User", "Login"),
    )
    password: Secret | None = Field(
        default=None,
        description="Password of the login; instead of the url's",
        json_schema_extra=_shown("Password", "Login"),
    )
    connect_args: dict[str, Any] = Field(
        default_factory=dict,
        description="More arguments of the driver's connect(), under its own names",
        json_schema_extra=_shown("Driver arguments", "Connection"),
    )
