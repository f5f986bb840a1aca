from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.common.flow.identifier import KINDS, normalise


@pytest.mark.parametrize(
    ("kind", "text", "normal"),
    [
        ("email", " Sasha@Example.COM ", "sasha@example.com"),
        ("email", "sasha@localhost", "sasha@localhost"),
        ("email", "\uff53asha@example.com", "sasha@example.com"),
        ("username", " Sasha.K ", "sasha.k"),
        ("username", "\ufb01ona", "fiona"),
        ("phone", "+46 (70) 123-45.67", "+46701234567"),
        ("phone", "0046701234567", "+46701234567"),
    ],
)
def test_writings_of_one_identifier_have_one_form(kind: str, text: str, normal: str) -> None:
    assert normalise(kind, text) == normal


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("email", ""),
        ("email", "sasha"),
        ("email", "a@b@c"),
        ("email", "sa sha@example.com"),
        ("email", "sasha@example..com"),
        ("email", "sasha@example.com\0"),
        ("email", "a" * 250 + "@b.co"),
        ("username", ""),
        ("username", "sasha k"),
        ("username", "sasha\u200bk"),
        ("username", "s" * 65),
        ("phone", "0701234567"),
        ("phone", "+0701234567"),
        ("phone", "+4670x234567"),
    ],
)
def test_what_is_no_identifier_has_no_form(kind: str, text: str) -> None:
    assert normalise(kind, text) is None


@pytest.mark.parametrize(
    "text", ["sasha@example.com", "+46701234567", "0046701234567", "(+46)701234567"]
)
def test_a_user_name_cannot_pass_for_an_address_or_a_number(text: str) -> None:
    assert normalise("username", text) is None


@given(kind=st.sampled_from(KINDS), text=st.text(max_size=80))
def test_a_normal_form_is_its_own_normal_form(kind: str, text: str) -> None:
    normal = normalise(kind, text)
    assert normal is None or normalise(kind, normal) == normal


@given(
    text=st.one_of(
        st.text(max_size=40),
        # What is likeliest to be two things at once.
        st.text(alphabet="+0123456789-.()/@a\u00a0\uff0b", max_size=20),
    )
)
def test_no_text_is_an_identifier_of_two_kinds(text: str) -> None:
    assert sum(normalise(kind, text) is not None for kind in KINDS) <= 1
