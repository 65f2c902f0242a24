"""Drivers are imported on first use, and one that is not there is a status of the connection, not an accident."""

from importlib import import_module

from ...errors import DriverMissing


def require(module: str, remedy: str) -> None:
    """Import a driver; raises DriverMissing with the command that installs what is missing."""
    try:
        import_module(module)
    except ImportError as error:
        package = module.partition(".")[0]
        missing = isinstance(error, ModuleNotFoundError) and (error.name or "").partition(".")[0] == package
        why = "is not installed" if missing else f"cannot be loaded: {error.msg}"
        raise DriverMissing(f"The package {package} {why}.", hint=remedy) from None
