import os
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal, cast
from urllib.parse import unquote, urlsplit

import pytest
from colonnade.server.config import Configuration, Problem, Source, Unreadable, diff, find
from colonnade.server.config.load import load
from colonnade.server.errors import UnknownConnection
from colonnade.server.keys import ConnectionKey, fold
from colonnade.server.model import Limits
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationInfo, field_validator, model_validator


class EnvReference(BaseModel):
    model_config = ConfigDict(extra="forbid")

    env: str = Field(min_length=1)


class FileReference(BaseModel):
    model_config = ConfigDict(extra="forbid")

    file: str


class Encryption(BaseModel):
    model_config = ConfigDict(extra="forbid")

    mode: Literal["off", "on", "full"] = "on"


class Jump(BaseModel):
    model_config = ConfigDict(extra="forbid")

    host: str
    port: int = 22
    password: EnvReference | FileReference | SecretStr | None = None


class HarborOptions(BaseModel):
    """A made-up server."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    url: SecretStr | None = None
    host: str | None = None
    port: int = Field(default=9000, ge=1, le=65_535)
    user: str | None = None
    password: EnvReference | FileReference | SecretStr | None = None
    mode: Literal["fast", "careful"] = "fast"
    encryption: Encryption = Encryption()
    jump: Jump | None = None
    labels: dict[str, str] = {}

    @model_validator(mode="after")
    def _one_way(self) -> "HarborOptions":
        if self.url is not None and self.host is not None:
            raise ValueError("both url and host are given")
        return self


class LedgerOptions(BaseModel):
    """A made-up file."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    path: str
    schema_name: str = Field("main", alias="schema")

    @field_validator("path")
    @classmethod
    def _absolute(cls, path: str, info: ValidationInfo) -> str:
        if path.startswith("~"):
            raise RuntimeError("no home")
        if "?" in path:
            raise ValueError(f"cannot open '{path}'")
        context = cast("Mapping[str, Path]", info.context)
        return str(context["folder"] / path)


class Types:
    """Stands in for the engines, and counts which of them were asked for."""

    def __init__(self) -> None:
        self.names = ("harbor", "ledger")
        self.aliases = {fold(word): kind for word, kind in LABELS.items()}
        self.schemes = {"harbor": "harbor", "harbour": "harbor", "ledger": "ledger"}
        self.asked: list[str] = []

    def options(self, kind: str) -> type[BaseModel]:
        self.asked.append(kind)
        return {"harbor": HarborOptions, "ledger": LedgerOptions}[kind]


LABELS = {"harbor": "harbor", "Harbor DB": "harbor", "ledger": "ledger", "book": "ledger"}

FILE = "conf/colonnade.toml"


def read(text: str, environ: Mapping[str, str] | None = None) -> Configuration:
    return load(text, FILE, Types(), environ or {})


def one(text: str, environ: Mapping[str, str] | None = None) -> Configuration:
    """Read a file of one domain and one connection, whose settings these are."""
    return read(f'[[domain]]\nname = "S"\n[[domain.connection]]\nname = "c"\n{text}\n', environ)


def told(configuration: Configuration) -> list[tuple[int | None, str]]:
    return [(problem.line, problem.what) for problem in configuration.problems]


def options(configuration: Configuration, key: str) -> BaseModel:
    found = configuration.connection(configuration.directory.key(key)).options
    assert found is not None
    return found


def keys(configuration: Configuration) -> list[str]:
    return [str(key) for key in configuration.connections]


def usable(configuration: Configuration) -> list[str]:
    return [str(key) for key, each in configuration.connections.items() if each.problem is None]


FULL = """\
version = 1

[defaults]
limits = { rows = 100, seconds = 20 }

[base.port]
type = "Harbor DB"
host = "10.0.0.1"
user = "agent"
limits = { seconds = 60 }

[[domain]]
name = "Sales Analytics"
id = "sales"
description = "Orders and revenue."
owner = "data@example.com"
tags = ["gold"]

[[domain.connection]]
name = "prod"
extends = "port"
description = "Loaded nightly."
environment = "production"
limits = { rows = 500 }
allow_functions = ["gis.Reach", "twice"]
allow_files = true

[[domain.connection]]
name = "book"
id = 7
url = "ledger:///x"
path = "data/x.book"
enabled = false

[[domain]]
name = "HR: people"
"""


def test_a_whole_file_is_read() -> None:
    types = Types()
    configuration = load(FULL.replace('url = "ledger:///x"', 'type = "BOOK"'), FILE, types, {})
    assert configuration.problems == ()
    assert configuration.where == FILE
    sales, people = configuration.domains
    assert (sales.name, sales.id, sales.owner, sales.tags) == (
        "Sales Analytics",
        "sales",
        "data@example.com",
        ("gold",),
    )
    assert (people.name, people.connections) == ("HR: people", ())
    prod, book = sales.connections
    assert str(prod.key) == "Sales Analytics:prod"
    assert (prod.type, prod.environment, prod.description) == ("harbor", "production", "Loaded nightly.")
    assert prod.limits == Limits(rows=500, seconds=60)
    assert (prod.allow_functions, prod.allow_files) == ({"gis.reach", "twice"}, True)
    assert (book.allow_functions, book.allow_files) == (frozenset(), False)
    assert prod.options == HarborOptions(host="10.0.0.1", user="agent")
    assert (book.type, book.id, book.enabled) == ("ledger", "7", False)
    assert types.asked == ["harbor", "ledger"]


