"""The resources as a client of either revision meets them: listed, read, completed, and told about when they change."""

import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, closing
from pathlib import Path
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree as ET

import anyio
import mcp_types as types
import pytest
from colonnade.server.app import App
from colonnade.server.protocol import build
from mcp import Client, MCPError
from mcp.client.session import IncomingMessage
from mcp.client.subscriptions import ResourcesListChanged
from mcp.shared.uri_template import UriTemplate

Talk = Callable[[Path], AbstractAsyncContextManager[Client]]
Until = Callable[[Callable[[], Awaitable[bool]]], Awaitable[None]]

ROOT = "colonnade://schema"

ODD_DOMAIN = "Größe: 100 % a/b?"
ODD_CONNECTIONS = ("Übersicht 2026", "a/b", "50%41", "UPPER", "what? #1 & more", "日本")
ODD_TABLES = ("order lines", "100%", "a/b", "Mixed Case", "größe", "x?y#z", "<&>\"'", "dotted.name")

GONE = """
[[domain.connection]]
name = "gone"
type = "sqlite"
path = "gone.sqlite"

[[domain.connection]]
name = "painted"
type = "sqlite"
path = "orders.sqlite"
colour = "red"
"""

ADDED = '\n[[domain.connection]]\nname = "added"\ntype = "sqlite"\npath = "web.sqlite"\n'


def put(path: Path, text: str) -> None:
    """Write a file anew."""
    path.write_text(text, encoding="utf-8")


def add(path: Path, text: str) -> None:
    """Write more to the end of a file."""
    put(path, path.read_text(encoding="utf-8") + text)


def odd(folder: Path) -> Path:
    """Write a configuration and a database whose names hold whatever names may hold."""
    with closing(sqlite3.connect(folder / "odd.sqlite")) as database:
        for number, name in enumerate(ODD_TABLES):
            column = f"column {number} of <{name}>".replace('"', '""')
            table = name.replace('"', '""')
            database.execute(f'create table "{table}" (id integer primary key, "{column}" text default \'<&>"\')')
    parts = [f"[[domain]]\nname = '{ODD_DOMAIN}'\ndescription = '<b>bold</b> & \"quoted\"'\n"]
    parts += [
        f"[[domain.connection]]\nname = '{name}'\ntype = 'sqlite'\npath = 'odd.sqlite'\n" for name in ODD_CONNECTIONS
    ]
    put(folder / "odd.toml", "".join(parts))
    return folder / "odd.toml"


def many(count: int) -> str:
    """Return a configuration of one domain with so many connections."""
    connection = "[[domain.connection]]\nname = 'number {}'\ntype = 'sqlite'\npath = 'web.sqlite'\n"
    return "[[domain]]\nname = 'Many'\n" + "".join(connection.format(number) for number in range(count))


async def read(client: Client, uri: str) -> types.TextResourceContents:
    """Read a resource of one text."""
    (contents,) = (await client.read_resource(uri)).contents
    assert isinstance(contents, types.TextResourceContents)
    assert contents.uri == uri
    return contents


async def parsed(client: Client, uri: str) -> ET.Element:
    """Read a resource and parse its XML, which must be one well-formed document."""
    contents = await read(client, uri)
    assert contents.mime_type == "application/xml"
    return ET.fromstring(contents.text)  # noqa: S314 - our own server wrote it


def sources(root: ET.Element) -> list[ET.Element]:
    """Return the domains of a document, at its root or below it."""
    return list(root.iter("data_source"))


def keys(root: ET.Element) -> list[str | None]:
    return [connection.get("key") for connection in root.iter("connection")]


def template(uri: str) -> types.ResourceTemplateReference:
    return types.ResourceTemplateReference(type="ref/resource", uri=uri)


async def templates(client: Client) -> dict[str, str]:
    """Return the URI templates by their names."""
    found = (await client.list_resource_templates()).resource_templates
    return {each.name: each.uri_template for each in found}


async def test_the_index_every_domain_and_every_connection_are_listed(talk: Talk, config: Path) -> None:
    async with talk(config) as client:
        page = await client.list_resources()
    assert page.next_cursor is None
    assert [(each.uri, each.name) for each in page.resources] == [
        (ROOT, "schema"),
        (f"{ROOT}/Sales", "Sales"),
        (f"{ROOT}/Sales/orders", "Sales:orders"),
        (f"{ROOT}/Sales/web", "Sales:web"),
        (f"{ROOT}/Staff", "Staff"),
        (f"{ROOT}/Staff/orders", "Staff:orders"),
    ]
    assert {each.mime_type for each in page.resources} == {"application/xml"}
    assert page.resources[2].description == "Orders <since 2020>"


