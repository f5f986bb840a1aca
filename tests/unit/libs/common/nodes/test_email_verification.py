from __future__ import annotations

import pytest
from msgspec.structs import replace

from libs.common.flow.messaging import SendMail
from libs.common.flow.model import Json
from libs.common.flow.node import Visit
from libs.common.flow.questions import Code, Verdict, VerifyEmail
from libs.common.flow.turn import Facts, FieldError, Leave, Message, Stay, Surroundings
from libs.common.nodes.email_verification import NODE, run
from libs.common.nodes.onetime import WORDS
from libs.common.secret import Secret
from tests.playbook import SESSION, Playbook, lowered, visit

STEP = lowered(NODE)
VIEW = STEP.step.form.view
NOW = 1_790_000_000
ALICE = Facts(identifier="alice", account="alice")
NOBODY = Facts(identifier="nobody@example.com")
STAGED = Facts(staged={"email": "New@Example.com", "name": "Sasha"})
NEW = "new@example.com"
CODE = Code(f"{SESSION}:step:3", 6)
KEPT: dict[str, Json] = {"revision": 3, "at": NOW, "sent": 1}
TYPED: dict[str, Json] = {"code": "123456"}


def mail(account: str | None, to: str | None) -> SendMail:
    return SendMail(
        account,
        WORDS.subject,
        WORDS.text,
        WORDS.html,
        to,
        flow="login",
        code=CODE,
        slots={"minutes": "30"},
        until=NOW + 1800,
    )


def check(facts: Facts, to: str | None = None) -> VerifyEmail:
    return VerifyEmail(facts.account, facts.identifier, to, CODE, Secret("123456"))


def submit(
    facts: Facts, inputs: dict[str, Json], *, after: int = 0, action: str = "", tries: int = 0
) -> Visit:
    made = visit(facts, inputs, action=action, tries=tries)
    return replace(made, revision=5, kept=KEPT, surroundings=Surroundings(time=NOW + after))


@pytest.mark.parametrize(
    ("facts", "account", "to"),
    [(ALICE, "alice", None), (NOBODY, None, None), (STAGED, None, NEW)],
)
def test_a_code_goes_to_the_account_or_to_the_staged_address(
    facts: Facts, account: str | None, to: str | None
) -> None:
    sent = Stay(VIEW, kept=KEPT, effects=(mail(account, to),))
    Playbook(run(STEP, visit(facts))).ends(sent)


def test_where_there_is_no_address_it_leaves_by_failure() -> None:
    Playbook(run(STEP, visit(Facts()))).ends(Leave("failure"))


def test_the_right_code_proves_who_the_owner_of_the_account_is() -> None:
    dialogue = Playbook(run(STEP, submit(ALICE, TYPED)))
    proved = replace(ALICE, proved=("otp",))
    dialogue.asks(check(ALICE), answered=Verdict.RIGHT).ends(Leave("success", proved))


def test_the_right_code_verifies_the_staged_address_and_proves_nothing() -> None:
    dialogue = Playbook(run(STEP, submit(STAGED, TYPED)))
    verified = replace(STAGED, verified=NEW)
    dialogue.asks(check(STAGED, NEW), answered=Verdict.RIGHT).ends(Leave("success", verified))


@pytest.mark.parametrize("facts", [ALICE, NOBODY, STAGED])
def test_a_wrong_code_is_a_try(facts: Facts) -> None:
    to = NEW if facts is STAGED else None
    dialogue = Playbook(run(STEP, submit(facts, TYPED)))
    again = Stay(VIEW, Message("code.wrong"), tried=True, kept=KEPT)
    dialogue.asks(check(facts, to), answered=Verdict.WRONG).ends(again)


def test_the_last_wrong_code_leaves_by_failure() -> None:
    dialogue = Playbook(run(STEP, submit(STAGED, TYPED, tries=4)))
    dialogue.asks(check(STAGED, NEW), answered=Verdict.BLOCKED).ends(Leave("failure", tried=True))


def test_what_is_no_code_is_no_try() -> None:
    errors = (FieldError("code", "field.required"),)
    refused = Stay(VIEW, Message("form.invalid"), errors, kept=KEPT)
    Playbook(run(STEP, submit(ALICE, {}))).ends(refused)


def test_a_code_expires() -> None:
    expired = Stay(VIEW, Message("code.expired"), kept=KEPT)
    Playbook(run(STEP, submit(ALICE, TYPED, after=1801))).ends(expired)


def test_another_code_may_be_asked_for() -> None:
    sent = Playbook(run(STEP, submit(STAGED, {}, after=30, action="resend"))).result()
    assert isinstance(sent, Stay)
    assert sent.message == Message("code.sent", "INFO")
    (effect,) = sent.effects
    assert isinstance(effect, SendMail)
    assert (effect.to, effect.code) == (NEW, Code(f"{SESSION}:step:5", 6))
