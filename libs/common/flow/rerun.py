"""One replay of a session: the very interpreter, whose nodes do what the step log says they did.

A node that is as it was, and finds what it found, does what it did. Any other is really run, on
what was kept; where that needs what was not, the replay stops. It never guesses.
"""

from __future__ import annotations

import dataclasses
from collections import defaultdict, deque
from functools import partial
from typing import Any, Final, Literal, TypeAlias

import msgspec
from msgspec.structs import replace

from libs.common.flow.contents import contents
from libs.common.flow.expression import MISSING, Expression, Scope, Value
from libs.common.flow.gate import decide
from libs.common.flow.heard import Evaluated, hearing
from libs.common.flow.interpreter import Endless, advance, begin
from libs.common.flow.node import SKIPPED, UNDECIDED, Visit, scope_for
from libs.common.flow.plan import Check, Instruction, Program
from libs.common.flow.proof import Demand, evidence_of
from libs.common.flow.questions import LoadUser
from libs.common.flow.recorder import PERSONAL
from libs.common.flow.tape import Tape
from libs.common.flow.turn import (
    Dialogue,
    Facts,
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
from libs.common.flow.unknown import (
    Guarded,
    Undecided,
    UnknownUser,
    explained,
    readings,
)
from libs.common.flow.world import drive

SUBMIT: Final = "what is sent to it"
"""What a node that waits would have to know."""

_SESSION: Final = "00000000-0000-4000-8000-000000000000"


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


class Found(msgspec.Struct, frozen=True):
    """What a node found in the session."""

    visit: Visit
    user: Any
    """What was known of the account."""
    ran: bool = True
    """It was run, rather than left by its policies."""

    def scope(self, *expressions: Expression) -> Scope:
        """Return what `expressions` read there."""
        return drive(scope_for(self.visit, *expressions), lambda _question: self.user)


class _Later:
    """A policy that could not be decided when the session started; maybe nobody asks for it."""

    def __init__(self, error: Undecided) -> None:
        self._error = error

    def __bool__(self) -> bool:
        raise self._error


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
        self._ran = self._recorded = False
        self._users: dict[str, Any] = {}
        self._done: set[int] = set()
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
        self._where, self._ran = step.id, True
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

        Of what it was sent it need not find more the same than whom that is about.
        """
        session = self._session
        if session is None:
            return True
        then = session.found.get(number)
        if then is None or not then.ran or not self._is_as_it_was(step.id):
            return False
        before, now = then.visit, visit
        if before.surroundings is now.surroundings and _alike(before.facts, now.facts):
            return True
        if now.submitted is not None:
            answers = self._tape.moments[number].passage.answers
            personal = any(each.question in PERSONAL for each in answers)
            return not personal or _alike(_who(before.facts), _who(now.facts))
        expressions = [each for _, each in contents(step.config, Expression)]
        scope = self._scope(now, *expressions)
        return bool(expressions) and all(_reads_alike(each, then, scope) for each in expressions)

    def _is_as_it_was(self, node: str) -> bool:
        """Whether the session's plan has the same node."""
        here, there = self.plain.steps[self.steps[node]], self._step_then(node)
        return (
            there is not None and there.type.name == here.type.name and there.config == here.config
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
        found = Found(visit, self._user(visit.facts.account), self._ran)
        outcome = move.outcome if isinstance(move, Leave) else None
        # Policies are always looked at; the node then did what it did, or did not.
        skipped = (
            not self._ran
            and number is not None
            and (self._tape.moments[number].passage.outcome == outcome)
        )
        self.trace.append(
            Passed(
                self._turn + 1,
                step.id,
                step.type.name,
                outcome,
                self._recorded or skipped,
                self._explain(self.plain.steps[self.steps[step.id]], found),
            )
        )
        if isinstance(move, Over):
            self.end = found
        if number is not None:
            self.found[number] = found
            self._done.add(number)
            self._left[step.id, submitted].popleft()
            self._learn(number, found)
        self._ran = self._recorded = False

    # --- policies, and what the tenant demands ---

    def _planned(self, index: int) -> Any:  # noqa: ANN401 - a verdict, or that there is none yet
        """Say whether a step's policies passed when the session started."""
        step = self.plain.steps[index]
        gate, then = step.gate, self._step_then(step.id)
        assert gate is not None  # noqa: S101 - it is why the step is among those
        if then is not None and then.gate == gate:
            session = self._session or self
            return self._tape.head.planned.get(session.steps[step.id], True)
        checks = tuple(
            replace(check, expression=Guarded(check.expression.tree)) for check in gate.checks
        )
        try:
            scope = self._at_start().scope(*(check.expression for check in checks))
            return decide(replace(gate, checks=checks), scope)
        except Undecided as error:
            return _Later(error)

    def _policy(
        self, step: Instruction, check: Check, needs: tuple[str, ...], scope: Scope
    ) -> Value:
        """Say what a policy came to that hangs on what was not kept: what it came to then."""
        self._where = step.id
        number, then = self._peek(step.id, submitted=False), self._step_then(step.id)
        if number is None or then is None or then.gate != step.gate:
            raise Undecided(*needs)
        if self._session is not None:
            found = self._session.found.get(number)
            if found is None or not _reads_alike(check.expression, found, scope):
                raise Undecided(*needs)
        outcome = self._tape.moments[number].passage.outcome
        if outcome == UNDECIDED:
            return MISSING
        # Whatever of it could not be told came to what the whole came to.
        return (outcome != SKIPPED) is not check.negate

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
        if end is None or demand not in session.plain.demands:
            raise Undecided(*needs)
        if not _reads_alike(demand.when, end, scope):
            raise Undecided(*needs)
        if broken:
            return True
        if session.result == "success" and not demand.met_by(evidence_of(end.visit.facts)):
            return False
        raise Undecided(*needs)

    # --- what is known ---

    def _at_start(self) -> Found:
        facts, surroundings = self._tape.facts, self._tape.surroundings[0]
        visit = Visit(_SESSION, 0, "", self.plain.type, facts, surroundings)
        return Found(visit, self._user(facts.account))

    def _learn(self, number: int, found: Found) -> None:
        """Know what a node was told of the user."""
        moment = self._tape.moments[number]
        if moment.writes:
            self._users.clear()
        then = found if self._session is None else self._session.found.get(number)
        account = None if then is None else then.visit.facts.account
        if account is not None and moment.users:
            self._users[account] = moment.users[-1]

    def _know(self, question: Question[Any]) -> Any:  # noqa: ANN401 - as the question declares
        if isinstance(question, LoadUser):
            return self._user(question.account)
        raise Undecided(f"the answer to {type(question).__name__}")

    def _user(self, account: str | None) -> Any:  # noqa: ANN401 - a user, None, or that nobody knows
        """Return what is known of an account, or will be told of it before this turn is over."""
        if account is None or account in self._users:
            return None if account is None else self._users[account]
        for number in self._tape.turns[self._turn]:
            moment = self._tape.moments[number]
            if number not in self._done:
                if moment.users and self._is_of(number, account):
                    return moment.users[0]
                if moment.writes or moment.names:
                    return UnknownUser()
        users = self._tape.asked[self._turn]
        return users[0] if users and self._session is None else UnknownUser()

    def _is_of(self, number: int, account: str) -> bool:
        """Whether what was asked at a moment was about `account`."""
        if self._session is None:
            return True
        found = self._session.found.get(number)
        return found is not None and found.visit.facts.account == account

    def _scope(self, visit: Visit, *expressions: Expression) -> Scope:
        return Found(visit, self._user(visit.facts.account)).scope(*expressions)

    def _explain(self, step: Instruction, found: Found) -> tuple[Evaluated, ...]:
        gate = step.gate
        shown: list[Evaluated] = []
        if gate is not None:
            then = found if gate.on_run else self._at_start()
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


def _reads_alike(expression: Expression, then: Found, scope: Scope) -> bool:
    """Whether `expression` reads in `scope` what it read then."""
    return _alike(readings(expression, then.scope(expression)), readings(expression, scope))


def _who(facts: Facts) -> object:
    """Say whom a question would be about, and what it would write."""
    return facts.identifier, facts.account, facts.owned, facts.staged, facts.password_hash


def _alike(one: object, other: object) -> bool:
    """Whether two values are certainly equal."""
    try:
        return bool(one == other)
    except Undecided:
        return False
