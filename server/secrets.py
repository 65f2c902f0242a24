"""Secrets as references: where a password comes from, read when a client is built and kept nowhere."""

import os
import stat
from collections.abc import Mapping
from pathlib import Path

import anyio.to_thread
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from .errors import ConfigError

LARGEST = 64 * 1024
"""Bytes of a secret file, at most."""


class EnvSecret(BaseModel):
    """`{ env = "NAME" }`: the value of an environment variable."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    env: str = Field(min_length=1, description="Name of an environment variable")

    def read(self) -> str:
        value = os.environ.get(self.env)
        if value is None:
            raise ConfigError(
                f"The environment variable {self.env} is not set.",
                hint=f"Set {self.env} where the server starts, for instance under `env` in the client's mcp.json.",
            )
        return value


class FileSecret(BaseModel):
    """`{ file = "~/path" }`: the first line of a file that only its owner can read."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    file: str = Field(min_length=1, description="Path of a file")

    def read(self) -> str:
        path = Path(self.file).expanduser()
        try:
            if os.name == "posix" and stat.S_IMODE(path.stat().st_mode) & 0o077:
                raise ConfigError(f"The secret file {self.file} can be read by others.", hint=f"chmod 600 {self.file}")
            with path.open("rb") as file:
                return file.read(LARGEST).decode().partition("\n")[0].rstrip("\r")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(
                f"The secret file {self.file} cannot be read: {type(error).__name__}.",
                hint="Check the path and its owner; it is read by the user that runs the server.",
            ) from None


Secret = EnvSecret | FileSecret | SecretStr
"""A setting that is secret: a reference, or the text itself."""


def _resolve(options: BaseModel) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, setting in options:
        match setting:
            case EnvSecret() | FileSecret() as reference:
                found[name] = reference.read()
            case SecretStr() as text:
                found[name] = text.get_secret_value()
            case BaseModel() as table:
                found |= {f"{name}.{inner}": value for inner, value in _resolve(table).items()}
            case _:
                pass
    return found


async def resolve(options: BaseModel) -> Mapping[str, str]:
    """Read every secret among the options in a thread, by field name, those of a table in it as `table.name`.

    Raises ConfigError, never with a value.
    """
    return await anyio.to_thread.run_sync(_resolve, options)
