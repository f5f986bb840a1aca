"""TLS before a server of a test, for clients that speak nothing else."""

from __future__ import annotations

import asyncio
import ipaddress
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

HOST = "localhost"


@dataclass(frozen=True)
class Secured:
    """A server that can be trusted by its certificate alone."""

    domain: str
    """Host and port."""
    certificate: Path

    def trusting(self) -> ssl.SSLContext:
        """Return what a client in this process trusts it by."""
        return ssl.create_default_context(cafile=str(self.certificate))


@asynccontextmanager
async def secured(port: int, folder: Path) -> AsyncIterator[Secured]:
    """Serve under TLS what is at `port`; `folder` keeps the certificate."""
    context, certificate = serving(folder)

    open_now: dict[asyncio.Task[None], tuple[asyncio.StreamWriter, ...]] = {}

    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        inner, outer = await asyncio.open_connection("127.0.0.1", port)
        open_now[task] = (outer, writer)
        await asyncio.gather(_pipe(reader, outer), _pipe(inner, writer))
        await _abort(open_now.pop(task))

    server = await asyncio.start_server(forward, "127.0.0.1", ssl=context)
    async with server:
        yield Secured(f"{HOST}:{server.sockets[0].getsockname()[1]}", certificate)
        # Clients keep their connections; nobody is served any more.
        tasks = list(open_now)
        for ends in list(open_now.values()):
            await _abort(ends)
        await asyncio.gather(*tasks)


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
    except ConnectionError:
        # A client may leave as it likes.
        return


def serving(folder: Path) -> tuple[ssl.SSLContext, Path]:
    """Return what this host serves under TLS by, and the certificate that it can be trusted by."""
    certificate, key = _certificate(folder)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    return context, certificate


def _certificate(folder: Path) -> tuple[Path, Path]:
    """Make a certificate of this host that is its own authority, and the key of it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
    now = datetime.now(UTC)
    names = [x509.DNSName(HOST), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
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
