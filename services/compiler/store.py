"""Reads from PostgreSQL what is to be compiled. It never writes: the tables are management's."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import aiosql
import asyncpg
import msgspec

from libs.common.chassis.postgres import asking_postgres
from libs.common.flow.model import Flow, FlowType, Graph

PAGE = 500
"""Pointers that are read at a time."""

_QUERIES = aiosql.from_path(Path(__file__).with_name("queries.sql"), "asyncpg")


class ActiveFlow(msgspec.Struct, frozen=True):
    """An active flow, at the version that is active."""

    name: str
    flow: Flow


class Active(msgspec.Struct, frozen=True):
    """All that is active in a tenant for a type, as of one moment."""

    generation: int
    flows: tuple[ActiveFlow, ...]


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

    async def read_active(self, tenant: str, kind: FlowType) -> Active | None:
        """Read what is active; None where nothing ever was."""
        async with asking_postgres():
            rows = [
                row
                async for row in _QUERIES.read_active(self._pool, tenant=tenant, kind=kind.value)
            ]
        if not rows:
            return None
        flows = tuple(ActiveFlow(row["name"], _flow(row)) for row in rows if row["id"] is not None)
        return Active(rows[0]["generation"], flows)

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


def _flow(row: asyncpg.Record) -> Flow:
    graph = msgspec.json.decode(row["graph"], type=Graph)
    return Flow(row["id"], row["number"], FlowType(row["type"]), graph)
