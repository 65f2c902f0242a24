"""What a new configuration changes of the old one."""

from dataclasses import dataclass

from ..keys import ConnectionKey
from .settings import Configuration


@dataclass(frozen=True, slots=True)
class Changes:
    """Keys by what a running server has to do about them."""

    added: tuple[ConnectionKey, ...]
    removed: tuple[ConnectionKey, ...]
    reconnect: tuple[ConnectionKey, ...]
    """Another target, login or usability: drain the client and close it."""
    policy: tuple[ConnectionKey, ...]
    """The same target: limits, texts and switches apply at once and the client stays."""


def diff(old: Configuration, new: Configuration) -> Changes:
    """Compare two configurations connection by connection."""
    before, after = old.connections, new.connections
    changed = [key for key, connection in after.items() if key in before and before[key] != connection]
    moved = [key for key in changed if before[key].effective != after[key].effective]
    return Changes(
        added=tuple(key for key in after if key not in before),
        removed=tuple(key for key in before if key not in after),
        reconnect=tuple(moved),
        policy=tuple(key for key in changed if before[key].effective == after[key].effective),
    )
