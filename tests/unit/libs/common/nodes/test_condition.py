from __future__ import annotations

import msgspec
import pytest

from libs.common.flow.node import InvalidConfig
from libs.common.flow.questions import LoadUser
from libs.common.flow.turn import Facts, Leave
from libs.common.nodes.condition import NODE, Config, run
from tests.playbook import Playbook, lowered, visit

STEP = lowered(NODE, {"condition": "user.mfa_enabled"})
ALICE = Facts(account="alice", proved=("pwd",))


@pytest.mark.parametrize(
    ("user", "outcome"),
    [
        ({"mfa_enabled": True}, "true"),
        ({"mfa_enabled": False}, "false"),
        ({"mfa_enabled": None}, "error"),
        ({"mfa_enabled": "false"}, "error"),
        ({}, "error"),
        (None, "error"),
    ],
)
def test_what_is_not_known_to_be_false_is_not_false(
    user: dict[str, object] | None, outcome: str
) -> None:
    dialogue = Playbook(run(STEP, visit(ALICE)))
    dialogue.asks(LoadUser("alice"), answered=user).ends(Leave(outcome))


def test_before_anybody_is_named_the_user_is_what_is_staged() -> None:
    step = lowered(NODE, {"condition": "user.name === 'Alice'"})
    Playbook(run(step, visit(Facts(staged={"name": "Alice"})))).ends(Leave("true"))
    Playbook(run(step, visit())).ends(Leave("error"))


@pytest.mark.parametrize(
    "condition",
    [
        "facts.risk === 'low'",
        "inputs.country === 'SE'",
        "flow.type === 'login'",
        "request.ip === '192.0.2.7'",
        "request.time === 1790000000",
    ],
)
def test_a_condition_reads_what_the_run_knows_and_asks_nothing(condition: str) -> None:
    facts = Facts(attributes={"risk": "low"}, inputs={"country": "SE"})
    Playbook(run(lowered(NODE, {"condition": condition}), visit(facts))).ends(Leave("true"))


@pytest.mark.parametrize("condition", ["user.mfa_enabled &&", "usr.mfa_enabled", "'yes'"])
def test_an_expression_that_cannot_be_a_condition_is_refused(condition: str) -> None:
    with pytest.raises(InvalidConfig) as refused:
        lowered(NODE, {"condition": condition})
    (problem,) = refused.value.problems
    assert (problem.code, problem.path) == ("invalid_expression", "condition")


def test_there_is_no_condition_without_an_expression() -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({}, Config)


def test_the_way_that_it_leaves_reveals_what_the_expression_came_to() -> None:
    step = lowered(NODE, {"condition": "user.mfa_enabled"})
    assert NODE.reveals(step) == {
        "true": ((step.condition, True),),
        "false": ((step.condition, False),),
    }
