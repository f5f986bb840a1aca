from __future__ import annotations

import msgspec
import pytest

from libs.common.flow.node import InvalidConfig
from libs.common.flow.questions import LoadUser
from libs.common.flow.turn import Facts, Leave
from libs.common.nodes.set_attribute import NODE, Config, run
from libs.common.nodes.storable import LARGEST
from tests.playbook import Playbook, lowered, visit


def test_the_value_is_remembered_beside_the_others() -> None:
    step = lowered(NODE, {"attribute": "risk", "value": "request.ip === '192.0.2.7' ? 1 : 2"})
    before = Facts(attributes={"risk": 7, "plan": "gold"})
    after = Facts(attributes={"risk": 1, "plan": "gold"})
    Playbook(run(step, visit(before))).ends(Leave("success", after))


def test_the_value_may_be_of_the_user() -> None:
    step = lowered(NODE, {"attribute": "name", "value": "user.name"})
    alice = Facts(account="alice", proved=("pwd",))
    named = msgspec.structs.replace(alice, attributes={"name": "Alice"})
    dialogue = Playbook(run(step, visit(alice)))
    dialogue.asks(LoadUser("alice"), answered={"name": "Alice"}).ends(Leave("success", named))


@pytest.mark.parametrize(
    "value", ["inputs.nothing", "inputs.text === 1", "inputs.text", "inputs.number", "inputs.far"]
)
def test_what_cannot_be_kept_leaves_by_error(value: str) -> None:
    inputs = {"text": "x" * (LARGEST + 1), "number": 2**64, "far": float("inf")}
    step = lowered(NODE, {"attribute": "a", "value": value})
    Playbook(run(step, visit(Facts(inputs=inputs)))).ends(Leave("error"))


def test_the_largest_value_is_kept() -> None:
    text = "x" * (LARGEST - 3)  # msgpack writes three bytes before it
    step = lowered(NODE, {"attribute": "a", "value": "inputs.text"})
    facts = Facts(inputs={"text": text})
    kept = msgspec.structs.replace(facts, attributes={"a": text})
    Playbook(run(step, visit(facts))).ends(Leave("success", kept))


def test_a_value_that_is_no_expression_is_refused() -> None:
    with pytest.raises(InvalidConfig) as refused:
        lowered(NODE, {"attribute": "a", "value": "not an expression"})
    (problem,) = refused.value.problems
    assert (problem.code, problem.path) == ("invalid_expression", "value")


@pytest.mark.parametrize("name", ["", "a.b", "1st", "a\n", "x" * 51])
def test_an_attribute_has_a_name_that_an_expression_can_read(name: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"attribute": name, "value": "1"}, Config)
