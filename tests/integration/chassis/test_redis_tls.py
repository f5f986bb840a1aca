"""What a line does when its server speaks TLS; the wheel's does not, so a relay before it does."""

import asyncio
import os
import signal
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
import uvloop
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as NotConnected
from structlog.testing import capture_logs

from deploy.local.ports import LOOPBACK
from deploy.local.server import Server
from deploy.local.valkey import ask
from libs.common.chassis.redis_line.port import Limits, RedisLine, Script
from libs.common.errors import Unavailable
from tests.clients.tls import Secured, make_certificate, secured, secured_for_some, serving
from tests.integration.chassis.conftest import opened, until_it_answers
from tests.patience import until

Run = Callable[[Awaitable[None]], Awaitable[None]]
HASTY = Limits(deadline=0.2)
ECHO = Script("return {KEYS[1], cmsgpack.unpack(ARGV[1])[1]}")
LARGE = bytes(range(256)) * 4096
"""A megabyte, where a record of TLS holds 16 KiB."""


@pytest.fixture
async def relay(redis_server: Server, redis_url: str, tmp_path: Path) -> AsyncIterator[Secured]:
    """An empty Valkey under TLS."""
    async with secured(redis_server.port, tmp_path) as relay:
        yield relay


def url(relay: Secured, password: str, *options: str) -> str:
    """Name a relay by a URL that trusts it, unless `options` say otherwise."""
    given = options or (f"ssl_ca_certs={relay.certificate}",)
    return f"rediss://:{password}@{relay.domain}?{'&'.join(given)}"


async def keep_every_promise(url: str) -> None:
    """Send all that a line is for, and a redis-py client besides."""
    async with opened(url) as line:

        async def call(number: int) -> None:
            key = f"key:{number}"
            await line.execute(b"SET", key, number)
            assert await line.execute(b"GET", key) == str(number).encode()
            assert await line.run(ECHO, [key.encode()], [number]) == [key.encode(), number]

        await asyncio.gather(*(call(number) for number in range(300)))
        await line.execute(b"SET", "large", LARGE)
        answers = [line.execute(b"GET", name) for name in ("large", "key:7", "large", "key:8")]
        assert await asyncio.gather(*answers) == [LARGE, b"7", LARGE, b"8"]
        assert isinstance(line.client, Redis)
        assert await line.client.get("large") == LARGE


async def on_asyncio(work: Awaitable[None]) -> None:
    await work


async def on_uvloop(work: Awaitable[None]) -> None:
    """Run `work` as a service does; the relay stays on the loop of the test."""

    async def run() -> None:
        await work

    await asyncio.to_thread(uvloop.run, run())


either_loop = pytest.mark.parametrize("run", [on_asyncio, on_uvloop])


@either_loop
@pytest.mark.parametrize("protocol", [2, 3])
async def test_a_line_under_tls_keeps_every_promise(
    relay: Secured,
    servers_password: str,
    protocol: int,
    run: Run,
) -> None:
    trusting = url(relay, servers_password)
    await run(keep_every_promise(f"{trusting}&protocol={protocol}"))


@either_loop
async def test_who_waits_is_told_when_a_connection_under_tls_is_cut(
    relay: Secured, redis_server: Server, servers_password: str, run: Run
) -> None:
    loop = asyncio.get_running_loop()

    async def work() -> None:
        async with opened(url(relay, servers_password)) as line:
            await line.execute(b"SET", "a", "1")
            os.kill(redis_server.process.pid, signal.SIGSTOP)
            try:
                waiting = line.execute(b"GET", "a")
                await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(relay.cut(), loop))
                with pytest.raises(Unavailable):
                    await waiting
            finally:
                os.kill(redis_server.process.pid, signal.SIGCONT)
            await until_it_answers(line)
            assert await line.execute(b"GET", "a") == b"1"

    await run(work())


