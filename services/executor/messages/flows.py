"""Has a tenant's own flow deliver an SMS, in place of the deployment's gateway.

    the tenant has no such flow            the gateway sends it
    the flow ends in success               it is delivered
    it fails, takes too long, is not yet   `PutOff`: later, some times
    compiled
    it waits, or sends messages itself     `Hopeless`

The run is of this moment alone: its session, with the text in it, is stored nowhere, has no step
log, and is in no error here. The same effect makes the same session id, and so the same idempotency
keys of what the flow calls.
"""

from __future__ import annotations

import asyncio
import dataclasses
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import aiosql
import asyncpg

from libs.common.chassis.consume import Hopeless
from libs.common.chassis.postgres import asking_postgres
from libs.common.errors import NotFound
from libs.common.flow.interpreter import begin
from libs.common.flow.messaging import PhoneMessage
from libs.common.flow.model import FlowType, TriggerPoint
from libs.common.flow.plan import Program
from libs.common.flow.turn import Over, Session, Surroundings
from services.executor.handlers.table import converse
from services.executor.handlers.world import World
from services.executor.messages.letters import digest
from services.executor.messages.trouble import PutOff
from services.executor.plans import Plans
from services.executor.selection import draw

LONGEST_SECONDS: Final = 20.0
"""For one run: two calls that are tried as often as they may be, and some."""

_QUERIES: Final[Any] = aiosql.from_path(Path(__file__).with_suffix(".sql"), "asyncpg")


@dataclasses.dataclass(frozen=True, kw_only=True)
class SenderFlows:
    """The flows of all tenants that run in place of the gateway."""

    pool: asyncpg.Pool
    plans: Plans
    world: World
    clock: Callable[[], float]
    """Unix seconds."""

    async def deliver(self, tenant: str, id: str, due: PhoneMessage) -> bool:
        """Deliver what the effect with this `id` sends; false where that is the gateway's."""
        # Not by what Redis has: where it was emptied, the gateway would send what is not its own.
        async with asking_postgres():
            if not await _QUERIES.has_sender(self.pool, tenant=tenant):
                return False
        program = await self._program(tenant, id)
        now = int(self.clock())
        session = Session(
            id=str(uuid.UUID(digest(id))),
            tenant=tenant,
            plan=program.plan,
            type=program.type,
            node=program.start,
            started_at=now,
            expires_at=now,
            idle_until=now,
            facts=due.facts(),
        )
        walk = begin(program, session, Surroundings(time=now))
        try:
            async with asyncio.timeout(LONGEST_SECONDS):
                turn = await converse(self.world, tenant, walk)
        except TimeoutError:
            raise PutOff("the flow in place of the SMS gateway takes too long") from None
        if not isinstance(turn.shown, Over) or turn.effects:
            raise Hopeless("the flow in place of the SMS gateway waits, or sends itself")
        if not turn.shown.succeeded:
            node = turn.path[-1].node
            raise PutOff(f"the flow in place of the SMS gateway failed at `{node}`")
        return True

    async def _program(self, tenant: str, id: str) -> Program:
        """Find the first of the tenant's flows that are for this."""
        kind = FlowType.TRIGGER
        try:
            pointer = await self.plans.pointer(
                tenant, kind, await self.plans.ask(tenant, kind), _let_in
            )
        except NotFound:
            raise _too_early() from None
        for candidate in pointer.candidates:
            version = draw(candidate.versions, candidate.flow, id)
            program = await self.plans.program(version.plan, tenant, kind)
            if program.point is TriggerPoint.SEND_PHONE_MESSAGE:
                return program
        raise _too_early()


async def _let_in() -> None:
    """Have the compiler asked: nobody from outside is behind this."""


def _too_early() -> PutOff:
    return PutOff("the flow in place of the SMS gateway is not compiled")
