"""Calls to real servers of this machine, under names that the test resolves."""

from __future__ import annotations

import asyncio
import datetime
import socket
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from libs.common.chassis.networks import Networks
from libs.common.chassis.outgoing import Answer, Lack, NoAnswer, Outgoing
from tests.listening import listening

LOOPBACK = Networks(("127.0.0.0/8",))
NOTHING = Networks(())
NAME = "hooks.example"


class Names(AbstractResolver):
    """A resolver that knows what the test told it."""

    def __init__(self, **known: tuple[str, ...]) -> None:
        self.known = known
        self.asked: list[str] = []

    async def resolve(
        self,
        host: str,
        port: int = 0,
        family: socket.AddressFamily = socket.AF_INET,  # noqa: ARG002 -- aiohttp hands it over
    ) -> list[ResolveResult]:
        self.asked.append(host)
        if host not in self.known:
            raise OSError("no such name")
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=0,
                flags=0,
            )
            for address in self.known[host]
        ]

    async def close(self) -> None:
        pass


@dataclass
class Called:
    """A server, and what it was sent."""

    requests: list[web.Request] = field(default_factory=list)
    answer: web.Response = field(default_factory=lambda: web.Response(text="hello"))
    holds: asyncio.Event = field(default_factory=asyncio.Event)
    port: int = 0

    async def serve(self, request: web.Request) -> web.Response:
        await request.read()
        self.requests.append(request)
        match request.path:
            case "/held":
                await self.holds.wait()
            case "/elsewhere":
                raise web.HTTPFound("/")
            case "/cookie":
                return web.Response(headers={"Set-Cookie": "who=tenant-a; Path=/"})
            case "/zeros":
                return web.Response(body=bytes(10_000))
            case _:
                pass
        return self.answer

    def url(self, path: str = "/", *, scheme: str = "http", host: str = "127.0.0.1") -> str:
        return f"{scheme}://{host}:{self.port}{path}"


@dataclass(frozen=True)
class Certified:
    server: ssl.SSLContext
    client: ssl.SSLContext


