import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from libs.common.flow.expression.parse import MAX_CHARACTERS, MAX_DEPTH, MAX_NODES, parse
from libs.common.flow.expression.tokens import ExpressionError
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

A, B, C = Root("a"), Root("b"), Root("c")


def refusal(text: str) -> ExpressionError:
    with pytest.raises(ExpressionError) as caught:
        parse(text)
    return caught.value


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("null", Constant(None)),
        ("true", Constant(True)),
        ("-1.5", Constant(-1.5)),
        ("'x'", Constant("x")),
        ("a", A),
        ("a.b", Member(A, "b")),
        ("a?.b", Member(A, "b")),
        ("a.in.true", Member(Member(A, "in"), "true")),
        ('a["b c"]', Member(A, "b c")),
        ('a?.["b"]', Member(A, "b")),
        ("a[0]", Index(A, Constant(0))),
        ("a[b.c]", Index(A, Member(B, "c"))),
        ("(a ?? b).c", Member(Binary("??", A, B), "c")),
        ("!a", Not(A)),
        ("!!a.b", Not(Not(Member(A, "b")))),
        ("[]", Items(())),
        ("[a, 1]", Items((A, Constant(1)))),
        ("lower(a)", Call("lower", (A,))),
        ("has(a.b[0].c)", Call("has", (Member(Index(Member(A, "b"), Constant(0)), "c"),))),
        ("a ? b : c", Choice(A, B, C)),
        ("((a))", A),
    ],
)
def test_each_form_has_its_tree(text: str, tree: Expr) -> None:
    assert parse(text) == tree


@pytest.mark.parametrize(
    ("text", "grouped"),
    [
        ("a && b && c", "(a && b) && c"),
        ("a || b && c", "a || (b && c)"),
        ("a && b || c", "(a && b) || c"),
        ("a ?? b ?? c", "(a ?? b) ?? c"),
        ("a ?? b === c", "a ?? (b === c)"),
        ("a && b === c", "a && (b === c)"),
        ("!a === b", "(!a) === b"),
        ("!a.b", "!(a.b)"),
        ("a in b || c", "(a in b) || c"),
        ("a ? b : c ? a : b", "a ? b : (c ? a : b)"),
        ("a || b ? b : c", "(a || b) ? b : c"),
        ("a == b", "a === b"),
        ("a != b", "a !== b"),
    ],
)
def test_operators_bind_as_in_javascript(text: str, grouped: str) -> None:
    assert parse(text) == parse(grouped)


def test_parentheses_change_what_binds() -> None:
    assert parse("a && (b || c)") == Binary("&&", A, Binary("||", B, C))
    assert parse("(a === b) === c") == Binary("===", Binary("===", A, B), C)
    assert parse("a ?? (b || c)") == Binary("??", A, Binary("||", B, C))


@pytest.mark.parametrize(
    ("text", "position", "advice"),
    [
        ("", 0, "is empty"),
        (" \n", 0, "is empty"),
        ("a b", 2, "expected an operator or the end, not `b`"),
        ("a)", 1, "expected an operator or the end, not `)`"),
        ("a &&", 4, "expected a value, but the expression ends here"),
        ("&& a", 0, "expected a value, not `&&`"),
        ("(a", 2, "expected `)`"),
        ("a[0", 3, "expected `]`"),
        ("[a b]", 3, "expected `,` or `]`, not `b`"),
        ("size(factors", 12, "expected `,` or `)`, but the expression ends here"),
        ("[a,]", 3, "expected a value"),
        ("a ? b", 5, "expected `:`"),
        ("a.", 2, "expected the name of an attribute"),
        ("a.1", 2, "expected the name of an attribute"),
        ('a."b"', 2, "expected the name of an attribute"),
        ("a and b", 2, "write `&&`"),
        ("a or b", 2, "write `||`"),
        ("not a", 0, "write `!`"),
        ("a === undefined", 6, "write `has(path)`"),
        ("in a", 0, "needs a value on its left"),
        ("a.b.endsWith('x')", 4, "write `endsWith(…)`"),
        ("eval('x')", 0, "there is no function `eval`; there are has, size"),
        ("size()", 0, "write `size(of: string or list or map)`"),
        ("size(a, b)", 0, "this has 2 arguments"),
        ("has(1)", 0, "attribute path"),
        ("has((a ?? b).c)", 0, "attribute path"),
        ("a ?? b || c", 7, "put parentheses"),
        ("a || b ?? c", 7, "put parentheses"),
        ("a && b ?? c", 7, "put parentheses"),
        ("a ?? b && c", 2, "put parentheses"),
        ("1 < a < 3", 6, "join two comparisons with `&&`"),
        ("9007199254740992", 0, "out of range"),
        ("01", 1, "not `1`"),
        ("'\\q'", 1, "not an escape"),
    ],
)
def test_a_mistake_is_shown_where_it_is_with_advice(text: str, position: int, advice: str) -> None:
    error = refusal(text)
    assert (error.position, advice in error.message) == (position, True), error.message


def test_a_text_may_be_so_long_and_no_longer() -> None:
    parse("a" + " " * (MAX_CHARACTERS - 1))
    error = refusal("a" + " " * MAX_CHARACTERS)
    assert error.message == "the expression has 2001 characters; at most 2000 are allowed"


def test_a_tree_may_have_so_many_nodes_and_no_more() -> None:
    items = ["1"] * (MAX_NODES - 1)
    parse(f"[{','.join(items)}]")
    assert "more than 200 parts" in refusal(f"[1,{','.join(items)}]").message


@pytest.mark.parametrize(
    ("start", "step", "end"),
    [
        ("", "!", "a"),
        ("a", ".b", ""),
        ("a", "[0]", ""),
        ("a", "&&a", ""),
        ("a", "??a", ""),
        ("", "a?1:", "a"),
    ],
)
def test_a_tree_may_be_so_deep_and_no_deeper(start: str, step: str, end: str) -> None:
    parse(start + step * (MAX_DEPTH - 1) + end)
    assert "nests deeper than 24" in refusal(start + step * MAX_DEPTH + end).message


@pytest.mark.parametrize(("opening", "closing"), [("(", ")"), ("[", "]"), ("size(", ")")])
def test_brackets_may_nest_so_deep_and_no_deeper(opening: str, closing: str) -> None:
    deepest = MAX_DEPTH - 1
    parse(opening * deepest + "a" + closing * deepest)
    error = refusal(opening * MAX_DEPTH + "a" + closing * MAX_DEPTH)
    assert "nests deeper than 24" in error.message


@pytest.mark.parametrize("piece", ["(", "[", "!", "a?", "a[", "a.", "size(", "-", "a&&", '"', "\\"])
def test_the_longest_of_bad_texts_is_only_an_error(piece: str) -> None:
    refusal((piece * MAX_CHARACTERS)[:MAX_CHARACTERS])


PIECES = st.sampled_from(
    [
        *("a", "user", ".", "?.", "[", "]", "(", ")", "!", "&&", "||", "??", "===", "<", "in"),
        *("?", ":", ",", "1", "-2.5", "'x'", '"y"', "true", "null", "has(", "size(", "&", "é"),
    ]
)


@settings(max_examples=200)
@given(st.text(max_size=80) | st.lists(PIECES, max_size=60).map(" ".join))
def test_any_text_is_a_tree_or_an_expression_error(text: str) -> None:
    position = 0
    try:
        parse(text)
    except ExpressionError as error:
        position = error.position
    assert 0 <= position <= len(text)
