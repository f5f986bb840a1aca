"""What is served without aiohttp, what is left to it, and how connections end."""

import asyncio
import io
import json
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from libs.common.chassis import lane as lanes
from libs.common.chassis.app import HEALTH, make_app
from libs.common.chassis.direct import Answer, Request, Route, Whole, header_lines
from libs.common.chassis.health import Health
from libs.common.chassis.lane import Lane
from libs.common.chassis.logging import Log
from libs.common.chassis.metrics import Metrics
from libs.common.chassis.problems import Refusal, read_body
from libs.common.errors import NotFound
from tests.patience import PATIENCE_SECONDS, until_so

LIMIT = 2**22


class Served:
    def __init__(self) -> None:
        self.out = io.BytesIO()
        self.log = Log("test", "info", self.out)
        self.metrics = Metrics("test", "1")
        self.app = make_app(
            [Route("POST", "/direct", self.tell), Route("POST", "/other", self.tell)],
            face=face,
            health=Health({}),
            out=self.log,
            metrics=self.metrics,
            body_limit=LIMIT,
            direct=("/direct",),
        )
        self.lane: Lane
        self.port = 0
        self.released = asyncio.Event()
        self.waiting = asyncio.Event()

    async def holds(self) -> bytes:
        """Wait until something has come that is not served; return what."""
        return await until_so(lambda: b"".join(each._held for each in self.lane.connections))

    async def tell(self, request: Request) -> Answer:
        body = await read_body(request)
        if body == b"fail":
            raise NotFound("not here")
        if body == b"unheard-of":
            return Answer(b"", status=299)
        if body == b"wait":
            self.waiting.set()
            await self.released.wait()
        by = "us" if isinstance(request, Whole) else "aiohttp"
        told = f"{by} {request.remote} "
        if body.startswith(b"much"):
            return Answer(told.encode() + 2**22 * b"x")
        return Answer(told.encode() + body, header_lines({"X-Any": "thing"}))

    def lines(self) -> list[dict[str, object]]:
        self.log.writer.flush()
        return [json.loads(line) for line in self.out.getvalue().splitlines()]


def face(_request: Request, refusal: Refusal) -> Answer:
    return Answer(refusal.code.encode(), status=refusal.status)


@pytest.fixture
async def served() -> AsyncIterator[Served]:
    served = Served()
    runner = web.AppRunner(served.app, access_log=None)
    await runner.setup()
    served.lane = Lane(runner)
    server = await asyncio.get_running_loop().create_server(served.lane, "127.0.0.1", 0)
    served.port = server.sockets[0].getsockname()[1]
    yield served
    server.close()
    await asyncio.gather(served.lane.close(5), runner.cleanup())


