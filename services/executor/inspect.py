"""Tells what a session did, and replays it, from its step log; and how those of a rollout ended.

For whoever runs the flows. What the log has, it tells, and no more; it never opens the session
itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Final, Literal

import msgspec
import structlog
from structlog.typing import FilteringBoundLogger

from libs.common.chassis.seal import Unsealable
from libs.common.errors import Unavailable
from libs.common.flow.plan import Program
from libs.common.flow.record import MOST_ENTRIES, Answered, Entry, Passage
from libs.common.flow.replay import replay
from libs.common.flow.rerun import Passed
from libs.common.flow.tape import Tape, make_tape
from libs.common.flow.turn import FLOW_FAILED, FieldError
from libs.common.wire.inspect import (
    Answer,
    Asked,
    CountWanted,
    Failed,
    Inspected,
    InspectWanted,
    Missing,
    PassedNode,
    Record,
    Replayed,
    ReplayWanted,
    TurnTaken,
    Wanted,
)
from services.executor.plans import Plans
from services.executor.rollouts import Rollouts
from services.executor.sessions import Sessions
from services.executor.steplog import UnreadableEntry, read

log: Final[FilteringBoundLogger] = structlog.get_logger()


class Inspector:
    """Looks into the step logs of all tenants."""

    def __init__(self, sessions: Sessions, plans: Plans, rollouts: Rollouts) -> None:
        self._sessions = sessions
        self._plans = plans
        self._rollouts = rollouts

    async def answer(self, wanted: Wanted) -> Answer:
        """Tell, replay or count; `Failed` where something that it needs cannot be reached."""
        try:
            if isinstance(wanted, CountWanted):
                return await self._rollouts.count(wanted)
            found = await self._load(wanted)
            if not isinstance(found, _Found):
                return found
            if isinstance(wanted, ReplayWanted):
                return await self._replay(found.tape, wanted)
            return await self._inspect(found, wanted)
        except Unavailable as error:
            return Failed(error.what)

    async def _load(self, wanted: InspectWanted | ReplayWanted) -> _Found | Missing | Failed:
        handle = self._sessions.handle(wanted.tenant, wanted.session)
        sealed = await self._sessions.steps(handle)
        entries: list[Entry] = []
        try:
            for each in sealed:
                entries.append(read(handle.open_step(each)))  # noqa: PERF401 - what was read counts
        except (Unsealable, UnreadableEntry) as error:
            log.warning("step_log_unreadable", reason=str(error), turns=len(entries))
            if not entries and isinstance(error, UnreadableEntry):
                # A newer release has written it, whose executors are about to take over.
                return Failed("the step log")
        tape = make_tape(entries)
        if tape is None:
            return Missing()
        kept = len(tape.entries)
        return _Found(tape, kept < len(sealed) or kept == MOST_ENTRIES)

    async def _inspect(self, found: _Found, wanted: InspectWanted) -> Inspected:
        own = None
        try:
            own = await self._program(found.tape.head.plan, wanted.tenant, found.tape)
        except Unavailable as error:
            # What happened can be told all the same, only not why.
            log.warning("step_log_unexplained", reason=error.message)
        # In a thread, as a replay runs hundreds of nodes, and turns want to be answered meanwhile.
        record = await asyncio.to_thread(record_of, wanted.session, found.tape, own, cut=found.cut)
        return Inspected(record)

    async def _replay(self, tape: Tape, wanted: ReplayWanted) -> Replayed:
        own = await self._program(tape.head.plan, wanted.tenant, tape)
        target = None
        if wanted.plan is not None:
            target = await self._program(wanted.plan, wanted.tenant, tape)
        return Replayed(await asyncio.to_thread(replay, tape, own, target))

    async def _program(self, plan: str, tenant: str, tape: Tape) -> Program:
        return await self._plans.program(plan, tenant, tape.head.type)


class _Found(msgspec.Struct, frozen=True):
    tape: Tape
    cut: bool
    """See `Record.cut`."""


def record_of(session: str, tape: Tape, own: Program | None, *, cut: bool) -> Record:
    """Tell what is on a tape; `own`, the session's plan, adds why it went there."""
    head, last = tape.head, tape.entries[-1]
    why = iter(() if own is None else replay(tape, own).trace)
    return Record(
        id=session,
        flow=head.flow,
        version=head.version,
        type=head.type,
        plan=head.plan,
        started_at=head.started_at,
        expires_at=head.expires_at,
        result=_result(last),
        cut=cut,
        facts=head.facts,
        turns=tuple(_turn(entry, why) for entry in tape.entries),
    )


def _result(last: Entry) -> Literal["success", "failure", "waiting"]:
    if last.passages[-1].how == "stay":
        return "waiting"
    # Not by how its last node moved: a flow can fail though that would have had it succeed, since
    # nothing was proved, or since it was the end of a flow inside.
    return "failure" if last.message == FLOW_FAILED.key else "success"


def _turn(entry: Entry, why: Iterator[Passed]) -> TurnTaken:
    """Tell of a turn; `why` goes on with its nodes, and then with those of the next."""
    return TurnTaken(
        turn=entry.revision,
        at=entry.at,
        action=entry.action,
        inputs=entry.inputs,
        client=entry.client,
        nodes=tuple(_node(passage, next(why, None)) for passage in entry.passages),
        message=entry.message,
        errors=tuple(FieldError(*error) for error in entry.errors),
        asked=_asked(entry.asked),
        broken=entry.broken,
    )


def _node(passage: Passage, why: Passed | None) -> PassedNode:
    return PassedNode(
        node=passage.node,
        type=None if why is None else why.type,
        how=passage.how,
        outcome=passage.outcome,
        learned=passage.learned,
        answers=_asked(passage.answers),
        points=passage.points,
        expressions=() if why is None else why.expressions,
    )


def _asked(answers: tuple[Answered, ...]) -> tuple[Asked, ...]:
    return tuple(Asked(each.question, each.answer, each.user) for each in answers)
