"""How a flow comes into the store: an id that was never given, a version, what of it differs."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import msgspec

from libs.common.flow.model import Graph, Settings
from services.management.change import Change
from services.management.records import FlowRecord
from services.management.slugs import slug_of


async def claim_id(change: Change, name: str | None, display_name: str) -> tuple[str, str]:
    """Take an id that was never given: `flow_` and the slug, with a suffix where that is gone.

    Returns the slug beside it, which is `name`; one that is made here has the same suffix.
    """
    slug = name or slug_of(display_name)
    plain = "flow_" + slug.replace("-", "_")
    id = plain
    while (name is None and await change.find_id(slug)) or not await change.claim_id(id):
        # Random: counting up would ask once for each flow that ever had this name.
        suffix = secrets.token_hex(3)
        id = f"{plain}_{suffix}"
        if name is None:
            slug = slug_of(display_name, suffix)
    return id, slug


async def save(
    change: Change,
    id: str,
    number: int,
    graph: Graph,
    settings: Settings,
    note: str | None,
) -> None:
    """Add the next version of a flow that is held or was just added."""
    await change.add_version(
        id,
        number,
        graph=msgspec.json.encode(graph).decode(),
        settings=msgspec.json.encode(settings).decode(),
        note=note,
    )


def same(one: msgspec.Struct, other: msgspec.Struct) -> bool:
    """Tell whether an author would see no difference."""
    # As bytes: to Python `true` equals 1, to an author it does not.
    return _ORDERED.encode(one) == _ORDERED.encode(other)


_ORDERED = msgspec.json.Encoder(order="deterministic")


def renamed(before: FlowRecord, after: FlowRecord) -> Iterator[str]:
    """Name what differs of what a flow is called, and of what seed 003 shows of it."""
    for name in ("name", "display_name", "description", "title", "look", "bindings"):
        if getattr(before, name) != getattr(after, name):
            yield name
