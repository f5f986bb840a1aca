"""Policies of nodes: when they decide, and how a node is left that they keep from running."""

from __future__ import annotations

import pytest

from libs.common.flow.interpreter import FAILED
from libs.common.flow.model import Mode, Node, TriggerPoint
from libs.common.flow.node import Visit
from libs.common.flow.plan import Instruction
from libs.common.flow.questions import LoadUser
from libs.common.flow.turn import Bypass, Enter, Facts, Move
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
    trigger,
    when,
)
from tests.worlds import CODE, PASSWORD, World

CALLER = Facts(account="mallory", authenticated=True)
SEEN = sets("seen")


def walk(step: Node, *paths: str, facts: Facts | None = None, note: Node = SEEN) -> Walk:
    made = flow("main", "start > step > done", *paths, step=step, note=note)
    return Walk(program(made), World(mallory={"vip": True}), facts or Facts())


@pytest.mark.parametrize(
    ("policies", "mode", "outcome"),
    [
        (("true",), "any", "success"),
        (("false",), "any", "skipped"),
        (("not false",), "any", "success"),
        (("false", "true"), "any", "success"),
        (("false", "true"), "all", "skipped"),
        (("user.vip",), "any", "error"),
        (("not user.vip",), "any", "error"),
        (("user.vip", "true"), "any", "success"),
        (("user.vip", "true"), "all", "error"),
    ],
)
def test_a_node_runs_where_its_policies_pass(
    policies: tuple[str, ...], mode: Mode, outcome: str
) -> None:
    for at_start in (True, False):
        step = when(SEEN, *policies, mode=mode, at_start=at_start, each_time=not at_start)
        done = walk(step)
        assert f"step:{outcome}" in done.path
        assert done.turn.session.facts.attributes == (
            {"seen": True} if outcome == "success" else {}
        )
        assert done.succeeded is (outcome != "error")


def test_a_node_that_is_left_out_goes_on_as_by_its_default_outcome() -> None:
    done = walk(when(asks("name"), "false"))
    assert done.path == ["start:success", "step:skipped", "done"]


def test_an_edge_of_its_own_takes_what_is_left_out() -> None:
    done = walk(when(asks("name"), "false"), "step:skipped > note > done")
    assert done.path == ["start:success", "step:skipped", "note:success", "done"]


def test_an_edge_of_its_own_takes_what_nobody_could_tell() -> None:
    step = when(asks("name"), "user.vip")
    done = walk(step, "step:error > note > done")
    assert done.path == ["start:success", "step:error", "note:success", "done"]
    assert walk(step).turn.shown == FAILED


def test_what_is_decided_at_the_start_stands_whatever_is_found_out_later() -> None:
    made = flow(
        "main",
        "start > learn > ask > step > done",
        learn=sets("vip"),
        ask=asks("name"),
        step=when(SEEN, "has(facts.vip)"),
    )
    run = Walk(program(made))
    assert run.turn.session.planned == {3: False}
    run.sends(name="Sasha")
    assert "step:skipped" in run.path


def test_what_is_decided_at_each_arrival_knows_what_was_found_out() -> None:
    made = flow(
        "main",
        "start > ask > step > check",
        "check:true > ask",
        "check:false > done",
        ask=asks("name"),
        step=when(SEEN, "inputs.name === 'Sasha'", at_start=False, each_time=True),
        check=checks("inputs.name !== 'Robin'"),
    )
    run = Walk(program(made))
    assert run.turn.session.planned == {}
    run.sends(name="Sasha")
    assert run.path == ["ask:success", "step:success", "check:true", "ask"]
    run.sends(name="Kim")
    assert run.path == ["ask:success", "step:skipped", "check:true", "ask"]
    run.sends(name="Robin")
    assert run.path == ["ask:success", "step:skipped", "check:false", "done"]


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        # Passed at the start, and is looked at again.
        ("(inputs.name ?? 'Sasha') === 'Sasha'", "success"),
        ("!has(inputs.name)", "skipped"),
        # Refused at the start: that stands.
        ("has(inputs.name)", "skipped"),
        # Nobody could tell at the start, and now they can.
        ("inputs.name === 'Sasha'", "success"),
        ("inputs.name === 'Kim'", "skipped"),
        ("inputs.other === 'Kim'", "error"),
    ],
)
def test_what_is_decided_both_times_has_to_pass_both_times(text: str, outcome: str) -> None:
    step = when(SEEN, text, each_time=True)
    run = Walk(program(flow("main", "start > ask > step > done", ask=asks("name"), step=step)))
    run.sends(name="Sasha")
    assert f"step:{outcome}" in run.path


def test_who_submits_was_let_through_before_and_is_not_asked_again() -> None:
    run = walk(when(asks("name", "nick"), "!has(inputs.name)", at_start=False, each_time=True))
    assert run.at == "step"
    run.sends(name="Sasha")
    assert run.at == "step"
    run.sends(name="Sasha", nick="S")
    assert run.path == ["step:success", "done"]


def test_nobody_is_looked_up_for_policies_that_do_not_read_the_user() -> None:
    assert walk(when(SEEN, "true"), facts=CALLER).world.asked == []
    asking = walk(when(SEEN, "user.vip"), facts=CALLER)
    assert asking.world.asked == [LoadUser("mallory")]
    assert "step:success" in asking.path


