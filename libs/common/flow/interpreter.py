"""Walks a plan: (program, session, what was submitted) → the turn it makes.

The one place that knows how a session moves. It asks by yielding, so that the executor, a
simulation and a test all run this very code; it never reads a clock and never does I/O.

    reached     its policies decide whether it runs; triggers of the points that it has run first
    run         it stays, leaves, enters a flow that runs inside, or ends the flow that it is in
    left        triggers of the points that it passed run, then the next node is reached
    flow ended  whatever it ran inside of goes on; the outermost ends the session
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from typing import Any, TypeAlias

from msgspec.structs import replace

from libs.common.errors import Invalid, Problem
from libs.common.flow.expression import truth
from libs.common.flow.gate import decide
from libs.common.flow.model import Json, TriggerPoint
from libs.common.flow.node import SKIPPED, UNDECIDED, Visit, scope_for
from libs.common.flow.plan import FAILURE, Gate, Instruction, Program
from libs.common.flow.proof import evidence_of, level_of
from libs.common.flow.questions import SignedIn
from libs.common.flow.signins import KeepSignIn
from libs.common.flow.turn import (
    FLOW_FAILED,
    Bypass,
    Effect,
    Enter,
    Facts,
    Frame,
    Leave,
    Move,
    Over,
    Passed,
    Question,
    Session,
    Stay,
    Submission,
    Surroundings,
    Turn,
    ask,
)

LONGEST = 1_000
"""Nodes that one turn may pass. `endless_loop` refuses a flow that could need more; this is for
a node that leaves unasked by an outcome that its type says it waits for."""

FAILED = Over(succeeded=False, message=FLOW_FAILED)
"""The end that the author drew no node for."""

_NOTHING: Mapping[str, Json] = {}

Walk: TypeAlias = Generator[Question[Any], Any, Turn]
Watch: TypeAlias = Callable[[Instruction, Visit, Move], None]
"""Told of each node that was run, or left by its policies, as it moves."""
Position: TypeAlias = tuple[int, tuple[Frame, ...], bool]
"""A node, what it goes back to, and whether the node is reached: not if it was, and is run now."""


class Endless(Exception):
    """A turn passed more than `LONGEST` nodes."""


def begin(
    program: Program,
    session: Session,
    surroundings: Surroundings,
    watch: Watch | None = None,
    *,
    planned: bool = False,
) -> Walk:
    """Make the first turn of `session`, which has just been made and waits at the start.

    With `planned`, it says already which steps it will not run.
    """
    if program.planned and not planned:
        session = yield from _plan(program, session, surroundings)
    turn = yield from _walk(program, session, None, surroundings, watch)
    return replace(turn, planned=session.planned) if session.planned else turn


def advance(
    program: Program,
    session: Session,
    submitted: Submission,
    surroundings: Surroundings,
    watch: Watch | None = None,
) -> Walk:
    """Make the turn that answers `submitted`.

    Raises `Invalid` where it names no action, or comes by a link and none is waited for.
    """
    if submitted.elsewhere and not session.awaits_link:
        message = "This step waits for nobody who follows a link"
        raise Invalid(message, (Problem("unknown_link", message, path="elsewhere"),))
    return _walk(program, session, submitted, surroundings, watch)


def _plan(
    program: Program, session: Session, surroundings: Surroundings
) -> Generator[Question[Any], Any, Session]:
    """Decide which steps this session will not run, whatever it finds out later."""
    gates = {index: program.steps[index].gate for index in program.planned}
    checks = [check.expression for gate in gates.values() if gate for check in gate.checks]
    scope = yield from scope_for(_visit(program, session, "", surroundings), *checks)
    decided = {index: decide(gate, scope) for index, gate in gates.items() if gate}
    closed = {index: verdict for index, verdict in decided.items() if verdict is not True}
    return replace(session, planned=closed)


def _forget_planned(program: Program, session: Session) -> Session:
    """Undecide what was decided by who the user was, since they are somebody else now."""
    # Whoever calls with an assertion about an account of their own, and then signs in as somebody
    # else, would otherwise choose the steps of that sign-in: the second factor of the other one.
    about_user: dict[int, bool | None] = {
        index: None
        for index in program.planned
        if (gate := program.steps[index].gate)
        and any("user" in check.expression.roots for check in gate.checks)
    }
    return replace(session, planned={**session.planned, **about_user})


def _walk(
    program: Program,
    session: Session,
    submitted: Submission | None,
    surroundings: Surroundings,
    watch: Watch | None,
) -> Walk:
    steps = program.steps
    node, stack = session.node, session.stack
    facts, tries, kept = session.facts, session.tries, session.kept
    since = session.proved_at
    # Whoever submits has been let through to the node before.
    arriving = submitted is None
    path: list[Passed] = []
    effects: tuple[Effect, ...] = ()
    left = LONGEST
    while left:
        left -= 1
        step = steps[node]
        visit = Visit(
            session.id,
            session.revision,
            step.id,
            program.type,
            facts,
            surroundings,
            submitted,
            tries.get(step.id, 0) if tries else 0,
            kept,
        )
        move: Move | None = None
        if arriving and step.arrival:
            first = yield from _arrive(program, session, stack, node, visit)
            if isinstance(first, tuple):
                node, stack = first
                continue
            move = first
        if move is None:
            move = yield from step.type.run(step.config, visit)
        if watch is not None:
            watch(step, visit, move)
        # By its very class first: whether it is of one that it is not takes much longer to say.
        if type(move) is Stay:
            path.append(step.passed[None])
            effects += move.effects
            if move.tried:
                tries = _once_more(tries, step.id)
            waiting = _moved(session, node, stack, facts, since, tries, move.kept)
            return Turn(waiting, move, effects, tuple(path))
        # What was sent was for the node that waited. The next one must ask for itself, and
        # what one node kept is not for another.
        submitted, kept = None, _NOTHING
        if isinstance(move, Leave):
            path.append(step.passed[move.outcome])
            effects += move.effects
            if move.tried:
                tries = _once_more(tries, step.id)
            if move.facts is not None:
                before, facts = facts, move.facts
                since = _since(before, facts, since, surroundings.time)
                if facts.attached and not before.attached and _is_triggered(stack):
                    # Nothing is triggered there: not what has to run before an assertion is signed.
                    facts = replace(facts, attached=False)
                if before.authenticated and facts.account != before.account:
                    session = _forget_planned(program, session)
            target = step.to[move.outcome]
            if target != FAILURE and not move.points:
                node, arriving = target, True
                continue
        else:
            path.append(step.passed[None])
        following = _go_on(program, stack, node, move, path)
        if isinstance(following, Over):
            ended = _moved(session, node, (), facts, since, tries)
            return (yield from _end(program, ended, following, effects, path, surroundings))
        node, stack, arriving = following
    msg = f"flow {program.flow} version {program.version} passed {LONGEST} nodes in one turn"
    raise Endless(msg)


def _since(before: Facts, after: Facts, since: int | None, now: int) -> int | None:
    """Say when the first of what is proved was; `since` is when that of `before` was."""
    if (
        after.proved is before.proved
        and after.account is before.account
        and after.created is before.created
    ):
        return since
    if not after.earned:
        return None
    goes_on = before.earned and after.account == before.account
    return since if goes_on and after.proved[: len(before.proved)] == before.proved else now


def _once_more(tries: Mapping[str, int], node: str) -> Mapping[str, int]:
    return {**tries, node: tries.get(node, 0) + 1}


def _arrive(
    program: Program, session: Session, stack: tuple[Frame, ...], node: int, visit: Visit
) -> Generator[Question[Any], Any, Bypass | tuple[int, tuple[Frame, ...]] | None]:
    """Say how `node` is left where its policies do not let it run, or what runs before it."""
    step = program.steps[node]
    left = yield from _policies(session, step.gate, node, visit)
    if left is not None:
        return left
    units = _triggered(program, stack, step, step.type.points(step.config, visit.facts))
    if not units:
        return None
    return program.units[units[0]].start, (*stack, Frame(node, "before", waiting=units[1:]))


def _policies(
    session: Session, gate: Gate | None, node: int, visit: Visit
) -> Generator[Question[Any], Any, Bypass | None]:
    """Say how `node` is left where its policies do not let it run."""
    if gate is None:
        return None
    verdict = session.planned.get(node, True) if gate.on_plan else True
    again = gate.on_run
    if visit.facts.resumed:
        # It was decided about somebody else: whoever began chose nothing for who goes on.
        verdict, again = True, True
    # What could not be told when the session started may be told by now.
    if again and (verdict is None or verdict):
        scope = yield from scope_for(visit, *(check.expression for check in gate.checks))
        verdict = decide(gate, scope)
    if verdict is None:
        return Bypass(UNDECIDED)
    return None if verdict else Bypass(SKIPPED)


def _triggered(
    program: Program,
    stack: tuple[Frame, ...],
    step: Instruction,
    points: tuple[TriggerPoint, ...],
) -> tuple[int, ...]:
    """Return the units that run at `points` of `step`."""
    # Triggers trigger nothing, or one that writes a user would run for ever. And the end of a flow
    # that runs inside another is not the end of a sign-in.
    if _is_triggered(stack) or (stack and not step.to):
        return ()
    return tuple(unit for point in points for unit in program.triggers.get(point, ()))


def _is_triggered(stack: tuple[Frame, ...]) -> bool:
    """Whether what runs is a trigger, or runs inside one."""
    return any(frame.why != "subflow" for frame in stack)


def _go_on(
    program: Program,
    stack: tuple[Frame, ...],
    node: int,
    move: Leave | Enter | Over,
    path: list[Passed],
) -> Position | Over:
    """Say where a run goes on after `node`; how the session ends, where it does not."""
    step = program.steps[node]
    if isinstance(move, Leave):
        units = _triggered(program, stack, step, move.points) if move.points else ()
        if units:
            frame = Frame(node, "after", move.outcome, units[1:])
            return program.units[units[0]].start, (*stack, frame), True
        target = step.to[move.outcome]
        return _back(program, stack, FAILED, path) if target == FAILURE else (target, stack, True)
    if isinstance(move, Enter):
        assert step.calls is not None  # noqa: S101 - the compiler gave it one
        return program.units[step.calls].start, (*stack, Frame(node, "subflow")), True
    return _back(program, stack, move, path)


def _back(
    program: Program, stack: tuple[Frame, ...], over: Over, path: list[Passed]
) -> Position | Over:
    """Say where a run goes on whose flow has ended by `over`."""
    while stack:
        frame, stack = stack[-1], stack[:-1]
        inside = frame.why == "subflow"
        if not (over.succeeded or inside):
            # A trigger that fails halts what it was triggered by.
            return over
        if frame.waiting:
            following = replace(frame, waiting=frame.waiting[1:])
            return program.units[frame.waiting[0]].start, (*stack, following), True
        if frame.why == "before":
            return frame.step, stack, False
        step = program.steps[frame.step]
        outcome = frame.outcome
        if inside:
            outcome = "success" if over.succeeded else "failure"
            path.append(step.passed[outcome])
        target = step.to[outcome]
        if target != FAILURE:
            return target, stack, True
        over = FAILED
    return over


def _moved(
    session: Session,
    node: int,
    stack: tuple[Frame, ...],
    facts: Facts,
    since: int | None,
    tries: Mapping[str, int],
    kept: Mapping[str, Json] = _NOTHING,
) -> Session:
    """Return `session` one turn later."""
    return replace(
        session,
        revision=session.revision + 1,
        node=node,
        stack=stack,
        facts=facts,
        tries=tries,
        kept=kept,
        proved_at=since,
    )


def _end(
    program: Program,
    session: Session,
    over: Over,
    effects: tuple[Effect, ...],
    path: list[Passed],
    surroundings: Surroundings,
) -> Walk:
    facts = session.facts
    broken: tuple[str, ...] = ()
    # The rules have refused a flow that could come here otherwise. An assertion about somebody
    # who proved nothing is the worst that this product could do, so it is refused here as well.
    if over.sign_in and not facts.earned:
        over = FAILED
    elif over.succeeded and program.demands:
        broken = yield from _broken(program, session, surroundings)
        if broken:
            over = FAILED
    if over.sign_in:
        assert facts.account is not None  # noqa: S101 - it was looked at
        # A release before this one noted no time.
        since = surroundings.time if session.proved_at is None else session.proved_at
        level = level_of(facts.proved)
        kept = yield from ask(KeepSignIn(session.id, facts.account, since, facts.proved, level))
        session = replace(session, proved_at=since)
        if kept:
            effects = (*effects, SignedIn(facts.account, surroundings.time))
        else:
            # Blocked or deleted since it was proved: as a wrong proof, it is told in no other way.
            over = FAILED
    return Turn(replace(session, over=True), over, effects, tuple(path), broken)


def _broken(
    program: Program, session: Session, surroundings: Surroundings
) -> Generator[Question[Any], Any, tuple[str, ...]]:
    """Name the tenant's invariants that `session` may not succeed by."""
    whens = [demand.when for demand in program.demands if demand.when is not None]
    scope = yield from scope_for(_visit(program, session, "", surroundings), *whens)
    evidence = evidence_of(session.facts)
    return tuple(
        demand.name
        for demand in program.demands
        # Only what is certainly not meant is let off.
        if not (demand.when is not None and truth(demand.when.evaluate(scope)) is False)
        and not demand.met_by(evidence)
    )


def _visit(program: Program, session: Session, node: str, surroundings: Surroundings) -> Visit:
    return Visit(session.id, session.revision, node, program.type, session.facts, surroundings)
