"""A policy of authentik's is translated exactly, or not at all."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.management.blueprints.python import (
    DEEPEST,
    LONGEST,
    MESSAGE,
    SSO,
    USER,
    Translation,
    constant,
    translate,
)
from services.management.blueprints.terms import Untranslatable
from tests.unit.services.management.blueprints.policy import (
    INPUTS,
    Case,
    by_python,
    by_translation,
)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("return True", "true"),
        ("return", "false"),
        ("# nothing is returned", "false"),
        ('"""Says why."""\npass\nreturn 1', "(1 !== 0)"),
        ("return 'x'", '("x" !== "")'),
        ("return [1, 2]", "(size([1, 2]) > 0)"),
        ("return None", "false"),
        ("return -1", "(-1 !== 0)"),
        ('return context.get("auth_method") != "app_password"', "true"),
        ('return request.context["auth_method"] == "token"', "false"),
        ("return 'x' not in context.get('prompt_data', {})", "!(has(inputs.x))"),
        ("return context.get('prompt_data')['plan'] == 'a'", '(inputs.plan === "a")'),
        ("return bool(request.context.get('is_restored', True))", "true"),
        ("return request.context.get('is_restored') is None", "(null === null)"),
        ("return ak_is_sso_flow", "false"),
        ("return context.get('is_sso', False)", "false"),
        ("return context.get('pending_user').email == 'a'", '(user.email === "a")'),
        ("return request.user.is_superuser", "(user.is_superuser ?? false)"),
        ("return request.user.email", '(user.email !== "")'),
        ("return ak_is_group_member(request.user, name='x')", '("x" in user.groups)'),
        ("return ak_client_ip in ip_network('::1/128')", 'inCidr(request.ip, "::1/128")'),
        (
            "return request.user.attributes['a'] == 1",
            "(user.attributes_a === 1)",
        ),
        (
            "return request.user.attributes.get('a', {}).get('b.c', '') == 'x'",
            '((user.attributes_a_b_c ?? "") === "x")',
        ),
        ("return 'a' in request.user.attributes", "has(user.attributes_a)"),
        (
            "return (context.get('prompt_data') or {}).get('plan')",
            '((inputs.plan ?? null) ?? "") !== ""',
        ),
        ("return len(request.context['prompt_data']['plan']) >= 3", "(size(inputs.plan) >= 3)"),
        ("return str(request.user.name).lower().strip()", '(trim(lower(user.name)) !== "")'),
        ("return 0 if ak_client_ip == 'x' else True", '((request.ip === "x") ? (0 !== 0) : true)'),
        (
            "u = request.user\nif u.is_superuser:\n  return True\nelif u.name == 'x':\n  return ''",
            '((user.is_superuser ?? false) ? true : ((user.name === "x") ? ("" !== "") : false))',
        ),
        (
            "mail = request.context['prompt_data']['email']\nreturn mail.endswith('@a') or True",
            '(has(inputs.email) ? (endsWith(inputs.email, "@a") || true) : inputs.email)',
        ),
        (
            "return context['prompt_data']['plan'] == 'a' or True",
            '(has(inputs.plan) ? ((inputs.plan === "a") || true) : inputs.plan)',
        ),
    ],
)  # fmt: skip
def test_what_can_be_said_is_said(source: str, expected: str) -> None:
    assert translate(source, INPUTS).text.strip("()") == expected.strip("()")


@pytest.mark.parametrize(
    "source",
    [
        "return hasattr(request.user, 'backend')",
        "return regex_match(request.user.email, '.*@x')",
        "import os\nreturn True",
        "for each in [1]:\n    return True",
        "request.context['prompt_data']['role'] = 'admin'\nreturn True",
        "context['flow_plan'].context['pending_user'] = None\nreturn True",
        "a, b = 1, 2\nreturn True",
        "x = 1\nif True:\n    x = 2\nreturn x == 1",
        "return request.context.get('flow_plan')",
        "return request.context['is_restored']",
        "return context.get('auth_method', 'token') == 'token'",
        "return context.get('auth_method') == 'password'",
        "return context.get('auth_method') in ['token']",
        "return context.get('auth_method') is None",
        "return context.get('prompt_data').get('plan')",
        "return context['prompt_data'].get('plan')",
        "return context.get('prompt_data')",
        "return context.get('other', {}).get('x')",
        "return request.context['prompt_data']['password'] == 'x'",
        "return 'password' in context.get('prompt_data', {})",
        "return request.context['prompt_data']['unknown']",
        "return request.user.attributes.get('a')",
        "return request.user.attributes",
        "return request.user.is_active",
        "return request.http_request.method == 'GET'",
        "return request.user == 1",
        "return request.user in [1]",
        "return 1 in request.user",
        "return request.user.email < 'b'",
        "return 1 < 2 < 3",
        "return request.user.email is request.user.name",
        "return request.user.email == 1",
        "return not_known",
        "return [request.user.email]",
        "return {'a': 1}",
        "return 1 + 1",
        "return -request.user.email",
        "return ~1",
        "return 1j",
        "return b'a' == b'a'",
        "return lambda: True",
        "return f'{request.user.email}'",
        "return request.user.email.split('@')",
        "return request.user.email.lower(1)",
        "return request.user.email.lower(x=1)",
        "return context.get('prompt_data', {}).get('plan').lower() == 'x'",
        "return context.get('prompt_data', {}).get('plan', request.user) == 1",
        "return context.get('prompt_data', {}).get('a', 1, 2) == 1",
        "return (request.user.email or 'x') == 'x'",
        "return (request.user or {}) == {}",
        "return (request.user.email if True else 'x') == 'x'",
        "return (context['prompt_data']['plan'] == 'a' if True else False) or True",
        "return (True and context['prompt_data']['plan'] == 'a') or True",
        "x = True and context['prompt_data']['plan'] == 'a'\nreturn x",
        "return ak_is_group_member(request.user)",
        "return ak_is_group_member(request.user, name=request.user)",
        "return (lambda: 1)()",
        "return request.user.attributes[0] == 1",
        "return 'a\\n' == 'b'",
        "return (",
        "return True\x00",
        "return " + "not " * (DEEPEST + 1) + "True",
        "return " + "(" * 500 + "1" + ")" * 500,
        "return " + " and ".join(["request.user.email == 'a'"] * 150),
        "x = 'a'\n" + "x = x == x\n" * 20 + "return x",
        "#" * (LONGEST + 1),
    ],
)
def test_what_cannot_be_said_is_refused_with_a_reason(source: str) -> None:
    with pytest.raises(Untranslatable) as refused:
        translate(source, INPUTS)
    assert str(refused.value)


def test_what_an_author_may_want_to_know_is_noted() -> None:
    source = (
        "if ak_is_sso_flow:\n    return True\nak_message('no')\nreturn request.user.email == 'a'"
    )
    assert translate(source, INPUTS).notes == (SSO, MESSAGE, USER)
    assert translate("return True", INPUTS) == Translation("true")


def test_what_is_only_right_within_a_flow_is_marked() -> None:
    assert translate("return context['auth_method'] == 'token'", INPUTS).in_flow
    assert not translate("return context.get('auth_method') == 'token'", INPUTS).in_flow


@pytest.mark.parametrize(
    ("source", "expected"),
    [("return ['a', {'value': 'b'}]", ["a", {"value": "b"}]), ("return 1", 1)],
)
def test_a_constant_is_read(source: str, expected: object) -> None:
    assert constant(source) == expected


@pytest.mark.parametrize(
    "source",
    ["return x", "return", "x = 1\nreturn x", "return [request]", "return (", "return {[]}"],
)
def test_what_is_no_constant_is_not_read(source: str) -> None:
    with pytest.raises(Untranslatable):
        constant(source)


TEXTS = st.sampled_from(
    [
        "request.context['prompt_data']['plan']",
        "request.context.get('prompt_data', {}).get('plan', 'none')",
        "request.context['prompt_data']['email']",
        "request.user.email",
        "request.user.username.lower()",
        "'a'",
        "'b@x.org'",
    ]
)
NUMBERS = st.sampled_from(["request.context['prompt_data']['age']", "len(request.user.name)", "3"])
TESTS = st.one_of(
    st.builds("({} {} {})".format, TEXTS, st.sampled_from(["==", "!=", "in"]), TEXTS),
    st.builds("({} {} {})".format, NUMBERS, st.sampled_from(["<", ">=", "=="]), NUMBERS),
    st.builds("{}.endswith({})".format, TEXTS, TEXTS),
    st.builds("({} not in ['a', 'b'])".format, TEXTS),
    st.sampled_from(
        [
            "request.user.is_superuser",
            "ak_is_group_member(request.user, name='staff')",
            "(ak_client_ip in ip_network('10.0.0.0/8'))",
            "context.get('prompt_data', {}).get('terms', False)",
            "request.context['prompt_data']['terms']",
            "('plan' in context.get('prompt_data', {}))",
            "(context.get('prompt_data', {}).get('plan') is not None)",
            "(context.get('auth_method') != 'app_password')",
            "(request.user.attributes.get('team', 'x') == 'y')",
            "request.context['prompt_data']['plan']",
            "True",
        ]
    ),
)
CONDITIONS = st.recursive(
    TESTS,
    lambda inner: st.one_of(
        st.builds("({} and {})".format, inner, inner),
        st.builds("({} or {})".format, inner, inner),
        st.builds("({} and {} and {})".format, inner, inner, inner),
        st.builds("(not {})".format, inner),
        st.builds("bool({})".format, inner),
    ),
    max_leaves=6,
)
BODIES = st.one_of(
    st.builds("return {}".format, CONDITIONS),
    st.builds("if {}:\n    return {}\nreturn {}".format, CONDITIONS, CONDITIONS, CONDITIONS),
    st.builds(
        "if {}:\n    ak_message('no')\n    return {}\nelse:\n    return {}".format,
        CONDITIONS,
        CONDITIONS,
        CONDITIONS,
    ),
    st.builds(
        "x = {}\nif {}:\n    return {}\nreturn x == 'a'".format, TEXTS, CONDITIONS, CONDITIONS
    ),
)
CASES = st.fixed_dictionaries(
    {
        "inputs": st.fixed_dictionaries(
            {},
            optional={
                "plan": st.sampled_from(["", "a", "none"]),
                "email": st.sampled_from(["b@x.org", "a"]),
                "age": st.integers(0, 5),
                "terms": st.booleans(),
            },
        ),
        "user": st.fixed_dictionaries(
            {
                "email": st.sampled_from(["b@x.org", "a"]),
                "username": st.sampled_from(["A", "b"]),
                "name": st.sampled_from(["", "Ada"]),
                "groups": st.sampled_from([[], ["staff"]]),
            },
            optional={
                "is_superuser": st.booleans(),
                "attributes_team": st.sampled_from(["x", "y"]),
            },
        ),
        "ip": st.sampled_from(["10.1.2.3", "192.0.2.1"]),
    }
)


@settings(max_examples=200)
@given(BODIES, CASES)
def test_a_translation_comes_to_what_python_comes_to(source: str, case: Case) -> None:
    try:
        found = by_translation(source, case)
    except Untranslatable:
        return
    assert found is by_python(source, case)
