"""Walks a plan: (program, session, what was submitted) → the turn it makes.

The one place that knows how a session moves. It asks by yielding, so that the executor, a
simulation and a test all run this very code; it never reads a clock and never does I/O.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import Any, TypeAlias

from msgspec.structs import replace

from libs.common.flow.model import Json
from libs.common.flow.node import Visit
from libs.common.flow.plan import FAILURE, Program
from libs.common.flow.questions import SignedIn
from libs.common.flow.turn import (
    Effect,
    Facts,
    Leave,
    Message,
    Over,
    Passed,
    Question,
    Session,
    Stay,
    Submission,
    Surroundings,
    Turn,
)

LONGEST = 1_000
"""Nodes that one turn may pass. `endless_loop` refuses a flow that could need more; this is
for a cycle that only data can close."""

FAILED = Over(succeeded=False, message=Message("flow.failed"))
"""The end that the author drew no node for."""

_NOTHING: Mapping[str, Json] = {}

Walk: TypeAlias = Generator[Question[Any], Any, Turn]


class Endless(Exception):
    """A turn passed more than `LONGEST` nodes."""


def begin(program: Program, session: Session, surroundings: Surroundings) -> Walk:
    """Make the first turn of `session`, which has just been made and waits at the start."""
    return _walk(program, session, None, surroundings)


def advance(
    program: Program, session: Session, submitted: Submission, surroundings: Surroundings
) -> Walk:
    """Make the turn that answers `submitted`; raise `Invalid` where it names no action."""
    return _walk(program, session, submitted, surroundings)


def _walk(
    program: Program, session: Session, submitted: Submission | None, surroundings: Surroundings
) -> Walk:
    node, facts, tries, kept = session.node, session.facts, session.tries, session.kept
    path: list[Passed] = []
    effects: list[Effect] = []
    for _ in range(LONGEST):
        step = program.steps[node]
        visit = Visit(
            session=session.id,
            revision=session.revision,
            node=step.id,
            flow=program.type,
            facts=facts,
            surroundings=surroundings,
            submitted=submitted,
            tries=tries.get(step.id, 0),
            kept=kept,
        )
        move = yield from step.type.run(step.config, visit)
        left_by = move.outcome if isinstance(move, Leave) else None
        path.append(Passed(step.id, step.type.name, left_by))
        if isinstance(move, Over):
            return _end(_moved(session, node, facts, tries), move, effects, path, surroundings)
        if move.tried:
            tries = {**tries, step.id: visit.tries + 1}
        if isinstance(move, Stay):
            waiting = _moved(session, node, facts, tries, move.kept)
            return Turn(waiting, move, tuple(effects), tuple(path))
        effects.extend(move.effects)
        if move.facts is not None:
            facts = move.facts
        target = step.to[move.outcome]
        if target == FAILURE:
            return _end(_moved(session, node, facts, tries), FAILED, effects, path, surroundings)
        # What was sent was for the node that waited. The next one must ask for itself, and
        # what one node kept is not for another.
        submitted, node, kept = None, target, _NOTHING
    msg = f"flow {program.flow} version {program.version} passed {LONGEST} nodes in one turn"
    raise Endless(msg)


def _moved(
    session: Session,
    node: int,
    facts: Facts,
    tries: Mapping[str, int],
    kept: Mapping[str, Json] = _NOTHING,
) -> Session:
    """Return `session` one turn later."""
    return replace(
        session, revision=session.revision + 1, node=node, facts=facts, tries=tries, kept=kept
    )


def _end(
    session: Session,
    over: Over,
    effects: list[Effect],
    path: list[Passed],
    surroundings: Surroundings,
) -> Turn:
    facts = session.facts
    if over.sign_in:
        # The rule `unauthenticated_success` has refused such a flow before. An assertion about
        # somebody who proved nothing is the worst that this product could do, so it is
        # refused here as well.
        if facts.account is None or not (facts.proved or facts.created):
            over = FAILED
        else:
            effects = [*effects, SignedIn(facts.account, surroundings.time)]
    return Turn(replace(session, over=True), over, tuple(effects), tuple(path))
