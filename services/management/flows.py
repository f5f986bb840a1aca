"""What can be done with flows: write, check, compile, run, stop, delete.

Knows neither SQL nor HTTP, and writes no plan: it asks the compiler for one, and goes on without
an answer wherever the event that is committed with the change brings the same about later.
"""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Protocol

import msgspec
from msgspec import UNSET, UnsetType

from libs.common.errors import Conflict, Invalid, NotFound, Problem, Unavailable
from libs.common.flow.model import FlowType, Graph
from libs.common.flow.node import NodeTypes
from libs.common.flow.rules import Report, validate
from libs.common.wire.events import (
    Answer,
    CompileWanted,
    Done,
    Failed,
    Missing,
    PublishWanted,
    Refused,
)
from services.management.records import Filter, FlowRecord, Newest, Place, Status
from services.management.store import Change, Store


class Compiler(Protocol):
    """The compiler, as far as management asks it."""

    async def compile(self, wanted: CompileWanted) -> Answer:
        """Compile now; raise `Unavailable` if nobody answers in time."""

    async def publish(self, wanted: PublishWanted) -> None:
        """Publish what is active, within about two seconds, or let the event do it."""


class NewFlow(msgspec.Struct, frozen=True, kw_only=True):
    """A flow that is to be created."""

    name: str
    display_name: str
    description: str | None
    type: FlowType
    graph: Graph


class Edit(msgspec.Struct, frozen=True, kw_only=True):
    """What is to change of a flow; what is unset stays."""

    name: str | UnsetType = UNSET
    display_name: str | UnsetType = UNSET
    description: str | UnsetType | None = UNSET
    type: FlowType | UnsetType = UNSET
    graph: Graph | UnsetType = UNSET


class Page(msgspec.Struct, frozen=True):
    """Some of the flows that were asked for."""

    items: tuple[FlowRecord, ...]
    total: int
    """How many were asked for on all pages."""
    next: Place | None
    """Where the next page begins; None at the end."""


class Compiled(msgspec.Struct, frozen=True):
    """A version whose plan is in Redis."""

    flow: str
    version: int
    at: int
    """Unix seconds."""


class Switched(msgspec.Struct, frozen=True):
    """A flow that was activated or deactivated."""

    flow: str
    status: Status
    at: datetime


NO_FLOW = "there is no such flow"


