"""Goes on by a link that was mailed, on whatever device somebody follows it.

Whoever follows a link has no `flowId`, and must not get the one that somebody else began with: who
typed an address and who reads its mail may be two. So the flow goes on as another session, which
nobody else knows of, and the one before is over. docs/decisions/0029-links.md says why.

    claim       the session that the link was mailed in, as any submit does
    run         its turn, as the session that goes on
    store       that turn in place of the session before: of two who follow a link, one does
    go on       the other session is made of it, and made again by who repeats the same request

A link that is not good says so in one way, whatever is wrong with it.
"""

from __future__ import annotations

import time
from typing import Final

import msgspec

from libs.common.chassis.logging import remember
from libs.common.errors import Denied, NotFound, Unauthenticated, Unavailable
from libs.common.flow.gate import Admission, admit
from libs.common.flow.interpreter import advance
from libs.common.flow.plan import Program
from libs.common.flow.turn import Facts, Session, Submission, Surroundings, Trial
from libs.common.nodes.onetime import TOKEN
from libs.common.secret import Secret
from services.executor import answers, wire
from services.executor.call import Call
from services.executor.handlers.table import converse
from services.executor.minter import Followed, Minter
from services.executor.plans import Admit
from services.executor.sessions import Found, Handle, Stored, Submit
from services.executor.turns import SessionOver, Turns

_WAY: Final = "link"


class UnknownLink(NotFound):
    """There is no such link, or it is good no more."""

    fault: Final = "unknown_link"

    def __init__(self) -> None:
        super().__init__("the link is not good, or not any more; start again to get another")


class UsedLink(SessionOver):
    """The link was followed before."""

    def __init__(self, session: str) -> None:
        """Name the session that it was mailed in, to those who know that anyway."""
        super().__init__("the link was used already, and works once", fault="used_link")
        self.session = session


def token_of(request: wire.Request) -> Secret | None:
    """Return the token by which `request`, which has no `flowId`, follows a link, if it does."""
    token = (request.inputs or {}).get(TOKEN.name)
    return Secret(token) if isinstance(token, str) and token else None


class Links:
    """Follows links."""

    def __init__(self, turns: Turns, minter: Minter) -> None:
        """Have turns run by `turns`; know the links that `minter` makes."""
        self._turns = turns
        self._minter = minter

    async def follow(self, call: Call, token: Secret, let: Admit) -> bytes:
        """Go on by the link that holds `token`, and return the answer, or that to an equal request.

        Raises `UnknownLink`, `SessionOver` for a link that was used, `Denied` or `Unauthenticated`
        where the flow is not for who calls, and what a turn raises.
        """
        metrics = self._turns.metrics
        try:
            answer = await self._follow(call, token, let)
        except UnknownLink:
            metrics.links.add("refused")
            raise
        except SessionOver:
            metrics.links.add("used")
            raise
        metrics.links.add("followed")
        return answer

    async def _follow(self, call: Call, token: Secret, let: Admit) -> bytes:
        known = len(token.reveal()) <= (TOKEN.longest or 0)
        followed = self._minter.follow(call.tenant, token) if known else None
        if followed is None:
            raise UnknownLink
        remember("session", followed.next)
        turns = self._turns
        handle = turns.sessions.handle(call.tenant, followed.session)
        # For no step: who follows a link has seen none.
        submit = turns.identify(call, followed.session, "", _WAY)
        repeated: list[Session] = []

        def given(found: Found) -> bytes | None:
            if found.standing == "answered":
                assert found.session is not None  # noqa: S101 - what was answered is stored
                repeated.append(found.session)
                turns.metrics.replays.add()
            return _given(found, followed.session)

        async def go_on(found: Found) -> bytes:
            return await self._go_on(call, handle, submit, followed, found)

        answer = await turns.settle(handle, submit, let, given, go_on)
        for session in repeated:
            # Whoever answered first may have died before it was made.
            await self._make(handle, session, answer)
        return answer

    async def _go_on(
        self, call: Call, handle: Handle, submit: Submit, followed: Followed, found: Found
    ) -> bytes:
        """Run the turn by which the flow goes on."""
        began = time.perf_counter()
        turns, session = self._turns, found.session
        assert session is not None  # noqa: S101 - CLAIMED has one
        if not session.awaits_link:
            turns.sessions.release(handle)
            raise UsedLink(session.id)
        program = await turns.plans.program(session.plan, call.tenant, session.type)
        now = int(turns.clock())
        surroundings = call.surroundings(now)
        await self._admit(call.tenant, program, followed.next, surroundings)
        following = msgspec.structs.replace(
            session,
            id=followed.next,
            started_at=now,
            expires_at=now + turns.lifetimes.of(session.type),
            trial=_still(session),
        )
        submitted = Submission("", call.request.inputs or {}, elsewhere=True)
        # Before it is stored: it may end elsewhere at once, and then is to be listed no more.
        turns.rollouts.begin(following)
        watched = turns.steps.watch(program, following, surroundings, submitted)
        walk = advance(program, following, submitted, surroundings, watched.recorder.watch)
        turn = await turns.walk(walk, watched, handle)
        if turn.path[0].outcome is None:
            # It waits where it waited: what it would show is not for who has no good link.
            raise UnknownLink
        stored = await turns.store(handle, watched, turn, submit, found, followed.session)
        await self._make(handle, stored.session, stored.answer)
        turns.count(turn, time.perf_counter() - began, watched.recorder)
        return stored.answer

    async def _make(self, handle: Handle, session: Session, answer: bytes) -> None:
        """Make the session that goes on, if it is not there yet."""
        turns = self._turns
        lasts = session.idle_until - int(turns.clock())
        if lasts <= 0:
            raise UnknownLink
        step = "" if session.over else answers.step_id(session.id, session.revision)
        stored = Stored(session=session, answer=answer, step=step, again=False, lasts=lasts)
        following = turns.sessions.handle(session.tenant, session.id)
        await turns.sessions.go_on(handle, following, stored)

    async def _admit(
        self, tenant: str, program: Program, session: str, surroundings: Surroundings
    ) -> None:
        """Raise unless whoever comes here with a link, and is known by nothing else, may start."""
        dialogue = admit(program, session, Facts(), surroundings, outpost=False)
        match await converse(self._turns.world, tenant, dialogue):
            case Admission.UNAUTHENTICATED:
                raise Unauthenticated("this flow goes on only where it was begun")
            case Admission.DENIED:
                raise Denied("the caller may not go on with this flow")
            case Admission.ADMITTED:
                pass


def _still(session: Session) -> Trial | None:
    """Have the session counted as the one that it began as."""
    trial = session.trial
    return trial and msgspec.structs.replace(trial, session=trial.session or session.id)


def _given(found: Found, session: str) -> bytes | None:
    """Return the answer that there is; None where the caller is to make it."""
    match found.standing:
        case "claimed":
            return None
        case "answered":
            return found.answer
        case "moved" | "ended" | "stale":
            raise UsedLink(session)
        case "busy":
            raise Unavailable("the session")
        case "expired" | "absent":
            raise UnknownLink
