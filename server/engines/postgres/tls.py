"""TLS as the settings ask for it, else the url's query, else libpq's environment."""

import os
import ssl
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs, urlencode, urlsplit

from ...errors import ConfigError
from ..base.tls import NamedContext
from .options import PostgresOptions

FILES: Final = ("sslrootcert", "sslcert", "sslkey")
PASSED_BY: Final = ("sslcrl", "ssl_min_protocol_version", "ssl_max_protocol_version")
"""What only a context made by asyncpg heeds."""
USUAL: Final = {
    "sslrootcert": "root.crt",
    "sslcert": "postgresql.crt",
    "sslkey": "postgresql.key",
    "sslcrl": "root.crl",
}
"""Files that libpq and asyncpg take from ~/.postgresql by themselves."""


class Tls:
    """What is asked of TLS, under libpq's names."""

    def __init__(self, options: PostgresOptions, url: str | None) -> None:
        """Take a url that is whole. Raises ConfigError for a file that is not there or cannot be used."""
        query = parse_qs(urlsplit(url or "").query)
        self.files = {name: path for name in FILES if (path := getattr(options, name)) is not None}
        given = {name: values[-1] for name, values in query.items()} | self.files
        if options.ssl is not None:
            given["sslmode"] = options.ssl
        self._asked = _usual() | _of_the_environment() | given
        if given.keys() & set(FILES):
            self._load(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))

    def dsn(self, url: str | None) -> str | None:
        """Return the url with the files in its query: asyncpg takes them from there only, the last of a name."""
        if not self.files:
            return url
        url = url or "postgresql://"
        return f"{url}{'&' if '?' in url else '?'}{urlencode(self.files)}"

    def checking(self, host: str) -> NamedContext | None:
        """Return what checks the certificate for this host at another address, if the name is to be checked."""
        if self._asked.get("sslmode") != "verify-full":
            return None
        for name in PASSED_BY:
            if name in self._asked:
                raise ConfigError(
                    f"verify-full does not heed `{name}` through an SSH tunnel.",
                    hint=f"Leave {name} out, also of the environment and ~/.postgresql, or connect without the tunnel.",
                )
        if "sslrootcert" not in self._asked:
            raise ConfigError("verify-full needs `sslrootcert`.", hint="Set it to the file of the authority.")
        context = NamedContext(ssl.PROTOCOL_TLS_CLIENT)
        context.name = host
        self._load(context)
        # As asyncpg's own: a server that is spoken to in TLS from the first byte wants it.
        context.set_alpn_protocols(["postgresql"])
        return context

    def _load(self, context: ssl.SSLContext) -> None:
        asked = self._asked
        try:
            for name in FILES:
                if name in asked and not Path(asked[name]).is_file():
                    raise ConfigError(f"There is no file {Path(asked[name]).name} at `{name}`.", hint="Correct it.")
            if "sslrootcert" in asked:
                context.load_verify_locations(asked["sslrootcert"])
            if "sslcert" in asked:
                # Without a passphrase OpenSSL would ask for one on the terminal.
                context.load_cert_chain(asked["sslcert"], asked.get("sslkey"), lambda: asked.get("sslpassword", ""))
        except (OSError, ValueError):
            raise ConfigError(
                "The files of `sslrootcert`, `sslcert` and `sslkey` cannot be used.",
                hint="They are in PEM form; the key belongs to the certificate; a passphrase of it stands in the url,"
                " as sslpassword.",
            ) from None


def _usual() -> dict[str, str]:
    try:
        home = Path.home() / ".postgresql"
        return {name: str(home / file) for name, file in USUAL.items() if (home / file).is_file()}
    except (OSError, RuntimeError):  # whoever runs this has no home, or may not look into it
        return {}


def _of_the_environment() -> dict[str, str]:
    variables = {name: f"PG{name.replace('_', '').upper()}" for name in ("sslmode", *FILES, *PASSED_BY)}
    return {name: value for name, variable in variables.items() if (value := os.environ.get(variable))}
