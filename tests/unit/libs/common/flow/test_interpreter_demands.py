"""What a tenant demands, asked of a session before it succeeds."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from libs.common.flow.interpreter import FAILED
from libs.common.flow.model import Flow, FlowType, Invariant, Json, TriggerPoint
from libs.common.flow.questions import LoadUser, SignedIn
from libs.common.flow.turn import Facts, Over
from tests.walks import (
    ALICE,
    Walk,
    asks,
    checks,
    flow,
    library,
    login,
    node,
    program,
    sets,
    trigger,
)
from tests.worlds import CODE, NOW, PASSWORD, World

SIGN_IN = login(
    "sign-in",
    "start > who > password > ask > more",
    "more:true > code > done",
    "more:false > done",
    ask=asks("more"),
    more=checks("inputs.more === 'yes'"),
)
MFA: Mapping[str, Json] = {"role": "admin", "mfa_methods": ["totp"]}


def demand(when: str | None = None, require: str = "size(factors) >= 2") -> Invariant:
    return Invariant("two-factors", FlowType.LOGIN, require, when)


def signs_in(
    *invariants: Invariant,
    user: Mapping[str, Json] = MFA,
    second: bool = False,
    made: Flow = SIGN_IN,
    hooks: tuple[Flow, ...] = (),
) -> Walk:
    # It runs already: a new one that breaks what is demanded would be refused.
    beside = library(*hooks, invariants=invariants)
    walk = Walk(program(made, beside, running=True), World(alice=user))
    walk.sends(email=ALICE)
    walk.sends(password=PASSWORD)
    walk.sends(more="yes" if second else "no")
    if second:
        walk.sends(code=CODE)
    return walk


def is_refused(walk: Walk, *names: str) -> bool:
    """Whether it ended as failed, said nothing, did nothing, and named what was not met."""
    assert walk.turn.session.over
    assert walk.turn.broken == names
    return walk.turn.shown == FAILED and walk.turn.effects == ()


def test_who_has_not_proved_what_is_demanded_does_not_succeed() -> None:
    assert is_refused(signs_in(demand()), "two-factors")


def test_who_has_proved_it_does() -> None:
    walk = signs_in(demand(), second=True)
    assert walk.turn.shown == Over(succeeded=True, sign_in=True)
    assert walk.turn.broken == ()
    assert walk.turn.effects == (SignedIn("alice", NOW.time),)


@pytest.mark.parametrize(
    ("when", "refused"),
    [
        ("user.role === 'admin'", True),
        ("user.role === 'guest'", False),
        # Nobody can tell: then it is meant.
        ("user.rank === 'admin'", True),
        ("user.role > 3", True),
        ("inputs.more === 'no'", True),
        ("facts.x ?? false", False),
        ("flow.type === 'login'", True),
        ("request.ip === '192.0.2.8'", False),
    ],
)
def test_a_demand_lets_off_whom_it_certainly_does_not_mean(when: str, refused: bool) -> None:
    walk = signs_in(demand(when))
    assert is_refused(walk, "two-factors") if refused else walk.succeeded


def test_every_demand_that_is_not_met_is_named() -> None:
    some = (
        Invariant("first", FlowType.LOGIN, "consented"),
        Invariant("met", FlowType.LOGIN, "identified && 'pwd' in amr"),
        Invariant("last", FlowType.LOGIN, "'hwk' in amr", "user.role === 'admin'"),
        Invariant("of-others", FlowType.REGISTRATION, "consented"),
    )
    assert is_refused(signs_in(*some), "first", "last")


def test_a_demand_whose_answer_is_no_answer_is_not_met() -> None:
    assert is_refused(signs_in(demand(require="amr[7] === 'pwd'")), "two-factors")


def test_the_user_is_loaded_for_demands_that_read_them_and_only_then() -> None:
    assert LoadUser("alice") not in signs_in(demand("inputs.more === 'no'")).world.asked
    # Before the sign-in is kept.
    assert signs_in(demand("user.role === 'guest'")).world.asked[-2] == LoadUser("alice")


def test_what_a_trigger_finds_out_before_the_end_counts_and_the_demands_are_asked_last() -> None:
    hook = trigger("hook", TriggerPoint.POST_LOGIN, "start > note > done", note=sets("low"))
    some = (demand("!(facts.low ?? false)"),)
    assert is_refused(signs_in(*some), "two-factors")
    assert signs_in(*some, hooks=(hook,)).succeeded


def test_a_trigger_that_halts_a_flow_has_the_last_word_over_its_demands() -> None:
    hook = trigger(
        "hook",
        TriggerPoint.POST_LOGIN,
        "start > x > done",
        "x:error > no",
        x=sets("x", "user.nothing"),
        no=node("failure", message="No"),
    )
    walk = signs_in(demand(), hooks=(hook,))
    assert isinstance(walk.turn.shown, Over)
    assert (walk.turn.shown.text, walk.turn.broken) == ("No", ())


def test_a_flow_that_fails_is_not_asked_what_it_proved() -> None:
    made = flow(
        "bye", "start > check", "check:true > failed", "check:false > done", check=checks("true")
    )
    rule = Invariant("all", FlowType.REGISTRATION, "consented")
    walk = Walk(program(made, library(invariants=(rule,)), running=True))
    assert (walk.succeeded, walk.turn.broken) == (False, ())


def test_a_flow_that_signs_nobody_in_is_asked_as_well() -> None:
    made = flow("setup", "start > done", kind=FlowType.MFA_SETUP)
    rule = Invariant("all", FlowType.MFA_SETUP, "identified")
    beside = library(invariants=(rule,))
    assert is_refused(Walk(program(made, beside, running=True)), "all")
    known = Facts(account="alice", authenticated=True)
    assert Walk(program(made, beside, running=True), facts=known).succeeded


def test_an_assertion_alone_never_earns_the_next_nor_is_it_a_factor() -> None:
    caller = Facts(account="alice", authenticated=True)
    made = flow("again", "start > end", end=node("success", auto_login=True))
    walk = Walk(program(made), facts=caller)
    assert (walk.turn.shown, walk.turn.effects, walk.turn.broken) == (FAILED, (), ())
    rule = Invariant("one", FlowType.REGISTRATION, "size(factors) >= 1")
    quiet = flow("quiet", "start > done")
    assert is_refused(
        Walk(program(quiet, library(invariants=(rule,)), running=True), facts=caller), "one"
    )
