"""Runs a flow with a scripted world: the very interpreter, and a trace of all that it does.

Nothing is sent and nothing is written; what would have been is told. What was typed as a secret is
in no part of the answer, and neither is a hash of it.
"""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from msgspec import UNSET
from msgspec.structs import replace

from libs.common.errors import Invalid, Problem
from libs.common.flow.compile import compile_flow
from libs.common.flow.expression import Expression, Scope
from libs.common.flow.gate import Admission, admit
from libs.common.flow.heard import Evaluated, Heard, evaluated, hearing
from libs.common.flow.interpreter import Endless, Walk, advance, begin
from libs.common.flow.model import ALONE, Flow, Library, TriggerPoint
from libs.common.flow.node import AnyNodeType, NodeTypes, Visit
from libs.common.flow.plan import Gate, Instruction, Program, encode, load, name_of
from libs.common.flow.script import CANNOT_PLAY, UNSCRIPTED, Cue, Script, cue, submissions
from libs.common.flow.simulation import Denied, Passage, Simulation, found, result_of, seen, told
from libs.common.flow.turn import (
    Dialogue,
    Effect,
    Facts,
    Leave,
    Move,
    Over,
    Passed,
    Question,
    Session,
    Stay,
    Submission,
    Turn,
    at_once,
)
from libs.common.flow.world import World, answer, drive, is_scripted

MOST_NODES: Final = 10_000
"""Nodes that one simulation may pass."""
MOST_PARTS: Final = 20_000
"""Sub-expressions that one simulation may show."""

_SENT: Final = {"actionId": "action", "elsewhere": "elsewhere"}
"""What a script calls parts of what is sent."""

SESSION: Final = "00000000-0000-4000-8000-000000000000"
"""The same for each, so that the same script gives the same answer."""


def make_program(
    flow: Flow, types: NodeTypes, library: Library = ALONE, *, running: bool = False
) -> Program:
    """Compile `flow` and make it ready to run, as `compile_flow` and an executor do."""
    data = encode(compile_flow(flow, types, library, running=running))
    return load(data, types, expecting=name_of(data))


def simulate(program: Program, script: Script) -> Simulation:
    """Play `script`; raise `Invalid` for one that cannot be played on this flow.

    An answer that the node which gets it cannot use is one such, and so is an answer of a node that
    is left without asking for any.
    """
    return _Stage(program, script).play()