class Flows:
    """The flows of all tenants; who may do what has been decided before."""

    def __init__(self, store: Store, compiler: Compiler, types: NodeTypes) -> None:
        self._store = store
        self._compiler = compiler
        self._types = types

    async def list(self, tenant: str, wanted: Filter, after: Place | None, limit: int) -> Page:
        """List flows, the oldest first; raise `NotFound` for a tenant that is none."""
        # One more than asked for tells whether there is a next page.
        found = await self._store.list_flows(tenant, wanted, after, limit + 1)
        total = await self._store.count_flows(tenant, wanted)
        if not total and not await self._store.has_tenant(tenant):
            raise NotFound("there is no such tenant")
        items = found[:limit]
        last = items[-1] if len(found) > limit else None
        return Page(items, total, Place(last.created_at, last.id) if last else None)

    async def get(self, tenant: str, id: str) -> Newest:
        """Return a flow with its newest version, or raise `NotFound`."""
        return _existing(await self._store.find_flow(tenant, id))

    async def create(self, tenant: str, new: NewFlow, author: str) -> Newest:
        """Save a draft, valid or not; raise `Conflict` where its name is taken."""
        async with self._store.changing(tenant) as change:
            id = await _claim_id(change, new.name)
            await change.add_flow(
                id,
                name=new.name,
                display_name=new.display_name,
                description=new.description,
                type=new.type,
                graph=_written(new.graph),
                author=author,
            )
            created = _existing(await change.find_flow(id))
            await change.tell(created.flow, "created")
        return created

    async def update(self, tenant: str, id: str, edit: Edit, author: str) -> Newest:
        """Change a flow: a changed definition is its next version, and does not run by itself."""
        async with self._store.changing(tenant) as change:
            before = _existing(await change.hold_flow(id))
            flow = before.flow
            if edit.type is not UNSET and edit.type is not flow.type:
                problem = Problem("immutable", "a flow keeps its type; create another", path="type")
                raise Invalid("the type of a flow cannot change", (problem,))
            graph = None if edit.graph is UNSET or _same(edit.graph, before) else edit.graph
            edited = _edited(flow, edit)
            if graph is None and edited == flow:
                return before
            if graph is not None:
                await change.add_version(id, _written(graph), author)
            await change.edit_flow(edited)
            # A start may ask for a flow by name, so the name is part of what is published.
            published = flow.status is Status.ACTIVE and edited.name != flow.name
            if published:
                await change.bump_pointer(flow.type)
            after = _existing(await change.find_flow(id))
            await change.tell(after.flow, "updated")
        if published:
            await self._compiler.publish(PublishWanted(tenant, flow.type))
        return after

    async def delete(self, tenant: str, id: str) -> None:
        """Delete a flow for good, and stop it first if it runs; running sessions finish."""
        async with self._store.changing(tenant) as change:
            flow = _existing(await change.hold_flow(id)).flow
            active = flow.status is Status.ACTIVE
            if active:
                await change.bump_pointer(flow.type)
            await change.delete_flow(id)
            await change.tell(flow, "deleted")
        if active:
            await self._compiler.publish(PublishWanted(tenant, flow.type))

    async def validate(self, tenant: str, id: str) -> Report:
        """Check the newest version."""
        return validate((await self.get(tenant, id)).definition(), self._types)

    async def compile(self, tenant: str, id: str) -> Compiled:
        """Have the newest version compiled, and return when its plan is in Redis.

        Raises `Invalid` with every problem of an invalid flow, and `Unavailable` when the
        compiler, or what it needs, is down.
        """
        version = (await self.get(tenant, id)).flow.version
        match await self._compiler.compile(CompileWanted(tenant, id, version)):
            case Done(plan=str(plan), at=at):
                await self._store.record_plan(tenant, id, version, plan, at)
                return Compiled(id, version, at)
            case Refused(problems=problems):
                raise _invalid(problems)
            case Missing():
                raise NotFound(NO_FLOW)
            case Failed(what=what):
                raise Unavailable(what)
            case Done():
                raise Unavailable("compiler")

    async def activate(self, tenant: str, id: str) -> Switched:
        """Let new sessions run the newest version; raise `Invalid` for one that cannot run."""
        async with self._store.changing(tenant) as change:
            newest = _existing(await change.hold_flow(id))
            flow = newest.flow
            report = validate(newest.definition(), self._types)
            if not report.valid:
                raise _invalid(report.errors)
            at = flow.activated_at
            if at is None or flow.active_version != flow.version:
                await change.bump_pointer(flow.type)
                at = await change.activate_flow(id)
                await change.tell(flow, "activated")
        await self._compiler.publish(PublishWanted(tenant, flow.type))
        return Switched(id, Status.ACTIVE, at)

    async def deactivate(self, tenant: str, id: str) -> Switched:
        """Let no new session run it; raise `Conflict` if none could."""
        async with self._store.changing(tenant) as change:
            flow = _existing(await change.hold_flow(id)).flow
            if flow.status is not Status.ACTIVE:
                raise Conflict("the flow is not active")
            await change.bump_pointer(flow.type)
            at = await change.deactivate_flow(id)
            await change.tell(flow, "deactivated")
        await self._compiler.publish(PublishWanted(tenant, flow.type))
        return Switched(id, Status.INACTIVE, at)


def _existing(found: Newest | None) -> Newest:
    if found is None:
        raise NotFound(NO_FLOW)
    return found


def _invalid(problems: tuple[Problem, ...]) -> Invalid:
    return Invalid("the flow is not valid", problems)


async def _claim_id(change: Change, name: str) -> str:
    """Take an id that was never given: `flow_` and the name, with a suffix where that is gone."""
    plain = "flow_" + name.replace("-", "_")
    id = plain
    while not await change.claim_id(id):
        # Random: counting up would ask once for each flow that ever had this name.
        id = f"{plain}_{secrets.token_hex(3)}"
    return id


def _written(graph: Graph) -> str:
    return msgspec.json.encode(graph).decode()


def _same(graph: Graph, before: Newest) -> bool:
    # As bytes: to Python `true` equals 1, to an author it does not.
    stored = before.definition().graph
    return _ORDERED.encode(graph) == _ORDERED.encode(stored)


_ORDERED = msgspec.json.Encoder(order="deterministic")


def _edited(flow: FlowRecord, edit: Edit) -> FlowRecord:
    """Return `flow` with what `edit` says of its names."""
    return msgspec.structs.replace(
        flow,
        name=flow.name if edit.name is UNSET else edit.name,
        display_name=flow.display_name if edit.display_name is UNSET else edit.display_name,
        description=flow.description if edit.description is UNSET else edit.description,
    )
