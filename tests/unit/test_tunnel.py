"""Tunnels through a real SSH server in this process, to the real PostgreSQL behind it."""

import asyncio
import json
import socket
import stat
import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import anyio
import anyio.lowlevel
import asyncssh
import pytest
from anyio.abc import ByteStream, SocketAttribute, SocketStream
from asyncssh.constants import OPEN_ADMINISTRATIVELY_PROHIBITED
from colonnade.server import tunnel as tunnel_module
from colonnade.server.app import App
from colonnade.server.engines.base import Ssh
from colonnade.server.errors import (
    AuthFailed,
    ColonnadeError,
    ConfigError,
    ConnectionLost,
    DriverMissing,
    Unreachable,
)
from colonnade.server.model import Caller, Limits
from colonnade.server.tunnel import Tunnel

from tests.contract.case import Case, Server, until
from tests.contract.relay import Relay, relay

CALLER = Caller("ann", "test", "memory")
AUTHORS = "select name from authors order by id"
PASSWORD = "t0nnel p@ssword"
WRONG = "wr0ng p@ssword"
PASSPHRASE = "open s3same"

postgres = pytest.mark.parametrize("case", ["postgres"], indirect=True)


@dataclass
class Bastion:
    """An SSH server that counts its connections and logins."""

    folder: Path
    key: asyncssh.SSHKey
    user_key: asyncssh.SSHKey
    forwards: bool = True
    port: int = 0
    connections: list[asyncssh.SSHServerConnection] = field(default_factory=list[asyncssh.SSHServerConnection])
    logins: int = 0
    targets: list[tuple[str, int]] = field(default_factory=list[tuple[str, int]])
    acceptor: asyncssh.SSHAcceptor | None = None

    @property
    def known_hosts(self) -> Path:
        return self.folder / "known_hosts"

    def know(self, key: asyncssh.SSHKey | None = None) -> None:
        public = (key or self.key).export_public_key().decode()
        self.known_hosts.write_text(f"[127.0.0.1]:{self.port} {public}")

    def settings(self, **more: object) -> dict[str, object]:
        known = str(self.known_hosts)
        return {"host": "127.0.0.1", "port": self.port, "user": "ann", "known_hosts": known, **more}

    def tunnel(self, password: str | None = PASSWORD, *, passphrase: str | None = None, **settings: object) -> Tunnel:
        given = {"ssh.password": password, "ssh.passphrase": passphrase}
        secrets = {name: value for name, value in given.items() if value is not None}
        limits = Limits(connect=cast("float", settings.pop("connect", 10)))
        return Tunnel(Ssh.model_validate(self.settings(**settings)), secrets, limits)

    async def listen(self) -> None:
        bastion = self

        class Door(asyncssh.SSHServer):
            def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
                bastion.connections.append(conn)

            def connection_lost(self, exc: Exception | None) -> None:
                del exc

            def begin_auth(self, username: str) -> bool:
                return bool(username)

            def password_auth_supported(self) -> bool:
                return True

            def validate_password(self, username: str, password: str) -> bool:
                bastion.logins += 1
                return (username, password) == ("ann", PASSWORD)

            def public_key_auth_supported(self) -> bool:
                return True

            def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
                bastion.logins += 1
                return username == "ann" and key == bastion.user_key.convert_to_public()

            def connection_requested(self, dest_host: str, dest_port: int, orig_host: str, orig_port: int) -> bool:
                del orig_host, orig_port
                bastion.targets.append((dest_host, dest_port))
                if not bastion.forwards:
                    raise asyncssh.ChannelOpenError(OPEN_ADMINISTRATIVELY_PROHIBITED, "no")
                return True

        self.acceptor = await asyncssh.listen(
            "127.0.0.1", self.port, server_factory=Door, server_host_keys=[self.key], reuse_address=True
        )
        self.port = self.acceptor.get_port()

    async def die(self) -> None:
        """Stop listening and drop every connection."""
        if self.acceptor is not None:
            self.acceptor.close()
            self.acceptor = None
        for connection in self.connections:
            connection.abort()
        for connection in self.connections:
            await connection.wait_closed()