def test_an_empty_file_is_an_empty_configuration() -> None:
    assert read("") == Configuration((), (), FILE)


def test_a_connection_is_found_by_its_key() -> None:
    configuration = one('type = "ledger"\npath = "x"')
    assert configuration.connection(ConnectionKey("S", "c")).key == ConnectionKey("S", "c")
    with pytest.raises(UnknownConnection, match="nosuch"):
        configuration.connection(ConnectionKey("S", "nosuch"))


def test_relative_paths_start_from_the_folder_of_the_file() -> None:
    assert options(one('type = "ledger"\npath = "x"'), "S:c") == LedgerOptions.model_construct(
        path=str(Path("conf", "x")), schema_name="main"
    )


def test_an_engine_is_asked_for_only_if_it_is_in_use() -> None:
    types = Types()
    load('[[domain]]\nname="S"\n[[domain.connection]]\nname="c"\ntype="ledger"\npath="x"\n', FILE, types, {})
    assert types.asked == ["ledger"]


def test_the_type_comes_from_the_scheme_of_the_url_with_or_without_a_driver() -> None:
    for scheme in ("harbor", "harbour+async", "HARBOR"):
        configuration = one(f'url = "{scheme}://u:p@h/db"')
        assert configuration.problems == ()
        assert configuration.domains[0].connections[0].type == "harbor"


@pytest.mark.parametrize(
    ("settings", "line", "what", "fix"),
    [
        ('type = "harbr"', 5, 'unknown connection type "harbr"', 'Did you mean "harbor"? Types: harbor, ledger.'),
        ('host = "h"', 3, "connection has no type", 'Write type = "…". Types: harbor, ledger.'),
        ('url = "habor://h"', 5, "no type of connection has a url like this", 'Did you mean "harbor"?'),
        ('url = "no scheme"', 5, "connection has no type, and its url tells none", "Write type"),
        ("type = 5", 5, "`type` must be text", "Types: harbor, ledger."),
        ('type = "harbor"\nprot = 1', 6, 'unknown setting "prot"', 'Did you mean "port"?'),
        ('type = "harbor"\nhots = "h"', 6, 'unknown setting "hots"', 'Did you mean "host"?'),
        ('type = "harbor"\ngrants = ["read"]', 6, 'unknown setting "grants"', "Known here: url, host"),
        ('type = "harbor"\nport = 70000', 6, "`port` must be at most 65535", "smaller"),
        ('type = "harbor"\nport = 0', 6, "`port` must be at least 1", "larger"),
        ('type = "harbor"\nport = "x"', 6, "`port` must be a whole number", "port = 1"),
        ('type = "harbor"\nport = [1]', 6, "`port` must be a whole number", "port = 1"),
        ('type = "harbor"\nhost = 5', 6, "`host` must be text", 'host = "…"'),
        ('type = "harbor"\nmode = "carefull"', 6, "`mode` must be 'fast' or 'careful'", 'Did you mean "careful"?'),
        ('type = "harbor"\nmode = 3', 6, "`mode` must be 'fast' or 'careful'", "Use one of these."),
        (
            'type = "harbor"\nencryption = { mdoe = "on" }',
            6,
            'unknown setting "mdoe"',
            'Did you mean "mode"?',
        ),
        (
            'type = "harbor"\nencryption.mode = "fill"',
            6,
            "`encryption.mode` must be 'off', 'on' or 'full'",
            'Did you mean "full"?',
        ),
        ('type = "harbor"\nencryption = 3', 6, "`encryption` must be a table", "encryption = { … }"),
        ('type = "harbor"\nlabels = { a = 1 }', 6, "`labels.a` must be text", 'a = "…"'),
        ('type = "harbor"\nhost = "h"\nurl = "harbor://x"', 3, "both url and host are given", "Known here: url, host"),
        ('type = "ledger"', 3, "`path` is missing", 'Add path = "…".'),
        ('type = "ledger"\npath = "~/x"', 3, "the settings of ledger cannot be read: RuntimeError", "path, schema"),
        ('type = "ledger"\npath = "x"\nschemas = "a"', 7, 'unknown setting "schemas"', 'Did you mean "schema"?'),
        ('type = "harbor"\nlimits = { rwos = 1 }', 6, 'unknown setting "rwos"', 'Did you mean "rows"?'),
        ('type = "harbor"\nlimits = { rows = 0 }', 6, "`limits.rows` must be at least 1", "larger"),
        ('type = "harbor"\nlimits = { wait = 0 }', 6, "`limits.wait` must be more than 0", "larger"),
        ('type = "harbor"\nlimits = { seconds = nan }', 6, "`limits.seconds` must be at most 86400", "smaller"),
        ('type = "harbor"\nlimits = [1]', 6, "`limits` must be a table", "limits = { rows = 100 }"),
        ('type = "harbor"\ntags = "x"', 6, "`tags` must be a list", 'tags = ["…"]'),
        ('type = "harbor"\ntags = ["x", 3]', 6, "`tags[1]` must be text", "Change that entry."),
        ('type = "harbor"\ndescription = 5', 6, "`description` must be text", "quotes"),
        ('type = "harbor"\nenabled = "maybe"', 6, "`enabled` must be true or false", "enabled = true"),
        ('type = "harbor"\nid = ""', 6, "`id` must not be empty", "leave it out"),
        ('type = "harbor"\nid = "a\\u200Bb"', 6, "`id`: holds control or invisible characters", ""),
        ('type = "harbor"\nextends = "nobase"', 6, "there is no [base.nobase]", "Known: none."),
        ('type = "harbor"\nextends = 5', 6, "`extends` must be text", "[base.NAME]"),
        ('type = "harbor"\nhost = "${NOPE}"', 6, "environment variable NOPE is not set", "${NOPE:-default}"),
        ('type = "harbor"\nhost = "${NO PE}"', 6, "`${` begins no variable", "$${"),
        ('type = "harbor"\npassword = 5', 6, "`password` must be { env = … }, { file = … } or text", "forms"),
        (
            'type = "harbor"\npassword = {}',
            6,
            "`password` must be { env = … }, { file = … } or text",
            "forms",
        ),
        ('type = "harbor"\npassword = { evn = "X" }', 6, 'unknown setting "evn"', 'Did you mean "env"?'),
        ('type = "harbor"\npassword = { env = 5 }', 6, "`password.env` must be text", 'env = "…"'),
        (
            'type = "harbor"\npassword = { env = "A", file = "b" }',
            6,
            "`password` holds `env` and `file`, of which only one can be",
            "Keep one",
        ),
    ],
)
def test_one_mistake_makes_one_problem(settings: str, line: int, what: str, fix: str) -> None:
    configuration = one(settings)
    (problem,) = configuration.problems
    assert (problem.line, problem.what, problem.level) == (line, what, "error")
    assert fix in problem.fix
    (connection,) = configuration.domains[0].connections
    assert connection.problem == problem
    assert (connection.options, connection.effective) == (None, "")


