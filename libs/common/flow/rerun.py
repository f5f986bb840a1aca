"""One replay of a session: the very interpreter, whose nodes do what the step log says they did.

A node that is as it was, and finds what it found, does what it did. Any other is really run, on
what was kept; where that needs what was not, the replay stops. It never guesses.
"""

from __future__ import annotations

import dataclasses
from collections import defaultdict, deque
from collections.abc import Callable
from functools import partial
from typing import Any, Final, Literal, NoReturn, TypeAlias

import msgspec
from msgspec.structs import replace

from libs.common.flow.contents import contents
from libs.common.flow.expression import MISSING, Expression, Scope, Value
from libs.common.flow.found import Found, finds_the_same, reads_the_same, takes_the_same
from libs.common.flow.gate import decide
from libs.common.flow.heard import Evaluated, hearing
from libs.common.flow.interpreter import Endless, advance, begin
from libs.common.flow.node import UNDECIDED, Visit
from libs.common.flow.plan import Check, Instruction, Program
from libs.common.flow.proof import Demand, evidence_of
from libs.common.flow.questions import LoadUser
from libs.common.flow.record import Learned
from libs.common.flow.recorder import words_of
from libs.common.flow.signins import EndSignIn, EndSignIns, KeepSignIn
from libs.common.flow.tape import Tape
from libs.common.flow.turn import (
    Bypass,
    Dialogue,
    Leave,
    Move,
    Over,
    Question,
    Session,
    Stay,
    Submission,
    Turn,
    at_once,
)
from libs.common.flow.unknown import Guarded, Undecided, explained, same
from libs.common.flow.users import Users
from libs.common.flow.world import drive

SUBMIT: Final = "what is sent to it"
"""What a node that waits would have to know."""

_SESSION: Final = "00000000-0000-4000-8000-000000000000"
_NOTHING_NEW: Final = Learned()


class Passed(msgspec.Struct, frozen=True):
    """A node that a replay ran, or that was left by its policies."""

    turn: int
    """From 1, as revisions."""
    node: str
    type: str
    outcome: str | None
    """None where it waits, where a flow runs for it, or where the flow is over."""
    recorded: bool
    """It did what it did in the session; another was really run."""
    expressions: tuple[Evaluated, ...] = ()
    """Those of its policies and of its config, and what each came to."""


class Stopped(msgspec.Struct, frozen=True):
    """Where a replay cannot go on."""

    node: str
    needs: tuple[str, ...]
    """What would have to be known there: attributes, or `what is sent to it`."""


Result: TypeAlias = Literal["success", "failure", "waiting", "undecided"]


class _Later:
    """Policies that could not be decided when the session started; maybe nobody asks for it."""

    def __init__(self, stop: Callable[[], NoReturn]) -> None:
        self._stop = stop

    def __bool__(self) -> bool:  # noqa: PLE0304 - it raises
        self._stop()


