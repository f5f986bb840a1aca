"""Golden tests: what they expect, where a flow does otherwise, and which edges they walk."""

from __future__ import annotations

import msgspec
import pytest

from libs.common.errors import Problem
from libs.common.flow import interpreter
from libs.common.flow.golden import (
    LONGEST_SHOWN,
    Coverage,
    Golden,
    Miss,
    NamedGolden,
    check,
    check_all,
    coverage,
    judge,
    run,
)
from libs.common.flow.model import Edge, Flow, Json
from libs.common.flow.simulate import make_program
from libs.common.nodes.catalogue import NODE_TYPES
from tests.walks import asks, calls, checks, flow, library, node, sets, when

SIGN_UP = flow(
    "sign-up",
    "start > ask > adult:true > write > done",
    "adult:false > sorry",
    ask=asks("email", "age"),
    adult=checks("size(inputs.age) > 1"),
    write=node("user_write"),
    sorry=node("failure", message="Come back later"),
)
GROWN = {"email": "a@example.com", "age": "17"}
YOUNG = {"email": "a@example.com", "age": "9"}


def golden(*inputs: Json, answers: Json = None, **expect: Json) -> Golden:
    written = {"inputs": list(inputs), "answers": answers or {}, "expect": expect}
    return msgspec.convert(written, Golden)


def misses(test: Golden, of: Flow = SIGN_UP) -> list[tuple[str, str]]:
    outcome = run(make_program(of, NODE_TYPES), test)
    return [(miss.path, miss.message) for miss in outcome.misses]


def one_miss(test: Golden) -> str:
    (miss,) = run(make_program(SIGN_UP, NODE_TYPES), test).misses
    return str(miss)


def test_a_test_that_comes_as_expected_misses_nothing() -> None:
    test = golden(
        {"email": "no"},
        GROWN,
        result="success",
        path=["start", "ask", "adult", "write", "done"],
        views={
            "ask": {
                "requiredParams": ["email", "age"],
                "messages": [{"i18nKey": "form.invalid"}],
                "fieldErrors": [{"identifier": "email"}, {"identifier": "age"}],
            }
        },
        facts={"created": True, "inputs": {"age": "17"}, "amr": []},
        effects=[{"type": "WriteUser", "attributes": {"email": "a@example.com"}}],
    )
    outcome = run(make_program(SIGN_UP, NODE_TYPES), test)
    assert outcome.misses == ()
    assert outcome.simulation is not None
    assert outcome.simulation.result == "success"


def test_everything_that_came_otherwise_is_told() -> None:
    test = golden(
        YOUNG,
        result="success",
        path=["start", "ask", "done"],
        views={"write": {}, "sorry": {"messages": [{"message": "Sorry"}]}},
        facts={"created": True},
        effects=[{"type": "WriteUser"}],
    )
    went = "start → ask → adult → sorry"
    assert misses(test) == [
        ("result", 'expected "success"; got "failure"'),
        ("path", f"expected start → ask → done; went {went}"),
        ("views.write", f"expected a view; it showed none, and the run went {went}"),
        ("views.sorry.messages[0].message", 'expected "Sorry"; got "Come back later"'),
        ("facts.created", "expected true; got false"),
        ("effects", 'expected [{"type":"WriteUser"}]; got []'),
    ]


def test_of_maps_only_what_is_named_is_looked_at() -> None:
    assert misses(golden(views={"ask": {"components": [{"type": "FORM"}]}})) == []


def test_lists_are_as_long_as_is_expected() -> None:
    assert one_miss(golden(views={"ask": {"requiredParams": ["email"]}})) == (
        'views.ask.requiredParams: expected ["email"]; got ["email","age"]'
    )


def test_what_is_not_there_is_told_with_what_is() -> None:
    told = one_miss(golden(views={"ask": {"required": []}}))
    assert told == (
        "views.ask.required: expected []; "
        "there is only components, requiredParams, messages, fieldErrors"
    )
    assert one_miss(golden(facts={"inputs": {"age": "17"}})) == (
        'facts.inputs.age: expected "17"; there is only nothing'
    )


def test_a_boolean_is_no_number() -> None:
    assert one_miss(golden(GROWN, facts={"created": 1})) == "facts.created: expected 1; got true"


def test_a_view_is_the_last_one_that_a_node_showed() -> None:
    wrong = {"messages": [{"i18nKey": "form.invalid"}]}
    assert misses(golden({}, views={"ask": wrong})) == []
    assert misses(golden({}, GROWN, views={"ask": wrong})) == []


def test_a_list_of_views_is_all_that_a_node_showed_in_turn() -> None:
    first: Json = {"messages": []}
    then = {"messages": [{"i18nKey": "form.invalid"}]}
    assert misses(golden({}, views={"ask": [first, then]})) == []
    assert [path for path, _ in misses(golden({}, views={"ask": [first]}))] == ["views.ask"]
    assert [path for path, _ in misses(golden({}, views={"ask": [then, then]}))] == [
        "views.ask[0].messages"
    ]


def test_inputs_that_are_left_over_are_a_miss() -> None:
    assert one_miss(golden(GROWN, {}, result="success")) == (
        "inputs: expected all to be sent; the flow was over with 1 left"
    )


