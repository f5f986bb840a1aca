"""Nothing that an author writes, on any data, takes more than a bounded number of steps.

The bounds are for the whole: so many steps a character to read, so many a node and each level
below it to check (messages quote what is below), so many a node and each item of data to run.
They leave room for the most costly node there is, and none for what grows with an exponent.
"""

import itertools
import sys
from typing import Final

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from libs.common.flow.expression.analyse import check, paths
from libs.common.flow.expression.compile import compile_expression
from libs.common.flow.expression.functions import FUNCTIONS
from libs.common.flow.expression.implication import decide, implied
from libs.common.flow.expression.parse import MAX_CHARACTERS, parse
from libs.common.flow.expression.schema import SCHEMA
from libs.common.flow.expression.text import to_text
from libs.common.flow.expression.tokens import ExpressionError
from libs.common.flow.expression.trace import trace
from libs.common.flow.expression.tree import Choice, Constant, Expr, Member, Root, children
from libs.common.flow.expression.values import Fault, Json, Scope
from tests.unit.libs.common.flow.expression.steps import steps
from tests.unit.libs.common.flow.expression.strategies import EXPRESSIONS, SCOPES

A_CHARACTER: Final = 30
A_LEVEL: Final = 20
A_NAME: Final = 600
"""An attribute that nobody knows is compared with each that is known."""
A_NODE: Final = 20
AN_ITEM: Final = 30
GROWTH: Final = 3
"""How much longer a text can become, by a change of its case."""
LONGEST_REASON: Final = 2 * MAX_CHARACTERS


def nodes(expr: Expr) -> int:
    return 1 + sum(map(nodes, children(expr)))


def depth(expr: Expr) -> int:
    return 1 + max(map(depth, children(expr)), default=0)


def size(value: object) -> int:
    """Characters, items and attributes, at all levels."""
    match value:
        case str():
            return 1 + len(value)
        case list() | tuple():
            return 1 + sum(map(size, value))
        case dict():
            return 1 + sum(size(key) + size(each) for key, each in value.items())
        case _:
            return 1


def most(expr: Expr, scope: Scope) -> int:
    """The steps that `expr` may take: each node may go through all data that it can see once."""
    return nodes(expr) * (A_NODE + AN_ITEM * (size(scope) + size(to_text(expr))))


def within_bounds(expr: Expr, scope: Scope) -> bool:
    return steps(lambda: compile_expression(expr)(scope)) <= most(expr, scope)


def parsed(text: str) -> Expr | None:
    try:
        return parse(text)
    except ExpressionError:
        return None


PIECES: Final = st.sampled_from(
    [
        *("a", "user", ".b", "?.", "[", "]", "(", ")", "!", "&&", "||", "??", "===", "<", "in"),
        *("?", ":", ",", "1", "-2.5", "'x'", '"', "'", "\\", "true", "null", "has(", "size(", "é"),
        *("\ud800", "\x00", "\u2028", "9" * 40, "1e", " ", "\n"),
    ]
)
TEXTS: Final = st.one_of(
    st.text(),
    st.lists(PIECES).map("".join),
    # The same again and again is how one nests deeply, or runs into a bound.
    st.builds(
        lambda pieces, times: ("".join(pieces) * times)[:MAX_CHARACTERS],
        st.lists(PIECES, min_size=1, max_size=4),
        st.integers(1, MAX_CHARACTERS),
    ),
    # Anything that a socket may bring, read the one way or the other.
    st.binary().map(lambda data: data.decode("latin-1")),
    st.binary().map(lambda data: data.decode("utf-8", "surrogateescape")),
)


@settings(max_examples=300)
@given(TEXTS)
def test_reading_takes_bounded_steps_for_each_character(text: str) -> None:
    assert steps(lambda: parsed(text)) <= A_CHARACTER * (len(text) + 1)


@settings(max_examples=300)
@given(EXPRESSIONS, SCOPES)
def test_running_takes_bounded_steps_for_each_node_and_item(expr: Expr, scope: Scope) -> None:
    assert within_bounds(expr, scope)


def names(expr: Expr) -> int:
    """The attributes that are asked for by name, of whatever they are asked."""
    return isinstance(expr, Member) + sum(map(names, children(expr)))


def enough_to_look_at(expr: Expr) -> int:
    return A_LEVEL * nodes(expr) * (1 + depth(expr)) + A_NAME * names(expr)


@settings(max_examples=200)
@given(EXPRESSIONS)
@example(Member(Choice(Constant(None), Root("user"), Root("user")), "two words"))
def test_looking_at_a_tree_takes_bounded_steps_for_each_node(expr: Expr) -> None:
    assert steps(lambda: looked_at(expr)) <= enough_to_look_at(expr)