async def test_the_index_of_very_many_connections_counts_them_in_one_document(talk: Talk, config: Path) -> None:
    put(config, many(250) + "[[domain]]\nname = 'None'\n")
    async with talk(config) as client:
        root = await parsed(client, ROOT)
    assert [(domain.get("name"), domain.get("connections")) for domain in sources(root)] == [
        ("Many", "250"),
        ("None", "0"),
    ]


async def test_every_resource_that_is_listed_can_be_read(talk: Talk, config: Path) -> None:
    async with talk(config) as client:
        for resource in (await client.list_resources()).resources:
            contents = await read(client, resource.uri)
            assert contents.mime_type == resource.mime_type


async def test_the_index_shows_domains_and_connections_in_one_document_and_no_table(talk: Talk, config: Path) -> None:
    async with talk(config) as client:
        root = await parsed(client, ROOT)
    assert [domain.get("name") for domain in sources(root)] == ["Sales", "Staff"]
    assert keys(root) == ["Sales:orders", "Sales:web", "Staff:orders"]
    assert {connection.get("status") for connection in root.iter("connection")} == {"pending"}
    assert sources(root)[0].findtext("description") == "What was sold, & to whom."
    assert not list(root.iter("table"))


async def test_a_domain_shows_its_connections_with_type_and_tables(talk: Talk, config: Path) -> None:
    async with talk(config) as client:
        root = await parsed(client, f"{ROOT}/Sales")
    (domain,) = sources(root)
    assert domain.get("name") == "Sales"
    orders, web = domain.findall("connection")
    assert (orders.get("name"), orders.get("type"), orders.get("key")) == ("orders", "sqlite", "Sales:orders")
    assert orders.get("environment") == "prod"
    assert orders.findtext("description") == "Orders <since 2020>"
    assert [table.get("name") for table in orders.findall("table")] == ["customers", "orders"]
    assert [column.get("name") for column in web.findall("table[@name='customers']/column")] == ["email", "visits"]
    assert orders.find("table[@name='orders']/foreign_key") is not None


async def test_a_domain_has_no_type(talk: Talk, config: Path) -> None:
    async with talk(config) as client:
        documents = [await read(client, each.uri) for each in (await client.list_resources()).resources]
    heads = [part.partition(">")[0] for each in documents for part in each.text.split("<data_source ")[1:]]
    assert len(heads) >= 6
    for head in heads:
        assert head.startswith("name=")
        assert " id=" in head
        assert " type=" not in head


async def test_a_connection_shows_its_own_tables_alone(talk: Talk, config: Path) -> None:
    async with talk(config) as client:
        root = await parsed(client, f"{ROOT}/Sales/web")
    assert keys(root) == ["Sales:web"]
    assert [table.get("name") for table in root.iter("table")] == ["customers", "pages"]


async def test_a_table_shows_itself_alone(talk: Talk, config: Path) -> None:
    async with talk(config) as client:
        root = await parsed(client, f"{ROOT}/Sales/orders/main/orders")
    assert keys(root) == ["Sales:orders"]
    (table,) = root.iter("table")
    assert (table.get("name"), table.get("schema")) == ("orders", "main")
    types_by_name = {column.get("name"): column.get("type") for column in table.findall("column")}
    assert types_by_name == {"id": "integer", "customer_id": "integer", "total": "numeric"}


async def test_a_table_is_not_taken_for_one_that_is_named_like_schema_and_table(talk: Talk, config: Path) -> None:
    with closing(sqlite3.connect(config.with_name("web.sqlite"))) as database:
        database.execute('create table "main.pages" (id integer)')
    async with talk(config) as client:
        plain = await parsed(client, f"{ROOT}/Sales/web/main/pages")
        dotted = await parsed(client, f"{ROOT}/Sales/web/main/main.pages")
    assert [table.get("name") for table in plain.iter("table")] == ["pages"]
    assert [table.get("name") for table in dotted.iter("table")] == ["main.pages"]


async def test_lines_are_plain_text_in_the_same_envelope(talk: Talk, config: Path) -> None:
    async with talk(config) as client:
        contents = await read(client, f"{ROOT}/Sales?format=lines")
    assert contents.mime_type == "text/plain"
    assert '<data_source name="Sales"' in contents.text
    assert 'key="Sales:orders"' in contents.text
    assert "orders: id* integer, customer_id integer >customers.id, total numeric" in contents.text