def test_a_script_that_cannot_be_played_is_a_miss() -> None:
    outcome = run(make_program(SIGN_UP, NODE_TYPES), golden(answers={"pw": "failure"}, path=[]))
    assert outcome.misses == (Miss("answers.pw", "No node that can be reached is called so"),)
    assert outcome.simulation is None


def test_a_run_that_cannot_go_on_is_a_miss(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interpreter, "LONGEST", 2)
    long = flow("long", "start > set > done", set=sets("a"))
    ((path, message),) = misses(golden(result="success"), long)
    assert path == ""
    assert "would have been stopped" in message


def test_a_long_value_is_cut() -> None:
    told = one_miss(golden(GROWN, facts={"inputs": {"age": "x" * 1000}}))
    assert len(told) < LONGEST_SHOWN + 100
    assert "…" in told


def test_where_nobody_may_start_it_goes_nowhere() -> None:
    gated = msgspec.structs.replace(
        SIGN_UP,
        settings=msgspec.structs.replace(SIGN_UP.settings, authentication="require_outpost"),
    )
    assert misses(golden(result="denied"), gated) == []
    assert misses(golden(path=["start"]), gated) == [("path", "expected start; went nowhere")]


@pytest.mark.parametrize(
    ("path", "found"), [("", "expect"), ("tests[2]", "tests[2].expect")], ids=["alone", "in a file"]
)
def test_a_test_that_cannot_fail_is_refused(path: str, found: str) -> None:
    (problem,) = check(golden(), path)
    assert (problem.code, problem.path) == ("invalid", found)


@pytest.mark.parametrize("expect", [{"path": []}, {"effects": []}, {"result": "waiting"}])
def test_a_test_that_expects_something_is_not(expect: Json) -> None:
    assert check(golden(**expect)) == ()


@pytest.mark.parametrize("name", ["", "a/b", "a\nb", "a\x7f", "x" * 201])
def test_a_name_has_a_place_in_a_path(name: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"name": name, "expect": {}}, NamedGolden)


def covered(of: Flow, *tests: Golden, beside: Flow | None = None) -> Coverage:
    known = library(*([] if beside is None else [beside]))
    program = make_program(of, NODE_TYPES, known)
    played = [run(program, test).simulation for test in tests]
    return coverage(of, program, NODE_TYPES, [each for each in played if each is not None])


def test_edges_that_no_test_walks_are_named() -> None:
    assert covered(SIGN_UP, golden(GROWN)) == Coverage(4, 5, (Edge("adult", "sorry", "false"),))
    assert covered(SIGN_UP, golden(GROWN), golden(YOUNG)) == Coverage(5, 5, ())
    assert covered(SIGN_UP).walked == 0


def test_edges_that_nothing_reaches_are_not_counted() -> None:
    lost = flow("lost", "start > done", "ask > done", ask=asks("name"))
    assert covered(lost, golden()) == Coverage(1, 1, ())


def test_an_edge_to_a_flow_inside_is_walked_once_that_has_ended() -> None:
    inner = flow("inner", "start > ask > done", ask=asks("name"))
    outer = flow("outer", "start > call > done", call=calls("inner"))
    assert covered(outer, golden(), beside=inner).missed == (Edge("call", "done"),)
    assert covered(outer, golden({"name": "A"}), beside=inner).missed == ()


def test_to_pass_a_node_by_is_not_to_walk_its_edge() -> None:
    gated = flow("gated", "start > ask > done", ask=when(asks("name"), "false"))
    assert covered(gated, golden()).missed == (Edge("ask", "done"),)


def test_what_cannot_be_played_walks_nothing() -> None:
    assert covered(SIGN_UP, golden(answers={"x": "success"})).walked == 0


def test_the_problem_of_a_test_names_its_field() -> None:
    assert check(golden()) == (
        Problem(
            "invalid",
            "Expect something: `result`, `path`, `views`, `facts` or `effects`",
            path="expect",
        ),
    )


def named(name: str, **expect: Json) -> NamedGolden:
    return msgspec.convert({"name": name, "expect": expect}, NamedGolden)


def test_of_several_tests_each_has_a_name_of_its_own_and_can_fail() -> None:
    found = check_all((named("a"), named("b", path=[]), named("b", result="waiting")))
    assert [(each.code, each.path) for each in found] == [
        ("invalid", "tests[0].expect"),
        ("invalid", "tests[2].name"),
    ]
    assert check_all((named("a", path=[]), named("b", path=[]))) == ()


def test_several_tests_are_judged_together() -> None:
    program = make_program(SIGN_UP, NODE_TYPES)
    tests = [
        ("holds", golden(GROWN, result="success")),
        ("misses", golden(YOUNG, result="success")),
        ("cannot be played", golden(answers={"x": "success"}, path=[])),
    ]
    judged = judge(SIGN_UP, program, NODE_TYPES, tests)
    assert [(each.name, each.passed, len(each.misses)) for each in judged.tests] == [
        ("holds", True, 0),
        ("misses", False, 1),
        ("cannot be played", False, 1),
    ]
    assert judged.coverage == Coverage(5, 5, ())
