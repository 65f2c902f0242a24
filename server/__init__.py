"""The server: from a client's request down to the driver, imports going down only."""

__version__ = "0.1.0"
