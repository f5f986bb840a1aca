"""Plans and pointers as executors find them in Redis, on one server and on a cluster."""

from __future__ import annotations

import asyncio
import json

import asyncpg

from libs.common.chassis.redis_line.port import RedisLine
from libs.common.flow.model import FlowType, TriggerPoint
from libs.common.flow.plan import Program, load
from libs.common.nodes.catalogue import NODE_TYPES
from libs.common.wire.events import Done, Missing, PlanCompiled, Refused
from libs.common.wire.plans import Pointer, Rollout, decode_pointer, plan_key, pointer_key
from libs.common.wire.rollouts import NEVER
from services.compiler.compiling import Compiler
from tests.integration.compiler.conftest import KEEP, LOGIN, Management, edited

FOR_GOOD = -1


async def stored(line: RedisLine, plan: str) -> bytes:
    data = await line.execute(b"GET", plan_key("default", plan))
    assert isinstance(data, bytes)
    return data


async def pointer(line: RedisLine, tenant: str = "default") -> Pointer | None:
    data = await line.execute(b"GET", pointer_key(tenant, FlowType.LOGIN))
    return decode_pointer(data) if isinstance(data, bytes) else None


async def ttl(line: RedisLine, plan: str) -> int:
    """Return the seconds that a plan of the default tenant still has; -1 for good."""
    seconds = await line.execute(b"TTL", plan_key("default", plan))
    assert isinstance(seconds, int)
    return seconds


async def only_plan(line: RedisLine) -> str:
    found = await pointer(line)
    assert found is not None
    ((version,),) = (candidate.versions for candidate in found.candidates)
    return version.plan


async def test_a_version_compiled_on_request_lies_in_redis_for_a_while(
    compiler: Compiler, management: Management, line: RedisLine, announced: list[PlanCompiled]
) -> None:
    flow = await management.save("login", LOGIN)
    answer = await compiler.compile("default", flow, 1)
    assert isinstance(answer, Done)
    assert answer.plan is not None
    program = load(await stored(line, answer.plan), NODE_TYPES, expecting=answer.plan)
    assert (program.flow, program.version, program.type) == (flow, 1, FlowType.LOGIN)
    assert 0 < await ttl(line, answer.plan) <= KEEP
    assert announced == [PlanCompiled("default", flow, 1, answer.plan, answer.at)]


async def test_a_version_with_problems_is_refused_with_them(
    compiler: Compiler, management: Management, announced: list[PlanCompiled]
) -> None:
    flow = await management.save("empty", '{"nodes": [], "edges": []}')
    answer = await compiler.compile("default", flow, 1)
    assert isinstance(answer, Refused)
    assert [problem.code for problem in answer.problems] == [
        "missing_start_node",
        "unreachable_success",
    ]
    assert announced == []


async def test_a_version_that_nobody_saved_is_missing(
    compiler: Compiler, management: Management
) -> None:
    flow = await management.save("login", LOGIN)
    assert await compiler.compile("default", flow, 2) == Missing()
    assert await compiler.compile("elsewhere", flow, 1) == Missing()


async def test_what_is_active_is_led_to_in_order_and_lies_there_for_good(
    compiler: Compiler, management: Management, line: RedisLine, announced: list[PlanCompiled]
) -> None:
    one = await management.save("one", LOGIN)
    two = await management.save("two", LOGIN, edited(LOGIN, ["email"]))
    await management.activate((two, 2), (one, 1), generation=1)
    assert isinstance(await compiler.publish("default", FlowType.LOGIN), Done)
    found = await pointer(line)
    assert found is not None
    assert found.generation == 1
    assert [(c.flow, c.name, c.versions[0].version) for c in found.candidates] == [
        (two, "two", 2),
        (one, "one", 1),
    ]
    for candidate in found.candidates:
        assert await ttl(line, candidate.versions[0].plan) == FOR_GOOD
    assert [(event.flow, event.version) for event in announced] == [(two, 2), (one, 1)]


async def test_an_older_generation_never_overwrites_a_newer_pointer(
    compiler: Compiler, management: Management, line: RedisLine
) -> None:
    flow = await management.save("login", LOGIN, edited(LOGIN, ["email"]))
    await management.activate((flow, 2), generation=7)
    await compiler.publish("default", FlowType.LOGIN)
    newest = await only_plan(line)
    # What a slow replica read before the change, and writes after it.
    await management.activate((flow, 1), generation=6)
    await compiler.publish("default", FlowType.LOGIN)
    assert await only_plan(line) == newest
    assert await ttl(line, newest) == FOR_GOOD


