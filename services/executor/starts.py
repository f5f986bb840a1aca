"""Makes the session that a start asks for, or the answer to who may not have it.

Here is the order of things: who calls, what is active, what of it they may run, and at which
version. Each of these is decided elsewhere, and what the session then runs, by nobody here.
"""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Callable

import msgspec

from libs.common.errors import Invalid, Problem
from libs.common.flow.model import FlowType
from libs.common.flow.plan import Program
from libs.common.flow.turn import Session, Trial
from services.executor.call import Call, Opening
from services.executor.callers import Callers
from services.executor.denials import Denial, Denials
from services.executor.limits import Addresses
from services.executor.metrics import ExecutorMetrics
from services.executor.plans import Admit, Plans
from services.executor.selection import Chosen, Selection, Wish


@dataclasses.dataclass(frozen=True, kw_only=True)
class Lifetimes:
    """How long sessions last, in seconds."""

    of: Callable[[FlowType], int]
    idle: int
    claim: float


class Begun(msgspec.Struct, frozen=True):
    """A session that nobody has run or stored yet."""

    session: Session
    program: Program


@dataclasses.dataclass(frozen=True, kw_only=True)
class Starts:
    """Makes sessions."""

    plans: Plans
    searches: Addresses
    callers: Callers
    selection: Selection
    denials: Denials
    metrics: ExecutorMetrics
    lifetimes: Lifetimes

    async def make(self, call: Call, opening: Opening, now: int, admit: Admit) -> Begun | bytes:
        """Make the session that `call` asks for at Unix second `now`, or answer where to go on.

        Raises `NotFound` where there is no such flow, `Denied` or `Unauthenticated` where there is
        none for this caller, and `Invalid` for what cannot be meant.
        """
        kind = _type_of(call.request.flow_type)
        await self.denials.check(call.tenant, opening.next)
        asked = self.plans.ask(call.tenant, kind)
        await admit()
        pointer = await self.plans.pointer(
            call.tenant, kind, await asked, lambda: self.searches.admit(call.ip)
        )
        wish = Wish(
            tenant=call.tenant,
            type=kind,
            flow=call.request.flow,
            caller=await self.callers.identify(call.tenant, opening.bearer, kind),
            session=str(uuid.uuid4()),
            device=opening.device,
            surroundings=call.surroundings(now),
        )
        chosen = await self.selection.choose(pointer, wish)
        if isinstance(chosen, Denial):
            self.metrics.denials.add(call.tenant, kind.value)
            return self.denials.answer(kind, chosen, opening.next)
        return Begun(self._session(wish, chosen, now), chosen.program)

    def _session(self, wish: Wish, chosen: Chosen, now: int) -> Session:
        program, ends = chosen.program, now + self.lifetimes.of(wish.type)
        return Session(
            id=wish.session,
            tenant=wish.tenant,
            plan=program.plan,
            type=wish.type,
            node=program.start,
            started_at=now,
            expires_at=ends,
            idle_until=min(ends, now + self.lifetimes.idle),
            facts=wish.caller.facts,
            trial=_trial(chosen),
        )


def _trial(chosen: Chosen) -> Trial | None:
    rollout = chosen.candidate.rollout
    if rollout is None:
        return None
    return Trial(
        flow=chosen.candidate.flow,
        rollout=rollout.id,
        version=chosen.version,
        baseline=rollout.baseline,
        margin=rollout.margin,
        sessions=rollout.sessions,
    )


def _type_of(name: str | None) -> FlowType:
    kind = None if name is None else FlowType.from_wire(name)
    if kind is None:
        message = "there is no such flowType" if name else "a flowType or a flowId is needed"
        raise Invalid(message, (Problem("unknown_flow_type", message, path="flowType"),))
    return kind
