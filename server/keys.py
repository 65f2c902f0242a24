"""Keys and names: `domain:connection`, split at the last colon, and how a caller's text finds one."""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Self

from .errors import AmbiguousConnection, EmptyDomain, UnknownConnection, UnknownDomain
from .nearest import SHOWN, nearest

LONGEST = 80
"""Characters in a name, at most."""

INVISIBLE = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    r"\U000e0000-\U000e007f]"
)
"""Control, zero-width, bidirectional and tag characters: two names that look alike must be alike."""


def normal(name: str) -> str:
    """Return the stored form of a name: NFC, trimmed, runs of spaces as one."""
    return " ".join(unicodedata.normalize("NFC", name).split())


def fold(name: str) -> str:
    """Return the form that names are compared in: case and width do not count."""
    return normal(unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold()))


@dataclass(frozen=True, slots=True, order=True)
class ConnectionKey:
    """A domain and one of its connections; the domain may contain colons."""

    domain: str
    connection: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `Sales Analytics:warehouse_prod`; raises UnknownConnection for anything but a key."""
        domain, _, connection = text.rpartition(":")
        if not (domain.strip() and connection.strip()):
            raise UnknownConnection(
                f'"{text}" is not a connection key.',
                hint="Write it as domain:connection. Next: list_connections().",
            )
        return cls(normal(domain), normal(connection))

    def __str__(self) -> str:
        return f"{self.domain}:{self.connection}"


class Directory:
    """Every domain and connection by name, and the rules by which a text finds them.

    Names are found as written, then with case and width ignored. A full key comes before a bare name, and a bare name
    counts only where exactly one connection fits: there is no default connection.
    """

    def __init__(self, domains: Mapping[str, Iterable[str]]) -> None:
        self._domains = {domain: [ConnectionKey(domain, name) for name in names] for domain, names in domains.items()}
        self._folded_domains = {fold(domain): domain for domain in self._domains}
        self._keys = {str(key): key for keys in self._domains.values() for key in keys}
        self._folded_keys = {fold(text): key for text, key in self._keys.items()}
        self._bare: dict[str, list[ConnectionKey]] = {}
        for key in self._keys.values():
            self._bare.setdefault(fold(key.connection), []).append(key)

    def key(self, text: str) -> ConnectionKey:
        """Find exactly one connection.

        Raises UnknownConnection with the nearest keys, or AmbiguousConnection with all that fit.
        """
        found = self._keys.get(text)
        if found is not None:
            return found
        for form in _forms(text):
            found = self._folded_keys.get(form)
            if found is not None:
                return found
        fitting = {key: None for form in _forms(text) for key in self._fitting(form)}
        if len(fitting) == 1:
            return next(iter(fitting))
        if fitting:
            raise _ambiguous(text, list(fitting))
        if (domain := self._domain(text)) is not None:
            raise _empty(domain)
        raise UnknownConnection(
            f'No connection "{text}".', candidates=self._nearest_keys(text), hint="Next: list_connections()."
        )

    def domain(self, text: str) -> str:
        """Find a domain by its name; raises UnknownDomain with the nearest names."""
        domain = self._domain(text)
        if domain is None:
            raise UnknownDomain(
                f'No domain "{text}".',
                candidates=nearest(text, self._domains) or sorted(self._domains)[:SHOWN],
                hint="Next: list_connections().",
            )
        return domain

    def members(self, domain: str) -> list[ConnectionKey]:
        """List the connections of a domain in the order of the configuration; raises EmptyDomain for none."""
        name = self.domain(domain)
        if not self._domains[name]:
            raise _empty(name)
        return self._domains[name]

    def scope(self, text: str) -> list[ConnectionKey]:
        """Find one connection by its key, or all of a domain by its name."""
        found = self._keys.get(text) or next((k for f in _forms(text) if (k := self._folded_keys.get(f))), None)
        if found is not None:
            return [found]
        if (domain := self._domain(text)) is not None:
            return self.members(domain)
        return [self.key(text)]

    def _domain(self, text: str) -> str | None:
        if text in self._domains:
            return text
        return next((self._folded_domains[form] for form in _forms(text) if form in self._folded_domains), None)

    def _fitting(self, form: str) -> list[ConnectionKey]:
        domain = self._folded_domains.get(form)
        return [*self._bare.get(form, ()), *(self._domains[domain] if domain is not None else ())]

    def _nearest_keys(self, text: str) -> list[str]:
        alike = nearest(text, self._keys)
        name = text.rpartition(":")[2]
        by_name = [str(key) for word in nearest(name, self._bare) for key in self._bare[fold(word)]] if name else []
        return list(dict.fromkeys([*alike, *by_name]))[:SHOWN]


def _forms(text: str) -> tuple[str, ...]:
    """Return the folded text, and the same without a leading `@` as people write a mention."""
    folded = fold(text)
    return (folded, normal(folded[1:])) if folded.startswith("@") else (folded,)


def _empty(domain: str) -> EmptyDomain:
    return EmptyDomain(
        f'Domain "{domain}" has no connections.',
        hint="Add a [[domain.connection]] to it in the configuration, or use another domain. Next: list_connections().",
    )


def _ambiguous(text: str, fitting: list[ConnectionKey]) -> AmbiguousConnection:
    shown = [str(key) for key in fitting[:SHOWN]]
    more = f" and {len(fitting) - SHOWN} more" if len(fitting) > SHOWN else ""
    return AmbiguousConnection(
        f'"{text}" fits {len(fitting)} connections{more}; say which.',
        candidates=shown,
        hint="Give the full key, domain:connection.",
    )
