from colonnade.server.nearest import nearest


def test_the_nearest_names_come_best_first() -> None:
    assert nearest("custmers", ["orders", "customers", "custom_fields"])[0] == "customers"


def test_a_part_of_a_name_finds_it() -> None:
    assert nearest("invoice", ["order_invoice_0021", "orders"]) == ["order_invoice_0021"]


def test_nothing_alike_is_nothing() -> None:
    assert nearest("zzz", ["orders", "customers"]) == []
    assert nearest("", ["orders"]) == []
