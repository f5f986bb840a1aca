"""What can be done with flows through seed 003, where nobody activates: a save runs if it can.

A flow that was made here and never ran is activated by the first save of a binding after which it
is valid. Of an active one the last version that was able to run goes on until a newer one is.
"""

from __future__ import annotations

from uuid import UUID, uuid4

import msgspec
from msgspec import UNSET, UnsetType

from libs.common.errors import Invalid, NotFound, Problem
from services.management.author import Author
from services.management.bindings import (
    NO_BINDING,
    Binding,
    Drawn,
    Said,
    Stage,
    bind,
    find,
    pk_of,
    rebind,
    stage_of,
    stages_of,
    unbind,
)
from services.management.entries import Resource
from services.management.flows import NO_FLOW, Edit, Flows, NewFlow, existing
from services.management.records import FlowVersion, Instance, Instances, Status
from services.management.rows import NO_TENANT, Rows
from services.management.running import Running
from services.management.store import Store
from services.management.uses import active_types

NO_STAGE = "no stage of any flow here has this key"


class Shown(msgspec.Struct, frozen=True):
    """A flow, and why its newest version does not run where it is meant to."""

    instance: Instance
    problems: tuple[Problem, ...]


class Placed(msgspec.Struct, frozen=True):
    """A binding with the flow that it is of."""

    flow: FlowVersion
    binding: Binding


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What a client says of a binding; what is unset stays."""

    target: UUID | UnsetType = UNSET
    stage: UUID | UnsetType = UNSET
    order: int | UnsetType = UNSET
    said: Said = Said()


class FlowInstances:
    """The flows of all tenants, as seed 003 knows them."""

    def __init__(self, store: Store, flows: Flows, running: Running) -> None:
        self._store = store
        self._flows = flows
        self._running = running

    async def page(
        self, tenant: str, sought: Instances, number: int, size: int
    ) -> tuple[tuple[Instance, ...], int]:
        """List the flows on a page, from 1, and count all; raise `NotFound` past the last."""
        async with self._store.reading(tenant) as rows:
            if number < 1:
                raise NotFound("there is no such page")
            found, total = await rows.list_instances(sought, (number - 1) * size, size)
            if not found and not await rows.has_tenant():
                raise NotFound(NO_TENANT)
            if not found and number > 1:
                raise NotFound("there is no such page")
        return found, total

    async def find(self, tenant: str, slug: str) -> FlowVersion:
        """Return a flow as it was saved last, or raise `NotFound`."""
        async with self._store.reading(tenant) as rows:
            return existing(await rows.find_flow(await _id(rows, slug)))

    async def get(self, tenant: str, slug: str) -> Shown:
        """Return a flow, and why it does not run where it is meant to; or raise `NotFound`."""
        return await self._shown(tenant, await self.find(tenant, slug))

    async def create(self, tenant: str, new: NewFlow, author: Author) -> Shown:
        """Make a flow; raise `Conflict` where its slug is taken."""
        return await self._shown(tenant, await self._flows.create(tenant, new, author))

    async def update(self, tenant: str, slug: str, edit: Edit, author: Author) -> Shown:
        """Change a flow, or raise `NotFound`."""
        async with self._store.reading(tenant) as rows:
            id = await _id(rows, slug)
        return await self._shown(tenant, await self._flows.update(tenant, id, edit, author))

    async def delete(self, tenant: str, slug: str, author: Author) -> None:
        """Delete a flow, or raise `NotFound`."""
        async with self._store.reading(tenant) as rows:
            id = await _id(rows, slug)
        await self._flows.delete(tenant, id, author)

    async def bindings(self, tenant: str, target: UUID | None) -> tuple[Placed, ...]:
        """List the bindings of a flow, or of all flows by their slugs."""
        async with self._store.reading(tenant) as rows:
            found, _ = await rows.list_instances(Instances(pk=target), 0, None)
            if not found and not await rows.has_tenant():
                raise NotFound(NO_TENANT)
        return tuple(
            Placed(each.found, binding)
            for each in found
            for binding in stages_of(each.found.drawn())
        )

    async def callers(self, tenant: str, slug: str) -> tuple[FlowVersion, ...]:
        """Return the active flows that run this one inside, or raise `NotFound`."""
        async with self._store.reading(tenant) as rows:
            await _id(rows, slug)
            callers = await self._running.callers(await rows.read_library(), slug)
            found = [await rows.find_flow(id) for id in dict.fromkeys(each.id for each in callers)]
        # One that was deleted meanwhile calls nobody.
        return tuple(each for each in found if each is not None)

    async def count_plans(self, tenant: str) -> int:
        """Count the versions of all flows that have a plan."""
        async with self._store.reading(tenant) as rows:
            if not await rows.has_tenant():
                raise NotFound(NO_TENANT)
            return await rows.count_plans(None)

    async def publish(self, tenant: str, author: Author) -> None:
        """Have the plans of all that is active made and published again, later if need be."""
        async with self._store.changing(tenant, author) as change:
            if not await change.has_tenant():
                raise NotFound(NO_TENANT)
            types = sorted(active_types(await change.read_library()))
            if types:
                await change.tell_of_tenant(types)
            await change.note_resource("publish", Resource("plans", None, {"types": types}))
        await self._running.publish(tenant, types)

    async def binding(self, tenant: str, pk: UUID) -> Placed:
        """Return a binding, or raise `NotFound`."""
        async with self._store.reading(tenant) as rows:
            flow = existing(await rows.find_flow(await _bound(rows, pk)))
        return Placed(flow, find(flow.drawn(), pk))

    async def bind(
        self, tenant: str, target: UUID, stage: UUID, order: int, said: Said, author: Author
    ) -> Placed:
        """Put a copy of a stage into a flow."""
        pk = uuid4()
        async with self._store.reading(tenant) as rows:
            id = await rows.find_id_of_pk(target)
            if id is None:
                raise _wrong("target", NO_FLOW)
            copied = await _stage(rows, stage)

        def draw(drawn: Drawn) -> Drawn:
            return bind(drawn, copied, pk, order, said)

        flow = await self._flows.update(tenant, id, Edit(rebind=draw, if_able=True), author)
        return Placed(flow, find(flow.drawn(), pk))

    async def rebind(self, tenant: str, pk: UUID, wanted: Wanted, author: Author) -> Placed:
        """Change a binding, or raise `NotFound`; it stays in its flow."""
        async with self._store.reading(tenant) as rows:
            flow = existing(await rows.find_flow(await _bound(rows, pk)))
            if wanted.target not in (UNSET, flow.flow.pk):
                raise _wrong("target", "a binding stays in its flow; make another")
            # Also where it is that stage: somebody else may be giving it another.
            stage = None if wanted.stage is UNSET else await _stage(rows, wanted.stage)

        def draw(drawn: Drawn) -> Drawn:
            return rebind(drawn, pk, wanted.order, wanted.said, stage)

        edit = Edit(rebind=draw, if_able=True)
        flow = await self._flows.update(tenant, flow.flow.id, edit, author)
        return Placed(flow, find(flow.drawn(), pk))

    async def unbind(self, tenant: str, pk: UUID, author: Author) -> None:
        """Take a stage out of its flow, or raise `NotFound`."""
        async with self._store.reading(tenant) as rows:
            id = await _bound(rows, pk)
        edit = Edit(rebind=lambda drawn: unbind(drawn, pk), if_able=True)
        await self._flows.update(tenant, id, edit, author)

    async def _shown(self, tenant: str, found: FlowVersion) -> Shown:
        flow = found.flow
        async with self._store.reading(tenant) as rows:
            plans = await rows.count_plans(flow.id)
        behind = flow.status is Status.ACTIVE and flow.version != flow.active_version
        problems: tuple[Problem, ...] = ()
        if behind or flow.activates_itself:
            problems = await self._running.hindrance(tenant, found)
        return Shown(Instance(found, plans), problems)


async def _id(rows: Rows, slug: str) -> str:
    id = await rows.find_id(slug)
    if id is None:
        raise NotFound(NO_FLOW)
    return id


async def _bound(rows: Rows, pk: UUID) -> str:
    """Find the flow that a binding is of, or raise `NotFound`."""
    for each in await rows.list_nodes():
        # What was told of a node is enough to know its keys; the rest of the graph says nothing.
        drawn = Drawn(each.pk, told=each.told)
        if any(pk_of(drawn, id) == pk for id in each.nodes):
            return each.id
    raise NotFound(NO_BINDING)


async def _stage(rows: Rows, pk: UUID | UnsetType) -> Stage:
    """Find a stage in any flow, or raise `Invalid`."""
    for each in await rows.list_nodes():
        drawn = Drawn(each.pk, told=each.told)
        if any(stage_of(drawn, id) == pk for id in each.nodes):
            flow = existing(await rows.find_flow(each.id))
            for binding in stages_of(flow.drawn()):
                if binding.stage == pk:
                    return Stage(binding.stage, binding.node)
    raise _wrong("stage", NO_STAGE)


def _wrong(path: str, message: str) -> Invalid:
    return Invalid("the body is not as expected", (Problem("invalid", message, path=path),))
