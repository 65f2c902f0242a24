import pytest
from colonnade.server.errors import AmbiguousConnection, EmptyDomain, UnknownConnection, UnknownDomain
from colonnade.server.keys import ConnectionKey, Directory, fold, normal
from hypothesis import given
from hypothesis import strategies as st

names = st.text(min_size=1).map(normal).filter(bool)

DIRECTORY = Directory(
    {
        "Sales Analytics": ["snowflake_prod", "crm_db"],
        "HR: people": ["Production SQL Server"],
        "Finance": ["crm_db", "ledger"],
        "Empty": [],
    }
)


@given(domain=names, connection=names.filter(lambda name: ":" not in name))
def test_a_key_survives_a_round_trip(domain: str, connection: str) -> None:
    key = ConnectionKey(domain, connection)
    assert ConnectionKey.parse(str(key)) == key


@pytest.mark.parametrize("text", ["sales", ":", "sales:", ":crm", " : "])
def test_half_a_key_names_the_next_step(text: str) -> None:
    with pytest.raises(UnknownConnection, match=r"domain:connection.*list_connections"):
        ConnectionKey.parse(text)


@pytest.mark.parametrize(
    "text",
    [
        "HR: people:Production SQL Server",
        "hr: PEOPLE:production sql server",
        "  HR: people:Production  SQL Server ",
        "\uff28\uff32: people:Production SQL Server",
        "@HR: people:Production SQL Server",
        "Production SQL Server",
        "@production sql server",
        "HR: people",
        "hr: people",
    ],
)
def test_a_connection_is_found_however_it_is_written(text: str) -> None:
    assert DIRECTORY.key(text) == ConnectionKey("HR: people", "Production SQL Server")


def test_a_bare_name_that_fits_twice_is_never_guessed() -> None:
    with pytest.raises(AmbiguousConnection) as caught:
        DIRECTORY.key("crm_db")
    assert caught.value.candidates == ("Sales Analytics:crm_db", "Finance:crm_db")


def test_a_bare_domain_with_two_connections_is_never_guessed() -> None:
    with pytest.raises(AmbiguousConnection) as caught:
        DIRECTORY.key("Finance")
    assert caught.value.candidates == ("Finance:crm_db", "Finance:ledger")


def test_an_unknown_key_is_answered_with_the_nearest() -> None:
    with pytest.raises(UnknownConnection) as caught:
        DIRECTORY.key("Sales Analytics:snowflke_prod")
    assert caught.value.candidates[0] == "Sales Analytics:snowflake_prod"
    assert "list_connections" in str(caught.value)


def test_an_empty_domain_is_an_error_of_its_own() -> None:
    for find in (DIRECTORY.key, DIRECTORY.members, DIRECTORY.scope):
        with pytest.raises(EmptyDomain, match='"Empty" has no connections'):
            find("empty")


def test_a_domain_is_found_by_name_and_answered_with_the_nearest() -> None:
    assert DIRECTORY.domain("sales analytics") == "Sales Analytics"
    with pytest.raises(UnknownDomain) as caught:
        DIRECTORY.domain("Salse Analytics")
    assert caught.value.candidates == ("Sales Analytics",)


def test_a_scope_is_a_connection_or_a_whole_domain() -> None:
    assert [str(key) for key in DIRECTORY.scope("finance")] == ["Finance:crm_db", "Finance:ledger"]
    assert [str(key) for key in DIRECTORY.scope("finance:LEDGER")] == ["Finance:ledger"]


def test_a_full_key_comes_before_a_domain_of_the_same_text() -> None:
    directory = Directory({"a": ["b"], "a:b": ["c", "d"]})
    assert directory.scope("a:b") == [ConnectionKey("a", "b")]
    assert directory.key("a:b:c") == ConnectionKey("a:b", "c")


@given(st.text())
def test_any_text_is_found_or_answered(text: str) -> None:
    for find in (DIRECTORY.key, DIRECTORY.scope):
        try:
            find(text)
        except (UnknownConnection, AmbiguousConnection, EmptyDomain) as error:
            assert str(error).startswith(error.code)  # noqa: PT017 - an answer is as good as an error


@given(st.text())
def test_folding_twice_changes_nothing(text: str) -> None:
    assert fold(fold(text)) == fold(text)
