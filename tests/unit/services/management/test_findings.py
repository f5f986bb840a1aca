from __future__ import annotations

import pytest

from libs.common.errors import Conflict
from libs.common.flow.model import FlowType, Invariant, Library
from services.management import findings
from services.management.findings import Findings, Unfound, find_now


class Work:
    """Finds out how a word and a library go together, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def join(self, word: str, library: Library) -> str:
        self.asked.append(word)
        return f"{word} of {len(library.invariants)}"


def library(*names: str) -> Library:
    return Library(invariants=tuple(Invariant(each, FlowType.LOGIN, "true") for each in names))


async def known(found: Findings, work: Work, words: tuple[str, ...], at: Library) -> list[str]:
    """Return what is found once all that is missing was learned."""
    try:
        return await found(work.join, words, at)
    except Unfound as unfound:
        await unfound.learn()
    return await found(work.join, words, at)


async def test_what_is_not_known_is_asked_for_and_found_by_nobody_else() -> None:
    work, found = Work(), Findings()
    with pytest.raises(Unfound):
        await found(work.join, ("a", "b"), library())
    assert work.asked == []


async def test_each_is_found_out_once_and_told_in_order() -> None:
    work, found = Work(), Findings()
    assert await known(found, work, ("a", "b"), library("x")) == ["a of 1", "b of 1"]
    # Equal to the one before, as it is when it is read again.
    assert await known(found, work, ("c", "b"), library("x")) == ["c of 1", "b of 1"]
    assert work.asked == ["a", "b", "c"]


async def test_two_ways_to_look_do_not_know_of_each_other() -> None:
    work, other, found = Work(), Work(), Findings()
    at = library()
    await known(found, work, ("a",), at)
    await known(found, other, ("a",), at)
    assert other.asked == ["a"]


async def test_with_another_library_all_is_found_out_anew() -> None:
    work, found = Work(), Findings()
    await known(found, work, ("a",), library())
    assert await known(found, work, ("a",), library("x")) == ["a of 1"]
    assert work.asked == ["a", "a"]


async def test_a_library_that_is_another_one_each_time_is_given_up() -> None:
    work, found = Work(), Findings()
    for number in range(findings.MOST_LIBRARIES):
        await known(found, work, ("a",), library(str(number)))
    with pytest.raises(Conflict) as refused:
        await found(work.join, ("a",), library("again"))
    assert refused.value.retry_after is not None


async def test_what_nobody_waits_for_is_found_out_now() -> None:
    assert await find_now(Work().join, ("a", "b"), library()) == ["a of 0", "b of 0"]
