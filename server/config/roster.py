"""Who is called what: every domain and connection under a name and an id of its own."""

from collections import Counter
from collections.abc import Sequence

from ..keys import ConnectionKey, fold
from .connection import Draft
from .document import At
from .domain import Block
from .names import Taken, check, ids
from .report import Report
from .settings import Connection, Domain


def domains(blocks: Sequence[Block], report: Report) -> tuple[Domain, ...]:
    """Give out names and ids. What two things claim, neither gets; the rest is as written."""
    kept = _merged(blocks, report)
    for block in kept:
        block.drafts = _named(block, report)
        if block.problem is not None:
            for draft in block.drafts:
                draft.refuse(block.problem)
    own = _domain_ids(kept, report)
    keys = [ConnectionKey(block.name, draft.name) for block in kept for draft in block.drafts]
    drafts = [draft for block in kept for draft in block.drafts]
    inner = _connection_ids(keys, drafts, report)
    connections = map(_connection, keys, inner, drafts)
    return tuple(
        Domain(
            name=block.name,
            id=own_id,
            description=block.described.description,
            owner=block.described.owner,
            tags=block.described.tags,
            connections=tuple(next(connections) for _ in block.drafts),
        )
        for block, own_id in zip(kept, own, strict=True)
    )


def _merged(blocks: Sequence[Block], report: Report) -> list[Block]:
    """Leave one block of each name; what a later one holds is listed in the first, unusable."""
    first: dict[str, Block] = {}
    for block in blocks:
        if block.made:
            continue
        other = first.setdefault(fold(block.name), block)
        if other is not block:
            what = f'domain "{other.name}" is declared twice, {_lines(report, [other.at, block.at])}'
            problem = report.error(block.at, what, "Merge the two; names are compared without case and width.")
            for draft in block.drafts:
                draft.refuse(problem)
            other.drafts += block.drafts
    taken = Taken(set(first))
    for block in blocks:
        if block.made:
            block.name = taken.free(block.name)
            first[fold(block.name)] = block
    return [block for block in blocks if first[fold(block.name)] is block]


def _named(block: Block, report: Report) -> list[Draft]:
    """Give the connections of a domain their names; those that claim the same one are listed once, unusable."""
    claims: dict[str, list[Draft]] = {}
    for draft in block.drafts:
        if not draft.made:
            claims.setdefault(fold(draft.name), []).append(draft)
    for drafts in claims.values():
        if len(drafts) > 1:
            _refuse_twins(block, drafts, report)
    taken, ordinals = Taken(set(claims)), Counter[str]()
    for draft in block.drafts:
        ordinals[draft.type] += 1
        if draft.made:
            _make_name(draft, ordinals[draft.type], taken)
    return [draft for draft in block.drafts if draft.made or claims[fold(draft.name)][0] is draft]


def _refuse_twins(block: Block, drafts: list[Draft], report: Report) -> None:
    places = [draft.layers.place(("name",)) for draft in drafts]
    what = f'"{block.name}:{drafts[0].name}" is declared {_times(drafts)}, {_lines(report, places)}'
    fix = "Rename or remove all but one; until then none of them is used. Names are compared without case and width."
    problem = report.error(places[1], what, fix)
    for draft in drafts:
        draft.refuse(problem)


def _make_name(draft: Draft, ordinal: int, taken: Taken) -> None:
    if draft.name:
        draft.name = taken.free(draft.name)
        return
    name, _ = check(f"{draft.type} - {draft.common.id or ordinal}", "connection")
    draft.name = taken.free(name)
    if draft.nameless:
        fix = 'Give it one that says what it is, for example name = "Production".'
        draft.warning(("name",), f'connection has no name; using "{draft.name}"', fix)


def _domain_ids(blocks: Sequence[Block], report: Report) -> list[str]:
    given, clashes = ids([(block.described.id, fold(block.name)) for block in blocks])
    for positions in clashes:
        twins = [blocks[position] for position in positions]
        places: list[At] = [(*block.at, "id") for block in twins]
        what = f'domain id "{twins[0].described.id}" is used {_times(twins)}, {_lines(report, places)}'
        problem = report.error(places[1], what, "Give each domain its own, or none: it is then made from the name.")
        for block in twins:
            for draft in block.drafts:
                draft.refuse(problem)
    return given


def _connection_ids(keys: Sequence[ConnectionKey], drafts: Sequence[Draft], report: Report) -> list[str]:
    wanted = [(draft.common.id, fold(str(key))) for key, draft in zip(keys, drafts, strict=True)]
    given, clashes = ids(wanted)
    for positions in clashes:
        twins = [drafts[position] for position in positions]
        places = [draft.layers.place(("id",)) for draft in twins]
        what = f'connection id "{twins[0].common.id}" is used {_times(twins)}, {_lines(report, places)}'
        problem = report.error(places[1], what, "Give each connection its own, or none: it is then made from the key.")
        for draft in twins:
            draft.refuse(problem)
    return given


def _connection(key: ConnectionKey, own_id: str, draft: Draft) -> Connection:
    usable = draft.problem is None
    return Connection(
        key=key,
        id=own_id,
        type=draft.type,
        description=draft.common.description,
        environment=draft.common.environment,
        owner=draft.common.owner,
        tags=draft.common.tags,
        enabled=draft.common.enabled,
        limits=draft.limits,
        options=draft.options if usable else None,
        problem=draft.problem,
        effective=draft.effective if usable else "",
        allow_functions=frozenset(draft.common.allow_functions),
        allow_files=draft.common.allow_files,
    )


def _times(twins: Sequence[object]) -> str:
    return "twice" if len(twins) == 2 else f"{len(twins)} times"  # noqa: PLR2004 - that is what twice means


def _lines(report: Report, places: Sequence[At]) -> str:
    *first, last = [str(report.line(at)) for at in places]
    return f"at lines {', '.join(first)} and {last}"
