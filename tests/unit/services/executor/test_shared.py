from __future__ import annotations

import pytest

from libs.common.secret import Secret
from services.executor.shared import parse_shared

LONG = "0123456789abcdef" * 2


def test_nothing_is_shared_where_nothing_is_named() -> None:
    assert parse_shared(None) == ()


def test_each_secret_is_one_of_its_own() -> None:
    first, second = parse_shared(Secret(f"{LONG}, {LONG}x"))
    assert (first, second) == (Secret(LONG), Secret(f"{LONG}x"))


@pytest.mark.parametrize("text", ["", ",", LONG[1:], f"{LONG},", f"{LONG},short"])
def test_a_secret_that_could_be_guessed_is_refused_without_quoting_it(text: str) -> None:
    with pytest.raises(ValueError, match=r"^has a secret of fewer than 32 characters$"):
        parse_shared(Secret(text))
