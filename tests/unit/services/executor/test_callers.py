from __future__ import annotations

import pytest

from libs.common.secret import Secret
from services.executor.callers import parse_outposts

LONG = "0123456789abcdef" * 2


def test_no_bearer_is_an_outposts_where_none_is_named() -> None:
    assert parse_outposts(None) == ()


def test_outposts_have_bearers_of_their_own() -> None:
    first, second = parse_outposts(Secret(f"{LONG}, {LONG}x"))
    assert (first, second) == (Secret(LONG), Secret(f"{LONG}x"))


@pytest.mark.parametrize("text", ["", ",", LONG[1:], f"{LONG},", f"{LONG},short"])
def test_a_bearer_that_could_be_guessed_is_refused_without_quoting_it(text: str) -> None:
    with pytest.raises(ValueError, match=r"^has a bearer of fewer than 32 characters$"):
        parse_outposts(Secret(text))
