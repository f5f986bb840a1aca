"""What the audit log tells: who did what to a thing, and how it was and is. Never a secret."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec
from msgspec import to_builtins

from libs.common.flow.model import Json
from services.management.records import FlowRecord

Action = Literal[
    "create",
    "update",
    "delete",
    "rotate_secret",
    "publish",
    "activate",
    "deactivate",
    "rollback",
    "rollout",
    "rollout.aborted",
    "override",
    "candidates",
    "invariants",
]
"""What is written down."""


class Resource(msgspec.Struct, frozen=True):
    """A thing before and after a change; None where it was not there."""

    name: str | None
    """As in `clients/abc`; None for a flow, which an entry names by itself."""
    before: Json
    after: Json
    everywhere: bool = False
    """Whether it is of all tenants, and so nothing for who is confined to one."""


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the audit log."""

    id: int
    at: datetime
    actor: str
    """The subject of their token, or a part of Gatehouse that acts by itself."""
    address: str | None
    """Where the request came from."""
    request: str | None
    """Its `X-Request-Id`."""
    action: str
    """Of a newer release, it may be none of `Action`."""
    flow: str | None
    resource: str | None
    before: str | None
    after: str | None
    details: str
    """JSON: a map, as the two before are JSON where they are something."""


class Sought(msgspec.Struct, frozen=True, kw_only=True):
    """Which entries are asked for; None takes any."""

    flow: str | None = None
    resource: str | None = None
    action: Action | None = None


def state_of(flow: FlowRecord | None) -> Json:
    """Return what is told of a flow; its versions tell the rest, and are kept."""
    if flow is None:
        return None
    return {
        "name": flow.name,
        "display_name": flow.display_name,
        "description": flow.description,
        "title": flow.title,
        "look": to_builtins(flow.look),
        "status": flow.status,
        "version": flow.version,
        "active_version": flow.active_version,
        "rollout": None if flow.rollout is None else flow.rollout.versions,
    }
