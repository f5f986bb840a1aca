"""A passkey as a second factor, with the other methods as ways round it."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
import pytest

from libs.common.flow.model import Json
from libs.common.flow.passkeys import Ceremony, CheckPasskey, SeekPasskey, Shown
from libs.common.flow.questions import LoadUser
from libs.common.flow.turn import Facts, Leave, Message, Stay
from libs.common.nodes.mfa_verification import NODE, run
from libs.common.secret import Secret
from tests.playbook import SESSION, Playbook, lowered, visit
from tests.unit.libs.common.nodes.second_factors import ALICE, buttons, goes_on, plays

PASSKEYS = lowered(
    NODE, {"methods": ["webauthn", "recovery_code"], "user_verification": "required"}
)
SEEK = SeekPasskey("alice", "required", 300)
CEREMONY = Ceremony("Zm9v", {"challenge": "Zm9v"})
HAS_BOTH: Mapping[str, Json] = {"mfa_methods": ["webauthn", "recovery_code"]}
CREDENTIAL = '{"id":"a"}'
SHOWS = CheckPasskey(Secret(CREDENTIAL), "Zm9v", "required", f"{SESSION}:5")


def at_passkey(facts: Facts = ALICE) -> Stay:
    dialogue = Playbook(run(PASSKEYS, visit(facts)))
    dialogue.asks(LoadUser("alice"), answered=HAS_BOTH).asks(SEEK, answered=CEREMONY)
    shown = dialogue.result()
    assert isinstance(shown, Stay)
    return shown


def test_a_passkey_is_asked_for_with_a_way_round_it() -> None:
    shown = at_passkey()
    assert shown.webauthn == {"publicKeyCredentialRequestOptions": {"challenge": "Zm9v"}}
    assert [each.action_id for each in shown.view.components] == ["recovery_code"]
    assert shown.view.required == ("tokenResponse",)
    other = plays(PASSKEYS, goes_on(shown, "recovery_code"))
    assert buttons(other.view) == ["submit", "webauthn"]
    dialogue = Playbook(run(PASSKEYS, goes_on(other, "webauthn"))).asks(SEEK, answered=CEREMONY)
    dialogue.ends(shown)


def test_a_passkey_of_theirs_is_proof() -> None:
    typed = goes_on(at_passkey(), tokenResponse=CREDENTIAL)
    dialogue = Playbook(run(PASSKEYS, typed))
    proved = ("pwd", "swk", "user", "mfa")
    told = msgspec.structs.replace(ALICE, proved=proved, shown=("webauthn",))
    shown = Shown("alice", bound=False, verified=True)
    dialogue.asks(SHOWS, answered=shown).ends(Leave("success", told))


def test_a_passkey_leaves_unnamed_who_was_known_otherwise() -> None:
    known = Facts(account="alice", authenticated=True)
    typed = goes_on(at_passkey(known), facts=known, tokenResponse=CREDENTIAL)
    told = msgspec.structs.replace(known, proved=("hwk", "user"), shown=("webauthn",))
    shown = Shown("alice", bound=True, verified=False)
    Playbook(run(PASSKEYS, typed)).asks(SHOWS, answered=shown).ends(Leave("success", told))


@pytest.mark.parametrize("facts", [Facts(), Facts(identifier="nobody@example.com")])
def test_a_second_factor_says_of_nobody_who_they_are(facts: Facts) -> None:
    anybody = SeekPasskey(None, "required", 300)
    first = Playbook(run(PASSKEYS, visit(facts))).asks(anybody, answered=CEREMONY).result()
    assert isinstance(first, Stay)
    dialogue = Playbook(run(PASSKEYS, goes_on(first, facts=facts, tokenResponse=CREDENTIAL)))
    somebody = Shown("mallory", bound=True, verified=True)
    dialogue.asks(SHOWS, answered=somebody).asks(anybody, answered=CEREMONY)
    wrong = Message("passkey.wrong")
    dialogue.ends(msgspec.structs.replace(first, message=wrong, tried=True))


def test_who_has_no_passkey_here_is_asked_for_what_is_next() -> None:
    dialogue = Playbook(run(PASSKEYS, visit(ALICE)))
    dialogue.asks(LoadUser("alice"), answered=HAS_BOTH).asks(SEEK, answered=None)
    shown = dialogue.result()
    assert isinstance(shown, Stay)
    assert (buttons(shown.view), shown.view.required) == (["submit"], ("code",))


def test_who_has_no_passkey_here_and_nothing_else_leaves() -> None:
    dialogue = Playbook(run(PASSKEYS, visit(ALICE)))
    dialogue.asks(LoadUser("alice"), answered={"mfa_methods": ["webauthn"]})
    dialogue.asks(SEEK, answered=None).ends(Leave("not_enrolled"))


def test_a_wrong_passkey_counts_where_it_was_the_last_of_them() -> None:
    typed = goes_on(at_passkey(), tokenResponse=CREDENTIAL)
    dialogue = Playbook(run(PASSKEYS, typed)).asks(SHOWS, answered=None)
    shown = dialogue.asks(SEEK, answered=None).result()
    assert isinstance(shown, Stay)
    assert (shown.tried, shown.view.required) == (True, ("code",))


def test_the_last_wrong_passkey_leaves_by_failure() -> None:
    typed = msgspec.structs.replace(goes_on(at_passkey(), tokenResponse=CREDENTIAL), tries=4)
    dialogue = Playbook(run(PASSKEYS, typed)).asks(SHOWS, answered=None)
    dialogue.ends(Leave("failure", tried=True))
