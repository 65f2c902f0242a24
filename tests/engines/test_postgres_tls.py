"""What PostgreSQL's TLS refuses, and what it lets through, straight and through a tunnel."""

import ssl
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast

import anyio
import pytest
from anyio.lowlevel import checkpoint
from colonnade.server.engines.base import Client
from colonnade.server.engines.postgres import ENGINE, PostgresOptions
from colonnade.server.errors import AuthFailed, ColonnadeError, ConfigError, Unreachable
from colonnade.server.model import Limits

from tests.contract.case import Case, Login, ask, opened, until
from tests.engines.postgres import PASSWORD
from tests.engines.tls_relay import PASSPHRASE, TlsRelay, make_certificates, tls_relay

pytestmark = pytest.mark.parametrize("case", ["postgres"], indirect=True)

USER = "select current_user::text"
REAL = "db.example"
"""A host that only a tunnel reaches."""
TUNNEL = {"host": "bastion.example"}


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tls")
    make_certificates(folder, "localhost", REAL)
    return folder


@pytest.fixture(autouse=True)
def _nobodys_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:  # pyright: ignore[reportUnusedFunction]
    """Keep the certificates of whoever runs the tests out of them."""
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("MODE", "ROOTCERT", "CERT", "KEY", "CRL"):
        monkeypatch.delenv(f"PGSSL{name}", raising=False)


@pytest.fixture(params=[ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=["1.2", "1.3"])
def version(request: pytest.FixtureRequest) -> ssl.TLSVersion:
    return cast("ssl.TLSVersion", request.param)


def offered(authority: Path, client: ssl.VerifyMode = ssl.CERT_NONE) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority / "server.pem", authority / "server.key")
    context.set_alpn_protocols(["postgresql"])
    if client != ssl.CERT_NONE:
        context.load_verify_locations(authority / "ca.pem")
        context.verify_mode = client
    return context


@asynccontextmanager
async def server(case: Case, context: ssl.SSLContext | None) -> AsyncGenerator[TlsRelay]:
    async with tls_relay(f"{case.login.settings['host']}/.s.PGSQL.5432", context) as network:
        yield network


def login(case: Case, network: TlsRelay, **settings: object) -> Login:
    return Login({**case.login.settings, "host": "localhost", "port": network.port, **settings})


def full(case: Case, network: TlsRelay, authority: Path, **settings: object) -> Login:
    return login(case, network, **{"ssl": "verify-full", "sslrootcert": str(authority / "ca.pem"), **settings})


def shown(authority: Path, certificate: str = "client", key: str | None = None) -> dict[str, str]:
    return {"sslcert": str(authority / f"{certificate}.pem"), "sslkey": str(authority / f"{key or certificate}.key")}


async def works(case: Case, login: Login) -> None:
    async with opened(case, login=login) as client:
        assert (await ask(case, client, USER))[1] == [("reader",)]


async def refusal(case: Case, login: Login, kind: type[ColonnadeError]) -> str:
    with pytest.raises(kind) as caught:
        async with opened(case, login=login):
            pass
    return str(caught.value)


@asynccontextmanager
async def tunnelled(
    settings: Mapping[str, object], network: TlsRelay, secrets: Mapping[str, str]
) -> AsyncGenerator[Client]:
    """Open a client through a route that leads to the relay."""

    async def route(host: str, port: int) -> tuple[str, int]:
        assert (host.rpartition(".")[2], port) == ("example", 6432)
        await checkpoint()
        return "127.0.0.1", network.port

    with anyio.fail_after(20):
        options = PostgresOptions.model_validate({**settings, "ssh": TUNNEL})
        client = await ENGINE.open(options, secrets, Limits(), route)
    try:
        yield client
    finally:
        await client.close()


def far(case: Case, authority: Path, **settings: object) -> dict[str, object]:
    """Return the settings of a server that only a tunnel reaches."""
    given = {"host": REAL, "port": 6432, "ssl": "verify-full", "sslrootcert": str(authority / "ca.pem"), **settings}
    return {**case.login.settings, **given}


