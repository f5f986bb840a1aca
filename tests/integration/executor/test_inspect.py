"""What an executor tells of a session that it keeps a step log of, and what nobody can learn."""

from __future__ import annotations

from collections.abc import AsyncIterator
from itertools import pairwise
from typing import cast

import nats
import pytest
from msgspec.structs import replace
from nats.aio.client import Client
from nats.errors import NoRespondersError

from libs.common.chassis.seal import Keys
from libs.common.flow.compile import compile_flow
from libs.common.flow.model import Flow, FlowType, Graph
from libs.common.flow.plan import encode as encode_plan
from libs.common.flow.plan import name_of
from libs.common.flow.record import MOST_ENTRIES
from libs.common.nodes.catalogue import NODE_TYPES
from libs.common.secret import Secret
from libs.common.wire.inspect import (
    INSPECT,
    Answer,
    Failed,
    Inspected,
    InspectWanted,
    Missing,
    Record,
    Replayed,
    ReplayWanted,
    Wanted,
    decode_answer,
    encode,
)
from libs.common.wire.plans import plan_key
from services.executor.steplog import FORMAT, LARGEST
from tests.integration.executor.conftest import (
    PASSWORD,
    Build,
    Executor,
    House,
    Reply,
    sealing_keys,
)
from tests.integration.executor.graphs import (
    IDENTIFIER,
    LOGIN,
    MFA_LOGIN,
    REGISTRATION,
    START,
    SUCCESS,
    graph,
)
from tests.integration.executor.graphs import PASSWORD as PASSWORD_NODE
from tests.patience import PATIENCE_SECONDS, until

EMAIL = "sasha@example.com"
WRONG = "a wrong one"


@pytest.fixture
async def house(build_house: Build, redis_url: str) -> House:
    """On one Redis, unless a test is about what its scripts touch."""
    return await build_house(redis_url)


@pytest.fixture
async def client(nats_url: str) -> AsyncIterator[Client]:
    connection = await nats.connect(nats_url)
    yield connection
    await connection.close()


async def ask(client: Client, wanted: Wanted) -> Answer:
    """Ask as management does; an executor that has just been started may not listen yet."""

    async def answer() -> Answer | None:
        try:
            asked = await client.request(INSPECT, encode(wanted), timeout=PATIENCE_SECONDS)
        except NoRespondersError:
            return None
        return decode_answer(asked.data)

    return await until(answer)


async def told(client: Client, step: Reply, tenant: str = "default") -> Record:
    answer = await ask(client, InspectWanted(tenant, step.body["flowId"]))
    assert isinstance(answer, Inspected), answer
    return answer.record


def log_of(step: Reply, tenant: str = "default") -> str:
    return f"gh:steps:{{{tenant}:{step.body['flowId']}}}"


def opened(house: House, step: Reply, sealed: list[bytes]) -> list[bytes]:
    box = Keys.parse(house.settings.session_keys).box("default", step.body["flowId"])
    return [box.open(b"steps", each) for each in sealed]


async def sealed_steps(house: House, step: Reply) -> list[bytes]:
    return cast("list[bytes]", await house.line.client.lrange(log_of(step), 0, -1))


async def put(house: House, step: Reply, at: int, entry: bytes) -> None:
    await house.line.client.execute_command("LSET", log_of(step), at, entry)


async def put_plan(house: House, graph: Graph, version: int) -> str:
    """Keep the plan of a version that nothing runs, as the compiler does when it is asked to."""
    data = encode_plan(compile_flow(Flow("flow_test", version, FlowType.LOGIN, graph), NODE_TYPES))
    await house.line.execute(b"SET", plan_key("default", name_of(data)), data)
    return name_of(data)


def checking(condition: str) -> Graph:
    """Draw the sign-in that asks for a second factor where `condition` says so."""
    nodes = tuple(
        replace(node, config={"condition": condition}) if node.id == "check" else node
        for node in MFA_LOGIN.nodes
    )
    return replace(MFA_LOGIN, nodes=nodes)


