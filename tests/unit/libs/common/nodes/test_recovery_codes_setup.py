from __future__ import annotations

import msgspec
import pytest

from libs.common.flow.accounts import (
    HasRecoveryCodes,
    KeepRecoveryCodes,
    MakeRecoveryCodes,
    RecoveryCodes,
)
from libs.common.flow.node import Visit
from libs.common.flow.questions import LoadUser
from libs.common.flow.turn import Facts, Leave, Stay
from libs.common.nodes.recovery_codes_setup import NODE, Config, run
from tests.playbook import Playbook, lowered, visit

STEP = lowered(NODE, {"count": 2})
ALICE = Facts(account="alice", proved=("pwd",), shown=("totp",))
LOAD = LoadUser("alice")
USER = {"mfa_methods": ["totp"]}
MADE = RecoveryCodes(("abcde-fghij", "bcdef-ghijk"), ("0a", "0b"))


def sends(facts: Facts) -> Visit:
    return msgspec.structs.replace(visit(facts, {}), kept={"digests": ["0a", "0b"]})


def test_the_codes_are_shown_and_their_digests_kept() -> None:
    dialogue = Playbook(run(STEP, visit(ALICE)))
    dialogue.asks(LOAD, answered=USER).asks(MakeRecoveryCodes("alice", 2), answered=MADE)
    shown = dialogue.result()
    assert isinstance(shown, Stay)
    assert shown.kept == {"digests": ["0a", "0b"]}
    texts = [each.config["text"] for each in shown.view.components if each.config]
    assert texts[1:] == list(MADE.codes)
    assert shown.view.actions == STEP.form.view.actions


def test_they_are_the_account_s_once_the_user_has_kept_them() -> None:
    after = msgspec.structs.replace(ALICE, shown=("totp", "recovery_code"))
    dialogue = Playbook(run(STEP, sends(ALICE))).asks(LOAD, answered=USER)
    dialogue.asks(KeepRecoveryCodes("alice", ("0a", "0b"), first=False), answered=True)
    dialogue.ends(Leave("success", after))


def test_who_has_set_up_a_factor_elsewhere_meanwhile_is_to_show_that() -> None:
    dialogue = Playbook(run(STEP, sends(Facts(account="alice", proved=("pwd",)))))
    dialogue.asks(LOAD, answered={"mfa_methods": []})
    dialogue.asks(KeepRecoveryCodes("alice", ("0a", "0b"), first=True), answered=False)
    dialogue.ends(Leave("enrolled"))


def test_who_has_not_proved_whose_account_it_is_gets_none() -> None:
    Playbook(run(STEP, visit(Facts(account="alice")))).ends(Leave("failure"))


def test_a_password_alone_gets_no_way_round_an_authenticator() -> None:
    dialogue = Playbook(run(STEP, visit(Facts(account="alice", proved=("pwd",)))))
    dialogue.asks(LOAD, answered=USER).ends(Leave("enrolled"))


@pytest.mark.parametrize("ours", [True, False])
def test_a_set_up_that_is_done_already_may_be_sent_again(ours: bool) -> None:
    facts = Facts(account="alice", proved=("pwd",))
    dialogue = Playbook(run(STEP, sends(facts)))
    dialogue.asks(LOAD, answered={"mfa_methods": ["recovery_code"]})
    dialogue.asks(HasRecoveryCodes("alice", ("0a", "0b")), answered=ours)
    if not ours:
        dialogue.ends(Leave("enrolled"))
        return
    dialogue.asks(KeepRecoveryCodes("alice", ("0a", "0b")), answered=True)
    dialogue.ends(Leave("success", msgspec.structs.replace(facts, shown=("recovery_code",))))


@pytest.mark.parametrize("count", [0, 21])
def test_there_are_some_and_not_too_many(count: int) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"count": count}, Config)
