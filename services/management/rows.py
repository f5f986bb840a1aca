"""Reads what is stored of one tenant: the queries of `queries/`, with types."""

from __future__ import annotations

from collections.abc import AsyncIterable, Mapping
from typing import Any, TypeAlias, TypeVar
from uuid import UUID

import asyncpg
import msgspec

from libs.common.errors import NotFound
from libs.common.flow.model import (
    Flow,
    FlowType,
    Graph,
    Invariant,
    Library,
    Named,
    Settings,
    Trigger,
)
from libs.common.wire.rollouts import Rollout
from services.management.bindings import Bound, Told
from services.management.designations import DESIGNATION_OF
from services.management.entries import Entry, Sought
from services.management.queries import QUERIES
from services.management.records import (
    Candidate,
    Filter,
    FlowRecord,
    FlowVersion,
    GoldenTest,
    Instance,
    Instances,
    Listed,
    Look,
    Nodes,
    Place,
    Status,
    VersionLine,
    VersionRecord,
)
from services.management.tiers import Tier

Connection: TypeAlias = asyncpg.pool.PoolConnectionProxy
T = TypeVar("T", bound=msgspec.Struct)


class Rows:
    """What a tenant has, over one connection."""

    def __init__(self, connection: Connection, tenant: str) -> None:
        self._connection = connection
        self._tenant = tenant

    @property
    def connection(self) -> Connection:
        """What is looked at, for the queries of what else a tenant has."""
        return self._connection

    async def has_tenant(self) -> bool:
        """Tell whether there is such a tenant."""
        return bool(await QUERIES.find_tenant(self._connection, tenant=self._tenant))

    async def find_tier(self) -> Tier | None:
        """Find what the tenant pays for; None for a tenant that is none."""
        tier: Tier | None = await QUERIES.find_tier(self._connection, tenant=self._tenant)
        return tier

    async def list_flows(
        self, wanted: Filter, after: Place | None, most: int
    ) -> tuple[FlowRecord, ...]:
        """List up to `most` flows that were created after `after`, the oldest first."""
        rows = QUERIES.list_flows(
            self._connection,
            tenant=self._tenant,
            type=wanted.type,
            status=wanted.status,
            after_time=after and after.created_at,
            after_id=after and after.id,
            most=most,
        )
        return tuple([_flow(dict(row)) async for row in rows])

    async def list_flows_from(self, start: int, most: int) -> tuple[Listed, ...]:
        """List up to `most` flows from the one with `start` older ones, the oldest first."""
        rows = QUERIES.list_flows_from(
            self._connection, tenant=self._tenant, start=start, most=most
        )
        return tuple([_listed(dict(row)) async for row in rows])

    async def count_flows(self, wanted: Filter) -> int:
        """Count all flows that are asked for."""
        return int(
            await QUERIES.count_flows(
                self._connection, tenant=self._tenant, type=wanted.type, status=wanted.status
            )
        )

    async def find_flow(self, id: str, number: int | None = None) -> FlowVersion | None:
        """Find a flow with the version of this number, or with its newest."""
        row = await QUERIES.find_flow(self._connection, tenant=self._tenant, flow=id, number=number)
        if row is None:
            return None
        return _with_version(dict(row))

    async def find_record(self, id: str) -> FlowRecord | None:
        """Find a flow without its definition."""
        row = await QUERIES.find_record(self._connection, tenant=self._tenant, flow=id)
        return None if row is None else _flow(dict(row))

    async def find_id(self, name: str) -> str | None:
        """Find the id of the flow with this slug."""
        id: str | None = await QUERIES.find_id(self._connection, tenant=self._tenant, name=name)
        return id

    async def find_id_of_pk(self, pk: UUID) -> str | None:
        """Find the id of the flow with this key."""
        id: str | None = await QUERIES.find_id_of_pk(self._connection, tenant=self._tenant, pk=pk)
        return id

    async def list_instances(
        self, sought: Instances, start: int, most: int | None
    ) -> tuple[tuple[Instance, ...], int]:
        """List flows as seed 003 orders them, and count those on all pages.

        Past the last page there is nothing to count, so that is 0.
        """
        found = QUERIES.list_instances(
            self._connection,
            tenant=self._tenant,
            types=None if sought.types is None else list(sought.types),
            denied_action=sought.denied_action,
            usual_denied_action=Settings().denied_action,
            pk=sought.pk,
            name=sought.name,
            slug=sought.slug,
            title=sought.title,
            search=sought.search,
            designations=msgspec.json.encode(dict(DESIGNATION_OF)).decode(),
            ordering=sought.ordering,
            descending=sought.descending,
            start=start,
            most=most,
        )
        rows = [dict(row) async for row in found]
        total = rows[0]["total"] if rows else 0
        return tuple(Instance(_with_version(row), row["plans"]) for row in rows), total

    async def list_nodes(self) -> tuple[Nodes, ...]:
        """List the flows by what they are made of, the oldest first."""
        found = QUERIES.list_nodes(self._connection, tenant=self._tenant)
        return tuple(
            [
                Nodes(row["id"], row["pk"], tuple(row["nodes"]), _told(row["bindings"]))
                async for row in found
            ]
        )

    async def count_plans(self, id: str | None) -> int:
        """Count the versions that have a plan: of a flow, or of all."""
        return int(await QUERIES.count_plans(self._connection, tenant=self._tenant, flow=id))

    async def list_versions(
        self, id: str, before: int | None, most: int
    ) -> tuple[VersionLine, ...]:
        """List up to `most` versions of a flow that are older than `before`, the newest first."""
        rows = QUERIES.list_versions(
            self._connection, tenant=self._tenant, flow=id, before=before, most=most
        )
        return await _all(rows, VersionLine)

    async def list_golden_tests(self, id: str) -> tuple[GoldenTest, ...]:
        """List the tests of a flow, by name."""
        rows = QUERIES.list_golden_tests(self._connection, tenant=self._tenant, flow=id)
        return await _all(rows, GoldenTest)

    async def read_library(self) -> Library:
        """Read what flows of the tenant are compiled with; nothing for a tenant that is none."""
        rows = [row async for row in QUERIES.read_library(self._connection, tenant=self._tenant)]
        flows = [_definition(row) for row in rows if row["is_active"]]
        registered = await _all(
            QUERIES.list_registered(self._connection, tenant=self._tenant), Named
        )
        return Library(
            flows={flow.name: flow for flow in flows},
            triggers=tuple(flow for flow in flows if flow.type is FlowType.TRIGGER),
            invariants=_invariants(rows[0]["invariants"]) if rows else (),
            registered=frozenset(registered),
            beside=tuple(_definition(row) for row in rows if row["is_active"] is False),
        )

    async def read_invariants(self) -> tuple[Invariant, ...]:
        """Read what is to hold in the tenant; raise `NotFound` for a tenant that is none."""
        written = await QUERIES.read_invariants(self._connection, tenant=self._tenant)
        if written is None:
            raise NotFound(NO_TENANT)
        return _invariants(written)

    async def list_candidates(self, type: FlowType) -> tuple[Candidate, ...]:
        """List the active flows of a type, the first candidate first."""
        rows = QUERIES.list_candidates(self._connection, tenant=self._tenant, type=type)
        return await _all(rows, Candidate)

    async def find_active_before(self, id: str, version: int) -> int | None:
        """Find the version of a flow that was active before `version`, as far as is known."""
        found: int | None = await QUERIES.find_active_before(
            self._connection, tenant=self._tenant, flow=id, version=version
        )
        return found

    async def list_entries(
        self, sought: Sought, before: int | None, most: int, *, everywhere: bool
    ) -> tuple[Entry, ...]:
        """List up to `most` lines of the audit log that are older than `before`, the newest first.

        Those about what is of all tenants are among them only with `everywhere`.
        """
        rows = QUERIES.list_entries(
            self._connection,
            tenant=self._tenant,
            everywhere=everywhere,
            flow=sought.flow,
            resource=sought.resource,
            action=sought.action,
            before=before,
            most=most,
        )
        return await _all(rows, Entry)


