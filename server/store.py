"""Where Colonnade keeps files of its own: private folders, shared by every process of a user."""

from collections.abc import Mapping
from pathlib import Path

HOME = "COLONNADE_HOME"
"""Environment variable that puts all folders under one."""


def cache_folder(name: str, environ: Mapping[str, str]) -> Path:
    """Return a folder for what can be made again; it need not exist."""
    if home := environ.get(HOME):
        return Path(home, "cache", name)
    from platformdirs import user_cache_path

    return user_cache_path("colonnade", appauthor=False) / name
