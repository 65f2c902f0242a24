"""colonnade: many databases, one MCP server. The code lives in server/, tools/ and resources/ of the repository."""

from .server import __version__

__all__ = ["__version__"]
