"""New sessions are shared among versions, and given back; a running one keeps the one it has."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Sequence
from math import sqrt
from statistics import NormalDist

import aiohttp
import pytest

from deploy.local.stack import Stack
from tests.e2e.graphs import edition, fails_everybody
from tests.e2e.walker import Admin, Json, Reply, Walker
from tests.patience import until

KIND = "MFA_SETUP"
SESSIONS = 1_000
CERTAINTY = 0.999
"""Of fair shares, all but one in a thousand are within the bound."""
AT_ONCE = 50


@pytest.fixture
def executors(http: aiohttp.ClientSession, stack: Stack) -> tuple[Walker, ...]:
    """A client of each executor alone."""
    return tuple(Walker(http, [url]) for url in stack.facts.executor_urls)


async def start(walker: Walker, device: str = "", flow: str = "shared") -> Reply:
    return await walker.post({"flowType": KIND, "flow": flow, "deviceId": device})


def version(step: Reply) -> int:
    """Tell the version of an edition by what it asks for."""
    (asked,) = step.asks
    return int(asked.removeprefix("first").removeprefix("second"))


async def answered(walker: Walker, step: Reply) -> Reply:
    return await walker.submit(step, **dict.fromkeys(step.asks, "anything"))


async def versions_of(walker: Walker, flow: str, devices: Sequence[str]) -> dict[str, int]:
    """Start `flow` once at each of `devices`, some at a time."""
    found: dict[str, int] = {}
    for at in range(0, len(devices), AT_ONCE):
        some = devices[at : at + AT_ONCE]
        steps = await asyncio.gather(*(start(walker, device, flow) for device in some))
        found |= {device: version(step) for device, step in zip(some, steps, strict=True)}
    return found


async def share(admin: Admin, id: str, abort: Json = None, **weights: int) -> Json:
    """`v1=90, v2=10`, as they are sent."""
    versions = [{"version": int(name[1:]), "weight": each} for name, each in weights.items()]
    return await admin.done("PUT", f"/{id}/rollout", {"versions": versions, "abort": abort})


async def all_start(walkers: Iterable[Walker], wanted: int, times: int = 10) -> None:
    """Wait until every executor starts nothing but `wanted`."""

    async def do() -> bool:
        steps = [await start(walker) for walker in walkers for _ in range(times)]
        return {version(step) for step in steps} == {wanted}

    await until(do)


async def test_a_thousand_sessions_are_shared_as_they_are_weighted_and_each_device_keeps_its_own(
    admin: Admin, walker: Walker, executors: tuple[Walker, ...]
) -> None:
    # An id that only this test ever has: where a device falls depends on it, and on nothing else.
    name = "ninety-ten"
    id = await admin.publish(name, edition(1), "mfa_setup")
    assert id == "flow_ninety_ten"
    assert await admin.edit(id, edition(2)) == 2
    await share(admin, id, v1=90, v2=10)
    devices = [f"device {n}" for n in range(SESSIONS)]
    found = await versions_of(walker, name, devices)
    off = NormalDist().inv_cdf((1 + CERTAINTY) / 2) * sqrt(SESSIONS * 0.9 * 0.1)
    assert abs(Counter(found.values())[2] - SESSIONS * 0.1) <= off
    assert set(found.values()) == {1, 2}
    some = devices[:AT_ONCE]
    for executor in executors:
        assert await versions_of(executor, name, some) == {each: found[each] for each in some}
    await share(admin, id, v1=80, v2=20)
    had = [device for device, number in found.items() if number == 2]
    assert set((await versions_of(walker, name, had)).values()) == {2}


async def test_a_running_session_never_changes_its_version(
    admin: Admin, executors: tuple[Walker, ...]
) -> None:
    one, other = executors
    id = await admin.publish("shared", edition(1), "mfa_setup")
    await admin.edit(id, edition(2))
    await share(admin, id, v1=1, v2=1)
    running: dict[int, Reply] = {}

    async def begin_both() -> bool:
        step = await start(one)
        running[version(step)] = step
        return len(running) == 2

    await until(begin_both)
    assert await admin.edit(id, edition(3)) == 3
    await share(admin, id, v3=1)
    running = {number: await answered(other, step) for number, step in running.items()}
    assert {number: step.asks for number, step in running.items()} == {
        1: ["second1"],
        2: ["second2"],
    }
    assert (await admin.done("POST", f"/{id}/rollback", {"version": 1}))["version"] == 4
    for step in running.values():
        done = await answered(one, step)
        assert (done.status, done.body["flowStatus"]) == (200, "COMPLETE")


async def test_a_rollback_and_a_rollout_to_one_version_reach_every_executor(
    admin: Admin, executors: tuple[Walker, ...]
) -> None:
    id = await admin.publish("shared", edition(1), "mfa_setup")
    await admin.republish(id, edition(2))
    await all_start(executors, 2)
    back = await admin.done("POST", f"/{id}/rollback")
    assert (back["version"], back["copied"]) == (3, 1)
    await all_start(executors, 1)
    await share(admin, id, v3=1, v2=1)
    await share(admin, id, v2=100)
    await all_start(executors, 2)
    assert [entry["details"]["version"] for entry in await admin.audited(id, "rollback")] == [3]
    assert len(await admin.audited(id, "rollout")) == 2


async def test_how_the_sessions_of_a_rollout_end_is_shown_while_it_goes_on(
    admin: Admin, walker: Walker
) -> None:
    id = await admin.publish("shared", edition(1), "mfa_setup")
    assert await admin.edit(id, fails_everybody(2)) == 2
    # Counted though nothing would take it back.
    await share(admin, id, None, v1=1, v2=1)
    ended: Counter[int] = Counter()
    for _ in range(20):
        step = await start(walker)
        number = version(step)
        while step.asks:
            step = await answered(walker, step)
        ended[number] += 1
    await start(walker)
    figures = {
        "under_way": 1,
        "versions": [
            {"version": 1, "ended": ended[1], "succeeded": ended[1]},
            {"version": 2, "ended": ended[2], "succeeded": 0},
        ],
    }

    async def shown() -> bool:
        return bool((await admin.done("GET", f"/{id}/rollout"))["figures"] == figures)

    await until(shown)


async def test_a_version_that_fails_everybody_is_taken_back_by_itself(
    admin: Admin, walker: Walker, executors: tuple[Walker, ...]
) -> None:
    id = await admin.publish("shared", edition(1), "mfa_setup")
    assert await admin.edit(id, fails_everybody(2)) == 2
    begun = await share(admin, id, {"margin": 0.5, "sessions": 20}, v1=50, v2=50)
    assert (await admin.done("GET", f"/{id}/rollout"))["figures"] == {
        "under_way": 0,
        "versions": [{"version": each, "ended": 0, "succeeded": 0} for each in (1, 2)],
    }
    pinned: list[Reply] = []

    async def walk() -> None:
        step = await start(walker)
        if version(step) == 2 and not pinned:
            pinned.append(step)
            return
        while step.asks:
            step = await answered(walker, step)

    async def taken_back() -> bool:
        await asyncio.gather(*(walk() for _ in range(AT_ONCE)))
        return (await admin.done("GET", f"/{id}/rollout"))["rollout"] is None

    await until(taken_back)
    left = await admin.done("GET", f"/{id}/rollout")
    assert (left["status"], left["versions"]) == ("active", [{"version": 1, "weight": 100}])
    assert left["figures"] is None
    await all_start(executors, 1)
    (entry,) = await admin.audited(id, "rollout.aborted")
    details = entry["details"]
    assert (entry["actor"], details["rollout"], details["version"]) == (
        "gatehouse",
        begun["rollout"],
        2,
    )
    assert (details["succeeded"], details["baseline_succeeded"]) == (0, details["baseline_ended"])
    assert min(details["ended"], details["baseline_ended"]) >= 20
    # Who was in the middle of it ends by it.
    assert (await answered(walker, pinned[0])).body["flowStatus"] == "ERROR"


async def test_of_several_active_flows_a_start_gets_the_first_that_lets_it_in_or_the_one_it_names(
    admin: Admin, walker: Walker
) -> None:
    closed = [{"expression": "request.user_agent === 'nobody has this'"}]
    ids = [
        await admin.publish("one", edition(1), "mfa_setup"),
        await admin.publish("two", edition(2), "mfa_setup"),
        await admin.publish("three", edition(3), "mfa_setup", policies=closed),
    ]
    # Who is activated comes first.
    listed = await admin.call("GET", "/candidates/mfa_setup")
    assert [each["id"] for each in listed.body["flows"]] == ids[::-1]
    assert version(await walker.start(kind=KIND)) == 2
    one, two, three = ids
    ordered = await admin.call("PUT", "/candidates/mfa_setup", {"flows": [three, one, two]})
    assert ordered.status == 200
    for _ in range(4):
        assert version(await walker.start(kind=KIND)) == 1
    assert version(await start(walker, flow="two")) == 2
    refused = await start(walker, flow="three")
    assert (refused.status, refused.body["code"]) == (403, "FE-40301")
    agent = {"User-Agent": "nobody has this"}
    assert version(await walker.post({"flowType": KIND}, headers=agent)) == 3
