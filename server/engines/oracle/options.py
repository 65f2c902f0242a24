"""How to reach an Oracle database."""

from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr, ValidationInfo, field_validator, model_validator

from ...secrets import Secret
from ..base import Networked, absolute


def _field(description: str, label: str, group: str) -> Any:  # noqa: ANN401 - as pydantic's
    return Field(default=None, description=description, json_schema_extra={"label": label, "group": group})


class OracleOptions(Networked):
    """How to reach a database, in the driver's own words: by url, by dsn, or by host and service name (or sid)."""

    url: SecretStr | None = _field("oracle://user:password@host:port/service_name, or …/?sid=SID", "URL", "Connection")
    dsn: str | None = _field(
        "Easy Connect string, connect descriptor, or an alias of tnsnames.ora", "Connect string", "Connection"
    )
    host: str | None = _field("Host name or address", "Host", "Connection")
    port: Annotated[int, Field(ge=1, le=65_535)] | None = _field(
        "Port; 1521 when left out, 2484 with tcps", "Port", "Connection"
    )
    service_name: str | None = _field("Service name of the database", "Service name", "Connection")
    sid: str | None = _field("SID of an older database without a service name", "SID", "Connection")
    edition: str | None = _field("Edition that names are resolved in", "Edition", "Connection")
    expire_time: Annotated[int, Field(ge=0)] | None = _field(
        "Minutes between keep-alive probes", "Keep-alive", "Connection"
    )
    config_dir: str | None = _field(
        "Folder of tnsnames.ora, relative to the configuration's folder; TNS_ADMIN when left out",
        "Configuration folder",
        "Connection",
    )
    user: str | None = _field("Login, best one with CREATE SESSION and READ grants only", "User", "Login")
    password: Secret | None = _field("Password of the login", "Password", "Login")
    access_token: Secret | None = _field("OAuth 2.0 token instead of a password; needs tcps", "Access token", "Login")
    protocol: Literal["tcp", "tcps"] | None = _field("tcps for TLS; tcp when left out", "Protocol", "TLS")
    wallet_location: str | None = _field(
        "Folder of ewallet.pem, relative to the configuration's folder", "Wallet", "TLS"
    )
    wallet_password: Secret | None = _field("Password of the wallet", "Wallet password", "TLS")
    ssl_server_dn_match: bool | None = _field(
        "Whether the certificate has to name the host; true when left out", "Check the name", "TLS"
    )
    ssl_server_cert_dn: str | None = _field(
        "Distinguished name that the certificate has to hold instead of the host's", "Certificate name", "TLS"
    )

    @field_validator("config_dir", "wallet_location")
    @classmethod
    def _from_the_folder(cls, path: str | None, info: ValidationInfo) -> str | None:
        return path and absolute(path, info)

    @field_validator("dsn")
    @classmethod
    def _without_login(cls, dsn: str | None) -> str | None:
        # The driver would take user/password@… apart; here a password is a secret and has its own field.
        if dsn is not None and "@" in dsn:
            raise ValueError("a dsn holds no login: set user and password instead")
        return dsn

    @model_validator(mode="after")
    def _one_target(self) -> "OracleOptions":
        parts = (self.host, self.port, self.service_name, self.sid)
        given = [name for name, there in (("url", self.url), ("dsn", self.dsn)) if there is not None]
        if any(part is not None for part in parts):
            given.append("host/port/service_name/sid")
        if len(given) > 1:
            raise ValueError(f"both {given[0]} and {given[1]} are given")
        if self.dsn is not None and self.protocol is not None:
            raise ValueError("both dsn and protocol are given: a dsn begins with tcps:// or names it inside")
        if self.service_name is not None and self.sid is not None:
            raise ValueError("both service_name and sid are given")
        if self.access_token is not None and self.password is not None:
            raise ValueError("both password and access_token are given")
        return self
