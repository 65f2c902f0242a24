"""The driver's connection, read packet by packet. Imported with the first connection, since it imports the driver.

asyncmy closes a connection whose reading is cancelled, so that the server could not be asked any more whether the
statement has ended. Here a task is only ever cancelled while it waits for a packet, and whole packets are read.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol, cast

from asyncmy.connection import Connection
from asyncmy.constants.CLIENT import MULTI_STATEMENTS, SSL
from asyncmy.errors import InternalError, MySQLError, OperationalError
from asyncmy.protocol import (
    FieldDescriptorPacket,
    MysqlPacket,
    parse_rows_from_buffer,  # pyright: ignore[reportUnknownVariableType] - the driver's stubs are half of the way
)

from .values import Field, Parser, parser

COM_QUERY: Final = 0x03
COM_RESET_CONNECTION: Final = 0x1F
MORE_RESULTS: Final = 8
LOST: Final = 2013
NO_TLS: Final = 2026
NOT_IN_CLEAR: Final = 2061
HEADER: Final = 4
END: Final = 0xFE
MUCH: Final = 1_048_576
"""Bytes of a batch after which no more rows are waited for."""

CLEAR: Final = (b"mysql_clear_password", b"dialog")
"""Ways to log in that send the password as it is."""


_parse = cast("Callable[..., tuple[int, int]]", parse_rows_from_buffer)


class Receiver(Protocol):
    """The driver's receive buffer; `buffer[pos:length]` is what nobody has read yet."""

    buffer: bytearray
    pos: int
    length: int
    eof: bool
    exc: object

    async def wait_for_data(self, need: int) -> None: ...