@pytest.mark.parametrize(
    ("text", "line", "what", "fix"),
    [
        ("nonsense = 1", 1, 'unknown setting "nonsense"', "Known here: version, defaults, base, domain."),
        ("[[domains]]\nname = 'x'", 1, 'unknown setting "domains"', 'Did you mean "domain"?'),
        ("include = ['x.toml']", 1, 'unknown setting "include"', "Known here"),
        ("[[connection]]\nname = 'x'", 1, "a connection belongs to a domain", "[[domain.connection]]"),
        ("version = 2", 1, "`version` must be 1", "version = 1"),
        ("version = true", 1, "`version` must be 1", "version = 1"),
        ("version = '1'", 1, "`version` must be 1", "version = 1"),
        ("domain = 3", 1, "`domain` must be a table", "[[domain]]"),
        ("domain = [\n {name='a'},\n 3]", 3, "`domain` must be a table", "[[domain]]"),
        ("defaults = []", 1, "`defaults` must be a table", "[defaults]"),
        ("base = 3", 1, "`base` must be a table", "[base.NAME]"),
        ("[base]\nx = 3", 2, "`base.x` must be a table", "[base.x]"),
        ("[base.x]\nname = 'a'", 2, "`name` cannot be shared", "in the connection itself"),
        ("[defaults]\nextends = 'a'", 2, "`extends` cannot be shared", "in the connection itself"),
        ("[[domain]]\nname = 'a'\nconnection = 'x'", 3, "`connection` must be a table", "[[domain.connection]]"),
        ("[[domain]]\nname = 'a'\nconnections = []", 3, 'unknown setting "connections"', 'Did you mean "connection"?'),
        ("[[domain]]\nname = 'a'\ntype = 'ledger'", 3, 'unknown setting "type"', "It belongs to a connection"),
        ("[[domain]]\nname = 'a'\ntags = 'x'", 3, "`tags` must be a list", "brackets"),
        ("[[domain]]\nname = 'a'\nid = 'x'\n[[domain]]\nname = 'b'\nid = 'X'", 6, 'domain id "x" is used twice', ""),
        ("[[domain]]\ndescription = 'a'", 1, "the domain's `name` is missing", 'name = "…"'),
        ("[[domain]]\nname = 5", 2, "the domain's `name` must be text", "quotes"),
        ("[[domain]]\nname = '..'", 2, 'domain name ".." says nothing', "says what it is"),
        (
            "[[domain]]\nname = 'Sales'\n[[domain]]\nname = '\uff33\uff21\uff2c\uff25\uff33'",
            3,
            'domain "Sales" is declared twice',
            "Merge",
        ),
        ("[[domain]]\nname = '${NOPE}'", 2, "environment variable NOPE is not set", "Set NOPE"),
        ("[[domain]]\nname = 'a'\nowner = '${NOPE}'", 3, "environment variable NOPE is not set", "Set NOPE"),
    ],
)
def test_one_mistake_outside_of_connections_makes_one_problem(text: str, line: int, what: str, fix: str) -> None:
    (problem,) = read(text).problems
    assert problem.line == line
    assert problem.what.startswith(what)
    assert fix in problem.fix
    assert problem.level == "error"


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("[[domain]]\nname = Sales\n", 2, "not TOML: a value is missing or not quoted"),
        ("name = 'a'\nname = 'b'\n", 2, "not TOML: this setting or table is already there"),
        ("[a]\n[a]\n", 2, "not TOML: this table is already there"),
        ("path = 'a\n", 1, "not TOML: a quote is not closed"),
        ("path = 'a\nb = 'c'\n", 1, "not TOML: a quote is not closed"),
        ('path = "C:\\data"\n', 1, "not TOML: a backslash in double quotes"),
        ("tags = [1,\n", 1, "not TOML: a value is missing or not quoted"),
        ("just words\n", 1, "not TOML: a setting has no ="),
        ("[domain\n", 1, "not TOML: a table's header is not closed"),
        ("a = " + "[" * 5_000, None, "lists or tables are nested too deeply"),
        ("a = " + "1" * 5_000, None, "a number is too long"),
        ("a = '\ud800'", None, "not UTF-8 text"),
    ],
)
def test_what_is_not_toml_is_unreadable(text: str, line: int | None, what: str) -> None:
    with pytest.raises(Unreadable) as caught:
        read(text)
    (problem,) = caught.value.problems
    assert problem.line == line
    assert problem.what.startswith(what)
    assert problem.fix
    assert str(caught.value).startswith(f"config_error: {FILE}{':' + str(line) if line else ''}: ")


