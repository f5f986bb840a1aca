"""The bus against a real NATS, which goes away and comes back."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import nats
import psutil
import pytest
from nats.aio.client import Client

from deploy.local.server import Server
from libs.common.chassis.bus import Bus, Stream
from libs.common.chassis.startup import StartupFailure
from libs.common.errors import Unavailable
from libs.common.secret import Secret
from tests.patience import PATIENCE_SECONDS, until_so

EVENTS = Stream(name="BUS_TEST", subjects=("bustest.events.>",))
SUBJECT = "bustest.events.flow"
LONG = PATIENCE_SECONDS
"""What is not to be waited for so long ends by itself."""


async def opened(url: str) -> Bus:
    bus = Bus(Secret(url), name="test")
    bus.open()
    return bus


@pytest.fixture
async def bus(nats_url: str) -> AsyncIterator[Bus]:
    bus = await opened(nats_url)
    await until_so(lambda: bus.connected)
    yield bus
    await bus.close()


async def ask(bus: Bus, payload: bytes = b"", *, within: float = LONG) -> bytes:
    return await bus.request("bustest.ask", payload, within=within, what="compiler")


async def echo(payload: bytes) -> bytes:
    return payload[::-1]


async def test_a_request_is_answered(bus: Bus, nats_url: str) -> None:
    other = await opened(nats_url)
    await other.respond("bustest.ask", "compilers", echo)
    await until_so(lambda: other.connected)
    await other.check()
    assert await ask(bus, b"abc") == b"cba"
    await other.close()


async def test_a_check_that_was_given_up_on_leaves_the_connection_as_it_was(
    bus: Bus, nats_server: Server
) -> None:
    await bus.respond("bustest.ask", "compilers", echo)
    process = psutil.Process(nats_server.process.pid)
    process.suspend()
    try:
        await until_so(lambda: process.status() == psutil.STATUS_STOPPED)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await bus.check()
    finally:
        process.resume()
    await bus.check()
    assert await ask(bus, b"abc") == b"cba"


async def test_one_of_those_that_share_a_queue_answers(bus: Bus) -> None:
    asked: list[bytes] = []

    async def count(payload: bytes) -> bytes:
        asked.append(payload)
        return b""

    for _ in range(3):
        await bus.respond("bustest.ask", "compilers", count)
    for _ in range(10):
        await ask(bus)
    assert len(asked) == 10


async def test_a_slow_answer_does_not_hold_up_the_next(bus: Bus) -> None:
    both = asyncio.Barrier(2)

    async def meet(payload: bytes) -> bytes:
        await both.wait()
        return payload

    await bus.respond("bustest.ask", "compilers", meet)
    answers = await asyncio.gather(ask(bus, b"1"), ask(bus, b"2"))
    assert list(answers) == [b"1", b"2"]


async def test_nobody_there_is_said_at_once(bus: Bus) -> None:
    with pytest.raises(Unavailable) as missing:
        await ask(bus, within=600)
    assert missing.value.what == "compiler"


async def test_an_answer_that_does_not_come_is_not_waited_for(bus: Bus) -> None:
    async def never(_payload: bytes) -> bytes:
        await release.wait()
        return b""

    release = asyncio.Event()
    await bus.respond("bustest.ask", "compilers", never)
    with pytest.raises(Unavailable):
        await ask(bus, within=0.05)
    release.set()


async def test_a_handler_that_fails_is_said_at_once(bus: Bus) -> None:
    async def fail(_payload: bytes) -> bytes:
        raise RuntimeError

    await bus.respond("bustest.ask", "compilers", fail)
    with pytest.raises(Unavailable) as failed:
        await ask(bus, within=600)
    assert failed.value.what == "compiler"


async def test_closing_finishes_the_answer_in_hand(bus: Bus, nats_url: str) -> None:
    asked, release = asyncio.Event(), asyncio.Event()

    async def slow(payload: bytes) -> bytes:
        asked.set()
        await release.wait()
        return payload

    other = await opened(nats_url)
    await until_so(lambda: other.connected)
    await other.respond("bustest.ask", "compilers", slow)
    await other.check()
    answer = asyncio.create_task(ask(bus, b"whole"))
    await asked.wait()
    closing = asyncio.create_task(other.close())
    await until_so(lambda: not other.connected)
    release.set()
    await closing
    assert await answer == b"whole"


async def test_closing_answers_a_request_that_came_before_the_server_knew_of_it() -> None:
    answers: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Do as NATS does, but send a request just before a subscription ends."""
        writer.write(b'INFO {"server_id": "", "version": "2", "max_payload": 1024}\r\n')
        while line := await reader.readline():
            match line.split():
                case [b"PING"]:
                    writer.write(b"PONG\r\n")
                case [b"UNSUB", id, *_]:
                    await asyncio.sleep(0.05)
                    writer.write(b"MSG bustest.ask %b inbox 3\r\nabc\r\n" % id)
                case [b"PUB", b"inbox", size]:
                    answers.append(await reader.readexactly(int(size)))
                case _:
                    pass
        writer.close()
        await writer.wait_closed()
        ended.set()

    ended = asyncio.Event()
    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        bus = await opened(f"nats://127.0.0.1:{port}")
        await bus.respond("bustest.ask", "compilers", echo)
        await until_so(lambda: bus.connected)
        await bus.close()
        await ended.wait()
    assert answers == [b"cba"]


