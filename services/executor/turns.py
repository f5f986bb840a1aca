"""The shell around the flow language: load → ask … → store → tell, and nothing that decides.

One request is one turn. Where a flow goes is the interpreter's to say, which submit is a repeat is
the sessions', and what an answer looks like is `answers`'. Nothing of a turn is shown before it is
stored.
"""

from __future__ import annotations

import asyncio
import dataclasses
import functools
import time
import uuid
from collections.abc import Awaitable, Callable
from typing import Final
from zlib import crc32

import msgspec
import structlog
from structlog.typing import FilteringBoundLogger

from libs.common.chassis.logging import remember
from libs.common.chassis.redis_line.port import Reply
from libs.common.chassis.seal import Keys, Unsealable
from libs.common.errors import (
    Conflict,
    Expired,
    GatehouseError,
    NotFound,
    Unavailable,
)
from libs.common.flow.interpreter import Walk, advance, begin
from libs.common.flow.model import FlowType
from libs.common.flow.recorder import Recorder
from libs.common.flow.turn import Over, Session, Stay, Submission, Turn
from services.executor import answers, wire
from services.executor.assertions import Assertions
from services.executor.call import Call, Opening
from services.executor.directory.signins import sid_of
from services.executor.effects import Effects
from services.executor.handlers.table import converse
from services.executor.handlers.world import World
from services.executor.hold import Hold
from services.executor.metrics import ExecutorMetrics
from services.executor.plans import Admit, Plans
from services.executor.rollouts import Ending, Rollouts
from services.executor.sessions import (
    Found,
    Handle,
    Sessions,
    Stored,
    Submit,
    UnreadableSession,
)
from services.executor.starts import Lifetimes, Starts
from services.executor.steplog import StepLog, Watched
from services.executor.texts.catalogue import Texts

log: Final[FilteringBoundLogger] = structlog.get_logger()

_SUBMIT: Final = b"submit"
_FIRST_LOOK: Final = 0.01
_SLOWEST_LOOK: Final = 0.1
_PATIENCE: Final = 10.0
"""Seconds that a submit waits for another one of the same session."""

_START_AGAIN: Final = "send a flowType, and no flowId, to start again"

_ID_LENGTH: Final = 36
_OF_IDS: Final = "-0123456789abcdef"
"""What a session's id is made of as we give it, and nearly all clients send it back."""

_LOOK: Final = Submit(digests=[], step="look", named=False, shape="")
"""Answers no step, so it claims nothing, and finds what is current."""

_ENCODER: Final = msgspec.json.Encoder(order="deterministic")


class Overtaken(Conflict):
    """Another submit was faster, or this one is for another step."""

    def __init__(self, answer: bytes) -> None:
        """Carry the answer that is now current, for `wire.current_step`."""
        super().__init__("this step is not the current one")
        self.answer = answer


class SessionOver(Expired):
    """The session has expired, its flow has ended, or it goes on elsewhere."""

    def __init__(
        self, message: str, kind: FlowType | None = None, fault: str | None = None
    ) -> None:
        """Name the type of flow to start again, and the fault where it has one of its own."""
        super().__init__(message)
        self.type = kind
        self.fault = fault


