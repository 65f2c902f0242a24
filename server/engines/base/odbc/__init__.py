"""What engines over ODBC have in common: connections on aioodbc, statements that end in the database, errors.

Each connection has a daemon thread of its own as aioodbc's executor: drivers block, some of them for ever once the
network is gone, and a hung one must keep neither other connections nor the end of the process waiting. A statement is
one hop to that thread: opened, executed and its first rows read there.
"""
