from __future__ import annotations

import pytest

from libs.common.flow.accounts import DeleteUser
from libs.common.flow.model import FlowType
from libs.common.flow.turn import Facts, Leave, Over
from libs.common.nodes.user_delete import NODE, run
from tests.playbook import Playbook, lowered, visit
from tests.walks import Walk, flow, node, program
from tests.worlds import World

STEP = lowered(NODE)


@pytest.mark.parametrize(
    "facts",
    [
        Facts(account="alice", proved=("pwd",), staged={"name": "Alice"}),
        Facts(account="alice", created=True),
        Facts(account="alice", authenticated=True, attributes={"role": "admin"}),
    ],
)
def test_the_owner_deletes_the_account_and_is_nobody_after_it(facts: Facts) -> None:
    dialogue = Playbook(run(STEP, visit(facts)))
    dialogue.asks(DeleteUser("alice"), answered=True).ends(Leave("success", Facts()))


@pytest.mark.parametrize("facts", [Facts(), Facts(identifier="alice", account="alice")])
def test_who_has_only_named_an_account_deletes_nothing(facts: Facts) -> None:
    Playbook(run(STEP, visit(facts))).ends(Leave("failure"))


def test_a_flow_that_ends_with_it_signs_nobody_in() -> None:
    made = flow("bye", "start > gone > done", kind=FlowType.UNENROLLMENT, gone=node("user_delete"))
    walk = Walk(program(made), World(alice={}), Facts(account="alice", authenticated=True))
    assert walk.turn.shown == Over(succeeded=True)
