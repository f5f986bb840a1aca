"""Who accounts are to the providers that their owners sign in with."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, Protocol

import aiosql
import asyncpg
import msgspec

from libs.common.chassis.postgres import asking_postgres
from libs.common.flow.turn import External

_QUERIES: Final[Any] = aiosql.from_path(Path(__file__).with_name("externals.sql"), "asyncpg")


class Owner(msgspec.Struct, frozen=True):
    """An account that is known to a provider."""

    account: str
    blocked: bool


class Externals(Protocol):
    """Of all tenants. Each method raises `Unavailable` while they are out of reach."""

    async def find(self, tenant: str, external: External) -> Owner | None:
        """Find the account that is known so."""

    async def link(self, tenant: str, account: str, external: External) -> bool:
        """Have the account known so; false where another one is, or it is blocked or gone."""


class PostgresExternals:
    """`Externals`, in the table of the migration `sign_ins`."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        """Use `pool`, whose owner closes it."""
        self._pool = pool

    async def find(self, tenant: str, external: External) -> Owner | None:
        """See `Externals.find`."""
        async with asking_postgres():
            row = await _QUERIES.find_external(
                self._pool, tenant=tenant, issuer=external.issuer, subject=external.subject
            )
        return None if row is None else Owner(str(row["user_id"]), row["blocked"])

    async def link(self, tenant: str, account: str, external: External) -> bool:
        """See `Externals.link`."""
        async with asking_postgres():
            linked = await _QUERIES.link_external(
                self._pool,
                tenant=tenant,
                account=account,
                issuer=external.issuer,
                subject=external.subject,
            )
        return linked is not None
