"""TLS before a server of a test, for clients that speak nothing else."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

HOST = "localhost"
_ADDRESS = "127.0.0.1"
_HANDSHAKE = b"\x16"
"""What TLS begins with (RFC 8446, 5.1)."""


@dataclass(frozen=True)
class Secured:
    """A server that can be trusted by its certificate alone."""

    domain: str
    """Host and port."""
    certificate: Path
    context: ssl.SSLContext
    """What it is served by."""
    cut: Callable[[], Coroutine[None, None, None]]
    """Ends every connection there is now."""

    def trusting(self) -> ssl.SSLContext:
        """Return what a client in this process trusts it by."""
        return ssl.create_default_context(cafile=str(self.certificate))


class _Relay:
    """Carries what clients say to the server at `port`, and its answers back."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._open: dict[asyncio.Task[None], tuple[asyncio.StreamWriter, ...]] = {}

    async def forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        # From the first: who is only half connected as a test ends is cut as well.
        self._open[task] = (writer,)
        try:
            inner, outer = await asyncio.open_connection(_ADDRESS, self._port)
            self._open[task] = (outer, writer)
            await asyncio.gather(_pipe(reader, outer), _pipe(inner, writer))
        finally:
            await _abort(self._open.pop(task))

    async def cut(self) -> None:
        """End every connection there is now."""
        tasks = list(self._open)
        for ends in list(self._open.values()):
            await _abort(ends)
        await asyncio.gather(*tasks)


@asynccontextmanager
async def secured(port: int, folder: Path, host: str = HOST) -> AsyncIterator[Secured]:
    """Serve under TLS what is at `port`, as `host`; `folder` keeps the certificate."""
    context, certificate = serving(folder, host)
    relay = _Relay(port)
    server = await asyncio.start_server(relay.forward, _ADDRESS, ssl=context)
    async with server:
        yield Secured(
            f"{HOST}:{server.sockets[0].getsockname()[1]}", certificate, context, relay.cut
        )
        # Clients keep their connections; nobody is served any more.
        await relay.cut()


@asynccontextmanager
async def secured_for_some(port: int, context: ssl.SSLContext) -> AsyncIterator[int]:
    """Serve at another port what is at `port`: under TLS to whoever begins so, else plainly.

    So that servers that know no TLS can tell each other's addresses to clients that do.
    """
    loop = asyncio.get_running_loop()
    relay = _Relay(port)
    meeting: set[asyncio.Task[None]] = set()

    async def meet(client: socket.socket) -> None:
        readable = asyncio.Event()
        loop.add_reader(client, readable.set)
        try:
            await readable.wait()
        except asyncio.CancelledError:
            loop.remove_reader(client)
            # It never said anything, so it is nobody else's to close.
            client.close()
            raise
        loop.remove_reader(client)
        tls = client.recv(1, socket.MSG_PEEK) == _HANDSHAKE
        protocol = asyncio.StreamReaderProtocol(asyncio.StreamReader(), relay.forward)
        # A client may leave before it has come to trust us.
        with suppress(OSError):
            await loop.connect_accepted_socket(
                lambda: protocol, client, ssl=context if tls else None
            )

    async def accept() -> None:
        while True:
            client, _ = await loop.sock_accept(listener)
            meeting.add(loop.create_task(meet(client)))

    with socket.create_server((_ADDRESS, 0)) as listener:
        listener.setblocking(False)
        accepting = loop.create_task(accept())
        yield listener.getsockname()[1]
        for task in (accepting, *meeting):
            task.cancel()
        await asyncio.gather(accepting, *meeting, return_exceptions=True)
        await relay.cut()


async def _abort(ends: tuple[asyncio.StreamWriter, ...]) -> None:
    for end in ends:
        # What was closed twice has nothing left to abort, which Python 3.11.2 does not look at.
        with suppress(AttributeError):
            end.transport.abort()
        with suppress(ConnectionError):
            await end.wait_closed()


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
        writer.close()
    except (ConnectionError, ssl.SSLError):
        # A client may leave as it likes.
        return


def serving(folder: Path, host: str = HOST) -> tuple[ssl.SSLContext, Path]:
    """Return what `host` serves under TLS by, and the certificate that it can be trusted by."""
    certificate, key = make_certificate(folder, host)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    return context, certificate


def make_certificate(folder: Path, host: str = HOST) -> tuple[Path, Path]:
    """Make a certificate of `host` that is its own authority, and the key of it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    now = datetime.now(UTC)
    names: list[x509.GeneralName] = [x509.DNSName(host)]
    if host == HOST:
        names.append(x509.IPAddress(ipaddress.ip_address(_ADDRESS)))
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate_file, key_file = folder / "certificate.pem", folder / "key.pem"
    certificate_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return certificate_file, key_file
