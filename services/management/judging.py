"""Runs golden tests that are stored with a flow: one after the other, for a bounded time.

The time is bounded for all of them together, as whoever waits does so for the last. One test ends
by the bounds of a simulation, so the whole takes as much longer as a single one may.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from libs.common.errors import Problem
from libs.common.flow.golden import Golden, Miss, Tested, run
from libs.common.flow.plan import Program
from libs.common.flow.simulation import Simulation
from services.management.records import GoldenTest
from services.management.verdicts import Judgement

SECONDS: Final = 20.0
"""For all golden tests of one request, on however many versions."""
AT_ONCE: Final = 2
"""Requests whose tests are run in a process: the threads are there for others as well."""
REMEMBERED: Final = 256
"""Judgements. Seed 003 shows with a flow why it does not run, each time that it is looked at."""
NAMED: Final = 3
"""Of the slowest tests, in what is said of them."""

FAILED: Final = "golden_failed"
TOO_SLOW: Final = "golden_too_slow"


class Played(msgspec.Struct, frozen=True):
    """What came of tests, as far as their time went."""

    tests: tuple[Tested, ...]
    """In their order; those that were not run have not passed."""
    simulations: tuple[Simulation, ...]
    late: Problem | None
    """What says that some were not run, and which took the time."""
    seconds: float

    def problems(self) -> tuple[Problem, ...]:
        """Return what holds up the version that was tested."""
        failed = tuple(
            Problem(FAILED, "; ".join(map(str, each.misses)), path=each.name)
            for each in self.tests
            if each.misses
        )
        return failed if self.late is None else (*failed, self.late)


def play(
    program: Program,
    tests: Sequence[GoldenTest],
    *,
    spent: float = 0.0,
    limit: float = SECONDS,
    clock: Callable[[], float] = time.monotonic,
) -> Played:
    """Run `tests` until `limit` seconds are up, of which `spent` have gone before."""
    begun = clock()
    took: dict[str, float] = {}
    tested: list[Tested] = []
    simulations: list[Simulation] = []
    for test in tests:
        at = clock()
        if spent + at - begun >= limit:
            tested.append(Tested(test.name, passed=False, misses=()))
            continue
        misses, simulation = _run(program, test)
        tested.append(Tested(test.name, not misses, misses))
        took[test.name] = clock() - at
        if simulation is not None:
            simulations.append(simulation)
    seconds = clock() - begun
    late = None
    if len(took) < len(tests):
        late = _late(program.version, len(tests) - len(took), took, limit)
    return Played(tuple(tested), tuple(simulations), late, seconds)


def _run(program: Program, test: GoldenTest) -> tuple[tuple[Miss, ...], Simulation | None]:
    try:
        golden = msgspec.json.decode(test.test, type=Golden)
    except msgspec.DecodeError as error:
        # Another release has kept it.
        return (Miss("", f"the test cannot be read: {error}"),), None
    outcome = run(program, golden)
    return outcome.misses, outcome.simulation


def _late(version: int, left: int, took: dict[str, float], limit: float) -> Problem:
    slowest = sorted(took, key=lambda name: -took[name])[:NAMED]
    named = ", ".join(f"`{name}` ({took[name]:.1f} s)" for name in slowest)
    message = (
        f"{left} of the golden tests were not run on version {version}: all of them together, on "
        f"all versions, have {limit:g} s. "
        + (f"The slowest here: {named}; " if named else "Those of other versions took all of it; ")
        + "let tests send fewer inputs, or keep fewer of them with the flow"
    )
    return Problem(TOO_SLOW, message, path=slowest[0] if slowest else None)


class Judge:
    """Judges plans by the tests of their flows."""

    def __init__(self, limit: float = SECONDS, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` gives seconds."""
        self._limit = limit
        self._clock = clock
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._known: OrderedDict[tuple[str, tuple[GoldenTest, ...]], Judgement] = OrderedDict()

    async def play(
        self, program: Program, tests: Sequence[GoldenTest], spent: float = 0.0
    ) -> Played:
        """Run `tests` in a thread, off the loop on which others wait for their answers."""
        async with self._turns:
            return await asyncio.to_thread(
                play, program, tests, spent=spent, limit=self._limit, clock=self._clock
            )

    async def __call__(
        self, program: Program, tests: Sequence[GoldenTest], spent: float
    ) -> Judgement:
        """See `ports.Judge`."""
        key = program.plan, tuple(tests)
        known = self._known.get(key)
        if known is not None:
            self._known.move_to_end(key)
            return known
        played = await self.play(program, tests, spent)
        judgement = Judgement(played.problems(), played.seconds)
        # What was too slow may be fast enough a moment later.
        if played.late is None:
            self._known[key] = judgement
            if len(self._known) > REMEMBERED:
                self._known.popitem(last=False)
        return judgement
