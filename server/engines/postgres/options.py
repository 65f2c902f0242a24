"""How to reach a PostgreSQL database."""

from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr, ValidationInfo, field_validator, model_validator

from ...secrets import Secret
from ..base import Networked, absolute


def _field(description: str, label: str, group: str, default: str | None = None) -> Any:  # noqa: ANN401 - as pydantic's
    return Field(default=default, description=description, json_schema_extra={"label": label, "group": group})


Mode = Literal["disable", "allow", "prefer", "require", "verify-ca", "verify-full"]
"""How TLS is used, in libpq's words."""


class PostgresOptions(Networked):
    """How to reach a database; what is left out comes from libpq's environment variables and defaults."""

    url: SecretStr | None = _field("postgresql://user:password@host:port/database", "URL", "Connection")
    host: str | None = _field("Host name, address, or folder of a Unix socket", "Host", "Connection")
    port: Annotated[int, Field(ge=1, le=65_535)] | None = _field("Port; 5432 when left out", "Port", "Connection")
    database: str | None = _field("Name of the database", "Database", "Connection")
    user: str | None = _field("Login role, best one that may only read", "User", "Login")
    password: Secret | None = _field("Password of the login role", "Password", "Login")
    passfile: str | None = _field("A libpq password file, relative to the configuration's folder", "Passfile", "Login")
    ssl: Mode | None = _field("How TLS is used, in libpq's words; prefer when left out", "TLS mode", "TLS")
    sslrootcert: str | None = _field(
        "File of the authorities that verify-ca and verify-full trust, relative to the configuration's folder",
        "Root certificate",
        "TLS",
    )
    sslcert: str | None = _field(
        "File of the certificate to show to the server, relative to the configuration's folder",
        "Client certificate",
        "TLS",
    )
    sslkey: str | None = _field(
        "File of its private key, relative to the configuration's folder; in the same file when left out",
        "Client key",
        "TLS",
    )
    application_name: str = _field("Name in pg_stat_activity", "Application name", "Connection", "colonnade")

    @field_validator("passfile", "sslrootcert", "sslcert", "sslkey")
    @classmethod
    def _from_the_folder(cls, path: str | None, info: ValidationInfo) -> str | None:
        return path and absolute(path, info)

    @model_validator(mode="after")
    def _one_target(self) -> "PostgresOptions":
        if self.url is not None and (self.host, self.port, self.database) != (None, None, None):
            raise ValueError("both url and host/port/database are given")
        return self
