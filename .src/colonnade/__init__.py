"""colonnade: many databases, one MCP server. The code lives in server/, tools/ and resources/ of the repository."""

__version__ = "0.1.0"