@pytest.fixture(scope="module")
def certified(tmp_path_factory: pytest.TempPathFactory) -> Certified:
    """A certificate for `NAME`, and a client that believes it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, NAME)])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    file: Path = tmp_path_factory.mktemp("tls") / "server.pem"
    pem = certificate.public_bytes(Encoding.PEM)
    file.write_bytes(pem + key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(file)
    return Certified(server, ssl.create_default_context(cadata=pem.decode()))


@pytest_asyncio.fixture
async def called() -> AsyncIterator[Called]:
    async for each in _serving(None):
        yield each


@pytest_asyncio.fixture
async def called_by_tls(certified: Certified) -> AsyncIterator[Called]:
    async for each in _serving(certified.server):
        yield each


async def _serving(tls: ssl.SSLContext | None) -> AsyncIterator[Called]:
    called = Called()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", called.serve)
    async with listening(app, tls) as called.port:
        yield called
        called.holds.set()


async def call(
    outgoing: Outgoing, url: str, *, seconds: float = 10.0, most_bytes: int = 1000
) -> Answer:
    async with outgoing:
        return await outgoing.call(
            "POST", url, seconds=seconds, most_bytes=most_bytes, body=b"{}", headers={"X-A": "b"}
        )


async def lack(outgoing: Outgoing, url: str, **bounds: int) -> Lack:
    with pytest.raises(NoAnswer) as caught:
        await call(outgoing, url, **bounds)
    return caught.value.lack


async def test_a_call_is_answered(called: Called) -> None:
    answer = await call(Outgoing(LOOPBACK), called.url("/hook?a=b"))
    assert (answer.status, answer.body) == (200, b"hello")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    [request] = called.requests
    assert (request.method, request.path_qs, request.headers["X-A"]) == ("POST", "/hook?a=b", "b")
    assert await request.text() == "{}"


async def test_what_is_not_public_is_never_connected_to(called: Called) -> None:
    assert await lack(Outgoing(NOTHING), called.url(scheme="https")) is Lack.REFUSED
    assert called.requests == []


@pytest.mark.parametrize("host", ["[::1]", "[::ffff:127.0.0.1]", "169.254.169.254", "10.0.0.1"])
async def test_an_address_in_the_url_is_looked_at_as_well(host: str) -> None:
    assert await lack(Outgoing(NOTHING), f"https://{host}/") is Lack.REFUSED


async def test_a_name_that_resolves_inward_is_refused(called: Called) -> None:
    names = Names(**{NAME: ("127.0.0.1", "10.0.0.1", "::1")})
    outgoing = Outgoing(NOTHING, resolver=names)
    assert await lack(outgoing, called.url(scheme="https", host=NAME)) is Lack.REFUSED
    assert names.asked == [NAME]
    assert called.requests == []


async def test_the_name_is_verified_and_sent_while_its_address_is_connected_to(
    called_by_tls: Called, certified: Certified
) -> None:
    names = Names(**{NAME: ("127.0.0.1",)})
    outgoing = Outgoing(LOOPBACK, resolver=names, tls=certified.client)
    await call(outgoing, called_by_tls.url(scheme="https", host=NAME))
    [request] = called_by_tls.requests
    assert request.headers["Host"] == f"{NAME}:{called_by_tls.port}"


async def test_a_certificate_of_another_name_is_no_answer(
    called_by_tls: Called, certified: Certified
) -> None:
    outgoing = Outgoing(LOOPBACK, tls=certified.client)
    assert await lack(outgoing, called_by_tls.url(scheme="https")) is Lack.AWAY


async def test_an_unknown_certificate_is_no_answer(called_by_tls: Called) -> None:
    names = Names(**{NAME: ("127.0.0.1",)})
    outgoing = Outgoing(LOOPBACK, resolver=names)
    assert await lack(outgoing, called_by_tls.url(scheme="https", host=NAME)) is Lack.AWAY


async def test_plain_http_is_for_networks_that_an_operator_names() -> None:
    names = Names(**{NAME: ("1.1.1.1",)})
    assert await lack(Outgoing(LOOPBACK, resolver=names), f"http://{NAME}/") is Lack.REFUSED


async def test_a_redirection_is_an_answer_and_not_followed(called: Called) -> None:
    answer = await call(Outgoing(LOOPBACK), called.url("/elsewhere"))
    assert (answer.status, answer.headers["Location"]) == (302, "/")
    assert len(called.requests) == 1


async def test_a_cookie_of_one_answer_is_in_no_other_call(called: Called) -> None:
    async with Outgoing(LOOPBACK) as outgoing:
        for _ in range(2):
            url = called.url("/cookie", host="localhost")
            await outgoing.call("GET", url, seconds=10, most_bytes=100)
    assert [request.cookies for request in called.requests] == [{}, {}]


async def test_a_long_answer_is_not_read_to_its_end(called: Called) -> None:
    assert await lack(Outgoing(LOOPBACK), called.url("/zeros"), most_bytes=9_999) is Lack.LONG
    answer = await call(Outgoing(LOOPBACK), called.url("/zeros"), most_bytes=10_000)
    assert len(answer.body) == 10_000


async def test_a_slow_answer_is_not_waited_for(called: Called) -> None:
    async with Outgoing(LOOPBACK) as outgoing:
        with pytest.raises(NoAnswer, match="slow"):
            await outgoing.call("GET", called.url("/held"), seconds=0.2, most_bytes=1)


async def test_no_call_goes_by_a_connection_that_its_server_may_be_closing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"{}")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        # It has been idle for too long, to its server, just as another call comes.
        await reader.read(1)
        writer.close()

    monkeypatch.setattr("libs.common.chassis.outgoing._IDLE_SECONDS", 0.05)
    async with (
        await asyncio.start_server(serve, "127.0.0.1", 0) as server,
        Outgoing(LOOPBACK) as outgoing,
    ):
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        for _ in range(2):
            answer = await outgoing.call("POST", url, seconds=10, most_bytes=1, body=b"{}")
            assert answer.status == 200
            await asyncio.sleep(0.1)


async def test_where_nobody_listens_is_away() -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{nobody.getsockname()[1]}/"
        assert await lack(Outgoing(LOOPBACK), url) is Lack.AWAY


async def test_an_unknown_name_is_away() -> None:
    assert await lack(Outgoing(LOOPBACK, resolver=Names()), "https://nowhere.example/") is Lack.AWAY


@pytest.mark.parametrize(
    "url",
    [
        "ftp://hooks.example/",
        "file:///etc/passwd",
        "//hooks.example/",
        "/hook",
        "https://",
        "https://user:word@hooks.example/",
        "https://user@hooks.example/",
        "https://hooks.example:99999/",
        "https://[::1/",
        "https://127.1/",
        "",
    ],
)
async def test_what_is_no_url_of_the_web_is_not_called(url: str) -> None:
    names = Names()
    assert await lack(Outgoing(LOOPBACK, resolver=names), url) in {Lack.REFUSED, Lack.AWAY}
    assert names.asked == []
