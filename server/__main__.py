"""`python -m colonnade.server` is the same as the `colonnade` command."""

import sys

from .cli import main

sys.exit(main())
