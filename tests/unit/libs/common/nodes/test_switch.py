from __future__ import annotations

from collections.abc import Mapping

import msgspec
import pytest

from libs.common.flow.model import Json
from libs.common.flow.node import InvalidConfig
from libs.common.flow.questions import LoadUser
from libs.common.flow.turn import Facts, Leave, Move
from libs.common.nodes.switch import NODE, Config, run
from tests.playbook import Playbook, lowered, visit

CASES = [
    {"outcome": "staff", "when": "facts.staff"},
    {"outcome": "admin", "when": "user.role === 'admin'"},
    {"outcome": "staff", "when": "user.role === 'editor'"},
]
STEP = lowered(NODE, {"cases": CASES})
VISITOR = Facts(account="alice", proved=("pwd",), attributes={"staff": False})


def spoken(facts: Facts, user: Mapping[str, Json]) -> Playbook[Move]:
    return Playbook(run(STEP, visit(facts))).asks(LoadUser("alice"), answered=user)


def test_the_first_case_that_is_true_is_taken() -> None:
    admin = {"role": "admin"}
    spoken(VISITOR, admin).ends(Leave("admin"))
    spoken(Facts(account="alice", proved=("pwd",), attributes={"staff": True}), admin).ends(
        Leave("staff")
    )


def test_where_no_case_is_true_it_leaves_by_default() -> None:
    spoken(VISITOR, {"role": "guest"}).ends(Leave("default"))


def test_a_case_that_cannot_be_told_does_not_fall_to_the_next() -> None:
    spoken(Facts(account="alice", proved=("pwd",)), {"role": "admin"}).ends(Leave("error"))
    spoken(VISITOR, {"role": 1}).ends(Leave("error"))


def test_nobody_is_asked_for_a_user_that_no_case_reads() -> None:
    step = lowered(NODE, {"cases": [{"outcome": "staff", "when": "facts.staff"}]})
    Playbook(run(step, visit(VISITOR))).ends(Leave("default"))


def test_the_outcomes_are_those_of_the_cases_once_each() -> None:
    config = msgspec.convert({"cases": CASES}, Config)
    assert NODE.outcomes(config) == ("staff", "admin", "default", "error")


@pytest.mark.parametrize("name", ["default", "error", "skipped"])
def test_no_case_is_called_what_the_node_may_leave_by_without_one(name: str) -> None:
    with pytest.raises(InvalidConfig) as refused:
        lowered(NODE, {"cases": [{"outcome": name, "when": "true"}]})
    (problem,) = refused.value.problems
    assert (problem.code, problem.path) == ("invalid_config", "cases[0].outcome")
    assert problem.message == (
        f"A case cannot be called `{name}`: the node may leave so without one; give it another name"
    )


def test_every_wrong_case_is_named_at_once() -> None:
    wrong = [
        {"outcome": "default", "when": "true &&"},
        {"outcome": "fine", "when": "true"},
        {"outcome": "error", "when": "7"},
    ]
    with pytest.raises(InvalidConfig) as refused:
        lowered(NODE, {"cases": wrong})
    assert [(problem.code, problem.path) for problem in refused.value.problems] == [
        ("invalid_config", "cases[0].outcome"),
        ("invalid_expression", "cases[0].when"),
        ("invalid_config", "cases[2].outcome"),
        ("invalid_expression", "cases[2].when"),
    ]


@pytest.mark.parametrize(
    "cases",
    [[], [{"outcome": "a b", "when": "true"}], [{"outcome": "a\n", "when": "true"}],
     [{"outcome": f"case{index}", "when": "true"} for index in range(51)]],
)  # fmt: skip
def test_cases_are_some_and_not_too_many_and_their_names_are_plain(cases: list[object]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"cases": cases}, Config)


def revealed(*cases: tuple[str, str]) -> dict[str, list[tuple[str, bool]]]:
    step = lowered(NODE, {"cases": [{"outcome": name, "when": when} for name, when in cases]})
    return {
        outcome: [(expression.text, value) for expression, value in told]
        for outcome, told in NODE.reveals(step).items()
    }


def test_a_case_reveals_that_it_was_true_and_those_before_it_false() -> None:
    assert revealed(("a", "user.a"), ("b", "user.b")) == {
        "a": [("user.a", True)],
        "b": [("user.a", False), ("user.b", True)],
        "default": [("user.a", False), ("user.b", False)],
    }


def test_where_two_cases_lead_to_one_outcome_it_reveals_neither() -> None:
    found = revealed(("a", "user.a"), ("b", "user.b"), ("c", "user.c"), ("b", "user.d"))
    assert found["b"] == [("user.a", False)]
