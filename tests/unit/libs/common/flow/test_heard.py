"""Expressions that are heard, and what of their values is shown."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import pytest

from libs.common.flow.expression import MISSING, Expression, Fault, Scope, Value, parse
from libs.common.flow.heard import (
    CUT,
    LONGEST_TEXT,
    MOST_VALUES,
    Evaluated,
    Heard,
    Part,
    evaluated,
    hearing,
    readable,
)
from libs.common.flow.model import Json
from libs.common.nodes import prompt, switch
from tests.playbook import lowered

SCOPE: Scope = {"user": {"age": 17, "name": "Ada"}}


def expression(text: str) -> Expression:
    return Expression(parse(text))


class Ear:
    def __init__(self) -> None:
        self.heard: list[tuple[str, str]] = []

    def __call__(self, path: str, said: Expression, scope: Scope) -> None:
        assert scope == SCOPE
        self.heard.append((path, said.text))


def test_what_is_evaluated_is_heard_and_comes_to_the_same() -> None:
    ear, said = Ear(), expression("user.age >= 18")
    heard = Heard(said.tree, said, "config.condition", ear)
    assert heard.evaluate(SCOPE) is False
    assert heard.evaluate(SCOPE) is False
    assert ear.heard == [("config.condition", "user.age >= 18")] * 2
    assert (heard.roots, heard.text) == (said.roots, said.text)


def test_every_expression_of_a_config_is_heard_wherever_it_lies() -> None:
    ear = Ear()
    cases = [{"outcome": "a", "when": "user.age < 18"}, {"outcome": "b", "when": "true"}]
    config = hearing(lowered(switch.NODE, {"cases": cases}), "config", ear)
    assert [case.outcome for case in config.cases] == ["a", "b"]
    assert ear.heard == []
    for case in reversed(config.cases):
        case.when.evaluate(SCOPE)
    assert ear.heard == [
        ("config.cases[1].when", "true"),
        ("config.cases[0].when", "user.age < 18"),
    ]


def test_a_config_without_expressions_stays_what_it_is() -> None:
    field = {"name": "nick", "type": "text", "label": "Nick"}
    config = lowered(prompt.NODE, {"fields": [field]})
    assert hearing(config, "config", Ear()) is config


def test_an_expression_is_told_with_each_of_its_parts() -> None:
    assert evaluated("config.condition", expression("user.age >= 18"), SCOPE) == Evaluated(
        "config.condition",
        "user.age >= 18",
        False,
        (
            Part("user.age >= 18", False, 0),
            Part("user.age", 17, 1),
            Part("user", {"age": 17, "name": "Ada"}, 2),
            Part("18", 18, 1),
        ),
    )


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (MISSING, {"missing": True}),
        (Fault("compares a string with a number"), {"fault": "compares a string with a number"}),
        (None, None),
        (True, True),
        (1.5, 1.5),
        ("x" * LONGEST_TEXT, "x" * LONGEST_TEXT),
        ("x" * (LONGEST_TEXT + 1), "x" * LONGEST_TEXT + CUT),
        ([1, "a", [None]], [1, "a", [None]]),
        (("a", "b"), ["a", "b"]),
        ({"a": {"b": [1]}}, {"a": {"b": [1]}}),
        (list(range(MOST_VALUES)), list(range(MOST_VALUES))),
        (list(range(MOST_VALUES + 1)), [*range(MOST_VALUES), CUT]),
        ([[0] * 60, 1], [[*[0] * (MOST_VALUES - 1), CUT], CUT]),
        ({"k" * 300: 1}, {"k" * LONGEST_TEXT: 1}),
    ],
)
def test_a_value_is_shown_in_a_size_that_people_read(value: Value, shown: Json) -> None:
    assert readable(value) == shown


def test_a_map_that_goes_on_says_so() -> None:
    some = readable({str(number): number for number in range(1000)})
    assert isinstance(some, dict)
    assert list(some)[-2:] == [str(MOST_VALUES - 1), CUT]


def test_however_much_was_read_little_is_shown() -> None:
    value: Sequence[Json] = "x" * 100_000
    for _ in range(20):
        value = [value, value, value]
    assert len(msgspec.json.encode(readable(value))) < MOST_VALUES * (LONGEST_TEXT + 10)
