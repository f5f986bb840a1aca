from __future__ import annotations

import msgspec
import pytest

from libs.common.errors import Problem
from libs.common.flow.messaging import SendMail
from libs.common.flow.model import Json
from libs.common.flow.node import InvalidConfig
from libs.common.flow.questions import LoadUser
from libs.common.flow.turn import Facts, Leave
from libs.common.nodes.mail import TEMPLATES
from libs.common.nodes.send_email import NODE, Config, run
from tests.playbook import Playbook, lowered, visit

ALICE = Facts(identifier="alice@example.com", account="alice", proved=("pwd",))
NAMED = Facts(identifier="alice@example.com", account="alice")
WORDS: dict[str, Json] = {"subject": "Hello", "text": "Hello {{ user.name }}."}


def sent(mail: SendMail) -> Leave:
    return Leave("success", effects=(mail,))


@pytest.mark.parametrize("facts", [ALICE, NAMED])
def test_mail_goes_to_the_address_of_the_account_that_was_named(facts: Facts) -> None:
    mail = SendMail("alice", "Hello", "Hello {{ user.name }}.", flow="login")
    Playbook(run(lowered(NODE, WORDS), visit(facts))).ends(sent(mail))


def test_who_has_no_account_is_sent_nothing_in_the_same_way() -> None:
    nobody = Facts(identifier="nobody@example.com")
    dialogue = Playbook(run(lowered(NODE, WORDS), visit(nobody)))
    dialogue.ends(sent(SendMail(None, "Hello", "Hello {{ user.name }}.", flow="login")))


def test_while_nobody_is_named_mail_goes_to_the_staged_address() -> None:
    staged: dict[str, Json] = {"email": " New@Example.com ", "name": "Sasha"}
    mail = SendMail(
        None, "Hello", "Hello {{ user.name }}.", None, "new@example.com", staged, {}, "login"
    )
    Playbook(run(lowered(NODE, WORDS), visit(Facts(staged=staged)))).ends(sent(mail))


@pytest.mark.parametrize("staged", [{}, {"email": "no address"}, {"email": 7}])
def test_mail_to_no_address_leaves_by_failure(staged: dict[str, Json]) -> None:
    Playbook(run(lowered(NODE, WORDS), visit(Facts(staged=staged)))).ends(Leave("failure"))


def test_mail_may_speak_of_what_the_flow_has_set() -> None:
    step = lowered(NODE, {"subject": "{{ facts.plan }}", "text": "T", "html": "<p>H</p>"})
    facts = msgspec.structs.replace(ALICE, attributes={"plan": "gold"})
    mail = SendMail(
        "alice", "{{ facts.plan }}", "T", "<p>H</p>", None, {}, {"plan": "gold"}, "login"
    )
    Playbook(run(step, visit(facts))).ends(sent(mail))


def test_what_a_mail_does_not_speak_of_is_not_sent_along() -> None:
    step = lowered(NODE, {"subject": "S", "text": "T"})
    facts = Facts(staged={"email": "new@example.com", "name": "Sasha"}, attributes={"a": 1})
    mail = SendMail(None, "S", "T", None, "new@example.com", {}, {}, "login")
    Playbook(run(step, visit(facts))).ends(sent(mail))


def test_mail_to_another_address_speaks_of_who_has_proved_to_be_the_accounts_owner() -> None:
    step = lowered(NODE, {**WORDS, "to": "user.manager"})
    mail = SendMail(
        "alice", "Hello", "Hello {{ user.name }}.", None, "boss@example.com", flow="login"
    )
    dialogue = Playbook(run(step, visit(ALICE)))
    dialogue.asks(LoadUser("alice"), answered={"manager": "Boss@example.com"}).ends(sent(mail))


def test_mail_to_another_address_does_not_speak_of_an_account_that_was_only_named() -> None:
    step = lowered(NODE, {**WORDS, "to": "'audit@example.com'"})
    mail = SendMail(
        None, "Hello", "Hello {{ user.name }}.", None, "audit@example.com", flow="login"
    )
    Playbook(run(step, visit(NAMED))).ends(sent(mail))


@pytest.mark.parametrize("to", ["facts.nobody", "'no address'", "has(facts.a) ? 'a@b.example' : 7"])
def test_an_expression_that_gives_no_address_leaves_by_failure(to: str) -> None:
    Playbook(run(lowered(NODE, {**WORDS, "to": to}), visit(ALICE))).ends(Leave("failure"))


def test_each_template_is_a_mail_by_itself() -> None:
    for name, words in TEMPLATES.items():
        mail = SendMail(
            "alice", words.subject, words.text, words.html, flow="login", keys=words.keys
        )
        Playbook(run(lowered(NODE, {"template": name}), visit(ALICE))).ends(sent(mail))


@pytest.mark.parametrize(
    ("config", "path"),
    [
        ({}, "subject"),
        ({"text": "T"}, "subject"),
        ({"subject": "S"}, "text"),
        ({"template": "welcome", "html": "<p>"}, "template"),
        ({"template": "welcome", "subject": "S"}, "template"),
    ],
)
def test_a_mail_has_words_of_its_own_or_a_template(config: dict[str, Json], path: str) -> None:
    with pytest.raises(InvalidConfig) as refused:
        lowered(NODE, config)
    assert [problem.path for problem in refused.value.problems] == [path]


def test_all_that_is_wrong_with_the_words_is_told_at_once() -> None:
    with pytest.raises(InvalidConfig) as refused:
        lowered(NODE, {"subject": "{{ 1 + }}", "text": "fine", "html": "{{ inputs.name }}"})
    assert [problem.path for problem in refused.value.problems] == ["subject", "html"]


def test_an_address_is_a_string() -> None:
    with pytest.raises(InvalidConfig) as refused:
        lowered(NODE, {"template": "welcome", "to": "7"})
    (problem,) = refused.value.problems
    assert isinstance(problem, Problem)
    assert problem.path == "to"


@pytest.mark.parametrize(
    "config", [{"template": "no_such"}, {"subject": "", "text": "T"}, {"subject": "x" * 201}]
)
def test_what_is_no_mail_at_all_is_refused(config: dict[str, Json]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(config, Config)
