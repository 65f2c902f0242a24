"""Which file to read, and what DuckDB may take of this machine for it."""

from typing import Annotated, Any
from urllib.parse import unquote

from pydantic import Field, ValidationInfo, field_validator, model_validator

from ..base import Options, absolute


def _field(description: str, label: str, group: str, default: object = None) -> Any:  # noqa: ANN401 - as pydantic's
    return Field(default=default, description=description, json_schema_extra={"label": label, "group": group})


class DuckdbOptions(Options):
    """A database file; it must exist."""

    path: str | None = _field("The file, relative to the configuration's folder", "File", "Connection")
    url: str | None = _field("duckdb:///relative/path or duckdb:////absolute/path", "URL", "Connection")
    memory_limit: Annotated[str, Field(pattern=r"(?i)^\d+(\.\d+)? ?([KMGT]i?B|B|%)$")] | None = _field(
        "Memory that DuckDB may use, such as 2GB; 80% of the machine's when left out", "Memory limit", "Resources"
    )
    threads: Annotated[int, Field(ge=1, le=1_024)] | None = _field(
        "Threads that DuckDB may use; one for each core when left out", "Threads", "Resources"
    )
    temp_directory: str | None = _field(
        "Folder for what does not fit in memory; without one, such a statement fails", "Temporary folder", "Resources"
    )
    idle_seconds: Annotated[float, Field(ge=0, le=3_600)] = _field(
        "How long the file stays open after the last statement; while it is open, no other program can write to it",
        "Keep open",
        "Connection",
        1.0,
    )

    @field_validator("temp_directory")
    @classmethod
    def _from_the_folder(cls, path: str | None, info: ValidationInfo) -> str | None:
        return path and absolute(path, info)

    @model_validator(mode="before")
    @classmethod
    def _one_absolute_path(cls, data: object, info: ValidationInfo) -> object:
        if not isinstance(data, dict):
            return data
        given: dict[str, object] = {**data}
        path, url = given.get("path"), given.pop("url", None)
        if (path is None) == (url is None):
            raise ValueError("both url and path are given" if path is not None else "neither path nor url is given")
        if isinstance(url, str):
            scheme, separator, rest = url.partition(":///")
            if scheme != "duckdb" or not (separator and rest) or "?" in rest:
                raise ValueError("the url is not of the form duckdb:///path")
            path = unquote(rest)
        if isinstance(path, str):
            if path.startswith(":memory:") or not path:
                raise ValueError("path is not a file: a database in memory would have nothing in it to read")
            path = absolute(path, info)
        return {**given, "path": path}
