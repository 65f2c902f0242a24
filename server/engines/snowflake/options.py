"""How to reach a Snowflake account."""

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, SecretStr, ValidationInfo, field_validator, model_validator

from ...secrets import Secret
from ..base import Options, absolute


def _field(description: str, label: str, group: str, default: str | None = None) -> Any:  # noqa: ANN401 - as pydantic's
    return Field(default=default, description=description, json_schema_extra={"label": label, "group": group})


Authenticator = Literal[
    "snowflake", "SNOWFLAKE_JWT", "oauth", "PROGRAMMATIC_ACCESS_TOKEN", "WORKLOAD_IDENTITY", "externalbrowser"
]
"""How to log in, in the driver's words."""


class SnowflakeOptions(Options):
    """How to reach an account; what is left out comes from the named entry of connections.toml, if there is one."""

    model_config = ConfigDict(validate_by_name=True, validate_by_alias=True)

    url: SecretStr | None = _field(
        "snowflake://user:password@account/database/schema?warehouse=…&role=…", "URL", "Connection"
    )
    connection_name: str | None = _field("Name of an entry in connections.toml", "Named connection", "Connection")
    connections_file: str | None = _field(
        "A connections.toml, relative to the configuration's folder; ~/.snowflake/connections.toml when left out",
        "connections.toml",
        "Connection",
    )
    account: str | None = _field("Account identifier: organization-account", "Account", "Connection")
    host: str | None = _field("Host name, for private links; made from the account when left out", "Host", "Connection")
    port: Annotated[int, Field(ge=1, le=65_535)] | None = _field("Port; 443 when left out", "Port", "Connection")
    protocol: Literal["https", "http"] | None = _field("https, or http for an emulator", "Protocol", "Connection")
    warehouse: str | None = _field("Warehouse that runs the statements", "Warehouse", "Connection")
    database: str | None = _field("Name of the database", "Database", "Connection")
    db_schema: str | None = Field(
        default=None,
        alias="schema",
        description="Schema that names are looked up in",
        json_schema_extra={"label": "Schema", "group": "Connection"},
    )
    role: str | None = _field("Role, best one that may only read; nothing else keeps DDL out", "Role", "Login")
    user: str | None = _field("Login name", "User", "Login")
    password: Secret | None = _field("Password of the login", "Password", "Login")
    authenticator: Authenticator | None = _field(
        "How to log in, in the driver's words; SNOWFLAKE_JWT with a private key, else snowflake",
        "Authenticator",
        "Login",
    )
    private_key: Secret | None = _field("Private key as PEM text", "Private key", "Login")
    private_key_file: str | None = _field(
        "File of the private key, relative to the configuration's folder", "Private key file", "Login"
    )
    private_key_file_pwd: Secret | None = _field("Passphrase of the private key", "Passphrase", "Login")
    token: Secret | None = _field("Token for oauth, PROGRAMMATIC_ACCESS_TOKEN and OIDC", "Token", "Login")
    workload_identity_provider: Literal["AWS", "AZURE", "GCP", "OIDC"] | None = _field(
        "Who vouches for this workload, with WORKLOAD_IDENTITY", "Identity provider", "Login"
    )

    @field_validator("connections_file", "private_key_file")
    @classmethod
    def _from_the_folder(cls, path: str | None, info: ValidationInfo) -> str | None:
        return path and absolute(path, info)

    @model_validator(mode="after")
    def _one_target(self) -> "SnowflakeOptions":
        fields = (self.account, self.host, self.port, self.database, self.db_schema, self.connection_name)
        if self.url is not None and any(value is not None for value in fields):
            raise ValueError("both url and account/host/port/database/schema/connection_name are given")
        if self.private_key is not None and self.private_key_file is not None:
            raise ValueError("both private_key and private_key_file are given")
        if self.connections_file is not None and self.connection_name is None:
            raise ValueError("connections_file needs connection_name")
        if self.url is None and self.connection_name is None and self.account is None:
            raise ValueError("none of url, connection_name and account is given")
        return self
