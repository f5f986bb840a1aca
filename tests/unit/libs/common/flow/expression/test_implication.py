import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from libs.common.flow.expression.compile import compile_expression
from libs.common.flow.expression.implication import decide, implied
from libs.common.flow.expression.parse import parse
from libs.common.flow.expression.text import to_text
from libs.common.flow.expression.tree import (
    Binary,
    Choice,
    Constant,
    Expr,
    Items,
    Member,
    Not,
    Root,
)
from libs.common.flow.expression.values import Scope, truth
from tests.unit.libs.common.flow.expression.strategies import EXPRESSIONS, SCOPES


def implied_texts(text: str, value: bool) -> list[tuple[str, bool]]:
    return [(to_text(expr), came_to) for expr, came_to in implied(parse(text), value)]


def known(*conditions: str) -> dict[Expr, bool]:
    """What is known once each of `conditions` came to true; one after `!` came to false."""
    return {pair[0]: pair[1] for text in conditions for pair in implied(parse(text), True)}


@pytest.mark.parametrize(
    ("text", "value", "others"),
    [
        ("a", True, []),
        ("a", False, []),
        ("!a", True, [("a", False)]),
        ("!!a", False, [("!a", True), ("a", False)]),
        ("a && !b", True, [("a", True), ("!b", True), ("b", False)]),
        ("a && b", False, []),
        ("a || !b", False, [("a", False), ("!b", False), ("b", True)]),
        ("a || b", True, []),
        ("a === 1", True, []),
        ("a !== 1", True, [("a === 1", False)]),
        ("a !== 1", False, [("a === 1", True)]),
        ("a in [1, b]", False, [("a === 1", False), ("a === b", False)]),
        ("a in [1, b]", True, []),
        ("a in b", False, []),
        ("a ?? true", True, []),
        ("a ? b : c", True, []),
        ("has(a.b)", True, []),
    ],
)
def test_a_truth_implies_what_it_must_and_no_more(
    text: str, value: bool, others: list[tuple[str, bool]]
) -> None:
    assert implied_texts(text, value) == [(text, value), *others]


@pytest.mark.parametrize(
    ("conditions", "text", "decided"),
    [
        (["a"], "a", True),
        (["!a"], "a", False),
        (["!a"], "!a", True),
        (["a"], "!a", False),
        (["a && b"], "b && a", True),
        (["a"], "a && b", None),
        (["!a"], "a && b", False),
        (["!b"], "a && b", False),
        (["a"], "a || b", True),
        (["b"], "a || b", True),
        (["!a"], "a || b", None),
        (["!(a || b)"], "a || b || c", None),
        (["!(a || b)", "!c"], "a || b || c", False),
        (["!(a && b)"], "a", None),
        (["a"], "a === true", True),
        (["a"], "a === false", False),
        (["a === false"], "a", False),
        (['a === "x"'], 'a === "x"', True),
        (['a === "x"'], 'a === "y"', False),
        (['a === "x"'], '"y" === a', False),
        (['"x" === a'], 'a !== "y"', True),
        (['a === "x"'], '"x" === a', True),
        (['a !== "x"'], 'a === "x"', False),
        (['a !== "x"'], '"x" === a', False),
        (['!(a !== "x")'], 'a === "y"', False),
        (['a !== "x"'], 'a === "y"', None),
        (["a === null"], 'a === "x"', False),
        (['a === "x"'], "a === null", False),
        (['a === "x"'], "a === 1", None),
        (["a === 1"], "a === true", None),
        (["a === 1"], "a === 1.0", True),
        (["a === 3"], "a > 2", True),
        (["a === 3"], '"x" > a', None),
        (['a === "x"'], 'a in ["x", "y"]', True),
        (['a === "x"'], 'a in ["y", "z"]', False),
        (['a === "x"'], 'a in ["y", b]', None),
        (['a === "x"'], 'a in [b, "x"]', None),
        (['a === "x"', "a === b"], 'a in [b, "x"]', True),
        (['a === "x"'], "a in []", False),
        (['a !== "x"', 'a !== "y"'], 'a in ["x", "y"]', False),
        (['!(a in ["x", "y"])'], 'a === "x"', False),
        (['a in ["x"]'], 'a === "x"', None),
        (["a === b", "b === 1"], "a === 2", None),
        (["a"], "a ?? b", None),
        (["a ?? b"], "a", None),
        (["a ?? b"], "a ?? b", True),
        (["a"], "has(a)", None),
        (["a"], "a ? true : true", None),
        (["a"], "b", None),
        ([], "true", True),
        ([], "1", None),
        ([], "true || a", True),
        ([], "a in []", None),
        (["size(a) === 2"], "size(a) >= 2", True),
        (["user.role === 'admin'"], "user.role !== 'admin'", False),
    ],
)
def test_what_is_known_decides_what_it_must_and_no_more(
    conditions: list[str], text: str, decided: bool | None
) -> None:
    assert decide(parse(text), known(*conditions)) is decided


def test_one_and_true_are_not_taken_for_one_another() -> None:
    assert decide(parse("(a ?? true) !== null"), known("(a ?? 1) === null")) is None


# Few attributes and literals, so that conditions often speak of the same thing.
ATTRIBUTES = st.sampled_from(["x", "y"]).map(lambda name: Member(Root("a"), name))
LITERALS = st.sampled_from([True, False, None, 0, 1, 1.0, "s", "t"])
OPERANDS = st.one_of(
    ATTRIBUTES,
    LITERALS.map(Constant),
    st.builds(Binary, st.just("??"), ATTRIBUTES, LITERALS.map(Constant)),
)
CONDITIONS = st.recursive(
    st.one_of(
        ATTRIBUTES,
        st.builds(Constant, st.booleans()),
        st.builds(Binary, st.sampled_from(["===", "!==", "<", ">="]), OPERANDS, OPERANDS),
        st.builds(
            Binary, st.just("in"), OPERANDS, st.lists(OPERANDS, max_size=3).map(tuple).map(Items)
        ),
    ),
    lambda inner: st.one_of(
        st.builds(Not, inner),
        st.builds(Binary, st.sampled_from(["&&", "||", "??"]), inner, inner),
        st.builds(Choice, inner, inner, inner),
    ),
    max_leaves=6,
)
SHARED_SCOPES = st.fixed_dictionaries(
    {
        "a": st.dictionaries(
            st.sampled_from(["x", "y"]), LITERALS | st.sampled_from([[1], float("nan")])
        )
    }
)


def come_to(expr: Expr, scope: Scope) -> bool | None:
    return truth(compile_expression(expr)(scope))


def truths(expr: Expr, scope: Scope) -> tuple[tuple[Expr, bool], ...]:
    value = come_to(expr, scope)
    return () if value is None else implied(expr, value)


@settings(max_examples=300)
@given(EXPRESSIONS | CONDITIONS, SCOPES | SHARED_SCOPES)
def test_what_is_implied_is_so(expr: Expr, scope: Scope) -> None:
    for each, value in truths(expr, scope):
        assert come_to(each, scope) is value


@settings(max_examples=1_000)
@given(st.lists(CONDITIONS, min_size=1, max_size=4), CONDITIONS, SHARED_SCOPES)
def test_what_is_decided_comes_to_just_that(
    conditions: list[Expr], expr: Expr, scope: Scope
) -> None:
    known = dict(pair for each in conditions for pair in truths(each, scope))
    decided = decide(expr, known)
    assert decided is None or come_to(expr, scope) is decided
