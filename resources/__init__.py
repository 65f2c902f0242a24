"""Resources: one file per URI family; `pkgutil` finds them."""
