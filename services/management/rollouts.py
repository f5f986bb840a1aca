"""Sharing new sessions among the versions of a flow, and taking that back."""

from __future__ import annotations

import msgspec
import structlog
from structlog.typing import FilteringBoundLogger

from libs.common.errors import Invalid, Problem, Unavailable
from libs.common.flow.model import FlowType
from libs.common.wire.events import RolloutFailed
from libs.common.wire.inspect import Count, Counted, CountWanted
from libs.common.wire.rollouts import Abort, Rollout, Share
from services.management.author import Author
from services.management.change import Change
from services.management.findings import Find, Findings
from services.management.flows import existing, held
from services.management.ports import Executors
from services.management.records import FlowRecord, FlowVersion
from services.management.running import Running
from services.management.store import Store

MOST_VERSIONS = 10
_NOBODY = Author("gatehouse")
"""Who takes a rollout back that nobody looked after."""

log: FilteringBoundLogger = structlog.get_logger()


class NewRollout(msgspec.Struct, frozen=True):
    """How new sessions are to be shared."""

    versions: tuple[Share, ...]
    abort: Abort | None
    """None lets it go on whatever becomes of its sessions."""
    override_reason: str | None = None


class Rollouts:
    """The rollouts of the flows of all tenants."""

    def __init__(self, store: Store, running: Running, executors: Executors) -> None:
        self._store = store
        self._running = running
        self._executors = executors

    async def get(self, tenant: str, id: str) -> tuple[FlowRecord, Counted | None]:
        """Return a flow with its rollout and, if it has one and they are known, its figures.

        Raises `NotFound`.
        """
        async with self._store.reading(tenant) as rows:
            flow = existing(await rows.find_record(id))
        return flow, None if flow.rollout is None else await self._count(tenant, id, flow.rollout)

    async def _count(self, tenant: str, id: str, rollout: Rollout) -> Counted | None:
        """Return how sessions of each version have ended; None where no executor can tell."""
        try:
            answer = await self._executors.ask(CountWanted(tenant, id, rollout.id))
        except Unavailable:
            return None
        if not isinstance(answer, Counted):
            return None
        known = {each.version: each for each in answer.versions}
        versions = (share.version for share in rollout.versions)
        return Counted(
            answer.under_way, tuple(known.get(each, Count(each, 0, 0)) for each in versions)
        )

    async def start(self, tenant: str, id: str, new: NewRollout, author: Author) -> FlowVersion:
        """Share new sessions among versions from now on; the flow is active then.

        One version has all of them. Raises `Invalid` for versions that are none, cannot run, or
        fail a golden test without an `override_reason`; of those that run already, no test is asked
        and no invariant.
        """
        _check(new)
        # Ten versions of a large flow take longer than a change may.
        findings = Findings()

        async def start(change: Change) -> tuple[FlowVersion, tuple[FlowType, ...]]:
            await change.hold_active()
            flow = (await held(change, id)).flow
            baseline = new.versions[0].version
            if any(share.version == flow.active_version for share in new.versions):
                baseline = flow.active_version or baseline
            published: tuple[FlowType, ...] = (flow.type,)
            if not _is_as_wanted(flow, new, baseline):
                published = await self._start(change, flow, new, baseline, findings)
            return existing(await change.find_flow(id)), published

        after, published = await self._running.change(tenant, author, start)
        await self._running.publish(tenant, published)
        return after

    async def _start(
        self, change: Change, flow: FlowRecord, new: NewRollout, baseline: int, find: Find
    ) -> tuple[FlowType, ...]:
        id = flow.id
        numbers = dict.fromkeys((baseline, *(share.version for share in new.versions)))
        found = {number: await change.find_flow(id, number) for number in numbers}
        _check_known(new, {number for number, version in found.items() if version})
        definitions = [version.definition() for version in found.values() if version]
        library = await change.read_library()
        # What new sessions get already may go on: nothing that came later, a test or a demand, may
        # keep a rollout from being taken back to it.
        stays = {number for number in found if flow.weight(number) is not None}
        fresh = [each for each in definitions if each.version not in stays]
        await self._running.check(definitions, library, find, running=stays)
        # What runs the flow inside runs its baseline, the first of these.
        await self._running.check_others(definitions[0], library, find)
        await self._running.pass_tests(change, fresh, library, new.override_reason, find)
        published = await self._running.move(change, flow, library, find)
        # Numbered once nothing is left to be found out: a try that is taken back leaves a gap.
        entry = await change.number_entry()
        rollout = Rollout(entry, new.versions, baseline, new.abort)
        alone = len(new.versions) == 1
        await change.activate_flow(id, baseline, None if alone else rollout)
        await change.note(
            "rollout",
            id,
            entry,
            version=baseline,
            was=flow.active_version,
            versions=new.versions,
            abort=new.abort,
        )
        await change.tell(flow, "activated", published)
        return published

    async def abort(self, failed: RolloutFailed) -> bool:
        """Give all new sessions to the baseline; False if that rollout is over already."""
        async with self._store.changing(failed.tenant, _NOBODY) as change:
            await change.hold_active()
            held = await change.hold_flow(failed.flow)
            if held is None or held.flow.rollout is None or held.flow.rollout.id != failed.rollout:
                return False
            flow = held.flow
            published = await self._running.move(change, flow, await change.read_library())
            await change.end_rollout(flow.id)
            figures = msgspec.structs.asdict(failed)
            for known in ("tenant", "flow", "at"):
                del figures[known]
            await change.note("rollout.aborted", flow.id, **figures)
            await change.tell(flow, "activated", published)
        log.warning("rollout_aborted", tenant=failed.tenant, flow=failed.flow, **figures)
        await self._running.publish(failed.tenant, published)
        return True


def _check(new: NewRollout) -> None:
    problems = [
        Problem("invalid", "name each version once", path=f"versions[{index}].version")
        for index, share in enumerate(new.versions)
        if share.version in {other.version for other in new.versions[:index]}
    ]
    if problems:
        raise Invalid("the rollout is not as expected", tuple(problems))


def _check_known(new: NewRollout, known: set[int]) -> None:
    problems = [
        Problem("invalid", "the flow has no such version", path=f"versions[{index}].version")
        for index, share in enumerate(new.versions)
        if share.version not in known
    ]
    if problems:
        raise Invalid("the rollout is not as expected", tuple(problems))


def _is_as_wanted(flow: FlowRecord, new: NewRollout, baseline: int) -> bool:
    """Whether this is what runs already: the rollout goes on then, with its figures."""
    if flow.active_version != baseline:
        return False
    if flow.rollout is None:
        return len(new.versions) == 1
    return (flow.rollout.versions, flow.rollout.abort) == (new.versions, new.abort)
