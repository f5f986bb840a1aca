"""What management asks of executors about sessions, and what it says when they cannot tell."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from nats.aio.msg import Msg

from libs.common.errors import Problem
from libs.common.flow.model import FlowType
from libs.common.flow.record import Learned
from libs.common.flow.replay import Replay
from libs.common.wire import events
from libs.common.wire.inspect import (
    INSPECT,
    Answer,
    Counted,
    Failed,
    Inspected,
    InspectWanted,
    Missing,
    Record,
    Replayed,
    ReplayWanted,
    Wanted,
    decode_wanted,
    encode,
)
from tests.answering import answering
from tests.integration.management.conftest import Api, CompilerStandIn, refused, token

SESSION = "5f31ce20-872d-4334-8f9f-3572710dbc57"
PATH = f"/api/admin/sessions/{SESSION}"
RECORD = Record(
    id=SESSION,
    flow="flow_x",
    version=1,
    type=FlowType.LOGIN,
    plan="0" * 64,
    started_at=1_800_000_000,
    expires_at=1_800_000_900,
    result="waiting",
    cut=False,
    facts=Learned(),
    turns=(),
)
REPLAY = Replay(plan="0" * 64, version=1, same=True, result="waiting", trace=())


@dataclass
class ExecutorStandIn:
    """Answers on the executors' subject; the real ones are in the end-to-end tests."""

    inspected: Answer = field(default_factory=lambda: Inspected(RECORD))
    replayed: Answer = field(default_factory=lambda: Replayed(REPLAY))
    counted: Answer = field(default_factory=lambda: Counted(0, ()))
    asked: list[Wanted] = field(default_factory=list)

    async def reply(self, message: Msg) -> None:
        wanted = decode_wanted(message.data)
        self.asked.append(wanted)
        answers = {InspectWanted: self.inspected, ReplayWanted: self.replayed}
        await message.respond(encode(answers.get(type(wanted), self.counted)))


@pytest.fixture
async def executor(nats_url: str) -> AsyncIterator[ExecutorStandIn]:
    async with standing_in(nats_url) as stand_in:
        yield stand_in


@asynccontextmanager
async def standing_in(nats_url: str) -> AsyncIterator[ExecutorStandIn]:
    stand_in = ExecutorStandIn()
    async with answering(nats_url, stand_in.reply, INSPECT):
        yield stand_in


async def test_a_session_is_asked_for_in_its_tenant_alone(
    api: Api, executor: ExecutorStandIn
) -> None:
    for path, tenant in ((PATH, "default"), (f"/t/acme{PATH}", "acme")):
        assert (await api.done("GET", path))["id"] == SESSION
        assert (await api.done("GET", f"{path}/replay"))["same"] is True
        wanted = [InspectWanted(tenant, SESSION), ReplayWanted(tenant, SESSION)]
        assert executor.asked[-2:] == wanted


async def test_a_session_may_be_looked_at_by_who_may_look_at_sessions_of_its_tenant(
    api: Api, executor: ExecutorStandIn
) -> None:
    for path in (PATH, f"{PATH}/replay"):
        refused(await api.call("GET", path, bearer=""), 401, "unauthenticated")
        refused(await api.call("GET", path, bearer=token("read:flows")), 403, "denied")
        stranger = token("read:sessions", tenant="acme")
        refused(await api.call("GET", path, bearer=stranger), 403, "denied")
        reader = token("read:sessions", tenant="default")
        assert (await api.call("GET", path, bearer=reader)).status == 200
    assert len(executor.asked) == 2


async def test_what_is_no_session_id_is_not_asked_for(api: Api, executor: ExecutorStandIn) -> None:
    for id in ("x", f"{SESSION}x", "%7Bdefault:x%7D", "*"):
        refused(await api.call("GET", f"/api/admin/sessions/{id}"), 404, "not_found")
        refused(await api.call("GET", f"/api/admin/sessions/{id}/replay"), 404, "not_found")
    assert executor.asked == []


async def test_a_session_of_which_nothing_is_kept_is_not_found(
    api: Api, executor: ExecutorStandIn
) -> None:
    executor.inspected = executor.replayed = Missing()
    for path in (PATH, f"{PATH}/replay", f"{PATH}/replay?version=1"):
        reply = await api.call("GET", path)
        refused(reply, 404, "not_found")
        assert reply.body["message"] == "nothing is kept of such a session, or not any more"


async def test_where_no_executor_is_nobody_can_tell(api: Api) -> None:
    for path in (PATH, f"{PATH}/replay"):
        reply = await api.call("GET", path)
        refused(reply, 503, "unavailable")
        assert reply.body["message"] == "executor cannot be reached"
        assert reply.headers["Retry-After"] == "5"


@pytest.mark.parametrize(
    ("answer", "what"),
    [
        (Failed("redis"), "redis"),
        (Replayed(REPLAY), "executor"),
    ],
)
async def test_an_executor_that_cannot_tell_now_says_what_is_in_the_way(
    api: Api, executor: ExecutorStandIn, answer: Answer, what: str
) -> None:
    executor.inspected = answer
    reply = await api.call("GET", PATH)
    refused(reply, 503, "unavailable")
    assert reply.body["message"] == f"{what} cannot be reached"


async def test_an_executor_of_another_release_is_waited_for(api: Api, nats_url: str) -> None:
    async def reply(message: Msg) -> None:
        await message.respond(b'{"type": "SomethingNew"}')

    async with answering(nats_url, reply, INSPECT):
        for path in (PATH, f"{PATH}/replay"):
            refused(await api.call("GET", path), 503, "unavailable")


async def test_a_version_is_compiled_before_a_session_is_replayed_on_it(
    api: Api, executor: ExecutorStandIn, compiler: CompilerStandIn
) -> None:
    compiler.answer = events.Done("1" * 64, 1_800_000_000)
    assert (await api.call("GET", f"{PATH}/replay?version=2")).status == 200
    wanted = {"tenant": "default", "flow": "flow_x", "version": 2}
    assert compiler.asked == [(events.COMPILE, wanted)]
    assert executor.asked[-1] == ReplayWanted("default", SESSION, "1" * 64)


@pytest.mark.parametrize(
    ("answer", "status", "error"),
    [
        (events.Refused((Problem("dead_end", "mend it"),)), 400, "invalid"),
        (events.Missing(), 404, "not_found"),
        (events.Failed("postgres"), 503, "unavailable"),
        (events.Done(), 503, "unavailable"),
    ],
)
async def test_a_version_that_has_no_plan_is_not_replayed_on(
    api: Api,
    executor: ExecutorStandIn,
    compiler: CompilerStandIn,
    answer: events.Answer,
    status: int,
    error: str,
) -> None:
    compiler.answer = answer
    refused(await api.call("GET", f"{PATH}/replay?version=2"), status, error)
    assert not any(isinstance(wanted, ReplayWanted) for wanted in executor.asked)


@pytest.mark.parametrize("version", ["0", "-1", "newest", "99999999999"])
async def test_what_is_no_version_is_refused(
    api: Api, executor: ExecutorStandIn, version: str
) -> None:
    refused(await api.call("GET", f"{PATH}/replay?version={version}"), 400, "invalid")
    assert executor.asked == []
