"""Values that nobody kept: nothing is done with them, and nothing is guessed of them."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.common.flow.expression import MISSING, Expr, Expression, Fault, Scope, Value, parse
from libs.common.flow.model import Json
from libs.common.flow.record import Masked
from libs.common.flow.turn import Facts
from libs.common.flow.unknown import (
    Guarded,
    Mask,
    Undecided,
    UnknownUser,
    explained,
    readings,
    same,
    unmask,
)
from tests.unit.libs.common.flow.expression.strategies import DATA, EXPRESSIONS, NAMES

TYPED = Mask("input")


def guarded(text: str) -> Guarded:
    return Guarded(parse(text))


def needs(text: str, scope: Mapping[str, Any]) -> tuple[str, ...]:
    """What would have to be known for `text` to come to anything; nothing if it does."""
    try:
        guarded(text).evaluate(scope)
    except Undecided as error:
        return error.needs
    return ()


@pytest.mark.parametrize(
    "done",
    [
        lambda mask: mask == "red",
        lambda mask: mask != "red",
        lambda mask: mask < 3,
        lambda mask: "red" in mask,
        lambda mask: mask["red"],
        lambda mask: mask.get("red"),
        bool,
        str,
        int,
        float,
        len,
        list,
    ],
)
def test_whatever_is_done_with_a_mask_stops(done: Callable[[Any], object]) -> None:
    with pytest.raises(Undecided) as caught:
        done(Mask("string"))
    assert caught.value.needs == ("a value of kind string",)
    assert str(caught.value) == "a value of kind string"


def test_a_mask_is_no_key() -> None:
    with pytest.raises(TypeError):
        hash(Mask("string"))


def test_a_user_whom_nobody_looked_up_is_there_and_says_nothing_of_themselves() -> None:
    user = UnknownUser()
    assert bool(user)
    with pytest.raises(Undecided):
        user.get("mfa_methods")
    with pytest.raises(Undecided):
        operator.eq(user, {})


def test_what_was_kept_is_read_as_it_was_and_the_rest_is_a_mask() -> None:
    assert unmask(("admin", "staff")) == ("admin", "staff")
    assert unmask(None) is None
    mask = unmask(Masked("list"))
    assert (type(mask), mask.kind) == (Mask, "list")


# What is certainly the same.


@given(DATA)
def test_data_is_the_same_as_itself_read_again(data: Json) -> None:
    def again(value: Json) -> Json:
        if isinstance(value, dict):
            return {key: again(value[key]) for key in reversed(value)}
        if isinstance(value, list):
            return [again(item) for item in value]
        return tuple(map(again, value)) if isinstance(value, tuple) else value

    assert same(data, again(data))


@given(DATA, DATA)
def test_what_is_the_same_is_equal(one: Value, other: Value) -> None:
    assert same(one, other) is same(other, one)
    if same(one, other):
        assert one == other


PAIRS: Sequence[tuple[object, object]] = [
    (True, 1),
    (1, 1.0),
    ([0], [False]),
    ([1], (1,)),
    ([1], [1, 2]),
    ({"a": 1}, {"b": 1}),
    ({"a": 1}, {"a": True}),
    ({"a": 1}, {"a": 1, "b": 1}),
    (None, MISSING),
    (TYPED, Mask("input")),
    (UnknownUser(), UnknownUser()),
    ([TYPED], [Mask("input")]),
    (Facts(attributes={"mark": True}), Facts(attributes={"mark": 1})),
    (Facts(inputs={"colour": TYPED}), Facts(inputs={"colour": Mask("input")})),
    (guarded("facts.mark === true"), guarded("facts.mark === 1")),
]


# By number, since pytest looks at a value to name its case, and a mask lets nobody.
@pytest.mark.parametrize("number", range(len(PAIRS)))
def test_what_only_may_be_or_only_python_calls_equal_is_not_the_same(number: int) -> None:
    one, other = PAIRS[number]
    assert not same(one, other)
    assert not same(other, one)


def test_a_mask_is_the_same_as_itself_however_deep() -> None:
    def facts() -> Facts:
        return Facts("who", inputs={"colour": TYPED}, attributes={"seen": [TYPED, {"x": TYPED}]})

    assert same(facts(), facts())


# Expressions that read what was not kept.

SCOPE: Mapping[str, Any] = {
    "inputs": {"colour": TYPED, "size": 3},
    "facts": {"mark": "red", "list": [1, TYPED]},
    "user": UnknownUser(),
}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("false && inputs.colour === 'red'", False),
        ("facts.mark === 'red' || inputs.colour === 'red'", True),
        ("facts.mark ?? inputs.colour", "red"),
        ("facts.mark === 'red' ? 1 : inputs.colour", 1),
        ("size(facts.list)", 2),
        ("false && user.role === 'admin'", False),
        ("inputs.size > 2", True),
        ("inputs.nothing", MISSING),
        ("inputs.size && true", Fault("`&&` needs a boolean, not a number")),
    ],
)
def test_what_hangs_on_nothing_masked_comes_to_what_it_came_to(text: str, value: Value) -> None:
    assert guarded(text).evaluate(SCOPE) == value


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("inputs.colour", ("inputs.colour",)),
        ("inputs.colour === 'red'", ("inputs.colour",)),
        ("inputs.colour ?? 'red'", ("inputs.colour",)),
        ("facts.list", ("facts.list",)),
        ("1 in facts.list && inputs.colour === 'red'", ("facts.list", "inputs.colour")),
        ("user.role === 'admin'", ("user.role",)),
        ("has(user.role)", ("user.role",)),
        ("has(inputs.colour)", ("inputs.colour",)),
        ("[inputs.colour, facts.mark]", ("inputs.colour",)),
        ("containsAny([inputs.colour], ['red'])", ("inputs.colour",)),
    ],
)
def test_what_hangs_on_a_mask_names_what_would_have_to_be_known(
    text: str, wanted: tuple[str, ...]
) -> None:
    assert needs(text, SCOPE) == wanted


def test_what_hangs_on_a_mask_may_be_given_a_value_by_who_knows_better() -> None:
    asked: list[tuple[tuple[str, ...], Scope]] = []

    def otherwise(needs: tuple[str, ...], scope: Scope) -> Value:
        asked.append((needs, scope))
        return True

    assert Guarded(parse("inputs.colour === 'red'"), otherwise).evaluate(SCOPE) is True
    assert Guarded(parse("inputs.size === 4"), otherwise).evaluate(SCOPE) is False
    assert asked == [(("inputs.colour",), SCOPE)]


@st.composite
def half_known(draw: st.DrawFn) -> tuple[Scope, Mapping[str, Any]]:
    """Draw what was there, and the same with masks for some of it."""

    def hide(value: Any) -> Any:  # noqa: ANN401 - data, then data with masks in it
        if draw(st.integers(0, 4)) == 0:
            return Mask("string")
        if isinstance(value, dict):
            return {key: hide(item) for key, item in value.items()}
        return [hide(item) for item in value] if isinstance(value, list | tuple) else value

    roots = st.sampled_from(["a", "user", "request"])
    scope = draw(st.dictionaries(roots, st.dictionaries(NAMES, DATA, max_size=4) | DATA))
    return scope, {root: hide(value) for root, value in scope.items()}


@given(EXPRESSIONS, half_known())
def test_no_expression_comes_to_anything_but_what_it_came_to(
    tree: Expr, scopes: tuple[Scope, Mapping[str, Any]]
) -> None:
    known, masked = scopes
    stopped: list[tuple[str, ...]] = []

    def otherwise(needs: tuple[str, ...], _scope: Scope) -> Value:
        stopped.append(needs)
        return None

    value = Guarded(tree, otherwise).evaluate(masked)
    assert all(stopped) if stopped else value == Expression(tree).evaluate(known)


@given(EXPRESSIONS, half_known())
def test_any_expression_can_be_explained_whatever_is_masked(
    tree: Expr, scopes: tuple[Scope, Mapping[str, Any]]
) -> None:
    shown = explained("config.condition", Expression(tree), scopes[1])
    assert "Mask" not in repr(shown)
    assert shown.value == shown.parts[0].value


def test_what_is_read_is_told_or_what_is_in_the_way_of_it() -> None:
    expression = Expression(parse("inputs.colour.x === user.role && facts.mark in nobody.there"))
    found = readings(expression, SCOPE)
    assert same(found, [TYPED, SCOPE["user"], "red", MISSING])


def test_an_explanation_says_what_was_not_kept_and_what_hangs_on_it() -> None:
    text = '[inputs.colour === "red", user.role, inputs, facts.list]'
    shown = explained("policies[0].expression", Expression(parse(text)), SCOPE)
    masked, unknown = {"masked": "input"}, {"unknown": True}
    assert (shown.path, shown.text) == ("policies[0].expression", text)
    assert {part.text: part.value for part in shown.parts} == {
        text: unknown,
        'inputs.colour === "red"': unknown,
        "inputs.colour": masked,
        '"red"': "red",
        "inputs": {"colour": masked, "size": 3},
        "user.role": unknown,
        "user": unknown,
        "facts.list": [1, masked],
        "facts": {"mark": "red", "list": [1, masked]},
    }


def test_a_fault_that_hangs_on_no_mask_is_shown_as_such_and_so_is_data_that_looks_like_one() -> (
    None
):
    data: Mapping[str, Any] = {"facts": {"fault": "reads something", "masked": "input"}}
    shown = explained("config.condition", Expression(parse("facts.x.y ?? facts")), data)
    assert shown.value == data["facts"]
    shown = explained("config.condition", Expression(parse("facts.fault && true")), data)
    assert shown.value == {"fault": "`&&` needs a boolean, not a string"}
