"""Keeps what management owns in PostgreSQL; everything raises `Unavailable` while that is away."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import asyncpg

from libs.common.chassis.postgres import asking_postgres
from services.management.author import Author
from services.management.change import Change
from services.management.idempotency import using
from services.management.queries import QUERIES
from services.management.rows import Rows
from services.management.verdicts import Verdicts

CHANGING_SECONDS = 10.0
"""For a whole change; then PostgreSQL counts as away."""


class Store:
    """The rows of all tenants."""

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
    async def reading(self, tenant: str) -> AsyncIterator[Rows]:
        """Look at what a tenant has; what is read one after the other may be of two moments."""
        async with asking_postgres(), self._pool.acquire() as connection:
            yield Rows(connection, tenant)

    @asynccontextmanager
    async def changing(
        self, tenant: str, author: Author, verdicts: Verdicts | None = None
    ) -> AsyncIterator[Change]:
        """Open a transaction for `author`: all of what is done within is done, or none of it.

        Whatever lets a version run is done by `Running.change`, which knows `verdicts`.
        """
        async with (
            asking_postgres(CHANGING_SECONDS),
            self._pool.acquire() as connection,
            connection.transaction(),
            using(connection, author.turn),
        ):
            yield Change(connection, tenant, author, verdicts or Verdicts())
