"""Which version a session gets, and what becomes of one that does worse (DESIGN section 9)."""

from __future__ import annotations

import asyncio
import uuid
from collections import Counter
from collections.abc import AsyncIterator
from math import sqrt
from typing import Any

import msgspec
import nats
import pytest
from nats.js import JetStreamContext
from nats.js.errors import NotFoundError

from libs.common.chassis.metrics import Metrics
from libs.common.errors import Unavailable
from libs.common.flow.compile import compile_flow
from libs.common.flow.model import Flow, FlowType
from libs.common.flow.plan import encode, name_of
from libs.common.flow.turn import Session, Trial
from libs.common.nodes.catalogue import NODE_TYPES
from libs.common.wire.events import EVENTS, ROLLOUT_FAILED, RolloutFailed, decode
from libs.common.wire.inspect import Count, Counted, CountWanted
from libs.common.wire.plans import Candidate, Rollout, Weighted, plan_key
from libs.common.wire.rollouts import NEVER
from services.executor.metrics import ExecutorMetrics
from services.executor.rollouts import Ending, Rollouts
from tests.integration.executor.candidates import asking, candidate, lead, shown
from tests.integration.executor.conftest import PASSWORD, Build, Executor, House, Reply
from tests.integration.executor.graphs import LOGIN
from tests.patience import PATIENCE_SECONDS, until

EMAIL = "sasha@example.com"
RULE = Rollout(id=7, baseline=1, margin=0.1, sessions=20)
FIGURES = "gh:rollout:{default:flow_shared:7}"
UNDER_WAY = f"{FIGURES}:under-way"
GOOD, BROKEN = asking("good"), asking("broken", checked="inputs.broken === 'impossible'")
ONE_IN_A_THOUSAND, ONE_IN_A_MILLION = 3.29, 4.89
"""Standard deviations beyond which so much lies (two-sided)."""


@pytest.fixture
async def house(build_house: Build, redis_url: str) -> House:
    """On one Redis, unless a test is about what its scripts touch."""
    return await build_house(redis_url)


@pytest.fixture
async def executors(house: House) -> tuple[Executor, Executor]:
    return await house.executor(), await house.executor()


@pytest.fixture
async def jetstream(nats_url: str) -> AsyncIterator[JetStreamContext]:
    connection = await nats.connect(nats_url)
    yield connection.jetstream(timeout=PATIENCE_SECONDS)
    await connection.close()


async def share(house: House, old: int, new: int) -> None:
    """Share the new sessions of one flow between two versions."""
    await lead(house, await candidate(house, "shared", (asking("old"), old), (asking("new"), new)))


async def start(executor: Executor, device: str | None = None) -> Reply:
    return await executor.post(flowType="MFA_SETUP", deviceId=device)


async def walk(executor: Executor, device: str) -> str:
    """Walk a session to its end; return the field that it asked for."""
    step = await start(executor, device)
    field = shown(step)
    done = await executor.answer(step, **{field: "anything"})
    assert done.body["flowStatus"] == ("ERROR" if field == "broken" else "COMPLETE")
    return field


async def told(jetstream: JetStreamContext) -> RolloutFailed:
    """Wait for what management hears of."""

    async def found() -> bytes | None:
        try:
            return (await jetstream.get_last_msg(EVENTS, ROLLOUT_FAILED)).data
        except NotFoundError:
            return None

    return decode(await until(found), RolloutFailed)


async def plain(house: House) -> Any:  # noqa: ANN401 - either of redis-py's clients
    """Return redis-py's client, which for a cluster has to be told to look around first."""
    client = house.line.client
    await client.initialize()
    return client


async def figures(house: House) -> dict[str, int]:
    stored = await (await plain(house)).hgetall(FIGURES)
    found = {bytes(name).decode(): int(value) for name, value in stored.items()}
    found.pop("said", None)
    return found


async def figures_with(house: House, ended: int) -> dict[str, int]:
    """Wait until so many sessions are counted: nobody's answer waits for it."""

    async def counted() -> dict[str, int]:
        found = await figures(house)
        so_far = sum(count for name, count in found.items() if name.startswith("ended"))
        return found if so_far == ended else {}

    return await until(counted)


