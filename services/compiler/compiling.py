"""What the compiler does: one version compiled, one pointer published, all that is missing found.

Each of these reads what is true now and may be done again at any time: an event that comes
twice, late or out of order leads to the same plans and pointers.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping

import structlog
from structlog.typing import FilteringBoundLogger

from libs.common.errors import Invalid, Unavailable
from libs.common.flow.compile import compile_flow
from libs.common.flow.model import Flow, FlowType, Library
from libs.common.flow.plan import encode, name_of
from libs.common.nodes.catalogue import NODE_TYPES
from libs.common.wire.events import Answer, Done, Missing, PlanCompiled, Refused
from libs.common.wire.plans import FORMAT, Candidate, Pointer, Rollout, Weighted
from libs.common.wire.rollouts import NEVER, WHOLE
from services.compiler.metrics import CompilerMetrics
from services.compiler.publish import Shelf
from services.compiler.store import ActiveFlow, Generation, Store

log: FilteringBoundLogger = structlog.get_logger()

Announce = Callable[[PlanCompiled], Awaitable[None]]


class Compiler:
    """The compiler's work; methods raise `Unavailable` while something they need is away."""

    def __init__(
        self, store: Store, shelf: Shelf, announce: Announce, metrics: CompilerMetrics
    ) -> None:
        self._store = store
        self._shelf = shelf
        self._announce = announce
        self._metrics = metrics

    async def compile(self, tenant: str, flow: str, version: int) -> Answer:
        """Compile a version, and answer once its plan is in Redis."""
        definition = await self._store.read_version(tenant, flow, version)
        active = await self._store.read_active(tenant)
        if definition is None or active is None:
            return Missing()
        try:
            plan, data = self._compile(definition, active.library)
        except Invalid as error:
            return Refused(error.problems)
        await self._shelf.hold(tenant, plan, data)
        at = int(time.time())
        await self._tell(PlanCompiled(tenant, flow, version, plan, at))
        return Done(plan, at)

    async def publish(self, tenant: str, kind: FlowType) -> Answer:
        """Make Redis hold what is active in `tenant` for `kind`, and the plans of it."""
        active = await self._store.read_active(tenant)
        generation = None if active is None else active.generations.get(kind.value)
        if active is None or generation is None:
            return Missing()
        plans: dict[str, bytes] = {}
        candidates: list[Candidate] = []
        compiled: list[PlanCompiled] = []
        at = int(time.time())
        for entry in active.flows:
            if entry.flow.type is not kind:
                continue
            made = self._compile_all(tenant, entry, active.library)
            if made is None:
                continue
            plans |= dict(made.values())
            names = {number: plan for number, (plan, _) in made.items()}
            candidates.append(_candidate(entry, names))
            compiled += (
                PlanCompiled(tenant, entry.flow.id, number, plan, at)
                for number, plan in names.items()
            )
        pointer = Pointer(FORMAT, generation, tuple(candidates))
        moved = await self._shelf.publish(tenant, kind, pointer, plans)
        self._metrics.published(moved=moved)
        for event in compiled:
            await self._tell(event)
        return Done(at=at)

    def _compile_all(
        self, tenant: str, entry: ActiveFlow, library: Library
    ) -> dict[int, tuple[str, bytes]] | None:
        """Compile each version that new sessions may get; None where one of them cannot run."""
        try:
            return {
                flow.version: self._compile(flow, library, running=True) for flow in entry.versions
            }
        except Invalid as error:
            # It was valid when it was activated, so another release did that. The others
            # of its type go on; the operator hears of this one.
            codes = sorted({problem.code for problem in error.problems})
            log.error("active_flow_invalid", tenant=tenant, flow=entry.flow.id, problems=codes)  # noqa: TRY400 - the codes are the reason
            return None

    async def reconcile(self, *, everything: bool) -> int:
        """Publish what Redis lacks or has of an older generation; return how much that was.

        With `everything`, whatever Redis has is made again: another release may compile it to
        another plan. Raises `Unavailable` at the end where something that was needed was away;
        what could be made is made by then.
        """
        made = 0
        away: Unavailable | None = None
        async for page in self._store.read_generations():
            for wanted in page:
                try:
                    made += await self._reconcile_one(wanted, everything=everything)
                except Unavailable as error:
                    # As one shard of a cluster; the others' flows are not to wait for it.
                    away = error
                except Exception:
                    # One row that this release cannot read must not keep all tenants from theirs.
                    log.exception("pointer_not_published", tenant=wanted.tenant, type=wanted.type)
        if away is not None:
            raise away
        return made

    async def _reconcile_one(self, wanted: Generation, *, everything: bool) -> bool:
        kind = FlowType(wanted.type)
        if not everything:
            published = await self._shelf.generation(wanted.tenant, kind)
            if published is not None and published >= wanted.generation:
                return False
        await self.publish(wanted.tenant, kind)
        return True

    async def _tell(self, event: PlanCompiled) -> None:
        # A note for people. What runs must not wait for it: while JetStream is away, a rebuild
        # would end at the first flow.
        try:
            await self._announce(event)
        except Unavailable as error:
            log.warning("plan_not_told", tenant=event.tenant, flow=event.flow, reason=error.message)

    def _compile(self, flow: Flow, library: Library, *, running: bool = False) -> tuple[str, bytes]:
        with self._metrics.compiling():
            data = encode(compile_flow(flow, NODE_TYPES, library, running=running))
        return name_of(data), data


def _candidate(entry: ActiveFlow, plans: Mapping[int, str]) -> Candidate:
    """Say what new sessions may get of a flow whose versions have these plans."""
    flow, written = entry.flow, entry.rollout
    if written is None:
        alone = Weighted(plans[flow.version], flow.version, WHOLE)
        return Candidate(flow.id, flow.name, (alone,))
    shares = tuple(Weighted(plans[s.version], s.version, s.weight) for s in written.versions)
    rule = written.abort or NEVER
    rollout = Rollout(written.id, written.baseline, rule.margin, rule.sessions)
    return Candidate(flow.id, flow.name, shares, rollout)
