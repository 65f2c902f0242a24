"""The server: from a client's request down to the driver, imports going down only."""
