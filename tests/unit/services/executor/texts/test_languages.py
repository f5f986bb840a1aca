from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.executor.texts.languages import look_up, truncations

OFFERED = {"en", "de", "pt-br", "zh-hant"}


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ("de", "de"),
        ("DE-at", "de"),
        ("pt-BR,pt;q=0.9,en;q=0.8", "pt-br"),
        ("pt", None),
        ("fr, de;q=0.5, en;q=0.9", "en"),
        ("fr;q=1.000 , de ; q=0.700", "de"),
        ("en;q=0.5, de;q=0.5", "en"),
        ("zh-Hant-CN-x-private1-private2", "zh-hant"),
        ("*, de;q=0.1", "de"),
        ("*", None),
        ("", None),
        ("de;q=0", None),
        ("de-AT, de;q=0, en;q=0.2", "en"),
        ("de;q=2, en;q=0.1", "en"),
        ("de;level=1, en", "en"),
        ("d\u00e9, en", "en"),
        ("x-de", None),
    ],
)
def test_the_first_of_the_best_that_is_offered_is_found(header: str, found: str | None) -> None:
    assert look_up(header, OFFERED) == found


def test_what_is_left_of_a_tag_never_ends_in_a_lone_letter() -> None:
    assert list(truncations("zh-hant-cn-x-private1")) == [
        "zh-hant-cn-x-private1",
        "zh-hant-cn",
        "zh-hant",
        "zh",
    ]


def test_a_header_without_end_is_read_as_far_as_its_twentieth_range() -> None:
    assert look_up(",".join(["fr"] * 19 + ["de"]), OFFERED) == "de"
    assert look_up(",".join(["fr"] * 20 + ["de"]), OFFERED) is None


@given(st.text(alphabet="dexn-;q=01.,* \t\u00e9"))
def test_whatever_is_sent_finds_something_offered_or_nothing(header: str) -> None:
    assert look_up(header, OFFERED) in OFFERED | {None}
