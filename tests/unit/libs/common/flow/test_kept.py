"""What the step log may keep of values and of answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from libs.common.flow.accounts import (
    CheckInvitation,
    DeleteUser,
    EnrolTotp,
    IsBreached,
    MakeRecoveryCodes,
    OfferTotp,
    RecallConsent,
    RecoveryCodes,
    TotpOffer,
)
from libs.common.flow.kept import KEEPING, NUMBERS, PERSONAL, SLUGS, answered, mask, redact_user
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
from libs.common.flow.record import Answered, Masked, Redacted
from libs.common.flow.turn import Question
from libs.common.nodes.prompt import RESERVED
from libs.common.secret import Secret
from tests.questions import every_question
from tests.walks import ALICE
from tests.worlds import CODE, PASSWORD

ROLE: Mapping[str, Json] = {"role": "admin", "nick": "Ali", "newsletter": True}


# What is kept of values.


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (None, None),
        (True, Masked("boolean")),
        (7, Masked("number")),
        ("x", Masked("string")),
        (["x"], Masked("list")),
        ({"x": 1}, Masked("map")),
        (float("nan"), Masked("unknown")),
    ],
)
def test_of_a_value_its_kind_is_kept_and_that_there_is_none(
    value: Json, kept: Masked | None
) -> None:
    assert mask(value) == kept


@pytest.mark.parametrize(
    ("name", "value", "kept"),
    [
        ("mfa_enabled", True, True),
        ("nick", None, None),
        ("nick", "Ali", Masked("string")),
        ("age", 36, Masked("number")),
        ("logins_count", 3, 3),
        ("last_login", 1.5, 1.5),
        ("created_at", "2026-11-21", Masked("string")),
        ("role", "admin", "admin"),
        ("role", "alice@example.com", Masked("string")),
        ("role", "", Masked("string")),
        ("role", 7, Masked("number")),
        ("roles", ["admin", "a.b:c-d_1"], ("admin", "a.b:c-d_1")),
        ("roles", ("admin",), ("admin",)),
        ("roles", ["admin", "Alice Adams"], Masked("list")),
        ("roles", ["admin", 7], Masked("list")),
        ("groups", ["x"] * 50, ("x",) * 50),
        ("groups", ["x"] * 51, Masked("list")),
        ("permissions", {"read": True}, Masked("map")),
        ("locale", "de-CH", "de-CH"),
        ("locale", "zh_Hant_TW", "zh_Hant_TW"),
        ("locale", "12 Elm Street", Masked("string")),
        ("locale", 7, Masked("number")),
    ],
)
def test_of_a_user_only_what_nobody_types_of_themselves_is_kept(
    name: str, value: Json, kept: Redacted
) -> None:
    assert redact_user({name: value}) == {name: kept}


def test_whose_attributes_are_very_many_is_not_kept_at_all() -> None:
    assert redact_user({f"a{number}": True for number in range(100)}) is not None
    assert redact_user({f"a{number}": True for number in range(101)}) is None


def test_no_prompt_can_ask_for_what_is_kept_of_a_user() -> None:
    assert SLUGS | NUMBERS <= RESERVED


# What is kept of answers.


def test_there_is_a_word_for_the_answer_to_every_question() -> None:
    every = every_question()
    assert set(KEEPING) == every
    assert {each.name for each in KEEPING.values()} == {each.__name__ for each in every}


def test_personal_is_what_hangs_on_whom_the_run_has_named() -> None:
    asked = {"CallAction", "CallWebhook", "CheckPassword", "CheckTotp", "LoadUser", "WriteUser"}
    asked |= {"SeekPasskey", "OfferPasskey", "KeepPasskey", "LinkExternal"}
    asked |= {"CheckCode", "VerifyEmail"}
    asked |= {"CheckRecoveryCode", "OfferTotp", "EnrolTotp"}
    asked |= {"MakeRecoveryCodes", "KeepRecoveryCodes"}
    asked |= {"IsEnrolled", "HasRecoveryCodes", "MadePasskey"}
    asked |= {"KeepSignIn", "EndSignIn", "EndSignIns"}
    assert asked | {"RecallConsent", "KeepConsent", "DeleteUser"} == PERSONAL


KEY = "c8e06de8-7123-44ac-8209-02be5b55387e"


@pytest.mark.parametrize(
    ("question", "answer", "kept"),
    [
        (FindAccount(("email",), ALICE), "alice", True),
        (FindAccount(("email",), ALICE), None, False),
        (CheckPassword("alice", ALICE, Secret(PASSWORD)), Verdict.RIGHT, "RIGHT"),
        (CheckTotp("alice", ALICE, Secret(CODE), "x:1"), Verdict.BLOCKED, "BLOCKED"),
        (VerifyEmail("alice", ALICE, None, Code("x:1", 6), Secret(CODE)), Verdict.RIGHT, "RIGHT"),
        (CheckCode("alice", ALICE, Code("x:1", 6), Secret(CODE)), Verdict.WRONG, "WRONG"),
        (LoadUser("alice"), None, False),
        (HashPassword(Secret(PASSWORD)), "$argon2id$", True),
        (WriteUser(KEY, None, {"email": ALICE}, None), Written("alice"), "written"),
        (WriteUser(KEY, None, {"email": ALICE}, None), Taken("email"), "taken:email"),
        (MayLeadTo("/there"), False, False),
        (EnrolTotp("alice", "c2VhbGVk", Secret(CODE), "x:1"), Verdict.WRONG, "WRONG"),
        (OfferTotp("alice", "Acme", ALICE), TotpOffer("a", "b", "c", "d"), True),
        (MakeRecoveryCodes("alice", 1), RecoveryCodes(("a",), ("b",)), True),
        (RecallConsent("alice", "terms", 7), False, False),
        (DeleteUser("alice"), True, True),
        (CheckInvitation(Secret("token")), None, False),
        (IsBreached(Secret(PASSWORD)), True, True),
        (WriteUser(KEY, None, {"email": ALICE}, None, invitation="i1"), Uninvited(), "uninvited"),
    ],
)
def test_of_an_answer_it_is_kept_how_it_came_out(
    question: Question[Any], answer: object, kept: str | bool
) -> None:
    assert answered(question, answer) == Answered(type(question).__name__, kept)


def test_of_a_user_who_is_looked_up_the_rest_is_masked() -> None:
    found = answered(LoadUser("alice"), ROLE)
    user: Mapping[str, Redacted] = {
        "role": "admin",
        "nick": Masked("string"),
        "newsletter": True,
    }
    assert found == Answered("LoadUser", True, user)
