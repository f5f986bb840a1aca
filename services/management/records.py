"""What is stored, as it travels between the store and whoever shows it."""

from __future__ import annotations

import enum
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Literal, Protocol, TypeAlias, TypeVar
from uuid import UUID

import msgspec

from libs.common.flow.model import DeniedAction, Flow, FlowType, Graph, Settings, Trigger
from libs.common.wire.rollouts import WHOLE, Rollout
from services.management.bindings import Drawn, Told
from services.management.etags import tag_of


class Status(enum.StrEnum):
    """Whether a flow runs: never yet, now, or not any more."""

    DRAFT = "draft"
    ACTIVE = "active"
    INACTIVE = "inactive"


Layout: TypeAlias = Literal[
    "stacked", "content_left", "content_right", "sidebar_left", "sidebar_right"
]


Background: TypeAlias = Annotated[str, msgspec.Meta(max_length=2000, pattern=r"^[^\x00]*$")]


class Look(msgspec.Struct, frozen=True, omit_defaults=True):
    """How pages of authentik would show a flow (seed 003); it means nothing to a run."""

    background: Background = ""
    compatibility_mode: bool = False
    layout: Layout = "stacked"


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
    """The one that runs; with a rollout, its baseline."""
    rollout: Rollout | None
    """None where one version has all new sessions."""
    created_at: datetime
    updated_at: datetime
    """When its definition or what it is called changed."""
    activated_at: datetime | None
    deactivated_at: datetime | None
    pk: UUID
    """Its name in seed 003, beside the slug."""
    title: str | None
    """None shows the display name."""
    look: Look
    bindings: Told
    activates_itself: bool
    """Whether the first version that can run does, if it is saved through seed 003."""

    def weight(self, version: int) -> int | None:
        """Return the share of new sessions that run `version`; None where none do."""
        if self.rollout is not None:
            return next((s.weight for s in self.rollout.versions if s.version == version), None)
        return WHOLE if version == self.active_version else None


class Listed(msgspec.Struct, frozen=True):
    """A flow as a list shows it where triggers matter."""

    flow: FlowRecord
    trigger: Trigger | None
    """That of its newest version."""


class VersionLine(msgspec.Struct, frozen=True, kw_only=True):
    """A version of a flow, without its definition."""

    number: int
    author: str | None
    """Who saved it: the subject of their token."""
    note: str | None
    saved_at: datetime
    compiled_at: datetime | None
    """When its plan was made; None while it has none."""


class VersionRecord(VersionLine, frozen=True, kw_only=True):
    """A version of a flow, immutable but for when it was compiled."""

    graph: str
    """JSON, as the author wrote it: it decodes as a `Graph`."""
    settings: str
    """JSON: it decodes as `Settings`."""


class FlowVersion(msgspec.Struct, frozen=True):
    """A flow with one of its versions."""

    flow: FlowRecord
    version: VersionRecord

    def settings(self) -> Settings:
        """Return what the version says beside its graph."""
        return msgspec.json.decode(self.version.settings, type=Settings)

    def tag(self) -> str:
        """Return the entity tag of the flow as this version shows it."""
        # A version's definition never changes, so its number stands for it.
        return tag_of(self.flow, self.version.number, self.version.compiled_at)

    def definition(self) -> Flow:
        """Return what the flow language checks and compiles."""
        graph = msgspec.json.decode(self.version.graph, type=Graph)
        flow = self.flow
        return Flow(flow.id, self.version.number, flow.type, graph, self.settings(), name=flow.name)

    def drawn(self) -> Drawn:
        """Return what bindings are made of."""
        return Drawn(self.flow.pk, self.definition().graph, self.flow.bindings)


class Filter(msgspec.Struct, frozen=True):
    """Which flows are asked for; None takes any."""

    type: FlowType | None = None
    status: Status | None = None


class Instances(msgspec.Struct, frozen=True, kw_only=True):
    """Which flows seed 003 asks for, and in which order; None takes any."""

    types: tuple[FlowType, ...] | None = None
    denied_action: DeniedAction | None = None
    pk: UUID | None = None
    name: str | None = None
    """The display name."""
    slug: str | None = None
    title: str | None = None
    search: str | None = None
    """Stands somewhere in what it is called, or in its designation."""
    ordering: str | None = None
    """A field; what is none orders by slug."""
    descending: bool = False


class Instance(msgspec.Struct, frozen=True):
    """A flow with its newest version."""

    found: FlowVersion
    plans: int
    """How many of its versions have one."""


class Nodes(msgspec.Struct, frozen=True):
    """What a flow is made of, and what clients of bindings were told of that."""

    id: str
    pk: UUID
    nodes: tuple[str, ...]
    told: Told


class Place(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """A place in a list by age: the list goes on after it, whoever comes or goes."""

    created_at: Annotated[datetime, msgspec.Meta(tz=True)]
    id: str


class Aged(Protocol):
    """What is listed by age."""

    @property
    def created_at(self) -> datetime: ...


A = TypeVar("A", bound=Aged)


def page_of(
    found: tuple[A, ...], limit: int, id: Callable[[A], object]
) -> tuple[tuple[A, ...], Place | None]:
    """Take the first `limit` of what was found, and say where the next page begins, if any does.

    One more than `limit` is looked for: it tells.
    """
    items = found[:limit]
    if len(found) <= limit:
        return items, None
    return items, Place(items[-1].created_at, str(id(items[-1])))


class Candidate(msgspec.Struct, frozen=True):
    """An active flow, in the order of its type."""

    id: str
    name: str
    display_name: str
    version: int
    """The one that runs."""


class GoldenTest(msgspec.Struct, frozen=True):
    """A test that a flow's versions have to pass before they run."""

    name: str
    test: str
    """JSON, as its author wrote it."""

    def tag(self) -> str:
        """Return its entity tag."""
        return tag_of(self)
