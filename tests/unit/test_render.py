from xml.etree import ElementTree as ET

import pytest
from colonnade.server.config import Connection, Domain
from colonnade.server.keys import INVISIBLE, ConnectionKey
from colonnade.server.model import Column, ForeignKey, Index, Limits, Table, VisibleCatalog
from colonnade.server.render.tables import Detail, Format, clean, fit, render
from colonnade.server.render.view import Seen, Standing, envelope, index, view
from hypothesis import given
from hypothesis import strategies as st

ORDERS = Table(
    schema="public",
    name="orders",
    rows=18_240,
    comment="one row per order",
    columns=(
        Column("id", "int4", nullable=False, default="nextval('orders_id_seq')"),
        Column("customer_id", "int4", nullable=False),
        Column("note", "text", comment="free text"),
        Column("total", "numeric", generated=True),
    ),
    primary_key=("id",),
    foreign_keys=(
        ForeignKey(("customer_id",), "public", "customers", ("id",)),
        ForeignKey(("id", "note"), "archive", "old", ("a", "b")),
    ),
    unique=(("note",),),
    indexes=(Index("i", ("lower(note)",)), Index("u", ("total",), unique=True)),
)
WIDE = Table("audit", "wide", "view", columns=tuple(Column(f"c{n}", "text") for n in range(30)))

DETAILS: tuple[Detail, ...] = ("names", "gist", "digest", "full")
FORMATS: tuple[Format, ...] = ("lines", "xml")


def test_a_full_line_says_everything_about_a_table() -> None:
    assert render([ORDERS], "full", "lines", "public") == (
        "orders 18.2k 'one row per order': id* int4 =nextval('orders_id_seq'), customer_id int4! >customers.id, "
        "note text 'free text', total numeric generated"
        " | (id, note)>archive.old(a, b); unique(note); index(lower(note)); unique index(total)"
    )


def test_a_digest_shows_keys_and_the_first_columns_and_counts_the_rest() -> None:
    assert render([WIDE], "digest", "lines", "public") == (
        "audit.wide (view): c0, c1, c2, c3, c4, c5, c6, c7, +22 more"
    )


def test_gist_and_names_get_shorter() -> None:
    assert render([ORDERS], "gist", "lines", "public") == "orders(id, customer_id, note, total)"
    assert render([ORDERS, WIDE], "names", "lines", "public") == "orders, audit.wide"


def test_the_full_xml_holds_columns_keys_and_indexes() -> None:
    table = ET.fromstring(render([ORDERS], "full", "xml", "public"))  # noqa: S314 - written a line above
    assert table.attrib == {"name": "orders", "schema": "public", "rows": "18240", "comment": "one row per order"}
    first = table.findall("column")[0].attrib
    assert first["nullable"] == "false"
    assert first["default"].startswith("nextval")
    assert [key.get("table") for key in table.findall("foreign_key")] == ["customers", "old"]
    assert table.findall("index")[1].get("unique") == "true"


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("budget", [1, 50, 200, 1_000, 100_000])
def test_a_budget_holds_and_what_it_costs_is_said(form: Format, budget: int) -> None:
    tables = [Table("public", f"table_{n}", columns=WIDE.columns) for n in range(300)]
    fitted = fit(tables, "full", form, "public", budget)
    assert len(fitted.text) <= budget * 3
    assert (fitted.left_out is None) == (fitted.text == render(tables, "full", form, "public"))
    assert fit(tables, "full", form, "public", budget) == fitted


def test_untrusted_text_cannot_leave_its_line() -> None:
    assert clean("a\nb\x00c\u202ed\u200be  f", 100) == "a b c d e f"
    assert clean("x" * 500, 150) == "x" * 149 + "…"


def connection(domain: str, name: str, kind: str) -> Connection:
    key = ConnectionKey(domain, name)
    return Connection(key, f"id-{name}", kind, "", "prod", "", (), True, Limits(), None, None, "")  # noqa: FBT003


