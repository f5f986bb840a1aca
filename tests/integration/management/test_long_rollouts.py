"""What takes long at a rollout is done before anything of the tenant is held."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

import asyncpg
import msgspec
import pytest

from libs.common.errors import Invalid
from libs.common.flow.model import FlowType, Graph, Invariant
from libs.common.wire.rollouts import Share
from services.management import running
from services.management.flows import Edit, NewFlow
from services.management.rollouts import NewRollout
from services.management.store import Store
from tests.integration.management.test_golden import ANN, TEST, WELL, Desk

LONG = ("validate", "make_program", "affected", "touched")
"""What `running` calls that may take seconds."""
CALLS = msgspec.convert(
    {
        "nodes": [
            {"id": "start", "type": "start"},
            {"id": "inner", "type": "subflow", "config": {"flow": "a"}},
            {"id": "success", "type": "success"},
        ],
        "edges": [
            {"source": "start", "target": "inner"},
            {"source": "inner", "target": "success"},
        ],
    },
    Graph,
)
ROLLOUT = NewRollout((Share(1, 80), Share(2, 10), Share(3, 10)), None)
DEMAND = Invariant("two factors", FlowType.LOGIN, "size(factors) >= 2")

Meanwhile = Callable[[], Coroutine[Any, Any, None]]


@pytest.fixture
async def desk(database: str) -> AsyncIterator[Desk]:
    async with asyncpg.create_pool(database, min_size=1) as pool:
        await Store(pool).add_tenants(("default",))
        yield Desk(pool)


async def three_versions(desk: Desk) -> str:
    """Return a flow with tests, whose first version runs, also inside another flow."""
    id = await desk.create(TEST)
    await desk.flows.update("default", id, Edit(graph=WELL, golden_tests=(TEST,)), ANN)
    outer = NewFlow(
        name="outer", display_name="Outer", description=None, type=FlowType.LOGIN, graph=CALLS
    )
    calling = (await desk.flows.create("default", outer, ANN)).flow.id
    await desk.flows.activate("default", calling, ANN)
    desk.judge.asked.clear()
    return id


def during(patch: pytest.MonkeyPatch, meanwhile: Meanwhile) -> Counter[str]:
    """Have `meanwhile` done in each call of what takes long, and count the calls."""
    loop, called = asyncio.get_running_loop(), Counter[str]()

    def counting(name: str) -> Callable[..., object]:
        real = getattr(running, name)

        def called_so(*args: object) -> object:
            called[name] += 1
            # It runs in a thread, and the loop is free.
            asyncio.run_coroutine_threadsafe(meanwhile(), loop).result(20)
            return real(*args)

        return called_so

    for name in LONG:
        patch.setattr(running, name, counting(name))
    return called


async def test_nothing_of_the_tenant_is_held_while_versions_are_looked_at(
    desk: Desk, rows: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    id = await three_versions(desk)
    one_at_a_time = asyncio.Lock()

    async def is_free() -> None:
        async with one_at_a_time:
            await rows.execute("SELECT FROM tenants FOR NO KEY UPDATE NOWAIT")

    called = during(monkeypatch, is_free)
    after = await desk.rollouts.start("default", id, ROLLOUT, ANN)
    assert after.flow.rollout is not None
    assert [each.weight for each in after.flow.rollout.versions] == [80, 10, 10]
    # Each of three versions once, and the flow around it twice: as it is, and as it would be.
    assert called["validate"] == 5
    # The first runs already.
    assert called["make_program"] == 2
    assert [version for version, _ in desk.judge.asked] == [2, 3]
    assert called["touched"] == 1


async def test_what_is_demanded_meanwhile_holds_for_the_rollout(
    desk: Desk, rows: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    id = await three_versions(desk)
    written = msgspec.json.encode([DEMAND]).decode()
    one_at_a_time = asyncio.Lock()

    async def demand() -> None:
        async with one_at_a_time:
            await rows.execute("UPDATE tenants SET invariants = $1", written)

    called = during(monkeypatch, demand)
    with pytest.raises(Invalid) as refused:
        await desk.rollouts.start("default", id, ROLLOUT, ANN)
    assert [each.invariant for each in refused.value.problems] == [DEMAND.name]
    assert called["validate"] == 6
    assert (await desk.flows.get("default", id)).flow.rollout is None
