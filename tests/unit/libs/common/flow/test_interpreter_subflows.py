"""Flows inside flows: entered, waited in, left, and never mixed up with one another."""

from __future__ import annotations

import msgspec
import pytest

from libs.common.errors import Invalid
from libs.common.flow.interpreter import FAILED, advance
from libs.common.flow.model import Flow, FlowType, Library
from libs.common.flow.questions import CheckPassword, SignedIn
from libs.common.flow.rules.links import DEEPEST
from libs.common.flow.turn import Frame, Over, Session, Stay, Submission
from tests.walks import (
    ALICE,
    Walk,
    asks,
    calls,
    checks,
    flow,
    library,
    login,
    node,
    program,
    sets,
    told,
)
from tests.worlds import NOW, PASSWORD, World

PASSES = flow("inner", "start > done")
FAILS = flow(
    "inner", "start > check", "check:true > failed", "check:false > done", check=checks("true")
)
OUTER = flow(
    "main",
    "start > call > yes > done",
    "call:failure > no > done",
    call=calls("inner"),
    yes=sets("went", "'well'"),
    no=sets("went", "'wrong'"),
)


def inside(inner: Flow, outer: Flow = OUTER) -> Walk:
    return Walk(program(outer, library(inner)))


def test_how_the_flow_inside_ends_is_how_its_node_is_left() -> None:
    assert inside(PASSES).path == [
        "start:success",
        "call",
        "inner/start:success",
        "inner/done",
        "call:success",
        "yes:success",
        "done",
    ]
    assert inside(FAILS).path == [
        "start:success",
        "call",
        "inner/start:success",
        "inner/check:true",
        "inner/failed",
        "call:failure",
        "no:success",
        "done",
    ]


def test_a_failure_inside_that_no_end_is_drawn_for_is_the_nodes_too() -> None:
    undrawn = flow("inner", "start > x > done", x=sets("x", "user.nothing"))
    walk = inside(undrawn)
    assert walk.path[-4:] == ["inner/x:error", "call:failure", "no:success", "done"]


def test_a_failure_inside_that_the_flow_outside_draws_nothing_for_is_its_own() -> None:
    outer = flow("main", "start > call > done", call=calls("inner"))
    walk = inside(FAILS, outer)
    assert walk.turn.shown == FAILED
    assert walk.turn.session.over
    assert walk.turn.session.stack == ()


def test_what_the_ends_inside_say_is_not_used() -> None:
    wordy = flow("inner", "start > bye", bye=node("success", message="Bye", redirect="/away"))
    assert inside(wordy).turn.shown == Over(succeeded=True)
    gruff = flow(
        "inner",
        "start > check",
        "check:true > no",
        "check:false > done",
        check=checks("true"),
        no=node("failure", message="No", redirect="/away"),
    )
    bare = flow("main", "start > call > done", call=calls("inner"))
    assert inside(gruff, bare).turn.shown == FAILED


SIGN_IN = login(
    "inner", "start > who > password > done", password=node("password_input", attempts=2)
)


def test_the_success_of_a_login_inside_signs_nobody_in_but_what_it_proved_counts() -> None:
    for sign_in in (False, True):
        outer = flow(
            "main",
            "start > call > end",
            call=calls("inner"),
            end=node("success", auto_login=sign_in),
        )
        walk = Walk(program(outer, library(SIGN_IN)), World(alice={}))
        walk.sends(email=ALICE)
        walk.sends(password=PASSWORD)
        assert walk.turn.shown == Over(succeeded=True, sign_in=sign_in)
        assert walk.turn.effects == ((SignedIn("alice", NOW.time),) if sign_in else ())
        assert walk.turn.session.facts.proved == ("pwd",)


def test_facts_are_shared_both_ways() -> None:
    inner = flow(
        "inner",
        "start > check",
        "check:true > learn > done",
        "check:false > failed",
        check=checks("facts.before"),
        learn=sets("learned", "inputs.name"),
    )
    outer = flow(
        "main",
        "start > ask > before > call > done",
        ask=asks("name"),
        before=sets("before"),
        call=calls("inner"),
    )
    walk = inside(inner, outer)
    walk.sends(name="Sasha")
    assert walk.succeeded
    assert walk.turn.session.facts.attributes == {"before": True, "learned": "Sasha"}


def test_the_flow_that_expressions_inside_read_about_is_the_one_that_was_started() -> None:
    inner = flow("inner", "start > x > done", kind=FlowType.MFA_SETUP, x=sets("kind", "flow.type"))
    assert inside(inner).turn.session.facts.attributes["kind"] == "registration"


DEEP = (
    flow("middle", "start > call > after > done", call=calls("innermost"), after=asks("after")),
    flow("innermost", "start > ask > done", ask=asks("name")),
)


def test_a_turn_waits_deep_inside_and_goes_on_there_in_the_next_request() -> None:
    outer = flow("main", "start > call > last > done", call=calls("middle"), last=asks("last"))
    made = program(outer, library(*DEEP))
    walk = Walk(made)
    assert walk.at == "innermost/ask"
    by = {step.id: index for index, step in enumerate(made.steps)}
    calling = [Frame(by["call"], "subflow"), Frame(by["middle/call"], "subflow")]
    assert list(walk.turn.session.stack) == calling
    walk.sends()
    assert (walk.at, walk.path) == ("innermost/ask", ["innermost/ask"])
    walk.sends(name="Sasha")
    assert walk.at == "middle/after"
    assert list(walk.turn.session.stack) == calling[:1]
    walk.sends(after="x")
    assert walk.at == "last"
    assert list(walk.turn.session.stack) == []
    walk.sends(last="x")
    assert walk.succeeded