MFA = {"mfa_enabled": True, "mfa_methods": ["totp"]}
"""Of alice; mallory has no second factor."""


def sign_in(code: Node) -> Walk:
    made = login("main", "start > who > password > code > done", code=code)
    people = World(alice=MFA, mallory={"mfa_enabled": False})
    return Walk(program(made), people, CALLER)


@pytest.mark.parametrize("again", [True, False])
def test_what_was_decided_about_one_account_says_nothing_of_another(again: bool) -> None:
    run = sign_in(when(node("mfa_verification"), "user.mfa_enabled", each_time=again))
    assert run.turn.session.planned == {3: False}
    run.sends(email=ALICE)
    assert run.turn.session.planned == {3: None}
    run.sends(password=PASSWORD)
    if again:
        assert run.at == "code"
        run.sends(code=CODE)
        assert run.turn.session.facts.proved == ("pwd", "otp")
        assert run.succeeded
    else:
        assert run.path == ["password:success", "code:error"]
        assert run.turn.shown == FAILED


def test_what_was_let_through_for_one_account_is_not_for_another() -> None:
    made = flow(
        "main",
        "start > who > step > done",
        who=node("identifier_input"),
        step=when(SEEN, "user.vip"),
    )
    run = Walk(program(made), World(mallory={"vip": True}, alice={}), CALLER)
    assert run.turn.session.planned == {}
    run.sends(email=ALICE)
    assert "step:error" in run.path


def test_what_was_decided_stands_for_the_same_account_and_for_what_is_not_about_the_user() -> None:
    made = flow(
        "main",
        "start > who > step > other > done",
        who=node("identifier_input"),
        step=when(SEEN, "!user.vip"),
        other=when(sets("heard"), "request.ip === '192.0.2.8'"),
    )
    for name, planned in (("mallory", {2: False, 3: False}), ("alice", {2: None, 3: False})):
        run = Walk(program(made), World(mallory={"vip": True}, alice={}), CALLER)
        run.sends(email=f"{name}@example.com")
        assert run.turn.session.planned == planned


def test_a_policy_inside_a_subflow_decides_at_the_start_of_the_session_too() -> None:
    inner = flow(
        "inner",
        "start > never > always > done",
        never=when(sets("never"), "false"),
        always=when(sets("always"), "has(facts.before)", at_start=False, each_time=True),
    )
    made = flow("main", "start > before > call > done", before=sets("before"), call=calls("inner"))
    run = Walk(program(made, library(inner)))
    assert list(run.turn.session.planned.values()) == [False]
    assert run.path == [
        "start:success",
        "before:success",
        "call",
        "inner/start:success",
        "inner/never:skipped",
        "inner/always:success",
        "inner/done",
        "call:success",
        "done",
    ]


def test_a_subflow_that_is_left_out_is_not_entered_and_has_not_failed() -> None:
    inner = flow(
        "inner", "start > check", "check:true > done", "check:false > failed", check=checks("false")
    )
    made = flow("main", "start > call > done", call=when(calls("inner"), "false"))
    assert Walk(program(made, library(inner))).path == ["start:success", "call:skipped", "done"]


def test_a_write_that_is_left_out_writes_nothing_and_triggers_nothing() -> None:
    before = trigger(
        "hook", TriggerPoint.PRE_USER_REGISTRATION, "start > note > done", note=sets("hooked")
    )
    made = flow(
        "main",
        "start > ask > write > done",
        ask=asks("email"),
        write=when(node("user_write"), "false"),
    )
    run = Walk(program(made, library(before)))
    run.sends(email="sasha@example.com")
    assert run.path == ["ask:success", "write:skipped", "done"]
    assert run.world.asked == []
    assert run.turn.session.facts == Facts(
        staged={"email": "sasha@example.com"}, inputs={"email": "sasha@example.com"}
    )


def test_who_watches_is_told_of_what_ran_and_of_what_was_left_out() -> None:
    told: list[tuple[str, Move]] = []

    def watch(step: Instruction, visit: Visit, move: Move) -> None:
        assert visit.node == step.id
        told.append((step.id, move))

    inner = flow("inner", "start > done")
    made = flow("main", "start > out > call > done", out=when(SEEN, "false"), call=calls("inner"))
    Walk(program(made, library(inner)), watch=watch)
    assert [name for name, _ in told] == [
        "start",
        "out",
        "call",
        "inner/start",
        "inner/done",
        "done",
    ]
    assert told[1:3] == [("out", Bypass("skipped")), ("call", Enter())]


@pytest.mark.parametrize(("known", "passes"), [({"vip": True}, True), ({"vip": False}, False)])
def test_who_follows_a_link_is_decided_about_anew_whatever_was_decided_before(
    known: dict[str, bool], *, passes: bool
) -> None:
    made = flow(
        "main",
        "start > verify > step > done",
        verify=node("email_verification", method="link"),
        step=when(SEEN, "user.vip"),
    )
    named = Facts(identifier=ALICE, account="alice")
    run = Walk(program(made), World(alice=known), named)
    assert run.turn.session.planned == {2: None}
    run.follows()
    assert ("step:success" in run.path) is passes
    mine = Walk(program(made), World(alice=known), named)
    mine.sends(token=CODE)
    assert "step:error" in mine.path