async def test_a_stream_is_made_once_and_changed_where_it_differs(bus: Bus, nats_url: str) -> None:
    await bus.ensure(EVENTS)
    await bus.ensure(EVENTS)
    await bus.publish(EVENTS, SUBJECT, b"1", message_id="1", within=LONG)
    await bus.ensure(Stream(name=EVENTS.name, subjects=EVENTS.subjects, max_age_seconds=600))
    connection = await nats.connect(nats_url)
    info = await connection.jetstream().stream_info(EVENTS.name)
    await connection.close()
    assert (info.config.max_age, info.config.max_bytes) == (600, EVENTS.max_bytes)
    assert info.state.messages == 1


async def test_a_message_that_comes_again_is_stored_once(bus: Bus) -> None:
    assert await bus.publish(EVENTS, SUBJECT, b"1", message_id="1", within=LONG)
    assert not await bus.publish(EVENTS, SUBJECT, b"1", message_id="1", within=LONG)
    assert await bus.publish(EVENTS, SUBJECT, b"2", message_id="2", within=LONG)


async def test_publishing_makes_the_stream_that_is_missing(bus: Bus, nats_url: str) -> None:
    connection = await nats.connect(nats_url)
    assert await bus.publish(EVENTS, SUBJECT, b"1", message_id="1", within=LONG)
    await connection.jetstream().delete_stream(EVENTS.name)
    assert await bus.publish(EVENTS, SUBJECT, b"1", message_id="1", within=LONG)
    assert (await connection.jetstream().stream_info(EVENTS.name)).state.messages == 1
    await connection.close()


async def test_everything_is_refused_at_once_while_the_server_is_away_and_works_when_it_is_back(
    nats_url: str, nats_server: Server
) -> None:
    await nats_server.process.stop()
    bus = await opened(nats_url)
    await bus.respond("bustest.ask", "compilers", echo)
    for attempt in (
        bus.check(),
        ask(bus, within=600),
        bus.ensure(EVENTS),
        bus.publish(EVENTS, SUBJECT, b"", message_id="1", within=600),
    ):
        with pytest.raises(Unavailable) as away:
            await attempt
        assert away.value.what == "nats"
    await nats_server.process.start()
    await until_so(lambda: bus.connected)
    await bus.check()
    assert await ask(bus, b"abc") == b"cba"
    await nats_server.process.kill()
    await until_so(lambda: not bus.connected)
    await nats_server.process.start()
    await until_so(lambda: bus.connected)
    assert await ask(bus, b"abc") == b"cba"
    assert await bus.publish(EVENTS, SUBJECT, b"", message_id="1", within=LONG)
    await bus.close()


async def test_closing_while_the_server_is_away_ends(nats_url: str, nats_server: Server) -> None:
    never, lost = await opened("nats://127.0.0.1:1"), await opened(nats_url)
    await until_so(lambda: lost.connected)
    await nats_server.process.stop()
    await until_so(lambda: not lost.connected)
    async with asyncio.timeout(PATIENCE_SECONDS):
        await never.close()
        await lost.close()


