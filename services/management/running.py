"""What runs: checked before it does, and published when it changes.

All of this happens while what is active is held, so that what was checked is what runs. What would
take too long then is done before, and known by what it was done on: golden tests by the plan, and
what a rollout has to know of its many versions by them and by what runs beside them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from datetime import datetime
from typing import Final, TypeVar

import msgspec

from libs.common.errors import Conflict, Invalid, Problem
from libs.common.flow.model import Flow, FlowType, Library
from libs.common.flow.node import NodeTypes
from libs.common.flow.plan import Program
from libs.common.flow.rules import VIOLATION, Report, validate
from libs.common.flow.simulate import make_program
from libs.common.wire.events import PublishWanted
from services.management.author import Author
from services.management.change import Change
from services.management.findings import KEEPS_CHANGING, Find, Unfound, find_now
from services.management.ports import Compiler, Judge
from services.management.records import FlowRecord, FlowVersion, Status
from services.management.store import Store
from services.management.uses import affected, callers, touched, with_flow
from services.management.verdicts import Untested, Verdicts

NOT_VALID: Final = "the flow is not valid"
MOST_TRIES: Final = 100
"""At a change: one, and one more for each flow of an import that has golden tests."""

T = TypeVar("T")


class Moved(msgspec.Struct, frozen=True):
    """What became of a flow that is to run, or to run no more."""

    at: datetime
    """Since when that is so."""
    types: tuple[FlowType, ...]
    """What is to be published once it is committed."""


class Running:
    """What the use cases that change what runs have in common."""

    def __init__(self, store: Store, compiler: Compiler, types: NodeTypes, judge: Judge) -> None:
        self._store = store
        self._compiler = compiler
        self._types = types
        self._judge = judge

    async def change(
        self, tenant: str, author: Author, work: Callable[[Change], Awaitable[T]]
    ) -> T:
        """Do `work`, which may let versions run, in one transaction, and return what it does.

        It is done anew after golden tests that it needs have been run, and whatever else it has to
        know was found out. Raises `Conflict` where what is to run is another plan each time.
        """
        verdicts = Verdicts()
        spent = 0.0
        for _ in range(MOST_TRIES):
            try:
                async with self._store.changing(tenant, author, verdicts) as change:
                    return await work(change)
            except Untested as untested:
                for program in untested.programs:
                    judgement = await self._judge(program, untested.tests, spent)
                    spent += judgement.seconds
                    verdicts.note(program, untested.tests, judgement.problems)
            except Unfound as unfound:
                await unfound.learn()
        raise Conflict(KEEPS_CHANGING, retry_after=1.0)

    def validate(self, flow: Flow, library: Library) -> Report:
        """Check a version as it would run in `library`."""
        return validate(flow, self._types, with_flow(library, flow))

    async def check(
        self,
        flows: Sequence[Flow],
        library: Library,
        find: Find = find_now,
        *,
        running: Collection[int] = (),
    ) -> None:
        """Raise `Invalid` for a version that cannot run; those `running` may break invariants."""
        reports = await find(self.validate, flows, library)
        for flow, report in zip(flows, reports, strict=True):
            runs = flow.version in running
            errors = tuple(each for each in report.errors if not (runs and each.code == VIOLATION))
            if errors:
                raise invalid(errors)

    async def check_others(self, flow: Flow, library: Library, find: Find = find_now) -> None:
        """Raise `Invalid` if an active flow that holds `flow` would have a problem more."""
        (found,) = await find(self._broken, (flow,), library)
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
        find: Find = find_now,
    ) -> None:
        """Raise `Invalid` if one of a flow's versions fails a golden test.

        It may run all the same for a reason, which the audit log keeps. Raises `Untested` where
        the tests have not been run yet.
        """
        tests = await change.list_golden_tests(flows[0].id) if flows else ()
        if not tests:
            return
        programs = await find(self._program, flows, library)
        judged = change.verdicts.of(programs, tests)
        failures = {version: failed for version, failed in judged.items() if failed}
        if failures and override_reason is None:
            problems = tuple(problem for failed in failures.values() for problem in failed)
            raise Invalid("the flow does not pass its golden tests", problems)
        for version, failed in failures.items():
            await change.note(
                "override",
                flows[0].id,
                version=version,
                reason=override_reason,
                failed=[problem.path for problem in failed],
            )

    async def hindrance(self, tenant: str, newest: FlowVersion) -> tuple[Problem, ...]:
        """Say why a version could not run now; nothing where it could."""
        flow = newest.definition()
        async with self._store.reading(tenant) as rows:
            library = await rows.read_library()
            tests = await rows.list_golden_tests(flow.id)
        try:
            await self.check((flow,), library)
            await self.check_others(flow, library)
        except Invalid as error:
            return error.problems
        if not tests:
            return ()
        (program,) = await find_now(self._program, (flow,), library)
        return (await self._judge(program, tests, 0.0)).problems

    def _program(self, flow: Flow, library: Library) -> Program:
        """Compile a version that has no errors."""
        return make_program(flow, self._types, with_flow(library, flow))

    async def callers(self, library: Library, slug: str) -> tuple[Flow, ...]:
        """Find the active flows that run the flow `slug` inside, each at all of its versions."""
        return await asyncio.to_thread(callers, library, slug, self._types)

    async def refuse_if_called(self, library: Library, flow: FlowRecord) -> None:
        """Raise `Conflict` if active flows run this one inside."""
        names = {other.name for other in await self.callers(library, flow.name)}
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
        """Say that an active flow will run no more, or not by the name that it has.

        Raises `Conflict` if active flows run it.
        """
        library = await change.read_library()
        await self.refuse_if_called(library, flow)
        return await self.move(change, flow, library)

    async def move(
        self, change: Change, flow: FlowRecord, library: Library, find: Find = find_now
    ) -> tuple[FlowType, ...]:
        """Say that what runs of an active flow changes; return the types that it changes for."""
        (types,) = await find(self._touched, ((flow.name, flow.type),), library)
        await change.bump_pointers(types)
        return types

    def _touched(self, about: tuple[str, FlowType], library: Library) -> tuple[FlowType, ...]:
        return touched(library, *about, self._types)

    async def publish(self, tenant: str, types: Iterable[FlowType]) -> None:
        """Have what changed published at once, if that can be, after it is committed."""
        await asyncio.gather(
            *(self._compiler.publish(PublishWanted(tenant, type)) for type in types)
        )


def invalid(problems: tuple[Problem, ...]) -> Invalid:
    """Refuse a flow with all of its problems."""
    return Invalid(NOT_VALID, problems)
