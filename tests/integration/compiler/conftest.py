"""A compiler's parts on real servers, and flows as management would have saved them."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio
from prometheus_client import CollectorRegistry

from libs.common.chassis.postgres import open_pool
from libs.common.chassis.redis_line.open import open_line
from libs.common.chassis.redis_line.port import Limits, RedisLine
from libs.common.secret import Secret
from libs.common.wire.events import PlanCompiled
from services.compiler.compiling import Compiler
from services.compiler.metrics import CompilerMetrics
from services.compiler.publish import Shelf
from services.compiler.store import Store
from tests.patience import PATIENCE_SECONDS

KEEP = 600
LOGIN = (Path(__file__).parents[3] / "deploy/local/flows/mfa-login.graph.json").read_text()


class Management:
    """Writes what management writes, as plainly as a test can."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn

    async def save(self, name: str, *graphs: str, tenant: str = "default") -> str:
        """Save a login flow with these versions; return its id."""
        flow = f"flow_{name}"
        connection = await asyncpg.connect(self._dsn)
        try:
            async with connection.transaction():
                await connection.execute(
                    "INSERT INTO tenants (name) VALUES ($1) ON CONFLICT DO NOTHING", tenant
                )
                await connection.execute("INSERT INTO flow_ids VALUES ($1, $2)", tenant, flow)
                await connection.execute(
                    "INSERT INTO flows (tenant, id, name, display_name, type, version)"
                    " VALUES ($1, $2, $3, $3, 'login', $4)",
                    tenant,
                    flow,
                    name,
                    len(graphs),
                )
                for number, graph in enumerate(graphs, 1):
                    await connection.execute(
                        "INSERT INTO flow_versions (tenant, flow_id, number, graph)"
                        " VALUES ($1, $2, $3, $4)",
                        tenant,
                        flow,
                        number,
                        graph,
                    )
        finally:
            await connection.close()
        return flow

    async def demand(self, *invariants: object, tenant: str = "default") -> None:
        """Make these the tenant's invariants."""
        await self._write(
            "UPDATE tenants SET invariants = $2 WHERE name = $1", tenant, json.dumps(invariants)
        )

    async def roll_out(self, flow: str, rollout: object, tenant: str = "default") -> None:
        """Share new sessions of an active flow."""
        await self._write(
            "UPDATE flows SET rollout = $3 WHERE tenant = $1 AND id = $2",
            tenant,
            flow,
            json.dumps(rollout),
        )

    async def settle(self, flow: str, kind: str, settings: object, tenant: str = "default") -> None:
        """Give a flow another type, and its versions settings."""
        await self._write("UPDATE flows SET type = $2 WHERE id = $1", flow, kind)
        await self._write(
            "UPDATE flow_versions SET settings = $3 WHERE tenant = $1 AND flow_id = $2",
            tenant,
            flow,
            json.dumps(settings),
        )

    async def _write(self, statement: str, *values: object) -> None:
        connection = await asyncpg.connect(self._dsn)
        try:
            await connection.execute(statement, *values)
        finally:
            await connection.close()

    async def activate(
        self, *flows: tuple[str, int], tenant: str = "default", generation: int
    ) -> None:
        """Make these the active versions, in this order."""
        connection = await asyncpg.connect(self._dsn)
        try:
            async with connection.transaction():
                await connection.execute(
                    "INSERT INTO active_pointers VALUES ($1, 'login', $2)"
                    " ON CONFLICT (tenant, type) DO UPDATE SET generation = $2",
                    tenant,
                    generation,
                )
                await connection.execute(
                    "UPDATE flows SET status = 'inactive', active_version = NULL, position = NULL"
                    " WHERE tenant = $1",
                    tenant,
                )
                for position, (flow, version) in enumerate(flows):
                    await connection.execute(
                        "UPDATE flows SET status = 'active', active_version = $3, position = $4"
                        " WHERE tenant = $1 AND id = $2",
                        tenant,
                        flow,
                        version,
                        position,
                    )
        finally:
            await connection.close()


def edited(graph: str, identifiers: Sequence[str]) -> str:
    """Return the graph with other identifier types: another plan."""
    changed = json.loads(graph)
    changed["nodes"][1]["config"]["identifier_types"] = list(identifiers)
    return json.dumps(changed)


@pytest.fixture
def management(database: str) -> Management:
    return Management(database)


@pytest_asyncio.fixture
async def pool(database: str) -> AsyncIterator[asyncpg.Pool]:
    opened = await open_pool(Secret(database), most=4, seconds=PATIENCE_SECONDS)
    yield opened
    await opened.close()


@pytest_asyncio.fixture(params=["single", "cluster"])
async def line(
    request: pytest.FixtureRequest, redis_url: str, redis_cluster_url: str
) -> AsyncIterator[RedisLine]:
    """The line to one server, and to a cluster of three."""
    cluster = redis_cluster_url.replace("redis://", "redis+cluster://", 1)
    url = redis_url if request.param == "single" else cluster
    opened = open_line(url, Limits(deadline=PATIENCE_SECONDS))
    yield opened
    await opened.aclose()


@pytest.fixture
def announced() -> list[PlanCompiled]:
    return []


@pytest.fixture
def compiler(pool: asyncpg.Pool, line: RedisLine, announced: list[PlanCompiled]) -> Compiler:
    async def announce(event: PlanCompiled) -> None:
        announced.append(event)

    metrics = CompilerMetrics(CollectorRegistry())
    return Compiler(Store(pool), Shelf(line, keep=KEEP), announce, metrics)
