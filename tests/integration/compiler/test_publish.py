"""What several do with plans at the same moment: one lies for good where a pointer leads to it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import cast

import pytest

from libs.common.chassis.redis_line.port import Arg, Key, Part, RedisLine, Reply, Script
from libs.common.flow.model import FlowType
from libs.common.wire.plans import FORMAT, Candidate, Pointer, Weighted, plan_key
from services.compiler.publish import Shelf
from tests.integration.compiler.conftest import KEEP

FOR_GOOD = -1
MOVE = b"EVALSHA"


class Interrupted:
    """A line on which somebody else comes first, once, where one of these commands is sent."""

    def __init__(
        self, line: RedisLine, names: Collection[bytes], meanwhile: Callable[[], Awaitable[object]]
    ) -> None:
        self._line = line
        self._names = names
        self._meanwhile = meanwhile

    async def execute(self, name: bytes, key: Key, *args: Arg) -> Reply:
        await self._let_in(name)
        return await self._line.execute(name, key, *args)

    async def run(self, script: Script, keys: Sequence[bytes], args: Sequence[Part]) -> Reply:
        await self._let_in(MOVE)
        return await self._line.run(script, keys, args)

    async def _let_in(self, name: bytes) -> None:
        if name in self._names:
            self._names = ()
            await self._meanwhile()


async def publish(line: RedisLine, generation: int, plan: str) -> None:
    candidate = Candidate("flow_login", "login", (Weighted(plan, generation, 100),))
    pointer = Pointer(FORMAT, generation, (candidate,))
    shelf = Shelf(line, keep=KEEP)
    assert await shelf.publish("default", FlowType.LOGIN, pointer, {plan: plan.encode()})


async def seconds(line: RedisLine, plan: str) -> int:
    return cast("int", await line.execute(b"TTL", plan_key("default", plan)))


@pytest.mark.parametrize(
    ("first", "then", "meanwhile", "led"),
    [
        ({MOVE}, (3, "a"), (2, "b"), "a"),
        ({b"PERSIST", b"EXPIRE"}, (2, "b"), (3, "a"), "a"),
        ({b"PERSIST", b"EXPIRE"}, (3, "a"), (4, "b"), "b"),
    ],
)
async def test_whoever_publishes_last_its_plans_lie_for_good_and_the_others_end(
    line: RedisLine, first: set[bytes], then: tuple[int, str], meanwhile: tuple[int, str], led: str
) -> None:
    await publish(line, 1, "a")
    interrupted = Interrupted(line, first, lambda: publish(line, *meanwhile))
    await publish(cast("RedisLine", interrupted), *then)
    (left,) = {"a", "b"} - {led}
    assert await seconds(line, led) == FOR_GOOD
    assert 0 < await seconds(line, left) <= KEEP


async def test_a_plan_that_ends_as_it_is_wanted_again_is_stored_anew(line: RedisLine) -> None:
    shelf = Shelf(line, keep=KEEP)
    await shelf.hold("default", "a", b"a")

    async def end() -> None:
        await line.execute(b"DEL", plan_key("default", "a"))

    for name in (b"SET", b"EXPIRE"):
        interrupted = cast("RedisLine", Interrupted(line, {name}, end))
        await Shelf(interrupted, keep=KEEP).hold("default", "a", b"a")
    assert 0 < await seconds(line, "a") <= KEEP
