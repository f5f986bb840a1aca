"""What can be done with flows: write, check, compile, run, stop, delete.

Knows neither SQL nor HTTP, and writes no plan: it asks the compiler for one, and goes on without
an answer wherever the event that is committed with the change brings the same about later.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TypeVar

import msgspec
from msgspec import UNSET, UnsetType

from libs.common.errors import Conflict, Invalid, NotFound, Problem, Unavailable
from libs.common.flow.model import FlowType, Graph, Json, Settings
from libs.common.flow.rules import Report
from libs.common.wire.events import CompileWanted, Done, Failed, Missing, Refused
from services.management.author import Author
from services.management.bindings import ENDS, Drawn
from services.management.change import Change
from services.management.ports import Compiler
from services.management.records import (
    Filter,
    FlowRecord,
    FlowVersion,
    GoldenTest,
    Listed,
    Look,
    Place,
    Status,
    page_of,
)
from services.management.rows import NO_TENANT
from services.management.running import Moved, Running, invalid
from services.management.saving import claim_id, renamed, same, save
from services.management.settings import SomeSettings
from services.management.store import Store

T = TypeVar("T")

Redraw = Callable[[Graph], Graph]
"""Raises `Invalid` or `Conflict` for a graph that it cannot draw from."""
Rebind = Callable[[Drawn], Drawn]
"""Raises `Invalid` or `NotFound` for what cannot be done."""


class NewFlow(msgspec.Struct, frozen=True, kw_only=True):
    """A flow that is to be created."""

    name: str | None
    """None makes one of the display name."""
    display_name: str
    description: str | None
    type: FlowType
    graph: Graph
    settings: Settings = Settings()
    note: str | None = None
    golden_tests: tuple[GoldenTest, ...] = ()
    status: Status = Status.DRAFT
    source: str | None = None
    """Where it comes from, for the audit log, unless it was drawn here."""
    title: str | None = None
    look: Look = Look()
    activates_itself: bool = False


class Edit(msgspec.Struct, frozen=True, kw_only=True):
    """What is to change of a flow; what is unset stays."""

    name: str | UnsetType = UNSET
    display_name: str | UnsetType = UNSET
    description: str | UnsetType | None = UNSET
    type: FlowType | UnsetType = UNSET
    graph: Graph | UnsetType = UNSET
    settings: SomeSettings = SomeSettings()
    note: str | None = None
    """Kept with the version that this makes, if it makes one."""
    golden_tests: tuple[GoldenTest, ...] | UnsetType = UNSET
    redraw: Redraw | None = None
    """Draws the next graph from the newest, where a whole `graph` would take away what somebody
    else has drawn since."""
    rebind: Rebind | None = None
    """Does the same, and says what clients of bindings are told of it."""
    status: Status | UnsetType = UNSET
    at_once: bool = False
    """Let the newest version run if the flow is active, which it then has to be able to."""
    if_able: bool = False
    """Let the newest version run if it can, and the flow is active or activates itself."""
    title: str | UnsetType = UNSET
    look: Mapping[str, Json] = msgspec.field(default_factory=dict)
    """Fields of `Look`: a whole one would take away what somebody else has set since."""


class Page(msgspec.Struct, frozen=True):
    """Some of the flows that were asked for."""

    items: tuple[FlowRecord, ...]
    total: int
    """How many were asked for on all pages."""
    next: Place | None
    """Where the next page begins; None at the end."""


class NumberedPage(msgspec.Struct, frozen=True):
    """The flows on a page that was asked for by its number."""

    items: tuple[Listed, ...]
    total: int | None
    """How many there are on all pages; None where nobody asked."""


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

    def __init__(self, store: Store, compiler: Compiler, running: Running) -> None:
        self._store = store
        self._compiler = compiler
        self._running = running

    async def list(self, tenant: str, wanted: Filter, after: Place | None, limit: int) -> Page:
        """List flows, the oldest first; raise `NotFound` for a tenant that is none."""
        async with self._store.reading(tenant) as rows:
            found = await rows.list_flows(wanted, after, limit + 1)
            total = await rows.count_flows(wanted)
            if not total and not await rows.has_tenant():
                raise NotFound(NO_TENANT)
        items, following = page_of(found, limit, lambda one: one.id)
        return Page(items, total, following)

    async def page(self, tenant: str, start: int, most: int, *, count: bool) -> NumberedPage:
        """List up to `most` flows, the oldest first, from the one with `start` before it.

        Nothing lies past the end. Raises `NotFound` for a tenant that is none.
        """
        async with self._store.reading(tenant) as rows:
            items = await rows.list_flows_from(start, most)
            total = await rows.count_flows(Filter()) if count else None
            if not items and not await rows.has_tenant():
                raise NotFound(NO_TENANT)
        return NumberedPage(items, total)

    async def get(self, tenant: str, id: str) -> FlowVersion:
        """Return a flow with its newest version, or raise `NotFound`."""
        async with self._store.reading(tenant) as rows:
            return existing(await rows.find_flow(id))

    async def create(self, tenant: str, new: NewFlow, author: Author) -> FlowVersion:
        """Save a flow; a draft may be invalid. Raises `Conflict` where its name is taken."""

        async def create(change: Change) -> tuple[FlowVersion, tuple[FlowType, ...]]:
            return await self.create_in(change, new)

        created, published = await self._running.change(tenant, author, create)
        await self._running.publish(tenant, published)
        return created

    async def create_in(
        self, change: Change, new: NewFlow
    ) -> tuple[FlowVersion, tuple[FlowType, ...]]:
        """Create a flow in a change that goes on; return it, and what is to be published then."""
        published: tuple[FlowType, ...] = ()
        if new.status is not Status.DRAFT:
            await change.hold_active()
        id, name = await claim_id(change, new.name, new.display_name)
        await change.add_flow(
            id,
            name=name,
            display_name=new.display_name,
            description=new.description,
            type=new.type,
            title=new.title,
            look=new.look,
            activates_itself=new.activates_itself,
        )
        await save(change, id, 1, new.graph, new.settings, new.note)
        if new.golden_tests:
            await change.replace_golden_tests(id, new.golden_tests)
        created = existing(await change.find_flow(id))
        source = {} if new.source is None else {"source": new.source}
        await change.note("create", id, name=name, version=1, **source)
        await change.tell(created.flow, "created")
        if new.status is not Status.DRAFT:
            published = await self._switch(change, created, new.status)
            created = existing(await change.find_flow(id))
        return created, published

    async def update(self, tenant: str, id: str, edit: Edit, author: Author) -> FlowVersion:
        """Change a flow: a changed definition is its next version, and runs as the edit says."""

        async def update(change: Change) -> tuple[FlowVersion, tuple[FlowType, ...]]:
            return await self.update_in(change, id, edit)

        after, published = await self._running.change(tenant, author, update)
        await self._running.publish(tenant, published)
        return after

    async def update_in(
        self, change: Change, id: str, edit: Edit
    ) -> tuple[FlowVersion, tuple[FlowType, ...]]:
        """Change a flow in a change that goes on; return it, and what is to be published then."""
        published: tuple[FlowType, ...] = ()
        if edit.name is not UNSET or edit.status is not UNSET or edit.at_once or edit.if_able:
            await change.hold_active()
        before = await held(change, id)
        flow, was = before.flow, before.definition()
        if edit.type is not UNSET and edit.type is not flow.type:
            problem = Problem("immutable", "a flow keeps its type; create another", path="type")
            raise Invalid("the type of a flow cannot change", (problem,))
        graph = was.graph if edit.graph is UNSET else edit.graph
        if edit.redraw is not None:
            graph = edit.redraw(was.graph)
        new = _edited(flow, edit)
        if edit.rebind is not None:
            drawn = edit.rebind(before.drawn())
            graph, new = drawn.graph, msgspec.structs.replace(new, bindings=drawn.told)
        settings = edit.settings.applied_to(was.settings)
        changed = [
            *([] if same(graph, was.graph) else ["graph"]),
            *([] if same(settings, was.settings) else ["settings"]),
            *renamed(flow, new),
        ]
        if edit.golden_tests is not UNSET and edit.golden_tests != (
            await change.list_golden_tests(id)
        ):
            await change.replace_golden_tests(id, edit.golden_tests)
            changed.append("golden_tests")
        if "graph" in changed or "settings" in changed:
            await save(change, id, flow.version + 1, graph, settings, edit.note)
        if changed:
            await change.edit_flow(new)
            # A start may ask for a flow by name, so the name is part of what is published.
            if flow.status is Status.ACTIVE and new.name != flow.name:
                published = await self._running.take_away(change, flow)
            after = existing(await change.find_flow(id))
            await change.note("update", id, version=after.flow.version, changed=changed)
            await change.tell(after.flow, "updated", published)
        wanted = flow.status if edit.status is UNSET else edit.status
        if wanted is not flow.status or (edit.at_once and wanted is Status.ACTIVE):
            newest = existing(await change.find_flow(id))
            published += await self._switch(change, newest, wanted)
        elif edit.if_able:
            published += await self._try(change, existing(await change.find_flow(id)))
        after = existing(await change.find_flow(id))
        return after, tuple(dict.fromkeys(published))

    async def _try(self, change: Change, newest: FlowVersion) -> tuple[FlowType, ...]:
        """Let the newest version of a flow that is held run, where that is wanted and can be."""
        flow, nodes = newest.flow, newest.definition().graph.nodes
        # One without a stage does nothing, which nobody can want to be the first of its type.
        grown = flow.activates_itself and any(node.type not in ENDS for node in nodes)
        if not grown and (flow.status is not Status.ACTIVE or flow.version == flow.active_version):
            return ()
        try:
            return (await self._running.start(change, newest)).types
        except Invalid:
            # Nothing was written by then. What runs goes on, and the flow is shown with the reason.
            return ()

    async def _switch(
        self, change: Change, newest: FlowVersion, status: Status
    ) -> tuple[FlowType, ...]:
        """Give a flow that is held this status; raise `Invalid` where that cannot be."""
        if status is Status.ACTIVE:
            return (await self._running.start(change, newest)).types
        if status is Status.INACTIVE:
            return (await self._running.stop(change, newest.flow)).types
        problem = Problem("immutable", "it was active; make it inactive", path="status")
        raise Invalid("a flow that was active cannot be a draft again", (problem,))

    async def delete(self, tenant: str, id: str, author: Author) -> None:
        """Delete a flow for good, and stop it first if it runs; running sessions finish.

        Raises `Conflict` while an active flow runs it inside.
        """
        published: tuple[FlowType, ...] = ()
        async with self._store.changing(tenant, author) as change:
            await change.hold_active()
            flow = (await held(change, id)).flow
            if flow.status is Status.ACTIVE:
                published = await self._running.take_away(change, flow)
            await change.delete_flow(id)
            await change.note("delete", id, name=flow.name, was=flow.active_version)
            await change.tell(flow, "deleted", published)
        await self._running.publish(tenant, published)

    async def validate(self, tenant: str, id: str) -> Report:
        """Check the newest version, as it would run beside what is active."""
        async with self._store.reading(tenant) as rows:
            newest = existing(await rows.find_flow(id))
            library = await rows.read_library()
        # In a thread: see `running`.
        return await asyncio.to_thread(self._running.validate, newest.definition(), library)

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
                raise invalid(problems)
            case Missing():
                raise NotFound(NO_FLOW)
            case Failed(what=what):
                raise Unavailable(what)
            case Done():
                raise Unavailable("compiler")

    async def activate(
        self, tenant: str, id: str, author: Author, override_reason: str | None = None
    ) -> Switched:
        """Let new sessions run the newest version; raise `Invalid` for one that cannot run.

        One that fails its golden tests runs only with an `override_reason`. A rollout ends.
        """

        async def start(change: Change) -> Moved:
            await change.hold_active()
            return await self._running.start(change, await held(change, id), override_reason)

        moved = await self._running.change(tenant, author, start)
        await self._running.publish(tenant, moved.types)
        return Switched(id, Status.ACTIVE, moved.at)

    async def deactivate(self, tenant: str, id: str, author: Author) -> Switched:
        """Let no new session run it; raise `Conflict` if none could, or an active flow runs it."""
        async with self._store.changing(tenant, author) as change:
            await change.hold_active()
            flow = (await held(change, id)).flow
            if flow.status is not Status.ACTIVE:
                raise Conflict("the flow is not active")
            moved = await self._running.stop(change, flow)
        await self._running.publish(tenant, moved.types)
        return Switched(id, Status.INACTIVE, moved.at)


def existing(found: T | None) -> T:
    """Return what was found, or raise `NotFound`."""
    if found is None:
        raise NotFound(NO_FLOW)
    return found


async def held(change: Change, id: str) -> FlowVersion:
    """Return a flow that nobody else changes until the end, if it is as the author demands.

    Raises `NotFound`, or `Stale`.
    """
    found = existing(await change.hold_flow(id))
    change.demand(found.tag())
    return found


def _edited(flow: FlowRecord, edit: Edit) -> FlowRecord:
    """Return `flow` with what `edit` says of its names and its look."""
    return msgspec.structs.replace(
        flow,
        name=flow.name if edit.name is UNSET else edit.name,
        display_name=flow.display_name if edit.display_name is UNSET else edit.display_name,
        description=flow.description if edit.description is UNSET else edit.description,
        title=flow.title if edit.title is UNSET else edit.title,
        look=msgspec.structs.replace(flow.look, **edit.look),
    )