async def closed_within_bounds(bus: Bus) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        await bus.close()


async def connecting_and_closing(url: str, cycles: int) -> None:
    """Close at every point of connecting that a few turns of the loop lead to, and later."""
    for turns in range(cycles):
        bus = await opened(url)
        for _ in range(turns):
            await asyncio.sleep(0)
        await closed_within_bounds(bus)
        assert not bus.connected


@pytest.fixture
async def suspended_url(nats_url: str, nats_server: Server) -> AsyncIterator[str]:
    """The URL of a server that takes connections and says nothing."""
    process = psutil.Process(nats_server.process.pid)
    process.suspend()
    try:
        await until_so(lambda: process.status() == psutil.STATUS_STOPPED)
        yield nats_url
    finally:
        process.resume()


async def test_closing_at_any_point_of_connecting_ends(nats_url: str) -> None:
    await connecting_and_closing(nats_url, 100)


async def test_closing_at_any_point_of_connecting_to_a_server_that_is_away_ends() -> None:
    await connecting_and_closing("nats://127.0.0.1:1", 20)


async def test_closing_at_any_point_of_connecting_to_a_server_that_hangs_ends(
    suspended_url: str,
) -> None:
    await connecting_and_closing(suspended_url, 20)


async def test_closing_ends_when_connecting_loses_its_cancellation(
    nats_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect, begun = Client.connect, asyncio.Event()

    async def connect_after_all(
        client: Client,
        servers: list[str],
        **options: Any,  # noqa: ANN401 - nats-py's own
    ) -> None:
        begun.set()
        # As `wait_for` does before Python 3.12, if its own work ends as it is cancelled.
        with suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        await connect(client, servers, **options)

    monkeypatch.setattr(Client, "connect", connect_after_all)
    bus = await opened(nats_url)
    await begun.wait()
    await closed_within_bounds(bus)
    assert not bus.connected


async def test_closing_ends_when_the_server_hangs_with_an_answer_in_hand(
    bus: Bus, nats_url: str, nats_server: Server
) -> None:
    asked = asyncio.Event()

    async def never(payload: bytes) -> bytes:
        asked.set()
        await asyncio.Event().wait()
        return payload

    other = await opened(nats_url)
    await until_so(lambda: other.connected)
    await other.respond("bustest.ask", "compilers", never)
    await other.check()
    answer = asyncio.create_task(ask(bus, within=600))
    await asked.wait()
    process = psutil.Process(nats_server.process.pid)
    process.suspend()
    try:
        await closed_within_bounds(other)
    finally:
        process.resume()
    answer.cancel()


@pytest.mark.parametrize(
    "servers",
    [
        "",
        "::swordfish::",
        "swordfish:4222",
        "nats://",
        "nats://:swordfish@:4222",
        "redis://swordfish:4222",
        "nats://host:swordfish",
        "nats://[swordfish",
        "nats://swordfish:4222,",
        "nats://one:4222,swordfish",
        "nats://swordfish:4222,ws://two:80",
    ],
)
def test_servers_that_cannot_be_understood_are_not_quoted(servers: str) -> None:
    with pytest.raises(StartupFailure) as failure:
        Bus(Secret(servers), name="test")
    (reason,) = failure.value.reasons
    assert reason.startswith("GATEHOUSE_NATS_URL ")
    assert "swordfish" not in reason


@pytest.mark.parametrize(
    "servers",
    ["nats://host", "nats://u:p@a:4222, tls://b:4222", "ws://a:80,wss://b", "tls://[::1]:1"],
)
def test_servers_are_urls_with_commas_between(servers: str) -> None:
    assert not Bus(Secret(servers), name="test").connected


async def test_a_client_that_gave_up_is_replaced(bus: Bus) -> None:
    await bus.respond("bustest.ask", "compilers", echo)
    client = bus._client
    assert client is not None
    # What nats-py does by itself when a reconnect is refused.
    await client.close()
    await until_so(lambda: bus.connected)
    await bus.check()
    assert await ask(bus, b"abc") == b"cba"
