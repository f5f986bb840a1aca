import pytest
from hypothesis import given, settings

from libs.common.flow.expression.compile import compile_expression
from libs.common.flow.expression.parse import parse
from libs.common.flow.expression.trace import trace
from libs.common.flow.expression.tree import Expr
from libs.common.flow.expression.values import MISSING, Fault, Scope, Value
from tests.unit.libs.common.flow.expression.evaluator import FAULT, evaluate
from tests.unit.libs.common.flow.expression.strategies import EXPRESSIONS, SCOPES

USER: Scope = {
    "user": {
        "email": "ada@example.com",
        "email_verified": False,
        "logins_count": 1,
        "roles": ["staff"],
        "null": None,
    }
}


def run(text: str, scope: Scope = USER) -> Value:
    return compile_expression(parse(text))(scope)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("user.email_verified === false && user.logins_count === 1", True),
        ("user.email_verified === true || user.logins_count > 3", False),
        ("user.email_verified || user.logins_count === 1", True),
        ('user.email === "ada@example.com"', True),
        ('"staff" in user.roles', True),
        ('user.email in ["bob@example.com", "ada@example.com"]', True),
        ("[user.logins_count, 2]", (1, 2)),
        ("user.roles[0]", "staff"),
        ("!user.email_verified", True),
        ("user.email_verified ? 1 : 2", 2),
        ("user.logins_count === 1 ? 1 : 2", 1),
        ("user.nickname ?? user.null ?? user.email", "ada@example.com"),
        ("user.email ?? 1", "ada@example.com"),
        ('matchesDomain(user.email, "example.com")', True),
        ("null", None),
    ],
)
def test_an_expression_comes_to_its_value(text: str, value: Value) -> None:
    assert run(text) == value


@pytest.mark.parametrize(
    "text",
    [
        "user.mfa_enabled",
        "!user.mfa_enabled",
        "user.mfa_enabled === true",
        "user.mfa_enabled === false",
        "user.mfa_enabled !== true",
        "user.mfa_enabled === null",
        "user.mfa_enabled && true",
        "user.mfa_enabled || false",
        "user.mfa_enabled ? true : false",
        "user.mfa_enabled in [true]",
        "user.mfa.enabled",
        "user.null.enabled",
        "user.roles[1]",
        "stats",
        "stats.logins_count > 3",
        "daysSince(user.logins_count) > 90",
    ],
)
def test_what_is_missing_never_reads_as_false(text: str) -> None:
    assert run(text) is MISSING


@pytest.mark.parametrize(
    "text",
    [
        'user.logins_count === "1"',
        'user.logins_count !== "1"',
        "user.email_verified === 0",
        'user.logins_count < "2"',
        "user.logins_count && true",
        "user.email.domain ?? true",
        "user.email ? true : false",
        "!user.email",
    ],
)
def test_what_compares_unlike_things_never_reads_as_false(text: str) -> None:
    assert isinstance(run(text), Fault)


@pytest.mark.parametrize("name", ["__class__", "__dict__", "keys", "items"])
def test_nothing_but_data_can_be_read(name: str) -> None:
    assert run(f"user.{name}") is MISSING
    assert run(f'user["{name}"]') is MISSING
    assert isinstance(run(f"user.email.{name}"), Fault)


def test_one_function_serves_many_scopes() -> None:
    evaluate = compile_expression(parse("user.mfa_enabled && [true][0]"))
    assert [evaluate({"user": {"mfa_enabled": each}}) for each in (True, False)] == [True, False]
    assert evaluate({}) is MISSING


def exact(value: Value) -> object:
    """`value` with its types, since `True == 1` in Python; NaN as something equal to itself."""
    if isinstance(value, list | tuple):
        return [type(value), *map(exact, value)]
    return (type(value), repr(value))


@settings(max_examples=200)
@given(EXPRESSIONS, SCOPES)
def test_the_closures_agree_with_the_trace(expr: Expr, scope: Scope) -> None:
    assert exact(compile_expression(expr)(scope)) == exact(trace(expr, scope)[0].value)


@settings(max_examples=500)
@given(EXPRESSIONS, SCOPES)
def test_the_closures_agree_with_a_plain_walk_of_the_tree(expr: Expr, scope: Scope) -> None:
    value = compile_expression(expr)(scope)
    found = FAULT if isinstance(value, Fault) else value
    assert exact(found) == exact(evaluate(expr, scope))