@pytest.fixture(scope="module")
def keys() -> tuple[asyncssh.SSHKey, asyncssh.SSHKey, asyncssh.SSHKey]:
    return generated("ssh-ed25519"), generated("ssh-ed25519"), generated("ssh-ed25519")


def generated(kind: str) -> asyncssh.SSHKey:
    return asyncssh.generate_private_key(kind)  # pyright: ignore[reportUnknownMemberType] - its options have no types


Keys = tuple[asyncssh.SSHKey, asyncssh.SSHKey, asyncssh.SSHKey]


@asynccontextmanager
async def bastion(folder: Path, keys: Keys) -> AsyncGenerator[Bastion]:
    server = Bastion(folder, keys[0], keys[1])
    with anyio.fail_after(30):
        await server.listen()
        server.know()
        try:
            yield server
        finally:
            with anyio.CancelScope(shield=True):
                await server.die()
                await anyio.sleep(0.05)  # transports of asyncio let go of their sockets a few rounds later


@asynccontextmanager
async def echo() -> AsyncGenerator[int]:
    """Listen on a port and send back what comes."""

    async def answer(stream: SocketStream) -> None:
        async with stream:
            with suppress(anyio.EndOfStream, anyio.BrokenResourceError):
                await stream.send(await stream.receive())

    async with await anyio.create_tcp_listener(local_host="127.0.0.1") as listener, anyio.create_task_group() as tasks:
        tasks.start_soon(listener.serve, answer)
        yield listener.extra(SocketAttribute.local_port)  # noqa: S610 - anyio's, and no Django
        tasks.cancel_scope.cancel()


async def echoed(host: str, port: int) -> bytes:
    async with await anyio.connect_tcp(host, port) as stream:
        await stream.send(b"hello")
        return await stream.receive()


def unused() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return cast("int", free.getsockname()[1])


# The whole path


@asynccontextmanager
async def through(
    case: Case, server: Bastion, network: Relay, **more: object
) -> AsyncGenerator[tuple[App, Callable[[str], Any]]]:
    """Open an app on a configuration that reaches the database through the bastion."""
    login = cast("Server", case.server).at(network.port)
    settings = {**login.settings, "ssh": {**server.settings(), "password": {"env": "TUNNEL"}}, **more}
    lines = ["[[domain]]", 'name = "Shop"', "[[domain.connection]]", 'name = "far"', 'type = "postgres"']
    lines.append('allow_functions = ["pg_sleep"]')
    lines += [f"{name} = {toml(value)}" for name, value in settings.items()]
    path = server.folder / "colonnade.toml"
    path.write_text("\n".join(lines))
    async with App.open(path, environ={}) as app:

        async def run(sql: str) -> list[tuple[object, ...]]:
            result = await app.run(CALLER, await app.connection(CALLER, "Shop:far"), sql)
            return [tuple(row) for row in result.rows]

        yield app, run


def toml(value: object) -> str:
    if isinstance(value, dict):
        table = cast("dict[str, object]", value)
        return "{ " + ", ".join(f"{name} = {toml(inner)}" for name, inner in table.items()) + " }"
    return json.dumps(value)


@pytest.fixture(autouse=True)
def secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUNNEL", PASSWORD)
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)


@postgres
async def test_a_database_is_used_through_a_tunnel(case: Case, tmp_path: Path, keys: Keys) -> None:
    target = f"{case.login.settings['host']}/.s.PGSQL.5432"
    async with bastion(tmp_path, keys) as server, relay(target) as network:
        async with through(case, server, network) as (app, run):
            assert server.connections == [], "opened by the first use"
            assert await run(AUTHORS) == [("Ada",), ("Ben",)]
            catalog = await app.catalog(CALLER, await app.connection(CALLER, "Shop:far"))
            assert [table.name for table in catalog.tables] == ["authors", "books", "loans", "recent"]
            assert len(server.connections) == 1
            assert set(server.targets) == {("127.0.0.1", network.port)}
        await until(lambda: all_closed(server))