@dataclasses.dataclass(frozen=True, kw_only=True)
class Turns:
    """Runs turns."""

    sessions: Sessions
    plans: Plans
    starts: Starts
    rollouts: Rollouts
    world: World
    assertions: Assertions
    effects: Effects
    steps: StepLog
    texts: Texts
    metrics: ExecutorMetrics
    keys: Keys
    lifetimes: Lifetimes
    clock: Callable[[], float]
    """Unix seconds."""

    async def start(self, call: Call, opening: Opening, admit: Admit) -> bytes:
        """Begin a session and return the answer; raise what `Starts.make` and a turn raise."""
        now = int(self.clock())
        began = time.perf_counter()
        begun = await self.starts.make(call, opening, now, admit)
        if isinstance(begun, bytes):
            return begun
        session = begun.session
        remember("session", session.id)
        # Before it is run: a version that cannot be run at all is to be found out as well.
        self.rollouts.begin(session)
        handle = self.sessions.handle(call.tenant, session.id)
        watched = self.steps.watch(begun.program, session, call.surroundings(now))
        walk = begin(begun.program, session, watched.surroundings, watched.recorder.watch)
        turn = await self.walk(walk, watched, None)
        stored = await self.store(handle, watched, turn, None, None)
        self.metrics.start(call.tenant, session.type)
        self.count(turn, time.perf_counter() - began, watched.recorder)
        return stored.answer

    # What only hands on is no coroutine: each that waits for another is paid for at every answer.
    def submit(self, call: Call, admit: Admit) -> Awaitable[bytes]:
        """Answer a submit: by a turn, or as an equal one was answered.

        Raises `NotFound`, `SessionOver`, `Overtaken`, and what a turn raises.
        """
        id = _session_id(call.request)
        remember("session", id)
        handle = self.sessions.handle(call.tenant, id)
        submit = self.identify(call, id, call.request.step_id or "")
        advance = functools.partial(self._advance, call, handle, submit)
        return self.settle(handle, submit, admit, self._given, advance)

    async def settle(
        self,
        handle: Handle,
        submit: Submit,
        admit: Admit,
        given: Callable[[Found], bytes | None],
        advance: Callable[[Found], Awaitable[bytes]],
    ) -> bytes:
        """Return what is `given` for a submit, or what comes of it where the session is claimed."""
        try:
            asked = self.sessions.ask(handle, submit)
            await admit()
            found = self._read(handle, await asked)
            if found.standing == "busy":
                found = await self._wait(handle, submit, found.revision)
            try:
                return given(found) or await advance(found)
            except Conflict as error:
                if isinstance(error, Overtaken):
                    raise
                # The claim lapsed in the middle of the turn. Somebody else may have run it since.
                found = await self._wait(handle, submit, found.revision)
                return given(found) or await advance(found)
        except (Overtaken, SessionOver):
            # Nothing was claimed.
            raise
        except BaseException:
            # Any look may have claimed the session. Whatever it was, a retry may begin at once.
            self.sessions.release(handle)
            raise

    async def look(self, call: Call, admit: Admit) -> bytes:
        """Return the answer that is current; raise `NotFound`, or `SessionOver` where none is."""
        id = _session_id(call.request)
        remember("session", id)
        handle = self.sessions.handle(call.tenant, id)
        asked = self.sessions.ask(handle, _LOOK)
        await admit()
        found = self._read(handle, await asked)
        if found.session is not None and found.session.over:
            raise SessionOver(f"this flow has ended; {_START_AGAIN}", found.type)
        if found.answer is not None:
            return found.answer
        if found.standing in ("expired", "moved"):
            self._given(found)
        raise _unknown_session()

    def _given(self, found: Found) -> bytes | None:
        """Return the answer that there is; None where the caller is to make it."""
        match found.standing:
            case "claimed":
                return None
            case "answered":
                self.metrics.replays.add()
                return found.answer
            case "stale":
                self.metrics.conflicts.add()
                raise Overtaken(found.answer or b"")
            case "expired":
                raise SessionOver(f"this flow has expired; {_START_AGAIN}", found.type)
            case "ended":
                raise SessionOver(f"this flow has ended; {_START_AGAIN}", found.type)
            case "moved":
                message = "somebody has followed the link that was mailed, and goes on there"
                raise SessionOver(message, fault="moved")
            case "busy":
                raise Unavailable("the session")
            case "absent":
                raise _unknown_session()

    async def _wait(self, handle: Handle, submit: Submit, seen: bytes) -> Found:
        """Look again until whoever answers the session is done, or has died."""
        pause, until = _FIRST_LOOK, time.monotonic() + _PATIENCE
        while True:
            await asyncio.sleep(pause)
            pause = min(2 * pause, _SLOWEST_LOOK)
            found = self._read(handle, await self.sessions.ask(handle, submit, seen))
            if found.standing != "busy" or time.monotonic() > until:
                return found

    def _read(self, handle: Handle, reply: Reply) -> Found:
        try:
            return self.sessions.read(handle, reply)
        except Unsealable as error:
            # Its key was taken out of the deployment: it is as lost as if Redis had been emptied.
            log.warning("session_unsealable", reason=str(error))
            raise _unknown_session() from error
        except UnreadableSession as error:
            # A newer release has written it, whose executors are about to take over.
            log.warning("session_unreadable", reason=str(error))
            raise Unavailable("the session") from error

    async def _advance(self, call: Call, handle: Handle, submit: Submit, found: Found) -> bytes:
        began = time.perf_counter()
        session = found.session
        assert session is not None  # noqa: S101 - CLAIMED has one
        program = self.plans.at_hand(session.plan)
        if program is None:
            program = await self.plans.program(session.plan, call.tenant, session.type)
        submitted = Submission(call.request.pressed, call.request.inputs or {})
        surroundings = call.surroundings(int(self.clock()))
        watched = self.steps.watch(program, session, surroundings, submitted)
        walk = advance(program, session, submitted, surroundings, watched.recorder.watch)
        turn = await self.walk(walk, watched, handle)
        stored = await self.store(handle, watched, turn, submit, found)
        self.count(turn, time.perf_counter() - began, watched.recorder)
        return stored.answer

    async def walk(self, walk: Walk, watched: Watched, held: Handle | None) -> Turn:
        """Answer what the walk asks until it is a turn, holding on to the claim meanwhile."""
        try:
            try:
                question = next(walk)
            except StopIteration as done:
                return _turn_of(done)
            hold = None if held is None else Hold(self.sessions, held, self.lifetimes.claim / 3)
            try:
                return await converse(
                    self.world, watched.begun.tenant, walk, question, watched.hear
                )
            finally:
                if hold is not None:
                    hold.let_go()
        except GatehouseError:
            raise
        except Exception:
            # Nobody foresaw it, so it may well be the version's doing.
            self.rollouts.end(watched.begun, Ending.FAULT)
            raise

    def count(self, turn: Turn, seconds: float, recorder: Recorder) -> None:
        """Tell whoever counts of a turn that is stored."""
        self.metrics.turn(turn, seconds, recorder)
        if turn.broken:
            log.warning("invariant_refused", invariants=turn.broken)
            self.metrics.invariant_refusals.add(turn.session.tenant, turn.session.type.value)
        if type(turn.shown) is Over:
            ending = Ending.SUCCESS if turn.shown.succeeded else Ending.FAILURE
            self.rollouts.end(turn.session, ending)

    async def store(
        self,
        handle: Handle,
        watched: Watched,
        turn: Turn,
        submit: Submit | None,
        found: Found | None,
        origin: str | None = None,
    ) -> Stored:
        """Store the turn, tell its effects, and return what was stored.

        With an `origin`, it is stored there, and the session of the turn is one that goes on.
        """
        session, shown, submitted = turn.session, turn.shown, watched.submitted
        now = watched.surroundings.time
        patience = shown.patience if isinstance(shown, Stay) else 0
        idle_until = min(session.expires_at, now + max(self.lifetimes.idle, patience))
        session = msgspec.structs.replace(session, idle_until=idle_until)
        language = self.texts.of(watched.surroundings.language)
        step, again = "", False
        if isinstance(shown, Stay):
            step = answers.step_id(session.id, session.revision)
            answer = answers.show(session, shown, step, language)
            again = submitted is not None and answers.could_answer(shown.view, submitted)
        else:
            answer = answers.end(session, shown, self._assert(session, shown), language)
        body = wire.encode(answer)
        telling = None
        if turn.effects or (found is not None and found.effects is not None):
            before = None if found is None else found.effects
            teller = session if origin is None else msgspec.structs.replace(session, id=origin)
            telling = await self.effects.prepare(handle, teller, before, turn.effects)
        stored = Stored(
            session=session,
            answer=body,
            step=step if origin is None else "",
            again=again or origin is not None,
            lasts=idle_until - now,
            effects=None if telling is None else telling.sealed,
            entry=watched.entry(turn),
            moved=origin is not None,
        )
        expecting = None if found is None else session.revision - 1
        if not await self.sessions.store(handle, stored, submit, expecting):
            raise Conflict("the session was changed by somebody else")
        if telling is not None:
            self.effects.tell(telling)
        return stored

    def _assert(self, session: Session, over: Over) -> str | None:
        if not over.sign_in:
            return None
        since = session.proved_at
        assert since is not None  # noqa: S101 - whoever is signed in has proved something
        return self.assertions.sign(session.tenant, sid_of(session.id), session.facts, since)

    def identify(self, call: Call, session: str, step: str, way: str = "") -> Submit:
        """Say what tells this submit from others, for `step` if it says so.

        One that comes another `way` is never taken for one that comes in the usual.
        """
        request = call.request
        action, inputs = request.pressed, request.inputs or {}
        # With the session in it, so that equal digests of two sessions do not tell that the same
        # password was typed in both. With the inputs even where there is a key: who guesses a key
        # would otherwise be given the answer that a password earned.
        sent = (
            [session, call.key, step, action, inputs, way]
            if way
            else [session, call.key, step, action, inputs]
        )
        return Submit(
            digests=self.keys.digests(_SUBMIT, _ENCODER.encode(sent)),
            step=step,
            named=call.key is not None,
            shape=str(crc32(_ENCODER.encode([action, sorted(inputs)]))),
        )


def _turn_of(done: StopIteration) -> Turn:
    turn: Turn = done.value
    return turn


def _session_id(request: wire.Request) -> str:
    id = request.flow_id or ""
    if len(id) == _ID_LENGTH and not id.strip(_OF_IDS):
        return id
    try:
        return str(uuid.UUID(id))
    except ValueError:
        # Not worth a look: no session is called so.
        raise _unknown_session() from None


def _unknown_session() -> NotFound:
    return NotFound(f"there is no such flow in progress; {_START_AGAIN}")
