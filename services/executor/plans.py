"""Which plan a new session gets, and plans ready to run, kept in the process by hash.

A plan never changes, so what is kept needs no invalidation; the pointer is read anew for each
start. Where Redis lacks either, the compiler is asked to put it back, once however many wait.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from typing import Final, Generic, Protocol, TypeAlias, TypeVar, cast

import structlog
from structlog.typing import FilteringBoundLogger

from libs.common.chassis.redis_line.port import RedisLine, Reply
from libs.common.errors import NotFound, Unavailable
from libs.common.flow.model import FlowType
from libs.common.flow.node import NodeTypes
from libs.common.flow.plan import Program, UnreadablePlan, load
from libs.common.wire.plans import (
    Pointer,
    UnreadablePointer,
    decode_pointer,
    plan_key,
    pointer_key,
)
from services.executor.metrics import ExecutorMetrics

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

log: Final[FilteringBoundLogger] = structlog.get_logger()

_MISSING_SECONDS: Final = 2.0
"""For so long nobody asks the compiler again for what it said is not there. Anybody may start
flows that do not exist; only so many of those starts may reach the compiler."""
_MISSING_MOST: Final = 10_000
_ASKING_MOST: Final = 64


Admit: TypeAlias = Callable[[], Awaitable[None]]
"""Returns if a request may go on, and raises if not."""


class Publisher(Protocol):
    """The compiler, as far as executors know it."""

    async def publish(self, tenant: str, kind: FlowType) -> bool:
        """Have Redis hold what is active; false where nothing is. Raises `Unavailable`."""


class Plans:
    """The plans of all tenants."""

    def __init__(
        self,
        line: RedisLine,
        publisher: Publisher,
        types: NodeTypes,
        metrics: ExecutorMetrics,
        *,
        most: int,
    ) -> None:
        """Keep up to `most` plans ready to run."""
        self._line = line
        self._publisher = publisher
        self._types = types
        self._metrics = metrics
        self._most = most
        self._kept: OrderedDict[str, Program] = OrderedDict()
        self._loading: Flights[tuple[str, str], Program] = Flights()
        self._asking: Flights[tuple[str, FlowType], bool] = Flights()
        self._missing: dict[tuple[str, FlowType], float] = {}

    def ask(self, tenant: str, kind: FlowType) -> asyncio.Future[Reply]:
        """Send for the pointer that `pointer` reads; it leaves at the end of this tick."""
        return self._line.execute(b"GET", pointer_key(tenant, kind))

    async def pointer(
        self, tenant: str, kind: FlowType, reply: Reply, may_search: Admit
    ) -> Pointer:
        """Read what `ask` found; raise `NotFound` where nothing is active.

        What is not there is searched for by the compiler, if `may_search` lets the caller.
        """
        if reply is None:
            if not await self._publish(tenant, kind, may_search):
                raise NotFound("no such flow is active")
            reply = await self.ask(tenant, kind)
        if reply is None:
            raise Unavailable("the active flow")
        try:
            return decode_pointer(cast("bytes", reply))
        except UnreadablePointer as error:
            # A newer release has written it; its own executors are about to take over.
            log.warning("unreadable_pointer", reason=str(error))
            raise Unavailable("the active flow") from error

    def at_hand(self, plan: str) -> Program | None:
        """Return the plan with this hash where it is in the process: nearly always."""
        program = self._kept.get(plan)
        if program is not None:
            self._kept.move_to_end(plan)
            self._metrics.plan_hits.add()
        return program

    async def program(self, plan: str, tenant: str, kind: FlowType) -> Program:
        """Return the plan with this hash, ready to run; raise `Unavailable` where it is nowhere."""
        program = self.at_hand(plan)
        if program is not None:
            return program
        self._metrics.plan_misses.add()
        return await self._loading.join((tenant, plan), lambda: self._load(plan, tenant, kind))

    async def _load(self, plan: str, tenant: str, kind: FlowType) -> Program:
        data = await self._line.execute(b"GET", plan_key(tenant, plan))
        if data is None and await self._publish(tenant, kind):
            data = await self._line.execute(b"GET", plan_key(tenant, plan))
        if data is None:
            raise Unavailable("the flow's plan")
        try:
            program = load(cast("bytes", data), self._types, expecting=plan)
        except UnreadablePlan as error:
            log.error("unreadable_plan", reason=str(error))  # noqa: TRY400 - its message is all
            raise Unavailable("the flow's plan") from error
        self._kept[plan] = program
        if len(self._kept) > self._most:
            self._kept.popitem(last=False)
        return program

    async def _publish(self, tenant: str, kind: FlowType, may_search: Admit | None = None) -> bool:
        wanted = (tenant, kind)
        now = asyncio.get_running_loop().time()
        if self._missing.get(wanted, 0.0) > now:
            return False
        if wanted not in self._asking:
            if len(self._asking) >= _ASKING_MOST:
                raise Unavailable("the compiler")
            if may_search is not None:
                await may_search()
        self._metrics.plans_wanted.add()
        there = await self._asking.join(wanted, lambda: self._publisher.publish(tenant, kind))
        if not there:
            if len(self._missing) >= _MISSING_MOST:
                self._missing.clear()
            self._missing[wanted] = now + _MISSING_SECONDS
        return there


class Flights(Generic[K, V]):
    """Work that is done once for all who want it at the same time."""

    def __init__(self) -> None:
        """Begin with nothing under way."""
        self._tasks: dict[K, asyncio.Task[V]] = {}

    def __contains__(self, key: K) -> bool:
        return key in self._tasks

    def __len__(self) -> int:
        return len(self._tasks)

    async def join(self, key: K, work: Callable[[], Awaitable[V]]) -> V:
        """Return what `work` does, or what is already being done under `key`."""
        task = self._tasks.get(key)
        if task is None:
            task = self._tasks[key] = asyncio.ensure_future(_run(work))
            task.add_done_callback(lambda done: self._landed(key, done))
        # Whoever gives up must not take the others' work with them.
        return await asyncio.shield(task)

    def _landed(self, key: K, task: asyncio.Task[V]) -> None:
        del self._tasks[key]
        if not task.cancelled():
            # Looked at, in case everybody who wanted it has gone.
            task.exception()


async def _run(work: Callable[[], Awaitable[V]]) -> V:
    return await work()