class Rerun:
    """One replay."""

    def __init__(self, program: Program, tape: Tape, session: Rerun | None) -> None:
        """`session` is the replay on the session's own plan: it says what each node found."""
        self.plain = program
        self._tape = tape
        self._session = session
        self.steps = {step.id: index for index, step in enumerate(program.steps)}
        self.found: dict[int, Found] = {}
        self.end: Found | None = None
        self.result: Result = "undecided"
        # What each node has still to do, by its id and whether it is sent something.
        self._left: defaultdict[tuple[str, bool], deque[int]] = defaultdict(deque)
        for number, moment in enumerate(tape.moments):
            self._left[moment.passage.node, moment.submitted].append(number)
        self._turn = 0
        self._where = ""
        self._recorded = False
        self._users = (
            Users(tape, None) if session is None else Users(tape, session.found, session.end)
        )
        self._words = words_of(program)
        visit = Visit(_SESSION, 0, "", program.type, tape.facts, tape.surroundings[0])
        self._start = self._found(visit)
        self.trace: list[Passed] = []
        self._program = replace(
            program,
            steps=tuple(map(self._step, program.steps)),
            demands=tuple(map(self._demand, program.demands)),
        )

    def play(self) -> Stopped | None:
        """Go as far as the log, and what was kept, lead; say why not to the end."""
        try:
            self.result = self._play()
        except Undecided as error:
            return Stopped(self._where, error.needs)
        except Endless:
            return Stopped(self._where, ("an end of this turn",))
        return None

    def _play(self) -> Result:
        surroundings = self._tape.surroundings
        session = self._begun()
        walk = begin(self._program, session, surroundings[0], self._watch, planned=True)
        turn: Turn = drive(walk, self._know)
        while isinstance(turn.shown, Stay):
            self._where = node = self.plain.steps[turn.session.node].id
            number = self._peek(node, submitted=True)
            if number is None or not self._is_as_it_was(node):
                if self._turn == len(surroundings) - 1:
                    return "waiting"
                raise Undecided(SUBMIT)
            self._turn = self._tape.moments[number].turn
            walk = advance(
                self._program, turn.session, Submission(), surroundings[self._turn], self._watch
            )
            turn = drive(walk, self._know)
        return "success" if turn.shown.succeeded else "failure"

    def _begun(self) -> Session:
        head, program = self._tape.head, self._program
        decided = {index: self._planned(index) for index in program.planned}
        return Session(
            id=_SESSION,
            tenant="",
            plan=program.plan,
            type=program.type,
            node=program.start,
            started_at=head.started_at,
            expires_at=head.expires_at,
            idle_until=head.expires_at,
            facts=self._tape.facts,
            planned={index: verdict for index, verdict in decided.items() if verdict is not True},
        )

    # --- nodes ---

    def _step(self, step: Instruction) -> Instruction:
        kind = dataclasses.replace(step.type, run=partial(self._run, step))
        if step.gate is None:
            return replace(step, type=kind)
        checks = tuple(
            replace(
                check,
                expression=Guarded(check.expression.tree, partial(self._policy, step, check)),
            )
            for check in step.gate.checks
        )
        return replace(step, type=kind, gate=replace(step.gate, checks=checks))

    def _run(self, step: Instruction, config: object, visit: Visit) -> Dialogue:
        self._where = step.id
        submitted = visit.submitted is not None
        number = self._peek(step.id, submitted=submitted)
        if number is not None and self._holds(step, number, visit):
            self._recorded = True
            return at_once(self._tape.moments[number].move(visit.facts))
        if submitted:
            raise Undecided(SUBMIT)
        run: Dialogue = step.type.run(hearing(config, "config", _settle), visit)
        return run

    def _holds(self, step: Instruction, number: int, visit: Visit) -> bool:
        """Whether a node does again what it did at a moment: it is as it was, and finds the same.

        Or at least what it looks at is the same, of all that it could look at.
        """
        if self._session is None:
            return True
        then, now = self._session.found[number], self._found(visit)
        if not (then.ran and self._is_as_it_was(step.id)):
            return False
        if finds_the_same(then, now):
            return True
        moment = self._tape.moments[number]
        if visit.submitted is not None:
            asks = self._words[step.id].inputs
            return takes_the_same(moment, asks, then.visit.facts, visit.facts)
        expressions = [each for _, each in contents(step.config, Expression)]
        if not expressions:
            # What `set_attribute` set is read by expressions alone.
            facts = replace(visit.facts, attributes=then.visit.facts.attributes)
            return finds_the_same(then, replace(now, visit=replace(visit, facts=facts)))
        if moment.passage.learned == _NOTHING_NEW:
            # It set what was so already. Here it may not be, and what that was is not kept.
            return False
        return reads_the_same(expressions, then, now.scope(*expressions))

    def _is_as_it_was(self, node: str) -> bool:
        """Whether the session's plan has the same node."""
        here, there = self.plain.steps[self.steps[node]], self._step_then(node)
        return (
            there is not None
            and there.type.name == here.type.name
            and same(there.config, here.config)
        )

    def _step_then(self, node: str) -> Instruction | None:
        session = self._session or self
        index = session.steps.get(node)
        return None if index is None else session.plain.steps[index]

    def _peek(self, node: str, *, submitted: bool) -> int | None:
        left = self._left[node, submitted]
        return left[0] if left else None

    def _watch(self, step: Instruction, visit: Visit, move: Move) -> None:
        submitted = visit.submitted is not None
        number = self._peek(step.id, submitted=submitted)
        bypassed = isinstance(move, Bypass)
        found = self._found(visit, ran=not bypassed)
        outcome = move.outcome if isinstance(move, Leave) else None
        recorded = self._recorded
        if bypassed and number is not None:
            # Policies are always looked at.
            then = self._tape.moments[number].passage
            recorded = (then.how, then.outcome) == ("bypass", outcome)
        self.trace.append(
            Passed(
                self._turn + 1,
                step.id,
                step.type.name,
                outcome,
                recorded,
                self._explain(self.plain.steps[self.steps[step.id]], found),
            )
        )
        if isinstance(move, Over):
            self.end = found
        if number is not None:
            self.found[number] = found
            self._left[step.id, submitted].popleft()
            self._users.pass_by(number, visit.facts.account)
        self._recorded = False

    # --- policies, and what the tenant demands ---

    def _planned(self, index: int) -> Any:  # noqa: ANN401 - a verdict, or that there is none yet
        """Say whether a step's policies passed when the session started."""
        step = self.plain.steps[index]
        gate, then = step.gate, self._step_then(step.id)
        assert gate is not None  # noqa: S101 - it is why the step is among those
        if then is not None and same(then.gate, gate):
            session = self._session or self
            return self._tape.head.planned.get(session.steps[step.id], True)
        checks = tuple(
            replace(check, expression=Guarded(check.expression.tree)) for check in gate.checks
        )
        try:
            scope = self._start.scope(*(check.expression for check in checks))
            return decide(replace(gate, checks=checks), scope)
        except Undecided as error:
            return _Later(partial(self._stop, step.id, error.needs))

    def _policy(
        self, step: Instruction, check: Check, needs: tuple[str, ...], scope: Scope
    ) -> Value:
        """Say what a policy came to that hangs on what was not kept: what it came to then."""
        number, then = self._peek(step.id, submitted=False), self._step_then(step.id)
        if number is None or then is None or not same(then.gate, step.gate):
            self._stop(step.id, needs)
        if self._session is not None and not self._decides_the_same(step, number, scope):
            self._stop(step.id, needs)
        passage = self._tape.moments[number].passage
        if passage.how == "bypass" and passage.outcome == UNDECIDED:
            return MISSING
        # Whatever of it could not be told came to what the whole came to.
        return (passage.how != "bypass") is not check.negate

    def _decides_the_same(self, step: Instruction, number: int, scope: Scope) -> bool:
        """Whether a step's policies come to what they came to at a moment."""
        session, gate = self._session, step.gate
        assert session is not None and gate is not None  # noqa: S101, PT018 - it is asked of both
        planned = self._tape.head.planned.get(session.steps[step.id], True)
        if gate.on_plan and planned is False:
            # They were not looked at then.
            return False
        expressions = [check.expression for check in gate.checks]
        return reads_the_same(expressions, session.found[number], scope)

    def _stop(self, node: str, needs: tuple[str, ...]) -> NoReturn:
        self._where = node
        raise Undecided(*needs)

    def _demand(self, demand: Demand) -> Demand:
        if demand.when is None:
            return demand
        return replace(demand, when=Guarded(demand.when.tree, partial(self._when, demand)))

    def _when(self, demand: Demand, needs: tuple[str, ...], scope: Scope) -> Value:
        """Say whether an invariant is meant, where that hangs on what was not kept."""
        assert demand.when is not None  # noqa: S101 - this is about it
        assert self.end is not None  # noqa: S101 - it is asked once the flow has ended
        broken = demand.name in self._tape.entries[-1].broken
        session = self._session
        if session is None:
            # Had it been meant, it would have been broken, or does not matter.
            return broken
        if demand.met_by(evidence_of(self.end.visit.facts)):
            return True
        end = session.end
        if end is None or not any(same(demand, each) for each in session.plain.demands):
            raise Undecided(*needs)
        if not reads_the_same((demand.when,), end, scope):
            raise Undecided(*needs)
        if broken:
            return True
        if session.result == "success" and not demand.met_by(evidence_of(end.visit.facts)):
            return False
        raise Undecided(*needs)

    # --- what is known ---

    def _know(self, question: Question[Any]) -> Any:  # noqa: ANN401 - as the question declares
        if isinstance(question, LoadUser):
            return self._users.find(question.account, self._turn)
        if isinstance(question, KeepSignIn):
            kept = self._tape.kept[self._turn]
            # A session that began none was told nothing: it stands unless the account is gone.
            there = self._users.find(question.account, self._turn) is not None
            return there if kept is None else kept
        if isinstance(question, EndSignIn | EndSignIns):
            # However it was, they have ended.
            return True
        raise Undecided(f"the answer to {type(question).__name__}")

    def _found(self, visit: Visit, *, ran: bool = True) -> Found:
        return Found(visit, self._users.find(visit.facts.account, self._turn), ran)

    def _explain(self, step: Instruction, found: Found) -> tuple[Evaluated, ...]:
        gate = step.gate
        shown: list[Evaluated] = []
        if gate is not None:
            then = found if gate.on_run else self._start
            for index, check in enumerate(gate.checks):
                path = f"policies[{index}].expression"
                shown.append(explained(path, check.expression, then.scope(check.expression)))
        if found.ran:
            for path, expression in contents(step.config, Expression):
                shown.append(explained(path, expression, found.scope(expression)))
        return tuple(shown)


def _settle(_path: str, said: Expression, scope: Scope) -> None:
    """Raise `Undecided` where `said` hangs on what was not kept."""
    Guarded(said.tree).evaluate(scope)
