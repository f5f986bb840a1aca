"""What is looked for of what people typed, and what is taken for it."""

from __future__ import annotations

import json

import pytest

from tests.typed import Found, Typed, holds, is_telling


@pytest.mark.parametrize(
    ("text", "telling"),
    [
        ("correct horse battery staple", True),
        ("482913", True),
        ("wrong", False),
        ("000001", False),
        ("123456", False),
        ("sasha@example.com", False),
    ],
)
def test_what_is_short_or_usual_is_not_looked_for(text: str, telling: bool) -> None:
    assert is_telling(text) is telling


@pytest.mark.parametrize("kept", [b"code 482913", b'"482913"', b"482913", b"It is 482913."])
def test_a_code_is_found_where_it_stands_alone(kept: bytes) -> None:
    assert holds(kept, b"482913")


@pytest.mark.parametrize(
    "kept", [b"12:00:00.482913", b"collected 482913.0", b"a482913b", b"1482913", b"482914"]
)
def test_a_code_is_not_found_in_what_is_longer(kept: bytes) -> None:
    assert not holds(kept, b"482913")


def test_all_that_is_typed_and_shown_to_its_user_is_noted() -> None:
    typed = Typed()
    response = {"signature": "a signature of a key", "userHandle": "somebody's handle"}
    typed.request({"inputs": {"tokenResponse": json.dumps({"response": response})}})
    typed.request({"inputs": {"password": "what is typed", "colour": "a shade of red"}})
    typed.request({"inputs": {"tokenResponse": "no passkey at all"}})
    typed.request({})
    components = [
        {"id": "form_it_code_1", "config": {"text": "abcde-fghjk-m"}},
        {"id": "image", "config": {"uri": "otpauth://totp/us?secret=JBSWY3DPEHPK3PXP"}},
        {"id": "form_it"},
    ]
    typed.answer({"data": {"components": components, "userAssertion": "an.assertion.of.ours"}})
    typed.answer({"code": "FE-40001"})
    assert typed.since(0) == [
        b"a signature of a key",
        b"what is typed",
        b"an.assertion.of.ours",
        b"abcde-fghjk-m",
        b"JBSWY3DPEHPK3PXP",
    ]


def test_what_was_noted_before_the_mark_is_not_looked_for() -> None:
    typed = Typed()
    typed.note("what was typed before")
    mark = typed.mark()
    kept = [("a key", b"what was typed before, what is typed now")]
    typed.expose(mark, kept, "Redis")
    typed.note("what is typed now")
    with pytest.raises(Found, match="'what is typed now' in Redis: a key"):
        typed.expose(mark, kept, "Redis")
