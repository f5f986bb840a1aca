"""Whether policies let somebody through, and who may start a flow at all (seeds 003 and 004).

What cannot be evaluated lets nobody through.
"""

from __future__ import annotations

import enum
from collections.abc import Generator
from typing import Any

from libs.common.flow.expression import Expression, Scope, truth
from libs.common.flow.model import FlowType
from libs.common.flow.node import Visit, scope_for
from libs.common.flow.plan import Check, Gate, Program
from libs.common.flow.questions import LoadUser
from libs.common.flow.turn import Facts, Question, Surroundings, ask


class Admission(enum.Enum):
    """Whether a flow may be started."""

    ADMITTED = enum.auto()
    UNAUTHENTICATED = enum.auto()
    """Not by a caller whom nobody knows."""
    DENIED = enum.auto()


def decide(gate: Gate, scope: Scope) -> bool | None:
    """Say whether the policies pass; None where that hangs on one that cannot be evaluated."""
    verdicts = [_passes(check, scope) for check in gate.checks]
    decisive = gate.mode == "any"
    if decisive in verdicts:
        return decisive
    return None if None in verdicts else not decisive


def _passes(check: Check, scope: Scope) -> bool | None:
    verdict = truth(check.expression.evaluate(scope))
    return None if verdict is None else verdict is not check.negate


def reveals(gate: Gate, *, ran: bool) -> tuple[tuple[Expression, bool], ...]:
    """Say what expressions certainly came to where a node ran, or was skipped, by its policies.

    That is of the moment at which the node was reached, so it is nothing where they were looked at
    when the session started.
    """
    if not gate.on_run or (gate.on_plan and not ran):
        return ()
    # Of several, it takes but one to pass by `any`, and one not to pass by `all`.
    if len(gate.checks) > 1 and ran is (gate.mode == "any"):
        return ()
    return tuple((check.expression, check.negate is not ran) for check in gate.checks)


def admit(
    program: Program, session: str, facts: Facts, surroundings: Surroundings, *, outpost: bool
) -> Generator[Question[Any], Any, Admission]:
    """Decide whether who calls may start `program`; `outpost` is a service of the deployment's."""
    match program.authentication:
        case "require_authenticated" if not (facts.owned or _leaves(program, facts)):
            return Admission.UNAUTHENTICATED
        case "require_unauthenticated" if facts.owned:
            return Admission.DENIED
        case "require_outpost" if not outpost:
            return Admission.DENIED
        case "require_superuser" if not facts.owned:
            return Admission.UNAUTHENTICATED
        case "require_superuser" if not (yield from _is_superuser(facts)):
            return Admission.DENIED
    if program.gate is None:
        return Admission.ADMITTED
    visit = Visit(session, 0, "", program.type, facts, surroundings)
    scope = yield from scope_for(visit, *(check.expression for check in program.gate.checks))
    return Admission.ADMITTED if decide(program.gate, scope) is True else Admission.DENIED


def _leaves(program: Program, facts: Facts) -> bool:
    """Whether somebody with a sign-in comes to end it, even if the assertion of it is old."""
    return program.type is FlowType.LOGOUT and facts.sign_in is not None


def _is_superuser(facts: Facts) -> Generator[Question[Any], Any, bool]:
    user = None if facts.account is None else (yield from ask(LoadUser(facts.account)))
    return user is not None and user.get("is_superuser") is True
