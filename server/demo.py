"""The embedded demo: one domain, two SQLite files, joined only by e-mail across them; deterministic."""

import os
import random
import sqlite3
import tempfile
from collections.abc import Callable
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path
from typing import Final
from urllib.parse import quote

VERSION: Final = 1
"""Goes up when the data change, so that an old file is not taken for the new one."""

DOMAIN: Final = "Demo Shop"

CONFIG: Final = """\
version = 1

[[domain]]
name = "Demo Shop"
description = "An embedded demo: a lamp and furniture shop. Its two databases share only customers' e-mail addresses."

[[domain.connection]]
name = "shop"
description = "Customers, products, orders and revenue in EUR."
environment = "demo"
url = "sqlite:///{folder}/shop-{version}.sqlite"

[[domain.connection]]
name = "support"
description = "Support agents, tickets and messages; tickets name customers by e-mail."
environment = "demo"
url = "sqlite:///{folder}/support-{version}.sqlite"
"""

SHOP: Final = """
create table regions (id integer primary key, name text not null unique);
create table customers (
  id integer primary key, name text not null, email text unique, region_id integer not null references regions (id),
  joined_on text not null);
create table products (
  id integer primary key, name text not null, category text not null, price_eur numeric not null);
create table orders (
  id integer primary key, customer_id integer not null references customers (id), ordered_on text not null,
  status text not null default 'open' check (status in ('paid', 'open', 'refunded')));
create table order_items (
  order_id integer not null references orders (id), product_id integer not null references products (id),
  quantity integer not null default 1, primary key (order_id, product_id)) without rowid;
create index orders_by_customer on orders (customer_id);
create view revenue_by_month as
  select substr(o.ordered_on, 1, 7) as month, round(sum(i.quantity * p.price_eur), 2) as revenue_eur
  from orders o join order_items i on i.order_id = o.id join products p on p.id = i.product_id
  where o.status = 'paid' group by 1;
"""

SUPPORT: Final = """
create table agents (id integer primary key, name text not null, team text not null);
create table tickets (
  id integer primary key, customer_email text not null, opened_on text not null, closed_on text, topic text not null,
  agent_id integer references agents (id));
create table messages (
  id integer primary key, ticket_id integer not null references tickets (id), sent_on text not null,
  from_customer integer not null, body text not null);
create index tickets_by_customer on tickets (customer_email);
"""

FIRST: Final = ("Ada", "Ben", "Cleo", "Dev", "Eva", "Finn", "Gia", "Hugo", "Ines", "Jun")
LAST: Final = ("Alder", "Birch", "Cedar", "Elm", "Fir", "Hazel", "Lind", "Maple", "Oak", "Pine")
REGIONS: Final = ("North", "South", "East", "West", "Online")
KINDS: Final = ("Mini", "Classic", "Pro", "Outdoor", "Kids")
CATEGORIES: Final = ("Lamp", "Chair", "Desk", "Shelf")
AGENTS: Final = (("Kai", "delivery"), ("Lou", "billing"), ("Mia", "returns"))
QUESTIONS: Final = {
    "delivery": "Where is my parcel?",
    "billing": "I was charged twice.",
    "return": "How do I send this back?",
    "question": "Which bulb fits this lamp?",
}
ANSWERS: Final = ("We are looking into it.", "A replacement is on its way.", "The refund was sent today.")

YEAR_BEGINS: Final = date(2026, 1, 1)
DAYS: Final = 320


def config(folder: Path) -> str:
    """Return the demo's configuration, in the form of any other."""
    return CONFIG.format(folder=quote(folder.as_posix()), version=VERSION)


def build(folder: Path) -> None:
    """Write the two files unless they are there; written aside and renamed, so that two first runs cannot collide."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for name, fill in (("shop", _fill_shop), ("support", _fill_support)):
        path = folder / f"{name}-{VERSION}.sqlite"
        if not path.exists():
            _write(path, fill)


def _write(path: Path, fill: Callable[[sqlite3.Connection, random.Random], None]) -> None:
    handle, aside = tempfile.mkstemp(dir=path.parent, suffix=".part")
    os.close(handle)
    try:
        with closing(sqlite3.connect(aside)) as database:
            database.execute("pragma synchronous = off")
            fill(database, random.Random(path.stem))  # noqa: S311 - the same data on every machine
            database.execute("analyze")
            database.commit()
        Path(aside).replace(path)
    finally:
        Path(aside).unlink(missing_ok=True)


def _emails() -> list[str]:
    return [f"{first}.{last}@example.com".lower() for first in FIRST for last in LAST]


def _day(dice: random.Random, after: date = YEAR_BEGINS, days: int = DAYS) -> date:
    return after + timedelta(days=dice.randrange(days))


def _fill_shop(database: sqlite3.Connection, dice: random.Random) -> None:
    database.executescript(SHOP)
    database.executemany("insert into regions values (?, ?)", enumerate(REGIONS, 1))
    names = [f"{first} {last}" for first in FIRST for last in LAST]
    people = zip(names, _emails(), strict=True)
    database.executemany(
        "insert into customers values (?, ?, ?, ?, ?)",
        [(i, name, email, dice.randint(1, 5), f"{_day(dice)}") for i, (name, email) in enumerate(people, 1)],
    )
    goods = [(category, f"{kind} {category}") for category in CATEGORIES for kind in KINDS]
    database.executemany(
        "insert into products values (?, ?, ?, ?)",
        [(i, name, category, round(dice.uniform(9, 400), 2)) for i, (category, name) in enumerate(goods, 1)],
    )
    orders = range(1, 2001)
    statuses = dice.choices(("paid", "open", "refunded"), (85, 10, 5), k=len(orders))
    database.executemany(
        "insert into orders values (?, ?, ?, ?)",
        [(i, dice.randint(1, len(names)), f"{_day(dice)}", status) for i, status in zip(orders, statuses, strict=True)],
    )
    database.executemany(
        "insert into order_items values (?, ?, ?)",
        [
            (order, product, dice.randint(1, 4))
            for order in orders
            for product in dice.sample(range(1, len(goods) + 1), dice.randint(1, 3))
        ],
    )


def _fill_support(database: sqlite3.Connection, dice: random.Random) -> None:
    database.executescript(SUPPORT)
    database.executemany("insert into agents values (?, ?, ?)", [(i, *agent) for i, agent in enumerate(AGENTS, 1)])
    emails = _emails()
    for ticket in range(1, 401):
        opened = _day(dice, days=DAYS - 30)
        closed = None if dice.random() < 0.2 else _day(dice, opened, 30)  # noqa: PLR2004 - one in five is open
        topic = dice.choice(list(QUESTIONS))
        database.execute(
            "insert into tickets values (?, ?, ?, ?, ?, ?)",
            (ticket, dice.choice(emails), f"{opened}", closed and f"{closed}", topic, dice.randint(1, len(AGENTS))),
        )
        for turn in range(dice.randint(1, 5)):
            body = QUESTIONS[topic] if turn % 2 == 0 else dice.choice(ANSWERS)
            database.execute(
                "insert into messages (ticket_id, sent_on, from_customer, body) values (?, ?, ?, ?)",
                (ticket, f"{opened + timedelta(days=turn)}", turn % 2 == 0, body),
            )
