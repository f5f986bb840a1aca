from __future__ import annotations

import re

from libs.common.chassis.tokens import digest, make_token, matches
from libs.common.secret import Secret


def test_no_two_tokens_are_alike_and_none_needs_an_escape() -> None:
    tokens = [make_token().reveal() for _ in range(100)]
    assert len(set(tokens)) == 100
    assert all(re.fullmatch("[A-Za-z0-9_-]{43}", token) for token in tokens)


def test_a_digest_is_of_its_token_whatever_was_sent() -> None:
    assert digest(Secret("a")) == digest(Secret("a")) != digest(Secret("b"))
    assert len(digest(Secret("\ud800"))) == 32


def test_only_the_token_of_what_is_kept_matches() -> None:
    token = make_token()
    assert matches(token, digest(token))
    assert not matches(make_token(), digest(token))


def test_where_nothing_is_kept_nothing_matches() -> None:
    for given in ("", "x"):
        assert not matches(Secret(given), None)
