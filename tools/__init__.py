"""Tools: one file each; `pkgutil` finds them."""