def test_a_problem_reads_as_place_what_and_fix() -> None:
    assert str(Problem("c.toml", 3, "what", "Fix.", "error")) == "c.toml:3: error: what\n    Fix."
    assert str(Problem("c.toml", None, "what", "Fix.", "warning")) == "c.toml: warning: what\n    Fix."


def test_seven_mistakes_at_once_make_seven_problems_in_the_order_of_their_lines() -> None:
    configuration = read(
        """\
versoin = 1                              # 1

[base.shared]
type = "harbor"
prot = 1                                 # 2

[[domain]]
name = "S"
descripton = "x"                         # 3

[[domain.connection]]
name = "a:b"                             # 4
type = "ledger"
path = '''
one
two'''

[[domain.connection]]
name = "c"
extends = "shared"
limits = { rows = 1,   rwos = 1 }        # 5

[[domain.connection]]
"name" = "d"
type = "ledgr"                           # 6
limits = { rows = 5 }

[[domain.connection]]
name = "e"
type = "harbor"
password."file" = "${NOPE}"              # 7

[[domain.connection]]
name = "f"
type = "ledger"
path = "fine"
"""
    )
    assert told(configuration) == [
        (1, 'unknown setting "versoin"'),
        (5, 'unknown setting "prot"'),
        (9, 'unknown setting "descripton"'),
        (12, "connection name \"a:b\" contains ':'"),
        (21, 'unknown setting "rwos"'),
        (25, 'unknown connection type "ledgr"'),
        (31, "environment variable NOPE is not set"),
    ]
    assert all(problem.level == "error" and problem.fix for problem in configuration.problems)
    assert usable(configuration) == ["S:f"]


def test_lines_are_found_in_inline_tables_and_lists_over_several_lines() -> None:
    configuration = read(
        """\
# [[domain]] in a comment
domain = [ { name = "S", connection = [
  { name = "a", type = "ledger", path = "x" }, # [[domain]]
  { name = "b", type = "ledger",
    "path" = 5 },
  { name = "c", type = "ledger", path = "x", tags = [
     "one",
     2 ] },
] } ]
""".replace('"ledger",\n    ', '"ledger", ')
    )
    assert told(configuration) == [(4, "`path` must be text"), (7, "`tags[1]` must be text")]


def test_text_that_looks_like_a_header_or_a_setting_moves_no_line() -> None:
    configuration = read(
        '''\
[[ "domain" ]]
name = "S"
description = """
[[domain]]
name = "T"
"""
[[domain . connection]]
name = "a"   # type = 5
type = 'ledger'
"pa\\u0074h" = 5
'''
    )
    assert told(configuration) == [(10, "`path` must be text")]


def test_a_setting_of_the_base_or_the_defaults_is_blamed_where_it_stands_and_once() -> None:
    configuration = read(
        """\
[defaults]
limits = { rows = 0 }
[base.b]
type = "harbor"
port = 0
[[domain]]
name = "S"
[[domain.connection]]
name = "a"
extends = "b"
[[domain.connection]]
name = "c"
extends = "b"
port = 5
[[domain.connection]]
name = "d"
extends = "b"
limits = { rows = 5 }
port = 1
"""
    )
    assert told(configuration) == [(2, "`limits.rows` must be at least 1"), (5, "`port` must be at least 1")]
    assert usable(configuration) == ["S:d"]


def test_what_extends_a_missing_base_is_not_blamed_for_what_the_base_may_hold() -> None:
    configuration = one('extends = "bse"\nprot = 1\n[base.base]\ntype = "ledger"')
    assert told(configuration) == [(5, "there is no [base.bse]")]
    assert configuration.problems[0].fix == 'Did you mean "base"?'


def test_a_secret_of_the_connection_replaces_that_of_the_base_whole() -> None:
    configuration = one(
        'extends = "b"\npassword = { env = "X" }\nencryption = { mode = "full" }\nlabels = { b = "2" }\n'
        '[base.b]\ntype = "harbor"\npassword = { file = "y" }\nencryption = {}\nlabels = { a = "1", b = "1" }'
    )
    assert configuration.problems == ()
    found = options(configuration, "S:c")
    assert isinstance(found, HarborOptions)
    assert found.password == EnvReference(env="X")
    assert found.labels == {"a": "1", "b": "2"}


LEDGER = 'type = "ledger"\npath = "x"\n'


