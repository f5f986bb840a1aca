from __future__ import annotations

import pytest

from libs.common.flow.model import Json
from libs.common.flow.node import InvalidConfig
from libs.common.flow.words import fill, read_words

SLOTS = frozenset({"code", "minutes"})
SCOPE: dict[str, Json] = {
    "user": {"name": "Ada", "nothing": None, "roles": ["admin"], "logins": 7, "paid": True},
    "facts": {"plan": "gold"},
}


def filled(text: str) -> str:
    return fill(read_words(text, "text", SLOTS), SCOPE, {"code": "123456", "minutes": "10"})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ""),
        ("No braces, and { one } of each", "No braces, and { one } of each"),
        ("{{ user.name }}", "Ada"),
        ("Hello {{user.name}}!", "Hello Ada!"),
        ("{{ user.name }}{{ facts.plan }}", "Adagold"),
        ("{{ code }} for {{minutes}} minutes", "123456 for 10 minutes"),
        ("{{ user.logins }}", "7"),
        ("{{ user.paid }}", "true"),
        ("{{ user.paid ? 'Thank you' : 'Please pay' }}", "Thank you"),
        ("{{ user.given_name ?? 'there' }}", "there"),
        ("a }} b", "a }} b"),
    ],
)
def test_what_is_between_braces_is_filled_in(text: str, words: str) -> None:
    assert filled(text) == words


@pytest.mark.parametrize(
    "what", ["user.given_name", "user.nothing", "user.roles", "facts.plan > 1"]
)
def test_what_has_no_words_leaves_nothing(what: str) -> None:
    assert filled(f"[{{{{ {what} }}}}]") == "[]"


def test_what_is_filled_in_is_escaped_and_what_the_author_wrote_is_not() -> None:
    parts = read_words("<b>{{ user.name }} {{ code }}</b>", "html", SLOTS)
    escaped = fill(parts, SCOPE, {"code": "<1>"}, lambda value: f"[{value}]")
    assert escaped == "<b>[Ada] [<1>]</b>"


@pytest.mark.parametrize(
    "text",
    [
        "{{ }}",
        "{{ user. }}",
        "Hello {{ user.name",
        "{{ user.name }} and {{ code",
        "{{ link }}",
        "{{ inputs.name }}",
        "{{ request.ip }}",
        "{% for each in user %}{{ each }}",
    ],
)
def test_what_cannot_be_filled_in_is_refused_where_it_is_written(text: str) -> None:
    with pytest.raises(InvalidConfig) as refused:
        read_words(text, "text", SLOTS)
    (problem,) = refused.value.problems
    assert (problem.code, problem.path) == ("invalid_expression", "text")


def test_whoever_types_something_does_not_write_messages_with_it() -> None:
    with pytest.raises(InvalidConfig, match="an expression reads `user`, `facts`, `flow`"):
        read_words("{{ inputs.name }}", "text")