def trust_at_home(root: str) -> None:
    folder = Path.home() / ".postgresql"
    folder.mkdir()
    (folder / "root.crt").symlink_to(root)


def far_url(case: Case, host: str = REAL) -> str:
    return f"postgresql://reader@{host}:6432/{case.login.settings['database']}"


# The server's certificate


async def test_a_server_of_the_right_name_and_authority_is_talked_to(case: Case, authority: Path) -> None:
    async with (
        server(case, offered(authority)) as network,
        opened(case, login=full(case, network, authority)) as client,
    ):
        assert (await ask(case, client, USER))[1] == [("reader",)]
        assert (network.encrypted, network.names, network.protocols) == (1, ["localhost"], ["postgresql"])
        with anyio.move_on_after(0.2) as limit:
            await ask(case, client, case.slow)
        assert limit.cancelled_caught
        assert case.server is not None
        asked = case.server

        async def none_runs() -> bool:
            return await asked.running() == 0

        await until(none_runs)
        assert (await ask(case, client, USER))[1] == [("reader",)]


async def test_another_name_is_refused(case: Case, authority: Path) -> None:
    async with server(case, offered(authority)) as network:
        said = await refusal(case, full(case, network, authority, host="127.0.0.1"), Unreachable)
        assert f"Cannot reach 127.0.0.1:{network.port}/" in said
        assert "the server's certificate was not accepted: IP address mismatch" in said
        assert "`host` to the name in it" in said
        assert network.encrypted == 0
        # The certificate itself is good.
        await works(case, full(case, network, authority, host="127.0.0.1", ssl="verify-ca"))


@pytest.mark.parametrize("mode", ["verify-ca", "verify-full"])
async def test_an_unknown_authority_is_refused(case: Case, authority: Path, mode: str) -> None:
    async with server(case, offered(authority)) as network:
        stranger = str(authority / "stranger.pem")
        said = await refusal(case, full(case, network, authority, ssl=mode, sslrootcert=stranger), Unreachable)
        assert "the server's certificate was not accepted: unable to get local issuer certificate" in said
        assert "Set `sslrootcert` to the authority" in said
        assert network.encrypted == 0


@pytest.mark.parametrize("mode", [None, "prefer", "require"])
async def test_without_verification_any_certificate_will_do(case: Case, authority: Path, mode: str | None) -> None:
    async with server(case, offered(authority)) as network:
        await works(case, login(case, network, host="127.0.0.1", ssl=mode))
        assert network.encrypted == 1


async def test_a_server_without_tls_is_not_talked_to_in_plain(case: Case, authority: Path) -> None:
    async with server(case, None) as network:
        for mode in ("require", "verify-ca", "verify-full"):
            said = await refusal(case, full(case, network, authority, ssl=mode), Unreachable)
            assert f"Cannot reach localhost:{network.port}/" in said
            assert "TLS: the server does not offer it." in said
        await works(case, login(case, network, ssl="prefer"))


@pytest.mark.parametrize("drops", ["at the request", "in the login"])
async def test_a_dropped_connection_is_no_missing_tls(case: Case, authority: Path, drops: str) -> None:
    async with server(case, offered(authority)) as network:
        network.drops = drops  # pyright: ignore[reportAttributeAccessIssue] - one of its words
        said = await refusal(case, full(case, network, authority), Unreachable)
        assert f"Cannot reach localhost:{network.port}/" in said
        assert "the server closed the connection" in said
        assert "TLS" not in said


async def test_versions_of_tls_that_do_not_meet_are_a_failed_handshake(case: Case, authority: Path) -> None:
    context = offered(authority)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    async with server(case, context) as network:
        database = case.login.settings["database"]
        url = (
            f"postgresql://reader@localhost:{network.port}/{database}?ssl_min_protocol_version=TLSv1.3&sslmode=require"
        )
        said = await refusal(case, Login({"url": url, "password": PASSWORD}), Unreachable)
        assert "TLS: the handshake failed." in said


