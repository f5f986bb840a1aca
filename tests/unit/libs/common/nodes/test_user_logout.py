from __future__ import annotations

import pytest

from libs.common.flow.model import FlowType
from libs.common.flow.rules import validate
from libs.common.flow.signins import EndSignIn
from libs.common.flow.turn import Facts, Leave, Over
from libs.common.nodes.catalogue import NODE_TYPES
from libs.common.nodes.user_logout import NODE, run
from tests.playbook import Playbook, lowered, visit
from tests.walks import ALICE, Walk, asks, flow, node, program
from tests.worlds import PASSWORD, World

WHO = node("identifier_input")
KEY = node("password_input")
OUT = node("user_logout")


@pytest.mark.parametrize(
    "facts",
    [
        Facts(identifier=ALICE, account="alice", proved=("pwd",), staged={"name": "Alice"}),
        Facts(account="alice", created=True, password_hash="$argon2id$"),
        Facts(account="alice", authenticated=True, consented=True, attributes={"role": "admin"}),
    ],
)
def test_whoever_it_was_is_nobody_now(facts: Facts) -> None:
    Playbook(run(lowered(NODE), visit(facts))).ends(Leave("success", Facts()))


def test_what_was_typed_stays() -> None:
    facts = Facts(account="alice", authenticated=True, inputs={"why": "Done for today"})
    left = Facts(inputs={"why": "Done for today"})
    Playbook(run(lowered(NODE), visit(facts))).ends(Leave("success", left))


def test_a_login_that_ends_after_it_is_refused_before_it_runs() -> None:
    made = flow(
        "in-out", "start > who > key > out > done", kind=FlowType.LOGIN, who=WHO, key=KEY, out=OUT
    )
    codes = [problem.code for problem in validate(made, NODE_TYPES).errors]
    assert codes == ["unauthenticated_success"]


def test_a_logout_ends_well_and_gives_no_assertion() -> None:
    made = flow("bye", "start > out > done", kind=FlowType.LOGOUT, out=OUT)
    walk = Walk(program(made), World(alice={}), Facts(account="alice", authenticated=True))
    assert walk.turn.shown == Over(succeeded=True)
    assert (walk.turn.session.facts, walk.turn.effects) == (Facts(), ())


@pytest.mark.parametrize(
    "facts", [Facts(account="alice", authenticated=True, sign_in="0f"), Facts(sign_in="0f")]
)
def test_the_sign_in_that_they_came_with_ends(facts: Facts) -> None:
    dialogue = Playbook(run(lowered(NODE), visit(facts)))
    dialogue.asks(EndSignIn("0f"), answered=True).ends(Leave("success", Facts()))


def test_who_signs_in_again_after_it_is_who_they_prove_to_be() -> None:
    made = flow(
        "again",
        "start > out > reason > who > key > done",
        kind=FlowType.LOGIN,
        out=OUT,
        reason=asks("why"),
        who=WHO,
        key=KEY,
    )
    walk = Walk(program(made), World(alice={}), Facts(account="bob", authenticated=True))
    walk.sends(why="Not me")
    walk.sends(email=ALICE)
    walk.sends(password=PASSWORD)
    assert isinstance(walk.turn.shown, Over)
    assert (walk.turn.shown.sign_in, walk.turn.session.facts.account) == (True, "alice")
