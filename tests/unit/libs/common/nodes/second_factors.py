"""A user who is asked for a second factor, and what `mfa_verification` shows them."""

from __future__ import annotations

import msgspec

from libs.common.flow.node import Visit
from libs.common.flow.turn import Facts, Stay
from libs.common.flow.view import View
from libs.common.nodes.mfa_verification import Lowered, run
from tests.playbook import Playbook, visit

ALICE = Facts(identifier="alice@example.com", account="alice", proved=("pwd",))


def buttons(view: View) -> list[str | None]:
    *_, form = view.components
    return [each.action_id for each in form.components if each.type == "BUTTON"]


def goes_on(before: Stay, action: str = "", facts: Facts = ALICE, **inputs: str) -> Visit:
    """Answer `before` two turns later."""
    made = visit(facts, inputs, action=action)
    return msgspec.structs.replace(made, revision=5, kept=before.kept)


def plays(config: Lowered, on: Visit) -> Stay:
    shown = Playbook(run(config, on)).result()
    assert isinstance(shown, Stay)
    return shown
