"""Triggers and flows inside one another: what is triggered where, and who judges what fails."""

from __future__ import annotations

from libs.common.flow.questions import SignedIn
from libs.common.flow.turn import Over
from tests.unit.libs.common.flow.triggered import (
    AFTER,
    BEFORE,
    EXCHANGE,
    LOGIN,
    SIGN_IN,
    SIGN_UP,
    hooks,
    notes,
    refuses,
    signed_in,
    signed_up,
)
from tests.walks import ALICE, Walk, calls, flow, library, login, node, program, sets, trigger
from tests.worlds import NOW, PASSWORD, World


def test_nothing_is_triggered_inside_what_was_triggered() -> None:
    writes = flow("writes", "start > write > done", write=node("user_write"))
    hook = trigger(
        "hook", BEFORE, "start > note > call > done", note=sets("hook"), call=calls("writes")
    )
    walk = signed_up(hook, writes)
    assert walk.path == [
        "ask:success",
        "hook/start:success",
        "hook/note:success",
        "hook/call",
        "writes/start:success",
        "writes/write:success",
        "writes/done",
        "hook/call:success",
        "hook/done",
        "write:success",
        "done",
    ]


def test_a_trigger_may_run_the_flow_that_it_runs_in_since_nothing_is_triggered_there() -> None:
    # Otherwise a flow that a trigger calls could not be active, as it has to be: its own end
    # or its own `user_write` is a point of that trigger.
    hook = trigger("hook", LOGIN, "start > call > done", call=calls("sign-in"))
    made = program(SIGN_IN, library(hook, SIGN_IN))
    walk = Walk(made, World(alice={}))
    walk.sends(email=ALICE)
    walk.sends(password=PASSWORD)
    assert walk.at == "sign-in/who"
    walk.sends(email=ALICE)
    walk.sends(password=PASSWORD)
    assert walk.turn.effects == (SignedIn("alice", NOW.time),)


def test_the_end_of_a_flow_inside_another_is_no_point() -> None:
    some = (notes("p", LOGIN), notes("x", EXCHANGE), SIGN_IN)
    outer = flow(
        "outer", "start > call > end", call=calls("sign-in"), end=node("success", auto_login=True)
    )
    walk = signed_in(*some, made=outer)
    assert walk.program.triggers.keys() == {EXCHANGE}
    assert hooks(walk)[-3:] == ["call", "x", "end"]
    twice = login("twice", "start > who > password > call > done", call=calls("sign-in"))
    walk = signed_in(*some, made=twice)
    walk.sends(email=ALICE)
    walk.sends(password=PASSWORD)
    assert walk.program.triggers.keys() == {LOGIN, EXCHANGE}
    assert hooks(walk) == ["call", "p", "x", "done"]


def test_a_user_who_is_written_in_a_flow_inside_triggers_there() -> None:
    outer = flow(
        "outer",
        "start > call > sorry",
        "call:failure > sorry",
        call=calls("sign-up"),
        sorry=node("success", message="Well?"),
    )
    walk = signed_up(notes("b", BEFORE), notes("a", AFTER), SIGN_UP, made=outer)
    assert walk.path == [
        "sign-up/ask:success",
        "b/start:success",
        "b/note:success",
        "b/done",
        "sign-up/write:success",
        "a/start:success",
        "a/note:success",
        "a/done",
        "sign-up/done",
        "call:success",
        "sorry",
    ]
    # It halts all of it: its words would be lost if the flow outside went on by another way.
    halted = signed_up(refuses("no", BEFORE), SIGN_UP, made=outer)
    assert isinstance(halted.turn.shown, Over)
    assert (halted.succeeded, halted.turn.shown.text) == (False, "Not now")


def test_a_flow_that_fails_inside_a_trigger_is_the_triggers_to_judge() -> None:
    fails = flow("fails", "start > x > done", x=sets("x", "user.nothing"))
    hook = trigger(
        "hook", BEFORE, "start > call > done", "call:failure > done", call=calls("fails")
    )
    walk = signed_up(hook, fails)
    assert "hook/call:failure" in walk.path
    assert walk.succeeded
