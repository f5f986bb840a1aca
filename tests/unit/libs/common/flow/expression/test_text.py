import pytest
from hypothesis import assume, given, settings

from libs.common.flow.expression.parse import MAX_CHARACTERS, parse
from libs.common.flow.expression.text import to_text
from libs.common.flow.expression.tree import Expr
from tests.unit.libs.common.flow.expression.strategies import EXPRESSIONS


@pytest.mark.parametrize(
    "text",
    [
        "user.email_verified === false && user.logins_count === 1",
        "user.mfa_enabled",
        "user.mfa_enabled ?? true",
        "has(user.mfa_enabled)",
        "a || b && c",
        "(a || b) && c",
        "a && (b && c)",
        "(a ?? b) || c",
        "a ?? (b && c)",
        "(a || b) ?? c",
        "(a < b) === c",
        "a === (b in c)",
        "!(a && b)",
        "!!a",
        "!a.b",
        "(!a).b",
        "(a ? b : c).d",
        "(a ? b : c) ? a : b",
        "a ? b ? c : a : b ? c : a",
        "(a ? b : c) && a",
        "[a ? b : c, a ?? b]",
        'a["two words"].in[0][b]',
        '[null, true, -1, 1.0, "a\\n\\"b\\""]',
        "1.e5",
    ],
)
def test_an_expression_is_written_with_no_more_parentheses_than_it_needs(text: str) -> None:
    assert to_text(parse(text)) == text


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("((a))==('x')", 'a === "x"'),
        ("a?.b?.['c']", "a.b.c"),
        ("(a&&b)||(c!=1e2)", "a && b || c !== 100.0"),
        ("((a ? b : c))", "a ? b : c"),
    ],
)
def test_spellings_are_made_one(text: str, written: str) -> None:
    assert to_text(parse(text)) == written


@settings(max_examples=200)
@given(EXPRESSIONS)
def test_what_is_written_is_read_as_the_same_tree(expr: Expr) -> None:
    text = to_text(expr)
    assume(len(text) <= MAX_CHARACTERS)
    assert parse(text) == expr
