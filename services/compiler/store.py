"""Reads from PostgreSQL what is to be compiled. It never writes: the tables are management's."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from itertools import groupby
from operator import itemgetter
from pathlib import Path

import aiosql
import asyncpg
import msgspec
import structlog
from structlog.typing import FilteringBoundLogger

from libs.common.chassis.postgres import asking_postgres
from libs.common.flow.model import Flow, FlowType, Graph, Invariant, Library, Settings
from libs.common.wire.rollouts import Rollout

log: FilteringBoundLogger = structlog.get_logger()

PAGE = 500
"""Pointers that are read at a time."""

_QUERIES = aiosql.from_path(Path(__file__).with_name("queries.sql"), "asyncpg")


class ActiveFlow(msgspec.Struct, frozen=True):
    """An active flow, at each version that new sessions may get."""

    versions: tuple[Flow, ...]
    """By number."""
    active: int
    """The version that runs: with a rollout, its baseline."""
    rollout: Rollout | None

    @property
    def flow(self) -> Flow:
        """The version that runs."""
        return next(each for each in self.versions if each.version == self.active)


class Active(msgspec.Struct, frozen=True):
    """All that is active in a tenant, as of one moment."""

    generations: Mapping[str, int]
    """By type."""
    flows: tuple[ActiveFlow, ...]
    """First candidate of a type first."""
    library: Library


class Generation(msgspec.Struct, frozen=True):
    """Which state of a pointer is the newest."""

    tenant: str
    type: str
    """Of a newer release, it may be a `FlowType` that this one does not have."""
    generation: int


class Store:
    """The versions and pointers; each method raises `Unavailable` while PostgreSQL is away."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def check(self) -> None:
        """Raise `Unavailable` unless PostgreSQL answers: for `/readyz`."""
        async with asking_postgres():
            await _QUERIES.reach(self._pool)

    async def read_version(self, tenant: str, flow: str, version: int) -> Flow | None:
        """Read one version; None where there is none."""
        async with asking_postgres():
            row = await _QUERIES.read_version(self._pool, tenant=tenant, flow=flow, version=version)
        return None if row is None else _flow(row)

    async def read_active(self, tenant: str) -> Active | None:
        """Read what is active; None for a tenant that is none."""
        async with asking_postgres():
            rows = [row async for row in _QUERIES.read_active(self._pool, tenant=tenant)]
        if not rows:
            return None
        active = [row for row in rows if row["id"] is not None]
        groups = [list(some) for _, some in groupby(active, key=itemgetter("id"))]
        flows = tuple(flow for group in groups if (flow := _active(tenant, group)) is not None)
        library = Library(
            {each.flow.name: each.flow for each in flows},
            tuple(each.flow for each in flows if each.flow.type is FlowType.TRIGGER),
            msgspec.json.decode(rows[0]["invariants"], type=tuple[Invariant, ...]),
        )
        generations = rows[0]["generations"]
        return Active(
            {} if generations is None else msgspec.json.decode(generations, type=dict[str, int]),
            flows,
            library,
        )

    async def read_generations(self) -> AsyncIterator[tuple[Generation, ...]]:
        """Read the newest generation of every pointer, page by page."""
        after = ("", "")
        while True:
            async with asking_postgres():
                rows = [
                    row
                    async for row in _QUERIES.read_generations(
                        self._pool, after_tenant=after[0], after_kind=after[1], most=PAGE
                    )
                ]
            if rows:
                yield tuple(msgspec.convert(dict(row), Generation) for row in rows)
            if len(rows) < PAGE:
                return
            after = (rows[-1]["tenant"], rows[-1]["type"])


def _active(tenant: str, rows: list[asyncpg.Record]) -> ActiveFlow | None:
    """Read a flow from its rows; None for one that a newer release has written."""
    try:
        written = rows[0]["rollout"]
        rollout = None if written is None else msgspec.json.decode(written, type=Rollout)
        return ActiveFlow(tuple(map(_flow, rows)), rows[0]["active_version"], rollout)
    except (ValueError, msgspec.MsgspecError) as error:
        # It must not keep the tenant's others from theirs; the operator hears of it.
        log.error("active_flow_unreadable", tenant=tenant, flow=rows[0]["id"], reason=str(error))  # noqa: TRY400 - its message is all
        return None


def _flow(row: asyncpg.Record) -> Flow:
    graph = msgspec.json.decode(row["graph"], type=Graph)
    settings = msgspec.json.decode(row["settings"], type=Settings)
    return Flow(row["id"], row["number"], FlowType(row["type"]), graph, settings, row["name"])
