from __future__ import annotations

from collections.abc import Mapping

import pytest
from msgspec.structs import replace

from libs.common.flow.model import Json
from libs.common.flow.node import Visit
from libs.common.flow.passkeys import Ceremony, KeepPasskey, MadePasskey, OfferPasskey
from libs.common.flow.questions import LoadUser
from libs.common.flow.turn import Facts, FieldError, Leave, Message, Move, Stay
from libs.common.nodes.webauthn_setup import NODE, Lowered, run
from libs.common.secret import Secret
from tests.playbook import SESSION, Playbook, lowered, visit

STEP = lowered(NODE)
LOAD = LoadUser("alice")
USER: dict[str, Json] = {"mfa_methods": []}
NOW = visit().surroundings.time
OPTIONS = {"challenge": "Zm9v", "rp": {"id": "example.com"}}
CEREMONY = Ceremony("Zm9v", OPTIONS)
KEPT = {"challenge": "YmVmb3Jl", "until": NOW + 7}
SENT = {"tokenResponse": '{"id":"a"}'}
OFFER = OfferPasskey("alice", "required", "required", None, 10, 300)
KEEP = KeepPasskey("alice", Secret('{"id":"a"}'), "YmVmb3Jl", "required", 10, SESSION)
OURS = MadePasskey("alice", SESSION)
NAMED = Facts(identifier="alice@example.com", account="alice")
OWNER = replace(NAMED, created=True)
MADE = Leave("success", replace(OWNER, shown=("webauthn",)))
ASKED = Stay(
    STEP.view,
    kept={"challenge": "Zm9v", "until": NOW + 300},
    webauthn={"publicKeyCredentialCreationOptions": OPTIONS},
)


def submits(
    sent: Mapping[str, Json] = SENT,
    *,
    action: str = "",
    tries: int = 0,
    kept: Mapping[str, Json] = KEPT,
    facts: Facts = OWNER,
) -> Visit:
    return replace(visit(facts, sent, action=action, tries=tries), kept=kept)


def begins(visit: Visit, step: Lowered = STEP) -> Playbook[Move]:
    return Playbook(run(step, visit)).asks(LOAD, answered=USER)


@pytest.mark.parametrize("facts", [Facts(), NAMED, Facts(identifier="nobody@example.com")])
def test_whose_account_it_is_not_certainly_makes_no_passkey_for_it(facts: Facts) -> None:
    Playbook(run(STEP, visit(facts))).ends(Leave("failure"))
    Playbook(run(STEP, submits(facts=facts))).ends(Leave("failure"))


def test_an_owner_is_asked_to_make_one() -> None:
    begins(visit(OWNER)).asks(OFFER, answered=CEREMONY).ends(ASKED)


def test_who_has_a_factor_shows_it_before_a_passkey_is_made() -> None:
    has_one: dict[str, Json] = {"mfa_methods": ["totp"]}
    Playbook(run(STEP, visit(OWNER))).asks(LOAD, answered=has_one).ends(Leave("enrolled"))
    begun_before = Playbook(run(STEP, submits())).asks(LOAD, answered=has_one)
    begun_before.asks(OURS, answered=False).ends(Leave("enrolled"))
    showed = replace(OWNER, shown=("totp",))
    dialogue = Playbook(run(STEP, visit(showed))).asks(LOAD, answered=has_one)
    dialogue.asks(OFFER, answered=CEREMONY).ends(ASKED)


def test_who_may_have_no_more_leaves() -> None:
    begins(visit(OWNER)).asks(OFFER, answered=None).ends(Leave("failure"))


def test_a_passkey_that_is_kept_proves_nothing() -> None:
    begins(submits()).asks(KEEP, answered=True).ends(MADE)


def test_a_set_up_that_is_done_already_may_be_sent_again() -> None:
    dialogue = Playbook(run(STEP, submits())).asks(LOAD, answered={"mfa_methods": ["webauthn"]})
    dialogue.asks(OURS, answered=True).asks(KEEP, answered=True).ends(MADE)


def test_one_that_cannot_be_kept_is_a_try() -> None:
    dialogue = begins(submits()).asks(KEEP, answered=False)
    refused = replace(ASKED, message=Message("passkey.refused"), tried=True)
    dialogue.asks(OFFER, answered=CEREMONY).ends(refused)


def test_the_fifth_leaves_by_failure_and_no_more_are_looked_at() -> None:
    dialogue = begins(submits(tries=4)).asks(KEEP, answered=False)
    dialogue.ends(Leave("failure", tried=True))
    begins(submits(tries=5)).ends(Leave("failure"))


def test_a_challenge_expires() -> None:
    dialogue = begins(submits(kept={**KEPT, "until": NOW - 1}))
    asked = replace(ASKED, message=Message("passkey.expired"))
    dialogue.asks(OFFER, answered=CEREMONY).ends(asked)


def test_what_is_no_credential_is_no_try() -> None:
    dialogue = begins(submits({"tokenResponse": 7}))
    errors = (FieldError("tokenResponse", "field.invalid"),)
    asked = replace(ASKED, message=Message("form.invalid"), field_errors=errors)
    dialogue.asks(OFFER, answered=CEREMONY).ends(asked)


def test_an_author_may_let_the_user_decline() -> None:
    step = lowered(NODE, {"may_decline": True})
    begins(submits({}, action="decline"), step).ends(Leave("declined"))


def test_an_author_says_what_passkeys_are_taken() -> None:
    config = {
        "resident_key": "discouraged",
        "user_verification": "preferred",
        "attachment": "cross-platform",
        "most": 2,
        "timeout_seconds": 60,
    }
    step = lowered(NODE, config)
    question = OfferPasskey("alice", "discouraged", "preferred", "cross-platform", 2, 60)
    asked = replace(ASKED, kept={"challenge": "Zm9v", "until": NOW + 60})
    begins(visit(OWNER), step).asks(question, answered=CEREMONY).ends(asked)
    keep = replace(KEEP, verification="preferred", most=2)
    begins(submits(), step).asks(keep, answered=True).ends(MADE)
