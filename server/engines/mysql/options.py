"""How to reach a MySQL or MariaDB database."""

from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr, ValidationInfo, field_validator, model_validator

from ...secrets import Secret
from ..base import Networked, absolute


def _field(description: str, label: str, group: str, default: str | None = None) -> Any:  # noqa: ANN401 - as pydantic's
    return Field(default=default, description=description, json_schema_extra={"label": label, "group": group})


Mode = Literal["disabled", "preferred", "required", "verify_ca", "verify_identity"]
"""How TLS is used, in MySQL's words."""


class MysqlOptions(Networked):
    """How to reach a database; nothing comes from the environment or from my.cnf."""

    url: SecretStr | None = _field("mysql://user:password@host:port/database", "URL", "Connection")
    host: str | None = _field("Host name or address; localhost when left out", "Host", "Connection")
    port: Annotated[int, Field(ge=1, le=65_535)] | None = _field("Port; 3306 when left out", "Port", "Connection")
    unix_socket: str | None = _field("File of a Unix socket, in place of host and port", "Unix socket", "Connection")
    database: str | None = _field(
        "Name of the database; all that the login may see when left out", "Database", "Connection"
    )
    user: str | None = _field("Login, best one that may only read", "User", "Login")
    password: Secret | None = _field("Password of the login", "Password", "Login")
    ssl_mode: Mode | None = _field(
        "How TLS is used, in MySQL's words; preferred when left out, verify_identity with ssl_ca", "TLS mode", "TLS"
    )
    ssl_ca: str | None = _field(
        "File of the authorities that verify_ca and verify_identity trust, relative to the configuration's folder;"
        " the system's when left out",
        "Authorities",
        "TLS",
    )
    ssl_cert: str | None = _field(
        "File of the client's certificate, relative to the configuration's folder", "Client certificate", "TLS"
    )
    ssl_key: str | None = _field("File of its private key, where it is not in ssl_cert", "Client key", "TLS")
    ssl_key_passphrase: Secret | None = _field("Passphrase of the private key", "Passphrase", "TLS")
    program_name: str = _field("Name among the connection attributes", "Program name", "Connection", "colonnade")

    @field_validator("unix_socket", "ssl_ca", "ssl_cert", "ssl_key")
    @classmethod
    def _from_the_folder(cls, path: str | None, info: ValidationInfo) -> str | None:
        return path and absolute(path, info)

    @model_validator(mode="after")
    def _one_target(self) -> "MysqlOptions":
        parts = (self.host, self.port, self.unix_socket, self.database)
        if self.url is not None and parts != (None, None, None, None):
            raise ValueError("both url and host/port/unix_socket/database are given")
        if self.unix_socket is not None and (self.host, self.port, self.ssh) != (None, None, None):
            raise ValueError("both unix_socket and host/port/ssh are given")
        if self.unix_socket is not None and self.mode not in ("disabled", "preferred"):
            raise ValueError("a Unix socket needs no TLS: leave ssl_mode and ssl_ca out, or connect over TCP")
        if self.ssl_ca is not None and self.mode not in ("verify_ca", "verify_identity"):
            raise ValueError(f"ssl_mode = {self.mode} does not check ssl_ca: use verify_ca or verify_identity")
        return self

    @property
    def mode(self) -> Mode:
        """How TLS is used: who names an authority wants the server checked against it."""
        return self.ssl_mode or ("preferred" if self.ssl_ca is None else "verify_identity")