NO_TENANT = "there is no such tenant"


async def _all(rows: AsyncIterable[asyncpg.Record], kind: type[T]) -> tuple[T, ...]:
    return tuple([msgspec.convert(dict(row), kind) async for row in rows])


def _flow(columns: Mapping[str, Any]) -> FlowRecord:
    written = columns["rollout"]
    rollout = None if written is None else msgspec.json.decode(written, type=Rollout)
    # A release that knows no rollouts may have activated another version since, or none.
    stands = (
        rollout is not None
        and columns["status"] == Status.ACTIVE
        and columns["active_version"] == rollout.baseline
    )
    decoded = {
        **columns,
        "rollout": rollout if stands else None,
        "look": msgspec.json.decode(columns["look"], type=Look),
        "bindings": _told(columns["bindings"]),
    }
    return msgspec.convert(decoded, FlowRecord)


def _with_version(columns: Mapping[str, Any]) -> FlowVersion:
    return FlowVersion(_flow(columns), msgspec.convert(columns, VersionRecord))


def _told(written: str) -> Told:
    return msgspec.json.decode(written, type=dict[str, Bound])


def _listed(columns: Mapping[str, Any]) -> Listed:
    written = columns["trigger"]
    trigger = None if written is None else msgspec.json.decode(written, type=Trigger)
    return Listed(_flow(columns), trigger)


def _definition(row: asyncpg.Record) -> Flow:
    return Flow(
        row["id"],
        row["number"],
        FlowType(row["type"]),
        msgspec.json.decode(row["graph"], type=Graph),
        msgspec.json.decode(row["settings"], type=Settings),
        name=row["name"],
    )


def _invariants(written: str) -> tuple[Invariant, ...]:
    return msgspec.json.decode(written, type=tuple[Invariant, ...])
