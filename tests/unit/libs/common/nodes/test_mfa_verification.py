from __future__ import annotations

from collections.abc import Mapping

import msgspec
import pytest

from libs.common.errors import Invalid, Problem
from libs.common.flow.accounts import CheckRecoveryCode
from libs.common.flow.node import InvalidConfig, Visit
from libs.common.flow.questions import CheckTotp, LoadUser, Verdict
from libs.common.flow.turn import Facts, FieldError, Leave, Message, Stay
from libs.common.flow.view import View
from libs.common.nodes.mfa_verification import NODE, Config, run
from libs.common.secret import Secret
from tests.playbook import SESSION, Playbook, lowered, visit

STEP = lowered(NODE, {"methods": ["totp", "sms"]})
ALICE = Facts(identifier="alice@example.com", account="alice", proved=("pwd",))
CODE = {"code": "123456"}
CHECK = CheckTotp("alice", "alice@example.com", Secret("123456"), f"{SESSION}:3")


def test_who_has_enrolled_an_authenticator_is_asked_for_its_code() -> None:
    dialogue = Playbook(run(STEP, visit(ALICE)))
    user = {"mfa_methods": ["sms", "totp"]}
    dialogue.asks(LoadUser("alice"), answered=user).ends(Stay(STEP.form.view))
    assert STEP.form.view.required == ("code",)


@pytest.mark.parametrize(
    "user", [{"mfa_methods": ["sms"]}, {"mfa_methods": []}, {"mfa_methods": None}, {}, None]
)
def test_who_has_enrolled_nothing_that_works_leaves_by_not_enrolled(
    user: dict[str, object] | None,
) -> None:
    dialogue = Playbook(run(STEP, visit(ALICE)))
    dialogue.asks(LoadUser("alice"), answered=user).ends(Leave("not_enrolled"))


def test_an_account_made_in_this_run_may_be_told_what_it_has_enrolled() -> None:
    created = Facts(account="alice", created=True)
    dialogue = Playbook(run(STEP, visit(created)))
    dialogue.asks(LoadUser("alice"), answered={}).ends(Leave("not_enrolled"))


@pytest.mark.parametrize("account", ["alice", None])
def test_who_has_proved_nothing_is_not_told_what_is_enrolled(account: str | None) -> None:
    named = Facts(identifier="alice@example.com", account=account)
    Playbook(run(STEP, visit(named))).ends(Stay(STEP.form.view))


def test_the_right_code_is_proof() -> None:
    proved = msgspec.structs.replace(ALICE, proved=("pwd", "otp"), shown=("totp",))
    dialogue = Playbook(run(STEP, visit(ALICE, CODE)))
    dialogue.asks(CHECK, answered=Verdict.RIGHT).ends(Leave("success", proved))


def test_a_wrong_code_shows_the_same_view_with_a_message() -> None:
    dialogue = Playbook(run(STEP, visit(ALICE, CODE)))
    again = Stay(STEP.form.view, Message("code.wrong"), tried=True)
    dialogue.asks(CHECK, answered=Verdict.WRONG).ends(again)


def test_the_last_wrong_code_leaves_by_failure() -> None:
    dialogue = Playbook(run(STEP, visit(ALICE, CODE, tries=4)))
    dialogue.asks(CHECK, answered=Verdict.WRONG).ends(Leave("failure", tried=True))


def test_a_code_may_be_typed_as_it_is_shown() -> None:
    dialogue = Playbook(run(STEP, visit(ALICE, {"code": " 123 456 "})))
    dialogue.asks(CHECK, answered=Verdict.BLOCKED).ends(Leave("failure", tried=True))


@pytest.mark.parametrize(
    ("code", "key"),
    [
        ("", "field.required"),
        ("12345", "field.too_short"),
        ("1234567", "field.too_long"),
        ("12345x", "field.code"),
        ("\u0661\u0662\u0663\u0664\u0665\u0666", "field.code"),
        (123456, "field.invalid"),
    ],
)
def test_what_is_no_code_is_no_try(code: object, key: str) -> None:
    refused = Stay(STEP.form.view, Message("form.invalid"), (FieldError("code", key),))
    Playbook(run(STEP, visit(ALICE, {"code": code}))).ends(refused)