def is_share(found: int, many: int, share: float, sigmas: float) -> bool:
    return abs(found - many * share) <= sigmas * sqrt(many * share * (1 - share))


async def test_a_thousand_devices_are_shared_by_weight_whichever_executor_they_meet(
    house: House, executors: tuple[Executor, Executor]
) -> None:
    await share(house, 90, 10)
    found: Counter[str] = Counter()
    for batch in range(20):
        numbers = range(50 * batch, 50 * batch + 50)
        steps = await asyncio.gather(*(start(executors[n % 2], f"device-{n}") for n in numbers))
        found.update(map(shown, steps))
    assert is_share(found["new"], 1_000, 0.1, ONE_IN_A_THOUSAND)
    assert found["old"] + found["new"] == 1_000


async def test_who_names_no_device_is_drawn_each_time(
    house: House, executors: tuple[Executor, Executor]
) -> None:
    await share(house, 1, 1)
    steps = await asyncio.gather(*(start(executors[n % 2]) for n in range(200)))
    found = Counter(map(shown, steps))
    # The only test here that draws anew each time it is run.
    assert is_share(found["new"], 200, 0.5, ONE_IN_A_MILLION)


async def test_a_device_keeps_its_version_and_those_who_have_the_new_one_as_it_grows(
    house: House, executors: tuple[Executor, Executor]
) -> None:
    first, second = executors
    devices = [f"device-{number}" for number in range(60)]
    await share(house, 80, 20)
    before = [shown(await start(first, device)) for device in devices]
    assert [shown(await start(second, device)) for device in devices] == before
    named = [await first.start("MFA_SETUP", headers={"X-Device-Id": device}) for device in devices]
    assert [shown(step) for step in named] == before
    await share(house, 50, 50)
    after = [shown(await start(second, device)) for device in devices]
    assert Counter(zip(before, after, strict=True))["new", "old"] == 0
    assert after.count("new") > before.count("new") > 0


async def test_a_user_keeps_their_version_on_every_device(
    house: House, executors: tuple[Executor, Executor]
) -> None:
    first, second = executors
    await house.publish(LOGIN)
    await house.person(EMAIL)
    done = await first.answer(await first.at_password(EMAIL), password=PASSWORD)
    bearer = {"Authorization": f"Bearer {done.data['userAssertion']}"}
    await share(house, 1, 1)
    devices = [f"device-{number}" for number in range(20)]
    assert len({shown(await start(first, device)) for device in devices}) == 2
    hers = [await second.start("MFA_SETUP", headers=bearer, deviceId=device) for device in devices]
    assert len(set(map(shown, hers))) == 1


async def test_a_session_in_progress_never_changes_its_version(
    house: House, executors: tuple[Executor, Executor]
) -> None:
    first, second = executors
    await share(house, 1, 1)
    step = await start(first, "device-1")
    field = shown(step)
    for old, new in ((1, 1_000_000), (1_000_000, 1)):
        await share(house, old, new)
        repeated = await second.answer(step, **{field: ""})
        assert shown(repeated) == field
    done = await second.answer(step, **{field: "anything"})
    assert done.body["flowStatus"] == "COMPLETE"


async def test_a_broken_version_is_told_of_by_what_all_executors_saw(
    build_house: Build, any_redis_url: str, jetstream: JetStreamContext
) -> None:
    house = await build_house(any_redis_url)
    executors = (await house.executor(), await house.executor())
    await lead(house, await candidate(house, "shared", (GOOD, 1), (BROKEN, 1), rollout=RULE))
    seen: Counter[tuple[int, str]] = Counter()
    for number in range(60):
        seen[number % 2, await walk(executors[number % 2], f"device-{number}")] += 1
    # None of them has seen enough of both by itself.
    for number in range(2):
        assert min(seen[number, "good"], seen[number, "broken"]) < RULE.sessions
    failed = await told(jetstream)
    assert (failed.tenant, failed.flow, failed.rollout) == ("default", "flow_shared", RULE.id)
    assert (failed.version, failed.succeeded) == (2, 0)
    assert failed.ended >= RULE.sessions
    assert failed.baseline_succeeded == failed.baseline_ended >= RULE.sessions
    found = await figures_with(house, 60)
    good = sum(count for (_, field), count in seen.items() if field == "good")
    assert found == {"ended:1": good, "succeeded:1": good, "ended:2": 60 - good}
    shares = b'gatehouse_rollout_sessions_total{arm="%s",outcome="%s",tenant="default",'
    async with executors[0].http.get(f"{executors[0].url}/metrics") as answer:
        exposed = await answer.read()
    assert shares % (b"baseline", b"success") in exposed
    assert shares % (b"candidate", b"failure") in exposed


