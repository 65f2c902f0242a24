"""What tests need beside Python packages: where it is missing they are skipped, with the command that installs it."""

import os
from shutil import which

import pytest

MANAGER = "no ODBC driver manager here: apt-get install unixodbc"


def require_odbc(driver: str | None = None, package: str = "") -> None:
    """Skip unless the driver manager is installed, and a driver by its name."""
    try:
        import pyodbc
    except ImportError:
        pytest.skip(MANAGER, allow_module_level=True)
    if driver is not None and driver not in pyodbc.drivers():
        pytest.skip(f"no ODBC driver {driver} here: apt-get install {package}", allow_module_level=True)


def mariadb_programs() -> tuple[str, str]:
    """Return the server, and what makes its data; skip where they are not installed."""
    path = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin"))
    server, install = which("mariadbd", path=path), which("mariadb-install-db", path=path)
    if server is None or install is None:
        pytest.skip("no MariaDB here: apt-get install mariadb-server-core mariadb-client-core")
    return server, install
