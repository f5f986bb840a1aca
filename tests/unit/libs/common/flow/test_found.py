"""When a node certainly does again what it did."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from libs.common.flow.expression import Expression, parse
from libs.common.flow.found import Found, finds_the_same, reads_the_same, takes_the_same
from libs.common.flow.model import FlowType
from libs.common.flow.node import Visit
from libs.common.flow.record import Answered, Learned, Passage
from libs.common.flow.tape import Moment
from libs.common.flow.turn import External, Facts
from libs.common.flow.unknown import Mask, UnknownUser
from tests.worlds import NOW

TYPED: Any = Mask("input")
KNOWN = Facts(identifier="a name", account="alice", proved=("pwd",), inputs={"colour": TYPED})
VISIT = Visit("", 0, "x", FlowType.LOGIN, KNOWN, NOW)
THEN = Found(VISIT, {"role": "admin"})


def test_with_the_same_facts_in_the_same_turn_it_finds_the_same() -> None:
    again = Found(replace(VISIT, facts=replace(KNOWN, inputs=dict(KNOWN.inputs))), UnknownUser())
    assert finds_the_same(THEN, again)


@pytest.mark.parametrize(
    "visit",
    [
        replace(VISIT, surroundings=replace(NOW)),
        replace(VISIT, facts=replace(KNOWN, created=True)),
        replace(VISIT, facts=replace(KNOWN, inputs={"colour": Mask("input")})),
    ],
    ids=["in another turn", "knowing more", "of another typed value"],
)
def test_it_does_not_where_anything_differs_or_may(visit: Visit) -> None:
    assert not finds_the_same(THEN, Found(visit, THEN.user))


@pytest.mark.parametrize(
    ("text", "now", "alike"),
    [
        ("facts.mark ?? 'x'", replace(KNOWN, created=True), True),
        ("facts.mark ?? 'x'", replace(KNOWN, attributes={"mark": "y"}), False),
        ("facts.mark ?? 'x'", replace(KNOWN, attributes={"other": "y"}), True),
        ("inputs.colour", replace(KNOWN, inputs={"colour": TYPED, "size": 3}), True),
        ("inputs.colour", replace(KNOWN, inputs={"colour": Mask("input")}), False),
        ("user.role", KNOWN, True),
        ("user.role", replace(KNOWN, proved=()), False),
    ],
)
def test_expressions_that_read_the_same_come_to_the_same(
    text: str, now: Facts, *, alike: bool
) -> None:
    expression = Expression(parse(text))
    scope = Found(replace(VISIT, facts=now), THEN.user).scope(expression)
    assert reads_the_same((expression,), THEN, scope) is alike
    always = Expression(parse("true"))
    assert reads_the_same((always, expression), THEN, scope) is alike


def test_what_nobody_knows_is_not_what_was_read() -> None:
    expression = Expression(parse("user.role"))
    scope = Found(VISIT, UnknownUser()).scope(expression)
    assert not reads_the_same((expression,), THEN, scope)


# What a node was sent.


def moment(*questions: str, learned: Learned | None = None) -> Moment:
    answers = tuple(Answered(each, "RIGHT") for each in questions)
    passage = Passage("x", "leave", "success", learned, answers)
    return Moment(1, True, passage, None, (), False, "FindAccount" in questions)


def named(**changes: Any) -> Facts:  # noqa: ANN401 - fields of facts
    return replace(KNOWN, **changes)


@pytest.mark.parametrize(
    "now",
    [
        named(identifier="another"),
        named(account="bob"),
        named(authenticated=True),
        named(created=True),
        named(proved=("pwd", "otp")),
        named(staged={"nick": TYPED}),
        named(password_hash="$1$"),
        named(verified="a@example.com"),
        named(external=External("https://accounts.example", "a1")),
    ],
)
@pytest.mark.parametrize("question", ["CheckPassword", "CheckTotp", "FindAccount"])
def test_a_guess_or_a_name_is_taken_the_same_only_of_the_same_person(
    question: str, now: Facts
) -> None:
    assert takes_the_same(moment(question), (), KNOWN, KNOWN)
    assert not takes_the_same(moment(question), (), KNOWN, now)


def test_what_is_only_written_down_is_taken_the_same_of_anybody() -> None:
    filled = moment(learned=Learned(inputs=("nick",), staged=("nick",)))
    assert takes_the_same(filled, {"nick"}, KNOWN, named(account="bob", proved=()))
    assert takes_the_same(filled, {"nick"}, KNOWN, named(attributes={"mark": "red"}))


def test_a_guess_is_taken_the_same_whatever_attributes_are_set() -> None:
    now = named(attributes={"mark": "red"}, inputs={})
    assert takes_the_same(moment("CheckPassword"), {"password"}, KNOWN, now)


def test_who_is_known_already_and_names_another_account_is_forgotten_with_all_there_is() -> None:
    other = moment("FindAccount", learned=Learned(account=True, inputs=("email",)))
    now = named(attributes={"mark": "red"})
    assert not takes_the_same(other, {"email"}, KNOWN, now)
    nobody, now = Facts(), Facts(attributes={"mark": "red"})
    assert takes_the_same(other, {"email"}, nobody, now)
    again = moment("FindAccount", learned=Learned(inputs=("email",)))
    assert takes_the_same(again, {"email"}, KNOWN, named(attributes={"mark": "red"}))


def test_whoever_followed_a_link_is_known_by_nothing_that_there_was() -> None:
    followed = moment("VerifyEmail", learned=Learned(resumed=True))
    assert not takes_the_same(followed, (), KNOWN, named(attributes={"mark": "red"}))


@pytest.mark.parametrize("where", ["inputs", "staged"])
def test_what_is_left_empty_is_gone_if_it_was_there(where: str) -> None:
    filled = moment(learned=Learned(inputs=("city",), staged=("city",)))
    there = replace(Facts(), **{where: {"nick": TYPED}})
    assert not takes_the_same(filled, {"nick", "city"}, Facts(), there)
    assert not takes_the_same(filled, {"nick", "city"}, there, Facts())
    assert takes_the_same(
        filled, {"nick", "city"}, there, replace(Facts(), **{where: {"nick": TYPED}})
    )
    assert takes_the_same(filled, {"city"}, Facts(), there)


def test_what_is_typed_anew_takes_the_place_of_whatever_was_there() -> None:
    filled = moment(learned=Learned(inputs=("nick",), staged=("nick",)))
    assert takes_the_same(filled, {"nick"}, Facts(), Facts(inputs={"nick": TYPED}))


def test_a_password_that_is_left_empty_is_gone_if_it_was_there() -> None:
    there = Facts(password_hash="$1$")
    assert not takes_the_same(moment(learned=Learned(inputs=("nick",))), {"nick"}, Facts(), there)
    typed = moment("HashPassword", learned=Learned(password_hash=True))
    assert takes_the_same(typed, {"password"}, Facts(), there)