def ledgers(*names: str, domain: str = "S") -> str:
    return f'[[domain]]\nname = "{domain}"\n' + "".join(
        f'[[domain.connection]]\nname = "{name}"\n{LEDGER}' for name in names
    )


def test_connections_with_one_key_are_listed_once_and_unusable() -> None:
    configuration = read(ledgers("dev", "other", "\uff24\uff25\uff36", "Dev"))
    assert keys(configuration) == ["S:dev", "S:other"]
    assert usable(configuration) == ["S:other"]
    assert told(configuration) == [(12, '"S:dev" is declared 3 times, at lines 4, 12 and 16')]


def test_a_second_block_of_a_domain_adds_unusable_connections_to_the_first() -> None:
    configuration = read(ledgers("a") + ledgers("b", domain="s") + ledgers("c", domain="T"))
    assert keys(configuration) == ["S:a", "S:b", "T:c"]
    assert usable(configuration) == ["S:a", "T:c"]
    assert told(configuration) == [(7, 'domain "S" is declared twice, at lines 1 and 7')]


def test_a_connection_declared_in_both_blocks_of_a_domain_is_usable_in_neither() -> None:
    configuration = read(ledgers("a", "b") + ledgers("a", domain="s"))
    assert keys(configuration) == ["S:a", "S:b"]
    assert usable(configuration) == ["S:b"]


def test_an_unknown_setting_of_a_domain_leaves_its_connections_usable() -> None:
    configuration = read(ledgers("a").replace('"S"', '"S"\ncolour = "red"'))
    assert len(configuration.problems) == 1
    assert usable(configuration) == ["S:a"]


def test_a_wrong_name_of_a_domain_makes_its_connections_unusable() -> None:
    configuration = read(ledgers("a", domain="in\\u200Bvisible") + ledgers("a", domain="invisible") + ledgers("a"))
    assert keys(configuration) == ["invisible 2:a", "invisible:a", "S:a"]
    assert usable(configuration) == ["invisible:a", "S:a"]


@pytest.mark.parametrize(
    ("name", "listed", "what"),
    [
        ("a:b", "a_b 2", "contains ':'"),
        ("a\uff1ab", "a_b 2", "contains ':'"),
        (".", "_", "says nothing"),
        ("‥", "_", "says nothing"),
        ("a\\u200Bb", "ab", "holds control or invisible characters"),
        ("a\\nb", "ab", "holds control or invisible characters"),
        ("x" * 81, "x" * 80, "is cut at 80 characters"),
    ],
)
def test_a_wrong_name_is_listed_under_a_suggestion(name: str, listed: str, what: str) -> None:
    configuration = read(ledgers(name, "a_b"))
    assert [key.connection for key in configuration.connections] == [listed, "a_b"]
    (problem,) = configuration.problems
    assert problem.line == 4
    assert problem.what.endswith(what)
    assert usable(configuration) == ["S:a_b"]


def test_names_are_stored_trimmed_and_composed() -> None:
    assert keys(read(ledgers("  Caf" + "e\u0301   de  la  gare "))) == ["S:Caf\u00e9 de la gare"]


def test_a_nameless_connection_is_named_after_its_type_with_a_warning() -> None:
    text = (
        ledgers("x", "", " ").replace('name = "x"', 'id = "7"')
        + f'[[domain.connection]]\nname = "ledger - 2"\n{LEDGER}'
    )
    configuration = read(text)
    assert keys(configuration) == ["S:ledger - 7", "S:ledger - 2 2", "S:ledger - 3", "S:ledger - 2"]
    assert told(configuration)[:1] == [(3, 'connection has no name; using "ledger - 7"')]
    assert {problem.level for problem in configuration.problems} == {"warning"}
    assert len(usable(configuration)) == 4


def test_a_nameless_connection_without_a_type_is_listed_too() -> None:
    configuration = read(
        "[[domain]]\nname='S'\n[[domain.connection]]\n[[domain.connection]]\nname = 5\ntype = 'nope'\n"
    )
    assert keys(configuration) == ["S:unknown - 1", "S:nope - 1"]
    assert usable(configuration) == []


def test_the_old_form_for_one_connection_is_read_with_a_warning() -> None:
    configuration = read(ledgers("a").replace("[[domain.connection]]", "[domain.connection]") + "prot = 1")
    assert [(p.line, p.level) for p in configuration.problems] == [(3, "warning"), (7, "error")]
    assert configuration.problems[0].fix == "Write [[domain.connection]]."
    assert keys(configuration) == ["S:a"]


def test_ids_are_made_from_names_and_stay() -> None:
    configuration = read(ledgers("a", "b") + ledgers("a", domain="T"))
    made = [connection.id for connection in configuration.connections.values()]
    assert made == ["d4315d83", "d30eca2b", "614e4745"]
    assert [domain.id for domain in configuration.domains] == ["043a7187", "e3b98a4d"]
    assert [connection.id for connection in read(ledgers("B", "A", domain="s")).connections.values()] == made[1::-1]


def test_an_id_that_two_connections_ask_for_makes_both_unusable() -> None:
    text = ledgers("a", "b", "c")
    configuration = read(text.replace('"a"', '"a"\nid = 5').replace('"b"', '"b"\nid = "5"'))
    assert told(configuration) == [(10, 'connection id "5" is used twice, at lines 5 and 10')]
    assert usable(configuration) == ["S:c"]
    assert len({connection.id for connection in configuration.connections.values()}) == 3


