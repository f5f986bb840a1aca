"""What can be done with the golden tests of a flow: keep them, look at them, run them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import msgspec
from msgspec import UNSET, UnsetType

from libs.common.errors import Invalid, NotFound, Problem
from libs.common.flow.golden import Coverage, Tested, coverage
from libs.common.flow.node import NodeTypes
from libs.common.flow.simulate import make_program
from services.management.author import Author
from services.management.etags import tag_of
from services.management.flows import existing
from services.management.judging import Judge
from services.management.records import GoldenTest
from services.management.store import Store
from services.management.uses import with_flow
from services.management.versions import find_version

MOST_TESTS = 100
"""Golden tests of one flow: all of them run before a version does."""

NO_TEST = "the flow has no such golden test"


class Verdict(msgspec.Struct, frozen=True):
    """What came of all tests of a flow."""

    version: int
    passed: bool
    tests: tuple[Tested, ...]
    coverage: Coverage
    late: Problem | UnsetType = UNSET
    """Says why some tests were not run, and so have not passed."""


class Goldens:
    """The golden tests of the flows of all tenants."""

    def __init__(self, store: Store, types: NodeTypes, judge: Judge) -> None:
        self._store = store
        self._types = types
        self._judge = judge

    async def list(self, tenant: str, id: str) -> tuple[GoldenTest, ...]:
        """List the tests of a flow, by name; raise `NotFound` for no flow."""
        async with self._store.reading(tenant) as rows:
            existing(await rows.find_flow(id))
            return await rows.list_golden_tests(id)

    async def get(self, tenant: str, id: str, name: str) -> GoldenTest:
        """Return a test, or raise `NotFound`."""
        return _named(name, await self.list(tenant, id))

    async def put(self, tenant: str, id: str, test: GoldenTest, author: Author) -> bool:
        """Keep a test, in place of one of that name; True if there was none."""
        async with self._store.changing(tenant, author) as change:
            flow = existing(await change.hold_flow(id)).flow
            before = await change.list_golden_tests(id)
            others = tuple(each for each in before if each.name != test.name)
            change.demand(next((each.tag() for each in before if each.name == test.name), None))
            if len(others) >= MOST_TESTS:
                raise Invalid(f"a flow has at most {MOST_TESTS} golden tests")
            await change.replace_golden_tests(id, (*others, test))
            await change.note(
                "update", id, version=flow.version, changed=["golden_tests"], put=test.name
            )
        return len(others) == len(before)

    async def replace(
        self, tenant: str, id: str, tests: Sequence[GoldenTest], author: Author
    ) -> None:
        """Let a flow have these tests and no other; each name once."""
        async with self._store.changing(tenant, author) as change:
            flow = existing(await change.hold_flow(id)).flow
            change.demand(tag_of(await change.list_golden_tests(id)))
            await change.replace_golden_tests(id, tests)
            await change.note("update", id, version=flow.version, changed=["golden_tests"])

    async def delete(self, tenant: str, id: str, name: str, author: Author) -> None:
        """Remove a test, or raise `NotFound`."""
        async with self._store.changing(tenant, author) as change:
            flow = existing(await change.hold_flow(id)).flow
            before = await change.list_golden_tests(id)
            gone = _named(name, before)
            change.demand(gone.tag())
            await change.replace_golden_tests(id, [each for each in before if each != gone])
            await change.note(
                "update", id, version=flow.version, changed=["golden_tests"], deleted=name
            )

    async def run(self, tenant: str, id: str, version: int | None) -> Verdict:
        """Run the tests of a flow on one of its versions, or on the newest.

        Raises `Invalid` with every problem of a version that cannot run.
        """
        async with self._store.reading(tenant) as rows:
            found = (
                existing(await rows.find_flow(id))
                if version is None
                else await find_version(rows, id, version)
            )
            library = await rows.read_library()
            tests = await rows.list_golden_tests(id)
        flow = found.definition()
        # In a thread: see `running`.
        program = await asyncio.to_thread(make_program, flow, self._types, with_flow(library, flow))
        played = await self._judge.play(program, tests)
        return Verdict(
            flow.version,
            all(each.passed for each in played.tests),
            played.tests,
            coverage(flow, program, self._types, played.simulations),
            UNSET if played.late is None else played.late,
        )


def _named(name: str, tests: Sequence[GoldenTest]) -> GoldenTest:
    for test in tests:
        if test.name == name:
            return test
    raise NotFound(NO_TEST)
