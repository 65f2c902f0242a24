"""TLS before a PostgreSQL server that has none: a relay that speaks SSLRequest, and the certificates for it."""

import ssl
import struct
import subprocess
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Literal, TypeVar

import anyio
from anyio.abc import ByteStream, SocketAttribute

from tests.contract.relay import Relay

SSL_REQUEST = struct.pack("!ii", 8, 80_877_103)
PASSPHRASE = "hunter2"

ResultT = TypeVar("ResultT")


def make_certificates(folder: Path, *names: str) -> None:
    """Make an authority `ca.pem`, a `server.pem` of these names, a `client.pem`, and a `stranger.pem` of nobody.

    The keys lie beside them as `.key`; that of `locked.key` is the client's with a passphrase.
    """

    def openssl(*arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True, timeout=30)

    new = ("req", "-newkey", "rsa:2048", "-sha256", "-nodes")
    for name in ("ca", "stranger"):
        openssl(
            *new, "-x509", "-days", "2", "-subj", f"/CN=Test {name}", "-keyout", f"{name}.key", "-out", f"{name}.pem"
        )
    (folder / "names").write_text("subjectAltName = " + ",".join(f"DNS:{name}" for name in names))
    for name in ("server", "client"):
        openssl(*new, "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.csr")
        signed = ("-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-extfile", "names")
        openssl("x509", "-req", "-in", f"{name}.csr", *signed, "-out", f"{name}.pem")
    openssl("rsa", "-aes256", "-passout", f"pass:{PASSPHRASE}", "-in", "client.key", "-out", "locked.key")


class Encrypted(ByteStream):
    """The server's side of TLS over a stream, whose last word, the alert, is sent: asyncio and anyio keep it."""

    def __init__(self, stream: ByteStream, context: ssl.SSLContext) -> None:
        self._stream = stream
        self._received, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self._received, self._outgoing, server_side=True)
        self._sending = anyio.Lock()

    async def _until_done(self, work: Callable[[], ResultT]) -> ResultT:
        while True:
            try:
                result = work()
            except ssl.SSLWantReadError:
                await self._flush()
                self._received.write(await self._stream.receive())
            except ssl.SSLError:
                await self._flush()
                raise
            else:
                await self._flush()
                return result

    async def _flush(self) -> None:
        async with self._sending:
            if self._outgoing.pending:
                await self._stream.send(self._outgoing.read())

    async def handshake(self) -> None:
        await self._until_done(self.tls.do_handshake)

    async def receive(self, max_bytes: int = 65_536) -> bytes:
        try:
            data = await self._until_done(lambda: self.tls.read(max_bytes))
        except ssl.SSLZeroReturnError:
            data = b""
        if not data:
            raise anyio.EndOfStream
        return data

    async def send(self, item: bytes) -> None:
        await self._until_done(lambda: self.tls.write(item))

    async def send_eof(self) -> None:
        raise NotImplementedError

    async def aclose(self) -> None:
        await self._stream.aclose()


class TlsRelay(Relay):
    """Answers a request for TLS, and passes what comes then on in plain."""

    def __init__(self, port: int, target: str, context: ssl.SSLContext | None) -> None:
        super().__init__(port, target)
        self.encrypted = 0
        """How many connections came to be encrypted."""
        self.names: list[str | None] = []
        """The names that clients asked for, in the order of their coming."""
        self.protocols: list[str | None] = []
        """What was agreed to be spoken within TLS."""
        self.drops: Literal["never", "at the request", "in the login"] = "never"
        self._context = context
        if context is not None:
            context.sni_callback = self._hear

    def _hear(self, _tls: ssl.SSLSocket | ssl.SSLObject, name: str | None, _context: ssl.SSLContext) -> None:
        self.names.append(name)

    async def serve(self, client: ByteStream) -> None:
        if self._context is None or self.drops == "at the request":
            await self._without(client)
            return
        async with client:
            assert await client.receive(len(SSL_REQUEST)) == SSL_REQUEST
            await client.send(b"S")
            wire = Encrypted(client, self._context)
            try:
                await wire.handshake()
            except ssl.SSLError:
                await _read_out(client)
                return
            except anyio.EndOfStream:  # the client did not like the certificate
                return
            self.encrypted += 1
            self.protocols.append(wire.tls.selected_alpn_protocol())
            await self._logged_in(wire)

    async def _logged_in(self, wire: Encrypted) -> None:
        if self.drops == "in the login":
            await wire.receive()
        elif self._context and self._context.verify_mode == ssl.CERT_OPTIONAL and wire.tls.getpeercert() is None:
            await wire.receive()
            await wire.send(_fatal("28000", "connection requires a valid client certificate"))
        else:
            await super().serve(wire)

    async def _without(self, client: ByteStream) -> None:
        async with client:
            assert await client.receive(len(SSL_REQUEST)) == SSL_REQUEST
            if self.drops == "never":
                await client.send(b"N")
                await super().serve(client)


def _fatal(sqlstate: str, words: str) -> bytes:
    fields = "".join(f"{kind}{text}\0" for kind, text in zip("SVCM", ("FATAL", "FATAL", sqlstate, words), strict=True))
    body = fields.encode() + b"\0"
    return b"E" + struct.pack("!i", len(body) + 4) + body


async def _read_out(client: ByteStream) -> None:
    """Take what is still coming: a connection closed before that is reset, and the alert with it."""
    with anyio.move_on_after(1):
        async for _ in client:
            pass


@asynccontextmanager
async def tls_relay(target: str, context: ssl.SSLContext | None) -> AsyncGenerator[TlsRelay]:
    """Relay with TLS, or, without a context, answer that there is none."""
    async with await anyio.create_tcp_listener(local_host="127.0.0.1") as listener, anyio.create_task_group() as tasks:
        relay = TlsRelay(listener.extra(SocketAttribute.local_port), target, context)  # noqa: S610 - anyio's, and no Django
        tasks.start_soon(listener.serve, relay.serve)
        yield relay
        tasks.cancel_scope.cancel()
