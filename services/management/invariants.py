"""What a tenant wants to hold of every path to a success, whoever draws the flow."""

from __future__ import annotations

import asyncio

import msgspec

from libs.common.errors import Invalid, Problem
from libs.common.flow.model import FlowType, Invariant, Library
from libs.common.flow.proof import check_invariants
from libs.common.flow.rules import VIOLATION
from services.management.author import Author
from services.management.entries import Resource
from services.management.etags import tag_of
from services.management.running import Running
from services.management.store import Store
from services.management.uses import active_types

MOST = 50


class Violation(msgspec.Struct, frozen=True):
    """An active flow that breaks an invariant."""

    flow: str
    name: str
    version: int
    problems: tuple[Problem, ...]


class Standing(msgspec.Struct, frozen=True):
    """What is to hold, and where it does not."""

    invariants: tuple[Invariant, ...]
    violations: tuple[Violation, ...]


class Invariants:
    """The invariants of all tenants."""

    def __init__(self, store: Store, running: Running) -> None:
        self._store = store
        self._running = running

    async def get(self, tenant: str) -> tuple[Standing, str]:
        """Return them as they stand, and the tag of that; raise `NotFound` for no tenant."""
        async with self._store.reading(tenant) as rows:
            await rows.read_invariants()
            library = await rows.read_library()
        return await self._standing(library)

    async def replace(
        self, tenant: str, invariants: tuple[Invariant, ...], author: Author
    ) -> tuple[Standing, str]:
        """Let these hold and no others; raise `Invalid` with all that is wrong with them.

        Active flows that break one run on: only the sessions that break it are refused.
        """
        problems = check_invariants(invariants)
        if problems:
            raise Invalid("the invariants are not as expected", problems)
        published: list[FlowType] = []
        async with self._store.changing(tenant, author) as change:
            await change.hold_active()
            before = await change.read_invariants()
            now = await change.read_library()
            change.demand(_tag(now))
            library = msgspec.structs.replace(now, invariants=invariants)
            if invariants != before:
                types = {each.type for each in (*before, *invariants)}
                published = sorted(types & active_types(library))
                await change.bump_pointers(published)
                await change.write_invariants(invariants)
                about = Resource("invariants", before, invariants)
                await change.note_resource("invariants", about)
                await change.tell_of_tenant(published)
        await self._running.publish(tenant, published)
        return await self._standing(library)

    async def _standing(self, library: Library) -> tuple[Standing, str]:
        # In a thread: it is about all active flows, and others wait.
        return await asyncio.to_thread(self._judge, library), _tag(library)

    def _judge(self, library: Library) -> Standing:
        about = {each.type for each in library.invariants}
        violations: list[Violation] = []
        for flow in library.flows.values():
            errors = self._running.validate(flow, library).errors if flow.type in about else ()
            broken = tuple(problem for problem in errors if problem.code == VIOLATION)
            if broken:
                violations.append(Violation(flow.id, flow.name, flow.version, broken))
        return Standing(library.invariants, tuple(violations))


def _tag(library: Library) -> str:
    # A version's definition never changes, so its number stands for it.
    flows = [(flow.id, flow.name, flow.version) for flow in library.flows.values()]
    return tag_of(library.invariants, flows)
