from __future__ import annotations

from collections import Counter
from math import sqrt

import pytest

from libs.common.errors import NotFound
from libs.common.wire.plans import FORMAT, Candidate, Pointer, Weighted
from services.executor.selection import draw, named

FIRST = Candidate("flow_a", "a", (Weighted("a1", 1, 1),))
SECOND = Candidate("flow_b", "b", (Weighted("b1", 1, 1),))
POINTER = Pointer(FORMAT, 1, (FIRST, SECOND))
SUBJECTS = tuple(f"device-{number}" for number in range(20_000))
SIGMAS = 3.29
"""Beyond so many standard deviations lies one draw in a thousand (two-sided)."""


def shares(**weights: int) -> tuple[Weighted, ...]:
    return tuple(
        Weighted(plan, number, weight) for number, (plan, weight) in enumerate(weights.items())
    )


def drawn(versions: tuple[Weighted, ...], flow: str = "flow_a") -> list[str]:
    return [draw(versions, flow, subject).plan for subject in SUBJECTS]


def test_a_start_without_a_name_may_get_any_in_order() -> None:
    assert named(POINTER, None) == (FIRST, SECOND)


def test_a_start_that_names_one_gets_no_other() -> None:
    assert named(POINTER, "b") == (SECOND,)


@pytest.mark.parametrize("pointer", [Pointer(FORMAT, 1, ()), POINTER])
def test_what_is_not_active_is_not_found(pointer: Pointer) -> None:
    with pytest.raises(NotFound):
        named(pointer, "elsewhere")


@pytest.mark.parametrize(
    "weights",
    [
        {"old": 90, "new": 10},
        {"old": 1, "new": 1},
        {"a": 7, "b": 2, "c": 1},
        {"old": 999, "new": 1},
    ],
)
def test_each_version_gets_its_share_of_many_subjects(weights: dict[str, int]) -> None:
    found = Counter(drawn(shares(**weights)))
    for plan, weight in weights.items():
        share, many = weight / sum(weights.values()), len(SUBJECTS)
        assert abs(found[plan] - many * share) <= SIGMAS * sqrt(many * share * (1 - share))


def test_a_subject_always_gets_the_same() -> None:
    versions = shares(old=50, new=50)
    assert drawn(versions) == drawn(versions)


def test_who_has_the_new_version_keeps_it_while_its_share_grows() -> None:
    before, after = drawn(shares(old=90, new=10)), drawn(shares(old=80, new=20))
    kept = {had for had, has in zip(before, after, strict=True) if has != had}
    assert kept == {"old"}
    assert "new" in before


def test_an_only_version_has_everybody() -> None:
    assert set(drawn(shares(only=5))) == {"only"}


def test_two_flows_do_not_try_their_news_on_the_same_people() -> None:
    versions = shares(old=50, new=50)
    pairs = zip(drawn(versions, "flow_a"), drawn(versions, "flow_b"), strict=True)
    both = Counter(pairs)[("new", "new")] / len(SUBJECTS)
    assert 0.2 < both < 0.3