# The client's certificate


@pytest.mark.parametrize("demand", [ssl.CERT_OPTIONAL, ssl.CERT_REQUIRED])
async def test_a_client_shows_its_certificate(
    case: Case, authority: Path, version: ssl.TLSVersion, demand: ssl.VerifyMode
) -> None:
    context = offered(authority, demand)
    context.maximum_version = version
    async with server(case, context) as network:
        await works(case, full(case, network, authority, **shown(authority)))
        await works(case, login(case, network, ssl="require", **shown(authority)))
        assert network.encrypted == 2
        said = await refusal(case, full(case, network, authority, **shown(authority, "stranger")), AuthFailed)
        assert f"The server at localhost:{network.port}/" in said
        assert "did not accept our client certificate" in said


async def test_a_client_without_a_certificate_is_refused_in_the_handshake(case: Case, authority: Path) -> None:
    context = offered(authority, ssl.CERT_REQUIRED)
    async with server(case, context) as network:
        said = await refusal(case, full(case, network, authority), AuthFailed)
        assert f"The server at localhost:{network.port}/" in said
        assert "asks for a client certificate, and none was shown. Set `sslcert` and `sslkey`." in said
        # The older protocol has no word for it.
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        said = await refusal(case, full(case, network, authority), Unreachable)
        assert "TLS: the handshake failed." in said
        assert "whether it wants `sslcert`" in said


async def test_a_client_without_a_certificate_is_refused_by_the_server_itself(case: Case, authority: Path) -> None:
    async with server(case, offered(authority, ssl.CERT_OPTIONAL)) as network:
        said = await refusal(case, full(case, network, authority), AuthFailed)
        assert "refused the login" in said
        assert "`sslcert`" in said


# Files


@pytest.mark.parametrize("name", ["sslrootcert", "sslcert", "sslkey"])
async def test_a_file_that_is_not_there_is_named(case: Case, authority: Path, name: str) -> None:
    files = {"sslrootcert": str(authority / "ca.pem"), **shown(authority)}
    gone = {**files, name: str(authority / "gone.pem")}
    for given in (gone, {"url": f"{far_url(case)}?{'&'.join(f'{key}={path}' for key, path in gone.items())}"}):
        said = await refusal(case, Login({"host": "db.example", **given} if given is gone else given), ConfigError)
        assert f"There is no file gone.pem at `{name}`." in said


def test_files_lie_beside_the_configuration(case: Case, tmp_path: Path) -> None:
    given = {"sslcert": "me.pem", "sslkey": "/etc/me.key"}
    options = case.engine.options.model_validate(given, context={"folder": tmp_path})
    assert (options.sslcert, options.sslkey) == (str(tmp_path / "me.pem"), "/etc/me.key")


@pytest.mark.parametrize(("certificate", "key"), [("client", "stranger"), ("client", "locked"), ("names", "client")])
async def test_files_that_cannot_be_used_are_told(case: Case, authority: Path, certificate: str, key: str) -> None:
    (authority / "names.pem").write_text("no certificate")
    async with server(case, offered(authority)) as network:
        said = await refusal(case, full(case, network, authority, **shown(authority, certificate, key)), ConfigError)
        assert "The files of `sslrootcert`, `sslcert` and `sslkey` cannot be used." in said
        assert network.encrypted == 0


# Tunnels


