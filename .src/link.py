"""Link the top-level folders, and the client configuration, into one import package when it is installed editable."""

import os
import shutil
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

FOLDERS = ("server", "tools", "resources")
FILE = "mcp.json"


class LinkFolders(BuildHookInterface[Any]):
    """Make `.src/colonnade` a complete package; the wheel copies the same parts instead."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Link on an editable build; a wheel gets the one file that its folder mapping cannot name."""
        if version != "editable":
            if self.target_name == "wheel":
                build_data["force_include"][FILE] = f"colonnade/{FILE}"
            return
        package = Path(self.root, ".src", "colonnade")
        for name in (*FOLDERS, FILE):
            link, target = package / name, Path(self.root, name)
            if link.is_symlink() or link.is_file():
                link.unlink()
            if link.exists():
                continue
            if sys.platform != "win32":
                link.symlink_to(Path("..", "..", name), target_is_directory=name != FILE)
            elif name == FILE:
                shutil.copyfile(target, link)
            else:
                import _winapi

                _winapi.CreateJunction(os.fspath(target), os.fspath(link))