async def signed_in(house: House, executor: Executor) -> Reply:
    """Sign in, at the second try."""
    await house.publish(MFA_LOGIN)
    await house.person(EMAIL)
    step = await executor.at_password(EMAIL)
    await executor.answer(step, password=WRONG)
    done = await executor.answer(step, password=PASSWORD)
    assert done.body["flowStatus"] == "COMPLETE"
    return done


async def test_a_session_is_told_step_by_step(
    build_house: Build, any_redis_url: str, client: Client
) -> None:
    house = await build_house(any_redis_url)
    executor = await house.executor()
    done = await signed_in(house, executor)
    record = await told(client, done)
    assert (record.id, record.flow, record.version) == (done.body["flowId"], "flow_test", 1)
    assert (record.result, record.cut) == ("success", False)
    assert [[(n.node, n.how, n.outcome) for n in turn.nodes] for turn in record.turns] == [
        [("start", "leave", "success"), ("identifier", "stay", None)],
        [("identifier", "leave", "success"), ("password", "stay", None)],
        [("password", "stay", None)],
        [
            ("password", "leave", "success"),
            ("check", "leave", "false"),
            ("success", "sign_in", None),
        ],
    ]
    assert [turn.inputs for turn in record.turns] == [
        (),
        ("identifier",),
        ("password",),
        ("password",),
    ]
    assert [turn.message for turn in record.turns][2] is not None
    wrong, right = record.turns[2].nodes[0], record.turns[3].nodes[0]
    assert [(each.question, each.answer) for each in wrong.answers] == [("CheckPassword", "WRONG")]
    assert [(each.question, each.answer) for each in right.answers] == [("CheckPassword", "RIGHT")]


async def test_it_says_why_it_went_there(house: House, executor: Executor, client: Client) -> None:
    record = await told(client, await signed_in(house, executor))
    check = record.turns[-1].nodes[1]
    assert check.type == "condition"
    (why,) = check.expressions
    assert (why.path, why.text, why.value) == ("config.condition", "user.mfa_enabled", False)


async def test_nothing_that_was_typed_is_in_the_log_or_in_what_is_told(
    house: House, executor: Executor, client: Client
) -> None:
    await house.publish(REGISTRATION, FlowType.REGISTRATION)
    step = await executor.start("REGISTRATION")
    new = {"email": "alexandra@example.net", "password": "my new and secret password"}
    done = await executor.answer(step, "submit-registration", **new)
    assert done.body["flowStatus"] == "COMPLETE"
    entry = await signed_in(house, executor)
    typed = (EMAIL, PASSWORD, WRONG, *new.values(), "sasha", "alexandra")
    for session in (done, entry):
        sealed = await sealed_steps(house, session)
        told_of_it = encode(Inspected(await told(client, session)))
        for text in (*sealed, *opened(house, session, sealed), told_of_it):
            for secret in typed:
                assert secret.encode() not in text
        # In clear, Redis does not even tell where the session went.
        assert not any(b"password" in each or b"leave" in each for each in sealed)


async def test_a_session_goes_the_same_way_again_on_its_own_plan(
    house: House, executor: Executor, client: Client
) -> None:
    done = await signed_in(house, executor)
    # What is active by now makes no difference.
    await house.publish(LOGIN, version=2)
    answer = await ask(client, ReplayWanted("default", done.body["flowId"]))
    assert isinstance(answer, Replayed)
    replay = answer.replay
    assert (replay.same, replay.version, replay.result) == (True, 1, "success")
    went = [node for turn in (await told(client, done)).turns for node in turn.nodes]
    assert [(p.node, p.outcome) for p in replay.trace] == [(n.node, n.outcome) for n in went]