PASSWORD = "p@ss:/w#rd%?"


def test_variables_in_the_login_of_a_url_are_percent_encoded() -> None:
    environ = {"U": "a@b", "P": PASSWORD, "H": "db.x:5433", "Q": "a@b"}
    found = options(one('url = "harbor://${U}:${P}@${H}/db?mail=${Q}"', environ), "S:c")
    assert isinstance(found, HarborOptions)
    assert found.url is not None
    url = urlsplit(found.url.get_secret_value())
    assert (unquote(url.username or ""), unquote(url.password or "")) == ("a@b", PASSWORD)
    assert (url.hostname, url.port, url.query) == ("db.x", 5433, "mail=a@b")


@pytest.mark.parametrize(
    ("written", "read_as"),
    [
        ("${URL}", "harbor://u:p@h"),
        ("${NOPE:-harbor://u:p@h/}", "harbor://u:p@h/"),
        ("harbor://${NOPE:-a/b@c}@h", "harbor://a%2Fb%40c@h"),
        ("harbor://${H}/db", "harbor://db.x:5433/db"),
        ("harbor://h/${P}@x", f"harbor://h/{PASSWORD}@x"),
        ("harbor://u:a$${b@h", "harbor://u:a${b@h"),
        ("harbor://${EMPTY:-u}@h", "harbor://u@h"),
        ("harbor://${EMPTY}h", "harbor://h"),
    ],
)
def test_what_stands_in_a_url_otherwise_is_left_alone(written: str, read_as: str) -> None:
    environ = {"URL": "harbor://u:p@h", "H": "db.x:5433", "P": PASSWORD, "EMPTY": ""}
    found = options(one(f'type = "harbor"\nurl = "{written}"', environ), "S:c")
    assert isinstance(found, HarborOptions)
    assert found.url == SecretStr(read_as)


def test_variables_are_filled_in_everywhere_in_a_connection_and_a_domain_but_not_in_names_of_settings() -> None:
    environ = {"D": "Sales", "N": "prod", "P": PASSWORD, "PORT": "5", "TAG": "gold", "ON": "false"}
    text = """\
[defaults]
environment = "${N}"
[base.b]
labels = { "${D}" = "${P}" }
[[domain]]
name = "${D}"
tags = ["${TAG}"]
[[domain.connection]]
name = "${N}"
extends = "b"
type = "harbor"
port = "${PORT}"
enabled = "${ON}"
password = "${P}"
limits = { rows = "${PORT}" }
"""
    configuration = read(text, environ)
    assert configuration.problems == ()
    (connection,) = configuration.connections.values()
    assert (str(connection.key), connection.environment, connection.enabled) == ("Sales:prod", "prod", False)
    assert configuration.domains[0].tags == ("gold",)
    assert connection.limits.rows == 5
    assert connection.options == HarborOptions(port=5, password=SecretStr(PASSWORD), labels={"${D}": PASSWORD})


def test_a_missing_variable_is_told_alone_and_keeps_only_its_own_connection_from_use() -> None:
    text = """\
[base.b]
type = "harbor"
port = "${NOPE}"
[[domain]]
name = "S"
[[domain.connection]]
name = "a"
extends = "b"
[[domain.connection]]
name = "b"
extends = "b"
port = 1
[[domain.connection]]
name = "c"
url = "${NOPE}"
"""
    configuration = read(text)
    assert told(configuration) == [
        (3, "environment variable NOPE is not set"),
        (15, "environment variable NOPE is not set"),
    ]
    assert usable(configuration) == ["S:b"]


def test_a_missing_variable_of_a_disabled_connection_is_a_warning() -> None:
    configuration = one('type = "harbor"\nport = "${NOPE}"\nenabled = false')
    assert [(p.line, p.level) for p in configuration.problems] == [(6, "warning")]
    (connection,) = configuration.connections.values()
    assert (connection.problem, connection.options, connection.effective) == (None, None, "")


def test_a_variable_that_is_not_text_is_told() -> None:
    configuration = one('type = "harbor"\nhost = "${BYTES}"', {"BYTES": "a\udcff"})
    assert told(configuration) == [(6, "environment variable BYTES is not UTF-8 text")]


def test_a_password_in_the_file_is_a_warning() -> None:
    configuration = one(f'type = "harbor"\npassword = "{PASSWORD}"')
    (problem,) = configuration.problems
    assert (problem.line, problem.what, problem.level) == (6, "password is written in the file", "warning")
    assert problem.fix == "Use password = { env = … } or { file = … }."
    assert usable(configuration) == ["S:c"]


@pytest.mark.parametrize("inline", [True, False])
def test_a_password_inside_a_table_is_a_warning_too(*, inline: bool) -> None:
    table = f'jump = {{ host = "g", password = "{PASSWORD}" }}'
    if not inline:
        table = f'[domain.connection.jump]\nhost = "g"\npassword = "{PASSWORD}"'
    configuration = one(f'type = "harbor"\n{table}')
    (problem,) = configuration.problems
    where = 6 if inline else 8
    assert (problem.line, problem.what, problem.level) == (where, "jump.password is written in the file", "warning")
    assert problem.fix == "Use password = { env = … } or { file = … }."
    assert usable(configuration) == ["S:c"]


