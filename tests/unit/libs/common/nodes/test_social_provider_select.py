from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from libs.common.errors import Invalid
from libs.common.flow.federation import BeginSignIn, Begun, Came, FinishSignIn, LinkExternal
from libs.common.flow.model import Json, Named
from libs.common.flow.node import InvalidConfig, Visit
from libs.common.flow.questions import FindAccount, LoadUser
from libs.common.flow.turn import External, Facts, Leave, Message, Stay
from libs.common.nodes.social_provider_select import NODE, Config, run
from libs.common.secret import Secret
from tests.playbook import Playbook, lowered, visit

ONE: dict[str, Json] = {"providers": ["google"]}
TWO: dict[str, Json] = {"providers": ["google", "git"], "labels": {"git": "By Git"}}
STEP, CHOICE = lowered(NODE, ONE), lowered(NODE, TWO)
BY_EMAIL = lowered(NODE, {**ONE, "link_by_email": True})
NOW = visit().surroundings.time
BEGIN = BeginSignIn("google", None)
BEGUN = Begun("https://accounts.example.com/auth?x", "the-state", "the-nonce", "the-verifier")
KEPT = {
    "provider": "google",
    "state": "the-state",
    "nonce": "the-nonce",
    "verifier": "the-verifier",
    "until": NOW + 900,
}
SENT = Stay(STEP.view, kept=KEPT, url=BEGUN.url)
BACK = {"state": "the-state", "code": "the-code"}
FINISH = FinishSignIn("google", None, Secret("the-code"), None, "the-nonce", Secret("the-verifier"))
SOMEBODY = External("https://accounts.example.com", "s1")
KNOWN = Came(SOMEBODY, {}, "alice")
EMAIL = {"email": "Alice@Example.com", "email_verified": True}
REFUSED = Stay(STEP.view, Message("provider.refused"), tried=True)
OWNER = Facts(identifier="alice@example.com", account="alice", proved=("pwd",))
NAMED = replace(OWNER, proved=())


def comes_back(
    facts: Facts | None = None,
    sent: Mapping[str, Json] = BACK,
    *,
    kept: Mapping[str, Json] = KEPT,
    tries: int = 0,
) -> Visit:
    return replace(visit(facts, sent, tries=tries), kept=kept)


def test_where_there_is_one_provider_the_user_is_sent_there_at_once() -> None:
    Playbook(run(STEP, visit())).asks(BEGIN, answered=BEGUN).ends(SENT)


def test_where_there_are_several_the_user_picks() -> None:
    Playbook(run(CHOICE, visit())).ends(Stay(CHOICE.view))
    (form,) = CHOICE.view.components
    assert [(each.action_id, each.config) for each in form.components] == [
        ("google", {"text": "google", "identifier": "google", "name": "google"}),
        ("git", {"text": "By Git", "identifier": "git", "name": "git"}),
    ]
    dialogue = Playbook(run(CHOICE, visit(None, {}, action="git")))
    dialogue.asks(BeginSignIn("git", None), answered=BEGUN)
    assert isinstance(dialogue.result(), Stay)
    with pytest.raises(Invalid):
        Playbook(run(CHOICE, visit(None, {}, action="other")))


def test_it_names_the_providers_that_its_tenant_has_to_have() -> None:
    named = NODE.names(msgspec.convert(TWO, Config))
    assert named == (Named("provider", "google"), Named("provider", "git"))


def test_a_provider_that_is_not_there_is_a_try() -> None:
    Playbook(run(STEP, visit())).asks(BEGIN, answered=None).ends(REFUSED)
    last = Playbook(run(STEP, visit(tries=4)))
    last.asks(BEGIN, answered=None).ends(Leave("failure", tried=True))
    Playbook(run(STEP, visit(tries=5))).ends(Leave("failure"))


def test_who_is_known_to_the_provider_is_signed_in() -> None:
    facts = Facts(account="alice", proved=("fed",))
    Playbook(run(STEP, comes_back())).asks(FINISH, answered=KNOWN).ends(Leave("success", facts))


def test_it_is_told_who_says_to_have_sent_them_back() -> None:
    dialogue = Playbook(run(STEP, comes_back(sent={**BACK, "iss": "https://x.example"})))
    dialogue.asks(replace(FINISH, issuer="https://x.example"), answered=KNOWN)
    assert isinstance(dialogue.result(), Leave)


def test_a_sign_in_adds_to_what_was_proved_of_the_account() -> None:
    dialogue = Playbook(run(STEP, comes_back(OWNER))).asks(FINISH, answered=KNOWN)
    dialogue.ends(Leave("success", replace(OWNER, proved=("pwd", "fed"))))


@pytest.mark.parametrize("facts", [NAMED, Facts(identifier="nobody@example.com"), OWNER])
def test_an_account_of_somebody_else_than_was_named_is_refused(facts: Facts) -> None:
    other = replace(KNOWN, account="mallory")
    Playbook(run(STEP, comes_back(facts))).asks(FINISH, answered=other).ends(REFUSED)


@pytest.mark.parametrize(
    "sent",
    [
        {"state": "another-state", "code": "the-code"},
        {"code": "the-code"},
        {"state": "the-state"},
        {"state": "the-state", "error": "access_denied"},
        {"state": "the-state", "code": 7},
        {"state": "the-state", "code": ""},
        {"state": "the-state", "code": "é"},
        {"state": "the-state", "code": "a\nb"},
        {"state": "the-state", "code": "x" * 4_001},
    ],
)
def test_what_does_not_come_of_this_very_sign_in_is_not_looked_at(sent: dict[str, Any]) -> None:
    Playbook(run(STEP, comes_back(sent=sent))).ends(REFUSED)