@pytest.mark.parametrize(("detail", "columns"), [("names", 0), ("gist", 2), ("digest", 2), ("full", 2)])
async def test_the_detail_asked_for_is_given(talk: Talk, config: Path, detail: str, columns: int) -> None:
    async with talk(config) as client:
        root = await parsed(client, f"{ROOT}/Sales/web/main/customers?detail={detail}&max_tokens=5000")
    assert len(list(root.iter("column"))) == columns


async def test_a_budget_that_is_too_small_says_what_was_left_out(talk: Talk, config: Path) -> None:
    async with talk(config) as client:
        root = await parsed(client, f"{ROOT}/Sales/orders?max_tokens=60")
    (connection,) = root.iter("connection")
    assert "max_tokens" in (connection.get("left_out") or "")


async def test_a_connection_that_cannot_be_used_stays_visible_with_status_and_reason(talk: Talk, config: Path) -> None:
    add(config, GONE)
    async with talk(config) as client:
        of_domain = await parsed(client, f"{ROOT}/Staff")
        of_connection = await parsed(client, f"{ROOT}/Staff/gone")
        index = await parsed(client, ROOT)
    for root, expected in ((of_domain, 3), (of_connection, 1), (index, 5)):
        found = {connection.get("name"): connection for connection in root.iter("connection")}
        assert len(keys(root)) == expected
        assert found["gone"].get("status") == "down"
        assert "gone.sqlite" in (found["gone"].get("reason") or "")
        assert found["gone"].get("type") == "sqlite"
    (painted,) = of_domain.findall(".//connection[@name='painted']")
    assert painted.get("status") == "config_error"
    assert "colour" in (painted.get("reason") or "")
    assert of_domain.find(".//connection[@name='orders']/table") is not None


@pytest.mark.parametrize(
    ("path", "code", "nearest"),
    [
        ("/Slaes", "unknown_domain", ["Sales"]),
        ("/Sales/ordres", "unknown_connection", ["Sales:orders"]),
        ("/Sales/orders/main/order", "unknown_table", ["orders"]),
        ("/Sales/orders/other/orders", "unknown_table", ["orders"]),
        ("/Sales/orders/main/*", "unknown_table", []),
        ("/Sales/orders/main/%2A", "unknown_table", []),
        ("/Sales/orders/main/order[s]", "unknown_table", []),
        ("/Sales?detail=all", "bad_argument", []),
        ("/Sales?colour=red", "bad_argument", []),
        ("/Sales?max_tokens=many", "bad_argument", []),
    ],
)
async def test_what_is_not_there_is_told_with_its_uri_and_the_nearest(
    talk: Talk, config: Path, *, path: str, code: str, nearest: list[str]
) -> None:
    uri = ROOT + path
    async with talk(config) as client:
        with pytest.raises(MCPError) as caught:
            await client.read_resource(uri)
    assert caught.value.error.code == types.INVALID_PARAMS
    data: dict[str, Any] = caught.value.error.data
    assert data["uri"] == uri
    assert data["colonnade/error"]["code"] == code
    assert data["colonnade/error"]["candidates"][: len(nearest)] == nearest


@pytest.mark.parametrize(
    "uri",
    [
        "colonnade://other",
        "colonnade://schema/Sales/orders/main",
        "colonnade://schema/Sales/orders/main/orders/id",
        "other://schema",
        "file:///etc/hostname",
    ],
)
async def test_a_uri_of_nothing_is_not_found(talk: Talk, config: Path, uri: str) -> None:
    async with talk(config) as client:
        with pytest.raises(MCPError) as caught:
            await client.read_resource(uri)
    assert caught.value.error.code == types.INVALID_PARAMS
    assert caught.value.error.data["uri"] == uri


async def test_odd_names_of_domains_and_connections_are_listed_so_that_they_can_be_read(
    talk: Talk, tmp_path: Path
) -> None:
    async with talk(odd(tmp_path)) as client:
        resources = (await client.list_resources()).resources
        connections = [(each.name, await parsed(client, each.uri)) for each in resources[2:]]
        domain = await parsed(client, resources[1].uri)
    assert [name for name, _ in connections] == [f"{ODD_DOMAIN}:{name}" for name in ODD_CONNECTIONS]
    assert keys(domain) == [name for name, _ in connections]
    assert [keys(root) for _, root in connections] == [[name] for name, _ in connections]
    assert resources[4].uri.endswith("/50%2541")
    assert resources[5].uri.endswith("/UPPER")
    assert sources(domain)[0].get("name") == ODD_DOMAIN
    assert domain.findtext(".//description") == '<b>bold</b> & "quoted"'


