"""Sessions that are recorded on one version of a flow and replayed on another."""

from __future__ import annotations

from collections.abc import Mapping

from libs.common.flow.model import ALONE, Flow, Json, Library, Node
from libs.common.flow.replay import Replay, replay
from libs.common.flow.turn import Facts
from tests.recordings import Recorded
from tests.walks import NOTHING_KNOWN, asks, checks, flow, program, sets
from tests.worlds import World

ROLE: Mapping[str, Json] = {"role": "admin", "mfa_methods": ["totp"]}
YES = sets("yes")
CALLER = Facts(account="alice", authenticated=True)
Sent = tuple[Mapping[str, Json], ...]


def session(
    before: Flow, sent: Sent = (), beside: Library = ALONE, facts: Facts = NOTHING_KNOWN
) -> Recorded:
    """Walk `before` as the caller of `facts`, who submits what was `sent`."""
    made = Recorded(program(before, beside, running=True), World(alice=ROLE, bob={}), facts)
    for each in sent:
        made.sends(**each)
    return made


def again(
    before: Flow,
    after: Flow,
    *sent: Mapping[str, Json],
    beside: Library = ALONE,
    then: Library | None = None,
    facts: Facts = NOTHING_KNOWN,
) -> Replay:
    """Replay a session of `before` on `after`; its tenant had `beside`, and has `then`."""
    made = session(before, sent, beside, facts)
    again_on = program(after, beside if then is None else then, running=True)
    return replay(made.tape, made.walk.program, again_on)


def path(replayed: Replay) -> list[str]:
    """The nodes, as in `check:true`; with `*` those that were really run."""
    return [
        f"{each.node}{f':{each.outcome}' if each.outcome else ''}{'' if each.recorded else '*'}"
        for each in replayed.trace
    ]


def asking(condition: str, yes: Node = YES) -> Flow:
    """Ask for a colour, and go by `condition` through the node `yes` or past it."""
    return flow(
        "main",
        "start > ask > check",
        "check:true > yes > done",
        "check:false > done",
        "check:error > failed",
        ask=asks("colour"),
        check=checks(condition),
        yes=yes,
    )


RED = {"colour": "red"}
