"""When the compiler works: at an event, at a request, and every so often by itself.

An event may be late, twice, or lost with its stream; looking at what Redis lacks finds what it
would have said. A request is answered in any case, so that nobody waits for nothing.
"""

from __future__ import annotations

import asyncio

import structlog
from structlog.typing import FilteringBoundLogger

from libs.common.chassis.bus import Bus
from libs.common.chassis.consume import Consumer, Consumption, Message
from libs.common.chassis.events import EVENT_STREAM
from libs.common.chassis.metrics import Metrics
from libs.common.chassis.tasks import end
from libs.common.errors import Unavailable
from libs.common.flow.model import FlowType
from libs.common.wire.events import (
    COMPILE,
    FLOW_CHANGED,
    PUBLISH,
    TENANT_CHANGED,
    Answer,
    CompileWanted,
    Failed,
    FlowChanged,
    PublishWanted,
    TenantChanged,
    decode,
    encode,
)
from services.compiler.compiling import Compiler
from services.compiler.metrics import CompilerMetrics

CONSUMER = Consumer(
    stream=EVENT_STREAM, durable="compiler", subjects=(FLOW_CHANGED, TENANT_CHANGED), workers=4
)
"""Shared by all replicas."""

QUEUE = "compiler"

log: FilteringBoundLogger = structlog.get_logger()


def hear_events(
    bus: Bus, compiler: Compiler, counted: CompilerMetrics, metrics: Metrics
) -> Consumption:
    """Return the consumption of what changes, not yet started."""

    async def publish(tenant: str, types: tuple[FlowType, ...], at: float) -> None:
        for kind in types:
            await compiler.publish(tenant, kind)
        counted.runnable(at)

    async def handle(message: Message) -> None:
        if message.subject == TENANT_CHANGED:
            changed = decode(message.data, TenantChanged)
            await publish(changed.tenant, changed.types, changed.at)
            return
        event = decode(message.data, FlowChanged)
        # A flow that was only just made is a draft: nothing that runs has changed.
        if event.action != "created":
            # One of the release before names no types.
            await publish(event.tenant, event.types or (event.type,), event.at)

    return Consumption(bus, CONSUMER, handle, metrics)


async def answer_requests(bus: Bus, compiler: Compiler) -> None:
    """Answer whoever wants a version compiled or a pointer published, until the bus closes."""

    async def compile_version(payload: bytes) -> bytes:
        wanted = decode(payload, CompileWanted)
        try:
            answer: Answer = await compiler.compile(wanted.tenant, wanted.flow, wanted.version)
        except Unavailable as error:
            answer = _failed(error)
        return encode(answer)

    async def publish(payload: bytes) -> bytes:
        wanted = decode(payload, PublishWanted)
        try:
            answer = await compiler.publish(wanted.tenant, wanted.type)
        except Unavailable as error:
            answer = _failed(error)
        return encode(answer)

    await bus.respond(COMPILE, QUEUE, compile_version)
    await bus.respond(PUBLISH, QUEUE, publish)


class Reconciler:
    """Makes what Redis lacks: all of it once at start, then whatever is found missing."""

    def __init__(self, compiler: Compiler, *, every: float) -> None:
        """Look again each `every` seconds."""
        self._compiler = compiler
        self._every = every
        self._task: asyncio.Task[None] | None = None
        self._done_once = False

    def start(self) -> None:
        """Begin with everything."""
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Stop wherever it is: what is half done is done again by the next look."""
        if self._task is not None:
            await end(self._task)

    async def check(self) -> None:
        """Raise `Unavailable` until everything was made once, for `/readyz`."""
        if not self._done_once:
            raise Unavailable("the first look at what Redis lacks")

    async def _run(self) -> None:
        while True:
            try:
                made = await self._compiler.reconcile(everything=not self._done_once)
            except Unavailable as error:
                log.warning("reconcile_waits", reason=error.message)
            except Exception:
                # A fault of ours, which must not end the looking: it is what heals the rest.
                log.exception("reconcile_failed")
            else:
                if made:
                    log.info("reconciled", published=made, first=not self._done_once)
                self._done_once = True
            await asyncio.sleep(self._every if self._done_once else 1.0)


def _failed(error: Unavailable) -> Failed:
    log.warning("cannot_answer", reason=error.message)
    return Failed(error.what)
