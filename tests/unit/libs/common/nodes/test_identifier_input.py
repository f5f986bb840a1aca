from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.common.errors import Problem
from libs.common.flow.node import InvalidConfig
from libs.common.flow.questions import FindAccount
from libs.common.flow.turn import Facts, FieldError, Leave, Message, Stay
from libs.common.nodes.identifier_input import NODE, Config, run
from libs.common.nodes.messages import MESSAGES
from tests.playbook import Playbook, lowered, visit

EMAIL = lowered(NODE)
ANY = lowered(NODE, {"identifier_types": ["username", "email", "phone"]})
FIND = FindAccount(("email",), "alice@example.com")


@pytest.mark.parametrize(
    ("types", "name", "variant", "key"),
    [
        (["email"], "email", "EMAIL", "label.email"),
        (["username"], "username", "TEXT", "label.username"),
        (["phone"], "phone", "TELEPHONE", "label.phone"),
        (["email", "username"], "identifier", "TEXT", "label.email_or_username"),
        (["phone", "email"], "identifier", "TEXT", "label.email_or_phone"),
        (["phone", "username"], "identifier", "TEXT", "label.username_or_phone"),
        (["username", "phone", "email"], "identifier", "TEXT", "label.identifier"),
    ],
)
def test_the_input_is_named_after_the_only_type_or_after_none(
    types: list[str], name: str, variant: str, key: str
) -> None:
    step = lowered(NODE, {"identifier_types": types})
    field = step.form.view.components[0].components[0]
    assert (field.id, field.variant) == (name, variant)
    assert field.config == {
        "identifier": name,
        "name": name,
        "label": MESSAGES[key],
        "i18nKey": key,
        "required": True,
    }
    Playbook(run(step, visit())).ends(Stay(step.form.view))


@pytest.mark.parametrize("account", ["alice", None])
def test_it_leaves_the_same_way_whether_or_not_there_is_such_an_account(
    account: str | None,
) -> None:
    known = Facts(
        identifier="alice@example.com", account=account, inputs={"email": "alice@example.com"}
    )
    dialogue = Playbook(run(EMAIL, visit(submitted={"email": " Alice@Example.com"})))
    dialogue.asks(FIND, answered=account).ends(Leave("success", known))


@pytest.mark.parametrize(
    ("typed", "kind", "normal"),
    [
        ("Alice", "username", "alice"),
        ("alice@EXAMPLE.com", "email", "alice@example.com"),
        ("+46 70 123 45 67", "phone", "+46701234567"),
    ],
)
def test_what_is_typed_is_looked_up_as_what_it_is(typed: str, kind: str, normal: str) -> None:
    dialogue = Playbook(run(ANY, visit(submitted={"identifier": typed})))
    known = Facts(identifier=normal, account="alice", inputs={"identifier": normal})
    dialogue.asks(FindAccount((kind,), normal), answered="alice").ends(Leave("success", known))


def test_what_is_no_identifier_is_refused_and_looked_up_by_nobody() -> None:
    wrong = FieldError("identifier", "field.identifier")
    refused = Stay(ANY.form.view, Message("form.invalid"), (wrong,))
    Playbook(run(ANY, visit(submitted={"identifier": "al ice"}))).ends(refused)


def test_an_email_address_is_refused_as_such() -> None:
    refused = Stay(EMAIL.form.view, Message("form.invalid"), (FieldError("email", "field.email"),))
    Playbook(run(EMAIL, visit(submitted={"email": "alice"}))).ends(refused)


PROVED = Facts(
    identifier="alice@example.com",
    account="alice",
    proved=("pwd", "otp"),
    created=True,
    staged={"name": "Alice"},
    password_hash="$argon2id$…",
    inputs={"name": "Alice"},
    attributes={"trusted": True},
)


@pytest.mark.parametrize("account", ["mallory", None])
def test_naming_another_account_forgets_what_was_proved_of_the_first(account: str | None) -> None:
    dialogue = Playbook(run(EMAIL, visit(PROVED, {"email": "mallory@example.com"})))
    question = FindAccount(("email",), "mallory@example.com")
    known = Facts(
        identifier="mallory@example.com",
        account=account,
        inputs={"name": "Alice", "email": "mallory@example.com"},
    )
    dialogue.asks(question, answered=account).ends(Leave("success", known))


def test_naming_the_same_account_again_keeps_what_was_proved() -> None:
    dialogue = Playbook(run(ANY, visit(PROVED, {"identifier": "Ally"})))
    known = msgspec.structs.replace(
        PROVED, identifier="ally", inputs={"name": "Alice", "identifier": "ally"}
    )
    dialogue.asks(FindAccount(("username",), "ally"), answered="alice").ends(
        Leave("success", known)
    )


def test_what_was_learned_before_anybody_was_named_stays() -> None:
    before = Facts(staged={"name": "Alice"}, attributes={"campaign": "spring"})
    dialogue = Playbook(run(EMAIL, visit(before, {"email": "alice@example.com"})))
    known = msgspec.structs.replace(
        before,
        identifier="alice@example.com",
        account="alice",
        inputs={"email": "alice@example.com"},
    )
    dialogue.asks(FIND, answered="alice").ends(Leave("success", known))


def test_a_proof_of_nobody_is_not_carried_to_somebody() -> None:
    before = Facts(proved=("pwd",), created=True)
    dialogue = Playbook(run(EMAIL, visit(before, {"email": "alice@example.com"})))
    known = Facts(
        identifier="alice@example.com", account="alice", inputs={"email": "alice@example.com"}
    )
    dialogue.asks(FIND, answered="alice").ends(Leave("success", known))


@given(
    accounts=st.lists(st.sampled_from(["a", "b", None]), min_size=1, max_size=6),
    proofs=st.lists(st.booleans(), min_size=6, max_size=6),
)
def test_no_order_of_naming_and_proving_carries_a_proof_to_another_account(
    accounts: list[str | None], proofs: list[bool]
) -> None:
    facts, proved_of = Facts(), None
    for account, proves in zip(accounts, proofs, strict=False):
        dialogue = Playbook(run(EMAIL, visit(facts, {"email": "alice@example.com"})))
        move = dialogue.asks(FIND, answered=account).result()
        assert isinstance(move, Leave)
        assert move.facts is not None
        facts = move.facts
        if facts.proved or facts.created:
            assert facts.account == proved_of
        if proves and account is not None:
            facts = msgspec.structs.replace(facts, proved=("pwd",), created=True)
            proved_of = account


def test_a_type_is_named_once() -> None:
    with pytest.raises(InvalidConfig) as refused:
        lowered(NODE, {"identifier_types": ["email", "email"]})
    problem = Problem("invalid_config", "Name each type once", path="identifier_types")
    assert refused.value.problems == (problem,)


@pytest.mark.parametrize("types", [[], ["fax"]])
def test_types_are_known_and_at_least_one(types: list[str]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"identifier_types": types}, Config)
