"""The engine's own grammar and authorizer, asked without a schema: a statement is compiled, and never run.

A connection to nothing knows no tables, and columns that nobody knows cannot be made up. So the text is put where
the grammar takes a query and nothing else, and the authorizer, which is asked before any name is looked up, denies:
the text is a query when it got as far as that. What it calls and reads is told by its tokens, cut as the engine cuts
them: a name before a parenthesis is a call, one after FROM, JOIN, IN or a comma between them is a table.
"""

import re
from typing import Final

from ...dialects import Dialect
from ...reading import Called as Called
from ...reading import Harmful, Reader, Reading, Unread
from ...reading import Relation as Relation
from .compiler import ABOUT, PRAGMA, QUERY, READS, Compiler
from .scan import Scan, relation_of
from .tokens import QUERIES, Token, cut, end_of, level_of, pair

SEND_A_SELECT: Final = "Send a SELECT; for table structures use describe_tables."

WRITES: Final = frozenset({"INSERT", "UPDATE", "DELETE", "REPLACE"})

ABOUT_ALL: Final = frozenset(
    {
        "application_id",
        "auto_vacuum",
        "cache_size",
        "collation_list",
        "compile_options",
        "data_version",
        "database_list",
    }
    | {"encoding", "foreign_key_check", "foreign_keys", "freelist_count", "function_list", "integrity_check"}
    | {"journal_mode", "max_page_count", "module_list", "page_count", "page_size", "pragma_list", "query_only"}
    | {"quick_check", "recursive_triggers", "schema_version", "synchronous", "table_list", "user_version"}
)
"""Pragmas that tell something when they are given no value."""

ABOUT_ONE: Final = frozenset(
    {
        "foreign_key_check",
        "foreign_key_list",
        "index_info",
        "index_list",
        "index_xinfo",
        "integrity_check",
        "quick_check",
    }
    | {"table_info", "table_list", "table_xinfo"}
)
"""Pragmas that tell something of what they are given: a table, an index, a number of messages."""


def reader(dialect: Dialect) -> Reader:
    """Read with the dialect's own library, connected when the first statement comes."""
    compiler = Compiler(dialect)

    def read(text: str) -> Reading:
        try:
            return _read(compiler, text)
        except (Harmful, Unread):
            raise
        except Exception as error:  # noqa: BLE001 - whatever went wrong, the text was not read
            raise Unread(f"its parser fails with {type(error).__name__}") from None

    return read


def _read(compiler: Compiler, text: str) -> Reading:
    tokens = cut(text)
    kind = "select"
    if tokens[0].word == "EXPLAIN":
        tokens = tokens[3:] if [token.word for token in tokens[1:3]] == ["QUERY", "PLAN"] else tokens[1:]
        kind = "explain"
    first = tokens[0].word if tokens else ""
    if first == "PRAGMA" and kind == "select":
        return _pragma(compiler, text[tokens[0].start : end_of(tokens)])
    if first not in QUERIES:
        raise Harmful(f"{first or 'this'} is not a read statement", SEND_A_SELECT)
    pair(tokens)
    for write in level_of(tokens, 0, len(tokens)):
        if tokens[write].word in WRITES and tokens[write + 1 : write + 2] and _is_write(tokens, write):
            raise Harmful(f"{tokens[write].word} is not a read statement", SEND_A_SELECT)
    scan = Scan(tokens)
    scan.run()
    if compiler.asks(QUERY.format(_compilable(compiler, text, tokens, scan)))[0] != READS:
        raise Unread("it asks for something else than to read")
    return Reading(kind, tuple(scan.functions), scan.told(), tuple(sorted(scan.columns)))


def _is_write(tokens: list[Token], position: int) -> bool:
    """Tell the verb of a statement after WITH from a column or function of the name."""
    before, after = tokens[position - 1].word, tokens[position + 1]
    return before == ")" and (
        after.word in ("INTO", "OR", "FROM") or (tokens[position].word == "UPDATE" and bool(after.name))
    )


def _pragma(compiler: Compiler, text: str) -> Reading:
    action, name, about = compiler.asks(PRAGMA.format(text))
    if action != ABOUT or (name or "").lower() not in (ABOUT_ALL if about is None else ABOUT_ONE):
        raise Harmful(
            "this PRAGMA is not known to only read", "Read a pragma by its name alone, or use describe_tables."
        )
    return Reading("pragma", relations=() if about is None or about.isdigit() else (relation_of((about,)),))


def _compilable(compiler: Compiler, text: str, tokens: list[Token], scan: "Scan") -> str:
    """Return the statement without what only younger libraries take, all of which the scan has seen."""
    start = tokens[0].start
    pieces = text[start : end_of(tokens)]
    if not compiler.orders_arguments:
        for opening in scan.calls:
            close = tokens[opening].match
            for at in level_of(tokens, opening + 1, close):
                if tokens[at].word == "ORDER":
                    begin, end = tokens[at].start - start, tokens[close].start - start
                    pieces = pieces[:begin] + " " * (end - begin) + pieces[end:]
    if not compiler.groups_digits:
        for token in tokens:
            if token.kind == "number" and "_" in token.text and re.fullmatch(r"\d+(_\d+)+", token.text):
                begin, end = token.start - start, token.start - start + len(token.text)
                pieces = pieces[:begin] + token.text.replace("_", "").ljust(end - begin) + pieces[end:]
    return pieces
