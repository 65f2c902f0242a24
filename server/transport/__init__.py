"""How requests reach the protocol, and how the process ends: stdio and streamable HTTP."""
