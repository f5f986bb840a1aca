from typing import Any

import pytest
from hypothesis import given, settings

from libs.common.flow.expression.operators import (
    BINARY,
    DATA_DEPTH,
    both,
    chosen,
    differs,
    either,
    element,
    listed,
    member,
    negated,
    otherwise,
    same,
    within,
)
from libs.common.flow.expression.tree import Operator
from libs.common.flow.expression.values import FOREIGN, MISSING, Fault, Value
from tests.unit.libs.common.flow.expression.strategies import DATA

FAULT = Fault("another")
OTHERS: list[Value] = [MISSING, FAULT, None, 0, "x", [], {}]
BYTES: Any = b"foreign"


def nested(depth: int) -> list[Any]:
    data: list[Any] = []
    for _ in range(depth):
        data = [data]
    return data


def test_a_member_is_the_value_of_the_key() -> None:
    assert member({"a": None}, "a") is None
    assert member({}, "a") is MISSING


@pytest.mark.parametrize("of", [None, MISSING])
def test_what_nothing_holds_is_missing(of: Value) -> None:
    assert member(of, "a") is MISSING
    assert element(of, "a") is MISSING


@pytest.mark.parametrize("of", [True, 1, "text", ["a"]])
def test_an_attribute_of_what_is_no_map_is_a_fault(of: Value) -> None:
    assert isinstance(member(of, "__class__"), Fault)


def test_a_fault_keeps_its_reason() -> None:
    assert member(FAULT, "a") is FAULT
    assert element([1], FAULT) is FAULT
    assert negated(FAULT) is FAULT
    assert chosen(FAULT, 1, 2) is FAULT
    assert listed([1, FAULT, MISSING]) is FAULT
    for name in set(BINARY) - {"??"}:
        assert BINARY[name](FAULT, MISSING) is FAULT


def test_an_item_is_found_by_its_whole_number() -> None:
    assert element(["a", "b"], 1) == "b"
    assert element(("a", "b"), 1.0) == "b"


@pytest.mark.parametrize("at", [2, -1, 10**400])
def test_an_item_beyond_the_ends_is_missing(at: int) -> None:
    assert element(["a", "b"], at) is MISSING


@pytest.mark.parametrize(
    ("of", "at"),
    [([1], True), ([1], 0.5), ([1], "0"), ([1], None), ({"0": 1}, 0), ("text", 0), (1, 0)],
)
def test_an_index_of_the_wrong_kind_is_a_fault(of: Value, at: Value) -> None:
    assert isinstance(element(of, at), Fault)


def test_a_map_is_indexed_by_name() -> None:
    assert element({"a": 1}, "a") == 1
    assert element({"a": 1}, "b") is MISSING
    assert element({"a": 1}, MISSING) is MISSING


def test_not_turns_a_boolean() -> None:
    assert negated(True) is False
    assert negated(False) is True
    assert negated(MISSING) is MISSING
    assert negated(0) == Fault("`!` needs a boolean, not a number")
    assert negated(BYTES) is FOREIGN


@pytest.mark.parametrize("other", [*OTHERS, True, False])
def test_false_decides_and_and_true_decides_or_from_either_side(other: Value) -> None:
    assert both(False, other) is both(other, False) is False
    assert either(True, other) is either(other, True) is True


@pytest.mark.parametrize("other", OTHERS)
def test_what_does_not_decide_spreads_from_either_side(other: Value) -> None:
    for result in (both(True, other), both(other, True)):
        assert result is other or isinstance(result, Fault)
    for result in (either(False, other), either(other, False)):
        assert result is other or isinstance(result, Fault)


def test_two_that_agree_are_what_both_say() -> None:
    assert both(True, True) is True
    assert either(False, False) is False


def test_the_left_one_of_two_that_cannot_decide_spreads() -> None:
    assert both(MISSING, FAULT) is either(MISSING, FAULT) is MISSING
    assert both(FAULT, MISSING) is either(FAULT, MISSING) is FAULT


def test_a_default_stands_for_missing_and_null_only() -> None:
    assert otherwise(MISSING, 1) == 1
    assert otherwise(None, 1) == 1
    assert otherwise(False, 1) is False
    assert otherwise(FAULT, 1) is FAULT


def test_a_choice_needs_a_boolean() -> None:
    assert chosen(True, 1, FAULT) == 1
    assert chosen(False, FAULT, 2) == 2
    assert chosen(MISSING, 1, 2) is MISSING
    assert isinstance(chosen("x", 1, 2), Fault)


