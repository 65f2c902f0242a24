"""Connection strings, and where they lead."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from ....errors import ConfigError


def quoted(value: str) -> str:
    """Return a value as it stands in a connection string: in braces where it would end early without."""
    if "\0" in value:
        raise ConfigError("A setting of the connection holds a NUL character.", hint="Remove it.")
    return f"{{{value.replace('}', '}}')}}}" if re.search(r"^[\s{]|[;}]|\s$", value) else value


def connection_string(keywords: Mapping[str, str]) -> str:
    return "".join(f"{name}={quoted(value)};" for name, value in keywords.items())


PAIR: Final = re.compile(r"\s*([^=;{}]+?)\s*=\s*(?:\{((?:[^}]|\}\})*)\}\s*|([^;{\s][^;]*)?)(?:;|$)")


def parsed(text: str) -> dict[str, str]:
    """Take a connection string apart; raises ConfigError, without a word of it."""
    found: dict[str, str] = {}
    at = 0
    while text[at:].strip("; \t\r\n"):
        at += len(text[at:]) - len(text[at:].lstrip("; \t\r\n"))
        match = PAIR.match(text, at)
        if match is None:
            raise ConfigError(
                "The connection string is not of the form keyword=value;keyword=value.",
                hint="Put a value with a semicolon into braces, with } doubled: PWD={a;b}}c}.",
            )
        name, braced, plain = match.groups()
        found[name] = braced.replace("}}", "}") if braced is not None else (plain or "").strip()
        at = match.end()
    return found


HOST: Final = ("server", "servername", "host", "hostname", "address", "addr")
PORT: Final = ("port", "portnumber")
DATABASE: Final = ("database", "db", "dbq", "dbname")


@dataclass(frozen=True, slots=True)
class Target:
    """Where a connection string leads; its text is for messages and holds nothing else of it."""

    host: str = ""
    port: int = 0
    database: str = ""
    dsn: str = ""
    driver: str = ""

    def __str__(self) -> str:
        where = f"{self.host}:{self.port}" if self.port else self.host
        return f"{where}/{self.database}".strip("/") if where else f"DSN {self.dsn}" if self.dsn else self.driver


def keyword(keywords: Mapping[str, str], names: Sequence[str]) -> str | None:
    """Find a keyword under one of its names, whatever its case."""
    return next((name for name in keywords if name.lower() in names), None)


def target_of(keywords: Mapping[str, str]) -> Target:
    def value(*names: str) -> str:
        name = keyword(keywords, names)
        return keywords[name] if name else ""

    port = value(*PORT)
    return Target(value(*HOST), int(port) if port.isdecimal() else 0, value(*DATABASE), value("dsn"), value("driver"))
