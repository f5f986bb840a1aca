"""The order of the active flows of a type: a start takes the first whose policies pass."""

from __future__ import annotations

from collections.abc import Sequence

from libs.common.errors import Conflict, NotFound
from libs.common.flow.model import FlowType
from services.management.author import Author
from services.management.entries import Resource
from services.management.etags import tag_of
from services.management.records import Candidate
from services.management.rows import NO_TENANT
from services.management.running import Running
from services.management.store import Store
from services.management.uses import active_types


class Candidates:
    """The candidates of all tenants."""

    def __init__(self, store: Store, running: Running) -> None:
        self._store = store
        self._running = running

    async def list(self, tenant: str, type: FlowType) -> tuple[Candidate, ...]:
        """List the active flows of a type in order; raise `NotFound` for a tenant that is none."""
        async with self._store.reading(tenant) as rows:
            found = await rows.list_candidates(type)
            if not found and not await rows.has_tenant():
                raise NotFound(NO_TENANT)
        return found

    async def order(
        self, tenant: str, type: FlowType, flows: Sequence[str], author: Author
    ) -> tuple[Candidate, ...]:
        """Give the active flows of a type this order; raise `Conflict` unless all are named."""
        published: set[FlowType] = set()
        async with self._store.changing(tenant, author) as change:
            await change.hold_active()
            candidates = await change.list_candidates(type)
            change.demand(tag_of(candidates))
            before = [each.id for each in candidates]
            if sorted(before) != sorted(flows):
                raise Conflict("name each active flow of the type once, and no other")
            if list(flows) != before:
                published = {type}
                if type is FlowType.TRIGGER:
                    # Their order is in the plan of every flow that they run in.
                    published |= active_types(await change.read_library())
                await change.bump_pointers(sorted(published))
                await change.order_candidates(type, flows)
                about = Resource(f"candidates/{type}", before, flows)
                await change.note_resource("candidates", about)
                await change.tell_of_tenant(sorted(published))
            after = await change.list_candidates(type)
        await self._running.publish(tenant, sorted(published))
        return after
