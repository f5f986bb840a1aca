"""What runs: checked before it does, and published when it changes.

All of this happens while what is active is held, so that what was checked is what runs. What reads
graphs does so in a thread: a large flow takes a second, in which others want to be answered.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

import msgspec

from libs.common.errors import Conflict, Invalid, Problem
from libs.common.flow.model import Flow, FlowType, Library
from libs.common.flow.node import NodeTypes
from libs.common.flow.rules import Report, validate
from libs.common.wire.events import PublishWanted
from services.management.change import Change
from services.management.ports import Compiler, Golden
from services.management.records import FlowRecord, FlowVersion, Status
from services.management.rows import Rows
from services.management.uses import affected, callers, touched, with_flow

NOT_VALID: Final = "the flow is not valid"


class Moved(msgspec.Struct, frozen=True):
    """What became of a flow that is to run, or to run no more."""

    at: datetime
    """Since when that is so."""
    types: tuple[FlowType, ...]
    """What is to be published once it is committed."""


class Running:
    """What the use cases that change what runs have in common."""

    def __init__(self, compiler: Compiler, types: NodeTypes, golden: Golden) -> None:
        self._compiler = compiler
        self._types = types
        self._golden = golden

    def validate(self, flow: Flow, library: Library) -> Report:
        """Check a version as it would run in `library`."""
        return validate(flow, self._types, with_flow(library, flow))

    async def check(self, flows: Iterable[Flow], library: Library) -> None:
        """Raise `Invalid` for a version that cannot run."""
        for flow in flows:
            errors = (await asyncio.to_thread(self.validate, flow, library)).errors
            if errors:
                raise invalid(errors)

    async def check_others(self, flow: Flow, library: Library) -> None:
        """Raise `Invalid` if an active flow that holds `flow` would have a problem more."""
        found = await asyncio.to_thread(self._broken, flow, library)
        if found is not None:
            name, problems = found
            raise Invalid(f"the active flow {name} would not be valid with this one", problems)

    def _broken(self, flow: Flow, library: Library) -> tuple[str, tuple[Problem, ...]] | None:
        after = with_flow(library, flow)
        for other in affected(after, flow, self._types):
            before = set(validate(other, self._types, library).errors)
            errors = validate(other, self._types, after).errors
            new = tuple(problem for problem in errors if problem not in before)
            if new:
                return other.name, new
        return None

    async def pass_tests(
        self,
        change: Change,
        flows: Sequence[Flow],
        library: Library,
        override_reason: str | None,
    ) -> None:
        """Raise `Invalid` if one of a flow's versions fails a golden test.

        It may run all the same for a reason, which the audit log keeps.
        """
        id = flows[0].id
        tests = await change.list_golden_tests(id)
        if not tests:
            return
        failures: dict[int, tuple[Problem, ...]] = {}
        for flow in flows:
            failed = await asyncio.to_thread(self._golden, flow, with_flow(library, flow), tests)
            if failed:
                failures[flow.version] = failed
        if failures and override_reason is None:
            problems = tuple(problem for failed in failures.values() for problem in failed)
            raise Invalid("the flow does not pass its golden tests", problems)
        for version, failed in failures.items():
            await change.note(
                "override",
                id,
                version=version,
                reason=override_reason,
                failed=[problem.path for problem in failed],
            )

    async def hindrance(self, rows: Rows, newest: FlowVersion) -> tuple[Problem, ...]:
        """Say why a version could not run now; nothing where it could."""
        library, flow = await rows.read_library(), newest.definition()
        try:
            await self.check((flow,), library)
            await self.check_others(flow, library)
        except Invalid as error:
            return error.problems
        tests = await rows.list_golden_tests(flow.id)
        if not tests:
            return ()
        return await asyncio.to_thread(self._golden, flow, with_flow(library, flow), tests)

    async def callers(self, library: Library, slug: str) -> tuple[Flow, ...]:
        """Find the active flows that run the flow `slug` inside."""
        return await asyncio.to_thread(callers, library, slug, self._types)

    async def refuse_if_called(self, library: Library, flow: FlowRecord) -> None:
        """Raise `Conflict` if active flows run this one inside."""
        names = [other.name for other in await self.callers(library, flow.name)]
        if names:
            raise Conflict(f"active flows run this one inside: {', '.join(sorted(names))}")

    async def start(
        self, change: Change, newest: FlowVersion, override_reason: str | None = None
    ) -> Moved:
        """Let the newest version of a flow that is held run; raise `Invalid` for one that cannot.

        One that fails its golden tests runs only with an `override_reason`. A rollout ends.
        """
        flow = newest.flow
        library, runs = await change.read_library(), (newest.definition(),)
        await self.check(runs, library)
        at = flow.activated_at
        if at is not None and flow.active_version == flow.version and flow.rollout is None:
            # It may be asked for because nobody told the executors yet.
            return Moved(at, (flow.type,))
        await self.check_others(runs[0], library)
        await self.pass_tests(change, runs, library, override_reason)
        types = await self.move(change, flow, library)
        at = await change.activate_flow(flow.id, flow.version, None)
        await change.note("activate", flow.id, version=flow.version, was=flow.active_version)
        await change.tell(flow, "activated", types)
        return Moved(at, types)

    async def stop(self, change: Change, flow: FlowRecord) -> Moved:
        """Let no new session run a flow that is held; raise `Conflict` if an active one runs it.

        A draft is not active any more either.
        """
        types: tuple[FlowType, ...] = ()
        if flow.status is Status.ACTIVE:
            types = await self.take_away(change, flow)
        at = await change.deactivate_flow(flow.id)
        await change.note("deactivate", flow.id, was=flow.active_version)
        await change.tell(flow, "deactivated", types)
        return Moved(at, types)

    async def take_away(self, change: Change, flow: FlowRecord) -> tuple[FlowType, ...]:
        """Say that an active flow will run no more; raise `Conflict` if active flows run it."""
        library = await change.read_library()
        await self.refuse_if_called(library, flow)
        return await self.move(change, flow, library)

    async def move(
        self, change: Change, flow: FlowRecord, library: Library
    ) -> tuple[FlowType, ...]:
        """Say that what runs of an active flow changes; return the types that it changes for."""
        types = await asyncio.to_thread(touched, library, flow.name, flow.type, self._types)
        await change.bump_pointers(types)
        return types

    async def publish(self, tenant: str, types: Iterable[FlowType]) -> None:
        """Have what changed published at once, if that can be, after it is committed."""
        await asyncio.gather(
            *(self._compiler.publish(PublishWanted(tenant, type)) for type in types)
        )


def invalid(problems: tuple[Problem, ...]) -> Invalid:
    """Refuse a flow with all of its problems."""
    return Invalid(NOT_VALID, problems)
