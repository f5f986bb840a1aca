"""Writes what is stored of one tenant, in one transaction together with the event that tells of it.

Nothing here decides. Who changes what is active holds that first, then the flow, then the pointers:
all in one order, so that no two changes wait for each other.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime

import asyncpg
import msgspec

from libs.common.errors import Conflict, NotFound
from libs.common.flow.model import FlowType, Invariant, Json
from libs.common.wire.events import (
    FLOW_CHANGED,
    TENANT_CHANGED,
    FlowAction,
    FlowChanged,
    TenantChanged,
    encode,
)
from libs.common.wire.rollouts import Rollout
from services.management.author import Author
from services.management.entries import Action, Resource, state_of
from services.management.queries import QUERIES
from services.management.records import FlowRecord, FlowVersion, GoldenTest, Look
from services.management.rows import NO_TENANT, Connection, Rows
from services.management.verdicts import Verdicts


class Change(Rows):
    """A transaction on what one tenant has, which `author` asked for."""

    def __init__(
        self, connection: Connection, tenant: str, author: Author, verdicts: Verdicts
    ) -> None:
        super().__init__(connection, tenant)
        self.verdicts = verdicts
        """What is known of the golden tests of what is to run."""
        self._author = author
        self._known: dict[str, FlowRecord] = {}
        """Flows as they were when they were held, or last written down."""

    def demand(self, tag: str | None) -> None:
        """Raise `Stale` unless what is to change, and is held, is as its author wants it to be.

        `tag` is that of what is there; None where nothing is.
        """
        self._author.condition.check(tag)

    async def hold_active(self) -> None:
        """Let nobody else change what is active until the end; raise `NotFound` for no tenant.

        Whoever checks a flow against the others that are active needs it, or both could change.
        """
        if not await QUERIES.hold_active(self._connection, tenant=self._tenant):
            raise NotFound(NO_TENANT)

    async def hold_flow(self, id: str) -> FlowVersion | None:
        """Find a flow with its newest version, and let nobody else change it until the end."""
        await QUERIES.hold_flow(self._connection, tenant=self._tenant, flow=id)
        # Only now: what was read together with the lock may be from before it was granted.
        found = await self.find_flow(id)
        if found is not None:
            self._known[id] = found.flow
        return found

    async def claim_id(self, id: str) -> bool:
        """Take an id; False if it was ever given. Raises `NotFound` for a tenant that is none."""
        try:
            claimed = await QUERIES.claim_id(self._connection, tenant=self._tenant, flow=id)
        except asyncpg.ForeignKeyViolationError as error:
            raise NotFound(NO_TENANT) from error
        return claimed is not None

    async def add_flow(
        self,
        id: str,
        *,
        name: str,
        display_name: str,
        description: str | None,
        type: FlowType,
        title: str | None,
        look: Look,
        activates_itself: bool,
    ) -> None:
        """Add a draft, whose first version follows; raise `Conflict` where its name is taken."""
        with _naming():
            await QUERIES.add_flow(
                self._connection,
                tenant=self._tenant,
                flow=id,
                name=name,
                display_name=display_name,
                description=description,
                type=type,
                title=title,
                look=_json(look),
                activates_itself=activates_itself,
            )

    async def add_version(
        self, id: str, number: int, *, graph: str, settings: str, note: str | None
    ) -> None:
        """Add the next version, `number`, of a flow that is held or was just added."""
        await QUERIES.add_version(
            self._connection,
            tenant=self._tenant,
            flow=id,
            number=number,
            graph=graph,
            settings=settings,
            author=self._author.subject,
            note=note,
        )

    async def replace_golden_tests(self, id: str, tests: Sequence[GoldenTest]) -> None:
        """Let a flow have these tests and no other; each name once."""
        await QUERIES.drop_golden_tests(self._connection, tenant=self._tenant, flow=id)
        await QUERIES.add_golden_tests(
            self._connection,
            tenant=self._tenant,
            flow=id,
            names=[test.name for test in tests],
            tests=[test.test for test in tests],
        )

    async def edit_flow(self, edited: FlowRecord) -> None:
        """Store what a flow that is held is called; raise `Conflict` where its name is taken."""
        with _naming():
            await QUERIES.edit_flow(
                self._connection,
                tenant=self._tenant,
                flow=edited.id,
                name=edited.name,
                display_name=edited.display_name,
                description=edited.description,
                title=edited.title,
                look=_json(edited.look),
                bindings=_json(edited.bindings),
            )

    async def bump_pointers(self, types: Sequence[FlowType]) -> None:
        """Say that what is active of each of `types` changes, each named once."""
        await QUERIES.bump_pointers(self._connection, tenant=self._tenant, types=list(types))

    async def activate_flow(self, id: str, version: int, rollout: Rollout | None) -> datetime:
        """Let a version of a flow that is held run, and return since when."""
        at: datetime = await QUERIES.activate_flow(
            self._connection,
            tenant=self._tenant,
            flow=id,
            version=version,
            rollout=None if rollout is None else _json(rollout),
        )
        return at

    async def deactivate_flow(self, id: str) -> datetime:
        """Let no version of a flow that is held run, and return since when."""
        at: datetime = await QUERIES.deactivate_flow(self._connection, tenant=self._tenant, flow=id)
        return at

    async def end_rollout(self, id: str) -> None:
        """Let all new sessions of a flow that is held run its active version."""
        await QUERIES.end_rollout(self._connection, tenant=self._tenant, flow=id)

    async def order_candidates(self, type: FlowType, flows: Sequence[str]) -> None:
        """Give the active flows of a type this order; `flows` are the ids of all of them."""
        await QUERIES.order_candidates(
            self._connection, tenant=self._tenant, type=type, flows=list(flows)
        )

    async def delete_flow(self, id: str) -> None:
        """Delete a flow that is held, with its versions; its id stays taken."""
        await QUERIES.delete_flow(self._connection, tenant=self._tenant, flow=id)

    async def write_invariants(self, invariants: Sequence[Invariant]) -> None:
        """Store what is to hold in the tenant."""
        await QUERIES.write_invariants(
            self._connection, tenant=self._tenant, invariants=_json(invariants)
        )

    async def number_entry(self) -> int:
        """Return the id of an entry that is to come, for what has to name it before."""
        id: int = await QUERIES.number_entry(self._connection)
        return id

    async def note(
        self, action: Action, flow: str, entry: int | None = None, /, **details: Json
    ) -> None:
        """Write down for good what the author did to a flow; `entry` may have its number already.

        How it was, if it was held, and how it is now, goes along.
        """
        was, now = self._known.pop(flow, None), await self.find_record(flow)
        if now is not None:
            # What else this change does to it comes after this.
            self._known[flow] = now
        about = Resource(None, state_of(was), state_of(now))
        await self._add_entry(entry, action, flow, about, details)

    async def note_resource(self, action: Action, about: Resource) -> None:
        """Write down for good what the author did to something that is no flow."""
        await self._add_entry(None, action, None, about, {})

    async def _add_entry(
        self,
        id: int | None,
        action: Action,
        flow: str | None,
        about: Resource,
        details: Mapping[str, Json],
    ) -> None:
        await QUERIES.add_entry(
            self._connection,
            id=id,
            tenant=self._tenant,
            everywhere=about.everywhere,
            actor=self._author.subject,
            address=self._author.address,
            request=self._author.request,
            action=action,
            flow=flow,
            resource=about.name,
            before=None if about.before is None else _json(about.before),
            after=None if about.after is None else _json(about.after),
            details=_json(details),
        )

    async def tell(
        self, flow: FlowRecord, action: FlowAction, types: Sequence[FlowType] = ()
    ) -> None:
        """Tell that a flow changed once this is committed; `types` are the pointers that moved."""
        # Taken while the flow is held, so the events of one flow are numbered as they happened.
        stamp = await QUERIES.stamp_event(self._connection)
        event = FlowChanged(
            id=stamp["id"],
            tenant=self._tenant,
            flow=flow.id,
            type=flow.type,
            action=action,
            version=flow.version,
            at=stamp["at"],
            types=tuple(types),
        )
        await self._put(event.id, FLOW_CHANGED, encode(event))

    async def tell_of_tenant(self, types: Sequence[FlowType]) -> None:
        """Tell that what the tenant's flows are compiled with changed, once this is committed."""
        stamp = await QUERIES.stamp_event(self._connection)
        event = TenantChanged(
            id=stamp["id"], tenant=self._tenant, types=tuple(types), at=stamp["at"]
        )
        await self._put(event.id, TENANT_CHANGED, encode(event))

    async def _put(self, id: int, subject: str, payload: bytes) -> None:
        await QUERIES.add_event(self._connection, id=id, subject=subject, payload=payload)


def _json(value: Json) -> str:
    return msgspec.json.encode(value).decode()


@contextmanager
def _naming() -> Iterator[None]:
    try:
        yield
    except asyncpg.UniqueViolationError as error:
        if error.constraint_name != "flows_name_key":
            raise
        raise Conflict("another flow of this tenant has that name") from error
