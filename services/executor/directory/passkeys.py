"""The passkeys of accounts: what is public of each, and how often it was used."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, Protocol

import aiosql
import asyncpg
import msgspec

from libs.common.chassis.postgres import asking_postgres
from services.executor.ceremonies import Known, Made
from services.executor.directory.postgres import has_another, holding

_QUERIES: Final[Any] = aiosql.from_path(Path(__file__).with_name("passkeys.sql"), "asyncpg")


class Kept(msgspec.Struct, frozen=True):
    """A passkey that is known."""

    account: str
    public_key: bytes
    bound: bool


class Passkeys(Protocol):
    """The passkeys of all tenants. Each method raises `Unavailable` while they are out of reach.

    One that was made for another `site` is as good as none.
    """

    async def list(self, tenant: str, account: str, site: str) -> tuple[Known, ...]:
        """List the passkeys of an account; none where there is no such account."""

    async def find(self, tenant: str, id: bytes, site: str) -> Kept | None:
        """Find a passkey, whoever has it."""

    async def use(self, tenant: str, id: bytes, sign_count: int, attempt: str) -> bool:
        """Count a use; false where the counter does not grow, but for the same attempt again."""

    async def keep(
        self,
        tenant: str,
        account: str,
        site: str,
        made: Made,
        *,
        most: int,
        session: str,
        first: bool = False,
    ) -> bool:
        """Keep a new passkey; false where the account has `most` others, or somebody has this.

        One that the account has already stays as made in the session that it was kept in first.
        As the `first` it is not kept where the account has a factor, but for a passkey of the same
        session.
        """

    async def made_in(self, tenant: str, account: str, session: str) -> bool:
        """Say whether the account has a passkey that was made in `session`, for whatever site."""


class PostgresPasskeys:
    """`Passkeys`, in the table of the migration `sign_ins`."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        """Use `pool`, whose owner closes it."""
        self._pool = pool

    async def list(self, tenant: str, account: str, site: str) -> tuple[Known, ...]:
        """See `Passkeys.list`."""
        async with asking_postgres():
            listed = _QUERIES.list_passkeys(self._pool, tenant=tenant, account=account, site=site)
            return tuple([Known(row["id"], tuple(row["transports"])) async for row in listed])

    async def find(self, tenant: str, id: bytes, site: str) -> Kept | None:
        """See `Passkeys.find`."""
        async with asking_postgres():
            row = await _QUERIES.find_passkey(self._pool, tenant=tenant, id=id, site=site)
        return None if row is None else Kept(str(row["user_id"]), row["public_key"], row["bound"])

    async def use(self, tenant: str, id: bytes, sign_count: int, attempt: str) -> bool:
        """See `Passkeys.use`."""
        async with asking_postgres():
            used = await _QUERIES.use_passkey(
                self._pool, tenant=tenant, id=id, sign_count=sign_count, attempt=attempt
            )
        return used is not None

    async def keep(
        self,
        tenant: str,
        account: str,
        site: str,
        made: Made,
        *,
        most: int,
        session: str,
        first: bool = False,
    ) -> bool:
        """See `Passkeys.keep`."""
        async with holding(self._pool, tenant, account) as held:
            if held is None:
                return False
            ours = await _QUERIES.passkey_made_in(
                held, tenant=tenant, account=account, session=session
            )
            if first and await has_another(held, account, ours=bool(ours)):
                return False
            kept = await _QUERIES.keep_passkey(
                held,
                tenant=tenant,
                account=account,
                most=most,
                site=site,
                id=made.id,
                public_key=made.public_key,
                sign_count=made.sign_count,
                bound=made.bound,
                transports=made.transports,
                session=session,
            )
        return kept is not None

    async def made_in(self, tenant: str, account: str, session: str) -> bool:
        """See `Passkeys.made_in`."""
        async with asking_postgres():
            found = await _QUERIES.passkey_made_in(
                self._pool, tenant=tenant, account=account, session=session
            )
        return bool(found)