@pytest.mark.parametrize("table", ODD_TABLES)
async def test_odd_names_of_tables_survive_the_template(talk: Talk, tmp_path: Path, table: str) -> None:
    async with talk(odd(tmp_path)) as client:
        whole = (await templates(client))["table"]
        uri = UriTemplate.parse(whole).expand(
            {"domain": ODD_DOMAIN, "connection": "a/b", "schema": "main", "table": table}
        )
        root = await parsed(client, uri)
    assert keys(root) == [f"{ODD_DOMAIN}:a/b"]
    assert [each.get("name") for each in root.iter("table")] == [table]
    assert [each.get("default") for each in root.iter("column")][1] == "'<&>\"'"


async def test_the_options_of_a_template_reach_the_resource(talk: Talk, config: Path) -> None:
    async with talk(config) as client:
        expanded = {
            name: UriTemplate.parse(uri).expand(
                {"domain": "Sales", "connection": "web", "schema": "main", "table": "pages", "format": "lines"}
            )
            for name, uri in (await templates(client)).items()
        }
        found = {name: await read(client, uri) for name, uri in expanded.items()}
    assert list(found) == ["domain", "connection", "table"]
    assert {each.mime_type for each in found.values()} == {"text/plain"}
    assert "pages: path* text" in found["table"].text
    assert "customers" not in found["table"].text


@pytest.mark.parametrize("spelling", ["sales/WEB", "%53ales/we%62", "SALES/Web"])
async def test_case_and_needless_encoding_do_not_count_in_a_uri(talk: Talk, config: Path, spelling: str) -> None:
    async with talk(config) as client:
        assert keys(await parsed(client, f"{ROOT}/{spelling}")) == ["Sales:web"]


@pytest.mark.parametrize(
    ("name", "argument", "given", "expected"),
    [
        ("domain", {"name": "domain", "value": ""}, {}, ["Sales", "Staff"]),
        ("domain", {"name": "domain", "value": "st"}, {}, ["Staff"]),
        ("domain", {"name": "domain", "value": "AL"}, {}, ["Sales"]),
        ("connection", {"name": "connection", "value": ""}, {}, ["Sales:orders", "Sales:web", "Staff:orders"]),
        ("connection", {"name": "connection", "value": "staff:o"}, {}, ["Staff:orders"]),
        ("connection", {"name": "connection", "value": "w"}, {"domain": "Sales"}, ["web"]),
        ("connection", {"name": "connection", "value": ""}, {"domain": "sales"}, ["orders", "web"]),
        ("connection", {"name": "connection", "value": ""}, {"domain": "nothing"}, []),
        ("table", {"name": "schema", "value": "m"}, {"domain": "Sales", "connection": "web"}, ["main"]),
        (
            "table",
            {"name": "table", "value": ""},
            {"domain": "Sales", "connection": "web", "schema": "main"},
            ["customers", "pages"],
        ),
        ("table", {"name": "table", "value": "pa"}, {"domain": "Sales", "connection": "web"}, ["pages"]),
        ("table", {"name": "table", "value": "e"}, {"connection": "Sales:web"}, ["customers", "pages"]),
        ("table", {"name": "table", "value": ""}, {"domain": "Sales", "connection": "nothing"}, []),
        ("table", {"name": "table", "value": ""}, {}, []),
    ],
)
async def test_what_a_template_leaves_open_is_completed(  # noqa: PLR0913 - a row of the table each
    talk: Talk, config: Path, *, name: str, argument: dict[str, str], given: dict[str, str], expected: list[str]
) -> None:
    async with talk(config) as client:
        uri = (await templates(client))[name]
        completion = (await client.complete(template(uri), argument, given)).completion
    assert completion.values == expected
    assert completion.total == len(expected)
    assert completion.has_more is False


async def test_a_completion_holds_a_hundred_values_and_says_how_many_there_are(talk: Talk, config: Path) -> None:
    put(config, many(250))
    async with talk(config) as client:
        uri = (await templates(client))["connection"]
        completion = (await client.complete(template(uri), {"name": "connection", "value": "number"})).completion
    assert len(completion.values) == 100
    assert completion.total == 250
    assert completion.has_more is True


async def test_a_long_list_comes_in_pages(talk: Talk, config: Path) -> None:
    put(config, many(450))
    pages: list[list[str]] = []
    cursor: str | None = None
    async with talk(config) as client:
        while True:
            page = await client.list_resources(cursor=cursor)
            pages.append([each.uri for each in page.resources])
            cursor = page.next_cursor
            if cursor is None:
                break
    assert [len(page) for page in pages] == [200, 200, 52]
    assert len({uri for page in pages for uri in page}) == 452
    assert pages[2][-1] == f"{ROOT}/Many/{quote('number 449')}"