class _Stage:
    """One simulation, as far as it has come."""

    def __init__(self, program: Program, script: Script) -> None:
        self._script = script
        self._world = World(script.persona)
        self._surroundings = script.persona.surroundings()
        self._trace: list[Passage] = []
        self._path: list[str] = []
        # Of the turn that is being made, in order.
        self._watched: list[tuple[Passage, Move]] = []
        # By node id: what it evaluated since it was last told of.
        self._heard: defaultdict[str, list[Evaluated]] = defaultdict(list)
        self._configs: dict[int, Any] = {}
        self._asked: defaultdict[str, int] = defaultdict(int)
        self._left: set[str] = set()
        self._nodes = self._parts = 0
        self._program = self._watchable(program)
        self._refuse_strangers()

    def play(self) -> Simulation:
        sent = tuple(submissions(self._script))
        session = self._first_session()
        admission = drive(
            admit(
                self._program,
                SESSION,
                session.facts,
                self._surroundings,
                outpost=self._script.persona.outpost,
            ),
            self._know,
        )
        if admission is not Admission.ADMITTED:
            return self._denied(admission, session.facts)
        self._heard.pop("", None)
        turn = self._turn(begin(self._program, session, self._surroundings, self._watch))
        used = 0
        for index, submission in enumerate(sent):
            if isinstance(turn.shown, Over):
                break
            used = index + 1
            turn = self._submit(turn.session, submission, index)
        self._refuse_unasked()
        left = len(sent) - used
        return Simulation(
            result=result_of(turn.shown),
            trace=tuple(self._trace),
            facts=found(turn.session.facts, turn.broken),
            path=tuple(self._path),
            unused_inputs=left or UNSET,
        )

    def _first_session(self) -> Session:
        persona, program = self._script.persona, self._program
        sends = program.point is TriggerPoint.SEND_PHONE_MESSAGE
        facts = persona.message.facts() if sends else Facts()
        if persona.authenticated:
            if self._world.account is None:
                message = "Nobody is authenticated without an account; give the persona a `user`"
                problem = Problem("invalid", message, path="persona.authenticated")
                raise Invalid(CANNOT_PLAY, (problem,))
            facts = replace(facts, account=self._world.account, authenticated=True)
        now = self._surroundings.time
        return Session(
            id=SESSION,
            tenant="",
            plan=program.plan,
            type=program.type,
            node=program.start,
            started_at=now,
            expires_at=now,
            idle_until=now,
            facts=facts,
        )

    def _submit(self, session: Session, submission: Submission, index: int) -> Turn:
        try:
            walk = advance(self._program, session, submission, self._surroundings, self._watch)
            return self._turn(walk)
        except Invalid as error:
            renamed = tuple(
                replace(problem, path=f"inputs[{index}].{_SENT[problem.path]}")
                if problem.path in _SENT
                else problem
                for problem in error.problems
            )
            raise Invalid(CANNOT_PLAY, renamed) from error

    def _turn(self, walk: Walk) -> Turn:
        try:
            turn = drive(walk, self._know)
        except Endless as error:
            raise _too_much("endless", f"The flow would have been stopped: {error}") from error
        self._tell(turn)
        return turn

    def _know(self, question: Question[Any]) -> Any:  # noqa: ANN401 -- as the question declares
        """Answer what no script says: it is as the persona is."""
        return answer(self._world, question, UNSCRIPTED)

    def _denied(self, admission: Admission, facts: Facts) -> Simulation:
        unknown = admission is Admission.UNAUTHENTICATED
        denied = Denied(
            "unauthenticated" if unknown else "denied",
            self._program.denied_action,
            tuple(self._heard.pop("", ())),
        )
        left = len(self._script.inputs)
        return Simulation(
            result="denied",
            trace=(),
            facts=found(facts, ()),
            path=(),
            denied=denied,
            unused_inputs=left or UNSET,
        )

    # --- what the program tells while it runs ---

    def _watchable(self, program: Program) -> Program:
        """Return `program`, each node of which does what it did, and tells what that was."""
        kinds: dict[str, AnyNodeType] = {}
        steps: list[Instruction] = []
        for step in program.steps:
            kind = step.type
            if kind.name not in kinds:
                kinds[kind.name] = dataclasses.replace(kind, run=partial(self._run, kind.run))
            gate = self._audible(step.gate, step.id)
            steps.append(replace(step, type=kinds[kind.name], gate=gate))
        return replace(program, steps=tuple(steps), gate=self._audible(program.gate, ""))

    def _audible(self, gate: Gate | None, node: str) -> Gate | None:
        if gate is None:
            return None
        hear = partial(self._hear, node)
        checks = tuple(
            replace(
                check,
                expression=Heard(
                    check.expression.tree, check.expression, f"policies[{index}].expression", hear
                ),
            )
            for index, check in enumerate(gate.checks)
        )
        return replace(gate, checks=checks)

    def _run(self, run: Callable[[Any, Visit], Dialogue], config: object, visit: Visit) -> Dialogue:
        node = visit.node
        # By the config: nodes of two flows can have one id.
        if id(config) not in self._configs:
            self._configs[id(config)] = hearing(config, "config", partial(self._hear, node))
        heard = self._configs[id(config)]
        given: list[Cue] = []

        def answers(question: Question[Any]) -> Any:  # noqa: ANN401 -- as the question declares
            if not is_scripted(question):
                return self._know(question)
            if not given:
                given.append(cue(self._script, node, self._asked[node]))
                self._asked[node] += 1
            return answer(self._world, question, given[0])

        return at_once(drive(run(heard, visit), answers))

    def _hear(self, node: str, path: str, expression: Expression, scope: Scope) -> None:
        came = evaluated(path, expression, scope)
        self._parts += len(came.parts)
        if self._parts > MOST_PARTS:
            raise _too_much("too_long", f"More than {MOST_PARTS} parts of expressions; send less")
        self._heard[node].append(came)

    def _watch(self, step: Instruction, visit: Visit, move: Move) -> None:
        self._nodes += 1
        if self._nodes > MOST_NODES:
            raise _too_much("too_long", f"More than {MOST_NODES} nodes; send fewer inputs")
        if visit.submitted is None:
            self._path.append(step.id)
        outcome = move.outcome if isinstance(move, Leave) else None
        if outcome is not None:
            self._left.add(step.id)
        written = self._world.written
        self._world.written = []
        effects = _effects(move)
        passage = Passage(
            step.id,
            step.type.name,
            outcome,
            tuple(self._heard.pop(step.id, ())),
            effects=(*map(told, written), *map(told, effects)),
        )
        self._watched.append((passage, move))

    def _tell(self, turn: Turn) -> None:
        """Add a turn to the trace."""
        watched, self._watched = self._watched, []
        effects = sum(len(_effects(move)) for _, move in watched)
        passages = [passage for passage, _ in watched]
        passages = [_next(passages, passed) for passed in turn.path]
        last = passages[-1]
        ending = (*last.effects, *map(told, turn.effects[effects:]))
        passages[-1] = replace(last, view=seen(turn.shown), effects=ending)
        self._trace += passages

    # --- what is wrong with a script ---

    def _refuse_strangers(self) -> None:
        known = {step.id for step in self._program.steps}
        message = "No node that can be reached is called so"
        problems = tuple(
            Problem("unknown_node", message, path=f"answers.{node}")
            for node in self._script.answers
            if node not in known
        )
        if problems:
            raise Invalid(CANNOT_PLAY, problems)

    def _refuse_unasked(self) -> None:
        message = "The node was left without asking for an answer; the persona decides there"
        problems = tuple(
            Problem("unused_answer", message, path=f"answers.{node}")
            for node in self._script.answers
            if node in self._left and not self._asked[node]
        )
        if problems:
            raise Invalid(CANNOT_PLAY, problems)


def _next(watched: list[Passage], passed: Passed) -> Passage:
    """Take the next of `watched` if it is `passed`, or make one of a flow that has run inside."""
    if watched and (watched[0].node, watched[0].outcome) == (passed.node, passed.outcome):
        return watched.pop(0)
    return Passage(passed.node, passed.type, passed.outcome)


def _effects(move: Move) -> tuple[Effect, ...]:
    return move.effects if isinstance(move, Leave | Stay) else ()


def _too_much(code: str, message: str) -> Invalid:
    return Invalid("the simulation cannot go on", (Problem(code, message),))
