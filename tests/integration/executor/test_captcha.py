"""A `captcha` node, against a server that judges as services of captchas do."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import msgspec
import pytest
import pytest_asyncio
from aiohttp import web
from structlog.testing import CapturingLogger

from libs.common.chassis.seal import Keys
from libs.common.flow.model import FlowType, Json
from libs.common.wire.providers import PURPOSE, Captcha
from services.executor.handlers import captchas
from tests.integration.executor.conftest import Build, Executor, House, Reply
from tests.integration.executor.graphs import START, SUCCESS, graph
from tests.listening import listening

SECRET = "swordfish"
RIGHT = "a-right-response"


@dataclass
class Service:
    """The service, as a test has it at the moment; each response is good once."""

    url: str = ""
    judges: Json = field(default_factory=dict)
    """What it answers beside `success`."""
    answer: web.Response | None = None
    seen: list[dict[str, str]] = field(default_factory=list)

    async def serve(self, request: web.Request) -> web.Response:
        form = {name: str(value) for name, value in (await request.post()).items()}
        again = form in self.seen
        self.seen.append(form)
        if self.answer is not None:
            return self.answer
        success = not again and (form["secret"], form["response"]) == (SECRET, RIGHT)
        return web.json_response({"success": success, "hostname": "app.example", **self.judges})


@pytest_asyncio.fixture
async def service() -> AsyncIterator[Service]:
    service = Service()
    app = web.Application()
    app.router.add_post("/siteverify", service.serve)
    async with listening(app) as port:
        service.url = f"http://127.0.0.1:{port}/siteverify"
        yield service


@pytest.fixture
async def house(build_house: Build, redis_url: str) -> House:
    """On one Redis: nothing here depends on which."""
    return await build_house(redis_url)


@pytest.fixture
async def executor(house: House) -> Executor:
    return await house.executor(outgoing_allowed=("127.0.0.0/8",))


async def known_captcha(house: House, url: str, **settings: Json) -> None:
    """Have the tenant know the service at `url`, and ask it about who signs up."""
    config = Captcha("site-key", url, **settings)
    keys = Keys.parse(house.settings.credential_keys)
    await house.pool.execute("INSERT INTO tenants (name) VALUES ('default') ON CONFLICT DO NOTHING")
    await house.pool.execute(
        "INSERT INTO providers (tenant, id, display_name, kind, config, sealed) "
        "VALUES ('default', 'captcha', 'Captcha', 'captcha', $1, $2)",
        msgspec.json.encode(config).decode(),
        keys.box("default", "captcha").seal(PURPOSE, SECRET.encode()),
    )
    await publish(house)


async def started(house: House, executor: Executor, url: str, **settings: Json) -> Reply:
    await known_captcha(house, url, **settings)
    return await executor.start("REGISTRATION")


async def asked(house: House, executor: Executor) -> Reply:
    await publish(house)
    return await executor.start("REGISTRATION")


async def publish(house: House) -> None:
    captcha = {"id": "human", "type": "captcha", "config": {"attempts": 2}}
    drawn = graph([START, captcha, SUCCESS], [("start", "human"), ("human", "success")])
    await house.publish(drawn, FlowType.REGISTRATION)


def key_of(reply: Reply) -> str:
    key: str = reply.data["messages"][0]["i18nKey"]
    return key


async def test_who_is_no_program_goes_on(
    house: House, executor: Executor, service: Service
) -> None:
    step = await started(house, executor, service.url)
    (form,) = step.data["components"]
    assert form["components"][0] == {
        "id": "captcha",
        "type": "CAPTCHA",
        "variant": "TURNSTILE",
        "config": {
            "identifier": "captcha",
            "name": "captcha",
            "required": True,
            "siteKey": "site-key",
        },
    }
    assert step.data["requiredParams"] == ["captcha"]
    done = await executor.answer(step, "submit", captcha=RIGHT)
    assert done.body["flowStatus"] == "COMPLETE"
    assert service.seen == [{"secret": SECRET, "response": RIGHT}]


async def test_who_may_be_one_is_asked_again_and_not_for_ever(
    house: House, executor: Executor, service: Service
) -> None:
    step = await started(house, executor, service.url)
    again = await executor.answer(step, captcha="wrong")
    assert (again.body["flowStatus"], key_of(again)) == ("INCOMPLETE", "captcha.wrong")
    over = await executor.answer(step, captcha="wrong as well")
    assert over.body["flowStatus"] == "ERROR"


async def test_a_response_is_good_in_one_session(
    house: House, executor: Executor, service: Service
) -> None:
    first = await started(house, executor, service.url)
    assert (await executor.answer(first, captcha=RIGHT)).body["flowStatus"] == "COMPLETE"
    second = await executor.start("REGISTRATION")
    assert key_of(await executor.answer(second, captcha=RIGHT)) == "captcha.wrong"


@pytest.mark.parametrize(
    ("settings", "judges", "passes"),
    [
        ({"hostnames": ("app.example",)}, {}, True),
        ({"hostnames": ("other.example",)}, {}, False),
        ({"hostnames": ("app.example",)}, {"hostname": None}, False),
        ({"min_score": 0.5}, {"score": 0.5}, True),
        ({"min_score": 0.5}, {"score": 0.4}, False),
        ({"min_score": 0.5}, {}, False),
    ],
)
async def test_where_and_how_surely_it_was_solved_counts(
    house: House,
    executor: Executor,
    service: Service,
    settings: dict[str, Json],
    judges: Json,
    passes: bool,
) -> None:
    service.judges = judges
    step = await started(house, executor, service.url, **settings)
    after = await executor.answer(step, captcha=RIGHT)
    assert after.body["flowStatus"] == ("COMPLETE" if passes else "INCOMPLETE")


@pytest.mark.parametrize(
    "answer",
    [
        web.Response(status=500),
        web.Response(text="<html>"),
        web.Response(text='{"success": "yes"}'),
        web.Response(text="[" * 10_000),
        web.Response(body=bytes(20_000)),
        web.Response(status=302, headers={"Location": "/"}),
    ],
    ids=["broken", "no-json", "no-verdict", "nested", "long", "elsewhere"],
)
async def test_while_the_service_does_not_say_nobody_goes_on(
    house: House,
    executor: Executor,
    service: Service,
    answer: web.Response,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    log = CapturingLogger()
    monkeypatch.setattr(captchas, "log", log)
    step = await started(house, executor, service.url)
    service.answer = answer
    after = await executor.answer(step, captcha=RIGHT)
    assert (after.body["flowStatus"], key_of(after)) == ("INCOMPLETE", "captcha.unknown")
    logged = str(log.calls).encode() + executor.logged()
    assert b"captcha_unknown" in logged
    assert SECRET.encode() not in logged
    assert RIGHT.encode() not in logged


async def test_a_service_within_is_not_asked_unless_an_operator_names_it(
    house: House, service: Service
) -> None:
    executor = await house.executor()
    step = await started(house, executor, service.url)
    assert key_of(await executor.answer(step, captcha=RIGHT)) == "captcha.unknown"
    assert service.seen == []


@pytest.mark.parametrize(
    "spoiled",
    [
        "DELETE FROM providers",
        "UPDATE providers SET sealed = NULL",
        "UPDATE providers SET sealed = 'nonsense'",
        """UPDATE providers SET config =
            '{"kind": "oidc", "issuer": "https://id.example", "client_id": "a"}'""",
    ],
)
async def test_without_a_provider_that_can_be_used_nobody_goes_on(
    house: House, executor: Executor, service: Service, spoiled: str
) -> None:
    step = await started(house, executor, service.url)
    await house.pool.execute(spoiled)
    assert (await executor.start("REGISTRATION")).body["flowStatus"] == "ERROR"
    after = await executor.answer(step, captcha=RIGHT)
    assert after.body["flowStatus"] != "COMPLETE"
