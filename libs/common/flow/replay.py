"""Runs a session once more from its step log: on its own plan, or on another.

On its own plan a session goes where it went, always.
"""

from __future__ import annotations

from itertools import zip_longest

import msgspec

from libs.common.flow.plan import Program
from libs.common.flow.rerun import Passed, Rerun, Result, Stopped
from libs.common.flow.tape import Tape


class Replay(msgspec.Struct, frozen=True, kw_only=True):
    """Where a session goes."""

    plan: str
    """The hash of the plan that it was replayed on."""
    version: int
    same: bool
    """It went the same way to the same end."""
    result: Result
    diverged_at: str | None = None
    """The last node that both ways have in common."""
    undecided: Stopped | None = None
    trace: tuple[Passed, ...]


def replay(tape: Tape, own: Program, target: Program | None = None) -> Replay:
    """Replay on `target`, whatever that is of; or on the session's `own` plan.

    Where the log is not that of a session of `own`, say so of that, wherever it was to be replayed.
    """
    first = Rerun(own, tape, None)
    stopped = first.play()
    if target is None or stopped is not None:
        return _told(own, first, stopped, same=stopped is None)
    other = Rerun(target, tape, first)
    stopped = other.play()
    # One that stopped says nothing of where it would have gone on to.
    most = None if stopped is None else len(other.trace)
    parted = _parted(list(zip_longest(first.trace[:most], other.trace)))
    same = parted is None and first.result == other.result
    return _told(target, other, stopped, same=same, parted=parted)


def _told(
    program: Program,
    run: Rerun,
    stopped: Stopped | None,
    *,
    same: bool,
    parted: str | None = None,
) -> Replay:
    return Replay(
        plan=program.plan,
        version=program.version,
        same=same,
        result=run.result,
        diverged_at=parted,
        undecided=stopped,
        trace=tuple(run.trace),
    )


def _parted(ways: list[tuple[Passed | None, Passed | None]]) -> str | None:
    """Name the last node that both ways have in common; None where they never part."""
    before: str | None = None
    for here, there in ways:
        if here is None or there is None or here.node != there.node:
            return before
        if here.outcome != there.outcome:
            return here.node
        before = here.node
    return None
