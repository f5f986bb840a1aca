from __future__ import annotations

import msgspec
import pytest

from libs.common.flow.messaging import SendSms
from libs.common.flow.model import Json
from libs.common.flow.node import InvalidConfig
from libs.common.flow.questions import LoadUser
from libs.common.flow.turn import Facts, Leave
from libs.common.nodes.send_sms import NODE, Config, run
from tests.playbook import Playbook, lowered, visit

ALICE = Facts(identifier="alice@example.com", account="alice", proved=("pwd",))
TEXT = "Hello {{ user.name }}"


@pytest.mark.parametrize("account", ["alice", None])
def test_an_sms_goes_to_whoever_was_named_if_there_is_such_an_account(account: str | None) -> None:
    facts = Facts(identifier="alice@example.com", account=account)
    sms = SendSms(account, TEXT, flow="login")
    dialogue = Playbook(run(lowered(NODE, {"text": TEXT}), visit(facts)))
    dialogue.ends(Leave("success", effects=(sms,)))


def test_while_nobody_is_named_an_sms_goes_to_the_staged_number() -> None:
    staged: dict[str, Json] = {"phone": "+1 202 555 0100", "name": "Sasha"}
    sms = SendSms(None, TEXT, "+12025550100", staged, flow="login")
    dialogue = Playbook(run(lowered(NODE, {"text": TEXT}), visit(Facts(staged=staged))))
    dialogue.ends(Leave("success", effects=(sms,)))


@pytest.mark.parametrize("staged", [{}, {"phone": "555"}, {"email": "a@example.com"}])
def test_an_sms_to_no_number_leaves_by_failure(staged: dict[str, Json]) -> None:
    step = lowered(NODE, {"text": "T"})
    Playbook(run(step, visit(Facts(staged=staged)))).ends(Leave("failure"))


def test_an_sms_may_go_to_another_number() -> None:
    step = lowered(NODE, {"text": "T", "to": "user.office"})
    dialogue = Playbook(run(step, visit(ALICE)))
    sms = SendSms("alice", "T", "+12025550100", flow="login")
    user = {"office": "+1 (202) 555-0100"}
    dialogue.asks(LoadUser("alice"), answered=user).ends(Leave("success", effects=(sms,)))


def test_an_expression_that_gives_no_number_leaves_by_failure() -> None:
    step = lowered(NODE, {"text": "T", "to": "'555'"})
    Playbook(run(step, visit(ALICE))).ends(Leave("failure"))


@pytest.mark.parametrize("config", [{"text": "{{ code }}"}, {"text": "T", "to": "7"}])
def test_what_cannot_be_sent_is_refused(config: dict[str, Json]) -> None:
    with pytest.raises(InvalidConfig):
        lowered(NODE, config)


@pytest.mark.parametrize("config", [{}, {"text": ""}, {"text": "x" * 1_001}])
def test_an_sms_has_a_text_that_is_not_too_long(config: dict[str, Json]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(config, Config)