def test_a_password_inside_a_table_of_a_base_is_told_where_it_stands() -> None:
    configuration = read(
        f'[base.b]\ntype = "harbor"\njump = {{ host = "g", password = "{PASSWORD}" }}\n'
        '[[domain]]\nname = "S"\n'
        '[[domain.connection]]\nname = "a"\nextends = "b"\n'
        '[[domain.connection]]\nname = "c"\nextends = "b"\njump = { password = { env = "P" } }\n'
    )
    assert told(configuration) == [(3, "jump.password is written in the file")]
    assert usable(configuration) == ["S:a", "S:c"]


@pytest.mark.parametrize(
    ("written", "line", "what", "fix"),
    [
        ('jump = { hots = "g" }', 6, 'unknown setting "hots"', 'Did you mean "host"?'),
        ("jump = { port = 1 }", 6, "`jump.host` is missing", 'Add host = "…".'),
        ('[domain.connection.jump]\nhost = "g"\nport = "x"', 8, "`jump.port` must be a whole number", "port = 1"),
        ('jump = { host = "g", password = { fil = "x" } }', 6, 'unknown setting "fil"', 'Did you mean "file"?'),
        ('jump = "g"', 6, "`jump` must be a table", "jump = { … }"),
    ],
)
def test_a_mistake_inside_a_table_is_told_with_its_line(written: str, line: int, what: str, fix: str) -> None:
    problems = {(problem.line, problem.what): problem for problem in one(f'type = "harbor"\n{written}').problems}
    assert fix in problems[line, what].fix


@pytest.mark.parametrize(
    "written",
    [
        'password = "${P}"',
        'jump = { host = "g", password = "${P}" }',
        'password = { env = "P" }',
        'password = ""',
        'url = "harbor://u:p@h"',
    ],
)
def test_no_other_secret_is_warned_of(written: str) -> None:
    assert one(f'type = "harbor"\n{written}', {"P": "x"}).problems == ()


SECRETS = ("hunter2-A", "hunter2-B", "hunter2-C", "hunter2-D", "hunter2-E", "hunter2-F", "hunter2-G?")


def test_no_problem_repeats_a_value() -> None:
    configuration = read(
        """\
[base.b]
password = { file = 5, other = "hunter2-A" }
[[domain]]
name = "S"
[[domain.connection]]
name = "a"
type = "harbor"
password = ["hunter2-B"]
mode = "hunter2-C"
port = "hunter2-D"
limits = { rows = "hunter2-E" }
[[domain.connection]]
name = "b"
url = "hunter2-F:x@h"
[[domain.connection]]
name = "c"
type = "ledger"
path = "hunter2-G?"
[[domain.connection]]
name = "d"
type = "harbor"
extends = "b"
[[domain.connection]]
name = "e"
url = "harbor://u:hunter2-A@h"
host = "${V:-hunter2-B}"
[[domain.connection]]
name = "f"
type = "harbor"
password = "${hunter2-B"
encryption = { mode = "hunter2-C" }
labels = "hunter2-D"
enabled = "hunter2-E"
tags = "hunter2-F"
"""
    )
    assert usable(configuration) == []
    assert len(configuration.problems) == 13
    everything = "\n".join(map(str, configuration.problems)) + repr(configuration)
    assert not [secret for secret in SECRETS if secret in everything]


def test_a_connection_with_problems_does_not_touch_the_others() -> None:
    configuration = read(ledgers("a", "b").replace('"x"', "[[[]]]", 1))
    assert usable(configuration) == ["S:b"]


def test_equal_settings_and_logins_are_effectively_equal() -> None:
    def effective(settings: str, environ: Mapping[str, str] | None = None) -> str:
        (connection,) = one(settings, environ).connections.values()
        return connection.effective

    first = effective('type = "harbor"\nhost = "h"\npassword = "${P}"', {"P": "one"})
    assert len(first) == 64
    assert first == effective('type = "Harbor DB"\npassword = "one"\nhost = "h"\nport = 9000\ndescription = "x"')
    assert first != effective('type = "harbor"\nhost = "h"\npassword = "two"')
    assert first != effective('type = "harbor"\nhost = "h2"\npassword = "one"')
    assert first != effective('type = "harbor"\nhost = "h"\npassword = { env = "one" }')


def test_a_change_is_added_removed_reconnect_or_policy() -> None:
    old = read(ledgers("same", "gone", "moved", "limits", "off", "broken"))
    new_text = ledgers("same", "moved", "limits", "off", "broken", "new")
    parts = new_text.split("[[domain.connection]]")
    parts[2] = parts[2].replace('path = "x"', 'path = "y"')
    parts[3] += "limits = { rows = 9 }\n"
    parts[4] += "enabled = false\n"
    parts[5] += "nonsense = 1\n"
    changes = diff(old, read("[[domain.connection]]".join(parts)))
    assert [str(key) for key in changes.added] == ["S:new"]
    assert [str(key) for key in changes.removed] == ["S:gone"]
    assert [str(key) for key in changes.reconnect] == ["S:moved", "S:broken"]
    assert [str(key) for key in changes.policy] == ["S:limits", "S:off"]
    assert diff(old, old) == diff(old, read(ledgers("same", "gone", "moved", "limits", "off", "broken")))