async def test_a_replay_on_another_version_tells_where_it_parts(
    house: House, executor: Executor, client: Client
) -> None:
    done = await signed_in(house, executor)
    same = await put_plan(house, checking("user.mfa_enabled && user.email_verified"), 2)
    stricter = await put_plan(house, checking("!user.mfa_enabled"), 3)
    flow = done.body["flowId"]

    answer = await ask(client, ReplayWanted("default", flow, same))
    assert isinstance(answer, Replayed)
    assert (answer.replay.version, answer.replay.same) == (2, True)

    answer = await ask(client, ReplayWanted("default", flow, stricter))
    assert isinstance(answer, Replayed)
    replay = answer.replay
    assert (replay.version, replay.same, replay.diverged_at) == (3, False, "check")
    assert replay.trace[-1].node == "verify"


async def test_a_session_is_another_tenants_nothing(
    house: House, executor: Executor, client: Client
) -> None:
    await house.publish(LOGIN)
    await house.publish(LOGIN, tenant="acme")
    mine = await executor.start()
    theirs = await executor.post("/t/acme/flow/execute", flowType="LOGIN")
    assert (await told(client, theirs, "acme")).id == theirs.body["flowId"]
    for tenant, step in (("acme", mine), ("default", theirs)):
        for wanted in (InspectWanted, ReplayWanted):
            answer = await ask(client, wanted(tenant, step.body["flowId"]))
            assert answer == Missing()
    # Not even if it is put where the other tenant's would lie.
    await house.line.client.rpush(log_of(mine, "acme"), *await sealed_steps(house, mine))
    assert await ask(client, InspectWanted("acme", mine.body["flowId"])) == Missing()


async def test_nothing_is_kept_where_the_log_is_switched_off(house: House, client: Client) -> None:
    silent = await house.executor(step_log="off")
    done = await signed_in(house, silent)
    assert await sealed_steps(house, done) == []
    assert await ask(client, InspectWanted("default", done.body["flowId"])) == Missing()


async def test_a_log_ends_where_it_was_switched_off_in_between(
    house: House, executor: Executor, client: Client
) -> None:
    silent = await house.executor(step_log="off")
    await house.publish(LOGIN)
    await house.person(EMAIL)
    step = await executor.start()
    await silent.answer(step, identifier=EMAIL)
    await executor.answer(step, password=PASSWORD)
    record = await told(client, step)
    assert ([turn.turn for turn in record.turns], record.cut) == ([1], True)


async def test_nothing_is_added_to_a_log_whose_beginning_is_not_there(
    house: House, executor: Executor, client: Client
) -> None:
    await house.publish(LOGIN)
    step = await executor.start()
    await house.line.execute(b"DEL", log_of(step))
    assert (await executor.answer(step, identifier=EMAIL)).status == 200
    assert await sealed_steps(house, step) == []
    assert await ask(client, InspectWanted("default", step.body["flowId"])) == Missing()


async def test_what_a_newer_release_has_written_is_left_to_it(
    house: House, executor: Executor, client: Client
) -> None:
    await house.publish(LOGIN)
    step = await executor.start()
    await executor.answer(step, identifier=EMAIL)
    box = Keys.parse(house.settings.session_keys).box("default", step.body["flowId"])
    first, second = opened(house, step, await sealed_steps(house, step))
    newer = box.seal(b"steps", bytes((FORMAT + 1,)) + first[1:])
    strange = box.seal(b"steps", second[:1] + b"\xc0")
    for unreadable in (newer, strange):
        await put(house, step, 1, unreadable)
        record = await told(client, step)
        assert ([turn.turn for turn in record.turns], record.cut) == ([1], True)
        await put(house, step, 0, unreadable)
        answer = await ask(client, InspectWanted("default", step.body["flowId"]))
        assert answer == Failed("the step log")
        await put(house, step, 0, box.seal(b"steps", first))


async def test_a_session_that_failed_though_its_last_node_let_it_succeed_is_told_as_failed(
    house: House, executor: Executor, client: Client
) -> None:
    # The type proves nothing, so nobody is signed in whatever the end says.
    signs_in = {**SUCCESS, "config": {"auto_login": True}}
    await house.publish(graph([START, signs_in], [("start", "success")]), FlowType.REGISTRATION)
    step = await executor.start("REGISTRATION")
    assert step.body["flowStatus"] == "ERROR"
    record = await told(client, step)
    assert (record.turns[-1].nodes[-1].how, record.result) == ("sign_in", "failure")


