"""What an answer tells of the limit."""

from __future__ import annotations

import pytest

from libs.common.chassis.bucket import Allowance
from services.management.limits import limit_headers

NOW = 1_790_000_000.9
TAKEN = Allowance(True, "v2", 50, 10, 1_790_000_048, 0)
REFUSED = Allowance(False, "v2", 50, 0, 1_790_000_060, 1.2)


@pytest.mark.parametrize("status", [200, 201, 204, 400, 401, 403, 404, 412])
def test_an_answer_says_when_the_bucket_is_full_again(status: int) -> None:
    assert limit_headers(TAKEN, status, NOW) == {
        "X-RateLimit-Limit": "50",
        "X-RateLimit-Remaining": "10",
        "X-RateLimit-Reset": "1790000048",
    }


@pytest.mark.parametrize("status", [408, 409, 500, 502, 503, 504])
def test_who_would_sleep_until_the_reset_before_trying_again_is_told_of_none(status: int) -> None:
    assert limit_headers(TAKEN, status, NOW) == {
        "X-RateLimit-Limit": "50",
        "X-RateLimit-Remaining": "10",
        "X-RateLimit-Reset": "1790000000",
    }


def test_a_reset_that_is_over_stays_as_it_is() -> None:
    over = Allowance(True, "v2", 50, 49, 1_789_999_999, 0)
    assert limit_headers(over, 409, NOW)["X-RateLimit-Reset"] == "1789999999"


def test_who_was_refused_is_told_when_there_is_a_token() -> None:
    said = limit_headers(REFUSED, 429, NOW)
    assert said["Retry-After"] == "2"
    assert said["X-RateLimit-Remaining"] == "0"
