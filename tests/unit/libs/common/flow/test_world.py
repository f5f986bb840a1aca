"""The world of a script, asked what nodes ask."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import Any

import pytest
from msgspec.structs import replace

from libs.common.errors import Invalid, Problem
from libs.common.flow.accounts import (
    CheckInvitation,
    CheckRecoveryCode,
    DeleteUser,
    EnrolTotp,
    IsBreached,
    KeepConsent,
    KeepRecoveryCodes,
    MakeRecoveryCodes,
    OfferTotp,
    RecallConsent,
    RecoveryCodes,
)
from libs.common.flow.calls import CallAction, CallWebhook, Reached, Target
from libs.common.flow.model import Json
from libs.common.flow.questions import (
    CheckCode,
    CheckPassword,
    CheckTotp,
    Code,
    FindAccount,
    HashPassword,
    LoadUser,
    MayLeadTo,
    Taken,
    Uninvited,
    Verdict,
    VerifyEmail,
    WriteUser,
    Written,
)
from libs.common.flow.script import MOMENT, UNSCRIPTED, Answer, Cue, Persona
from libs.common.flow.turn import Question
from libs.common.flow.world import (
    ACCOUNT,
    OFFER,
    PARTS,
    Deletion,
    World,
    Write,
    answer,
    drive,
    is_scripted,
)
from libs.common.secret import Secret
from tests.questions import every_question

FIND = FindAccount(("email",), "a@example.com")
CALLS = [
    CallAction("crm", "key", {}),
    CallWebhook(Target(url="https://hooks.example.com"), "key", {}),
]
GUESSES: list[Question[Any]] = [
    CheckPassword("alice", None, Secret("guess")),
    CheckTotp("alice", None, Secret("123456"), "attempt"),
    CheckCode("alice", None, Code("session:node:1", 6), Secret("123456")),
    VerifyEmail("alice", None, None, Code("session:node:1", 6), Secret("123456")),
    CheckRecoveryCode("alice", None, Secret("abcde-fghij"), "attempt"),
    EnrolTotp("alice", "", Secret("123456"), "attempt"),
]
HASH = HashPassword(Secret("hunter22"))


def world(**user: Json) -> World:
    return World(Persona(user=user))


def writes(
    account: str | None = None, password: str | None = None, **attributes: Json
) -> WriteUser:
    return WriteUser("key", account, attributes, password)


def scripted(outcome: str, **attributes: Json) -> Cue:
    return Cue(Answer(outcome, attributes), "answers.node")


def refusal(question: Question[Any], cue: Cue) -> Problem:
    with pytest.raises(Invalid) as refused:
        answer(world(), question, cue)
    (problem,) = refused.value.problems
    return problem


def test_every_question_there_is_has_its_success() -> None:
    assert PARTS.keys() == every_question()
    assert all("success" in parts for parts in PARTS.values())


def test_a_persona_with_an_account_is_found() -> None:
    assert answer(world(), FIND, UNSCRIPTED) == ACCOUNT
    assert answer(world(id="alice"), FIND, UNSCRIPTED) == "alice"


def test_an_id_that_is_no_text_is_replaced() -> None:
    named = world(id=7)
    assert named.account == ACCOUNT
    assert named.load(LoadUser(ACCOUNT)) == {"id": ACCOUNT, "mfa_methods": ["totp"]}


def test_a_persona_without_one_is_not() -> None:
    assert answer(World(Persona()), FIND, UNSCRIPTED) is None


def test_who_was_written_is_found_by_their_name() -> None:
    asked = world(email="b@example.com")
    answer(asked, writes(None, None, email="a@example.com"), UNSCRIPTED)
    assert answer(asked, FIND, UNSCRIPTED) == "key"
    assert answer(asked, FindAccount(("username",), "a@example.com"), UNSCRIPTED) == ACCOUNT


def test_a_persona_need_not_be_found() -> None:
    assert answer(world(), FIND, scripted("failure")) is None


@pytest.mark.parametrize("question", GUESSES)
@pytest.mark.parametrize(
    ("outcome", "verdict"),
    [("success", Verdict.RIGHT), ("failure", Verdict.WRONG), ("blocked", Verdict.BLOCKED)],
)
def test_a_guess_is_what_the_script_says(
    question: Question[Verdict], outcome: str, verdict: Verdict
) -> None:
    assert answer(world(), question, scripted(outcome)) is verdict


@pytest.mark.parametrize(("outcome", "allowed"), [("success", True), ("failure", False)])
def test_whether_a_page_may_be_led_to_is_what_the_script_says(outcome: str, allowed: bool) -> None:
    assert answer(world(), MayLeadTo("/terms"), scripted(outcome)) is allowed


@pytest.mark.parametrize("question", CALLS)
def test_whoever_is_called_answers_what_the_script_says(
    question: Question[Reached | None],
) -> None:
    assert answer(world(), question, UNSCRIPTED) == Reached({})
    assert answer(world(), question, scripted("success", score=1)) == Reached({"score": 1})
    assert answer(world(), question, scripted("failure")) is None


def verifies(account: str | None) -> VerifyEmail:
    return VerifyEmail(account, None, None, Code("session:node:1", 6), Secret("123456"))


def test_an_address_that_was_verified_stays_so_for_the_rest_of_the_run() -> None:
    asked = world(email="a@example.com")
    answer(asked, verifies(None), UNSCRIPTED)
    answer(asked, verifies(ACCOUNT), scripted("failure"))
    assert (asked.load(LoadUser(ACCOUNT)) or {}).get("email_verified") is None
    answer(asked, verifies(ACCOUNT), UNSCRIPTED)
    assert (asked.load(LoadUser(ACCOUNT)) or {})["email_verified"] is True


def test_an_account_is_written_with_an_address_that_was_verified() -> None:
    asked = world()
    answer(asked, replace(writes(None, None, email="a@example.com"), verified=True), UNSCRIPTED)
    assert (asked.load(LoadUser("key")) or {})["email_verified"] is True


def test_a_password_is_hashed_to_nothing() -> None:
    assert answer(world(), HASH, UNSCRIPTED) == "***"


@pytest.mark.parametrize(
    ("user", "methods"),
    [
        ({}, ["totp"]),
        ({"mfa_enabled": True}, ["totp"]),
        ({"mfa_enabled": False}, []),
        ({"mfa_enabled": True, "mfa_methods": ["sms"]}, ["sms"]),
        ({"mfa_methods": []}, []),
    ],
)
def test_who_does_not_say_how_they_verify_has_an_authenticator(
    user: dict[str, Json], methods: list[str]
) -> None:
    loaded = world(**user).load(LoadUser(ACCOUNT))
    assert loaded == {**user, "id": ACCOUNT, "mfa_methods": methods}


def test_nobody_is_known_by_another_account() -> None:
    assert world().load(LoadUser("somebody")) is None


def test_a_new_account_is_known_once_it_is_written() -> None:
    asked = World(Persona())
    written = answer(asked, writes(None, "$argon2id$", email="a@example.com"), UNSCRIPTED)
    assert written == Written("key")
    assert asked.load(LoadUser("key")) == {
        "id": "key",
        "email": "a@example.com",
        "username": None,
        "phone": None,
        "email_verified": False,
        "logins_count": 0,
        "last_login": None,
        "created_at": MOMENT,
        "updated_at": MOMENT,
        "mfa_enabled": False,
        "mfa_methods": [],
    }
    assert asked.written == [Write("key", True, {"email": "a@example.com"}, "***")]


def test_an_account_is_written_onto() -> None:
    asked = world(email="a@example.com", name="A")
    answer(asked, writes(ACCOUNT, name="B"), UNSCRIPTED)
    loaded = asked.load(LoadUser(ACCOUNT))
    assert loaded is not None
    assert (loaded["email"], loaded["name"]) == ("a@example.com", "B")
    assert asked.written == [Write(ACCOUNT, False, {"name": "B"}, None)]


@pytest.mark.parametrize(
    ("attributes", "attribute"), [({"name": "A", "phone": "+1"}, "phone"), ({}, "email")]
)
def test_what_is_taken_is_not_written(attributes: dict[str, Json], attribute: str) -> None:
    asked = world()
    assert answer(asked, writes(None, None, **attributes), scripted("taken")) == Taken(attribute)
    assert asked.written == []


def test_an_outcome_that_answers_nothing_is_refused_with_those_that_do() -> None:
    problem = refusal(GUESSES[0], scripted("maybe"))
    assert problem == Problem(
        "invalid_answer",
        "`maybe` answers nothing that this node asks; one of `success`, `failure`, `blocked`",
        path="answers.node",
    )


def test_attributes_that_nothing_takes_are_refused() -> None:
    problem = refusal(FIND, scripted("success", risk=3))
    assert (problem.code, problem.path) == ("invalid_answer", "answers.node.attributes")


def test_factors_that_are_set_up_are_the_account_s() -> None:
    asked = world(mfa_enabled=False)
    assert answer(asked, OfferTotp(ACCOUNT, "Acme", ""), UNSCRIPTED) is OFFER
    made = answer(asked, MakeRecoveryCodes(ACCOUNT, 3), UNSCRIPTED)
    assert made == RecoveryCodes(("***",), ())
    for _ in range(2):
        totp = EnrolTotp(ACCOUNT, "", Secret("123456"), "attempt")
        assert answer(asked, totp, UNSCRIPTED) is Verdict.RIGHT
        assert answer(asked, KeepRecoveryCodes(ACCOUNT, ()), UNSCRIPTED) is True
    loaded = asked.load(LoadUser(ACCOUNT))
    assert loaded is not None
    assert loaded["mfa_enabled"] is True
    assert loaded["mfa_methods"] == ["totp", "recovery_code"]


def test_an_authenticator_whose_code_is_wrong_is_not_set_up() -> None:
    asked = world(mfa_enabled=False)
    totp = EnrolTotp(ACCOUNT, "", Secret("123456"), "attempt")
    assert answer(asked, totp, scripted("failure")) is Verdict.WRONG
    loaded = asked.load(LoadUser(ACCOUNT))
    assert loaded is not None
    assert loaded["mfa_methods"] == []


def test_a_consent_is_remembered_for_its_time_and_its_purpose() -> None:
    asked = world()

    def holds(purpose: str, at: int) -> bool:
        held: bool = answer(asked, RecallConsent(ACCOUNT, purpose, at), UNSCRIPTED)
        return held

    assert not holds("terms", 5)
    assert answer(asked, KeepConsent(ACCOUNT, "terms", 10), UNSCRIPTED) is True
    assert answer(asked, KeepConsent(ACCOUNT, "news", None), UNSCRIPTED) is True
    assert (holds("terms", 9), holds("terms", 10), holds("news", 10**9)) == (True, False, True)


@pytest.mark.parametrize(("outcome", "good"), [("success", True), ("failure", False)])
def test_whether_an_invitation_is_good_is_what_the_script_says(outcome: str, good: bool) -> None:
    asked = CheckInvitation(Secret("token"))
    assert (answer(world(), asked, scripted(outcome)) is not None) is good


@pytest.mark.parametrize(("outcome", "breached"), [("success", False), ("breached", True)])
def test_whether_a_password_was_breached_is_what_the_script_says(
    outcome: str, breached: bool
) -> None:
    assert answer(world(), IsBreached(Secret("guess")), scripted(outcome)) is breached


def test_an_invitation_may_be_used_up_meanwhile() -> None:
    assert answer(world(), writes(), scripted("uninvited")) == Uninvited()


def test_a_deleted_account_is_known_no_more_and_told_of() -> None:
    asked = world()
    for _ in range(2):
        assert answer(asked, DeleteUser(ACCOUNT), UNSCRIPTED) is True
    assert asked.load(LoadUser(ACCOUNT)) is None
    assert asked.written == 2 * [Deletion(ACCOUNT)]


def test_what_has_but_one_answer_is_not_the_script_s_to_say() -> None:
    assert not is_scripted(HASH)
    assert not is_scripted(LoadUser("alice"))
    assert is_scripted(FIND)


def test_a_dialogue_is_driven_to_its_end() -> None:
    def dialogue() -> Generator[Question[Any], Any, list[Any]]:
        first = yield FIND
        second = yield HASH
        return [first, second]

    answers: Iterator[str] = iter(["a", "b"])
    assert drive(dialogue(), lambda _question: next(answers)) == ["a", "b"]
