"""`action` and `webhook` nodes, against a server that is really called."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
import pytest_asyncio
from aiohttp import web
from structlog.testing import CapturingLogger

from libs.common.chassis.seal import Keys
from libs.common.chassis.signing import webhook_secrets
from libs.common.flow.calls import Target
from libs.common.flow.model import FlowType, Json
from libs.common.wire.registered import ACTION_SECRET, encode_target
from services.executor import calling, registered
from services.executor.breaker import FAILURES
from tests.integration.executor.conftest import Build, Executor, House, Reply, dying
from tests.integration.executor.graphs import START, SUCCESS, graph
from tests.listening import listening

SECRET = "swordfish-swordfish"
EMAIL = "alice@example.com"


@dataclass
class Service:
    """Somebody's service, as a test has it at the moment."""

    url: str = ""
    answers: list[web.Response] = field(default_factory=list)
    """One for each call; an empty object once they have run out."""
    calls: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    async def serve(self, request: web.Request) -> web.Response:
        self.calls.append((dict(request.headers), await request.read()))
        return self.answers.pop(0) if self.answers else web.json_response({})

    def keys(self) -> list[str]:
        return [headers["Idempotency-Key"] for headers, _ in self.calls]


@pytest_asyncio.fixture
async def service() -> AsyncIterator[Service]:
    service = Service()
    app = web.Application()
    app.router.add_post("/hook", service.serve)
    async with listening(app) as port:
        service.url = f"http://127.0.0.1:{port}/hook"
        yield service


@pytest.fixture
async def house(build_house: Build, redis_url: str) -> House:
    """On one Redis: nothing here depends on which."""
    return await build_house(redis_url)


@pytest.fixture
async def executor(house: House) -> Executor:
    return await house.executor(outgoing_allowed=("127.0.0.0/8",))


async def publish(house: House, kind: str, **config: Json) -> None:
    """Ask for an address, call, and show where that led by how the flow ends."""
    ask: Json = {"fields": [{"name": "email", "type": "email", "label": "E-mail"}]}
    nodes = [
        START,
        {"id": "ask", "type": "prompt", "config": ask},
        {"id": "call", "type": kind, "config": config},
        {"id": "check", "type": "condition", "config": {"condition": "facts.score < 5"}},
        SUCCESS,
        {"id": "failure", "type": "failure"},
        {"id": "review", "type": "success", "config": {"message": "Under review"}},
    ]
    edges = [
        *(("start", "ask"), ("ask", "call"), ("call", "check"), ("call", "review", "review")),
        *(("check", "success", "true"), ("check", "failure", "false")),
    ]
    await house.publish(graph(nodes, edges), FlowType.REGISTRATION)


CONFIG: Json = {
    "parameters": [{"name": "mail", "value": "inputs.email"}],
    "attributes": [{"attribute": "score", "type": "number", "at": "/risk/score"}],
    "outcomes": [{"outcome": "review"}],
}


def scored(score: Json, **more: Json) -> web.Response:
    return web.json_response({"risk": {"score": score}, **more})


async def walked(executor: Executor) -> Reply:
    step = await executor.start("REGISTRATION")
    return await executor.answer(step, email=EMAIL)


async def register(house: House, url: str, *, secret: str | None = SECRET) -> None:
    keys = Keys.parse(house.settings.credential_keys)
    sealed = (
        None if secret is None else keys.box("default", "risk").seal(ACTION_SECRET, secret.encode())
    )
    await house.pool.execute("INSERT INTO tenants (name) VALUES ('default') ON CONFLICT DO NOTHING")
    await house.pool.execute(
        "INSERT INTO actions (tenant, id, display_name, config, sealed) "
        "VALUES ('default', 'risk', 'Risk', $1, $2)",
        encode_target(Target(url=url)),
        sealed,
    )


def verify(secret: str, call: tuple[dict[str, str], bytes]) -> None:
    """Check a call as `docs/how-to/call-other-services.md` tells receivers to."""
    headers, body = call
    at, *signatures = headers["Gatehouse-Signature"].split(",")
    signed = at.removeprefix("t=").encode() + b"." + body
    right = hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
    assert f"v1={right}" in signatures


async def test_an_action_is_called_signed_and_decides_where_the_flow_goes(
    house: House, executor: Executor, service: Service
) -> None:
    await register(house, service.url)
    await publish(house, "action", action="risk", **CONFIG)
    service.answers = [scored(1), scored(9), scored(1, outcome="review")]
    low, high, review = [await walked(executor) for _ in range(3)]
    assert low.body["flowStatus"] == "COMPLETE"
    assert high.body["flowStatus"] == "ERROR"
    assert review.data["messages"][0]["message"] == "Under review"
    for call in service.calls:
        verify(SECRET, call)
        assert json.loads(call[1]) == {
            "flow": "registration",
            "node": "call",
            "parameters": {"mail": EMAIL},
        }
    assert len(set(service.keys())) == 3