@pytest.mark.parametrize("cursor", ["", "x", "-1", "1.5", "\uff11\uff12"])
async def test_a_cursor_of_somebody_else_is_refused(talk: Talk, config: Path, cursor: str) -> None:
    async with talk(config) as client:
        with pytest.raises(MCPError) as caught:
            await client.list_resources(cursor=cursor)
    assert caught.value.error.code == types.INVALID_PARAMS


async def test_a_cursor_beyond_the_end_gives_nothing(talk: Talk, config: Path) -> None:
    async with talk(config) as client:
        page = await client.list_resources(cursor="9" * 30)
    assert page.resources == []
    assert page.next_cursor is None


async def test_a_file_that_is_no_toml_is_told_to_who_lists_or_reads(talk: Talk, config: Path) -> None:
    put(config, "version = [\n")
    async with talk(config) as client:
        with pytest.raises(MCPError) as listing:
            await client.list_resources()
        with pytest.raises(MCPError) as reading:
            await client.read_resource(ROOT)
        assert len((await client.list_resource_templates()).resource_templates) == 3
    for caught in (listing, reading):
        assert caught.value.error.message.startswith("config_error: ")
        assert f"{config}:1" in caught.value.error.message
        assert caught.value.error.data["colonnade/error"]["code"] == "config_error"


async def test_clients_are_told_that_the_list_of_resources_can_change(talk: Talk, config: Path) -> None:
    async with talk(config) as client:
        capabilities = client.server_capabilities
    assert capabilities.resources is not None
    assert capabilities.resources.list_changed is True
    assert capabilities.completions is not None
    assert capabilities.prompts is None


@pytest.mark.usefixtures("attentive")
async def test_a_client_of_2026_that_listens_hears_that_the_list_changed(
    config: Path, environ: dict[str, str], until: Until
) -> None:
    heard = anyio.Event()
    async with App.open(config, environ=environ) as app, Client(build(app, "memory", "tester")) as client:
        before = (await client.list_resources()).resources

        async def listen(*, task_status: anyio.abc.TaskStatus[None]) -> None:
            async with client.listen(resources_list_changed=True) as subscription:
                assert subscription.honored.resources_list_changed is True
                task_status.started()
                async for event in subscription:
                    assert isinstance(event, ResourcesListChanged)
                    heard.set()
                    return

        async def asked_until_heard() -> bool:
            # Any call looks at the file; that there was a change is told to who listens.
            await client.call_tool("list_connections", {})
            return heard.is_set()

        async with anyio.create_task_group() as tasks:
            await tasks.start(listen)
            add(config, ADDED)
            await until(asked_until_heard)
        after = (await client.list_resources()).resources
    assert [each.name for each in after if each not in before] == ["Staff:added"]


@pytest.mark.usefixtures("attentive")
async def test_a_client_of_2025_hears_that_the_list_changed(
    config: Path, environ: dict[str, str], until: Until
) -> None:
    heard = anyio.Event()

    async def hear(message: IncomingMessage) -> None:
        if isinstance(message, types.ResourceListChangedNotification):
            heard.set()

    async with (
        App.open(config, environ=environ) as app,
        Client(build(app, "memory", "tester"), mode="legacy", message_handler=hear) as client,
    ):
        before = (await client.list_resources()).resources
        add(config, ADDED)

        async def asked_until_heard() -> bool:
            await client.call_tool("list_connections", {})
            return heard.is_set()

        await until(asked_until_heard)
        after = (await client.list_resources()).resources
    assert [each.name for each in after if each not in before] == ["Staff:added"]


@pytest.mark.usefixtures("attentive")
async def test_a_client_that_left_does_not_keep_others_from_hearing(
    config: Path, environ: dict[str, str], until: Until
) -> None:
    heard = anyio.Event()

    async def hear(message: IncomingMessage) -> None:
        if isinstance(message, types.ResourceListChangedNotification):
            heard.set()

    async with App.open(config, environ=environ) as app:
        server = build(app, "memory", "tester")
        async with Client(server, mode="legacy", message_handler=hear) as stays:
            async with Client(server, mode="legacy") as leaves:
                await leaves.call_tool("list_connections", {})
            add(config, ADDED)

            async def asked_until_heard() -> bool:
                await stays.call_tool("list_connections", {})
                return heard.is_set()

            await until(asked_until_heard)
