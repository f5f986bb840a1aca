from __future__ import annotations

import msgspec
import pytest

from libs.common.flow.calls import CallAction, Reached
from libs.common.flow.model import Named
from libs.common.flow.turn import Facts, Leave
from libs.common.nodes.action import NODE, Config, run
from libs.common.nodes.calling import key_of
from tests.playbook import Playbook, lowered, visit

STEP = lowered(
    NODE,
    {
        "action": "risk",
        "parameters": [{"name": "mail", "value": "inputs.email"}],
        "attributes": [{"attribute": "score", "type": "number"}],
        "outcomes": [{"outcome": "review"}],
    },
)
HERE = visit(Facts(inputs={"email": "a@example.com"}))
CALL = CallAction(
    "risk",
    key_of(HERE),
    {"flow": "login", "node": "step", "parameters": {"mail": "a@example.com"}},
)


def test_it_goes_on_as_the_action_answers() -> None:
    found = msgspec.structs.replace(HERE.facts, attributes={"score": 2})
    answer = Reached({"outcome": "review", "score": 2})
    Playbook(run(STEP, HERE)).asks(CALL, answered=answer).ends(Leave("review", found))


def test_an_action_that_does_not_answer_is_a_failure() -> None:
    Playbook(run(STEP, HERE)).asks(CALL, answered=None).ends(Leave("failure"))


def test_nothing_is_called_where_a_parameter_is_missing() -> None:
    Playbook(run(STEP, visit())).ends(Leave("failure"))


def test_it_names_its_action_and_can_leave_as_it_declares() -> None:
    config = msgspec.convert({"action": "risk", "outcomes": [{"outcome": "review"}]}, Config)
    assert NODE.names(config) == (Named("action", "risk"),)
    assert NODE.outcomes(config) == ("review", "success", "denied", "failure")


@pytest.mark.parametrize("id", ["", "a b", "a/b", "-a", "a\n", 64 * "a"])
def test_an_action_is_named_by_its_id(id: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"action": id}, Config)
