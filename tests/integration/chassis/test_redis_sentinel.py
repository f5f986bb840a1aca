"""What a line does where Sentinels say who the master is, and when they say another."""

import asyncio
import os
import signal
import socket
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest
from redis.asyncio import Redis
from redis.exceptions import RedisError
from structlog.testing import capture_logs

from deploy.local.ports import LOOPBACK, free_port
from deploy.local.server import Server
from deploy.local.valkey import ask, start_valkey
from libs.common.chassis.redis_line.port import Limits, RedisLine, Script
from libs.common.errors import Unavailable
from tests.clients.tls import secured, secured_for_some
from tests.integration.chassis.conftest import opened, until_it_answers
from tests.patience import PATIENCE_SECONDS, until, until_so
from tests.sentinels import NAME, start_sentinel, watched

APPEND = Script("return redis.call('RPUSH', KEYS[1], cmsgpack.unpack(ARGV[1])[1])")


@pytest.fixture
async def sentinel(
    redis_server: Server, redis_url: str, servers_password: str, tmp_path: Path
) -> AsyncIterator[int]:
    """The port of a Sentinel that calls the server `main`."""
    port = free_port()
    process = await start_sentinel(
        tmp_path / "sentinel", port, monitoring(redis_server.port, servers_password)
    )
    yield port
    await process.kill()


def monitoring(port: int, password: str) -> list[str]:
    """Have a Sentinel watch one server; its word alone counts."""
    return [
        f"sentinel monitor {NAME} {LOOPBACK} {port} 1",
        f"sentinel auth-pass {NAME} {password}",
    ]


def url(password: str, *ports: int, options: str = "") -> str:
    hosts = ",".join(f"{LOOPBACK}:{port}" for port in ports)
    return f"redis+sentinel://:{password}@{hosts}/{NAME}{options}"


async def see_that_it_leads_to(server: Server, line: RedisLine) -> None:
    """Write by the line, and read at the server itself."""
    await line.execute(b"SET", "found", "by the line")
    client = line.client
    assert isinstance(client, Redis)

    async def is_written() -> bool:
        # A Sentinel has a part of a second to answer it.
        with suppress(RedisError):
            return bool(await client.set("found too", "by the client"))
        return False

    await until(is_written)
    async with opened(server.url) as direct:
        assert await direct.execute(b"GET", "found") == b"by the line"
        assert await direct.execute(b"GET", "found too") == b"by the client"


@pytest.mark.parametrize("protocol", [2, 3])
async def test_the_master_is_found_through_sentinel(
    redis_server: Server, servers_password: str, sentinel: int, protocol: int
) -> None:
    named = url(servers_password, sentinel, options=f"?protocol={protocol}")
    async with opened(named) as line:
        await until_it_answers(line)
        await see_that_it_leads_to(redis_server, line)


async def test_a_first_sentinel_that_is_down_is_passed_over(
    redis_server: Server, servers_password: str, sentinel: int
) -> None:
    async with opened(url(servers_password, free_port(), sentinel)) as line:
        await until_it_answers(line)
        await see_that_it_leads_to(redis_server, line)


async def test_a_first_sentinel_that_hangs_is_passed_over_in_time(
    redis_server: Server, servers_password: str, sentinel: int
) -> None:
    with socket.create_server((LOOPBACK, 0)) as silent:
        hanging = silent.getsockname()[1]
        # A third of this is waited for the one that hangs.
        async with opened(url(servers_password, hanging, sentinel), Limits(deadline=3)) as line:
            await until_it_answers(line)
            await see_that_it_leads_to(redis_server, line)


async def test_a_master_that_no_sentinel_knows_is_unavailable_and_the_log_says_so(
    servers_password: str, sentinel: int
) -> None:
    named = url(servers_password, sentinel).replace(NAME, "another")
    async with opened(named) as line:
        with capture_logs() as logged, pytest.raises(Unavailable):
            await line.execute(b"EXISTS", "any")
    assert [entry["reason"] for entry in logged] == ["No master found for 'another'"]
    assert servers_password not in str(logged)


