"""What a client and a probe see of a service."""

import asyncio
import io
import json
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
from aiohttp import ClientSession, web

from libs.common.chassis import problems
from libs.common.chassis.app import HEALTH, json_answer, make_app
from libs.common.chassis.health import Health
from libs.common.chassis.logging import Log, remember
from libs.common.chassis.metrics import Metrics
from libs.common.chassis.problems import Refusal, decode_json
from libs.common.errors import Unavailable
from tests.listening import listening
from tests.patience import PATIENCE_SECONDS, until_so

JSON = {"Content-Type": "application/json"}
LIMIT = 2048


class Named(msgspec.Struct):
    name: str


BEGUN = web.AppKey("begun", asyncio.Event)


async def greet(request: web.Request) -> web.Response:
    request.app[BEGUN].set()
    remember("tenant", request.match_info["tenant"])
    return json_answer({"hello": (await decode_json(request, Named)).name})


async def fail(_request: web.Request) -> web.Response:
    raise RuntimeError("the reason is 'hunter2'")


async def away(_request: web.Request) -> web.Response:
    raise Unavailable("redis", 2)


def face(_request: web.Request, refusal: Refusal) -> web.Response:
    body = {"code": refusal.code, "trace": refusal.trace_id, "problems": refusal.problems}
    return json_answer(body, status=refusal.status)


class Served:
    def __init__(self) -> None:
        self.out = io.BytesIO()
        self.dependency_is_there = True
        log = Log("test", "debug", self.out)
        self._log = log
        self.app = make_app(
            [
                web.post("/t/{tenant:[a-z]{1,9}}/greet", greet),
                web.get("/fail", fail),
                web.get("/away", away),
            ],
            face=face,
            health=Health({"redis": self._check}),
            out=log,
            metrics=Metrics("test", "1"),
            body_limit=LIMIT,
        )
        self.app[BEGUN] = asyncio.Event()
        self.port = 0

    async def _check(self) -> None:
        if not self.dependency_is_there:
            raise ConnectionRefusedError

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def lines(self) -> list[dict[str, Any]]:
        self._log.writer.flush()
        return [json.loads(line) for line in self.out.getvalue().splitlines()]


@pytest.fixture
async def served() -> AsyncIterator[Served]:
    served = Served()
    async with listening(served.app) as served.port:
        yield served


@pytest.fixture
async def http() -> AsyncIterator[ClientSession]:
    async with ClientSession() as session:
        yield session


async def test_an_answer_is_given_logged_and_counted(served: Served, http: ClientSession) -> None:
    sent = {**JSON, "X-Request-Id": "mine-1"}
    async with http.post(served.url("/t/acme/greet"), data=b'{"name":"a"}', headers=sent) as got:
        assert (got.status, await got.json()) == (200, {"hello": "a"})
        assert got.headers["X-Request-Id"] == "mine-1"
    (line,) = served.lines()
    assert line["ms"] > 0
    assert {k: line[k] for k in ("event", "method", "route", "status", "request", "tenant")} == {
        "event": "request",
        "method": "POST",
        "route": "/t/{tenant}/greet",
        "status": 200,
        "request": "mine-1",
        "tenant": "acme",
    }
    async with http.get(served.url("/metrics")) as got:
        text = await got.text()
    counted = 'gatehouse_http_requests_total{method="POST",route="/t/{tenant}/greet",status="2xx"}'
    assert f"{counted} 1.0" in text


@pytest.mark.parametrize("id", ["", "a b", "<script>", "x" * 129, "é"])
async def test_an_id_that_could_do_harm_is_replaced(
    served: Served, http: ClientSession, id: str
) -> None:
    async with http.get(served.url("/healthz"), headers={"X-Request-Id": id}) as got:
        assert got.headers["X-Request-Id"] != id


async def test_every_request_has_an_id_of_its_own(served: Served, http: ClientSession) -> None:
    ids = set()
    for _ in range(3):
        async with http.get(served.url("/healthz")) as got:
            ids.add(got.headers["X-Request-Id"])
    assert len(ids) == 3


async def test_ids_of_one_request_are_not_in_the_next_of_the_connection(
    served: Served, http: ClientSession
) -> None:
    async with http.post(served.url("/t/acme/greet"), data=b'{"name":"a"}', headers=JSON):
        pass
    async with http.get(served.url("/healthz")):
        pass
    assert "tenant" not in served.lines()[1]


