"""What is stored of a flow, as it travels between the store and whoever shows it."""

from __future__ import annotations

import enum
from datetime import datetime
from typing import Annotated

import msgspec

from libs.common.flow.model import Flow, FlowType, Graph


class Status(enum.StrEnum):
    """Whether a flow runs: never yet, now, or not any more."""

    DRAFT = "draft"
    ACTIVE = "active"
    INACTIVE = "inactive"


class FlowRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A flow, without its definition."""

    id: str
    name: str
    display_name: str
    description: str | None
    type: FlowType
    status: Status
    version: int
    """The newest there is."""
    active_version: int | None
    """The one that runs."""
    created_at: datetime
    updated_at: datetime
    """When its definition or what it is called changed."""
    activated_at: datetime | None
    deactivated_at: datetime | None


class VersionRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A version of a flow, immutable but for when it was compiled."""

    number: int
    graph: str
    """JSON, as the author wrote it: it decodes as a `Graph`."""
    compiled_at: datetime | None
    """When its plan was made; None while it has none."""


class Newest(msgspec.Struct, frozen=True):
    """A flow with its newest version."""

    flow: FlowRecord
    version: VersionRecord

    def definition(self) -> Flow:
        """Return what the flow language checks and compiles."""
        graph = msgspec.json.decode(self.version.graph, type=Graph)
        return Flow(self.flow.id, self.version.number, self.flow.type, graph)


class Filter(msgspec.Struct, frozen=True):
    """Which flows are asked for; None takes any."""

    type: FlowType | None = None
    status: Status | None = None


class Place(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """A flow's place in a list by age: the list goes on after it, whoever comes or goes."""

    created_at: Annotated[datetime, msgspec.Meta(tz=True)]
    id: str
