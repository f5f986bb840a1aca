"""`/api/admin/flows`: the nine endpoints of seed 001, in its words and with its fields.

Times are whole Unix seconds. A field that the page shows only where it has a value is left out
where it has none.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Final

import msgspec
from aiohttp import hdrs, web
from msgspec import UNSET, Meta, UnsetType

from libs.common.chassis.app import json_answer
from libs.common.errors import Problem
from libs.common.flow.model import FlowType, Graph, Label, Settings, Slug
from services.management.auth import Tokens
from services.management.flows import Edit, Flows, NewFlow
from services.management.records import Filter, FlowRecord, FlowVersion, Place, Status
from services.management.routes.decode import decode, decode_if_sent, decode_query
from services.management.routes.face import (
    ID,
    Door,
    Limit,
    Note,
    OverrideReason,
    cursor_of,
    flow_id,
    no_cursor,
    of_tenants,
    place_of,
    seconds,
)
from services.management.settings import SomeSettings, shown, some_of

DisplayName = Annotated[Label, Meta(pattern=r"^[^\x00]*$")]
Description = Annotated[str, Meta(max_length=2000, pattern=r"^[^\x00]*$")]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Listing(msgspec.Struct, frozen=True):
    """The query of a list."""

    limit: Limit = 20
    cursor: str | None = None
    type: FlowType | None = None
    status: Status | None = None


class CreateBody(SomeSettings, frozen=True, forbid_unknown_fields=True):
    """The body of a create."""

    name: Slug
    display_name: DisplayName
    type: FlowType
    graph: Graph
    description: Description | None = None
    note: Note | None = None


class UpdateBody(SomeSettings, frozen=True, forbid_unknown_fields=True):
    """The body of an update: what is left out stays."""

    name: Slug | UnsetType = UNSET
    display_name: DisplayName | UnsetType = UNSET
    description: Description | UnsetType | None = UNSET
    type: FlowType | UnsetType = UNSET
    graph: Graph | UnsetType = UNSET
    note: Note | None = None


class ActivateBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of an activate, which may be left out."""

    override_reason: OverrideReason | None = None


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


class Details(SomeSettings, frozen=True):
    """A flow, as of its newest version; settings where they differ from the default."""

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
    face = _Face(flows, Door(tokens))
    path = "/api/admin/flows"
    return of_tenants(
        (
            (hdrs.METH_GET, path, face.list),
            (hdrs.METH_POST, path, face.create),
            (hdrs.METH_GET, path + "/{id}", face.get),
            (hdrs.METH_PUT, path + "/{id}", face.update),
            (hdrs.METH_DELETE, path + "/{id}", face.delete),
            (hdrs.METH_POST, path + "/{id}/validate", face.validate),
            (hdrs.METH_POST, path + "/{id}/compile", face.compile),
            (hdrs.METH_POST, path + "/{id}/activate", face.activate),
            (hdrs.METH_POST, path + "/{id}/deactivate", face.deactivate),
        )
    )


class _Face:
    """One method an endpoint: who may, what is sent, what is done, how it is shown."""

    def __init__(self, flows: Flows, door: Door) -> None:
        self._flows = flows
        self._door = door

    async def list(self, request: web.Request) -> web.Response:
        tenant, _ = self._door.admit(request, "read:flows")
        query = decode_query(request, Listing)
        after = None if query.cursor is None else _place(query.cursor)
        page = await self._flows.list(tenant, Filter(query.type, query.status), after, query.limit)
        cursor = None if page.next is None else cursor_of(page.next)
        return json_answer(ListAnswer(tuple(map(_item, page.items)), page.total, cursor))

    async def get(self, request: web.Request) -> web.Response:
        tenant, _ = self._door.admit(request, "read:flows")
        return json_answer(details_of(await self._flows.get(tenant, flow_id(request))))

    async def create(self, request: web.Request) -> web.Response:
        tenant, author = self._door.admit(request, "create:flows")
        body = await decode(request, CreateBody)
        new = NewFlow(
            name=body.name,
            display_name=body.display_name,
            description=body.description,
            type=body.type,
            graph=body.graph,
            settings=some_of(body).applied_to(Settings()),
            note=body.note,
        )
        created = await self._flows.create(tenant, new, author)
        return json_answer(created_of(created), status=201)

    async def update(self, request: web.Request) -> web.Response:
        tenant, author = self._door.admit(request, "update:flows")
        id = flow_id(request)
        body = await decode(request, UpdateBody)
        edit = Edit(
            name=body.name,
            display_name=body.display_name,
            description=body.description,
            type=body.type,
            graph=body.graph,
            settings=some_of(body),
            note=body.note,
        )
        return json_answer(details_of(await self._flows.update(tenant, id, edit, author)))

    async def delete(self, request: web.Request) -> web.Response:
        tenant, author = self._door.admit(request, "delete:flows")
        await self._flows.delete(tenant, flow_id(request), author)
        return web.Response(status=204)

    async def validate(self, request: web.Request) -> web.Response:
        tenant, _ = self._door.admit(request, "read:flows")
        report = await self._flows.validate(tenant, flow_id(request))
        if report.valid:
            return json_answer(Valid(valid=True, warnings=report.warnings))
        return json_answer(NotValid(valid=False, errors=report.errors, warnings=report.warnings))

    async def compile(self, request: web.Request) -> web.Response:
        tenant, _ = self._door.admit(request, "update:flows")
        done = await self._flows.compile(tenant, flow_id(request))
        return json_answer(
            CompileAnswer(done.flow, compiled=True, compiled_at=done.at, version=done.version)
        )

    async def activate(self, request: web.Request) -> web.Response:
        tenant, author = self._door.admit(request, "update:flows")
        id = flow_id(request)
        body = await decode_if_sent(request, ActivateBody)
        done = await self._flows.activate(tenant, id, author, body.override_reason)
        return json_answer(ActivateAnswer(done.flow, done.status, seconds(done.at)))

    async def deactivate(self, request: web.Request) -> web.Response:
        tenant, author = self._door.admit(request, "update:flows")
        done = await self._flows.deactivate(tenant, flow_id(request), author)
        return json_answer(DeactivateAnswer(done.flow, done.status, seconds(done.at)))


def _place(cursor: str) -> Place:
    place = place_of(cursor, Place)
    try:
        # Anywhere on earth, and so for PostgreSQL, this is a date.
        place.created_at.astimezone(UTC)
    except OverflowError as error:
        raise no_cursor() from error
    if not ID.fullmatch(place.id) or place.created_at <= _EPOCH:
        raise no_cursor()
    return place


def _item(flow: FlowRecord) -> ListItem:
    return ListItem(
        flow.id,
        flow.name,
        flow.display_name,
        flow.type,
        flow.status,
        flow.version,
        seconds(flow.created_at),
        seconds(flow.updated_at),
    )


def details_of(newest: FlowVersion) -> Details:
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
        compiled_at=UNSET if version.compiled_at is None else seconds(version.compiled_at),
        created_at=seconds(flow.created_at),
        updated_at=seconds(flow.updated_at),
        **msgspec.structs.asdict(shown(newest.settings())),
    )


def created_of(newest: FlowVersion) -> Created:
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
