"""Trees and scopes for the property tests."""

from typing import Final

from hypothesis import strategies as st

from libs.common.flow.expression.functions import FUNCTIONS
from libs.common.flow.expression.grammar import BINDING
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

# Few names and small values, so that expressions often find what they read.
NAMES: Final = st.sampled_from(["a", "b", "in", "two words"])
SCALARS: Final = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 2),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(["", "a", "b", "a@b", "10.0.0.1", "10.0.0.0/8", "12"]),
    st.text(max_size=5),
)
ROOTS: Final = st.sampled_from(["a", "user", "request", "nobody"]).map(Root)
ATTRIBUTES: Final = st.builds(Member, ROOTS, NAMES)


def indexed(of: Expr, at: Expr) -> Expr:
    """`of[at]`, as the parser reads it."""
    if isinstance(at, Constant) and isinstance(at.value, str):
        return Member(of, at.value)
    return Index(of, at)


def calls(arguments: st.SearchStrategy[Expr]) -> st.SearchStrategy[Expr]:
    def of(name: str) -> st.SearchStrategy[Expr]:
        each = [ATTRIBUTES if p.path else arguments for p in FUNCTIONS[name].parameters]
        return st.builds(Call, st.just(name), st.tuples(*each))

    return st.sampled_from(sorted(FUNCTIONS)).flatmap(of)


def larger(expr: st.SearchStrategy[Expr]) -> st.SearchStrategy[Expr]:
    return st.one_of(
        st.builds(Member, expr, NAMES),
        st.builds(indexed, expr, expr),
        st.builds(Not, expr),
        st.builds(Binary, st.sampled_from(sorted(BINDING)), expr, expr),
        st.builds(Choice, expr, expr, expr),
        st.builds(Items, st.lists(expr, max_size=3).map(tuple)),
        calls(expr),
    )


EXPRESSIONS: Final[st.SearchStrategy[Expr]] = st.recursive(
    st.one_of(st.builds(Constant, SCALARS), ROOTS, ATTRIBUTES), larger, max_leaves=15
)
"""Any tree that the parser can give."""

DATA: Final = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.lists(inner, max_size=3).map(tuple),
        st.dictionaries(NAMES, inner, max_size=3),
    ),
    max_leaves=6,
)
FOREIGN_DATA: Final = st.sampled_from([b"bytes", float("nan"), float("inf"), 10**400, {1: 2}, {2}])
SCOPES: Final = st.dictionaries(
    st.sampled_from(["a", "user", "request"]),
    st.dictionaries(NAMES | st.just("time"), DATA | FOREIGN_DATA, max_size=4) | DATA,
)