def test_a_list_with_something_missing_in_it_is_missing() -> None:
    assert listed([1, MISSING, FAULT]) is MISSING
    assert listed([1, None]) == (1, None)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (1, 1.0),
        ("a", "a"),
        (None, None),
        ([1, "a", None], (1.0, "a", None)),
        ({"a": [True], "b": 1}, {"b": 1, "a": [True]}),
    ],
)
def test_equal_values_are_the_same(left: Value, right: Value) -> None:
    assert same(left, right) is True
    assert differs(left, right) is False


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (1, 2),
        ("a", "A"),
        (None, 0),
        ("", None),
        ([1], [1, 1]),
        ([1, "a"], [2, 1]),
        ([1, 2], ["a", 3]),
        ({"a": 1}, {"b": 1}),
        ({"a": 1}, {"a": None}),
    ],
)
def test_different_values_differ(left: Value, right: Value) -> None:
    assert same(left, right) is False
    assert differs(left, right) is True


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (True, 1),
        (0, False),
        ("1", 1),
        ([True], [1]),
        ({"a": 1}, {"a": True}),
        ([], {}),
        (["a", 1], [1, 1]),
        ([1, "a"], [1, 2]),
    ],
)
def test_comparing_unlike_kinds_is_a_fault(left: Value, right: Value) -> None:
    assert isinstance(same(left, right), Fault)
    assert isinstance(differs(left, right), Fault)


def test_a_fault_names_kinds_and_no_values() -> None:
    assert same("hunter2", 1) == Fault("`===` compares a string with a number")
    assert BINARY["<"]("hunter2", None) == Fault(
        "`<` orders two numbers or two strings, not a string and null"
    )


def test_what_is_foreign_compares_with_nothing() -> None:
    assert same(BYTES, BYTES) is FOREIGN
    assert same([BYTES], [BYTES]) is FOREIGN
    assert BINARY["<"](float("nan"), 1) is FOREIGN
    assert same(float("nan"), None) is FOREIGN


def test_comparing_goes_down_so_far_and_no_further() -> None:
    assert same(nested(DATA_DEPTH), nested(DATA_DEPTH)) == Fault(
        f"`===` compares what nests deeper than {DATA_DEPTH}"
    )
    assert same(nested(DATA_DEPTH - 1), nested(DATA_DEPTH - 1)) is True
    assert isinstance(same(nested(100_000), nested(100_000)), Fault)


@settings(max_examples=100)
@given(DATA, DATA)
def test_comparing_is_symmetrical_in_what_it_decides(left: Value, right: Value) -> None:
    there, back = same(left, right), same(right, left)
    assert there == back or (isinstance(there, Fault) and isinstance(back, Fault))
    assert same(left, left) is True


@pytest.mark.parametrize(
    ("operator", "less", "equal", "more"),
    [
        ("<", True, False, False),
        ("<=", True, True, False),
        (">", False, False, True),
        (">=", False, True, True),
    ],
)
def test_numbers_and_strings_have_an_order(
    operator: Operator, less: bool, equal: bool, more: bool
) -> None:
    compare = BINARY[operator]
    for small, large in ((1, 1.5), ("a", "b"), ("a", "aa"), ("Z", "a")):
        assert compare(small, large) is less
        assert compare(small, small) is equal
        assert compare(large, small) is more


@pytest.mark.parametrize(
    ("left", "right"),
    [(1, "2"), (True, False), (None, None), (1, None), ([1], [2]), (True, 1), ({}, {})],
)
@pytest.mark.parametrize("operator", ["<", "<=", ">", ">="])
def test_nothing_else_has_an_order(operator: Operator, left: Value, right: Value) -> None:
    assert isinstance(BINARY[operator](left, right), Fault)


def test_something_missing_has_no_order() -> None:
    assert BINARY["<"](MISSING, 1) is MISSING
    assert BINARY["<"](1, MISSING) is MISSING


def test_in_a_list_is_any_of_its_items() -> None:
    assert within(1, [2, 1.0]) is True
    assert within(1, (2, 3)) is False
    assert within(None, ["a"]) is False
    assert within(1, []) is False


def test_in_a_list_of_unlike_items_is_decided_by_an_equal_one_only() -> None:
    assert within(1, ["a", True, 1]) is True
    assert within(1, [2, "a", True]) == Fault("`===` compares a number with a string")


def test_in_a_map_is_one_of_its_keys() -> None:
    assert within("a", {"a": None}) is True
    assert within("b", {"a": None}) is False
    assert isinstance(within(1, {"a": None}), Fault)


def test_in_needs_something_to_be_in() -> None:
    assert isinstance(within("a", "abc"), Fault)
    assert isinstance(within("a", None), Fault)
    assert within(MISSING, []) is MISSING
    assert within(1, MISSING) is MISSING
