from __future__ import annotations

from collections.abc import Mapping

import pytest
from msgspec.structs import replace

from libs.common.flow.model import Json
from libs.common.flow.node import Visit
from libs.common.flow.passkeys import Ceremony, CheckPasskey, SeekPasskey, Shown
from libs.common.flow.turn import Facts, FieldError, Leave, Message, Stay
from libs.common.nodes.webauthn import NODE, Config, proves, run
from libs.common.secret import Secret
from tests.playbook import SESSION, Playbook, lowered, visit

STEP = lowered(NODE)
NOW = visit().surroundings.time
OPTIONS = {"challenge": "Zm9v", "rpId": "example.com"}
CEREMONY = Ceremony("Zm9v", OPTIONS)
KEPT = {"challenge": "YmVmb3Jl", "until": NOW + 7}
SENT = {"tokenResponse": '{"id":"a"}'}
CHECK = CheckPasskey(Secret('{"id":"a"}'), "YmVmb3Jl", "required", f"{SESSION}:3")
ANYBODY = SeekPasskey(None, "required", 300)
OWNER = Facts(identifier="alice@example.com", account="alice", proved=("pwd",))
NAMED = replace(OWNER, proved=())
SHOWN = ("webauthn",)
NOBODYS = Facts(identifier="nobody@example.com")
ASKED = Stay(
    STEP.view,
    kept={"challenge": "Zm9v", "until": NOW + 300},
    webauthn={"publicKeyCredentialRequestOptions": OPTIONS},
)
WRONG = replace(ASKED, message=Message("passkey.wrong"), tried=True)
BOUND = Shown("alice", bound=True, verified=True)


def submits(
    facts: Facts | None = None,
    sent: Mapping[str, Json] = SENT,
    *,
    action: str = "",
    tries: int = 0,
    kept: Mapping[str, Json] = KEPT,
) -> Visit:
    return replace(visit(facts, sent, action=action, tries=tries), kept=kept)


@pytest.mark.parametrize("facts", [Facts(), NAMED, NOBODYS])
def test_who_has_proved_nothing_is_asked_for_any_passkey_whoever_they_named(facts: Facts) -> None:
    Playbook(run(STEP, visit(facts))).asks(ANYBODY, answered=CEREMONY).ends(ASKED)


def test_an_owner_is_asked_for_one_of_theirs() -> None:
    question = SeekPasskey("alice", "required", 300)
    Playbook(run(STEP, visit(OWNER))).asks(question, answered=CEREMONY).ends(ASKED)


def test_an_owner_without_any_leaves() -> None:
    question = SeekPasskey("alice", "required", 300)
    Playbook(run(STEP, visit(OWNER))).asks(question, answered=None).ends(Leave("not_enrolled"))


@pytest.mark.parametrize(
    ("shown", "amr"),
    [
        (BOUND, ("hwk", "user", "mfa")),
        (replace(BOUND, bound=False), ("swk", "user", "mfa")),
        (replace(BOUND, verified=False), ("hwk", "user")),
    ],
)
def test_a_passkey_says_who_it_is_and_how_much_it_proves(
    shown: Shown, amr: tuple[str, ...]
) -> None:
    dialogue = Playbook(run(STEP, submits())).asks(CHECK, answered=shown)
    dialogue.ends(Leave("success", Facts(account="alice", proved=amr, shown=("webauthn",))))


def test_what_was_proved_before_stays_and_is_said_once() -> None:
    facts = replace(OWNER, proved=("pwd", "hwk"))
    dialogue = Playbook(run(STEP, submits(facts))).asks(CHECK, answered=BOUND)
    dialogue.ends(
        Leave("success", replace(OWNER, proved=("pwd", "hwk", "user", "mfa"), shown=SHOWN))
    )


def test_whoever_named_themselves_shows_a_passkey_of_theirs() -> None:
    dialogue = Playbook(run(STEP, submits(NAMED))).asks(CHECK, answered=BOUND)
    dialogue.ends(Leave("success", replace(NAMED, proved=("hwk", "user", "mfa"), shown=SHOWN)))


@pytest.mark.parametrize("facts", [NAMED, NOBODYS])
def test_a_passkey_of_somebody_else_than_was_named_is_as_wrong_as_none(facts: Facts) -> None:
    others = replace(BOUND, account="mallory")
    for shown in (others, None):
        dialogue = Playbook(run(STEP, submits(facts))).asks(CHECK, answered=shown)
        dialogue.asks(ANYBODY, answered=CEREMONY).ends(WRONG)


def test_the_fifth_wrong_passkey_leaves_by_failure_and_is_counted() -> None:
    dialogue = Playbook(run(STEP, submits(tries=4))).asks(CHECK, answered=None)
    dialogue.ends(Leave("failure", tried=True))


def test_who_comes_back_with_no_try_left_is_asked_and_nothing_is_looked_at() -> None:
    Playbook(run(STEP, visit(tries=5))).asks(ANYBODY, answered=CEREMONY).ends(ASKED)
    Playbook(run(STEP, submits(tries=5))).ends(Leave("failure"))


def test_a_challenge_is_good_until_its_last_second() -> None:
    last, late = ({**KEPT, "until": NOW - more} for more in (0, 1))
    dialogue = Playbook(run(STEP, submits(kept=last))).asks(CHECK, answered=BOUND)
    assert isinstance(dialogue.result(), Leave)
    dialogue = Playbook(run(STEP, submits(kept=late))).asks(ANYBODY, answered=CEREMONY)
    dialogue.ends(replace(ASKED, message=Message("passkey.expired")))


def test_what_is_no_credential_is_no_try_and_gets_another_challenge() -> None:
    dialogue = Playbook(run(STEP, submits(sent={}))).asks(ANYBODY, answered=CEREMONY)
    errors = (FieldError("tokenResponse", "field.required"),)
    dialogue.ends(replace(ASKED, message=Message("form.invalid"), field_errors=errors))


def test_passkeys_that_are_gone_by_the_second_try_leave_it_counted() -> None:
    question = SeekPasskey("alice", "required", 300)
    dialogue = Playbook(run(STEP, submits(OWNER))).asks(CHECK, answered=None)
    dialogue.asks(question, answered=None).ends(Leave("not_enrolled", tried=True))


def test_an_author_may_let_the_user_decline() -> None:
    step = lowered(NODE, {"may_decline": True})
    (button,) = step.view.components
    assert (button.action_id, button.variant) == ("decline", "SECONDARY")
    Playbook(run(step, submits(sent={}, action="decline"))).ends(Leave("declined"))


def test_an_author_says_how_much_and_how_long() -> None:
    config = {"user_verification": "preferred", "timeout_seconds": 60, "attempts": 1}
    step = lowered(NODE, config)
    dialogue = Playbook(run(step, visit()))
    asked = replace(ASKED, kept={"challenge": "Zm9v", "until": NOW + 60})
    dialogue.asks(SeekPasskey(None, "preferred", 60), answered=CEREMONY).ends(asked)
    check = replace(CHECK, verification="preferred")
    dialogue = Playbook(run(step, submits())).asks(check, answered=None)
    dialogue.ends(Leave("failure", tried=True))


def test_only_what_has_to_be_verified_is_certainly_verified() -> None:
    certain = {gain.amr for gain in proves(Config())["success"]}
    assert certain == {("hwk", "user", "mfa"), ("swk", "user", "mfa")}
    perhaps = {gain.amr for gain in proves(Config(user_verification="preferred"))["success"]}
    assert perhaps == {*certain, ("hwk", "user"), ("swk", "user")}
    assert all(gain.identified for gain in proves(Config())["success"])
