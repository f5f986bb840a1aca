"""A slug is made of what a flow is called."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.common.flow.model import Slug
from services.management.slugs import slug_of


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("Password Reset", "password-reset"),
        ("  Über-Anmeldung (2)! ", "uber-anmeldung-2"),
        ("a_b", "a-b"),
        ("ログイン", "flow"),
        ("x" * 49 + " y", "x" * 49),
    ],
)
def test_a_name_is_told_in_letters_digits_and_hyphens(name: str, slug: str) -> None:
    assert slug_of(name) == slug


def test_a_suffix_has_room_however_long_the_name() -> None:
    assert slug_of("x" * 80, "1a2b3c") == "x" * 43 + "-1a2b3c"
    assert slug_of("x" * 42 + " y", "1a2b3c") == "x" * 42 + "-1a2b3c"


@given(st.text(max_size=80), st.sampled_from(["", "1a2b3c"]))
def test_whatever_the_name_it_is_a_slug(name: str, suffix: str) -> None:
    slug = slug_of(name, suffix)
    msgspec.convert(slug, Slug)
    assert slug.endswith(suffix)