async def refused(line: RedisLine, client: Redis) -> str:
    """See that neither the line nor the client gets an answer; return what was logged of it."""
    with capture_logs() as logged, pytest.raises(Unavailable):
        await line.execute(b"GET", "a")
    with pytest.raises(NotConnected):
        await client.get("a")
    (said,) = [entry["reason"] for entry in logged if entry["event"] == "redis_not_connected"]
    return str(said)


@either_loop
async def test_a_server_that_nobody_vouches_for_is_refused_and_the_log_names_the_option(
    relay: Secured, servers_password: str, run: Run
) -> None:
    async def work() -> None:
        async with opened(url(relay, servers_password, "protocol=3")) as line:
            assert isinstance(line.client, Redis)
            said = await refused(line, line.client)
        assert "self-signed certificate" in said
        assert "ssl_ca_certs" in said

    await run(work())


async def test_a_server_by_another_name_is_refused_and_the_log_says_by_which(
    redis_server: Server, servers_password: str, tmp_path: Path
) -> None:
    async with (
        secured(redis_server.port, tmp_path, "elsewhere.example") as relay,
        opened(url(relay, servers_password)) as line,
    ):
        assert isinstance(line.client, Redis)
        said = await refused(line, line.client)
    assert "not valid for 'localhost'" in said
    assert "host in the Redis URL" in said


async def test_a_line_and_a_server_of_which_one_speaks_tls_do_not_meet(
    relay: Secured, redis_server: Server, servers_password: str
) -> None:
    plain = f"{LOOPBACK}:{redis_server.port}"
    for mistaken in (f"rediss://:{servers_password}@{plain}", f"redis://{relay.domain}"):
        async with opened(mistaken, HASTY) as line:
            with pytest.raises(Unavailable):
                await line.execute(b"GET", "a")


async def test_a_server_that_asks_for_a_certificate_gets_the_one_in_the_url(
    redis_server: Server, servers_password: str, tmp_path: Path
) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    certificate, key = make_certificate(mine, "client.example")
    async with secured(redis_server.port, tmp_path) as relay:
        relay.context.verify_mode = ssl.CERT_REQUIRED
        relay.context.load_verify_locations(certificate)
        trust = f"ssl_ca_certs={relay.certificate}"
        own = (f"ssl_certfile={certificate}", f"ssl_keyfile={key}")
        async with opened(url(relay, servers_password, trust)) as line:
            with pytest.raises(Unavailable):
                await line.execute(b"SET", "a", "1")
        async with opened(url(relay, servers_password, trust, *own)) as line:
            assert await line.execute(b"SET", "a", "1") == b"OK"


async def test_a_cluster_under_tls_is_found_and_followed(
    redis_cluster: tuple[Server, ...],
    redis_cluster_url: str,
    servers_password: str,
    tmp_path: Path,
) -> None:
    context, certificate = serving(tmp_path)
    ports = [server.port for server in redis_cluster]

    async def announced(ports: list[int]) -> bool:
        """Whether every node tells clients to go to `ports`."""
        seen = [
            str(await ask(each.port, servers_password, "CLUSTER NODES")) for each in redis_cluster
        ]
        return all(f":{port}@" in nodes for nodes in seen for port in ports)

    async def announce(ports: list[int]) -> None:
        for server, port in zip(redis_cluster, ports, strict=True):
            await ask(server.port, servers_password, "CONFIG SET", "cluster-announce-port", port)
        await until(lambda: announced(ports))

    async with (
        secured_for_some(ports[0], context) as first,
        secured_for_some(ports[1], context) as second,
        secured_for_some(ports[2], context) as third,
    ):
        try:
            await announce([first, second, third])
            by_one = f"rediss+cluster://:{servers_password}@{LOOPBACK}:{second}"
            async with opened(f"{by_one}?ssl_ca_certs={certificate}") as line:
                assert await line.client.get("key:7") is None
                keys = [f"key:{number}" for number in range(100)]
                await asyncio.gather(*(line.execute(b"SET", key, key) for key in keys))
                answers = await asyncio.gather(*(line.execute(b"GET", key) for key in keys))
                assert answers == [key.encode() for key in keys]
        finally:
            await announce(ports)
