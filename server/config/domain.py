"""One domain of the file with its connections, read as far as it can be without knowing the others."""

from collections.abc import Iterator, Mapping

from .connection import Draft, Reader
from .document import At, Table, is_list, is_table
from .interpolate import Interpolation
from .names import check
from .report import Mistake, Report, unknown
from .settings import Problem
from .tables import OF_CONNECTION, OF_DOMAIN, Described, described


class Block:
    """A `[[domain]]` of the file.

    `made` tells that the name is not one that somebody wrote; `problem` is a mistake in the name: the connections
    cannot be addressed, and share it.
    """

    described: Described

    def __init__(self, at: At, report: Report, drafts: list[Draft]) -> None:
        self.at = at
        self.report = report
        self.drafts = drafts
        self.name = ""
        self.made = False
        self.problem: Problem | None = None

    def error(self, at: At, what: str, fix: str) -> Problem:
        return self.report.error((*self.at, *at), what, fix)


def tables(report: Report, table: Table, at: At, name: str) -> Iterator[tuple[At, Table]]:
    """Yield the `[[…]]` of a name with their places; a single `[…]` is their old form."""
    found = table.get(name, [])
    title = ".".join(str(part) for part in (*at, name) if isinstance(part, str))
    if is_table(found):
        report.warning((*at, name), f"old form [{title}], for one {name} only", f"Write [[{title}]].")
        yield (*at, name), found
        return
    for position, each in enumerate(found if is_list(found) else [found]):
        here = (*at, name, position) if is_list(found) else (*at, name)
        if is_table(each):
            yield here, each
        else:
            report.error(here, f"`{name}` must be a table", f"Write [[{title}]] and its settings below.")


def block(reader: Reader, environ: Mapping[str, str], at: At, table: Table, number: int) -> Block:
    """Read a domain; `number` is its position among all, for one without a name."""
    drafts = [reader.read(here, each) for here, each in tables(reader.report, table, at, "connection")]
    found = Block(at, reader.report, drafts)
    interpolation = Interpolation(environ)
    settings = interpolation.table({name: value for name, value in table.items() if name != "connection"})
    lacking = {mistake.at[0] for mistake in interpolation.mistakes}

    def tell(mistake: Mistake) -> None:
        if mistake.at[0] not in lacking:
            found.error(mistake.at, mistake.what, mistake.fix)

    for mistake in interpolation.mistakes:
        problem = found.error(mistake.at, mistake.what, mistake.fix)
        if mistake.at == ("name",):
            found.problem = problem
    for name in [name for name in settings if name not in OF_DOMAIN]:
        mistake = unknown(name, OF_DOMAIN, (name,))
        elsewhere = "It belongs to a connection: write it below [[domain.connection]]."
        found.error(mistake.at, mistake.what, elsewhere if name in OF_CONNECTION else mistake.fix)
    found.described = described(Described, settings, tell)
    _name(found, settings.get("name", ""), number)
    return found


def _name(block: Block, written: object, number: int) -> None:
    name, faults = check(written, "domain") if isinstance(written, str) else ("", [])
    if not isinstance(written, str):
        faults = [("the domain's `name` must be text", 'Put it in quotes: name = "…".')]
    elif not (name or faults):
        faults = [("the domain's `name` is missing", 'Write name = "…" below [[domain]].')]
    if block.problem is None:
        for what, fix in faults:
            problem = block.error(("name",), what, fix)
            block.problem = block.problem or problem
    block.made = block.problem is not None
    block.name = name or f"unnamed domain {number}"
