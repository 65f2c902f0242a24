"""The `colonnade` command. Serving is the default on a pipe, and its way here imports nothing that it does not need."""

import sys
from collections.abc import Sequence

WELCOME = """\
Colonnade speaks MCP on standard input and output; a client starts it. Try:
  colonnade demo                                     ask the embedded demo through a real client
  colonnade list                                     the connections that are configured
  colonnade query KEY "select 1"                     run SQL on one of them (colonnade --help for the rest)"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    config = _plain_serve(given)
    if config is not None:
        if not given and sys.stdin is not None and sys.stdin.isatty():
            sys.stdout.write(WELCOME + "\n")
            return 0
        from .serve import Serving, serve

        return serve(Serving(config=config[0] if config else None))
    from .commands import run

    return run(given)


def _plain_serve(given: list[str]) -> list[str] | None:
    """Recognise `[--config FILE] [serve]`, as clients start it, without a parser; None is for the parser."""
    match given:
        case [] | ["serve"]:
            return []
        case ["--config", file] | ["--config", file, "serve"] | ["serve", "--config", file] if file[:1] != "-":
            return [file]
        case _:
            return None
