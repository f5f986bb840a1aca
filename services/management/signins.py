"""Where users are signed in, as who runs a tenant sees it, and ends it.

A sign-in begins and ends at the executor. Here it is only shown, or ended before its time.
"""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Final

import msgspec

from libs.common.errors import NotFound
from services.management.author import Author
from services.management.entries import Resource
from services.management.queries import QUERIES
from services.management.rows import Rows
from services.management.store import Store
from services.management.users import NO_USER

NO_SIGN_IN: Final = "the user has no such sign-in"
_MOST: Final = 1_000
"""Sign-ins that are shown: the newest."""


class SignIn(msgspec.Struct, frozen=True):
    """A sign-in that stands."""

    sid: str
    """As in its assertions."""
    created_at: datetime
    auth_time: datetime
    """When the first of it was proved."""
    amr: tuple[str, ...]
    acr: str
    ends_at: datetime


class SignIns:
    """The sign-ins of the users of all tenants."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def list(self, tenant: str, user: uuid.UUID) -> tuple[SignIn, ...]:
        """List where a user is signed in, the newest first; raise `NotFound` for no user."""
        async with self._store.reading(tenant) as rows:
            await _check(rows, tenant, user)
            listed = QUERIES.list_sign_ins(
                rows.connection, tenant=tenant, account=str(user), most=_MOST
            )
            return tuple([msgspec.convert(dict(row), SignIn) async for row in listed])

    async def end(self, tenant: str, user: uuid.UUID, sid: str, author: Author) -> None:
        """End a sign-in; raise `NotFound` where the user has no such one."""
        async with self._store.changing(tenant, author) as change:
            await _check(change, tenant, user)
            ended = await QUERIES.end_sign_in(
                change.connection, tenant=tenant, account=str(user), sid=sid
            )
            if ended is None:
                raise NotFound(NO_SIGN_IN)
            about = Resource(f"users/{user}/sign-ins/{sid}", {"stands": True}, None)
            await change.note_resource("delete", about)

    async def end_all(self, tenant: str, user: uuid.UUID, author: Author) -> None:
        """End all sign-ins of a user; raise `NotFound` where there is no such user."""
        async with self._store.changing(tenant, author) as change:
            await _check(change, tenant, user)
            ended = await QUERIES.end_sign_ins(change.connection, tenant=tenant, account=str(user))
            if ended:
                about = Resource(f"users/{user}/sign-ins", {"stand": ended}, {"stand": 0})
                await change.note_resource("delete", about)


async def _check(rows: Rows, tenant: str, user: uuid.UUID) -> None:
    if await QUERIES.find_user(rows.connection, tenant=tenant, user=user) is None:
        raise NotFound(NO_USER)
