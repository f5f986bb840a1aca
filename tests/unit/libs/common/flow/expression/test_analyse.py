import pytest
from hypothesis import given, settings

from libs.common.flow.expression.analyse import Finding, check, paths, roots
from libs.common.flow.expression.parse import parse
from libs.common.flow.expression.schema import SCHEMA
from libs.common.flow.expression.tree import Expr
from tests.unit.libs.common.flow.expression.strategies import EXPRESSIONS


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("true", []),
        ("user", ["user"]),
        ("user.mfa_enabled", ["user.mfa_enabled"]),
        ("user.a && user.b || user.a", ["user.a", "user.b"]),
        ('user["a"].b', ["user.a.b"]),
        ("user.roles[0].name", ["user.roles"]),
        ("user.roles[facts.at]", ["user.roles", "facts.at"]),
        ("(user.a ?? facts.b).c", ["user.a", "facts.b"]),
        ("has(user.a) ? [inputs.b] : !flow.type", ["user.a", "inputs.b", "flow.type"]),
        ("daysSince(user.last_login) > 90", ["user.last_login", "request.time"]),
    ],
)
def test_paths_are_what_an_expression_reads(text: str, expected: list[str]) -> None:
    assert [".".join(path) for path in paths(parse(text))] == expected


def test_roots_are_where_the_paths_start() -> None:
    assert roots(parse("user.a && daysSince(facts.b) > 1")) == {"user", "facts", "request"}
    assert roots(parse("true")) == frozenset()


@pytest.mark.parametrize(
    "text",
    [
        "user.mfa_enabled ?? true",
        "user.own.attribute[0].deep > 3 && facts.x",
        "user.email === null || null !== user.logins_count",
        'user.roles[0] === "a" && user["email"] === "b"',
        "user[facts.name] && facts.list[facts.at]",
        '"admin" in user.roles || "a" in facts',
        "user.email in [null, inputs.email]",
        'inputs.age in ["17", "18"]',
        "(user.blocked ? user.email : user.name) === 'x'",
        "(user.blocked ? user.email : 1) === 1",
        "(user.email ?? user.name) < 'x'",
        "(null ?? 1) === 1",
        "size(user.email) > number(inputs.least)",
        "has(user.email) && daysSince(user.last_login) > 90.5",
        "inputs.anything.at_all",
        "null.x",
        "(facts ?? user).x",
    ],
)
def test_what_can_be_right_has_no_findings(text: str) -> None:
    assert check(parse(text), SCHEMA) == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("users.email", "there is no `users`; an expression reads `user`, `client`"),
        ("user.email.length", "`.length` needs a map or null; `user.email` is a string"),
        ("user.email[0]", "`[…]` needs a list or a map or null; `user.email` is a string"),
        ("user.roles[facts]", "`[…]` on a list needs a number; `facts` is a map"),
        ("user[0]", "`[…]` on a map needs a string; `0` is a number"),
        ("facts.x[true]", "`[…]` needs a number or a string; `true` is a boolean"),
        ("!user.email", "`!` needs a boolean; `user.email` is a string"),
        ("user.email && true", "`&&` needs a boolean; `user.email` is a string"),
        ("true || null", "`||` needs a boolean; `null` is null"),
        ("user.roles ? 1 : 2", "`?` needs a boolean; `user.roles` is a list"),
        (
            'user.logins_count === "1"',
            '`===` compares `user.logins_count`, a number, with `"1"`, a string',
        ),
        (
            "user.email_verified !== 0",
            "`!==` compares `user.email_verified`, a boolean, with `0`, a number",
        ),
        ("user.mfa_enabled < 1", "`<` needs a number or a string; `user.mfa_enabled` is a boolean"),
        ("user.email < 1", "`<` compares `user.email`, a string, with `1`, a number"),
        ('"a" in user.email', "the right of `in` needs a list or a map; `user.email` is a string"),
        ("1 in user", "`in` on a map needs a string; `1` is a number"),
        ('user.email in ["a", 1]', "`in` compares `user.email`, a string, with `1`, a number"),
        ("lower(user.roles)", "`lower` needs a string; `user.roles` is a list"),
        ("size(1) > 0", "`size` needs a string or a list or a map; `1` is a number"),
        ("[!1]", "`!` needs a boolean; `1` is a number"),
        ("has(users.x)", "there is no `users`"),
        ("(user.blocked ? 1 : 2) === 'x'", "compares `user.blocked ? 1 : 2`, a number"),
    ],
)
def test_what_cannot_be_right_is_an_error(text: str, message: str) -> None:
    findings = check(parse(text), SCHEMA)
    assert (findings[0].severity, findings[0].code) == ("error", "invalid_expression")
    assert message in findings[0].message


def test_an_unknown_attribute_of_a_closed_map_is_a_warning() -> None:
    assert check(parse("request.ipp === 'x'"), SCHEMA) == [
        Finding(
            "warning",
            "unknown_attribute",
            "`request.ipp` is not known; `request` has `time`, `ip`, `user_agent`, `language`",
        )
    ]


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("user.mfa_enabld", "user.mfa_enabled"),
        ("user.emailVerified ?? false", "user.email_verified"),
        ('user["emial"] === null', "user.email"),
    ],
)
def test_what_looks_like_a_misspelt_attribute_of_an_open_map_is_a_warning(
    text: str, meant: str
) -> None:
    (finding,) = check(parse(text), SCHEMA)
    assert (finding.severity, finding.code) == ("warning", "unknown_attribute")
    assert finding.message.endswith(f"is not known; did you mean `{meant}`?")


def test_a_whole_of_another_kind_than_wanted_is_an_error() -> None:
    assert check(parse("user.email"), SCHEMA, "boolean") == [
        Finding(
            "error",
            "invalid_expression",
            "this place needs a boolean; `user.email` is a string",
        )
    ]
    assert check(parse("user.email"), SCHEMA, "string") == []
    assert check(parse("facts.x"), SCHEMA, "boolean") == []


def test_all_findings_come_at_once_and_each_once() -> None:
    findings = check(parse("!user.email || client.x || !user.email || usr.x"), SCHEMA)
    assert [each.severity for each in findings] == ["error", "warning", "error"]


@settings(max_examples=100)
@given(EXPRESSIONS)
def test_any_expression_can_be_checked(expr: Expr) -> None:
    assert {path[0] for path in paths(expr)} == roots(expr)
    unknown = roots(expr) - set(SCHEMA)
    messages = " ".join(finding.message for finding in check(expr, SCHEMA))
    assert all(f"there is no `{root}`" in messages for root in unknown)