async def test_sentinels_may_want_a_user_of_their_own(
    redis_server: Server, redis_url: str, servers_password: str, tmp_path: Path
) -> None:
    port, own = free_port(), "not the servers'"
    lines = [
        *monitoring(redis_server.port, servers_password),
        f'user default on ">{servers_password}-admin" ~* &* +@all',
        # All that a line asks of a Sentinel.
        'user watcher on ">not the servers\'" -@all +hello +auth +client|setinfo +sentinel|masters',
    ]
    process = await start_sentinel(
        tmp_path / "sentinel", port, lines, password=f"{servers_password}-admin"
    )
    try:
        right = f"?sentinel_username=watcher&sentinel_password={own.replace(' ', '%20')}"
        async with opened(url(servers_password, port, options=right)) as line:
            await until_it_answers(line)
            await see_that_it_leads_to(redis_server, line)
        wrong = "?sentinel_username=watcher&sentinel_password=mistyped"
        async with opened(url(servers_password, port, options=wrong)) as line:
            with capture_logs() as logged, pytest.raises(Unavailable):
                await line.execute(b"EXISTS", "any")
        assert "AuthenticationError" in logged[0]["reason"]
        assert "mistyped" not in str(logged)
    finally:
        await process.kill()


async def test_sentinel_and_master_are_both_spoken_to_under_tls(
    redis_server: Server, redis_url: str, servers_password: str, tmp_path: Path
) -> None:
    port = free_port()
    async with (
        secured(port, tmp_path) as relay,
        secured_for_some(redis_server.port, relay.context) as announced,
    ):
        lines = monitoring(announced, servers_password)
        process = await start_sentinel(tmp_path / "sentinel", port, lines)
        try:
            trusting = f"ssl_ca_certs={relay.certificate}"
            named = f"rediss+sentinel://:{servers_password}@{relay.domain}/{NAME}?{trusting}"
            async with opened(named) as line:
                await until_it_answers(line)
                await see_that_it_leads_to(redis_server, line)
        finally:
            await process.kill()


async def test_a_master_that_was_demoted_makes_the_line_ask_again(
    redis_server: Server, servers_password: str, sentinel: int, tmp_path: Path
) -> None:
    successor = await start_valkey(
        tmp_path / "other", password=servers_password, log=tmp_path / "other.log", durable=False
    )
    try:
        async with opened(url(servers_password, sentinel)) as line:
            await until_it_answers(line)
            # By hand, because a Sentinel would cut the line's connection as well.
            await ask(sentinel, None, "SENTINEL REMOVE", NAME)
            await ask(redis_server.port, servers_password, "REPLICAOF", LOOPBACK, successor.port)
            await ask(sentinel, None, "SENTINEL MONITOR", NAME, LOOPBACK, successor.port, 1)
            await ask(sentinel, None, "SENTINEL SET", NAME, "auth-pass", servers_password)
            with pytest.raises(Unavailable):
                await line.run(APPEND, [b"list"], ["to the one before"])
            await line.run(APPEND, [b"list"], ["to the successor"])
            await see_that_it_leads_to(successor, line)
            assert await line.execute(b"LRANGE", "list", 0, -1) == [b"to the successor"]
    finally:
        await ask(redis_server.port, servers_password, "REPLICAOF", "NO", "ONE")
        await successor.process.kill()


async def test_when_the_master_hangs_the_line_goes_on_with_its_replica_and_sends_nothing_twice(
    servers_password: str, tmp_path: Path
) -> None:
    async with (
        watched(tmp_path, servers_password) as stack,
        opened(stack.url, Limits(deadline=2)) as line,
    ):
        await until_it_answers(line)
        answered: list[int] = []
        answered_again: list[int] = []
        hangs = asyncio.Event()

        async def call(numbers: range) -> None:
            """Send each number once, whatever becomes of it, until the replica has taken over."""
            failed = False
            for number in numbers:
                try:
                    await line.run(APPEND, [b"list"], [number])
                except Unavailable as error:
                    failed = hangs.is_set()
                    await asyncio.sleep(min(error.retry_after, 0.05))
                else:
                    answered.append(number)
                    if failed:
                        answered_again.append(number)
                if answered_again:
                    return

        calls = [asyncio.create_task(call(range(n, 10**6, 8))) for n in range(8)]
        await until_so(lambda: len(answered) >= 100)
        os.kill(stack.master.process.pid, signal.SIGSTOP)
        hangs.set()
        await stack.is_lost()
        async with asyncio.timeout(PATIENCE_SECONDS):
            await asyncio.gather(*calls)
        await see_that_it_leads_to(stack.replica, line)
        kept = await line.execute(b"LRANGE", "list", 0, -1)
        assert isinstance(kept, list)
        numbers = [int(str(each, "ascii")) for each in kept if isinstance(each, bytes)]
        assert max(Counter(numbers).values()) == 1
        # What the one before never answered was not asked of its successor.
        assert set(numbers[numbers.index(answered_again[0]) :]) <= set(answered)
