"""`/api/admin/flows/{id}/versions` and what is done with them: look, compare, go back."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from aiohttp import hdrs, web
from msgspec import UNSET, Meta, UnsetType

from libs.common.chassis.app import json_answer
from libs.common.flow.diff import FieldChange, NodeChange, NodeRef, Renamed, Rewired
from libs.common.flow.model import Edge
from services.management.records import FlowRecord, Status, VersionLine
from services.management.routes.decode import decode_if_sent, decode_query
from services.management.routes.face import (
    FLOW,
    VERSION,
    GraphText,
    Listing,
    Note,
    before_of,
    cursor_before,
    flow_id,
    seconds,
    tagged,
    version_number,
)
from services.management.routes.operation import Content, Operation
from services.management.routes.serving import admitted
from services.management.settings import SomeSettings, shown
from services.management.versions import Compared, Versions

Number = Annotated[int, Meta(ge=1, le=2**31 - 1)]


class Between(msgspec.Struct, frozen=True, rename={"old": "from", "new": "to"}):
    """The query of a comparison."""

    old: Number | None = None
    new: Number | None = None


class RollbackBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of a rollback, which may be left out."""

    version: Number | None = None
    note: Note | None = None


class Shown(SomeSettings, frozen=True):
    """A version; its definition only where it is shown by itself."""

    version: int
    author: str | None
    note: str | None
    created_at: int
    compiled: bool
    compiled_at: int | UnsetType
    active: bool
    """Whether new sessions run it."""
    weight: int | UnsetType
    """Its share of them, beside the weights of the others."""
    graph: GraphText | UnsetType = UNSET


class ListAnswer(msgspec.Struct, frozen=True):
    """A page of versions; `total` counts them on all pages."""

    items: tuple[Shown, ...]
    total: int
    cursor: str | None


class NodesChanged(msgspec.Struct, frozen=True):
    added: tuple[NodeRef, ...]
    removed: tuple[NodeRef, ...]
    changed: tuple[NodeChange, ...]
    renamed: tuple[Renamed, ...]


class EdgesChanged(msgspec.Struct, frozen=True):
    added: tuple[Edge, ...]
    removed: tuple[Edge, ...]
    rewired: tuple[Rewired, ...]


class DiffAnswer(msgspec.Struct, frozen=True, rename={"old": "from", "new": "to"}):
    """What changed; all of it empty where both versions mean the same."""

    old: int
    new: int
    layout_only: bool
    nodes: NodesChanged
    edges: EdgesChanged
    settings: tuple[FieldChange, ...]


class RollbackAnswer(msgspec.Struct, frozen=True):
    """A version made anew; `activated_at` where it runs."""

    id: str
    status: Status
    version: int
    copied: int
    activated_at: int | UnsetType


class Endpoints:
    def __init__(self, versions: Versions) -> None:
        self._versions = versions

    async def list(self, request: web.Request) -> web.Response:
        tenant, _ = admitted(request)
        id = flow_id(request)
        query = decode_query(request, Listing)
        page = await self._versions.list(tenant, id, before_of(query.cursor), query.limit)
        items = tuple(_shown(page.flow, each) for each in page.items)
        return json_answer(ListAnswer(items, page.flow.version, cursor_before(page.next)))

    async def get(self, request: web.Request) -> web.Response:
        tenant, _ = admitted(request)
        id = flow_id(request)
        found = await self._versions.get(tenant, id, version_number(request))
        definition = {
            "graph": msgspec.Raw(found.version.graph.encode()),
            **msgspec.structs.asdict(shown(found.settings())),
        }
        line = _shown(found.flow, found.version)
        return tagged(msgspec.structs.replace(line, **definition), found.tag())

    async def diff(self, request: web.Request) -> web.Response:
        tenant, _ = admitted(request)
        id = flow_id(request)
        between = decode_query(request, Between)
        return json_answer(_diff(await self._versions.diff(tenant, id, between.old, between.new)))

    async def rollback(self, request: web.Request) -> web.Response:
        tenant, author = admitted(request)
        id = flow_id(request)
        body = await decode_if_sent(request, RollbackBody)
        done = await self._versions.rollback(tenant, id, body.version, body.note, author)
        at = UNSET if done.at is None else seconds(done.at)
        return json_answer(RollbackAnswer(id, done.status, done.version, done.copied, at))


_FLOW: Final = "/api/admin/flows/{id}"

OPERATIONS: Final = (
    Operation(
        method=hdrs.METH_GET,
        path=_FLOW + "/versions",
        handler=Endpoints.list,
        summary="List the versions of a flow",
        scope="read:flows",
        parameters=FLOW,
        query=Listing,
        answers={200: ListAnswer},
    ),
    Operation(
        method=hdrs.METH_GET,
        path=_FLOW + "/versions/{version}",
        handler=Endpoints.get,
        summary="Get a version of a flow",
        scope="read:flows",
        parameters=VERSION,
        answers={200: Shown},
        tagged=True,
    ),
    Operation(
        method=hdrs.METH_GET,
        path=_FLOW + "/diff",
        handler=Endpoints.diff,
        summary="Compare two versions of a flow",
        scope="read:flows",
        parameters=FLOW,
        query=Between,
        answers={200: DiffAnswer},
    ),
    Operation(
        method=hdrs.METH_POST,
        path=_FLOW + "/rollback",
        handler=Endpoints.rollback,
        summary="Go back to an earlier version",
        scope="update:flows",
        parameters=FLOW,
        body=Content(RollbackBody, optional=True),
        answers={200: RollbackAnswer},
        tagged=True,
    ),
)


def _shown(flow: FlowRecord, line: VersionLine) -> Shown:
    weight = flow.weight(line.number)
    return Shown(
        version=line.number,
        author=line.author,
        note=line.note,
        created_at=seconds(line.saved_at),
        compiled=line.compiled_at is not None,
        compiled_at=UNSET if line.compiled_at is None else seconds(line.compiled_at),
        active=weight is not None,
        weight=UNSET if weight is None else weight,
    )


def _diff(compared: Compared) -> DiffAnswer:
    found = compared.diff
    return DiffAnswer(
        compared.old,
        compared.new,
        found.layout_only,
        NodesChanged(
            found.nodes_added, found.nodes_removed, found.nodes_changed, found.nodes_renamed
        ),
        EdgesChanged(found.edges_added, found.edges_removed, found.edges_rewired),
        found.settings,
    )