async def test_a_plan_outlives_its_pointer_by_the_longest_session(
    compiler: Compiler, management: Management, line: RedisLine
) -> None:
    flow = await management.save("login", LOGIN, edited(LOGIN, ["email"]))
    await management.activate((flow, 1), generation=1)
    await compiler.publish("default", FlowType.LOGIN)
    before = await only_plan(line)
    await management.activate((flow, 2), generation=2)
    await compiler.publish("default", FlowType.LOGIN)
    assert await only_plan(line) != before
    assert 0 < await ttl(line, before) <= KEEP
    await management.activate(generation=3)
    await compiler.publish("default", FlowType.LOGIN)
    found = await pointer(line)
    assert found is not None
    assert found.candidates == ()


async def test_a_plan_that_is_active_is_not_shortened_by_compiling_it_again(
    compiler: Compiler, management: Management, line: RedisLine
) -> None:
    flow = await management.save("login", LOGIN)
    await management.activate((flow, 1), generation=1)
    await compiler.publish("default", FlowType.LOGIN)
    await compiler.compile("default", flow, 1)
    assert await ttl(line, await only_plan(line)) == FOR_GOOD


async def test_a_flow_that_this_release_refuses_does_not_take_the_others_with_it(
    compiler: Compiler, management: Management, line: RedisLine
) -> None:
    bad = await management.save("bad", '{"nodes": [], "edges": []}')
    good = await management.save("good", LOGIN)
    await management.activate((bad, 1), (good, 1), generation=1)
    assert isinstance(await compiler.publish("default", FlowType.LOGIN), Done)
    found = await pointer(line)
    assert found is not None
    assert [candidate.flow for candidate in found.candidates] == [good]


async def test_publishing_twice_at_once_is_publishing_once(
    compiler: Compiler, management: Management, line: RedisLine
) -> None:
    flow = await management.save("login", LOGIN)
    await management.activate((flow, 1), generation=1)
    await asyncio.gather(*(compiler.publish("default", FlowType.LOGIN) for _ in range(10)))
    assert await ttl(line, await only_plan(line)) == FOR_GOOD


async def test_what_redis_lacks_is_found_and_made_again(
    compiler: Compiler, management: Management, line: RedisLine
) -> None:
    for tenant in ("default", "acme"):
        flow = await management.save("login", LOGIN, tenant=tenant)
        await management.activate((flow, 1), tenant=tenant, generation=1)
    assert await compiler.reconcile(everything=False) == 2
    assert await compiler.reconcile(everything=False) == 0
    assert await compiler.reconcile(everything=True) == 2
    found = await pointer(line, "acme")
    assert found is not None
    await line.execute(b"DEL", plan_key("acme", found.candidates[0].versions[0].plan))
    await line.execute(b"DEL", pointer_key("default", FlowType.LOGIN))
    assert await compiler.reconcile(everything=False) == 2
    await management.activate(tenant="acme", generation=2)
    assert await compiler.reconcile(everything=False) == 1


async def test_a_row_that_this_release_cannot_read_keeps_nobody_from_theirs(
    compiler: Compiler, management: Management, line: RedisLine, database: str
) -> None:
    flow = await management.save("login", LOGIN)
    await management.activate((flow, 1), generation=1)
    connection = await asyncpg.connect(database)
    await connection.execute("INSERT INTO active_pointers VALUES ('default', 'a_future_type', 1)")
    await connection.close()
    assert await compiler.reconcile(everything=True) == 1
    assert await only_plan(line)


CODE = json.dumps(
    {
        "nodes": [
            {"id": "start", "type": "start"},
            {"id": "code", "type": "mfa_verification"},
            {"id": "done", "type": "success"},
        ],
        "edges": [{"source": "start", "target": "code"}, {"source": "code", "target": "done"}],
    }
)
CALLS = json.dumps(
    {
        "nodes": [
            {"id": "start", "type": "start"},
            {"id": "who", "type": "identifier_input"},
            {"id": "pw", "type": "password_input"},
            {"id": "second", "type": "subflow", "config": {"flow": "code"}},
            {"id": "done", "type": "success"},
        ],
        "edges": [
            {"source": "start", "target": "who"},
            {"source": "who", "target": "pw"},
            {"source": "pw", "target": "second"},
            {"source": "second", "target": "done"},
        ],
    }
)
MARK = json.dumps(
    {
        "nodes": [
            {"id": "start", "type": "start"},
            {"id": "mark", "type": "set_attribute", "config": {"attribute": "a", "value": "1"}},
            {"id": "done", "type": "success"},
        ],
        "edges": [{"source": "start", "target": "mark"}, {"source": "mark", "target": "done"}],
    }
)