def test_methods_that_cannot_work_are_refused_with_those_that_can() -> None:
    with pytest.raises(InvalidConfig) as refused:
        lowered(NODE, {"methods": ["sms", "email"]})
    message = "None of these methods can be verified; add one of: totp, recovery_code"
    assert refused.value.problems == (Problem("invalid_config", message, path="methods"),)


@pytest.mark.parametrize("methods", [[], ["carrier_pigeon"]])
def test_methods_are_known_and_at_least_one(methods: list[str]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"methods": methods}, Config)


# Several methods.

BOTH = lowered(NODE, {"methods": ["recovery_code", "totp"]})
TOTP, RECOVERY = BOTH.form_of("totp").view, BOTH.form_of("recovery_code").view
PICKED = {"method": "recovery_code", "offered": ["totp", "recovery_code"]}
ONLY = {"method": "recovery_code", "offered": ["recovery_code"]}


def buttons(view: View) -> list[str | None]:
    (form,) = view.components
    return [each.action_id for each in form.components if each.type == "BUTTON"]


def sent(action: str, kept: Mapping[str, object], **inputs: str) -> Visit:
    return msgspec.structs.replace(visit(ALICE, inputs, action=action), kept=kept)


def test_who_has_several_is_asked_for_the_first_and_may_pick_another() -> None:
    dialogue = Playbook(run(BOTH, visit(ALICE)))
    user = {"mfa_methods": ["recovery_code", "totp"]}
    dialogue.asks(LoadUser("alice"), answered=user).ends(Stay(TOTP))
    assert (buttons(TOTP), buttons(RECOVERY)) == (["submit", "recovery_code"], ["submit", "totp"])


@pytest.mark.parametrize("action", ["recovery_code", "use_recovery_code"])
def test_who_picks_another_is_asked_for_that_and_has_tried_nothing(action: str) -> None:
    Playbook(run(BOTH, sent(action, {}))).ends(Stay(RECOVERY, kept=PICKED))


def test_who_picks_the_first_again_is_asked_for_that() -> None:
    Playbook(run(BOTH, sent("totp", PICKED))).ends(Stay(TOTP))


def test_what_was_picked_is_asked_for_until_it_is_right() -> None:
    question = CheckRecoveryCode(
        "alice", "alice@example.com", Secret("ABCDE-FGHIJ"), f"{SESSION}:3"
    )
    dialogue = Playbook(run(BOTH, sent("", PICKED, code="ABCDE-FGHIJ")))
    again = Stay(RECOVERY, Message("code.wrong"), tried=True, kept=PICKED)
    dialogue.asks(question, answered=Verdict.WRONG).ends(again)
    dialogue = Playbook(run(BOTH, sent("submit", PICKED, code="ABCDE-FGHIJ")))
    proved = msgspec.structs.replace(ALICE, proved=("pwd", "otp"), shown=("recovery_code",))
    dialogue.asks(question, answered=Verdict.RIGHT).ends(Leave("success", proved))


def test_an_empty_code_keeps_what_was_picked() -> None:
    refused = (FieldError("code", "field.required"),)
    again = Stay(RECOVERY, Message("form.invalid"), refused, kept=PICKED)
    Playbook(run(BOTH, sent("", PICKED))).ends(again)


def test_what_is_not_enrolled_is_not_offered() -> None:
    dialogue = Playbook(run(BOTH, visit(ALICE)))
    dialogue.asks(LoadUser("alice"), answered={"mfa_methods": ["recovery_code"]})
    shown = dialogue.result()
    assert isinstance(shown, Stay)
    assert (buttons(shown.view), shown.kept) == (["submit"], ONLY)
    with pytest.raises(Invalid):
        Playbook(run(BOTH, sent("totp", ONLY)))


def test_who_has_proved_nothing_is_offered_all_of_them() -> None:
    named = Facts(identifier="alice@example.com", account=None)
    Playbook(run(BOTH, visit(named))).ends(Stay(TOTP))