def test_who_was_not_sent_away_or_too_long_ago_does_not_come_back() -> None:
    Playbook(run(STEP, comes_back(kept={}))).ends(REFUSED)
    Playbook(run(STEP, comes_back(kept={**KEPT, "until": NOW - 1}))).ends(REFUSED)


def test_the_last_try_leaves_by_failure_and_the_next_is_not_looked_at() -> None:
    dialogue = Playbook(run(STEP, comes_back(tries=4))).asks(FINISH, answered=None)
    dialogue.ends(Leave("failure", tried=True))
    Playbook(run(STEP, comes_back(tries=5))).ends(Leave("failure"))


def test_somebody_new_is_staged_as_what_the_provider_says() -> None:
    claims = {**EMAIL, "name": "Alice", "picture": "https://x.example"}
    came = Came(SOMEBODY, claims, None)
    facts = Facts(
        proved=("fed",),
        staged={"role_wanted": "x", "email": "alice@example.com", "name": "Alice"},
        external=SOMEBODY,
    )
    before = Facts(staged={"role_wanted": "x", "name": "old"})
    dialogue = Playbook(run(STEP, comes_back(before))).asks(FINISH, answered=came)
    dialogue.ends(Leave("new_user", facts))


@pytest.mark.parametrize(
    "claims",
    [
        {"email": "alice@example.com"},
        {"email": "alice@example.com", "email_verified": False},
        {"email": "alice@example.com", "email_verified": "true"},
        {"email": 7, "email_verified": True},
        {"email": "no address", "email_verified": True, "name": ["a"]},
        {"name": "a\nb"},
        {"name": "x" * 1_001},
        {"name": ""},
    ],
)
def test_what_is_not_verified_or_no_text_is_not_staged(claims: dict[str, Json]) -> None:
    dialogue = Playbook(run(STEP, comes_back())).asks(FINISH, answered=Came(SOMEBODY, claims, None))
    dialogue.ends(Leave("new_user", Facts(proved=("fed",), external=SOMEBODY)))


def test_an_owner_has_their_account_known_so() -> None:
    came, link = replace(KNOWN, account=None), LinkExternal("alice", SOMEBODY)
    dialogue = Playbook(run(STEP, comes_back(OWNER))).asks(FINISH, answered=came)
    dialogue.asks(link, answered=True).ends(Leave("success", replace(OWNER, proved=("pwd", "fed"))))
    dialogue = Playbook(run(STEP, comes_back(OWNER))).asks(FINISH, answered=came)
    dialogue.asks(link, answered=False).ends(REFUSED)


def test_a_verified_address_links_where_the_account_has_verified_it_too() -> None:
    came = Came(SOMEBODY, EMAIL, None)
    find = FindAccount(("email",), "alice@example.com")
    dialogue = Playbook(run(BY_EMAIL, comes_back())).asks(FINISH, answered=came)
    dialogue.asks(find, answered="alice")
    dialogue.asks(LoadUser("alice"), answered={"email_verified": True})
    dialogue.asks(LinkExternal("alice", SOMEBODY), answered=True)
    dialogue.ends(Leave("success", Facts(account="alice", proved=("fed",))))


@pytest.mark.parametrize("user", [None, {}, {"email_verified": False}, {"email_verified": "true"}])
def test_an_account_that_has_not_verified_it_waits_for_nobody(
    user: Mapping[str, Json] | None,
) -> None:
    came = Came(SOMEBODY, EMAIL, None)
    dialogue = Playbook(run(BY_EMAIL, comes_back())).asks(FINISH, answered=came)
    dialogue.asks(FindAccount(("email",), "alice@example.com"), answered="alice")
    dialogue.asks(LoadUser("alice"), answered=user)
    left = dialogue.result()
    assert isinstance(left, Leave)
    assert left.outcome == "new_user"


def test_an_address_that_is_nobodys_or_unverified_finds_nobody() -> None:
    dialogue = Playbook(run(BY_EMAIL, comes_back()))
    dialogue.asks(FINISH, answered=Came(SOMEBODY, EMAIL, None))
    dialogue.asks(FindAccount(("email",), "alice@example.com"), answered=None)
    assert isinstance(dialogue.result(), Leave)
    dialogue = Playbook(run(BY_EMAIL, comes_back()))
    dialogue.asks(FINISH, answered=Came(SOMEBODY, {**EMAIL, "email_verified": False}, None))
    assert isinstance(dialogue.result(), Leave)


@pytest.mark.parametrize(
    ("config", "path"),
    [
        ({"providers": ["a", "a"]}, "providers"),
        ({"providers": ["a"], "attributes": {"role": "groups", "email": "email"}}, "attributes"),
    ],
)
def test_a_config_that_makes_no_sense_is_refused(config: dict[str, Json], path: str) -> None:
    with pytest.raises(InvalidConfig) as refused:
        lowered(NODE, config)
    assert [problem.path for problem in refused.value.problems] == [path]


@pytest.mark.parametrize(
    "callback",
    ["javascript:alert(1)", "http://app.example.com/", "/callback", "https://a.example/#x"],
)
def test_a_callback_is_a_page_of_the_web(callback: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({**ONE, "callback": callback}, Config)