async def program(line: RedisLine) -> Program:
    name = await only_plan(line)
    return load(await stored(line, name), NODE_TYPES, expecting=name)


async def test_what_runs_inside_a_flow_is_in_its_plan_as_it_is_active(
    compiler: Compiler, management: Management, line: RedisLine
) -> None:
    code = await management.save("code", CODE, CODE)
    login = await management.save("login", CALLS)
    hook = await management.save("hook", MARK)
    await management.activate((login, 1), (code, 2), (hook, 1), generation=1)
    await management.settle(code, "mfa_setup", {})
    await management.settle(hook, "trigger", {"trigger": {"id": "post-login"}})
    await compiler.publish("default", FlowType.LOGIN)
    linked = await program(line)
    assert [(unit.flow, unit.version) for unit in linked.units] == [(code, 2), (hook, 1)]
    assert [step.id for step in linked.steps] == [
        *("start", "who", "pw", "second", "done"),
        *("code/start", "code/code", "code/done"),
        *("hook/start", "hook/mark", "hook/done"),
    ]
    assert dict(linked.triggers) == {TriggerPoint.POST_LOGIN: (1,)}


async def test_new_sessions_are_shared_among_the_versions_of_a_rollout(
    compiler: Compiler, management: Management, line: RedisLine
) -> None:
    flow = await management.save("login", LOGIN, edited(LOGIN, ["email"]), LOGIN)
    await management.activate((flow, 1), generation=1)
    shares = [{"version": 2, "weight": 1}, {"version": 1, "weight": 9}]
    rule = {"margin": 0.2, "sessions": 50}
    await management.roll_out(flow, {"id": 7, "versions": shares, "baseline": 1, "abort": rule})
    await compiler.publish("default", FlowType.LOGIN)
    found = await pointer(line)
    assert found is not None
    (candidate,) = found.candidates
    assert [(each.version, each.weight) for each in candidate.versions] == [(2, 1), (1, 9)]
    assert candidate.rollout == Rollout(7, 1, 0.2, 50)
    for each in candidate.versions:
        assert await ttl(line, each.plan) == FOR_GOOD
        plan = load(await stored(line, each.plan), NODE_TYPES, expecting=each.plan)
        assert plan.version == each.version
    await management.roll_out(flow, {"id": 7, "versions": shares, "baseline": 1, "abort": None})
    await compiler.publish("default", FlowType.LOGIN)
    found = await pointer(line)
    assert found is not None
    # Counted, and never taken back.
    assert found.candidates[0].rollout == Rollout(7, 1, NEVER.margin, NEVER.sessions)


async def test_what_a_tenant_demands_refuses_a_version_but_takes_none_away_that_runs(
    compiler: Compiler, management: Management, line: RedisLine
) -> None:
    flow = await management.save("login", LOGIN)
    await management.activate((flow, 1), generation=1)
    demand = {"name": "two", "type": "login", "require": "size(factors) >= 2"}
    await management.demand(demand, {**demand, "name": "other", "type": "registration"})
    await compiler.publish("default", FlowType.LOGIN)
    assert [each.name for each in (await program(line)).demands] == ["two"]
    answer = await compiler.compile("default", flow, 1)
    assert isinstance(answer, Refused)
    assert [problem.code for problem in answer.problems] == ["policy_violation"]


async def test_a_flow_of_another_release_keeps_no_other_of_its_tenant_from_running(
    compiler: Compiler, management: Management, line: RedisLine
) -> None:
    strange = await management.save("strange", LOGIN)
    flow = await management.save("login", LOGIN)
    await management.activate((strange, 1), (flow, 1), generation=1)
    await management.settle(strange, "login", {"a_future_setting": 1})
    await compiler.publish("default", FlowType.LOGIN)
    assert (await program(line)).flow == flow
