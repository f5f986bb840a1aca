"""Who changed what: the audit log, read. It is written with each change, and never changed."""

from __future__ import annotations

import msgspec

from libs.common.errors import NotFound
from services.management.entries import Entry, Sought
from services.management.rows import NO_TENANT
from services.management.store import Store


class Entries(msgspec.Struct, frozen=True):
    """Some entries, the newest first."""

    items: tuple[Entry, ...]
    next: int | None
    """The next page is of entries before this one; None at the end."""


class Audit:
    """The audit logs of all tenants."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def list(
        self, tenant: str, sought: Sought, before: int | None, limit: int, *, everywhere: bool
    ) -> Entries:
        """List up to `limit` entries older than `before`.

        Those about what is of all tenants are among them only with `everywhere`.
        """
        async with self._store.reading(tenant) as rows:
            # One more than asked for tells whether there is a next page.
            found = await rows.list_entries(sought, before, limit + 1, everywhere=everywhere)
            if not found and not await rows.has_tenant():
                raise NotFound(NO_TENANT)
        items = found[:limit]
        return Entries(items, items[-1].id if len(found) > limit else None)