def looked_at(expr: Expr) -> None:
    paths(expr)
    check(expr, SCHEMA)
    decide(expr, dict(implied(expr, value=True)))


def filled(template: str, part: str, least: int = 1) -> Expr:
    """The largest tree there may be of `template` in itself."""
    text = part
    best: Expr | None = None
    while (tree := parsed(text)) is not None:
        best, text = tree, template.replace("@", text)
    assert best is not None
    assert nodes(best) > least
    return best


@pytest.mark.parametrize(
    "template",
    [
        "(@) in [1, 2, 3, 4, 5, 6]",
        "true in [@]",
        "(@) in [@]",
        "[@] === [@]",
        "(@) ?? (@)",
        "(@) ? (@) : (@)",
        "!(@)",
        "(@).b",
        "a[@]",
        "lower(@)",
        "has(a[@])",
        "(@) === (@)",
        "(@) && (@)",
    ],
)
def test_the_largest_tree_of_its_kind_is_looked_at_and_run_within_the_bounds(template: str) -> None:
    tree = filled(template, "a.b")
    assert steps(lambda: looked_at(tree)) <= enough_to_look_at(tree)
    assert within_bounds(tree, {"a": {"b": True}})


def data(count: int) -> Scope:
    names: list[Json] = [f"name{index}" for index in range(count)]
    return {
        "a": {
            "names": names,
            "nested": [[index, [index]] for index in range(count)],
            "map": {str(index): index for index in range(count)},
            "text": "ab" * count,
            "domains": [f"*.{index}.example.com" for index in range(count)],
            "ranges": [f"10.{index % 256}.0.0/16" for index in range(count)],
            "deep": deep(count),
        }
    }


def deep(levels: int) -> Json:
    value: Json = []
    for _ in range(levels):
        value = [value]
    return value


HEAVY: Final = [
    "a.names === a.names",
    "a.nested === a.nested",
    "a.nested in a.nested",
    '"nobody" in a.names',
    "a.map === a.map",
    "a.deep === a.deep",
    "[a.names, a.names, a.names] === [a.names, a.names, a.names]",
    "a.names in [a.nested, a.names, [], a.names]",
    "containsAll(a.names, a.names)",
    "containsAny(a.names, a.domains)",
    'matchesDomain("ada@example.com", a.domains)',
    'inCidr("192.168.0.1", a.ranges)',
    "inCidr(a.text, a.ranges)",
    "upper(lower(upper(a.text))) === a.text",
    "contains(a.text, a.text)",
    "size(a.map) === size(a.names)",
    "number(a.text)",
]


@pytest.mark.parametrize("text", HEAVY)
def test_steps_grow_no_faster_than_the_data(text: str) -> None:
    run = compile_expression(parse(text))
    little, much = data(100), data(400)
    assert steps(lambda: run(much)) <= 4 * steps(lambda: run(little))
    assert within_bounds(parse(text), much)


class Counted(str):
    """A text that tells how often it is compared."""

    __slots__ = ()
    compared = 0

    def __eq__(self, other: object) -> bool:
        Counted.compared += 1
        return str.__eq__(self, other)

    __hash__ = str.__hash__


@pytest.mark.parametrize("name", ["containsAny", "containsAll"])
def test_lists_of_texts_are_not_compared_each_with_each(name: str) -> None:
    items = [Counted(f"item{index}") for index in range(200)]
    for wanted in (reversed(items), [f"other{index}" for index in range(200)]):
        Counted.compared = 0
        FUNCTIONS[name].run(items, [Counted(each) for each in wanted])
        assert Counted.compared <= 2 * len(items)


@settings(max_examples=200)
@given(EXPRESSIONS, SCOPES)
def test_no_value_on_the_way_is_larger_than_what_it_is_made_of(expr: Expr, scope: Scope) -> None:
    made_of = nodes(expr) * (size(scope) + size(to_text(expr)))
    for part in trace(expr, scope):
        assert not isinstance(part.value, Fault) or len(part.value.reason) <= LONGEST_REASON
        assert size(part.value) <= GROWTH * made_of


def test_a_change_of_case_makes_a_text_three_times_as_long_at_most() -> None:
    characters = map(chr, range(sys.maxunicode + 1))
    growing = [each for each in characters if len(each.upper()) + len(each.lower()) > 2]
    assert growing
    for changes in itertools.product((str.upper, str.lower), repeat=4):
        for text in growing:
            for change in changes:
                text = change(text)  # noqa: PLW2901 - each change is of what the one before gave
            assert len(text) <= GROWTH