async def test_a_version_that_does_as_well_is_left_alone(
    house: House, executors: tuple[Executor, Executor]
) -> None:
    good = await candidate(house, "shared", (GOOD, 1), (asking("too"), 1), rollout=RULE)
    await lead(house, good)
    await asyncio.gather(*(walk(executors[n % 2], f"device-{n}") for n in range(60)))
    found = await figures_with(house, 60)
    assert min(found.values()) >= RULE.sessions
    assert not await (await plain(house)).hexists(FIGURES, "said")


async def test_a_version_that_cannot_be_run_is_told_of(
    house: House, executors: tuple[Executor, Executor], jetstream: JetStreamContext
) -> None:
    runs = await candidate(house, "shared", (GOOD, 1), rollout=RULE)
    plan = compile_flow(Flow("flow_shared", 2, FlowType.MFA_SETUP, GOOD), NODE_TYPES)
    steps = tuple(msgspec.structs.replace(step, to={"success": 0}) for step in plan.steps)
    endless = encode(msgspec.structs.replace(plan, steps=steps))
    broken = Weighted(name_of(endless), 2, 1)
    await house.line.execute(b"SET", plan_key("default", broken.plan), endless)
    await lead(house, msgspec.structs.replace(runs, versions=(*runs.versions, broken)))
    for number in range(60):
        step = await start(executors[number % 2], f"device-{number}")
        if step.status == 200:
            await executors[number % 2].answer(step, good="anything")
        else:
            assert (step.status, step.body["code"]) == (500, "FE-50001")
    failed = await told(jetstream)
    assert (failed.version, failed.succeeded) == (2, 0)


async def test_who_never_comes_back_counts_as_who_failed(
    house: House, executors: tuple[Executor, Executor]
) -> None:
    await lead(house, await candidate(house, "shared", (GOOD, 1), rollout=RULE))
    executor, _ = executors
    for number in range(3):
        await start(executor, f"device-{number}")
    client = await plain(house)
    listed = await client.zrange(UNDER_WAY, 0, -1)
    assert len(listed) == 3
    for session in listed:
        await client.zadd(UNDER_WAY, {session: 1})
    assert await walk(executor, "another") == "good"
    assert await figures_with(house, 4) == {"ended:1": 4, "succeeded:1": 1}
    assert await client.zcard(UNDER_WAY) == 0


async def test_a_repeat_of_the_last_submit_counts_no_second_time(
    house: House, executors: tuple[Executor, Executor]
) -> None:
    await lead(house, await candidate(house, "shared", (GOOD, 1), rollout=RULE))
    step = await start(executors[0])
    for executor in executors:
        done = await executor.answer(step, good="anything")
        assert done.body["flowStatus"] == "COMPLETE"
    await walk(executors[1], "another")
    assert await figures_with(house, 2) == {"ended:1": 2, "succeeded:1": 2}


async def test_nothing_is_counted_of_a_flow_that_is_not_rolled_out(
    house: House, executors: tuple[Executor, Executor]
) -> None:
    unruled: Candidate = await candidate(house, "shared", (GOOD, 1), (BROKEN, 1))
    await lead(house, unruled)
    await asyncio.gather(*(walk(executors[n % 2], f"device-{n}") for n in range(10)))
    assert [key async for key in house.line.client.scan_iter("gh:rollout*")] == []