class Client:
    def __init__(self, reader: StreamReader, writer: StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def send(self, body: bytes, path: str = "/direct", *headers: str) -> None:
        self.writer.write(post(body, path, *headers))

    async def answer(self) -> tuple[int, bytes]:
        status, _, body = await self.whole_answer()
        return status, body

    async def whole_answer(self) -> tuple[int, dict[str, str], bytes]:
        async with asyncio.timeout(PATIENCE_SECONDS):
            head = (await self.reader.readuntil(b"\r\n\r\n")).decode()
            first, *lines = head.rstrip().split("\r\n")
            told = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
            body = await self.reader.readexactly(int(told["content-length"]))
        return int(first.split()[1]), told, body

    async def ask(self, body: bytes, path: str = "/direct", *headers: str) -> tuple[int, bytes]:
        self.send(body, path, *headers)
        return await self.answer()

    async def closed(self) -> bool:
        async with asyncio.timeout(PATIENCE_SECONDS):
            return await self.reader.read() == b""


def post(body: bytes, path: str = "/direct", *headers: str) -> bytes:
    told = "".join(f"{line}\r\n" for line in headers)
    head = f"POST {path} HTTP/1.1\r\nHost: here\r\n{told}Content-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


@pytest.fixture
async def client(served: Served) -> AsyncIterator[Client]:
    client = Client(*await asyncio.open_connection("127.0.0.1", served.port))
    yield client
    client.writer.close()


async def test_plain_requests_of_a_connection_are_served_directly(client: Client) -> None:
    assert await client.ask(b"one") == (200, b"us 127.0.0.1 one")
    assert await client.ask(b"two") == (200, b"us 127.0.0.1 two")


async def test_a_direct_answer_has_the_headers_the_line_and_the_count_of_any(
    served: Served, client: Client
) -> None:
    told = []
    for path in ("/direct", "/other"):
        client.send(b"", path, "X-Request-Id: mine")
        _, headers, _ = await client.whole_answer()
        told.append({**headers, "date": "", "content-length": ""})
    # What aiohttp adds for an answer without a type.
    assert told[1].pop("content-type") == "application/octet-stream"
    assert told[0] == told[1]
    assert (told[0]["x-request-id"], told[0]["server"]) == ("mine", "gatehouse")
    direct, other = served.lines()
    assert direct.pop("route") == "/direct"
    assert other.pop("route") == "/other"
    assert direct.keys() == other.keys()
    body, _ = served.metrics.render()
    count = 'gatehouse_http_requests_total{method="POST",route="/direct",status="2xx"} 1.0'
    assert count in body.decode()


async def test_an_error_of_a_direct_handler_has_the_shape_of_the_face(client: Client) -> None:
    assert await client.ask(b"fail") == (404, b"not_found")
    assert await client.ask(b"on") == (200, b"us 127.0.0.1 on")


@pytest.mark.parametrize(
    "headers", [("Expect: 100-continue",), ("X-Any: one", "X-Any: two"), ("X-Any: ä",)]
)
async def test_with_something_unusual_a_connection_becomes_aiohttps(
    client: Client, headers: tuple[str, ...]
) -> None:
    assert await client.ask(b"one") == (200, b"us 127.0.0.1 one")
    client.send(b"two", "/direct", *headers)
    if "Expect: 100-continue" in headers:
        assert await client.reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert await client.answer() == (200, b"aiohttp 127.0.0.1 two")
    assert await client.ask(b"three") == (200, b"aiohttp 127.0.0.1 three")


async def test_other_paths_and_what_is_no_request_are_aiohttps(client: Client) -> None:
    assert await client.ask(b"one", "/other") == (200, b"aiohttp 127.0.0.1 one")
    client.writer.write(b"nonsense\r\n\r\n")
    status, _ = await client.answer()
    assert status == 400
    assert await client.closed()


async def test_a_request_in_two_pieces_is_served_directly(
    served: Served, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lanes, "_REST_SECONDS", PATIENCE_SECONDS)
    for cut in (3, 30, -2):
        client.writer.write(post(b"body")[:cut])
        assert await served.holds() == post(b"body")[:cut]
        client.writer.write(post(b"body")[cut:])
        assert await client.answer() == (200, b"us 127.0.0.1 body")


async def test_a_request_in_more_pieces_or_too_late_is_aiohttps(
    served: Served, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = post(b"body")
    client.writer.write(request[:10])
    await served.holds()
    client.writer.write(request[10:20])
    await until_so(lambda: not served.lane.connections)
    client.writer.write(request[20:])
    assert await client.answer() == (200, b"aiohttp 127.0.0.1 body")
    monkeypatch.setattr(lanes, "_REST_SECONDS", 0.01)
    other = Client(*await asyncio.open_connection("127.0.0.1", served.port))
    other.writer.write(request[:10])
    await until_so(lambda: not served.lane.connections)
    other.writer.write(request[10:])
    assert await other.answer() == (200, b"aiohttp 127.0.0.1 body")
    other.writer.close()


async def test_requests_sent_together_are_answered_in_order(client: Client) -> None:
    client.writer.write(post(b"one") + post(b"two"))
    assert [await client.answer(), await client.answer()] == [
        (200, b"aiohttp 127.0.0.1 one"),
        (200, b"aiohttp 127.0.0.1 two"),
    ]


async def test_requests_sent_while_one_is_served_are_answered_after_it(
    served: Served, client: Client
) -> None:
    client.send(b"wait")
    await served.waiting.wait()
    client.writer.write(post(b"two") + post(b"three")[:20])
    await served.holds()
    served.released.set()
    assert await client.answer() == (200, b"us 127.0.0.1 wait")
    assert await client.answer() == (200, b"aiohttp 127.0.0.1 two")
    client.writer.write(post(b"three")[20:])
    assert await client.answer() == (200, b"aiohttp 127.0.0.1 three")


async def test_a_client_that_takes_no_answers_is_asked_nothing_more(
    served: Served, client: Client
) -> None:
    for _ in range(4):
        client.send(b"much")
        await asyncio.sleep(0.02)
    assert len(served.lines()) < 4
    for _ in range(4):
        status, body = await client.answer()
        assert (status, len(body)) == (200, 2**22 + len(body.partition(b"x")[0]))


async def test_a_body_that_is_too_large_is_refused(client: Client) -> None:
    assert await client.ask(b"x" * (LIMIT + 1)) == (413, b"too_large")


async def test_a_client_that_leaves_does_not_stop_what_it_asked_for(served: Served) -> None:
    client = Client(*await asyncio.open_connection("127.0.0.1", served.port))
    client.send(b"wait")
    await served.waiting.wait()
    client.writer.close()
    await until_so(lambda: not served.lane.connections)
    served.released.set()
    (line,) = await until_so(served.lines)
    assert line["status"] == 200


async def test_an_answer_that_cannot_be_written_closes_the_connection(client: Client) -> None:
    client.send(b"unheard-of")
    assert await client.closed()


async def test_a_stopping_service_answers_and_closes(served: Served, client: Client) -> None:
    served.app[HEALTH].stopping = True
    client.send(b"one")
    status, headers, _ = await client.whole_answer()
    assert (status, headers["connection"]) == (200, "close")
    assert await client.closed()


async def test_closing_waits_for_what_is_being_served_and_for_nothing_else(
    served: Served, client: Client
) -> None:
    idle = Client(*await asyncio.open_connection("127.0.0.1", served.port))
    assert await idle.ask(b"") == (200, b"us 127.0.0.1 ")
    client.send(b"wait")
    await served.waiting.wait()
    closing = asyncio.create_task(served.lane.close(20))
    assert await idle.closed()
    served.released.set()
    status, headers, _ = await client.whole_answer()
    assert (status, headers["connection"]) == (200, "close")
    await closing
    assert await client.closed()
    idle.writer.close()


async def test_closing_waits_no_longer_than_it_may(served: Served, client: Client) -> None:
    client.send(b"wait")
    await served.waiting.wait()
    await served.lane.close(0.01)
    assert await client.closed()


async def test_a_connection_that_nobody_uses_is_closed(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = Client(*await asyncio.open_connection("127.0.0.1", served.port))
    assert await client.ask(b"") == (200, b"us 127.0.0.1 ")
    monkeypatch.setattr(lanes, "_IDLE_SECONDS", 0.01)
    # The first look, which is long after this, finds that it was used.
    (connection,) = served.lane.connections
    connection._look()
    assert connection in served.lane.connections
    assert await client.closed()
    client.writer.close()
