"""`/api/admin/flows`: the nine endpoints of seed 001, in its words and with its fields.

Times are whole Unix seconds. A field that the page shows only where it has a value is left out
where it has none.
"""

from __future__ import annotations

import base64
import re
from datetime import UTC, datetime
from typing import Annotated, Final

import msgspec
from aiohttp import hdrs, web
from msgspec import UNSET, Meta, UnsetType

from libs.common.chassis.app import json_answer
from libs.common.chassis.logging import remember
from libs.common.errors import Invalid, NotFound, Problem
from libs.common.flow.model import FlowType, Graph, Label, Slug
from services.management.auth import Scope, Tokens
from services.management.flows import NO_FLOW, Edit, Flows, NewFlow
from services.management.records import Filter, FlowRecord, Newest, Place, Status
from services.management.routes.decode import decode, decode_query

DEFAULT_TENANT: Final = "default"
"""The tenant of a path that names none."""

DisplayName = Annotated[Label, Meta(pattern=r"^[^\x00]*$")]
Description = Annotated[str, Meta(max_length=2000, pattern=r"^[^\x00]*$")]
"""PostgreSQL's text has no NUL."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

# What was ever given, and no more: the path may hold bytes that PostgreSQL would refuse.
_ID = re.compile(r"flow_[A-Za-z0-9_]{1,64}")
_TENANT = re.compile(r"[A-Za-z0-9_-]{1,63}")


class Listing(msgspec.Struct, frozen=True):
    """The query of a list."""

    limit: Annotated[int, Meta(ge=1, le=100)] = 20
    cursor: str | None = None
    type: FlowType | None = None
    status: Status | None = None


class CreateBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of a create."""

    name: Slug
    display_name: DisplayName
    type: FlowType
    graph: Graph
    description: Description | None = None


class UpdateBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of an update: what is left out stays."""

    name: Slug | UnsetType = UNSET
    display_name: DisplayName | UnsetType = UNSET
    description: Description | UnsetType | None = UNSET
    type: FlowType | UnsetType = UNSET
    graph: Graph | UnsetType = UNSET


class ListItem(msgspec.Struct, frozen=True):
    """A flow in a list."""

    id: str
    name: str
    display_name: str
    type: FlowType
    status: Status
    version: int
    created_at: int
    updated_at: int


class ListAnswer(msgspec.Struct, frozen=True):
    """A page of flows; `total` counts them on all pages."""

    items: tuple[ListItem, ...]
    total: int
    cursor: str | None


class Details(msgspec.Struct, frozen=True):
    """A flow, as of its newest version."""

    id: str
    name: str
    display_name: str
    description: str | UnsetType
    type: FlowType
    status: Status
    version: int
    graph: msgspec.Raw
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


class Valid(msgspec.Struct, frozen=True):
    """A flow that can run."""

    valid: bool
    warnings: tuple[Problem, ...]


class NotValid(msgspec.Struct, frozen=True, omit_defaults=True):
    """A flow that cannot run."""

    valid: bool
    errors: tuple[Problem, ...]
    warnings: tuple[Problem, ...] = ()


class CompileAnswer(msgspec.Struct, frozen=True):
    """A flow whose newest version has its plan in Redis."""

    id: str
    compiled: bool
    compiled_at: int
    version: int


class ActivateAnswer(msgspec.Struct, frozen=True):
    """A flow that runs from now on."""

    id: str
    status: Status
    activated_at: int


class DeactivateAnswer(msgspec.Struct, frozen=True):
    """A flow that no new session runs."""

    id: str
    status: Status
    deactivated_at: int


def admin_routes(flows: Flows, tokens: Tokens) -> tuple[web.RouteDef, ...]:
    """Return the routes of seed 001, for the default tenant and for one that the path names."""
    face = _Face(flows, tokens)
    return tuple(
        web.route(method, prefix + path, handler)
        for prefix in ("/api/admin/flows", "/t/{tenant}/api/admin/flows")
        for method, path, handler in (
            (hdrs.METH_GET, "", face.list),
            (hdrs.METH_POST, "", face.create),
            (hdrs.METH_GET, "/{id}", face.get),
            (hdrs.METH_PUT, "/{id}", face.update),
            (hdrs.METH_DELETE, "/{id}", face.delete),
            (hdrs.METH_POST, "/{id}/validate", face.validate),
            (hdrs.METH_POST, "/{id}/compile", face.compile),
            (hdrs.METH_POST, "/{id}/activate", face.activate),
            (hdrs.METH_POST, "/{id}/deactivate", face.deactivate),
        )
    )


class _Face:
    """One method an endpoint: who may, what is sent, what is done, how it is shown."""

    def __init__(self, flows: Flows, tokens: Tokens) -> None:
        self._flows = flows
        self._tokens = tokens

    async def list(self, request: web.Request) -> web.Response:
        tenant, _ = self._admit(request, "read:flows")
        query = decode_query(request, Listing)
        after = None if query.cursor is None else _place(query.cursor)
        page = await self._flows.list(tenant, Filter(query.type, query.status), after, query.limit)
        cursor = None if page.next is None else _cursor(page.next)
        return json_answer(ListAnswer(tuple(map(_item, page.items)), page.total, cursor))

    async def get(self, request: web.Request) -> web.Response:
        tenant, _ = self._admit(request, "read:flows")
        return json_answer(_details(await self._flows.get(tenant, _id(request))))

    async def create(self, request: web.Request) -> web.Response:
        tenant, author = self._admit(request, "create:flows")
        body = await decode(request, CreateBody)
        new = NewFlow(
            name=body.name,
            display_name=body.display_name,
            description=body.description,
            type=body.type,
            graph=body.graph,
        )
        created = await self._flows.create(tenant, new, author)
        return json_answer(_created(created), status=201)

    async def update(self, request: web.Request) -> web.Response:
        tenant, author = self._admit(request, "update:flows")
        id = _id(request)
        body = await decode(request, UpdateBody)
        edit = Edit(
            name=body.name,
            display_name=body.display_name,
            description=body.description,
            type=body.type,
            graph=body.graph,
        )
        return json_answer(_details(await self._flows.update(tenant, id, edit, author)))

    async def delete(self, request: web.Request) -> web.Response:
        tenant, _ = self._admit(request, "delete:flows")
        await self._flows.delete(tenant, _id(request))
        return web.Response(status=204)

    async def validate(self, request: web.Request) -> web.Response:
        tenant, _ = self._admit(request, "read:flows")
        report = await self._flows.validate(tenant, _id(request))
        if report.valid:
            return json_answer(Valid(valid=True, warnings=report.warnings))
        return json_answer(NotValid(valid=False, errors=report.errors, warnings=report.warnings))

    async def compile(self, request: web.Request) -> web.Response:
        tenant, _ = self._admit(request, "update:flows")
        done = await self._flows.compile(tenant, _id(request))
        return json_answer(
            CompileAnswer(done.flow, compiled=True, compiled_at=done.at, version=done.version)
        )

    async def activate(self, request: web.Request) -> web.Response:
        tenant, _ = self._admit(request, "update:flows")
        done = await self._flows.activate(tenant, _id(request))
        return json_answer(ActivateAnswer(done.flow, done.status, _seconds(done.at)))

    async def deactivate(self, request: web.Request) -> web.Response:
        tenant, _ = self._admit(request, "update:flows")
        done = await self._flows.deactivate(tenant, _id(request))
        return json_answer(DeactivateAnswer(done.flow, done.status, _seconds(done.at)))

    def _admit(self, request: web.Request, scope: Scope) -> tuple[str, str]:
        """Return the tenant and who calls, or raise for whoever may not do this there."""
        caller = self._tokens.verify(request.headers.get(hdrs.AUTHORIZATION))
        tenant = request.match_info.get("tenant", DEFAULT_TENANT)
        caller.require(scope, tenant)
        if not _TENANT.fullmatch(tenant):
            raise NotFound("there is no such tenant")
        remember(tenant=tenant)
        return tenant, caller.subject


def _id(request: web.Request) -> str:
    id = request.match_info["id"]
    if not _ID.fullmatch(id):
        raise NotFound(NO_FLOW)
    remember(flow=id)
    return id


def _cursor(place: Place) -> str:
    return base64.urlsafe_b64encode(msgspec.msgpack.encode(place)).decode().rstrip("=")


def _place(cursor: str) -> Place:
    try:
        data = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        place = msgspec.msgpack.decode(data, type=Place)
        if _ID.fullmatch(place.id) and place.created_at > _EPOCH:
            # Anywhere on earth, and so for PostgreSQL, this is a date.
            place.created_at.astimezone(UTC)
            return place
    except (ValueError, OverflowError, TypeError, msgspec.DecodeError):
        # Which of its bytes is wrong helps nobody.
        pass
    problem = Problem("invalid", "pass a cursor on as it was given", path="cursor")
    raise Invalid("the cursor is none of ours", (problem,))


def _seconds(at: datetime) -> int:
    return int(at.timestamp())


def _item(flow: FlowRecord) -> ListItem:
    return ListItem(
        flow.id,
        flow.name,
        flow.display_name,
        flow.type,
        flow.status,
        flow.version,
        _seconds(flow.created_at),
        _seconds(flow.updated_at),
    )


def _details(newest: Newest) -> Details:
    flow, version = newest.flow, newest.version
    return Details(
        id=flow.id,
        name=flow.name,
        display_name=flow.display_name,
        description=UNSET if flow.description is None else flow.description,
        type=flow.type,
        status=flow.status,
        version=version.number,
        graph=msgspec.Raw(version.graph.encode()),
        compiled=version.compiled_at is not None,
        compiled_at=UNSET if version.compiled_at is None else _seconds(version.compiled_at),
        created_at=_seconds(flow.created_at),
        updated_at=_seconds(flow.updated_at),
    )


def _created(newest: Newest) -> Created:
    flow = newest.flow
    return Created(
        id=flow.id,
        name=flow.name,
        display_name=flow.display_name,
        type=flow.type,
        status=flow.status,
        version=flow.version,
        compiled=newest.version.compiled_at is not None,
        created_at=_seconds(flow.created_at),
    )
