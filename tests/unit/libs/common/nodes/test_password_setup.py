from __future__ import annotations

import pytest

from libs.common.errors import Problem
from libs.common.flow.accounts import IsBreached
from libs.common.flow.node import InvalidConfig
from libs.common.flow.questions import HashPassword, LoadUser
from libs.common.flow.turn import Facts, FieldError, Leave, Message, Stay
from libs.common.nodes.password_setup import NODE, run
from libs.common.secret import Secret
from tests.playbook import Playbook, lowered, visit

STEP = lowered(NODE)
NEW = "correct horse"
ASKED = IsBreached(Secret(NEW))
HASH = HashPassword(Secret(NEW))
STAGED = Facts(staged={"email": "Sasha.Longname@example.com", "username": "longer-name"})
OWNER = Facts(identifier="by-another", account="alice", proved=("pwd",))
ALICE = {"email": "alice-liddell@example.com", "username": None, "phone": "+12025550100"}


def sent(password: str, confirmation: str | None = None) -> dict[str, str]:
    return {"password": password, "confirmation": confirmation or password}


def refusal(field: str, key: str) -> Stay:
    return Stay(STEP.form.view, Message("form.invalid"), (FieldError(field, key),))


def test_it_is_asked_for_twice_and_its_length_is_told() -> None:
    Playbook(run(STEP, visit())).ends(Stay(STEP.form.view))
    assert STEP.form.view.required == ("password", "confirmation")
    (form,) = STEP.form.view.components
    assert form.components[0].config is not None
    (rule,) = form.components[0].config["validations"]
    assert rule == {
        "type": "RULE",
        "name": "LengthValidator",
        "conditions": [
            {"key": "min.length", "value": "8"},
            {"key": "max.length", "value": "256"},
        ],
    }


def test_a_good_one_is_staged_as_its_hash_and_proves_nothing() -> None:
    dialogue = Playbook(run(STEP, visit(STAGED, sent(NEW))))
    dialogue.asks(ASKED, answered=False).asks(HASH, answered="$argon2id$")
    after = Facts(staged=STAGED.staged, password_hash="$argon2id$")
    dialogue.ends(Leave("success", after))


def test_it_need_not_be_typed_twice() -> None:
    step = lowered(NODE, {"confirm": False})
    dialogue = Playbook(run(step, visit(Facts(), {"password": NEW})))
    dialogue.asks(ASKED, answered=False).asks(HASH, answered="$argon2id$")
    dialogue.ends(Leave("success", Facts(password_hash="$argon2id$")))


@pytest.mark.parametrize(
    ("password", "confirmation", "refused"),
    [
        (NEW, "correct hose", refusal("confirmation", "password.differs")),
        ("short", "short", refusal("password", "field.too_short")),
        (257 * "a", "a", refusal("password", "field.too_long")),
        ("LONGER-name", None, refusal("password", "password.is_name")),
        ("sasha.longname", None, refusal("password", "password.is_name")),
        ("sasha.longname@example.com", None, refusal("password", "password.is_name")),
    ],
)
def test_what_is_typed_otherwise_or_is_a_name_is_refused(
    password: str, confirmation: str | None, refused: Stay
) -> None:
    Playbook(run(STEP, visit(STAGED, sent(password, confirmation)))).ends(refused)


@pytest.mark.parametrize("name", ["by-another", "alice-liddell", "+12025550100"])
def test_the_owner_s_password_is_none_of_their_names(name: str) -> None:
    dialogue = Playbook(run(STEP, visit(OWNER, sent(name))))
    named = refusal("password", "password.is_name")
    dialogue.asks(LoadUser("alice"), answered=ALICE).ends(named)


@pytest.mark.parametrize("user", [ALICE, None])
def test_the_owner_may_choose_any_other(user: dict[str, str | None] | None) -> None:
    dialogue = Playbook(run(STEP, visit(OWNER, sent(NEW)))).asks(LoadUser("alice"), answered=user)
    left = dialogue.asks(ASKED, answered=False).asks(HASH, answered="$argon2id$").result()
    assert isinstance(left, Leave)


def test_one_of_a_breach_is_refused() -> None:
    breached = refusal("password", "password.breached")
    Playbook(run(STEP, visit(Facts(), sent(NEW)))).asks(ASKED, answered=True).ends(breached)


def test_lengths_that_no_password_has_are_refused() -> None:
    with pytest.raises(InvalidConfig) as error:
        lowered(NODE, {"min_length": 9, "max_length": 8})
    message = "No password has 9 characters and 8 at most"
    assert error.value.problems == (Problem("invalid_config", message, path="min_length"),)
