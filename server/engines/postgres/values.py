"""How values travel: exactly, as the server's own text where asyncpg's form would lose something."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Final, cast

from ...model import Codec, ResultColumn
from ..base import codecs

if TYPE_CHECKING:
    from asyncpg import Connection, Record
    from asyncpg.types import Attribute


# What asyncpg would change (infinity, year 10000, BC, 24:00, months, 1.10) or cannot read (anyarray) comes as the
# server's own text. Ranges, multiranges and records too: their parts would otherwise need a binary form.
AS_TEXT: Final[Mapping[int, str]] = {
    18: "char", 27: "tid", 600: "point", 601: "lseg", 602: "path", 603: "box", 604: "polygon", 628: "line",
    650: "cidr", 718: "circle", 829: "macaddr", 869: "inet", 1082: "date", 1083: "time", 1186: "interval",
    1266: "timetz", 1560: "bit", 1562: "varbit", 1700: "numeric", 2249: "record", 2277: "anyarray", 2950: "uuid",
    2970: "txid_snapshot", 3220: "pg_lsn", 3904: "int4range", 3906: "numrange", 3908: "tsrange", 3910: "tstzrange",
    3912: "daterange", 3926: "int8range", 4451: "int4multirange", 4532: "nummultirange", 4533: "tsmultirange",
    4534: "tstzmultirange", 4535: "datemultirange", 4536: "int8multirange", 5038: "pg_snapshot",
}  # fmt: skip
EXACT: Final = ("bool", "int2", "int4", "oid", "xid", "cid", "text", "varchar", "bpchar", "name", "json", "jsonb")
CODECS: Final[Mapping[str, Codec | None]] = {
    **dict.fromkeys((*AS_TEXT.values(), *EXACT, "timestamp", "timestamptz", "money")),
    "int8": codecs.integer,
    "xid8": codecs.integer,
    "float4": codecs.floating,
    "float8": codecs.floating,
    "bytea": codecs.binary,
}


def result_column(attribute: "Attribute") -> ResultColumn:
    kind = attribute.type
    codec = CODECS.get(kind.name, codecs.anything) if kind.schema == "pg_catalog" else codecs.anything
    return ResultColumn(attribute.name, kind.name, codec)


def connection_class() -> "type[Connection[Record]]":
    import asyncpg

    class Exact(asyncpg.Connection):
        """Takes composites and ranges as text: asyncpg cannot read them once a part of them comes as text."""

        async def _introspect_types(self, oids: Iterable[int], timeout: float | None) -> "tuple[list[Record], object]":  # noqa: ASYNC109 - asyncpg's
            answer = await super()._introspect_types(oids, timeout)  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType, reportUnknownVariableType] - private
            types, statement = cast("tuple[list[Record], object]", answer)
            for found in types:
                if found["kind"] in (b"c", b"r", b"m"):
                    _declare_text(self, found["oid"], found["name"], found["ns"])
            return types, statement

    return Exact


async def declare_types(connection: "Connection[Record]") -> None:
    """Set how types travel; no round trip, all of them are built in."""
    for oid, name in AS_TEXT.items():
        _declare_text(connection, oid, name, "pg_catalog")
    for name in ("timestamp", "timestamptz"):
        await connection.set_type_codec(name, schema="pg_catalog", encoder=str, decoder=_iso, format="text")
    # In binary a float4 comes with the digits of the nearest float8: 1.10000002384.
    await connection.set_type_codec("float4", schema="pg_catalog", encoder=str, decoder=float, format="text")


def _declare_text(connection: "Connection[Record]", oid: int, name: str, schema: str) -> None:
    # The settings, since the connection's method of this name refuses all but scalar types.
    connection.get_settings().set_builtin_type_codec(oid, name, schema, "scalar", "text", "text")


def _iso(text: str) -> str:
    return text.replace(" ", "T", 1)
