import math
from typing import Any

import pytest

from libs.common.flow.expression.values import (
    FOREIGN,
    MISSING,
    NOUNS,
    Fault,
    Value,
    kind,
    read_number,
    truth,
    unusable,
)


class Text(str):
    __slots__ = ()


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, "null"),
        (True, "boolean"),
        (1, "number"),
        (1.5, "number"),
        ("", "string"),
        ([], "list"),
        ((), "list"),
        ({}, "map"),
    ],
)
def test_every_json_value_has_a_kind_and_every_kind_a_noun(value: object, expected: str) -> None:
    found = kind(value)
    assert found == expected
    assert expected in NOUNS[found]


@pytest.mark.parametrize(
    "value", [MISSING, Fault("why"), b"", {1}, math.nan, math.inf, -math.inf, Text("x"), object()]
)
def test_what_is_not_json_has_no_kind(value: object) -> None:
    assert kind(value) is None


def test_the_first_unusable_value_is_what_spreads() -> None:
    fault = Fault("why")
    assert unusable() is None
    assert unusable(None, False, 0, "", [], {}) is None
    assert unusable(1, MISSING, fault) is MISSING
    assert unusable(1, fault, MISSING) is fault
    foreign: Any = b"bytes"
    assert unusable(1, foreign, MISSING) is FOREIGN


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0", 0),
        ("-7", -7),
        ("1.50", 1.5),
        ("1e3", 1000.0),
        ("2E-1", 0.2),
        ("9007199254740991", 2**53 - 1),
        ("-9007199254740991", 1 - 2**53),
    ],
)
def test_a_number_is_read_as_json_writes_it(text: str, number: float) -> None:
    read = read_number(text)
    assert read == number
    assert type(read) is type(number)


@pytest.mark.parametrize(
    "text",
    ["", "x", "01", "1.", ".5", "+1", "1_000", " 1", "1\n", "٣", "nan", "Infinity", "0x10"],
)
def test_what_json_does_not_write_is_no_number(text: str) -> None:
    assert read_number(text) is None


@pytest.mark.parametrize("text", ["9007199254740992", "1e999", "-1e999", "0." + "1" * 31])
def test_a_number_that_readers_disagree_about_is_none(text: str) -> None:
    assert read_number(text) is None


@pytest.mark.parametrize("value", [True, False])
def test_a_boolean_is_its_own_truth(value: bool) -> None:
    assert truth(value) is value


@pytest.mark.parametrize("value", [MISSING, Fault("why"), None, 0, 1, "", "true", [], [1], {}])
def test_nothing_but_a_boolean_is_true_or_false(value: Value) -> None:
    assert truth(value) is None