async def test_what_opens_with_no_key_of_the_deployment_is_not_there(
    house: House, executor: Executor, client: Client
) -> None:
    await house.publish(LOGIN)
    step = await executor.start()
    strangers = Keys.parse(Secret(sealing_keys("a"))).box("default", step.body["flowId"])
    (entry,) = opened(house, step, await sealed_steps(house, step))
    await put(house, step, 0, strangers.seal(b"steps", entry))
    assert await ask(client, InspectWanted("default", step.body["flowId"])) == Missing()


async def test_a_log_outlives_its_session_and_is_not_kept_for_longer_by_each_turn(
    house: House, client: Client
) -> None:
    executor = await house.executor(step_log_seconds=1_000, login_minutes=10)
    await house.publish(LOGIN)
    step = await executor.start()
    left = int(await house.line.client.pexpiretime(log_of(step)))
    await executor.answer(step, identifier=EMAIL)
    assert int(await house.line.client.pexpiretime(log_of(step))) == left
    told_at = int(await house.line.client.hget(f"gh:session:{log_of(step)[9:]}", "t") or b"0")
    assert left - told_at == pytest.approx(1_600_000, abs=60_000)
    await house.line.execute(b"DEL", f"gh:session:{log_of(step)[9:]}")
    record = await told(client, step)
    assert (record.result, len(record.turns)) == ("waiting", 2)
    assert record.expires_at - record.started_at == 600


async def test_what_happened_is_told_without_the_plan_that_would_say_why(
    house: House, executor: Executor, client: Client
) -> None:
    done = await signed_in(house, executor)
    plan = (await told(client, done)).plan
    # An executor that never had it, and no compiler that would make it.
    await house.line.execute(b"DEL", plan_key("default", plan))
    record = await told(client, done)
    assert [node.node for node in record.turns[-1].nodes] == ["password", "check", "success"]


async def test_only_the_first_turns_are_kept(
    house: House, executor: Executor, client: Client
) -> None:
    form = {
        "id": "ask",
        "type": "prompt",
        "config": {"fields": [{"name": "more", "type": "text", "label": "More?"}]},
    }
    check = {"id": "again", "type": "condition", "config": {"condition": "inputs.more === 'yes'"}}
    ring = graph(
        [START, form, check, SUCCESS],
        [
            ("start", "ask"),
            ("ask", "again"),
            ("again", "ask", "true"),
            ("again", "success", "false"),
        ],
    )
    await house.publish(ring, FlowType.REGISTRATION)
    step = await executor.start("REGISTRATION")
    for _ in range(MOST_ENTRIES + 1):
        flow, shown = step.body["flowId"], step.body["stepId"]
        step = await executor.post(
            flowId=flow, stepId=shown, actionId="submit", inputs={"more": "yes"}
        )
    assert step.body["flowStatus"] == "INCOMPLETE"
    record = await told(client, step)
    assert (len(record.turns), record.cut) == (MOST_ENTRIES, True)


async def test_a_turn_that_would_be_too_long_is_left_out(
    house: House, executor: Executor, client: Client
) -> None:
    names = [f"step-{number:090}" for number in range(LARGEST // 90)]
    checks = [
        {"id": name, "type": "condition", "config": {"condition": "1 === 1"}} for name in names
    ]
    edges: list[tuple[str, ...]] = [
        ("start", "identifier"),
        ("identifier", "password"),
        ("password", names[0]),
        *((name, after, "true") for name, after in pairwise([*names, "success"])),
        *((name, "success", "false") for name in names),
    ]
    await house.publish(graph([START, IDENTIFIER, PASSWORD_NODE, *checks, SUCCESS], edges))
    await house.person(EMAIL)
    step = await executor.at_password(EMAIL)
    done = await executor.answer(step, password=PASSWORD)
    assert done.body["flowStatus"] == "COMPLETE"
    assert [turn.turn for turn in (await told(client, step)).turns] == [1, 2]
