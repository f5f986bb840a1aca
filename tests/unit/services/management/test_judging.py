import itertools
from collections.abc import Sequence
from typing import Any

import pytest

from libs.common.flow.model import Edge, Flow, FlowType, Graph, Node
from libs.common.flow.plan import Program
from libs.common.flow.simulate import make_program
from libs.common.nodes.catalogue import NODE_TYPES
from services.management import judging
from services.management.judging import Judge, play
from services.management.records import GoldenTest

GRAPH = Graph((Node("start", "start"), Node("end", "success")), (Edge("start", "end"),))
PROGRAM = make_program(Flow("flow_a", 7, FlowType.REGISTRATION, GRAPH, name="a"), NODE_TYPES)
HOLDS, MISSES = '{"expect":{"result":"success"}}', '{"expect":{"result":"denied"}}'


def kept(*names: str, script: str = HOLDS) -> tuple[GoldenTest, ...]:
    return tuple(GoldenTest(name, script) for name in names)


class Clock:
    """Shows these times, one after the other."""

    def __init__(self, *times: float) -> None:
        self._times = iter(times)

    def __call__(self) -> float:
        return next(self._times)


def seconds_each(step: float) -> Clock:
    """A clock on which everything takes `step` seconds."""
    return Clock(*itertools.islice(itertools.count(0, step), 1_000))


def test_tests_that_hold_are_no_problem() -> None:
    played = play(PROGRAM, kept("a", "b"))
    assert [(each.name, each.passed) for each in played.tests] == [("a", True), ("b", True)]
    assert played.problems() == ()


def test_each_test_that_fails_is_a_problem_with_its_name() -> None:
    tested = (*kept("a"), *kept("b", "c", script=MISSES))
    problems = play(PROGRAM, tested).problems()
    assert [(each.code, each.path) for each in problems] == [
        ("golden_failed", "b"),
        ("golden_failed", "c"),
    ]
    assert 'expected "denied"; got "success"' in problems[0].message


def test_a_test_that_this_release_cannot_read_fails() -> None:
    (problem,) = play(PROGRAM, kept("a", script='{"expects":{}}')).problems()
    assert (problem.code, problem.path) == ("golden_failed", "a")
    assert "cannot be read" in problem.message


def test_what_is_left_when_time_is_up_has_not_passed_and_the_slowest_are_named() -> None:
    # Asked at the start; then before and after each test; and at the end.
    clock = Clock(0, 0, 4, 4, 5, 5, 11, 11, 11, 11)
    played = play(PROGRAM, kept("a", "b", "c", "d", "e"), limit=10, clock=clock)
    assert [each.passed for each in played.tests] == [True, True, True, False, False]
    assert played.seconds == 11
    (problem,) = played.problems()
    assert (problem.code, problem.path) == ("golden_too_slow", "c")
    assert "2 of the golden tests were not run on version 7" in problem.message
    assert "have 10 s" in problem.message
    assert "`c` (6.0 s), `a` (4.0 s), `b` (1.0 s)" in problem.message


def test_what_was_spent_on_other_versions_counts() -> None:
    played = play(PROGRAM, kept("a"), spent=10, limit=10)
    assert [each.passed for each in played.tests] == [False]
    (problem,) = played.problems()
    assert (problem.code, problem.path) == ("golden_too_slow", None)
    assert "Those of other versions took all of it" in problem.message


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The plans that tests were run on."""
    plans: list[str] = []

    def listed(program: Program, tests: Sequence[GoldenTest], **more: Any) -> judging.Played:  # noqa: ANN401 -- handed on
        plans.append(program.plan)
        return play(program, tests, **more)

    monkeypatch.setattr(judging, "play", listed)
    return plans


async def test_a_judgement_of_the_same_tests_on_the_same_plan_is_remembered(
    played: list[str],
) -> None:
    judge = Judge()
    first = await judge(PROGRAM, kept("a"), 0)
    assert await judge(PROGRAM, kept("a"), 0) == first
    assert len(played) == 1
    await judge(PROGRAM, kept("a", script=MISSES), 0)
    assert len(played) == 2


async def test_a_judgement_that_was_too_slow_is_not_remembered(played: list[str]) -> None:
    judge = Judge(limit=1, clock=seconds_each(1))
    for _ in range(2):
        assert (await judge(PROGRAM, kept("a", "b"), 0)).problems != ()
    assert len(played) == 2


async def test_so_many_judgements_are_remembered_and_no_more(
    played: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(judging, "REMEMBERED", 2)
    judge = Judge()
    for name in ("a", "b", "a", "c", "a", "b"):
        await judge(PROGRAM, kept(name), 0)
    # The last but one that was asked for went first: `b`, when `c` came.
    assert len(played) == 4
