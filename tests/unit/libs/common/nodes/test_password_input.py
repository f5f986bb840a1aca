from __future__ import annotations

import msgspec
import pytest

from libs.common.flow.questions import CheckPassword, Verdict
from libs.common.flow.turn import Facts, FieldError, Leave, Message, Stay
from libs.common.nodes.password_input import NODE, Config, run
from libs.common.secret import Secret
from tests.playbook import Playbook, lowered, visit

STEP = lowered(NODE)
ALICE = Facts(identifier="alice@example.com", account="alice")
NOBODY = Facts(identifier="nobody@example.com")
GUESS = {"password": "correct horse"}
CHECK = CheckPassword("alice", "alice@example.com", Secret("correct horse"))
WRONG = Stay(STEP.form.view, Message("password.wrong"), tried=True)


def test_whoever_arrives_is_asked_for_a_password() -> None:
    Playbook(run(STEP, visit(ALICE))).ends(Stay(STEP.form.view))


def test_the_right_password_proves_who_it_is() -> None:
    proved = msgspec.structs.replace(ALICE, proved=("pwd",))
    dialogue = Playbook(run(STEP, visit(ALICE, GUESS)))
    dialogue.asks(CHECK, answered=Verdict.RIGHT).ends(Leave("success", proved))


def test_a_password_proved_twice_is_named_once() -> None:
    facts = msgspec.structs.replace(ALICE, proved=("pwd", "otp"))
    dialogue = Playbook(run(STEP, visit(facts, GUESS)))
    dialogue.asks(CHECK, answered=Verdict.RIGHT).ends(Leave("success", facts))


def test_a_wrong_password_shows_the_same_view_with_a_message() -> None:
    dialogue = Playbook(run(STEP, visit(ALICE, GUESS, tries=3)))
    dialogue.asks(CHECK, answered=Verdict.WRONG).ends(WRONG)


def test_the_fifth_wrong_password_leaves_by_failure_and_is_counted() -> None:
    dialogue = Playbook(run(STEP, visit(ALICE, GUESS, tries=4)))
    dialogue.asks(CHECK, answered=Verdict.WRONG).ends(Leave("failure", tried=True))


def test_a_blocked_account_looks_like_the_last_wrong_try() -> None:
    dialogue = Playbook(run(STEP, visit(ALICE, GUESS)))
    dialogue.asks(CHECK, answered=Verdict.BLOCKED).ends(Leave("failure", tried=True))


def test_who_comes_back_with_no_try_left_is_shown_the_form_and_nothing_is_looked_at() -> None:
    Playbook(run(STEP, visit(ALICE, tries=5))).ends(Stay(STEP.form.view))
    Playbook(run(STEP, visit(ALICE, GUESS, tries=5))).ends(Leave("failure"))


@pytest.mark.parametrize("verdict", [Verdict.WRONG, Verdict.BLOCKED])
def test_an_account_that_nobody_has_is_asked_for_and_answered_alike(verdict: Verdict) -> None:
    real = Playbook(run(STEP, visit(ALICE, GUESS))).asks(CHECK, answered=verdict)
    question = CheckPassword(None, "nobody@example.com", Secret("correct horse"))
    ghost = Playbook(run(STEP, visit(NOBODY, GUESS))).asks(question, answered=verdict)
    assert ghost.result() == real.result()


def test_no_password_is_right_for_an_account_that_nobody_has() -> None:
    question = CheckPassword(None, "nobody@example.com", Secret("correct horse"))
    dialogue = Playbook(run(STEP, visit(NOBODY, GUESS)))
    dialogue.asks(question, answered=Verdict.RIGHT).ends(WRONG)


@pytest.mark.parametrize(
    ("typed", "key"),
    [({}, "field.required"), ({"password": ""}, "field.required"),
     ({"password": "x" * 257}, "field.too_long"), ({"password": 12345678}, "field.invalid")],
)  # fmt: skip
def test_what_is_no_password_is_no_try(typed: dict[str, object], key: str) -> None:
    refused = Stay(STEP.form.view, Message("form.invalid"), (FieldError("password", key),))
    Playbook(run(STEP, visit(ALICE, typed))).ends(refused)


def test_a_password_is_taken_as_it_was_typed() -> None:
    question = CheckPassword("alice", "alice@example.com", Secret(" \tpass\0word "))
    typed = {"password": " \tpass\0word "}
    dialogue = Playbook(run(STEP, visit(ALICE, typed)))
    dialogue.asks(question, answered=Verdict.WRONG).ends(WRONG)


def test_the_author_decides_how_many_tries_there_are() -> None:
    dialogue = Playbook(run(lowered(NODE, {"attempts": 1}), visit(ALICE, GUESS)))
    dialogue.asks(CHECK, answered=Verdict.WRONG).ends(Leave("failure", tried=True))


@pytest.mark.parametrize("attempts", [0, 11])
def test_tries_have_bounds(attempts: int) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"attempts": attempts}, Config)
