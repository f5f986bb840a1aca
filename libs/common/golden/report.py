"""Says what came of golden tests, for people and for programs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from libs.common.errors import Problem
from libs.common.flow.golden import Coverage, Tested
from libs.common.flow.model import Edge


class Report(msgspec.Struct, frozen=True, omit_defaults=True):
    """What came of a file."""

    file: str
    tests: tuple[Tested, ...] = ()
    coverage: Coverage | None = None
    problems: tuple[Problem, ...] = ()
    """Why the flow cannot run, so that no test could."""
    unreadable: str | None = None

    @property
    def exit_code(self) -> int:
        """0 where all tests hold, 1 where one does not, 2 where they could not be run."""
        if self.unreadable is not None or self.problems:
            return 2
        return 0 if all(test.passed for test in self.tests) else 1


def lines(report: Report) -> Iterator[str]:
    """Say it in lines of text."""
    if report.unreadable is not None:
        yield report.unreadable
        return
    yield report.file
    for problem in report.problems:
        where = problem.node_id or problem.path or _edge_of(problem)
        yield f"  the flow cannot run: {problem.code}{f' at {where}' if where else ''}: " + (
            problem.message
        )
    for test in report.tests:
        yield f"  {'ok  ' if test.passed else 'MISS'}  {test.name}"
        for miss in test.misses:
            yield f"          {miss}"
    if report.coverage is not None:
        yield f"  {report.coverage.walked} of {report.coverage.edges} edges walked"
        for edge in report.coverage.missed:
            yield f"          no test walks {_edge(edge)}"


def summary(reports: Sequence[Report]) -> str:
    """Say it all in one line."""
    tests = [test for report in reports for test in report.tests]
    missed = sum(not test.passed for test in tests)
    broken = sum(report.exit_code == 2 for report in reports)  # noqa: PLR2004 -- said there
    told = f"{len(tests)} tests, {missed} missed"
    return f"{told}, {broken} files could not be run" if broken else told


def _edge(edge: Edge) -> str:
    return f"{edge.source} → {edge.target}" + (f" ({edge.condition})" if edge.condition else "")


def _edge_of(problem: Problem) -> str:
    edge = problem.edge
    return "" if edge is None else f"{edge.source} → {edge.target}"