async def test_what_is_kept_of_a_rollout_ends_by_itself(
    house: House, executors: tuple[Executor, Executor]
) -> None:
    await lead(house, await candidate(house, "shared", (GOOD, 1), rollout=RULE))
    await walk(executors[0], "one")
    await start(executors[0], "another")
    await figures_with(house, 1)
    client = await plain(house)
    week = 7 * 24 * 3600
    for key in (FIGURES, UNDER_WAY):
        assert 0 < await client.ttl(key) <= week


class Wall:
    """A board of the test's own, which management may or may not be able to see."""

    def __init__(self) -> None:
        self.posted: list[RolloutFailed] = []
        self.away = False

    async def post(self, failed: RolloutFailed) -> None:
        if self.away:
            raise Unavailable("nats")
        self.posted.append(failed)


@pytest.fixture
def wall() -> Wall:
    return Wall()


@pytest.fixture
def rollouts(house: House, wall: Wall) -> Rollouts:
    metrics = ExecutorMetrics(Metrics("executor", "test"))
    return Rollouts(house.line, wall, metrics, lambda: 1_700_000_000)


def session(trial: Trial) -> Session:
    return Session(
        id=str(uuid.uuid4()),
        tenant="default",
        plan="plan",
        type=FlowType.MFA_SETUP,
        node=0,
        started_at=0,
        expires_at=900,
        idle_until=900,
        trial=trial,
    )


async def end(
    rollouts: Rollouts, version: int, ending: Ending, margin: float = RULE.margin
) -> None:
    """Begin and end a session of a rollout that decides after one of each version."""
    trial = Trial("flow_shared", RULE.id, version, baseline=1, margin=margin, sessions=1)
    ended = session(trial)
    rollouts.begin(ended)
    rollouts.end(ended, ending)
    await rollouts.stop()


async def test_how_its_sessions_end_is_told(
    build_house: Build, any_redis_url: str, wall: Wall
) -> None:
    house = await build_house(any_redis_url)
    metrics = ExecutorMetrics(Metrics("executor", "test"))
    rollouts = Rollouts(house.line, wall, metrics, lambda: 1_700_000_000)
    wanted = CountWanted("default", "flow_shared", RULE.id)
    assert await rollouts.count(wanted) == Counted(0, ())
    for version, ending in ((10, Ending.FAILURE), (1, Ending.SUCCESS), (1, Ending.FAULT)):
        await end(rollouts, version, ending)
    rollouts.begin(session(Trial("flow_shared", RULE.id, 1, baseline=1, margin=0.1, sessions=1)))
    counts = (Count(1, 2, 1), Count(10, 1, 0))
    assert await rollouts.count(wanted) == Counted(1, counts)
    client = await plain(house)
    (late,) = await client.zrange(UNDER_WAY, 0, -1)
    await client.zadd(UNDER_WAY, {late: 1})
    assert await rollouts.count(wanted) == Counted(0, counts)


async def test_a_rollout_without_a_rule_is_counted_and_never_told_of(
    rollouts: Rollouts, wall: Wall
) -> None:
    for version, ending in ((1, Ending.SUCCESS), (2, Ending.FAILURE), (2, Ending.FAILURE)):
        await end(rollouts, version, ending, NEVER.margin)
    counted = await rollouts.count(CountWanted("default", "flow_shared", RULE.id))
    assert counted == Counted(0, (Count(1, 1, 1), Count(2, 2, 0)))
    assert wall.posted == []


async def test_it_is_told_again_for_as_long_as_it_is_not_taken_back(
    house: House, rollouts: Rollouts, wall: Wall
) -> None:
    await end(rollouts, 1, Ending.SUCCESS)
    assert wall.posted == []
    await end(rollouts, 2, Ending.FAILURE)
    (first,) = wall.posted
    assert first == RolloutFailed("default", "flow_shared", RULE.id, 2, 0, 1, 1, 1, 1_700_000_000)
    # Of all the ends of a moment, one tells.
    await end(rollouts, 2, Ending.FAILURE)
    assert len(wall.posted) == 1
    client = await plain(house)
    for away, told_of in ((False, 2), (True, 2), (False, 3)):
        wall.away = away
        await client.hset(FIGURES, "said", 0)
        await end(rollouts, 2, Ending.FAILURE)
        assert len(wall.posted) == told_of
