from __future__ import annotations

import pytest

from libs.common.flow.model import Flow, FlowType, TriggerPoint
from libs.common.flow.questions import SignedIn
from libs.common.flow.rules import validate
from libs.common.flow.turn import FLOW_FAILED, Facts, Leave, Over
from libs.common.nodes.catalogue import NODE_TYPES
from libs.common.nodes.user_login import NODE, run
from tests.playbook import Playbook, lowered, visit
from tests.walks import ALICE, Walk, asks, calls, flow, library, node, program, sets, trigger
from tests.worlds import NOW, PASSWORD, World

IN = node("user_login")
WHO = node("identifier_input")
KEY = node("password_input")
SASHA = {"email": "sasha@example.com", "password": PASSWORD}
EXCHANGE = TriggerPoint.CREDENTIALS_EXCHANGE
RULE = trigger("rule", EXCHANGE, "start > note > done", note=sets("ran"))


def sign_up(**end: bool) -> Flow:
    return flow(
        "sign-up",
        "start > ask > write > attach > done",
        ask=asks("email", "password"),
        write=node("user_write"),
        done=node("success", **end),
        attach=IN,
    )


@pytest.mark.parametrize(
    "facts", [Facts(account="alice", proved=("pwd",)), Facts(account="alice", created=True)]
)
def test_an_account_that_was_proved_is_attached(facts: Facts) -> None:
    move = Playbook(run(lowered(NODE), visit(facts))).result()
    assert isinstance(move, Leave)
    assert move.outcome == "success"
    assert move.facts is not None
    assert (move.facts.attached, move.facts.account) == (True, "alice")
    assert NODE.points(lowered(NODE), facts) == (EXCHANGE,)


@pytest.mark.parametrize(
    "facts",
    [Facts(), Facts(identifier=ALICE, account="alice"), Facts(account="alice", authenticated=True)],
)
def test_nobody_is_attached_without_a_proof(facts: Facts) -> None:
    Playbook(run(lowered(NODE), visit(facts))).ends(Leave("failure"))
    assert NODE.points(lowered(NODE), facts) == ()


def test_a_registration_signs_in_whom_it_attached_unless_its_end_says_otherwise() -> None:
    for end, signs_in in (({}, True), ({"auto_login": False}, False)):
        walk = Walk(program(sign_up(**end)), World())
        walk.sends(**SASHA)
        assert walk.turn.shown == Over(succeeded=True, sign_in=signs_in)
        assert walk.turn.effects == ((SignedIn("sasha", NOW.time),) if signs_in else ())


@pytest.mark.parametrize("end", [{}, {"auto_login": True}])
def test_what_runs_before_an_assertion_is_signed_runs_once(end: dict[str, bool]) -> None:
    walk = Walk(program(sign_up(**end), library(RULE)), World())
    walk.sends(**SASHA)
    assert walk.path.count("rule/note:success") == 1
    assert walk.turn.effects == (SignedIn("sasha", NOW.time),)


def test_what_runs_inside_attaches_for_the_flow_that_it_runs_in() -> None:
    inner = flow("inner", "start > attach > done", kind=FlowType.LOGIN, attach=IN)
    outer = flow(
        "outer",
        "start > ask > write > call > done",
        "call:failure > failed",
        ask=asks("email", "password"),
        write=node("user_write"),
        call=calls("inner"),
    )
    walk = Walk(program(outer, library(inner, RULE), running=True), World())
    walk.sends(**SASHA)
    assert walk.path.count("rule/note:success") == 1
    assert walk.turn.effects == (SignedIn("sasha", NOW.time),)


def test_a_trigger_attaches_nobody() -> None:
    inner = flow("inner", "start > attach > done", attach=IN)
    hook = trigger(
        "hook",
        TriggerPoint.POST_USER_REGISTRATION,
        "start > call > done",
        "call:failure > failed",
        call=calls("inner"),
    )
    made = flow(
        "plain",
        "start > ask > write > done",
        ask=asks("email", "password"),
        write=node("user_write"),
    )
    walk = Walk(program(made, library(inner, hook, RULE)), World())
    walk.sends(**SASHA)
    assert walk.turn.shown == Over(succeeded=True)
    assert walk.turn.session.facts.attached is False


def test_whoever_names_another_account_is_attached_no_more() -> None:
    made = flow(
        "twice",
        "start > who > key > attach > other > done",
        who=WHO,
        key=KEY,
        other=WHO,
        attach=IN,
    )
    walk = Walk(program(made), World(alice={}, bob={}))
    walk.sends(email=ALICE)
    walk.sends(password=PASSWORD)
    walk.sends(email="bob@example.com")
    assert walk.turn.shown == Over(succeeded=True)
    assert walk.turn.effects == ()


def test_it_is_no_proof_of_a_login() -> None:
    made = flow("odd", "start > attach > done", kind=FlowType.LOGIN, attach=IN)
    codes = [problem.code for problem in validate(made, NODE_TYPES).errors]
    assert codes == ["unauthenticated_success"]
    unchecked = program(flow("odd", "start > attach > done", attach=IN))
    assert Walk(unchecked).turn.shown == Over(succeeded=False, message=FLOW_FAILED)
