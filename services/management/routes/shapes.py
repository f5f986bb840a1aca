"""How seed 001 shows one flow, for every endpoint that answers with one.

Never holds a route: what is read and done is the endpoints' own.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from libs.common.flow.model import FlowType, Label
from services.management.records import FlowVersion, Status
from services.management.routes.face import GraphText, seconds
from services.management.settings import SomeSettings, shown

DisplayName = Annotated[Label, Meta(pattern=r"^[^\x00]*$")]
Description = Annotated[str, Meta(max_length=2000, pattern=r"^[^\x00]*$")]


class FlowDetails(SomeSettings, frozen=True):
    """A flow, as of its newest version; settings where they differ from the default."""

    id: str
    name: str
    display_name: str
    description: str | UnsetType
    type: FlowType
    status: Status
    version: int
    graph: GraphText
    compiled: bool
    compiled_at: int | UnsetType
    created_at: int
    updated_at: int


class Created(msgspec.Struct, frozen=True):
    """What is answered to a create."""

    id: str
    name: str
    display_name: str
    type: FlowType
    status: Status
    version: int
    compiled: bool
    created_at: int


def details_of(newest: FlowVersion) -> FlowDetails:
    """Show a flow as of `newest`."""
    flow, version = newest.flow, newest.version
    return FlowDetails(
        id=flow.id,
        name=flow.name,
        display_name=flow.display_name,
        description=UNSET if flow.description is None else flow.description,
        type=flow.type,
        status=flow.status,
        version=version.number,
        graph=msgspec.Raw(version.graph.encode()),
        compiled=version.compiled_at is not None,
        compiled_at=UNSET if version.compiled_at is None else seconds(version.compiled_at),
        created_at=seconds(flow.created_at),
        updated_at=seconds(flow.updated_at),
        **msgspec.structs.asdict(shown(newest.settings())),
    )


def created_of(newest: FlowVersion) -> Created:
    """Show a flow that was made just now."""
    flow = newest.flow
    return Created(
        id=flow.id,
        name=flow.name,
        display_name=flow.display_name,
        type=flow.type,
        status=flow.status,
        version=flow.version,
        compiled=newest.version.compiled_at is not None,
        created_at=seconds(flow.created_at),
    )
