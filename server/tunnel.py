"""SSH tunnels: a port of this machine that leads through a bastion to a database.

The port is bound to 127.0.0.1 and to a number of the system's choosing, and open for as long as the client is: drivers
need a host and a port, so it cannot be a Unix socket. Another user of this machine may connect to it meanwhile and
reaches the database as any host beside the bastion does; the database's own login is what stands before its data.
"""

import getpass
import shlex
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

import anyio
import anyio.to_thread

from .engines.base import Client, Route, Ssh
from .engines.base.driver import require
from .engines.base.network import reason
from .errors import AuthFailed, ColonnadeError, ConfigError, Unreachable
from .model import Limits

if TYPE_CHECKING:
    from asyncssh import SSHClientConnection, SSHKey, SSHKeyPair, SSHKnownHosts


LOCAL: Final = "127.0.0.1"

KEEPALIVE_SECONDS: Final = 30
KEEPALIVES: Final = 3
"""So many unanswered ones end a connection whose network is gone."""

OURS: Final = 0.9
"""The part of the connect limit in which a tunnel has to open: whoever waits for the whole then hears of the tunnel."""

CLOSE_SECONDS: Final = 2.0

SSH_PORT: Final = 22


class Tunnel:
    """One SSH connection, opened by the first call of `route` and again when it has died, and its forwarded ports."""

    def __init__(self, ssh: Ssh, secrets: Mapping[str, str], limits: Limits) -> None:
        self._ssh = ssh
        self._seconds = limits.connect * OURS
        self._bastion = Bastion(ssh, secrets, self._seconds)
        self._opening = anyio.Lock()
        self._connection: SSHClientConnection | None = None
        self._ports: dict[tuple[str, int], int] = {}
        self._failure: ColonnadeError | None = None
        self._failures = 0
        self._closed = False

    async def route(self, host: str, port: int) -> tuple[str, int]:
        """Return where to connect to in order to reach a host and port as the bastion sees them.

        Raises Unreachable, AuthFailed, ConfigError or DriverMissing.
        """
        found = self._port(host, port)
        if found is None:
            failures = self._failures
            async with self._opening:
                found = self._port(host, port)
                if found is None:
                    # Whoever waited for an attempt has its outcome: a login is not refused once for each caller.
                    if self._failure is not None and self._failures != failures:
                        raise type(self._failure)(self._failure.what, hint=self._failure.hint)
                    found = await self._bounded(host, port)
        return LOCAL, found

    async def close(self) -> None:
        """Close the ports and the connection; never raises, and ends within seconds."""
        self._closed = True
        connection = self._drop()
        if connection is not None:
            await _end(connection)

    def _port(self, host: str, port: int) -> int | None:
        if self._closed:
            raise _closed()
        if self._connection is None or self._connection.is_closed():
            return None
        return self._ports.get((host, port))

    def _drop(self) -> "SSHClientConnection | None":
        connection, self._connection = self._connection, None
        self._ports.clear()
        return connection

    async def _bounded(self, host: str, port: int) -> int:
        try:
            with anyio.fail_after(self._seconds):
                return await self._forward(host, port)
        except TimeoutError:
            why = f"no answer within {self._seconds:g} s"
            if self._connection is not None:
                raise Unreachable(f"Cannot reach {host}:{port} through {self._bastion.name}: {why}.") from None
            raise self._failed(self._bastion.unreachable(why)) from None

    async def _forward(self, host: str, port: int) -> int:
        connection = await self._living()
        try:
            # Asked for once by ourselves: a forwarded port takes every connection and cannot say why it drops one.
            await _probe(connection, host, port)
            with anyio.CancelScope(shield=True):  # of this machine alone; cancelled half-way it leaves a socket open
                listener = await connection.forward_local_port(LOCAL, 0, host, port)
                if self._closed:
                    listener.close()
                else:
                    self._ports[host, port] = listener.get_port()
        except Exception as error:  # noqa: BLE001 - whatever it is, it leaves in our words
            raise (_closed() if self._closed else self._bastion.refused(error, f"{host}:{port}")) from None
        if self._closed:
            raise _closed()
        return self._ports[host, port]

    async def _living(self) -> "SSHClientConnection":
        if self._connection is not None and not self._connection.is_closed():
            return self._connection
        self._drop()
        try:
            connection = await self._bastion.connect()
        except ColonnadeError as error:
            raise self._failed(error) from None
        if self._closed:
            await _end(connection)
            raise _closed()
        self._connection = connection
        return connection

    def _failed(self, error: ColonnadeError) -> ColonnadeError:
        self._failure = error
        self._failures += 1
        return error