def test_the_first_source_there_is_counts(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "colonnade.toml").write_text("# user\n")
    environ = {"COLONNADE_CONFIG": "named.toml", "COLONNADE_HOME": str(home), "DB_URL": "x:", "DATABASE_URL": "y:"}

    def where(explicit: Path | None = None) -> str | None:
        source = find(explicit, environ)
        return None if source is None else source.where

    assert where(Path("given.toml")) == "given.toml"
    assert where() == "named.toml"
    environ["COLONNADE_CONFIG"] = ""
    assert where() == str(home / "colonnade.toml")
    (home / "colonnade.toml").unlink()
    assert where() == "DB_URL"
    environ["DB_URL"] = ""
    assert where() == "DATABASE_URL"
    del environ["DATABASE_URL"]
    assert where() is None


def test_the_user_file_is_looked_for_in_the_folder_of_the_platform(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def folder(name: str, *, appauthor: bool) -> Path:
        assert (name, appauthor) == ("colonnade", False)
        return tmp_path

    monkeypatch.setattr("platformdirs.user_config_path", folder)
    assert find(None, {}) is None
    (tmp_path / "colonnade.toml").write_text("")
    assert find(None, {}) == Source(tmp_path / "colonnade.toml")


@pytest.mark.parametrize("variable", ["DB_URL", "DATABASE_URL"])
def test_a_database_url_alone_is_a_configuration(variable: str, tmp_path: Path) -> None:
    url = f"harbor+fast://u:{PASSWORD}@h/db"
    environ = {variable: url, "COLONNADE_HOME": str(tmp_path)}
    source = find(None, environ)
    assert source is not None
    text = source.read()
    assert PASSWORD not in text
    configuration = load(text, source.where, Types(), environ)
    assert (keys(configuration), configuration.problems) == (["default:db"], ())
    found = options(configuration, "default:db")
    assert isinstance(found, HarborOptions)
    assert found.url == SecretStr(url)
    assert source.stamp() == source.stamp() is not None


def test_a_database_url_of_no_known_type_is_told_without_the_url(tmp_path: Path) -> None:
    environ = {"DB_URL": f"{PASSWORD}://x", "COLONNADE_HOME": str(tmp_path)}
    source = find(None, environ)
    assert source is not None
    (problem,) = load(source.read(), source.where, Types(), environ).problems
    assert str(problem).startswith("DB_URL:6: error: ")
    assert PASSWORD not in str(problem)


def test_a_file_is_read_as_utf8_with_or_without_a_mark(tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    path.write_bytes("\ufeff[[domain]]\nname = 'Büro'\n".encode())
    assert read(Source(path).read()).domains[0].name == "Büro"


def make_folder(path: Path) -> None:
    path.mkdir()


def make_latin(path: Path) -> None:
    path.write_bytes(b"[[domain]]\nname = 'B\xfcro'\n")


def make_large(path: Path) -> None:
    path.write_bytes(b"#" * (4 * 1024 * 1024 + 1))


def make_nothing(path: Path) -> None:
    assert not path.exists()


@pytest.mark.parametrize(
    ("make", "line", "what", "fix"),
    [
        (make_nothing, None, "there is no such file", "Check the path"),
        (make_folder, None, "this is a folder", "Give the file in it"),
        (make_latin, 2, "not UTF-8 text", "Save the file as UTF-8."),
        (make_large, None, "larger than 4 MB", "Check that it is the configuration."),
    ],
)
def test_a_file_that_cannot_be_read_is_unreadable(
    make: Callable[[Path], None], line: int | None, what: str, fix: str, tmp_path: Path
) -> None:
    path = tmp_path / "c.toml"
    make(path)
    with pytest.raises(Unreadable) as caught:
        Source(path).read()
    (problem,) = caught.value.problems
    assert (problem.file, problem.line, problem.what) == (str(path), line, what)
    assert fix in problem.fix


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="the superuser may read every file")
def test_a_file_without_permission_is_unreadable(tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    path.touch(mode=0o000)
    with pytest.raises(Unreadable, match="may not be read"):
        Source(path).read()


def test_the_stamp_of_a_file_changes_with_it_and_is_none_without_it(tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    source = Source(path)
    assert source.stamp() is None
    path.write_text("")
    first = source.stamp()
    assert first is not None
    path.write_text("# longer")
    assert source.stamp() not in (None, first)


def test_a_ready_text_is_a_source_with_a_name() -> None:
    source = Source(text="", name="the demo", demo=True)
    assert (source.read(), source.where, source.stamp()) == ("", "the demo", Source(text="x").stamp())
    assert load(source.read(), source.where, Types(), {}, demo=source.demo).demo


def test_five_hundred_connections_load_in_a_moment_and_no_line_is_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "".join(ledgers(*(f"c{number}" for number in range(25)), domain=f"D{domain}") for domain in range(20))
    monkeypatch.setitem(sys.modules, "colonnade.server.config.lines", None)
    started = time.process_time()
    configuration = read(text)
    elapsed = time.process_time() - started
    assert len(usable(configuration)) == 500
    assert elapsed < 1, "an order of magnitude above what it takes"


def test_what_is_known_of_real_engines_is_enough() -> None:
    from colonnade.server.engines import EngineTypes

    try:
        configuration = load(
            '[[domain]]\nname = "S"\n[[domain.connection]]\nname = "c"\ntype = "SQLite DB"\npath = "x.db"\nprot = 1\n',
            FILE,
            EngineTypes(),
            {},
        )
    except ModuleNotFoundError as error:
        pytest.skip(f"not built yet: {error.name}")
    assert told(configuration) == [(7, 'unknown setting "prot"')]
