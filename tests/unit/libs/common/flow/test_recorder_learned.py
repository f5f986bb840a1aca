"""What the step log keeps of what became known, and of what is not known any more."""

from __future__ import annotations

import msgspec
import pytest
from msgspec.structs import replace

from libs.common.flow.record import Learned, Masked
from libs.common.flow.recorder import learned
from libs.common.flow.turn import External, Facts
from tests.walks import ALICE


def told(before: Facts, after: Facts, *, fixed: bool = False) -> Learned:
    return msgspec.convert(learned(before, after, fixed=fixed), Learned)


FULL = Facts(
    identifier=ALICE,
    account="alice",
    proved=("pwd", "otp"),
    shown=("totp",),
    invitation="i1",
    sign_in="0f",
    created=True,
    authenticated=True,
    consented=True,
    attached=True,
    resumed=True,
    staged={"nick": "Ali"},
    password_hash="$argon2id$",
    verified=ALICE,
    external=External("https://accounts.example", "a1"),
    inputs={"email": ALICE, "nick": "Ali"},
    attributes={"mark": "red", "yes": True, "list": ["Ali"], "nothing": None},
)


def test_there_is_a_word_for_each_fact() -> None:
    assert {field.name for field in msgspec.structs.fields(Facts)} <= {
        field.name for field in msgspec.structs.fields(Learned)
    }


@pytest.mark.parametrize("name", [field.name for field in msgspec.structs.fields(Facts)])
def test_a_fact_that_alone_is_another_is_kept(name: str) -> None:
    only = replace(Facts(), **{name: getattr(FULL, name)})
    assert name in learned(Facts(), only)
    assert learned(only, Facts())


def test_what_became_known_is_kept_by_name_and_kind() -> None:
    assert told(Facts(), FULL) == Learned(
        identifier=True,
        account=True,
        proved=("pwd", "otp"),
        shown=("totp",),
        invitation=True,
        sign_in=True,
        created=True,
        authenticated=True,
        consented=True,
        attached=True,
        resumed=True,
        password_hash=True,
        verified=True,
        external=True,
        inputs=("email", "nick"),
        staged=("nick",),
        attributes={
            "mark": Masked("string"),
            "yes": True,
            "list": Masked("list"),
            "nothing": None,
        },
    )


def test_what_is_not_known_any_more_is_kept_as_that() -> None:
    assert told(FULL, Facts(inputs=FULL.inputs)) == Learned(
        identifier=False,
        account=False,
        forgot=True,
        shown=(),
        invitation=False,
        sign_in=False,
        created=False,
        authenticated=False,
        consented=False,
        attached=False,
        resumed=False,
        password_hash=False,
        verified=False,
        external=False,
        dropped=(
            ("staged", "nick"),
            *(("attributes", name) for name in ("mark", "yes", "list", "nothing")),
        ),
    )


def test_what_stayed_is_not_kept() -> None:
    assert told(FULL, FULL) == told(FULL, replace(FULL)) == Learned()


@pytest.mark.parametrize(
    ("before", "after", "kept"),
    [
        (("pwd",), ("pwd", "otp"), Learned(proved=("otp",))),
        (("pwd", "otp"), ("otp",), Learned(forgot=True, proved=("otp",))),
        (("pwd",), (), Learned(forgot=True)),
    ],
)
def test_a_proof_that_was_lost_is_told_from_one_that_was_added(
    before: tuple[str, ...], after: tuple[str, ...], kept: Learned
) -> None:
    assert told(Facts(proved=before), Facts(proved=after)) == kept


def test_null_that_is_set_beside_others_is_kept() -> None:
    before = Facts(attributes={"mark": True})
    after = Facts(attributes={"mark": True, "nothing": None})
    assert told(before, after) == Learned(attributes={"nothing": None})


def test_what_the_author_wrote_is_kept_in_their_words_if_they_are_short() -> None:
    attributes = {"a": "gold", "b": 7.5, "c": None, "d": "x" * 100, "e": "x" * 101, "f": ["gold"]}
    kept = told(Facts(), Facts(attributes=attributes), fixed=True).attributes
    masked = {"e": Masked("string"), "f": Masked("list")}
    assert kept == {"a": "gold", "b": 7.5, "c": None, "d": "x" * 100, **masked}