async def all_closed(server: Bastion) -> bool:
    return all(connection.is_closed() for connection in server.connections)


@postgres
async def test_a_bastion_that_died_while_idle_goes_unnoticed(case: Case, tmp_path: Path, keys: Keys) -> None:
    target = f"{case.login.settings['host']}/.s.PGSQL.5432"
    async with bastion(tmp_path, keys) as server, relay(target) as network, through(case, server, network) as (_, run):
        assert await run(AUTHORS) == [("Ada",), ("Ben",)]
        await server.die()
        await server.listen()
        assert await run(AUTHORS) == [("Ada",), ("Ben",)]
        assert len(server.connections) == 2


@postgres
async def test_a_bastion_that_stays_away_is_told(case: Case, tmp_path: Path, keys: Keys) -> None:
    target = f"{case.login.settings['host']}/.s.PGSQL.5432"
    async with bastion(tmp_path, keys) as server, relay(target) as network, through(case, server, network) as (_, run):
        assert await run(AUTHORS) == [("Ada",), ("Ben",)]
        await server.die()
        with pytest.raises(Unreachable, match=rf"the SSH server 127.0.0.1:{server.port}: connection refused"):
            await run(AUTHORS)


@postgres
async def test_a_bastion_that_dies_under_a_statement_is_told(
    case: Case, tmp_path: Path, keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = f"{case.login.settings['host']}/.s.PGSQL.5432"
    running = cast("Server", case.server).running
    monkeypatch.setattr("colonnade.server.executor.ATTEMPTS", 1)
    async with bastion(tmp_path, keys) as server, relay(target) as network, through(case, server, network) as (_, run):
        assert await run(AUTHORS) == [("Ada",), ("Ben",)]

        async def work() -> None:
            with pytest.raises(ConnectionLost, match="broke while the statement ran"):
                await run("select pg_sleep(20)")

        with anyio.fail_after(5):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(work)
                await until(lambda: is_(running, 1))
                await server.die()
        await server.listen()
        assert await run(AUTHORS) == [("Ada",), ("Ben",)]


async def is_(count: Callable[[], Any], number: int) -> bool:
    return await count() == number


@postgres
async def test_a_failed_opening_leaves_no_tunnel(case: Case, tmp_path: Path, keys: Keys) -> None:
    target = f"{case.login.settings['host']}/.s.PGSQL.5432"
    async with (
        bastion(tmp_path, keys) as server,
        relay(target) as network,
        through(case, server, network, password="no") as (_, run),
    ):
        with pytest.raises(AuthFailed, match="refused the login: wrong password"):
            await run(AUTHORS)
        assert len(server.connections) == 1
        await until(lambda: all_closed(server))


@postgres
async def test_a_database_that_the_bastion_cannot_reach_is_told(case: Case, tmp_path: Path, keys: Keys) -> None:
    port = unused()
    target = f"{case.login.settings['host']}/.s.PGSQL.5432"
    async with (
        bastion(tmp_path, keys) as server,
        relay(target) as network,
        through(case, server, network, port=port) as (_, run),
    ):
        with pytest.raises(Unreachable, match=rf"SSH server 127\.0\.0\.1:\d+ cannot reach 127\.0\.0\.1:{port}"):
            await run(AUTHORS)


# Whom it trusts


async def refused(tunnel: Tunnel, kind: type[ColonnadeError], match: str, port: int = 1) -> ColonnadeError:
    with pytest.raises(kind, match=match) as caught:
        await tunnel.route("127.0.0.1", port)
    await tunnel.close()
    said = str(caught.value) + repr(caught.value)
    assert not [word for word in (PASSWORD, WRONG, PASSPHRASE) if word in said]
    return caught.value


async def test_an_unknown_host_key_is_refused_with_the_command_that_helps(tmp_path: Path, keys: Keys) -> None:
    async with bastion(tmp_path, keys) as server:
        server.known_hosts.write_text("")
        error = await refused(server.tunnel(), ConfigError, "is not known: .*known_hosts has no key of it")
        assert f"ssh-keyscan -p {server.port} 127.0.0.1 >> {server.known_hosts}" in error.hint
        assert server.key.get_fingerprint() in error.what
        assert server.logins == 0


async def test_a_missing_file_of_known_hosts_is_refused_with_the_command_that_helps(tmp_path: Path, keys: Keys) -> None:
    async with bastion(tmp_path, keys) as server:
        server.known_hosts.unlink()
        error = await refused(server.tunnel(), ConfigError, "there is no file .*known_hosts")
        assert f"ssh-keyscan -p {server.port} 127.0.0.1 >> {server.known_hosts}" in error.hint
        assert server.connections == []


async def test_the_usual_file_of_known_hosts_is_the_home_s(
    tmp_path: Path, keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    async with bastion(tmp_path, keys) as server:
        await refused(server.tunnel(known_hosts=None), ConfigError, rf"there is no file {tmp_path}/\.ssh/known_hosts")
        (tmp_path / ".ssh").mkdir()
        server.known_hosts.rename(tmp_path / ".ssh" / "known_hosts")
        tunnel = server.tunnel(known_hosts=None)
        async with echo() as port:
            assert await echoed(*await tunnel.route("127.0.0.1", port)) == b"hello"
        await tunnel.close()


async def test_a_torn_file_of_known_hosts_is_refused(tmp_path: Path, keys: Keys) -> None:
    async with bastion(tmp_path, keys) as server:
        server.known_hosts.write_text("x\n")
        await refused(server.tunnel(), ConfigError, "known_hosts cannot be read")
        assert server.connections == []


@pytest.mark.parametrize("kind", ["ssh-ed25519", "ecdsa-sha2-nistp256"])
async def test_a_changed_host_key_is_an_alarm(tmp_path: Path, keys: Keys, kind: str) -> None:
    async with bastion(tmp_path, keys) as server:
        server.know(generated(kind))
        error = await refused(server.tunnel(), ConfigError, "DANGER: the key of the SSH server .* is not the one in")
        assert "ssh-keygen -R" in error.hint
        assert "ssh-keyscan" not in error.hint
        assert server.logins == 0


async def test_a_revoked_host_key_is_an_alarm(tmp_path: Path, keys: Keys) -> None:
    async with bastion(tmp_path, keys) as server:
        server.known_hosts.write_text(f"@revoked {server.known_hosts.read_text()}")
        await refused(server.tunnel(), ConfigError, "DANGER")
        assert server.logins == 0


async def test_the_key_of_another_port_of_the_host_makes_it_unknown_and_not_changed(tmp_path: Path, keys: Keys) -> None:
    async with bastion(tmp_path, keys) as server:
        server.known_hosts.write_text(f"127.0.0.1 {keys[2].export_public_key().decode()}")
        await refused(server.tunnel(), ConfigError, "is not known")


async def test_a_hashed_host_is_known(tmp_path: Path, keys: Keys) -> None:
    async with bastion(tmp_path, keys) as server, echo() as port:
        done = await anyio.run_process(["ssh-keygen", "-H", "-f", str(server.known_hosts)])
        assert done.returncode == 0
        assert "127.0.0.1" not in server.known_hosts.read_text()
        tunnel = server.tunnel()
        assert await echoed(*await tunnel.route("127.0.0.1", port)) == b"hello"
        await tunnel.close()


# How it logs in


async def test_a_wrong_password_is_refused_once_and_names_the_bastion(
    tmp_path: Path, keys: Keys, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    async with bastion(tmp_path, keys) as server:
        await refused(
            server.tunnel(WRONG), AuthFailed, rf"SSH server 127\.0\.0\.1:{server.port} refused the login of ann"
        )
        assert server.logins == 1
    assert WRONG not in caplog.text


async def test_a_wrong_key_is_refused(tmp_path: Path, keys: Keys) -> None:
    async with bastion(tmp_path, keys) as server:
        file = key_file(tmp_path, keys[2])
        await refused(server.tunnel(None, private_key=str(file)), AuthFailed, "refused the login of ann")


def key_file(folder: Path, key: asyncssh.SSHKey, passphrase: str | None = None) -> Path:
    file = folder / "id"
    file.write_bytes(key.export_private_key("pkcs8-pem", passphrase=passphrase))
    file.chmod(stat.S_IRUSR)
    return file


@pytest.mark.parametrize("passphrase", [None, PASSPHRASE])
async def test_a_private_key_opens_the_door(
    tmp_path: Path, keys: Keys, passphrase: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    async with bastion(tmp_path, keys) as server, echo() as port:
        file = key_file(tmp_path, encryptable(server), passphrase)
        tunnel = server.tunnel(None, passphrase=passphrase, private_key=str(file))
        assert await echoed(*await tunnel.route("127.0.0.1", port)) == b"hello"
        await tunnel.close()
    assert PASSPHRASE not in caplog.text


def encryptable(server: Bastion) -> asyncssh.SSHKey:
    """Let the server take a key of the kind that asyncssh encrypts without more packages."""
    server.user_key = generated("ecdsa-sha2-nistp256")
    return server.user_key


@pytest.mark.parametrize("passphrase", [None, "wrong"])
async def test_a_passphrase_that_does_not_fit_is_told(tmp_path: Path, keys: Keys, passphrase: str | None) -> None:
    async with bastion(tmp_path, keys) as server:
        file = key_file(tmp_path, encryptable(server), PASSPHRASE)
        tunnel = server.tunnel(None, passphrase=passphrase, private_key=str(file))
        error = await refused(tunnel, ConfigError, "The private key id cannot be opened")
        assert "passphrase" in error.hint
        assert server.connections == []


async def test_a_missing_private_key_is_told(tmp_path: Path, keys: Keys) -> None:
    async with bastion(tmp_path, keys) as server:
        await refused(server.tunnel(private_key=str(tmp_path / "none")), ConfigError, "There is no file none")


async def test_the_agent_is_asked_where_nothing_else_is_given(
    tmp_path: Path, keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("SSH_AUTH_SOCK", f"{tmp_path}/agent")
    async with (
        bastion(tmp_path, keys) as server,
        echo() as port,
        await anyio.open_process(["ssh-agent", "-D", "-a", f"{tmp_path}/agent"]) as agent,
    ):
        await until(lambda: _exists(tmp_path / "agent"))
        async with asyncssh.connect_agent(f"{tmp_path}/agent") as there:
            await there.add_keys([server.user_key])
        tunnel = server.tunnel(None)
        assert await echoed(*await tunnel.route("127.0.0.1", port)) == b"hello"
        await tunnel.close()
        agent.terminate()


async def _exists(path: Path) -> bool:
    return path.exists()  # noqa: ASYNC240 - a moment's look


async def test_a_missing_driver_is_told_with_its_command(
    tmp_path: Path, keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with bastion(tmp_path, keys) as server:
        monkeypatch.setitem(sys.modules, "asyncssh", None)
        error = await refused(server.tunnel(), DriverMissing, "asyncssh is not installed")
        assert 'pip install "colonnade[ssh]"' in error.hint


async def test_what_stands_in_the_user_s_ssh_config_is_not_used(
    tmp_path: Path, keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".ssh").mkdir()
    (tmp_path / ".ssh" / "config").write_text(f"Host *\n  ProxyCommand touch {tmp_path}/ran\n  User eve\n")
    async with bastion(tmp_path, keys) as server, echo() as port:
        tunnel = server.tunnel()
        assert await echoed(*await tunnel.route("127.0.0.1", port)) == b"hello"
        await tunnel.close()
    assert not (tmp_path / "ran").exists()


# What it reaches


async def test_no_bastion_is_unreachable(tmp_path: Path, keys: Keys) -> None:
    async with bastion(tmp_path, keys) as server:
        port = unused()
        await refused(server.tunnel(port=port), Unreachable, f"the SSH server 127.0.0.1:{port}: connection refused")
        await refused(server.tunnel(host="no.invalid"), Unreachable, "the host name is not known")


async def test_a_server_that_speaks_no_ssh_is_unreachable(tmp_path: Path, keys: Keys) -> None:
    async with bastion(tmp_path, keys) as server, echo() as port:
        await refused(server.tunnel(port=port), Unreachable, "the SSH server 127.0.0.1")


async def test_a_bastion_that_does_not_answer_is_told_within_the_limit(tmp_path: Path, keys: Keys) -> None:
    async with bastion(tmp_path, keys) as server:
        with socket.socket() as silent:
            silent.bind(("127.0.0.1", 0))
            silent.listen()
            port = silent.getsockname()[1]
            with anyio.fail_after(2):
                await refused(server.tunnel(port=port, connect=0.5), Unreachable, r"no answer within 0\.45 s")


async def test_a_bastion_that_allows_no_tunnels_is_told(tmp_path: Path, keys: Keys) -> None:
    async with bastion(tmp_path, keys) as server, echo() as port:
        server.forwards = False
        error = await refused(server.tunnel(), Unreachable, f"does not allow tunnels to 127.0.0.1:{port}", port)
        assert "AllowTcpForwarding" in error.hint


# Sharing, healing, closing


async def test_many_first_callers_share_one_connection_and_one_port(tmp_path: Path, keys: Keys) -> None:
    async with bastion(tmp_path, keys) as server, echo() as port:
        tunnel = server.tunnel()
        found: list[tuple[str, int]] = []

        async def call() -> None:
            found.append(await tunnel.route("127.0.0.1", port))

        async with anyio.create_task_group() as tasks:
            for _ in range(20):
                tasks.start_soon(call)
        assert len(found) == 20
        assert len(set(found)) == 1
        assert len(server.connections) == server.logins == 1
        assert found[0][0] == "127.0.0.1"
        await tunnel.close()


async def test_many_first_callers_share_one_refusal(tmp_path: Path, keys: Keys) -> None:
    async with bastion(tmp_path, keys) as server:
        tunnel = server.tunnel(WRONG)
        failed: list[AuthFailed] = []

        async def call() -> None:
            with pytest.raises(AuthFailed) as caught:
                await tunnel.route("127.0.0.1", 1)
            failed.append(caught.value)

        async with anyio.create_task_group() as tasks:
            for _ in range(20):
                tasks.start_soon(call)
        assert len(set(map(id, failed))) == 20
        assert server.logins == 1
        await tunnel.close()


async def test_a_first_caller_who_gives_up_spoils_nothing_for_the_next(tmp_path: Path, keys: Keys) -> None:
    async with bastion(tmp_path, keys) as server, echo() as port:
        for steps in range(0, 40, 3):
            tunnel = server.tunnel()
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(tunnel.route, "127.0.0.1", port)
                for _ in range(steps):
                    await anyio.sleep(0.001)
                tasks.cancel_scope.cancel()
            assert await echoed(*await tunnel.route("127.0.0.1", port)) == b"hello"
            await tunnel.close()


async def test_two_targets_have_two_ports_of_one_connection(tmp_path: Path, keys: Keys) -> None:
    async with bastion(tmp_path, keys) as server, echo() as one, echo() as two:
        tunnel = server.tunnel()
        first, second = await tunnel.route("127.0.0.1", one), await tunnel.route("127.0.0.1", two)
        assert first != second
        assert await echoed(*first) == await echoed(*second) == b"hello"
        assert await tunnel.route("127.0.0.1", one) == first
        assert len(server.connections) == 1
        await tunnel.close()


async def test_a_dead_connection_is_replaced(tmp_path: Path, keys: Keys) -> None:
    async with bastion(tmp_path, keys) as server, echo() as port:
        tunnel = server.tunnel()
        old = await tunnel.route("127.0.0.1", port)
        await server.die()
        await until(lambda: _free(old[1]))
        await server.listen()
        assert await echoed(*await tunnel.route("127.0.0.1", port)) == b"hello"
        await tunnel.close()


async def _free(port: int) -> bool:
    """Tell whether nothing listens there, without a connection to what does."""
    with socket.socket() as mine:
        mine.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with suppress(OSError):
            mine.bind(("127.0.0.1", port))
            return True
    return False


async def test_only_this_machine_reaches_the_port(tmp_path: Path, keys: Keys) -> None:
    async with bastion(tmp_path, keys) as server, echo() as port:
        tunnel = server.tunnel()
        _, there = await tunnel.route("127.0.0.1", port)
        with socket.socket() as other:
            other.bind(("127.0.0.2", there))  # free, as only 127.0.0.1 is taken
        await tunnel.close()


async def test_closing_leaves_no_port_and_no_task(tmp_path: Path, keys: Keys) -> None:
    async with echo() as port:
        await echoed("127.0.0.1", port)  # it has all its own tasks now
        before = asyncio.all_tasks()
        async with bastion(tmp_path, keys) as server:
            tunnel = server.tunnel()
            _, there = await tunnel.route("127.0.0.1", port)
            async with await anyio.connect_tcp("127.0.0.1", there) as stream:
                await anyio.sleep(0.1)  # until the way is open to its other end
                await tunnel.close()
                await tunnel.close()
                assert await _free(there)
                with pytest.raises(anyio.EndOfStream):
                    await stream.receive()
            with pytest.raises(Unreachable, match="closed"):
                await tunnel.route("127.0.0.1", port)
            await until(lambda: all_closed(server))
        await until(lambda: _same(before))


async def _same(before: "set[asyncio.Task[Any]]") -> bool:
    return asyncio.all_tasks() <= before


async def test_closing_during_the_opening_leaves_nothing_open(tmp_path: Path, keys: Keys) -> None:
    async with bastion(tmp_path, keys) as server, echo() as port:
        tunnel = server.tunnel()

        async def call() -> None:
            with pytest.raises(Unreachable, match="closed"):
                await tunnel.route("127.0.0.1", port)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(call)
            while not server.connections:
                await anyio.lowlevel.checkpoint()
            await tunnel.close()
        await until(lambda: all_closed(server))


async def test_closing_is_bounded_when_the_network_is_gone(tmp_path: Path, keys: Keys) -> None:
    path = str(tmp_path / "socket")

    async def serve(near: ByteStream) -> None:
        async with near, await anyio.connect_tcp("127.0.0.1", server.port) as far, anyio.create_task_group() as tasks:
            tasks.start_soon(pump, near, far)
            await pump(far, near)
            tasks.cancel_scope.cancel()

    async with (
        bastion(tmp_path, keys) as server,
        echo() as port,
        await anyio.create_unix_listener(path) as listener,
        relay(path) as network,
        anyio.create_task_group() as tasks,
    ):
        tasks.start_soon(listener.serve, serve)
        server.known_hosts.write_text(f"[127.0.0.1]:{network.port} {server.key.export_public_key().decode()}")
        tunnel = server.tunnel(port=network.port)
        await tunnel.route("127.0.0.1", port)
        network.freeze()
        with anyio.fail_after(tunnel_module.CLOSE_SECONDS):
            await tunnel.close()
        network.heal()
        tasks.cancel_scope.cancel()


async def pump(source: ByteStream, target: ByteStream) -> None:
    with suppress(anyio.BrokenResourceError, anyio.ClosedResourceError):
        async for data in source:
            await target.send(data)