@pytest.mark.parametrize("by", ["settings", "url", "url and files", "query", "environment", "home"])
async def test_the_real_hosts_name_is_checked_through_a_tunnel(
    case: Case, authority: Path, monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    root = str(authority / "ca.pem")
    if by == "environment":
        monkeypatch.setenv("PGSSLMODE", "verify-full")
        monkeypatch.setenv("PGSSLROOTCERT", root)

    if by == "home":
        trust_at_home(root)

    def settings(host: str) -> Mapping[str, object]:
        url, files = far_url(case, host), {"sslrootcert": root}
        return {
            "settings": far(case, authority, host=host),
            "url": {"url": f"{url}?sslmode=verify-full&sslrootcert={root}"},
            "url and files": {"url": f"{url}?sslmode=verify-full", **files},
            "query": {"url": url.replace(f"{host}:6432", "") + f"?host={host}&port=6432&sslmode=verify-full", **files},
            "environment": {"url": url},
            "home": {"url": url, "ssl": "verify-full"},
        }[by]

    secrets = {"password": PASSWORD}
    async with server(case, offered(authority)) as network:
        given = settings(REAL)
        async with tunnelled(given, network, {**secrets, **url_of(given)}) as client:
            assert (await ask(case, client, USER))[1] == [("reader",)]
        assert (network.encrypted, network.names, network.protocols) == (1, [REAL], ["postgresql"])
        given = settings("other.example")
        with pytest.raises(Unreachable, match=r"Hostname mismatch, certificate is not valid for 'other\.example'"):
            async with tunnelled(given, network, {**secrets, **url_of(given)}):
                pass
        assert network.encrypted == 1


def url_of(settings: Mapping[str, object]) -> dict[str, str]:
    return {"url": str(settings["url"])} if "url" in settings else {}


async def test_an_unknown_authority_is_refused_through_a_tunnel(case: Case, authority: Path) -> None:
    async with server(case, offered(authority)) as network:
        given = far(case, authority, sslrootcert=str(authority / "stranger.pem"))
        with pytest.raises(Unreachable, match="unable to get local issuer certificate"):
            async with tunnelled(given, network, {"password": PASSWORD}):
                pass


async def test_a_client_shows_its_certificate_through_a_tunnel(case: Case, authority: Path) -> None:
    secrets = {"password": PASSWORD}
    async with server(case, offered(authority, ssl.CERT_REQUIRED)) as network:
        async with tunnelled(far(case, authority, **shown(authority)), network, secrets) as client:
            assert (await ask(case, client, USER))[1] == [("reader",)]
        with pytest.raises(AuthFailed, match="none was shown"):
            async with tunnelled(far(case, authority), network, secrets):
                pass
        query = {"sslmode": "verify-full", "sslrootcert": f"{authority}/ca.pem", **shown(authority, key="locked")}
        url = f"{far_url(case)}?{'&'.join(f'{key}={value}' for key, value in query.items())}"
        async with tunnelled({"url": url}, network, {"url": f"{url}&sslpassword={PASSPHRASE}", **secrets}) as client:
            assert (await ask(case, client, USER))[1] == [("reader",)]


@pytest.mark.parametrize("mode", ["require", "verify-ca"])
async def test_other_modes_ask_no_name_through_a_tunnel(case: Case, authority: Path, mode: str) -> None:
    async with server(case, offered(authority)) as network:
        given = far(case, authority, host="other.example", ssl=mode)
        async with tunnelled(given, network, {"password": PASSWORD}) as client:
            assert (await ask(case, client, USER))[1] == [("reader",)]
        assert network.encrypted == 1


@pytest.mark.parametrize("query", ["sslcrl=gone.crl", "ssl_min_protocol_version=TLSv1.3"])
async def test_what_a_tunnel_does_not_heed_is_refused(case: Case, authority: Path, query: str) -> None:
    async with server(case, offered(authority)) as network:
        url = f"{far_url(case)}?sslmode=verify-full&sslrootcert={authority}/ca.pem&{query}"
        with pytest.raises(ConfigError, match=f"does not heed `{query.partition('=')[0]}` through"):
            async with tunnelled({"url": url}, network, {"url": url, "password": PASSWORD}):
                pass


async def test_a_tunnel_trusts_no_other_authority_than_a_straight_way(case: Case, authority: Path) -> None:
    async with server(case, offered(authority)) as network:
        said = await refusal(case, full(case, network, authority, sslrootcert=None), ConfigError)
        assert "verify-full need `sslrootcert`" in said
        with pytest.raises(ConfigError, match="verify-full needs `sslrootcert`"):
            async with tunnelled(far(case, authority, sslrootcert=None), network, {"password": PASSWORD}):
                pass
