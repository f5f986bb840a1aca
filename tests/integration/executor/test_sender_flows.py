"""SMS that a tenant's own flow delivers, in place of the gateway."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from typing import Any, cast

import msgspec
import pytest
import pytest_asyncio
import redis.asyncio
from msgspec.structs import replace

from libs.common.chassis.consume import Hopeless
from libs.common.chassis.metrics import Metrics
from libs.common.flow.messaging import PhoneMessage
from libs.common.flow.model import FlowType, Graph, Json, TriggerPoint
from libs.common.flow.plan import Plan, encode, name_of
from libs.common.nodes.catalogue import NODE_TYPES
from libs.common.wire.plans import (
    FORMAT,
    Candidate,
    Pointer,
    Weighted,
    encode_pointer,
    plan_key,
    pointer_key,
)
from services.executor.handlers.world import World
from services.executor.messages import flows as messages_flows
from services.executor.messages.flows import SenderFlows
from services.executor.messages.trouble import PutOff
from services.executor.metrics import ExecutorMetrics
from services.executor.plans import Plans
from tests.gateway import PHONE, SmsGateway, sms_gateway
from tests.integration.executor.conftest import Build, House
from tests.integration.executor.graphs import START, SUCCESS, graph
from tests.kept import in_redis
from tests.patience import PATIENCE_SECONDS, until
from tests.typed import holds

DUE = PhoneMessage(PHONE, "123456 is your code.", "code")
SENDER = TriggerPoint.SEND_PHONE_MESSAGE
HOLD = """
    WITH tenant AS (
        INSERT INTO tenants (name) VALUES ('default')
    ), id AS (
        INSERT INTO flow_ids (tenant, id) VALUES ('default', 'flow_test')
    ), flow AS (
        INSERT INTO flows (tenant, id, name, display_name, type, status, version, active_version,
            position)
        VALUES ('default', 'flow_test', 'test', 'Test', 'trigger', 'active', 1, 1, 1)
    )
    INSERT INTO flow_versions (tenant, flow_id, number, graph, settings)
    VALUES ('default', 'flow_test', 1, '{}', $1)
