"""What `action` and `webhook` send, and what they take of an answer."""

from __future__ import annotations

import uuid

import msgspec
import pytest

from libs.common.flow.calls import Reached
from libs.common.flow.model import Json
from libs.common.flow.node import InvalidConfig
from libs.common.flow.questions import LoadUser
from libs.common.flow.turn import Facts, Leave
from libs.common.nodes.calling import (
    Calling,
    Exchange,
    body_of,
    key_of,
    lower_exchange,
    take,
    writes,
)
from tests.playbook import SESSION, Playbook, visit


def exchange(**fields: Json) -> Exchange:
    return lower_exchange(msgspec.convert(fields, Calling))


SCORE: Json = {"attribute": "score", "type": "number"}
ROUTED = exchange(attributes=[SCORE], outcomes=[{"outcome": "review"}])


def after(**attributes: Json) -> Facts:
    return Facts(attributes=attributes)


# What is sent.


def test_the_parameters_are_sent_with_the_flow_and_the_node_and_never_the_session() -> None:
    sent = exchange(parameters=[{"name": "mail", "value": "inputs.email"}])
    body = Playbook(body_of(sent, visit(Facts(inputs={"email": "a@example.com"})))).result()
    assert body == {
        "flow": "login",
        "node": "step",
        "parameters": {"mail": "a@example.com"},
    }
    assert SESSION not in str(body)


def test_a_parameter_may_be_of_the_user() -> None:
    sent = exchange(parameters=[{"name": "who", "value": "user.id"}])
    asked = Playbook(body_of(sent, visit(Facts(account="alice", proved=("pwd",)))))
    body = asked.asks(LoadUser("alice"), answered={"id": "alice"}).result()
    assert body is not None
    assert body["parameters"] == {"who": "alice"}


@pytest.mark.parametrize("value", ["inputs.nothing", "inputs.long < 1", "inputs.long"])
def test_where_a_parameter_cannot_be_said_nothing_is(value: str) -> None:
    sent = exchange(parameters=[{"name": "a", "value": value}])
    facts = Facts(inputs={"long": "x" * 5_000})
    Playbook(body_of(sent, visit(facts))).ends(None)


def test_a_turn_that_is_run_again_has_the_same_key_and_another_visit_another() -> None:
    here = visit()
    assert key_of(here) == key_of(visit())
    others = (
        msgspec.structs.replace(here, revision=here.revision + 1),
        msgspec.structs.replace(here, node="other"),
        msgspec.structs.replace(here, session=str(uuid.uuid4())),
    )
    assert len({key_of(each) for each in (here, *others)}) == 4


# What is taken.


def test_an_answer_sets_what_is_declared_and_nothing_else() -> None:
    answer = Reached({"score": 0.5, "plan": "gold"})
    facts = Facts(attributes={"old": 1})
    assert take(ROUTED, visit(facts), answer) == Leave("success", after(old=1, score=0.5))


def test_an_answer_may_name_an_outcome_that_is_declared() -> None:
    answer = Reached({"outcome": "review", "score": 1})
    assert take(ROUTED, visit(), answer) == Leave("review", after(score=1))


@pytest.mark.parametrize("outcome", ["denied", "failure"])
def test_an_answer_may_deny_and_then_sets_nothing(outcome: str) -> None:
    assert take(ROUTED, visit(), Reached({"outcome": outcome, "score": 1})) == Leave(outcome)


@pytest.mark.parametrize(
    "body",
    [
        {"outcome": "elsewhere", "score": 1},
        {"outcome": "skipped", "score": 1},
        {"outcome": True, "score": 1},
        {"outcome": ["review"], "score": 1},
        {"score": "1"},
        {"score": True},
        {"score": 2**64},
        {"score": None},
        {},
        [],
        None,
        "hello",
    ],
)
def test_an_answer_that_its_author_did_not_foresee_is_a_failure(body: Json) -> None:
    assert take(ROUTED, visit(), Reached(body)) == Leave("failure")


def test_no_answer_is_a_failure() -> None:
    assert take(ROUTED, visit(), None) == Leave("failure")


def test_where_nothing_is_taken_an_empty_answer_will_do() -> None:
    assert take(exchange(), visit(), Reached(None)) == Leave("success")


@pytest.mark.parametrize(
    ("type", "right", "wrong"),
    [
        ("string", "a", 1),
        ("number", 1, True),
        ("number", 1.5, "1.5"),
        ("boolean", False, 0),
        ("boolean", True, "true"),
        ("list", ["a"], {"a": 1}),
        ("map", {"a": 1}, ["a"]),
    ],
)
def test_an_attribute_is_of_its_type(type: str, right: Json, wrong: Json) -> None:
    taking = exchange(attributes=[{"attribute": "a", "type": type}])
    assert take(taking, visit(), Reached({"a": right})) == Leave("success", after(a=right))
    assert take(taking, visit(), Reached({"a": wrong})) == Leave("failure")


@pytest.mark.parametrize(
    ("at", "found"),
    [
        ("/a", {"b": ["x", "y"]}),
        ("/a/b/1", "y"),
        ("/a/b/2", None),
        ("/a/b/01", None),
        ("/a/b/-", None),
        ("/a/b/1/c", None),
        ("/nothing/there", None),
        ("/m~1n~01", "z"),
    ],
)
def test_an_attribute_is_where_its_pointer_leads(at: str, found: Json) -> None:
    kind = "map" if isinstance(found, dict) else "string"
    optional = {"attribute": "v", "type": kind, "at": at, "required": False}
    answer = Reached({"a": {"b": ["x", "y"]}, "m/n~1": "z"})
    leave = take(exchange(attributes=[optional]), visit(), answer)
    assert leave == Leave("success", after(v=found))


def test_the_outcome_may_be_anywhere() -> None:
    routed = exchange(outcomes=[{"outcome": "review"}], outcome_at="/result/decision")
    assert take(routed, visit(), Reached({"result": {"decision": "review"}})) == Leave("review")


def test_what_is_set_is_known_to_the_rules() -> None:
    config = msgspec.convert({"attributes": [SCORE]}, Calling)
    assert writes(config) == (("facts", "score"),)


# What makes no sense.


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"parameters": [{"name": "a", "value": "not an expression"}]}, "parameters[0].value"),
        ({"parameters": 2 * [{"name": "a", "value": "1"}]}, "parameters[1]"),
        ({"attributes": [SCORE, {"attribute": "b", "type": "map"}, SCORE]}, "attributes[2]"),
        ({"outcomes": [{"outcome": "denied"}]}, "outcomes[0].outcome"),
        ({"outcomes": [{"outcome": "a"}, {"outcome": "skipped"}]}, "outcomes[1].outcome"),
        ({"outcomes": [{"outcome": "error"}]}, "outcomes[0].outcome"),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_path(fields: dict[str, Json], path: str) -> None:
    with pytest.raises(InvalidConfig) as refused:
        exchange(**fields)
    assert [problem.path for problem in refused.value.problems] == [path]


@pytest.mark.parametrize("pointer", ["", "a", "/a~", "/a~2", "/a\n", "/" + 500 * "a"])
def test_a_pointer_leads_into_the_answer(pointer: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        exchange(outcome_at=pointer)