class Wire(Connection):
    """One connection: a statement at a time, its rows as they come."""

    _client_flag: int
    _connected: bool
    _db: str | bytes | None
    _deprecate_eof: bool
    _next_seq_id: int
    _proto: Receiver | None
    _secure: bool
    _ssl_context: object
    _stream_broken: bool
    _transport: Any
    server_capabilities: int
    server_version: str

    def __init__(self, *, tls_optional: bool, **settings: Any) -> None:  # noqa: ANN401 - as the driver's
        super().__init__(**settings)  # pyright: ignore[reportUnknownMemberType] - the stubs
        self._tls_optional = tls_optional
        self._parsers: tuple[Parser, ...] = ()
        self._ahead: list[tuple[object, ...]] = []
        self._rows_follow = False
        self._torn = False
        self.reached: tuple[str, int] = ("", 0)
        """The address of the server over TCP, which a name or a balancer chose."""
        self.running = False
        """Whether the server is still at work on a statement, or has more of its result to send."""
        self.spoilt = False
        """Whether a statement may have left something that a reset does not undo."""

    # How the driver connects

    async def _get_server_information(self) -> None:
        """Settle what is asked for, once the server has said what it offers; the driver settles that beforehand."""
        await super()._get_server_information()  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType] - private
        self.reached = self._transport.get_extra_info("peername")[:2]
        self._client_flag &= ~MULTI_STATEMENTS
        if self._ssl_context is not None and not self.server_capabilities & SSL:
            if not self._tls_optional:
                raise OperationalError(NO_TLS, "the server does not offer TLS")
            self._ssl_context = None
            self._client_flag &= ~SSL

    async def _process_auth(self, plugin_name: bytes, auth_packet: object) -> object:
        if plugin_name in CLEAR and not self._secure:
            raise OperationalError(NOT_IN_CLEAR, "the server asked for the password in clear")
        return await super()._process_auth(plugin_name, auth_packet)  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType, reportUnknownVariableType] - private

    # Statements

    @property
    def lost(self) -> bool:
        return not self._connected or self._stream_broken

    @property
    def abandoned(self) -> bool:
        """Whether a statement may still run, on a server that has not hung up itself."""
        return self.running and not (self._connected and self.hung_up)

    @property
    def readable(self) -> bool:
        """Whether the rest of a result can be told from its first part."""
        return not (self._torn or self.lost)

    @property
    def database(self) -> str:
        """The database that it was opened with."""
        name = self._db or b""
        return name.decode() if isinstance(name, bytes) else name

    @property
    def hung_up(self) -> bool:
        """Whether nothing more comes."""
        return self._proto is None or self._proto.eof or self._proto.exc is not None

    async def start(self, text: bytes) -> Sequence[Field]:
        """Send a statement, and return the columns of its result; none if it has no result."""
        await self._command(COM_QUERY, text)
        fields = await self._head()
        self.spoilt |= not fields
        return fields

    async def settle(self, text: bytes) -> None:
        """Run a statement of ours that has no result."""
        await self._command(COM_QUERY, text)
        await self._head()

    async def reset(self) -> None:
        """Roll back, and forget variables, locks, temporary tables and prepared statements."""
        await self._command(COM_RESET_CONNECTION, b"")
        await self._head()

    async def fetch(self, most: int) -> list[tuple[object, ...]]:
        """Return the next rows, at most that many; none if there are no more."""
        proto, rows, size = self._receiver(), self._ahead, 0
        while self._rows_follow and len(rows) < most and size < MUCH:
            start = proto.pos
            proto.pos, self._next_seq_id = _parse(
                proto.buffer, start, proto.length, self._parsers, self._next_seq_id, rows, self._deprecate_eof
            )
            size += proto.pos - start
            if len(rows) < most and (not rows or size < MUCH):
                packet = await self._packet()
                if not self._is_end(packet):
                    size += len(packet.get_all_data())
                    rows.append(packet.read_row(self._parsers))
        if self._rows_follow and self._end_is_here(proto):
            # What sql_select_limit has cut ends right behind its last row, and needs no stopping.
            self._is_end(await self._packet())
        self._ahead = rows[most:]
        return rows[:most]

    def pause(self) -> None:
        """Let the rows that follow wait in the network: the driver would take in all of them."""
        if self.running and self._transport is not None:
            self._transport.pause_reading()

    async def drain(self) -> None:
        """Read on to the end of a statement that was stopped."""
        self._ahead = []
        try:
            while self.running and not self._torn:
                if not self._rows_follow:
                    await self._head()
                else:
                    self._is_end(await self._packet())
        except MySQLError:
            if self.running:
                raise

    async def _command(self, command: int, text: bytes) -> None:
        await self._execute_command(command, text)  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType] - private
        self.running, self._rows_follow, self._ahead = True, False, []

    async def _head(self) -> list[Field]:
        packet = await self._packet()
        if packet.is_ok_packet():
            packet.advance(1)
            packet.read_length_encoded_integer()
            packet.read_length_encoded_integer()
            self._conclude(packet.read_uint16())
            return []
        if packet.is_load_local_packet():
            self.close()
            raise InternalError(LOST, "the server asked for a file")
        self._torn = True
        count = packet.read_length_encoded_integer()
        fields: list[Field] = [await self._packet(FieldDescriptorPacket) for _ in range(count)]
        if not self._deprecate_eof:
            await self._packet()
        self._torn = False
        self._parsers = tuple(map(parser, fields))
        self._rows_follow = True
        return fields

    def _is_end(self, packet: Any) -> bool:  # noqa: ANN401 - the driver's
        if self._deprecate_eof:
            if not packet.is_auth_switch_request():  # the driver's name for a packet that begins with FE
                return False
            packet.advance(1)
            packet.read_length_encoded_integer()
            packet.read_length_encoded_integer()
        else:
            if not packet.is_eof_packet():
                return False
            packet.advance(3)
        self._conclude(packet.read_uint16())
        return True

    @staticmethod
    def _end_is_here(proto: Receiver) -> bool:
        packet = proto.buffer[proto.pos : min(proto.pos + 20, proto.length)]
        return len(packet) > HEADER and packet[HEADER] == END and len(packet) >= HEADER + packet[0]

    def _conclude(self, status: int) -> None:
        self._rows_follow = False
        self.running = bool(status & MORE_RESULTS)
        self.spoilt |= self.running  # a procedure: nobody knows what it did

    async def _packet(self, kind: type = MysqlPacket) -> Any:  # noqa: ANN401 - the driver's
        """Wait for a whole packet and read it. Raises what the server answered in place of it."""
        proto = self._receiver()
        while not self.hung_up:
            held = proto.length - proto.pos
            need = HEADER
            if held >= HEADER:
                need += int.from_bytes(proto.buffer[proto.pos : proto.pos + 3], "little")
            if held >= need:
                break
            if self._transport is not None:
                self._transport.resume_reading()
            await proto.wait_for_data(need)
        try:
            return cast("Any", await self.read_packet(kind))  # pyright: ignore[reportUnknownMemberType] - the stubs
        except MySQLError:
            self.running = self._rows_follow = self._torn = False
            raise

    def _receiver(self) -> Receiver:
        if self._proto is None:
            raise OperationalError(LOST, "not connected")
        return self._proto
