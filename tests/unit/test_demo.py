import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

from colonnade.server import demo


def dump(path: Path) -> str:
    with closing(sqlite3.connect(path)) as database:
        return "\n".join(database.iterdump())


def test_the_demo_is_the_same_on_every_machine(tmp_path: Path) -> None:
    demo.build(tmp_path / "a")
    demo.build(tmp_path / "b")
    for first, second in zip(sorted((tmp_path / "a").iterdir()), sorted((tmp_path / "b").iterdir()), strict=True):
        assert dump(first) == dump(second)


def test_first_runs_at_the_same_time_do_not_collide(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(demo.build, [tmp_path] * 8))
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".sqlite", ".sqlite"]


def test_the_two_databases_join_only_by_email(tmp_path: Path) -> None:
    demo.build(tmp_path)
    with closing(sqlite3.connect(":memory:")) as database:
        for name in ("shop", "support"):
            database.execute(f"attach ? as {name}", (str(next(tmp_path.glob(f"{name}-*"))),))
        (both,) = database.execute(
            "select count(*) from support.tickets t join shop.customers c on c.email = t.customer_email"
        ).fetchone()
        (tickets,) = database.execute("select count(*) from support.tickets").fetchone()
        assert both == tickets > 0
        assert database.execute("pragma shop.foreign_key_check").fetchall() == []
        assert database.execute("pragma support.foreign_key_check").fetchall() == []


def test_a_folder_with_odd_characters_makes_a_configuration_that_loads(tmp_path: Path) -> None:
    folder = tmp_path / 'a "b" ${C} % é'
    assert "${C}" not in demo.config(folder)