async def test_what_is_unexpected_is_opaque_and_found_by_its_trace_id(
    served: Served, http: ClientSession
) -> None:
    async with http.get(served.url("/fail")) as got:
        told = await got.json()
        assert got.status == 500
    assert told["code"] == "internal"
    assert told["trace"] == got.headers["X-Request-Id"]
    (line,) = served.lines()
    assert (line["request"], line["refused"], line["status"]) == (told["trace"], "internal", 500)


async def test_a_part_that_is_away_says_when_to_come_back(
    served: Served, http: ClientSession
) -> None:
    async with http.get(served.url("/away")) as got:
        assert (got.status, got.headers["Retry-After"]) == (503, "2")


@pytest.mark.parametrize(
    ("body", "headers", "status", "code"),
    [
        (b'{"name":"a"}', {"Content-Type": "text/plain"}, 415, "unsupported"),
        (
            b'{"name":"a"}',
            {"Content-Type": "application/x-www-form-urlencoded"},
            415,
            "unsupported",
        ),
        (b'{"name":"' + b"a" * LIMIT + b'"}', JSON, 413, "too_large"),
        (b'{"name":', JSON, 400, "invalid"),
        (b'{"name":1}', JSON, 400, "invalid"),
        (b"no gzip", {**JSON, "Content-Encoding": "gzip"}, 400, "invalid"),
        (b'{"name":"a"}', {"Content-Type": "application/json; charset=utf-8"}, 200, None),
        (b'{"name":"a"}', {"Content-Type": "application/merge-patch+json"}, 200, None),
    ],
)
async def test_a_body_is_taken_or_refused_for_what_it_is(
    served: Served,
    http: ClientSession,
    body: bytes,
    headers: dict[str, str],
    status: int,
    code: str | None,
) -> None:
    async with http.post(served.url("/t/a/greet"), data=body, headers=headers) as got:
        assert got.status == status
        assert (await got.json()).get("code") == code


async def test_a_body_that_never_comes_is_not_waited_for(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(problems, "BODY_SECONDS", 0.01)
    head = b"POST /t/a/greet HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
    reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
    writer.write(head + b"Content-Length: 100\r\n\r\n{")
    async with asyncio.timeout(PATIENCE_SECONDS):
        status = await reader.readline()
    writer.close()
    assert status.startswith(b"HTTP/1.1 408")


async def test_a_client_that_leaves_while_sending_is_no_fault_of_ours(served: Served) -> None:
    head = b"POST /t/a/greet HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
    _, writer = await asyncio.open_connection("127.0.0.1", served.port)
    writer.write(head + b"Content-Length: 100\r\n\r\n{")
    await served.app[BEGUN].wait()
    writer.close()
    lines = await until_so(served.lines)
    assert (lines[0]["status"], lines[0]["refused"]) == (400, "invalid")


async def test_what_nobody_serves_has_the_shape_of_the_face(
    served: Served, http: ClientSession
) -> None:
    async with http.get(served.url("/nothing/here")) as got:
        assert (got.status, (await got.json())["code"]) == (404, "not_found")
    async with http.delete(served.url("/t/acme/greet")) as got:
        assert (got.status, (await got.json())["code"]) == (405, "method_not_allowed")
        assert got.headers["Allow"] == "POST"
    assert [line["route"] for line in served.lines()] == ["unmatched", "unmatched"]


async def test_readiness_follows_the_dependency(served: Served, http: ClientSession) -> None:
    async with http.get(served.url("/readyz")) as got:
        assert (got.status, await got.json()) == (
            200,
            {"status": "ready", "checks": {"redis": "ok"}},
        )
    served.dependency_is_there = False
    async with http.get(served.url("/readyz")) as got:
        assert (got.status, await got.json()) == (
            503,
            {"status": "not_ready", "checks": {"redis": "failed"}},
        )
    async with http.get(served.url("/healthz")) as got:
        assert got.status == 200


async def test_a_stopping_service_answers_and_closes(served: Served, http: ClientSession) -> None:
    served.app[HEALTH].stopping = True
    async with http.get(served.url("/readyz")) as got:
        assert (got.status, (await got.json())["status"]) == (503, "stopping")
        assert got.headers["Connection"] == "close"


async def test_no_answer_says_what_it_is_built_with(served: Served, http: ClientSession) -> None:
    async with http.get(served.url("/healthz")) as got:
        assert got.headers["Server"] == "gatehouse"
