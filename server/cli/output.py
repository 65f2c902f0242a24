"""Results for people: aligned text."""

from collections.abc import Mapping, Sequence
from typing import Any

from ..render.tables import clean

LONGEST_CELL = 80
LONGEST_LINE = 2_000


def show(tool: str, result: dict[str, Any], remedies: Mapping[str, str]) -> None:
    """Print a tool's result, and the SQL that mends the logins of some keys."""
    match tool:
        case "list_connections":
            _connections(result, remedies)
        case "describe_tables":
            _schemas(result)
        case _:
            _rows(result)


def _connections(result: dict[str, Any], remedies: Mapping[str, str]) -> None:
    rows = [
        (each["key"], each["type"], each["environment"], each["status"], each["description"] or each.get("reason", ""))
        for each in result["connections"]
    ]
    _table(("KEY", "TYPE", "ENV", "STATUS", "DESCRIPTION"), rows)
    for each in result["connections"]:
        if each.get("reason"):
            print(f"\n{each['key']} ({each['type']}) is {each['status']}: {each['reason']}")
        if each.get("lacks"):
            print(f"\n{each['key']} ({each['type']}): {'; '.join(each['lacks'])}")
        for warning in each.get("warnings", ()):
            print(f"\n{each['key']} ({each['type']}): {warning}")
        if remedies.get(each["key"]):
            lines = (clean(line, LONGEST_LINE) for line in remedies[each["key"]].splitlines())
            print("A login that may only read is made by:", *lines, sep="\n    ")
    if result.get("left_out"):
        print(f"\nleft out: {result['left_out']}")


def _schemas(result: dict[str, Any]) -> None:
    for each in result["connections"]:
        print(f"# {each['key']} ({each['type']})")
        print(each["schema"])
        for fact in ("left_out", "stale_since"):
            if each.get(fact):
                print(f"# {fact.replace('_', ' ')}: {each[fact]}")
    for left in result.get("left_out", ()):
        print(f"# {left}")
    for each in result.get("not_read", ()):
        print(f"# not read: {each['key']} ({each['type']}) is {each['status']}: {each['reason']}")
    if result.get("legend"):
        print(f"# {result['legend']}")


def _rows(result: dict[str, Any]) -> None:
    _table([column["name"] for column in result["columns"]], result["rows"])
    count = len(result["rows"])
    counted = f"{count} {'row' if count == 1 else 'rows'}"
    print(f"\n{counted} from {result['key']} ({result['type']}), {result['elapsed_ms']} ms")
    if result.get("next"):
        print(result["next"])


def _table(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    cells = [[_cell(value) for value in row] for row in (header, *rows)]
    widths = [max(len(row[position]) for row in cells) for position in range(len(header))]
    for row in cells:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _cell(value: object) -> str:
    # Control characters of a cell could drive the reader's terminal.
    return "∅" if value is None else clean(str(value), LONGEST_CELL)
