from __future__ import annotations

import msgspec
import pytest

from libs.common.flow.accounts import EnrolTotp, IsEnrolled, OfferTotp
from libs.common.flow.node import Visit
from libs.common.flow.questions import LoadUser, Verdict
from libs.common.flow.turn import Facts, FieldError, Leave, Message, Stay
from libs.common.nodes.totp_setup import NODE, run
from libs.common.secret import Secret
from tests.playbook import SESSION, Playbook, lowered, visit
from tests.worlds import CODE, OFFER

STEP = lowered(NODE, {"issuer": "Acme"})
ALICE = Facts(identifier="alice@example.com", account="alice", proved=("pwd",))
LOAD = LoadUser("alice")
NOTHING = {"email": "alice@example.com", "mfa_methods": []}
NEW = OfferTotp("alice", "Acme", "alice@example.com")
AGAIN = OfferTotp("alice", "Acme", "alice@example.com", OFFER.sealed)
KEPT = {"sealed": OFFER.sealed}
OURS = IsEnrolled("alice", OFFER.sealed)
ENROL = EnrolTotp("alice", OFFER.sealed, Secret(CODE), f"{SESSION}:3")


def sends(code: str = CODE, tries: int = 0) -> Visit:
    sent = visit(ALICE, {"code": code}, tries=tries)
    return msgspec.structs.replace(sent, kept=KEPT)


def test_the_owner_is_shown_what_their_app_needs_and_only_what_is_sealed_is_kept() -> None:
    dialogue = Playbook(run(STEP, visit(ALICE)))
    shown = dialogue.asks(LOAD, answered=NOTHING).asks(NEW, answered=OFFER).result()
    assert isinstance(shown, Stay)
    assert (shown.kept, shown.view.required) == (KEPT, ("code",))
    title, image, secret, _ = shown.view.components
    assert (title.type, image.type, secret.type) == ("TYPOGRAPHY", "IMAGE", "TYPOGRAPHY")
    assert image.config == {"src": OFFER.image, "alt": "QR code", "uri": OFFER.uri}
    assert secret.config == {"text": OFFER.secret, "copyable": True}
    assert shown.view.actions == STEP.form.view.actions


def test_the_right_code_sets_it_up_and_proves_nothing() -> None:
    dialogue = Playbook(run(STEP, sends()))
    after = msgspec.structs.replace(ALICE, shown=("totp",))
    dialogue.asks(LOAD, answered=NOTHING).asks(ENROL, answered=Verdict.RIGHT)
    dialogue.ends(Leave("success", after))


def test_a_wrong_code_shows_the_same_again() -> None:
    dialogue = Playbook(run(STEP, sends()))
    dialogue.asks(LOAD, answered=NOTHING).asks(ENROL, answered=Verdict.WRONG)
    shown = dialogue.asks(AGAIN, answered=OFFER).result()
    assert isinstance(shown, Stay)
    assert (shown.message, shown.tried, shown.kept) == (Message("code.wrong"), True, KEPT)


def test_what_is_no_code_is_no_try() -> None:
    dialogue = Playbook(run(STEP, sends("12")))
    shown = dialogue.asks(LOAD, answered=NOTHING).asks(AGAIN, answered=OFFER).result()
    assert isinstance(shown, Stay)
    assert shown.field_errors == (FieldError("code", "field.too_short"),)
    assert (shown.tried, shown.kept) == (False, KEPT)


@pytest.mark.parametrize(("verdict", "tries"), [(Verdict.WRONG, 4), (Verdict.BLOCKED, 0)])
def test_too_many_wrong_codes_leave_by_failure(verdict: Verdict, tries: int) -> None:
    dialogue = Playbook(run(STEP, sends(tries=tries)))
    dialogue.asks(LOAD, answered=NOTHING).asks(ENROL, answered=verdict)
    dialogue.ends(Leave("failure", tried=True))


def test_a_loop_back_buys_no_further_tries() -> None:
    dialogue = Playbook(run(STEP, visit(ALICE, tries=5)))
    dialogue.asks(LOAD, answered=NOTHING).ends(Leave("failure"))


@pytest.mark.parametrize("facts", [Facts(), Facts(identifier="alice@example.com", account="alice")])
def test_who_has_not_proved_whose_account_it_is_sets_up_nothing(facts: Facts) -> None:
    Playbook(run(STEP, visit(facts))).ends(Leave("failure"))


def test_an_account_that_is_gone_is_given_nothing() -> None:
    Playbook(run(STEP, sends())).asks(LOAD, answered=None).ends(Leave("failure"))


MAILED = msgspec.structs.replace(ALICE, proved=("pwd", "otp"))
"""Proved by a code, of another kind than what is set up."""


@pytest.mark.parametrize("arriving", [visit(ALICE), visit(MAILED)])
def test_a_password_alone_gets_round_no_factor_that_is_set_up(arriving: Visit) -> None:
    dialogue = Playbook(run(STEP, arriving))
    dialogue.asks(LOAD, answered={"mfa_methods": ["totp"]}).ends(Leave("enrolled"))


def test_nor_does_a_set_up_that_was_begun_before_there_was_one() -> None:
    dialogue = Playbook(run(STEP, sends())).asks(LOAD, answered={"mfa_methods": ["totp"]})
    dialogue.asks(OURS, answered=False).ends(Leave("enrolled"))


def test_a_set_up_that_is_done_already_may_be_sent_again() -> None:
    dialogue = Playbook(run(STEP, sends())).asks(LOAD, answered={"mfa_methods": ["totp"]})
    dialogue.asks(OURS, answered=True).asks(ENROL, answered=Verdict.RIGHT)
    dialogue.ends(Leave("success", msgspec.structs.replace(ALICE, shown=("totp",))))


@pytest.mark.parametrize(
    "facts",
    [
        msgspec.structs.replace(ALICE, proved=("pwd", "otp"), shown=("totp",)),
        msgspec.structs.replace(ALICE, shown=("totp",)),
    ],
)
def test_who_has_shown_the_factor_or_has_just_set_it_up_may_set_up_another(facts: Facts) -> None:
    dialogue = Playbook(run(STEP, visit(facts)))
    user = {"username": "alice", "mfa_methods": ["totp"]}
    offer = OfferTotp("alice", "Acme", "alice")
    shown = dialogue.asks(LOAD, answered=user).asks(offer, answered=OFFER).result()
    assert isinstance(shown, Stay)


def test_an_account_without_a_name_has_none_in_the_app() -> None:
    dialogue = Playbook(run(STEP, visit(ALICE)))
    dialogue.asks(LOAD, answered={}).asks(OfferTotp("alice", "Acme", ""), answered=OFFER).result()