async def _end(connection: "SSHClientConnection") -> None:
    connection.close()
    with anyio.move_on_after(CLOSE_SECONDS, shield=True), suppress(Exception):
        await connection.wait_closed()
    connection.abort()


def _closed() -> Unreachable:
    return Unreachable("The SSH tunnel was closed.", hint="Send it again.")


async def _probe(connection: "SSHClientConnection", host: str, port: int) -> None:
    from asyncssh import SSHTCPSession

    def session() -> SSHTCPSession[bytes]:
        return SSHTCPSession()

    channel, _ = await connection.create_connection(session, host, port)
    channel.close()


class Bastion:
    """Logs in to an SSH server whose key is known, and puts what goes wrong into words that hold no secret."""

    def __init__(self, ssh: Ssh, secrets: Mapping[str, str], seconds: float) -> None:
        self._ssh = ssh
        self._seconds = seconds
        self._password = secrets.get("ssh.password")
        self._passphrase = secrets.get("ssh.passphrase")
        self.name = ssh.host if ssh.port == SSH_PORT else f"{ssh.host}:{ssh.port}"
        self._known_hosts = Path(ssh.known_hosts or Path("~", ".ssh", "known_hosts").expanduser())

    async def connect(self) -> "SSHClientConnection":
        """Open a connection; raises Unreachable, AuthFailed, ConfigError or DriverMissing."""
        # Even in a thread its modules take a while, during which other connections answer.
        await anyio.to_thread.run_sync(require, "asyncssh", 'pip install "colonnade[ssh]"')
        import asyncssh

        ssh = self._ssh
        hosts = await anyio.to_thread.run_sync(self._read_known_hosts)
        keys = await anyio.to_thread.run_sync(self._read_keys)
        offered: list[SSHKey] = []

        class Watcher(asyncssh.SSHClient):
            def validate_host_public_key(self, host: str, addr: str, port: int, key: "SSHKey") -> bool:  # noqa: ARG002 - asyncssh's
                offered.append(key)
                return False

        try:
            return await asyncssh.connect(
                ssh.host,
                ssh.port,
                config=None,  # what ~/.ssh/config says, such as a command to run, is not what this configuration says
                client_factory=Watcher,
                username=ssh.user or getpass.getuser(),
                known_hosts=hosts,
                x509_trusted_certs=None,
                client_keys=keys,
                agent_path=() if keys == () else None,
                password=self._password,
                passphrase=self._passphrase,
                gss_auth=False,
                gss_kex=False,
                keepalive_interval=KEEPALIVE_SECONDS,
                keepalive_count_max=KEEPALIVES,
            )
        except Exception as error:  # noqa: BLE001 - whatever it is, it leaves in words that hold no secret
            raise self._explain(error, hosts, offered) from None

    def _read_known_hosts(self) -> "SSHKnownHosts":
        import asyncssh

        try:
            return asyncssh.read_known_hosts(str(self._known_hosts))
        except FileNotFoundError:
            raise ConfigError(
                f"The SSH server {self.name} is not known: there is no file {self._known_hosts}.", hint=self._scan()
            ) from None
        except (OSError, ValueError) as error:
            raise ConfigError(
                f"The file of known hosts {self._known_hosts} cannot be read: {type(error).__name__}.",
                hint=f"Correct it; ssh-keygen -l -f {shlex.quote(str(self._known_hosts))} shows what is wrong.",
            ) from None

    def _read_keys(self) -> "tuple[()] | list[SSHKeyPair] | None":
        """Return the key that was named; None beside a password; nothing for the agent's and the usual ones."""
        import asyncssh

        if self._ssh.private_key is None:
            return () if self._password is None else None
        try:
            return list(asyncssh.load_keypairs(self._ssh.private_key, self._passphrase))
        except FileNotFoundError:
            raise ConfigError(
                f"There is no file {Path(self._ssh.private_key).name} at `ssh.private_key`.", hint="Correct it."
            ) from None
        except (OSError, ValueError) as error:
            raise self._unusable_key(error) from None

    def _unusable_key(self, error: Exception) -> ConfigError:
        name = "of the agent" if self._ssh.private_key is None else Path(self._ssh.private_key).name
        hint = (
            "Check `ssh.passphrase` and the file; ssh-keygen -y -f FILE asks for the passphrase and tells if it fits."
        )
        if "bcrypt" in str(error):
            hint = "Keys in OpenSSH's encrypted form need one more package: pip install bcrypt. An agent needs none."
        return ConfigError(f"The private key {name} cannot be opened: {type(error).__name__}.", hint=hint)

    def unreachable(self, why: str) -> Unreachable:
        return Unreachable(
            f"Cannot reach the SSH server {self.name}: {why}.",
            hint="Check `ssh.host` and `ssh.port`, and that it can be reached from here.",
        )

    def refused(self, error: Exception, target: str) -> Unreachable:
        """Explain why there is no way from the bastion to the target."""
        from asyncssh import ChannelOpenError
        from asyncssh.constants import OPEN_ADMINISTRATIVELY_PROHIBITED

        if isinstance(error, ChannelOpenError) and error.code == OPEN_ADMINISTRATIVELY_PROHIBITED:
            return Unreachable(
                f"The SSH server {self.name} does not allow tunnels to {target}.",
                hint="Its owner can, with AllowTcpForwarding and PermitOpen.",
            )
        if isinstance(error, ChannelOpenError):
            return Unreachable(
                f"The SSH server {self.name} cannot reach {target}.",
                hint="Check host and port of the database as that server sees them, and that the database runs.",
            )
        return Unreachable(f"The tunnel through {self.name} to {target} cannot be opened: {type(error).__name__}.")

    def _explain(self, error: Exception, hosts: "SSHKnownHosts", offered: "list[SSHKey]") -> ColonnadeError:
        import asyncssh

        no_known_kind = isinstance(error, asyncssh.KeyExchangeFailed) and "host key" in error.reason
        if no_known_kind or isinstance(error, asyncssh.HostKeyNotVerifiable):
            return self._distrusted(hosts, offered)
        if isinstance(error, asyncssh.PermissionDenied) or _too_many(error):
            return AuthFailed(
                f"The SSH server {self.name} refused the login{f' of {self._ssh.user}' if self._ssh.user else ''}.",
                hint="Check `ssh.user` and `ssh.private_key` or `ssh.password`; ssh -v tells which keys it takes.",
            )
        if isinstance(error, (asyncssh.KeyImportError, asyncssh.KeyEncryptionError)):
            return self._unusable_key(error)
        if isinstance(error, OSError):
            return self.unreachable(reason(error, self._seconds))
        if isinstance(error, asyncssh.DisconnectError):
            return self.unreachable(f"it ended the connection or speaks no SSH ({type(error).__name__})")
        return ConfigError(
            f"These settings cannot be used for the SSH server {self.name}: asyncssh raised {type(error).__name__}.",
            hint="Check the table `ssh`.",
        )

    def _distrusted(self, hosts: "SSHKnownHosts", offered: "list[SSHKey]") -> ConfigError:
        name = self._ssh.host if self._ssh.port == SSH_PORT else f"[{self._ssh.host}]:{self._ssh.port}"
        keys, authorities, revoked, *_ = hosts.match(name, "", None)
        file = shlex.quote(str(self._known_hosts))
        shown = f" It shows {offered[-1].get_fingerprint()}." if offered else ""
        if keys or authorities or revoked:
            return ConfigError(
                f"DANGER: the key of the SSH server {self.name} is not the one in {self._known_hosts}: somebody may be "
                f"listening in between.{shown} No login was sent.",
                hint="Ask the server's owner, in person or by phone, whether its key was changed. Only if it was: "
                f"ssh-keygen -R {shlex.quote(name)} -f {file}, and add the new one.",
            )
        return ConfigError(
            f"The SSH server {self.name} is not known: {self._known_hosts} has no key of it.{shown}", hint=self._scan()
        )

    def _scan(self) -> str:
        port = "" if self._ssh.port == SSH_PORT else f"-p {self._ssh.port} "
        host, file = shlex.quote(self._ssh.host), shlex.quote(str(self._known_hosts))
        return (
            f"Run: ssh-keyscan {port}{host} >> {file} and compare its fingerprint (ssh-keygen -l -f {file}) "
            "with the one that the server's owner tells you."
        )


def _too_many(error: Exception) -> bool:
    """Tell whether a server gave up because of the keys tried, which OpenSSH calls an error of the protocol."""
    return "authentication failures" in str(getattr(error, "reason", ""))


class Tunneled:
    """A client and the tunnel that it uses. All but closing is the client's own, without a step in between."""

    def __init__(self, client: Client, tunnel: Tunnel) -> None:
        self._client = client
        self._tunnel = tunnel
        self.run = client.run
        self.catalog = client.catalog
        self.fingerprint = client.fingerprint
        self.ping = client.ping
        self.login = client.login

    async def close(self) -> None:
        try:
            await self._client.close()
        finally:
            await self._tunnel.close()


async def through(
    ssh: Ssh, secrets: Mapping[str, str], limits: Limits, connect: Callable[[Route], Awaitable[Client]]
) -> Client:
    """Open a client through a tunnel of its own; the tunnel ends with the client, or with the failure to open one."""
    tunnel = Tunnel(ssh, secrets, limits)
    try:
        return Tunneled(await connect(tunnel.route), tunnel)
    except BaseException:
        await tunnel.close()
        raise
