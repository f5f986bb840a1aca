"""Policies, by what they say together, and who may start a flow."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from msgspec.structs import replace

from libs.common.flow.gate import Admission, admit, decide
from libs.common.flow.model import Authentication, FlowType, Json, Mode
from libs.common.flow.node import parse_expression
from libs.common.flow.plan import Check, Gate, Program
from libs.common.flow.questions import LoadUser
from libs.common.flow.turn import Facts
from tests.playbook import SESSION, Playbook
from tests.walks import policy
from tests.worlds import NOW

SCOPE: Mapping[str, Json] = {"facts": {"yes": True, "no": False, "text": "x"}}
YES, NO, UNTOLD = "facts.yes", "facts.no", "facts.missing"

CALLER = Facts(account="alice", authenticated=True)
NAMED = Facts(account="alice", identifier="alice@example.com")


def gate(*policies: str, mode: Mode = "any") -> Gate:
    written = map(policy, policies)
    checks = (Check(parse_expression(each.expression, ""), each.negate) for each in written)
    return Gate(tuple(checks), mode)


@pytest.mark.parametrize(
    ("policies", "any_of_them", "all_of_them"),
    [
        ((YES,), True, True),
        ((NO,), False, False),
        ((UNTOLD,), None, None),
        ((YES, NO), True, False),
        ((YES, UNTOLD), True, None),
        ((UNTOLD, YES), True, None),
        ((NO, UNTOLD), None, False),
        ((UNTOLD, NO), None, False),
        ((YES, NO, UNTOLD), True, False),
    ],
)
def test_what_cannot_be_evaluated_hangs_on_the_others(
    policies: tuple[str, ...], any_of_them: bool | None, all_of_them: bool | None
) -> None:
    assert decide(gate(*policies, mode="any"), SCOPE) is any_of_them
    assert decide(gate(*policies, mode="all"), SCOPE) is all_of_them


@pytest.mark.parametrize(
    ("text", "passes"),
    [
        (f"not {YES}", False),
        (f"not {NO}", True),
        (f"not {UNTOLD}", None),
        ("facts.text", None),
        ("not facts.text", None),
    ],
)
def test_negating_turns_an_answer_round_and_makes_none_of_what_has_none(
    text: str, passes: bool | None
) -> None:
    assert decide(gate(text), SCOPE) is passes


def program(authentication: Authentication = "none", *policies: str) -> Program:
    made = Program("0" * 64, "flow_case", 3, FlowType.LOGIN, 0, ())
    only = gate(*policies, mode="all") if policies else None
    return replace(made, authentication=authentication, gate=only)


def admission(made: Program, facts: Facts, *, outpost: bool = False) -> Playbook[Admission]:
    return Playbook(admit(made, SESSION, facts, NOW, outpost=outpost))


IN, UNKNOWN, OUT = Admission.ADMITTED, Admission.UNAUTHENTICATED, Admission.DENIED


@pytest.mark.parametrize(
    ("wanted", "anybody", "caller", "outpost"),
    [
        ("none", IN, IN, IN),
        ("require_authenticated", UNKNOWN, IN, UNKNOWN),
        ("require_unauthenticated", IN, OUT, IN),
        ("require_outpost", OUT, OUT, IN),
    ],
)
def test_a_flow_is_started_by_whom_its_authentication_says(
    wanted: Authentication, anybody: Admission, caller: Admission, outpost: Admission
) -> None:
    admission(program(wanted), Facts()).ends(anybody)
    admission(program(wanted), CALLER).ends(caller)
    admission(program(wanted), Facts(), outpost=True).ends(outpost)


@pytest.mark.parametrize(
    ("user", "answer"),
    [
        ({"is_superuser": True}, IN),
        ({"is_superuser": False}, OUT),
        ({"is_superuser": "yes"}, OUT),
        ({}, OUT),
        (None, OUT),
    ],
)
def test_a_superuser_is_one_of_whom_the_account_says_so(
    user: Mapping[str, Json] | None, answer: Admission
) -> None:
    asked = admission(program("require_superuser"), CALLER)
    asked.asks(LoadUser("alice"), answered=user).ends(answer)


@pytest.mark.parametrize("facts", [Facts(), NAMED])
def test_an_account_that_was_only_named_is_no_superuser_and_is_not_looked_up(facts: Facts) -> None:
    admission(program("require_superuser"), facts, outpost=True).ends(UNKNOWN)
    admission(program("require_authenticated"), facts).ends(UNKNOWN)


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("request.ip === '192.0.2.7'", IN),
        ("request.ip === '192.0.2.8'", OUT),
        ("request.nothing === 'x'", OUT),
        ("not request.ip === '192.0.2.8'", IN),
    ],
)
def test_a_flows_policies_let_in_whom_they_certainly_pass(text: str, answer: Admission) -> None:
    made = program("none", text)
    admission(made, Facts()).ends(answer)


def test_a_flows_policies_read_the_caller_and_no_account_that_was_only_named() -> None:
    made = program("none", "user.role === 'admin'")
    user = {"role": "admin"}
    admission(made, CALLER).asks(LoadUser("alice"), answered=user).ends(IN)
    admission(made, Facts()).ends(OUT)
    admission(made, NAMED).ends(OUT)


def test_who_may_not_start_a_flow_by_authentication_is_not_asked_about_policies() -> None:
    admission(program("require_authenticated", "user.role === 'admin'"), Facts()).ends(UNKNOWN)


@pytest.mark.parametrize(
    ("kind", "facts", "let_in"),
    [
        (FlowType.LOGOUT, Facts(sign_in="0f"), IN),
        (FlowType.LOGOUT, Facts(), UNKNOWN),
        (FlowType.LOGIN, Facts(sign_in="0f"), UNKNOWN),
    ],
)
def test_who_only_ends_a_sign_in_may_come_late(
    kind: FlowType, facts: Facts, let_in: Admission
) -> None:
    made = replace(program("require_authenticated"), type=kind)
    admission(made, facts).ends(let_in)


def test_who_comes_late_is_no_superuser() -> None:
    made = replace(program("require_superuser"), type=FlowType.LOGOUT)
    admission(made, Facts(sign_in="0f")).ends(UNKNOWN)
