"""The flows of `docs/how-to/compose-flows.md` do what the page says of them."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from libs.common.flow.calls import CallWebhook, Reached
from libs.common.flow.gate import Admission, admit
from libs.common.flow.model import FlowType, Json
from libs.common.flow.plan import Program
from libs.common.flow.turn import Facts, Over
from tests.playbook import SESSION
from tests.unit.test_docs import PROJECT, flows, library
from tests.walks import ALICE, Walk, program, told
from tests.worlds import CODE, NOW, PASSWORD, World

PAGE = (PROJECT / "docs" / "how-to" / "compose-flows.md").read_text("utf-8")
FLOWS = {flow.name: flow for flow in flows(PAGE)}
ADMIN: Mapping[str, Json] = {"role": "admin", "mfa_enabled": True, "mfa_methods": ["totp"]}


def shown(name: str) -> Program:
    return program(FLOWS[name], library(PAGE))


def sign_in(name: str, user: Mapping[str, Json]) -> Walk:
    walk = Walk(shown(name), World(alice=user))
    walk.sends(email=ALICE)
    walk.sends(password=PASSWORD)
    return walk


def test_a_second_factor_is_asked_for_by_the_flow_inside() -> None:
    walk = sign_in("sign-in", ADMIN)
    assert walk.at == "step-up/code"
    walk.sends(code=CODE)
    assert walk.path[-3:] == ["step-up/done", "second:success", "done"]
    assert walk.turn.session.facts.proved == ("pwd", "otp")


def test_wrong_codes_inside_end_with_the_words_of_the_flow_outside() -> None:
    walk = sign_in("sign-in", ADMIN)
    for _ in range(3):
        walk.sends(code="000000")
    assert walk.turn.session.tries == {"step-up/code": 3}
    assert isinstance(walk.turn.shown, Over)
    assert walk.turn.shown.text == "You could not be signed in."


def test_nobody_starts_what_is_only_for_other_flows() -> None:
    known = Facts(account="alice", authenticated=True)
    assert admission("step-up", known) is Admission.DENIED


@pytest.mark.parametrize(
    ("email", "succeeded"), [("sasha@example.com", True), ("sasha@example.org", False)]
)
def test_only_our_people_are_written(email: str, succeeded: bool) -> None:
    walk = Walk(shown("sign-up"))
    walk.sends(email=email, password=PASSWORD)
    assert walk.succeeded is succeeded
    assert len(walk.world.wrote()) == succeeded
    assert isinstance(walk.turn.shown, Over)
    assert walk.turn.shown.text == (None if succeeded else "Please use your work address.")


@pytest.mark.parametrize(
    ("user", "passed"),
    [
        ({"logins_count": 1}, ["password:success", "code:skipped", "news"]),
        ({"logins_count": 7, "role": "guest"}, ["password:success", "code:skipped", "news"]),
        (
            {"logins_count": 7, "role": "member"},
            ["password:success", "code:skipped", "news:skipped", "done"],
        ),
        ({"logins_count": 7}, ["password:success", "code:skipped", "news:error", "done"]),
    ],
)
def test_at_the_office_no_code_is_asked_for_and_some_are_asked_for_news(
    user: Mapping[str, Json], passed: list[str]
) -> None:
    assert sign_in("office", user).path == passed


def admission(name: str, facts: Facts, user: Mapping[str, Json] = ADMIN) -> Admission:
    asked = admit(shown(name), SESSION, facts, NOW, outpost=False)
    return told(asked, World(alice=user))


def test_the_console_is_for_admins_who_are_signed_in() -> None:
    known = Facts(account="alice", authenticated=True)
    assert admission("admins-only", known) is Admission.ADMITTED
    assert admission("admins-only", known, {"role": "member"}) is Admission.DENIED
    assert admission("admins-only", known, {}) is Admission.DENIED
    assert admission("admins-only", Facts()) is Admission.UNAUTHENTICATED


def test_an_sms_is_delivered_by_who_is_called() -> None:
    due: Json = {"recipient": "+12025550100", "text": "Welcome", "purpose": "message"}
    for reached in (Reached({}), None):
        world = World()
        world.reached = reached
        walk = Walk(shown("our-sms"), world, Facts(attributes={"message": due}))
        assert walk.succeeded is (reached is not None)
        (call,) = world.asked
        assert isinstance(call, CallWebhook)
        assert call.body["parameters"] == {
            "to": "+12025550100",
            "text": "Welcome",
            "purpose": "message",
        }


def test_every_flow_of_the_page_is_walked_here() -> None:
    assert set(FLOWS) == {
        "step-up",
        "sign-in",
        "our-people-only",
        "sign-up",
        "office",
        "admins-only",
        "our-sms",
    }
    assert FLOWS["our-people-only"].type is FlowType.TRIGGER
