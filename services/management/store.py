"""Keeps flows in PostgreSQL: the queries of `queries.sql`, with types.

Nothing here decides. What belongs together is written in one transaction, together with the event
that tells of it, so that neither can be without the other.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import aiosql
import asyncpg
import msgspec

from libs.common.chassis.postgres import asking_postgres
from libs.common.errors import Conflict, NotFound
from libs.common.flow.model import FlowType
from libs.common.wire.events import FLOW_CHANGED, FlowAction, FlowChanged, encode
from services.management.records import Filter, FlowRecord, Newest, Place, VersionRecord

QUERIES = aiosql.from_path(Path(__file__).with_name("queries.sql"), "asyncpg")
"""A query's name is its method's."""

CHANGING_SECONDS = 10.0
"""For a whole change; then PostgreSQL counts as away."""


class Store:
    """The flows of all tenants; each method raises `Unavailable` while PostgreSQL is away."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def check(self) -> None:
        """Raise `Unavailable` unless PostgreSQL answers: for `/readyz`."""
        async with asking_postgres():
            await QUERIES.answer(self._pool)

    async def add_tenants(self, tenants: tuple[str, ...]) -> None:
        """See to it that there are these tenants."""
        async with asking_postgres():
            await QUERIES.add_tenants(self._pool, tenants=tenants)

    async def has_tenant(self, tenant: str) -> bool:
        """Tell whether there is such a tenant."""
        async with asking_postgres():
            return bool(await QUERIES.find_tenant(self._pool, tenant=tenant))

    async def list_flows(
        self, tenant: str, wanted: Filter, after: Place | None, most: int
    ) -> tuple[FlowRecord, ...]:
        """List up to `most` flows that were created after `after`, the oldest first."""
        async with asking_postgres():
            rows = QUERIES.list_flows(
                self._pool,
                tenant=tenant,
                type=wanted.type,
                status=wanted.status,
                after_time=after and after.created_at,
                after_id=after and after.id,
                most=most,
            )
            return tuple([msgspec.convert(dict(row), FlowRecord) async for row in rows])

    async def count_flows(self, tenant: str, wanted: Filter) -> int:
        """Count all flows that are asked for."""
        async with asking_postgres():
            return int(
                await QUERIES.count_flows(
                    self._pool, tenant=tenant, type=wanted.type, status=wanted.status
                )
            )

    async def find_flow(self, tenant: str, id: str) -> Newest | None:
        """Find a flow with its newest version."""
        async with asking_postgres():
            return _newest(await QUERIES.find_flow(self._pool, tenant=tenant, flow=id))

    async def record_plan(self, tenant: str, id: str, version: int, plan: str, at: int) -> None:
        """Note that a version was compiled to `plan` at `at`, in Unix seconds, if there is such."""
        async with asking_postgres():
            await QUERIES.record_plan(
                self._pool,
                tenant=tenant,
                flow=id,
                version=version,
                plan=plan,
                compiled_at=datetime.fromtimestamp(at, UTC),
            )

    @asynccontextmanager
    async def changing(self, tenant: str) -> AsyncIterator[Change]:
        """Open a transaction: all of what is done within is done, or none of it."""
        async with (
            asking_postgres(CHANGING_SECONDS),
            self._pool.acquire() as connection,
            connection.transaction(),
        ):
            yield Change(connection, tenant)


class Change:
    """A transaction on the flows of one tenant."""

    def __init__(self, connection: asyncpg.pool.PoolConnectionProxy, tenant: str) -> None:
        self._connection = connection
        self._tenant = tenant

    async def hold_flow(self, id: str) -> Newest | None:
        """Find a flow, and let nobody else change it until the end."""
        await QUERIES.hold_flow(self._connection, tenant=self._tenant, flow=id)
        # Only now: what was read together with the lock may be from before it was granted.
        return await self.find_flow(id)

    async def find_flow(self, id: str) -> Newest | None:
        """Find a flow with its newest version, as this transaction left it."""
        return _newest(await QUERIES.find_flow(self._connection, tenant=self._tenant, flow=id))

    async def claim_id(self, id: str) -> bool:
        """Take an id; False if it was ever given. Raises `NotFound` for a tenant that is none."""
        try:
            claimed = await QUERIES.claim_id(self._connection, tenant=self._tenant, flow=id)
        except asyncpg.ForeignKeyViolationError as error:
            raise NotFound("there is no such tenant") from error
        return claimed is not None

    async def add_flow(
        self,
        id: str,
        *,
        name: str,
        display_name: str,
        description: str | None,
        type: FlowType,
        graph: str,
        author: str,
    ) -> None:
        """Add a draft and its first version; raise `Conflict` where its name is taken."""
        with _naming():
            await QUERIES.add_flow(
                self._connection,
                tenant=self._tenant,
                flow=id,
                name=name,
                display_name=display_name,
                description=description,
                type=type,
                graph=graph,
                author=author,
            )

    async def add_version(self, id: str, graph: str, author: str) -> None:
        """Add the next version of a flow that is held."""
        await QUERIES.add_version(
            self._connection, tenant=self._tenant, flow=id, graph=graph, author=author
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
            )

    async def bump_pointer(self, type: FlowType) -> None:
        """Say that what is active of `type` changes; nobody else changes it until the end."""
        await QUERIES.bump_pointer(self._connection, tenant=self._tenant, type=type)

    async def activate_flow(self, id: str) -> datetime:
        """Let the newest version of a flow that is held run, and return since when."""
        at: datetime = await QUERIES.activate_flow(self._connection, tenant=self._tenant, flow=id)
        return at

    async def deactivate_flow(self, id: str) -> datetime:
        """Let no version of a flow that is held run, and return since when."""
        at: datetime = await QUERIES.deactivate_flow(self._connection, tenant=self._tenant, flow=id)
        return at

    async def delete_flow(self, id: str) -> None:
        """Delete a flow that is held, with its versions; its id stays taken."""
        await QUERIES.delete_flow(self._connection, tenant=self._tenant, flow=id)

    async def tell(self, flow: FlowRecord, action: FlowAction) -> None:
        """Put the event into the outbox, to be told once this transaction is committed."""
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
        )
        await QUERIES.add_event(
            self._connection,
            id=event.id,
            subject=FLOW_CHANGED,
            payload=encode(event),
        )


def _newest(row: asyncpg.Record | None) -> Newest | None:
    if row is None:
        return None
    columns = dict(row)
    return Newest(msgspec.convert(columns, FlowRecord), msgspec.convert(columns, VersionRecord))


@contextmanager
def _naming() -> Iterator[None]:
    try:
        yield
    except asyncpg.UniqueViolationError as error:
        if error.constraint_name != "flows_name_key":
            raise
        raise Conflict("another flow of this tenant has that name") from error
