"""What is served past the router, and what still goes through it."""

import io
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import ClientSession, web

from libs.common.chassis.app import json_answer, make_app
from libs.common.chassis.direct import go_direct
from libs.common.chassis.health import Health
from libs.common.chassis.logging import Log
from libs.common.chassis.metrics import Metrics
from libs.common.chassis.problems import Refusal
from libs.common.errors import NotFound


async def tell(request: web.Request) -> web.Response:
    if await request.read() == b"fail":
        raise NotFound("not here")
    try:
        return json_answer({"routed": request.match_info is not None})
    except AssertionError:
        return json_answer({"routed": False})


def face(_request: web.Request, refusal: Refusal) -> web.Response:
    return json_answer({"code": refusal.code}, status=refusal.status)


class Served:
    def __init__(self) -> None:
        self.out = io.BytesIO()
        self.log = Log("test", "info", self.out)
        self.app = make_app(
            [web.post("/direct", tell), web.post("/other", tell)],
            face=face,
            health=Health({}),
            out=self.log,
            metrics=Metrics("test", "1"),
            body_limit=2048,
            direct=("/direct",),
        )
        self.url = ""
        self.http: ClientSession

    async def post(self, path: str, body: bytes = b"", *, expect: bool = False) -> tuple[int, Any]:
        async with self.http.post(f"{self.url}{path}", data=body, expect100=expect) as got:
            return got.status, await got.json()


@pytest.fixture
async def served() -> AsyncIterator[Served]:
    served = Served()
    runner = web.AppRunner(served.app, access_log=None)
    await runner.setup()
    go_direct(runner)
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    served.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    async with ClientSession() as served.http:
        yield served
    await runner.cleanup()


async def test_a_direct_path_is_served_past_the_router_and_others_are_not(served: Served) -> None:
    assert await served.post("/direct") == (200, {"routed": False})
    assert await served.post("/other") == (200, {"routed": True})


async def test_what_is_unusual_about_a_request_is_left_to_the_router(served: Served) -> None:
    assert await served.post("/direct?with=query") == (200, {"routed": True})
    assert await served.post("/direct", b"text", expect=True) == (200, {"routed": True})
    async with served.http.get(f"{served.url}/direct") as got:
        assert (got.status, got.headers["Allow"]) == (405, "POST")


async def test_a_direct_answer_is_observed_like_any(served: Served) -> None:
    assert await served.post("/direct", b"fail") == (404, {"code": "not_found"})
    served.log.writer.flush()
    (line,) = map(json.loads, served.out.getvalue().splitlines())
    assert (line["route"], line["status"], line["refused"]) == ("/direct", 404, "not_found")
    async with served.http.get(f"{served.url}/metrics") as got:
        text = await got.text()
    counted = 'gatehouse_http_requests_total{method="POST",route="/direct",status="4xx"} 1.0'
    assert counted in text