async def test_an_action_without_a_secret_and_a_webhook_are_signed_with_the_tenants(
    house: House, executor: Executor, service: Service
) -> None:
    (secret,) = webhook_secrets(Keys.parse(house.settings.credential_keys), "default")
    await register(house, service.url, secret=None)
    await publish(house, "action", action="risk", **CONFIG)
    await walked(executor)
    await publish(house, "webhook", url=service.url, **CONFIG)
    await walked(executor)
    for call in service.calls:
        verify(secret.reveal(), call)
    assert len(service.calls) == 2


async def test_an_action_that_is_changed_is_called_as_it_is(
    house: House, executor: Executor, service: Service
) -> None:
    await register(house, "http://127.0.0.1:9/gone")
    await publish(house, "action", action="risk", **CONFIG)
    step = await executor.start("REGISTRATION")
    await house.pool.execute(
        "UPDATE actions SET config = $1", encode_target(Target(url=service.url))
    )
    service.answers = [scored(1)]
    assert (await executor.answer(step, email=EMAIL)).body["flowStatus"] == "COMPLETE"


async def test_an_action_that_nobody_registered_is_a_failure(
    house: House, executor: Executor
) -> None:
    await publish(house, "action", action="risk", **CONFIG)
    assert (await walked(executor)).body["flowStatus"] == "ERROR"


async def test_an_action_whose_secret_cannot_be_opened_is_not_called(
    house: House, executor: Executor, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = CapturingLogger()
    monkeypatch.setattr(registered, "log", log)
    await register(house, service.url)
    await house.pool.execute("UPDATE actions SET sealed = 'nonsense'")
    await publish(house, "action", action="risk", **CONFIG)
    assert (await walked(executor)).body["flowStatus"] == "ERROR"
    assert service.calls == []
    (line,) = log.calls
    assert line.args == ("action_unsealable",)


async def test_a_try_that_fails_is_made_again_under_the_same_name(
    house: House, executor: Executor, service: Service
) -> None:
    await publish(house, "webhook", url=service.url, **CONFIG)
    service.answers = [web.Response(status=503), scored(1)]
    assert (await walked(executor)).body["flowStatus"] == "COMPLETE"
    first, second = service.keys()
    assert first == second


async def test_a_turn_that_died_calls_again_under_the_same_name(
    house: House, executor: Executor, service: Service
) -> None:
    await publish(house, "webhook", url=service.url, **CONFIG)
    step = await executor.start("REGISTRATION")
    service.answers = [scored(1), scored(1)]
    with dying():
        assert (await executor.answer(step, email=EMAIL)).status == 503
    again = await executor.answer(step, email=EMAIL)
    assert again.body["flowStatus"] == "COMPLETE"
    first, second = service.keys()
    assert first == second


@pytest.mark.parametrize("outcome", ["denied", "failure", "elsewhere"])
async def test_who_is_called_may_deny_and_cannot_choose_what_is_not_declared(
    house: House, executor: Executor, service: Service, outcome: str
) -> None:
    await publish(house, "webhook", url=service.url, **CONFIG)
    service.answers = [scored(1, outcome=outcome)]
    assert (await walked(executor)).body["flowStatus"] == "ERROR"


@pytest.mark.parametrize("score", ["1", None, True])
async def test_an_answer_of_another_shape_is_a_failure(
    house: House, executor: Executor, service: Service, score: Json
) -> None:
    await publish(house, "webhook", url=service.url, **CONFIG)
    service.answers = [scored(score)]
    assert (await walked(executor)).body["flowStatus"] == "ERROR"


async def test_what_is_within_is_not_called_unless_an_operator_names_it(
    house: House, service: Service
) -> None:
    executor = await house.executor()
    await publish(house, "webhook", url=service.url, **CONFIG)
    assert (await walked(executor)).body["flowStatus"] == "ERROR"
    assert service.calls == []


async def test_who_does_not_answer_is_spared_after_a_while(
    house: House, executor: Executor, service: Service
) -> None:
    await publish(house, "webhook", url=service.url, attempts=1, **CONFIG)
    service.answers = [web.Response(status=500) for _ in range(FAILURES)]
    for _ in range(FAILURES + 2):
        assert (await walked(executor)).body["flowStatus"] == "ERROR"
    assert len(service.calls) == FAILURES
    async with executor.http.get(f"{executor.url}/metrics") as metrics:
        text = await metrics.text()
    assert f'gatehouse_calls_total{{result="failed"}} {FAILURES}.0' in text
    assert 'gatehouse_calls_total{result="spared"} 2.0' in text


async def test_what_is_sent_and_answered_is_in_no_log(
    house: House, executor: Executor, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = CapturingLogger()
    monkeypatch.setattr(calling, "log", log)
    await publish(house, "webhook", url=service.url, **CONFIG)
    service.answers = [scored("swordfish"), web.Response(status=400, text="swordfish")]
    for _ in range(2):
        await walked(executor)
    (line,) = log.calls
    assert line.args == ("call_failed",)
    logged = str(line).encode() + executor.logged()
    assert b"swordfish" not in logged
    assert EMAIL.encode() not in logged
