from __future__ import annotations

import msgspec
import pytest

from libs.common.errors import Problem
from libs.common.flow.node import InvalidConfig
from libs.common.flow.questions import CheckTotp, LoadUser, Verdict
from libs.common.flow.turn import Facts, FieldError, Leave, Message, Stay
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
    proved = msgspec.structs.replace(ALICE, proved=("pwd", "otp"))
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
    message = "None of these methods can be verified; add one of: totp"
    assert refused.value.problems == (Problem("invalid_config", message, path="methods"),)


@pytest.mark.parametrize("methods", [[], ["carrier_pigeon"]])
def test_methods_are_known_and_at_least_one(methods: list[str]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"methods": methods}, Config)
