"""What came of golden tests, which are never run while a tenant is held.

    a change is tried ──▶ all verdicts that it needs are known: it is committed
            ▲         └─▶ one is not, `Untested`: it is taken back, and lets go of what it held
            └─ the tests are run, and their verdict is noted ◀─┘

A verdict is of a plan and of tests, so what runs in the end is what was tested, whatever changes
between two tries. Nothing here runs a test, or reads what is stored.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from libs.common.errors import Problem
from libs.common.flow.plan import Program
from services.management.records import GoldenTest


class Judgement(msgspec.Struct, frozen=True):
    """What came of all tests of a flow, on one of its plans."""

    problems: tuple[Problem, ...]
    """None where all of them hold."""
    seconds: float
    """What running them took."""


class Untested(Exception):
    """Nothing is known yet of `tests` on these plans; nobody outside of a change meets this."""

    def __init__(self, programs: Sequence[Program], tests: Sequence[GoldenTest]) -> None:
        """Ask for `tests` to be run on each of `programs`."""
        super().__init__("golden tests have to be run before")
        self.programs = programs
        self.tests = tests


class Verdicts:
    """What is known of golden tests in all tries at one change."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, tuple[GoldenTest, ...]], tuple[Problem, ...]] = {}

    def note(
        self, program: Program, tests: Sequence[GoldenTest], problems: tuple[Problem, ...]
    ) -> None:
        """Remember what came of `tests` on a plan."""
        self._known[program.plan, tuple(tests)] = problems

    def of(
        self, programs: Iterable[Program], tests: Sequence[GoldenTest]
    ) -> Mapping[int, tuple[Problem, ...]]:
        """Return what came of `tests`, by version; raise `Untested` where that is not known."""
        wanted = {(program.plan, tuple(tests)): program for program in programs}
        unknown = [program for key, program in wanted.items() if key not in self._known]
        if unknown:
            raise Untested(unknown, tests)
        return {program.version: self._known[key] for key, program in wanted.items()}
