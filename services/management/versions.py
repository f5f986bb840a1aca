"""What can be done with the versions of a flow: list them, look at one, compare two, go back."""

from __future__ import annotations

import asyncio
from datetime import datetime

import msgspec

from libs.common.errors import Conflict, Invalid, NotFound, Problem
from libs.common.flow.diff import Diff, diff
from libs.common.flow.model import FlowType
from libs.common.flow.node import NodeTypes
from services.management.author import Author
from services.management.change import Change
from services.management.flows import NO_FLOW, existing, held
from services.management.records import FlowRecord, FlowVersion, Status, VersionLine
from services.management.rows import Rows
from services.management.running import Running
from services.management.store import Store


class Lines(msgspec.Struct, frozen=True):
    """Some versions of a flow, the newest first."""

    flow: FlowRecord
    items: tuple[VersionLine, ...]
    next: int | None
    """The next page is of versions before this one; None at the end."""


class Compared(msgspec.Struct, frozen=True):
    """What changed from one version to another."""

    old: int
    new: int
    diff: Diff


class RolledBack(msgspec.Struct, frozen=True):
    """A version that has been made anew, as the newest."""

    flow: str
    status: Status
    version: int
    copied: int
    """The version that it is a copy of."""
    at: datetime | None
    """Since when it runs; None where the flow is not active."""


class Versions:
    """The versions of the flows of all tenants."""

    def __init__(self, store: Store, running: Running, types: NodeTypes) -> None:
        self._store = store
        self._running = running
        self._types = types

    async def list(self, tenant: str, id: str, before: int | None, limit: int) -> Lines:
        """List up to `limit` versions older than `before`; raise `NotFound` for no flow."""
        async with self._store.reading(tenant) as rows:
            flow = existing(await rows.find_flow(id)).flow
            # One more than asked for tells whether there is a next page.
            found = await rows.list_versions(id, before, limit + 1)
        items = found[:limit]
        return Lines(flow, items, items[-1].number if len(found) > limit else None)

    async def get(self, tenant: str, id: str, number: int) -> FlowVersion:
        """Return a flow with one of its versions, or raise `NotFound`."""
        async with self._store.reading(tenant) as rows:
            return await find_version(rows, id, number)

    async def diff(self, tenant: str, id: str, old: int | None, new: int | None) -> Compared:
        """Compare two versions: unless named, the active one and the newest.

        Without an active one the comparison begins at the version before `new`.
        """
        async with self._store.reading(tenant) as rows:
            newest = existing(await rows.find_flow(id))
            after = newest if new is None else await find_version(rows, id, new)
            if old is None:
                old = newest.flow.active_version or max(1, after.version.number - 1)
            before = await find_version(rows, id, old)
        # In a thread: see `running`.
        found = await asyncio.to_thread(diff, before.definition(), after.definition(), self._types)
        return Compared(old, after.version.number, found)

    async def rollback(
        self, tenant: str, id: str, number: int | None, note: str | None, author: Author
    ) -> RolledBack:
        """Make a version anew, as the newest; it runs at once if the flow is active.

        Without a number it is the one that was active before: during a rollout its baseline. It
        has to be valid, but no golden test holds it up. Raises `Conflict` if no such is known.
        """
        published: tuple[FlowType, ...] = ()
        at: datetime | None = None
        async with self._store.changing(tenant, author) as change:
            await change.hold_active()
            flow = (await held(change, id)).flow
            copied = number or await _active_before(change, flow)
            old = await find_version(change, id, copied)
            version = flow.version + 1
            await change.add_version(
                id,
                version,
                graph=old.version.graph,
                settings=old.version.settings,
                note=note or f"Rolled back to version {copied}",
            )
            newest = existing(await change.find_flow(id))
            library = await change.read_library()
            await self._running.check((newest.definition(),), library)
            details = {"version": version, "copied": copied}
            if flow.active_version is not None:
                await self._running.check_others(newest.definition(), library)
                published = await self._running.move(change, flow, library)
                at = await change.activate_flow(id, version, None)
                details["was"] = flow.active_version
            await change.note("rollback", id, **details)
            await change.tell(newest.flow, "activated" if published else "updated", published)
        await self._running.publish(tenant, published)
        return RolledBack(id, flow.status, version, copied, at)


async def find_version(rows: Rows, id: str, number: int) -> FlowVersion:
    """Return a flow with one of its versions, or raise `NotFound` for whichever is none."""
    found = await rows.find_flow(id, number)
    if found is None:
        raise NotFound(NO_VERSION if await rows.find_flow(id) else NO_FLOW)
    return found


NO_VERSION = "the flow has no such version"


async def _active_before(change: Change, flow: FlowRecord) -> int:
    if flow.active_version is None:
        problem = Problem("missing_field", "say which, as the flow is not active", path="version")
        raise Invalid("nothing says which version to go back to", (problem,))
    if flow.rollout is not None:
        return flow.rollout.baseline
    before = await change.find_active_before(flow.id, flow.active_version)
    if before is None:
        raise Conflict("no other version of the flow was active before; say which to go back to")
    return before
