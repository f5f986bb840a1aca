"""Walks a plan: (program, session, what was submitted) → the turn it makes.

The one place that knows how a session moves. It asks by yielding, so that the executor, a
simulation and a test all run this very code; it never reads a clock and never does I/O.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, TypeAlias

import msgspec

from libs.common.flow.node import Visit
from libs.common.flow.plan import FAILURE, Program
from libs.common.flow.questions import SignedIn
from libs.common.flow.turn import (
    Effect,
    Facts,
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
    at, facts, kept, tries = session.node, session.facts, session.kept, session.tries
    path: list[Passed] = []
    effects: list[Effect] = []
    for _ in range(LONGEST):
        step = program.steps[at]
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
        if not isinstance(move, Over) and move.tried:
            tries = {**tries, step.id: visit.tries + 1}
        if isinstance(move, Stay):
            path.append(Passed(step.id, step.type.name, None))
            stored = msgspec.structs.replace(
                session,
                node=at,
                revision=session.revision + 1,
                facts=facts,
                tries=tries,
                kept=move.kept,
            )
            return Turn(stored, move, tuple(effects), tuple(path))
        if isinstance(move, Over):
            path.append(Passed(step.id, step.type.name, None))
            return _end(session, at, facts, move, effects, path, surroundings)
        path.append(Passed(step.id, step.type.name, move.outcome))
        effects.extend(move.effects)
        facts = facts if move.facts is None else move.facts
        # What was sent was for the node that waited. The next one must ask for itself, and
        # what one node kept is not for another.
        submitted, kept = None, {}
        target = step.to[move.outcome]
        if target == FAILURE:
            return _end(session, at, facts, FAILED, effects, path, surroundings)
        at = target
    msg = f"flow {program.flow} version {program.version} passed {LONGEST} nodes in one turn"
    raise Endless(msg)


def _end(
    session: Session,
    at: int,
    facts: Facts,
    over: Over,
    effects: list[Effect],
    path: list[Passed],
    surroundings: Surroundings,
) -> Turn:
    if over.sign_in:
        # The rule `unauthenticated_success` has refused such a flow before. An assertion about
        # somebody who proved nothing is the worst that this product could do, so it is
        # refused here as well.
        if facts.account is None or not (facts.proved or facts.created):
            over = FAILED
        else:
            effects = [*effects, SignedIn(facts.account, surroundings.time)]
    ended = msgspec.structs.replace(
        session, node=at, revision=session.revision + 1, facts=facts, kept={}, over=True
    )
    return Turn(ended, over, tuple(effects), tuple(path))
