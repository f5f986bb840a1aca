"""Who is signed in: a record of what each assertion is about, for as long as that stands.

It outlives Redis, and an assertion by hours: so that it can be ended, whoever holds an assertion.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any, Final, Protocol

import aiosql
import asyncpg
import msgspec

from libs.common.chassis.postgres import asking_postgres

_QUERIES: Final[Any] = aiosql.from_path(Path(__file__).with_name("signins.sql"), "asyncpg")


_AT_ONCE: Final = 1_000
"""Sign-ins that one statement forgets: it has as little time as any other."""
_SID: Final = re.compile("[0-9a-f]{32}")
"""What `sid_of` returns."""


class SignIn(msgspec.Struct, frozen=True):
    """A sign-in that stands."""

    account: str
    auth_time: int
    """When the first of it was proved, in Unix seconds."""
    amr: tuple[str, ...]
    acr: str
    ends_at: int
    """Unix seconds."""


class SignIns(Protocol):
    """The sign-ins of all tenants. Each method raises `Unavailable` while they are out of reach."""

    async def keep(
        self,
        tenant: str,
        sid: str,
        account: str,
        *,
        auth_time: int,
        amr: tuple[str, ...],
        acr: str,
    ) -> bool:
        """Keep a sign-in, the same `sid` once; false where it was ended, or its account is blocked.

        Who blocks the account at the same moment ends it, or was before it.
        """

    async def find(self, tenant: str, sid: str) -> SignIn | None:
        """Find a sign-in that stands."""

    async def use(self, tenant: str, sid: str) -> SignIn | None:
        """Find a sign-in that stands, which is idle no more."""

    async def end(self, tenant: str, sid: str) -> None:
        """End a sign-in; it is no error if there is none."""

    async def end_all(self, tenant: str, account: str, *, but: str | None = None) -> None:
        """End all sign-ins of an account, but for one."""

    async def forget(self) -> None:
        """Forget those that have ended by themselves."""

    async def reach(self) -> None:
        """Return if they can be reached."""


class PostgresSignIns:
    """`SignIns`, in the table of that name."""

    def __init__(self, pool: asyncpg.Pool, *, hours: int, idle_minutes: int) -> None:
        """Let a sign-in last so long, and be idle so long; 0 for however long.

        Use `pool`, whose owner closes it.
        """
        self._pool = pool
        self._hours = hours
        self._idle = idle_minutes or None

    async def keep(
        self,
        tenant: str,
        sid: str,
        account: str,
        *,
        auth_time: int,
        amr: tuple[str, ...],
        acr: str,
    ) -> bool:
        """See `SignIns.keep`."""
        async with asking_postgres():
            kept = await _QUERIES.keep_sign_in(
                self._pool,
                tenant=tenant,
                sid=sid,
                account=account,
                auth_time=auth_time,
                amr=amr,
                acr=acr,
                hours=self._hours,
                idle=self._idle,
            )
        return kept is not None

    async def find(self, tenant: str, sid: str) -> SignIn | None:
        """See `SignIns.find`."""
        if not _SID.fullmatch(sid):
            # Nor does PostgreSQL take every text for one.
            return None
        async with asking_postgres():
            row = await _QUERIES.find_sign_in(self._pool, tenant=tenant, sid=sid)
        return None if row is None else msgspec.convert(dict(row), SignIn)

    async def use(self, tenant: str, sid: str) -> SignIn | None:
        """See `SignIns.use`."""
        if self._idle is not None and _SID.fullmatch(sid):
            async with asking_postgres():
                await _QUERIES.use_sign_in(self._pool, tenant=tenant, sid=sid, idle=self._idle)
        return await self.find(tenant, sid)

    async def end(self, tenant: str, sid: str) -> None:
        """See `SignIns.end`."""
        async with asking_postgres():
            await _QUERIES.end_sign_in(self._pool, tenant=tenant, sid=sid)

    async def end_all(self, tenant: str, account: str, *, but: str | None = None) -> None:
        """See `SignIns.end_all`."""
        async with asking_postgres():
            await _QUERIES.end_sign_ins(self._pool, tenant=tenant, account=account, but=but)

    async def forget(self) -> None:
        """See `SignIns.forget`."""
        forgotten = _AT_ONCE
        while forgotten == _AT_ONCE:
            async with asking_postgres():
                forgotten = await _QUERIES.forget_sign_ins(self._pool, most=_AT_ONCE)

    async def reach(self) -> None:
        """See `SignIns.reach`."""
        async with asking_postgres():
            await _QUERIES.reach(self._pool)


def sid_of(session: str) -> str:
    """Name the sign-in that `session` makes: not by its id, which is a handle to the session."""
    return hashlib.blake2b(session.encode(), digest_size=16).hexdigest()
