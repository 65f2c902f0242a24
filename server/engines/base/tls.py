"""TLS for drivers on asyncio."""

import ssl
from typing import Any, Self


class NamedContext(ssl.SSLContext):
    """Checks certificates for the name of the host that was asked for, whatever a tunnel makes a driver connect to."""

    name: str

    @classmethod
    def of(cls, name: str, *, authorities: str | None = None) -> Self:
        """Trust the system's authorities, or those of a file, and verify certificate and name.

        Raises OSError or ssl.SSLError for a file that cannot be used.
        """
        context = cls(ssl.PROTOCOL_TLS_CLIENT)
        context.name = name
        if authorities is None:
            context.load_default_certs()
        else:
            context.load_verify_locations(authorities)
        return context

    def wrap_bio(self, *args: Any, **kwargs: Any) -> ssl.SSLObject:  # noqa: ANN401 - as ssl's
        return super().wrap_bio(*args, **{**kwargs, "server_hostname": self.name})
