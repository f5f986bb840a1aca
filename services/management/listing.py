"""Lists what a tenant has of some kind by age, a page at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

import asyncpg
import msgspec

from libs.common.errors import NotFound
from services.management.records import Aged, Place, page_of
from services.management.rows import NO_TENANT, Rows

A = TypeVar("A", bound=Aged)


class Page(msgspec.Struct, Generic[A], frozen=True):
    """Some of them."""

    items: tuple[A, ...]
    next: Place | None
    """Where the next page begins; None at the end."""


async def list_by_age(
    rows: Rows,
    statement: Callable[..., Any],
    read: Callable[[asyncpg.Record], A],
    id: Callable[[A], object],
    after: Place | None,
    limit: int,
    **sought: object,
) -> Page[A]:
    """List up to `limit` of what `statement` finds, the oldest first, that come after `after`.

    Raises `NotFound` for a tenant that is none.
    """
    listed = statement(
        rows.connection,
        after_time=after and after.created_at,
        after_id=after and after.id,
        most=limit + 1,
        **sought,
    )
    found = tuple([read(row) async for row in listed])
    if not await rows.has_tenant():
        raise NotFound(NO_TENANT)
    items, following = page_of(found, limit, id)
    return Page(items, following)