names = st.text(st.characters(exclude_categories=["Cs", "Cc", "Cf", "Zl", "Zp", "Zs"]), min_size=1, max_size=12)
names = names.filter(lambda name: not INVISIBLE.search(name))


@given(
    connections=st.lists(names.filter(lambda name: ":" not in name), min_size=1, max_size=4, unique=True),
    tables=st.lists(names, min_size=1, max_size=5, unique=True),
    detail=st.sampled_from(DETAILS),
    form=st.sampled_from(FORMATS),
)
def test_tables_of_the_same_name_stand_under_their_own_connection_in_every_form(
    connections: list[str], tables: list[str], detail: Detail, form: Format
) -> None:
    members = [connection("Sales", name, "fake") for name in connections]
    domain = Domain("Sales", "s1", "What we sell", "", (), tuple(members))
    catalog = VisibleCatalog(tuple(Table("main", name, columns=WIDE.columns) for name in tables), "f", 0.0, "main")
    seen = [Seen(Standing(member, domain, "ok", "", None, None), catalog, None) for member in members]
    text = envelope(view(seen, [], detail, form, 1_000_000), form)

    (source,) = [ET.fromstring(text)]  # noqa: S314 - written a line above
    assert source.tag == "data_source"
    assert source.attrib == {"name": "Sales", "id": "s1"}
    parts = source.findall("connection")
    assert [part.get("key") for part in parts] == [f"Sales:{name}" for name in connections]
    assert {part.get("type") for part in parts} == {"fake"}
    for part in parts:
        found = [table.get("name") for table in part.findall("table")] if form == "xml" else part.text or ""
        assert all(name in found for name in tables)


def test_a_connection_that_cannot_be_read_stays_visible_with_its_reason() -> None:
    member = connection("Sales", "crm", "fake")
    domain = Domain("Sales", "s1", "", "", (), (member,))
    seen = Seen(Standing(member, domain, "down", "connection refused", None, None), None, None)
    assert 'status="down" reason="connection refused"' in envelope(view([seen], [], "full", "xml", 1_000), "xml")


def test_the_index_names_every_connection_until_there_are_too_many() -> None:
    few = Domain("Few", "f", "", "", (), (connection("Few", "a", "x"), connection("Few", "b", "y")))
    empty = Domain("Empty", "e", "", "", (), ())
    standings = [Standing(member, few, "pending", "", None, None) for member in few.connections]
    assert index([few, empty], standings).count("<connection ") == 2
    assert '<data_source name="Empty" id="e">' in index([few, empty], standings)

    many = Domain("Many", "m", "", "", (), tuple(connection("Many", f"c{n}", "x") for n in range(300)))
    standings = [Standing(member, many, "pending", "", None, None) for member in many.connections]
    assert '<data_source name="Many" id="m" connections="300"/>' in index([many], standings)
    assert "<connection" not in index([many], standings)


@pytest.mark.parametrize(
    ("pattern", "found"),
    [("orders", 1), ("ORDERS", 1), ("public.orders", 1), ("ord*", 1), ("audit.*", 1), ("*", 2), ("wide", 1)],
)
def test_patterns_find_tables_by_name_schema_and_glob(pattern: str, found: int) -> None:
    member = connection("Sales", "crm", "fake")
    domain = Domain("Sales", "s1", "", "", (), (member,))
    catalog = VisibleCatalog((ORDERS, WIDE), "f", 0.0, "public")
    shown = view(
        [Seen(Standing(member, domain, "ok", "", None, None), catalog, None)], [pattern], "names", "lines", 900
    )
    assert shown.parts[0].tables == found
    assert shown.unmatched == ()


def test_a_pattern_without_a_table_is_answered_with_similar_names() -> None:
    member = connection("Sales", "crm", "fake")
    domain = Domain("Sales", "s1", "", "", (), (member,))
    catalog = VisibleCatalog((ORDERS, WIDE), "f", 0.0, "public")
    shown = view([Seen(Standing(member, domain, "ok", "", None, None), catalog, None)], ["ordrs"], "full", "lines", 900)
    assert shown.unmatched == ("ordrs",)
    assert shown.similar == ("orders",)
