"""Triggers: when they run, in which order, and what becomes of the flow that they run in."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from libs.common.flow.interpreter import FAILED, advance
from libs.common.flow.model import Flow, FlowType
from libs.common.flow.plan import FAILURE
from libs.common.flow.questions import SignedIn, WriteUser
from libs.common.flow.turn import Facts, Frame, Message, Over, Submission
from tests.unit.libs.common.flow.triggered import (
    AFTER,
    BEFORE,
    CHANGED,
    EXCHANGE,
    LOGIN,
    SASHA,
    SIGN_UP,
    hooks,
    notes,
    refuses,
    signed_in,
    signed_up,
)
from tests.walks import Walk, asks, flow, library, login, node, program, sets, told, trigger, when
from tests.worlds import NOW, World


def test_a_sign_in_triggers_before_its_success_and_then_before_its_assertion_in_order() -> None:
    walk = signed_in(
        notes("x1", EXCHANGE), notes("p1", LOGIN), notes("x2", EXCHANGE), notes("p2", LOGIN)
    )
    assert hooks(walk) == ["password", "p1", "p2", "x1", "x2", "done"]
    assert walk.turn.effects == (SignedIn("alice", NOW.time),)
    assert list(walk.turn.session.facts.attributes) == ["p1", "p2", "x1", "x2"]


def test_a_login_that_gives_no_assertion_triggers_nothing_before_one() -> None:
    end = node("success", auto_login=False)
    quiet = login("quiet", "start > who > password > end", end=end)
    assert hooks(signed_in(notes("x", EXCHANGE), notes("p", LOGIN), made=quiet)) == [
        "password",
        "p",
        "end",
    ]


def test_a_registration_that_signs_in_triggers_before_its_assertion_and_is_no_login() -> None:
    eager = flow(
        "sign-up",
        "start > ask > write > end",
        ask=asks("email", "password"),
        write=node("user_write"),
        end=node("success", auto_login=True),
    )
    walk = signed_up(notes("x", EXCHANGE), notes("p", LOGIN), made=eager)
    assert hooks(walk) == ["ask", "write", "x", "end"]
    assert walk.turn.effects == (SignedIn("sasha", NOW.time),)


def test_a_new_user_triggers_before_and_after_they_are_written() -> None:
    walk = signed_up(
        notes("after", AFTER), notes("b1", BEFORE), notes("b2", BEFORE), notes("changed", CHANGED)
    )
    assert hooks(walk) == ["ask", "b1", "b2", "write", "after", "done"]
    assert len(walk.world.wrote()) == 1


def test_what_was_triggered_before_a_user_is_written_may_keep_them_from_being_written() -> None:
    walk = signed_up(notes("b1", BEFORE), refuses("no", BEFORE), notes("b3", BEFORE))
    assert walk.turn.shown == Over(
        succeeded=False, message=Message("flow.failed"), text="Not now", redirect="/later"
    )
    assert walk.turn.session.over
    assert walk.turn.session.stack == ()
    assert walk.world.wrote() == []
    assert list(walk.turn.session.facts.attributes) == ["b1"]


def test_what_was_triggered_after_a_user_was_written_halts_the_rest() -> None:
    walk = signed_up(refuses("no", AFTER))
    assert (walk.succeeded, len(walk.world.wrote())) == (False, 1)
    assert walk.path[-1] == "no/no"


def test_a_trigger_that_fails_keeps_anybody_from_signing_in() -> None:
    for point in (LOGIN, EXCHANGE):
        walk = signed_in(refuses("no", point))
        assert (walk.succeeded, walk.turn.effects) == (False, ())


def test_a_trigger_that_fails_with_no_end_drawn_for_it_halts_as_well() -> None:
    walk = signed_in(trigger("odd", LOGIN, "start > x > done", x=sets("x", "user.nothing")))
    assert walk.turn.shown == FAILED
    assert walk.turn.effects == ()


def test_a_user_whom_somebody_else_is_called_like_triggers_nothing_afterwards() -> None:
    walk = Walk(program(SIGN_UP, library(notes("b", BEFORE), notes("a", AFTER))), World(sasha={}))
    walk.sends(**SASHA)
    assert hooks(walk) == ["ask", "b", "write"]
    assert walk.turn.shown == FAILED


CHANGE = flow(
    "change",
    "start > ask > write > done",
    kind=FlowType.PASSWORD_RESET,
    ask=asks("nick", "password"),
    write=node("user_write"),
)
RENAME = flow(
    "rename",
    "start > ask > write > done",
    kind=FlowType.MFA_SETUP,
    ask=asks("nick"),
    write=node("user_write"),
)
OWNER = Facts(account="alice", proved=("otp",))


@pytest.mark.parametrize(
    ("made", "ran"), [(CHANGE, ["ask", "write", "c", "done"]), (RENAME, ["ask", "write", "done"])]
)
def test_a_user_who_was_there_before_triggers_only_by_a_new_password(
    made: Flow, ran: list[str]
) -> None:
    some = (notes("b", BEFORE), notes("a", AFTER), notes("c", CHANGED))
    walk = Walk(program(made, library(*some)), World(alice={}), OWNER)
    walk.sends(nick="A", **({"password": "correct horse"} if made is CHANGE else {}))
    assert hooks(walk) == ran


WAITS = trigger(
    "waits",
    BEFORE,
    "start > ask > learn > done",
    ask=asks("code"),
    learn=sets("code", "inputs.code"),
)


def waiting() -> Walk:
    return signed_up(notes("b1", BEFORE), WAITS, notes("b3", BEFORE), notes("a", AFTER))


def test_a_turn_waits_inside_a_trigger_and_goes_on_there_in_the_next_request() -> None:
    walk = waiting()
    at = {step.id: index for index, step in enumerate(walk.program.steps)}
    b3 = next(i for i, unit in enumerate(walk.program.units) if unit.flow == "flow_b3")
    assert walk.at == "waits/ask"
    assert list(walk.turn.session.stack) == [Frame(at["write"], "before", waiting=(b3,))]
    walk.sends(code="7")
    assert hooks(walk) == ["b3", "write", "a", "done"]
    assert walk.turn.session.facts.attributes["code"] == "7"
    assert walk.succeeded


def test_a_turn_that_dies_after_a_trigger_is_run_again_and_writes_by_the_same_key() -> None:
    walk = waiting()
    stored = walk.stored()
    answer = Submission("", {"code": "7"})
    died = advance(walk.program, stored, answer, NOW)
    asked = next(died)
    died.close()
    again = told(advance(walk.program, stored, answer, NOW), walk.world)
    assert isinstance(asked, WriteUser)
    assert walk.world.wrote() == [asked]
    assert again.session.over
    assert again.session.facts.account == "sasha"


def test_many_triggers_of_one_point_wait_their_turn() -> None:
    some = [trigger(f"t{i}", BEFORE, "start > ask > done", ask=asks("x")) for i in range(30)]
    walk = signed_up(*some)
    for index in range(30):
        assert walk.at == f"t{index}/ask"
        assert len(walk.turn.session.stack[0].waiting) == 29 - index
        walk.sends(x="y")
    assert walk.succeeded


def test_the_points_of_a_node_are_those_that_it_had_when_it_was_reached() -> None:
    # The trigger makes the account itself; then there is nobody new left to write.
    hook = trigger(
        "hook", BEFORE, "start > note > write > done", note=sets("hook"), write=node("user_write")
    )
    walk = signed_up(hook, notes("b2", BEFORE), notes("after", AFTER))
    assert walk.path == [
        "ask:success",
        "hook/start:success",
        "hook/note:success",
        "hook/write:success",
        "hook/done",
        "b2/start:success",
        "b2/note:success",
        "b2/done",
        "write:success",
        "done",
    ]
    assert [each.account for each in walk.world.wrote()] == [None, "sasha"]


def test_a_node_that_leads_to_failure_does_so_once_its_triggers_have_run() -> None:
    made = flow(
        "sign-up",
        "start > ask > write > failed",
        "write:taken > done",
        ask=asks("email", "password"),
        write=node("user_write"),
    )
    walk = signed_up(notes("a", AFTER), made=made)
    assert hooks(walk) == ["ask", "write", "a", "failed"]
    # No flow that is valid leads there without a node: `success` of `user_write` does not fall.
    at = {step.id: index for index, step in enumerate(walk.program.steps)}
    write = walk.program.steps[at["write"]]
    bare = replace(write, to={**write.to, "success": FAILURE})
    steps = tuple(bare if step is write else step for step in walk.program.steps)
    walk = Walk(replace(walk.program, steps=steps))
    walk.sends(**SASHA)
    assert walk.turn.shown == FAILED


def test_a_trigger_has_policies_of_nodes_and_its_start_may_have_them() -> None:
    hook = trigger(
        "hook",
        BEFORE,
        "begin > note > done",
        begin=when(node("start"), "false"),
        note=when(sets("hook"), "has(inputs.email)", at_start=False, each_time=True),
    )
    walk = signed_up(hook)
    assert walk.path[1:4] == ["hook/begin:skipped", "hook/note:success", "hook/done"]


def test_a_trigger_flow_is_not_triggered_itself() -> None:
    hook = trigger(
        "hook",
        LOGIN,
        "start > write > end",
        write=node("user_write"),
        end=node("success", auto_login=True),
    )
    assert program(hook, library(hook, notes("b", BEFORE), notes("p", LOGIN))).triggers == {}
