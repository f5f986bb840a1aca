"""What the language shares with the Common Expression Language means the same in both.

Each expression is written out anew for the other one, with parentheses everywhere, so that the
printer is not believed either.
"""

import json
from typing import Final

import cel
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from libs.common.flow.expression.compile import compile_expression
from libs.common.flow.expression.parse import parse
from libs.common.flow.expression.tree import (
    Binary,
    Call,
    Choice,
    Constant,
    Expr,
    Index,
    Items,
    Member,
    Not,
    Root,
)
from libs.common.flow.expression.values import Json, Scope, Value, unusable

NO_VALUE: Final = "no value"
"""Missing and a fault here, an error there: neither grants anything."""

SPELLING: Final = {"===": "==", "!==": "!="}


def translated(expr: Expr) -> str:
    match expr:
        case Constant(value=value):
            return json.dumps(value, ensure_ascii=False)
        case Root(name=name):
            return name
        case Member(of=of, name=name):
            place = f".{name}" if name.isidentifier() else f"[{json.dumps(name)}]"
            return f"{translated(of)}{place}"
        case Index(of=of, at=at):
            return f"({translated(of)})[{translated(at)}]"
        case Not(operand=operand):
            return f"!({translated(operand)})"
        case Binary(operator=operator, left=left, right=right):
            return f"({translated(left)}) {SPELLING.get(operator, operator)} ({translated(right)})"
        case Choice():
            parts = (expr.condition, expr.then, expr.otherwise)
            return "({}) ? ({}) : ({})".format(*map(translated, parts))
        case Items(items=items):
            return f"[{', '.join(map(translated, items))}]"
        case Call(function="has" | "size" as name, arguments=arguments):
            return f"{name}({translated(arguments[0])})"
        case Call(function=name, arguments=arguments):
            text, sought = map(translated, arguments)
            return f"({text}).{name}({sought})"


def there(text: str, scope: Scope) -> object:
    try:
        return cel.evaluate(text, dict(scope))
    except (KeyError, IndexError, TypeError):
        return NO_VALUE


def here(expr: Expr, scope: Scope) -> object:
    value: Value = compile_expression(expr)(scope)
    return NO_VALUE if unusable(value) is not None else value


def attribute(name: str) -> st.SearchStrategy[Expr]:
    return st.just(Member(Root("a"), name))


def exactly(*literals: Json) -> st.SearchStrategy[Expr]:
    return st.builds(Constant, st.sampled_from(literals))


def listed(of: st.SearchStrategy[Expr]) -> st.SearchStrategy[Expr]:
    return st.lists(of, max_size=3).map(tuple).map(Items)


TEXTS: Final = st.one_of(
    exactly("", "x", "xy", "é", "😀", "\uffff", 'a"\\\n'),
    attribute("text"),
    st.just(Member(Member(Root("a"), "map"), "two words")),
)
NUMBERS: Final = st.one_of(
    exactly(-2, -1, 0, 1, 2, -0.5, 1.0, 1e300),
    attribute("number"),
    st.just(Call("size", (Member(Root("a"), "list"),))),
    st.just(Call("size", (Member(Root("a"), "map"),))),
    st.builds(Index, attribute("list"), exactly(-1, 0, 1)),
)
LISTS: Final = st.one_of(attribute("list"), listed(NUMBERS))
ANYTHING: Final = st.one_of(TEXTS, NUMBERS, LISTS, attribute("map"), exactly(None, True, False))
"""For operators that are for some kinds only: on all else neither language has a value."""


def compared(of: st.SearchStrategy[Expr]) -> st.SearchStrategy[Expr]:
    """Equal kinds, or null: on others there is a difference, below."""
    equality = st.sampled_from(["===", "!=="])
    return st.one_of(
        st.builds(Binary, equality, of, of),
        st.builds(Binary, equality, of, exactly(None)),
        st.builds(Binary, st.just("in"), of, listed(of | exactly(None))),
    )


ORDERED: Final = TEXTS | NUMBERS | LISTS | exactly(None)
"""All but booleans, and no map: on booleans there is a difference, below."""

CONDITIONS: Final[st.SearchStrategy[Expr]] = st.recursive(
    st.one_of(
        exactly(True, False),
        attribute("flag"),
        st.builds(Call, st.just("has"), st.tuples(attribute("text") | attribute("map"))),
        st.builds(Binary, st.just("in"), TEXTS, attribute("map")),
        st.builds(Binary, st.sampled_from(["<", "<=", ">", ">="]), ORDERED, ORDERED),
        st.builds(
            Call,
            st.sampled_from(["startsWith", "endsWith", "contains"]),
            st.tuples(TEXTS, TEXTS),
        ),
        compared(TEXTS),
        compared(NUMBERS),
        compared(LISTS),
    ),
    lambda inner: st.one_of(
        st.builds(Not, inner | ANYTHING),
        st.builds(Binary, st.sampled_from(["&&", "||"]), inner | ANYTHING, inner | ANYTHING),
        st.builds(Choice, inner | ANYTHING, inner, inner),
        compared(inner),
    ),
    max_leaves=8,
)

SHARED_SCOPES: Final = st.fixed_dictionaries(
    {
        "a": st.fixed_dictionaries(
            {},
            optional={
                "flag": st.booleans() | st.none(),
                "number": st.integers(-2, 2) | st.sampled_from([0.5, 1.0]),
                "text": st.sampled_from(["", "x", "é", "😀"]),
                "list": st.lists(st.integers(0, 2), max_size=3),
                "map": st.dictionaries(st.just("two words"), st.sampled_from(["", "x"])),
            },
        )
    }
)


@settings(max_examples=1_000)
@given(CONDITIONS, SHARED_SCOPES)
def test_what_the_common_expression_language_shares_means_the_same_there(
    expr: Expr, scope: Scope
) -> None:
    assert here(expr, scope) == there(translated(expr), scope)


@settings(max_examples=300)
@given(ANYTHING, SHARED_SCOPES)
def test_a_value_is_the_same_there(expr: Expr, scope: Scope) -> None:
    value = here(expr, scope)
    assert (list(value) if isinstance(value, tuple) else value) == there(translated(expr), scope)


@pytest.mark.parametrize(
    ("text", "value", "other"),
    [
        # Whoever compares unlike kinds is wrong about one of them; there it is false.
        ('1 === "1"', NO_VALUE, False),
        ('1 in ["1"]', NO_VALUE, False),
        ("[1] === [true]", NO_VALUE, False),
        # Booleans have no order here.
        ("false < true", NO_VALUE, True),
        # Numbers are one kind here, so a whole one is an index.
        ("a.list[1.0]", 8, NO_VALUE),
        # Null holds nothing here; there it cannot be asked. The same for what is missing.
        ("has(a.nothing.x)", False, NO_VALUE),
        ("has(a.missing.x)", False, NO_VALUE),
        # Characters here and in its specification; that library counts bytes of UTF-8.
        ('size("é")', 1, 2),
    ],
)
def test_where_the_languages_differ_it_is_on_purpose(
    text: str, value: object, other: object
) -> None:
    scope: Scope = {"a": {"list": [7, 8], "map": {"x": 1}, "nothing": None}}
    assert (here(parse(text), scope), there(translated(parse(text)), scope)) == (value, other)
