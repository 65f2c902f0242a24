"""The configuration: domains and their connections from a TOML file, with every mistake in it told at once."""

from .changes import Changes, diff
from .current import Current
from .settings import Configuration, Connection, Domain, Problem, Types, Unreadable
from .source import Source, find

__all__ = [
    "Changes",
    "Configuration",
    "Connection",
    "Current",
    "Domain",
    "Problem",
    "Source",
    "Types",
    "Unreadable",
    "diff",
    "find",
]