def test_a_turn_that_dies_inside_is_run_again_to_the_same_end() -> None:
    made = program(flow("main", "start > call > done", call=calls("inner")), library(SIGN_IN))
    walk = Walk(made, World(alice={}))
    walk.sends(email=ALICE)
    stored = walk.stored()
    answer = Submission("", {"password": PASSWORD})
    died = advance(made, stored, answer, NOW)
    assert isinstance(next(died), CheckPassword)
    died.close()
    assert walk.stored() == stored
    again = told(advance(made, stored, answer, NOW), walk.world)
    assert again == told(advance(made, stored, answer, NOW), walk.world)
    assert again.shown == Over(succeeded=True)


def test_wrong_guesses_are_counted_by_where_they_are_made_and_a_loop_buys_none() -> None:
    outer = flow(
        "main",
        "start > who > password > done",
        "password:failure > call > back > who",
        "call:failure > back",
        kind=FlowType.REGISTRATION,
        who=node("identifier_input"),
        password=node("password_input", attempts=2),
        call=calls("inner"),
        back=asks("again"),
    )
    walk = Walk(program(outer, library(SIGN_IN)), World(alice={}))
    walk.sends(email=ALICE)
    walk.sends(password="wrong")
    walk.sends(password="wrong")
    assert (walk.at, walk.turn.session.tries) == ("inner/who", {"password": 2})
    walk.sends(email=ALICE)
    walk.sends(password="wrong")
    assert walk.turn.session.tries == {"password": 2, "inner/password": 1}
    walk.sends(password="wrong")
    assert walk.at == "back"
    walk.sends(again="yes")
    walk.sends(email=ALICE)
    walk.sends(password=PASSWORD)
    assert walk.at == "inner/who"
    walk.sends(email=ALICE)
    walk.sends(password=PASSWORD)
    assert walk.at == "back"
    assert walk.turn.session.tries == {"password": 2, "inner/password": 2}


def test_one_flow_called_twice_is_in_the_plan_once_and_comes_back_to_whom_it_was_called_by() -> (
    None
):
    inner = flow("inner", "start > ask > done", ask=asks("name"))
    outer = flow(
        "main",
        "start > first > between > second > done",
        first=calls("inner"),
        between=sets("between"),
        second=calls("inner"),
    )
    made = program(outer, library(inner))
    assert [step.id for step in made.steps].count("inner/ask") == 1
    walk = Walk(made)
    walk.sends(name="a")
    assert walk.path == [
        "inner/ask:success",
        "inner/done",
        "first:success",
        "between:success",
        "second",
        "inner/start:success",
        "inner/ask",
    ]
    walk.sends(name="b")
    assert walk.path == ["inner/ask:success", "inner/done", "second:success", "done"]


def chain(length: int) -> tuple[Flow, Library]:
    """A flow with `length` others inside one another."""
    outer = flow("main", "start > call > done", call=calls("f1"))
    others = [
        flow(f"f{index}", "start > call > done", call=calls(f"f{index + 1}"))
        for index in range(1, length)
    ]
    return outer, library(*others, flow(f"f{length}", "start > ask > done", ask=asks("name")))


def test_flows_run_inside_one_another_as_deep_as_that_and_no_deeper() -> None:
    walk = Walk(program(*chain(DEEPEST)))
    assert len(walk.turn.session.stack) == DEEPEST
    walk.sends(name="Sasha")
    assert walk.succeeded
    with pytest.raises(Invalid) as refused:
        program(*chain(DEEPEST + 1))
    assert [(each.code, each.node_id) for each in refused.value.problems] == [
        ("subflow_too_deep", "call")
    ]


def test_a_chain_that_is_much_too_deep_is_told_once_whatever_else_is_called() -> None:
    outer, others = chain(2_000)
    outer = flow(
        "main", "start > call > short > done", call=calls("f1"), short=calls(f"f{DEEPEST}")
    )
    with pytest.raises(Invalid) as refused:
        program(outer, others)
    assert [(each.code, each.node_id) for each in refused.value.problems] == [
        ("subflow_too_deep", "call")
    ]


def test_a_session_that_was_stored_before_flows_could_run_inside_decodes() -> None:
    before = {
        "id": "c8e06de8-7123-44ac-8209-02be5b55387e",
        "tenant": "default",
        "plan": "0" * 64,
        "type": "login",
        "node": 2,
        "started_at": 1,
        "expires_at": 2,
        "idle_until": 3,
        "revision": 4,
        "facts": {"account": "alice", "proved": ["pwd"]},
        "tries": {"password": 1},
    }
    session = msgspec.msgpack.decode(msgspec.msgpack.encode(before), type=Session)
    assert (session.stack, session.planned, session.facts.authenticated) == ((), {}, False)


def test_a_view_inside_is_shown_as_any_other() -> None:
    shown = inside(flow("inner", "start > ask > done", ask=asks("name"))).turn.shown
    assert isinstance(shown, Stay)
    assert shown.view.components[0].id == "form_ask"
