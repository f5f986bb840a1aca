from __future__ import annotations

from functools import partial

import pytest
from msgspec.structs import replace

from libs.common.flow.accounts import IsEnrolled
from libs.common.flow.model import Json
from libs.common.flow.questions import LoadUser
from libs.common.flow.turn import Facts, Leave
from libs.common.nodes.enrolment import owner, shown
from tests.playbook import Playbook

LOAD = LoadUser("alice")
OWNER = Facts(identifier="alice@example.com", account="alice", proved=("pwd",))


@pytest.mark.parametrize("facts", [Facts(), replace(OWNER, proved=())])
def test_whoever_has_proved_nothing_sets_nothing_up(facts: Facts) -> None:
    Playbook(owner(facts)).ends(Leave("failure"))


def test_an_account_that_is_gone_is_given_nothing() -> None:
    Playbook(owner(OWNER)).asks(LOAD, answered=None).ends(Leave("failure"))


@pytest.mark.parametrize("user", [{}, {"mfa_methods": None}, {"mfa_methods": []}])
def test_the_first_factor_is_set_up_by_whoever_owns_the_account(user: dict[str, Json]) -> None:
    Playbook(owner(OWNER)).asks(LOAD, answered=user).ends(user)


def test_another_is_set_up_once_one_of_the_account_was_shown() -> None:
    user: dict[str, Json] = {"mfa_methods": ["totp", "recovery_code"]}
    for facts in (OWNER, shown(OWNER, "webauthn")):
        Playbook(owner(facts)).asks(LOAD, answered=user).ends(Leave("enrolled"))
    Playbook(owner(shown(OWNER, "totp"))).asks(LOAD, answered=user).ends(user)


@pytest.mark.parametrize("ours", [True, False])
def test_what_the_run_itself_has_set_up_is_no_reason_to_show_another(ours: bool) -> None:
    user: dict[str, Json] = {"mfa_methods": ["totp"]}
    asked = partial(IsEnrolled, sealed="c2VhbGVk")
    dialogue = Playbook(owner(OWNER, asked)).asks(LOAD, answered=user)
    dialogue.asks(IsEnrolled("alice", "c2VhbGVk"), answered=ours)
    dialogue.ends(user if ours else Leave("enrolled"))


def test_what_was_shown_twice_is_noted_once() -> None:
    noted = shown(shown(shown(OWNER, "totp"), "webauthn"), "totp")
    assert noted == replace(OWNER, shown=("totp", "webauthn"))