"""


def delivering(url: str) -> Graph:
    names = ("recipient", "text", "purpose")
    parameters = [{"name": name, "value": f"facts.message.{name}"} for name in names]
    deliver = {"id": "deliver", "type": "webhook", "config": {"url": url, "parameters": parameters}}
    return graph([START, deliver, SUCCESS], [("start", "deliver"), ("deliver", "success")])


def deciding(condition: str) -> Graph:
    check: dict[str, Json] = {"condition": condition}
    return graph(
        [
            START,
            {"id": "check", "type": "condition", "config": check},
            {"id": "no", "type": "failure"},
            SUCCESS,
        ],
        [("start", "check"), ("check", "success", "true"), ("check", "no", "false")],
    )


@pytest_asyncio.fixture
async def provider() -> AsyncIterator[SmsGateway]:
    async with sms_gateway() as made:
        yield made


@pytest_asyncio.fixture
async def house(build_house: Build, redis_url: str) -> House:
    return await build_house(redis_url)


async def activate(house: House, drawn: Graph, at: TriggerPoint = SENDER) -> None:
    await house.publish(drawn, FlowType.TRIGGER, at=at)
    await house.pool.execute(HOLD, json.dumps({"trigger": {"id": at.value}}))


class NoCompiler:
    async def publish(self, _tenant: str, _kind: FlowType) -> bool:
        return False


@pytest.fixture
def flows(house: House) -> SenderFlows:
    metrics = ExecutorMetrics(Metrics("executor", "test"))
    plans = Plans(house.line, NoCompiler(), NODE_TYPES, metrics, most=8)
    # Nothing is asked of anybody here.
    world = cast("World", None)
    return SenderFlows(pool=house.pool, plans=plans, world=world, clock=lambda: 1_790_000_000.0)


async def test_a_code_by_sms_goes_the_way_that_the_tenant_has_drawn(
    house: House, provider: SmsGateway, redis_url: str
) -> None:
    async with sms_gateway() as gateway:
        executor = await house.executor(sms_url=gateway.url, outgoing_allowed=("127.0.0.0/8",))
        await activate(house, delivering(provider.url))
        await house.person("sasha@example.com")
        await house.pool.execute("UPDATE users SET phone = $1", PHONE)
        who = {"id": "who", "type": "identifier_input", "config": {"identifier_types": ["phone"]}}
        code = {"id": "code", "type": "otp_input", "config": {"channel": "sms"}}
        row: list[dict[str, Any]] = [START, who, code, SUCCESS]
        await house.publish(graph(row, [("start", "who"), ("who", "code"), ("code", "success")]))
        step = await executor.answer(await executor.start(), phone=PHONE)
        async with asyncio.timeout(PATIENCE_SECONDS):
            headers, body = await provider.requests.get()
        sent = json.loads(body)["parameters"]
        assert (sent["recipient"], sent["purpose"]) == (PHONE, "code")
        assert headers["Idempotency-Key"]
        (digits,) = re.findall(r"\b\d{6}\b", sent["text"])
        told = digits.encode()
        async with redis.asyncio.Redis.from_url(redis_url) as client:
            (claim,) = await client.keys("gh:sent:*")

            async def is_delivered() -> bool:
                return bool(await client.get(claim) == b"sent")

            # It is not tried again then.
            await until(is_delivered)
        kept = [(place, data) for place, data in await in_redis(redis_url) if holds(data, told)]
        assert kept == []
        done = await executor.answer(step, code=digits)
        assert done.body["flowStatus"] == "COMPLETE"
        assert gateway.requests.empty()
        assert not holds(executor.logged(), told)


async def test_without_such_a_flow_it_is_the_gateways(house: House, flows: SenderFlows) -> None:
    assert not await flows.deliver("default", "s:1:0", DUE)
    await activate(house, deciding("true"), TriggerPoint.POST_LOGIN)
    assert not await flows.deliver("default", "s:1:0", DUE)


async def test_the_flow_finds_the_message_and_says_whether_it_is_delivered(
    house: House, flows: SenderFlows
) -> None:
    await activate(
        house,
        deciding(f"facts.message.recipient === '{PHONE}' && facts.message.purpose === 'code'"),
    )
    assert await flows.deliver("default", "s:1:0", DUE)
    other = PhoneMessage(PHONE, "Welcome", "message")
    with pytest.raises(PutOff, match="failed at `no`") as failed:
        await flows.deliver("default", "s:1:0", other)
    assert PHONE not in str(failed.value)
    assert PHONE not in repr(DUE)


async def test_a_flow_that_is_not_compiled_is_waited_for(house: House, flows: SenderFlows) -> None:
    await house.pool.execute(HOLD, json.dumps({"trigger": {"id": SENDER.value}}))
    with pytest.raises(PutOff, match="is not compiled"):
        await flows.deliver("default", "s:1:0", DUE)
    await house.publish(deciding("true"), FlowType.TRIGGER, at=TriggerPoint.POST_LOGIN)
    with pytest.raises(PutOff, match="is not compiled"):
        await flows.deliver("default", "s:1:0", DUE)


async def test_a_flow_that_sends_by_itself_is_no_way_to_send(
    house: House, flows: SenderFlows
) -> None:
    tell = {"id": "tell", "type": "send_sms", "config": {"text": "Hi", "to": f"'{PHONE}'"}}
    drawn = graph([START, tell, SUCCESS], [("start", "tell"), ("tell", "success")])
    before = await house.publish(drawn, FlowType.TRIGGER, at=TriggerPoint.POST_LOGIN)
    data = cast("bytes", await house.line.execute(b"GET", plan_key("default", before)))
    # As an earlier release would have let it be activated.
    plan = replace(msgspec.msgpack.decode(data, type=Plan), point=SENDER)
    data = encode(plan)
    versions = (Weighted(name_of(data), 1, 1),)
    pointer = Pointer(FORMAT, 2, (Candidate("flow_test", "test", versions),))
    await house.line.execute(b"SET", plan_key("default", name_of(data)), data)
    key = pointer_key("default", FlowType.TRIGGER)
    await house.line.execute(b"SET", key, encode_pointer(pointer))
    await house.pool.execute(HOLD, json.dumps({"trigger": {"id": SENDER.value}}))
    with pytest.raises(Hopeless):
        await flows.deliver("default", "s:1:0", DUE)


async def test_a_run_that_takes_too_long_is_made_again(
    house: House, flows: SenderFlows, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(*_: object) -> None:
        await asyncio.Event().wait()

    await activate(house, deciding("true"))
    monkeypatch.setattr(messages_flows, "LONGEST_SECONDS", 0.01)
    monkeypatch.setattr(messages_flows, "converse", never)
    with pytest.raises(PutOff, match="takes too long"):
        await flows.deliver("default", "s:1:0", DUE)
