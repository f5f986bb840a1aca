"""`/api/admin/flows`: the nine endpoints of seed 001, in its words and with its fields.

Times are whole Unix seconds. A field that the page shows only where it has a value is left out
where it has none.
"""

from __future__ import annotations

from typing import Final

import msgspec
from aiohttp import hdrs, web
from msgspec import UNSET, UnsetType

from libs.common.chassis.app import json_answer
from libs.common.errors import Invalid, Problem
from libs.common.flow.model import AnySlug, FlowType, Graph, Settings, Slug
from libs.common.misfit import misfits
from services.management.flows import Edit, Flows, NewFlow
from services.management.records import Filter, FlowRecord, Status
from services.management.routes.decode import decode, decode_if_sent, decode_query
from services.management.routes.face import (
    FLOW,
    ID,
    Listing,
    Note,
    OverrideReason,
    after_of,
    cursor_of,
    flow_id,
    seconds,
    tagged,
)
from services.management.routes.operation import Content, Operation
from services.management.routes.serving import admitted
from services.management.routes.shapes import (
    Created,
    Description,
    DisplayName,
    FlowDetails,
    created_of,
    details_of,
)
from services.management.settings import SomeSettings, some_of


class Query(Listing, frozen=True):
    """The query of a list."""

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

    name: AnySlug | UnsetType = UNSET
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


class Validity(msgspec.Struct, frozen=True):
    """Whether a flow can run, and what is wrong with it."""

    valid: bool
    errors: tuple[Problem, ...] | UnsetType
    warnings: tuple[Problem, ...] | UnsetType


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


class Endpoints:
    """One method an endpoint: who may, what is sent, what is done, how it is shown."""

    def __init__(self, flows: Flows) -> None:
        self._flows = flows

    async def list(self, request: web.Request) -> web.Response:
        tenant, _ = admitted(request)
        query = decode_query(request, Query)
        after = after_of(query.cursor, ID)
        page = await self._flows.list(tenant, Filter(query.type, query.status), after, query.limit)
        cursor = None if page.next is None else cursor_of(page.next)
        return json_answer(ListAnswer(tuple(map(_item, page.items)), page.total, cursor))

    async def get(self, request: web.Request) -> web.Response:
        tenant, _ = admitted(request)
        found = await self._flows.get(tenant, flow_id(request))
        return tagged(details_of(found), found.tag())

    async def create(self, request: web.Request) -> web.Response:
        tenant, author = admitted(request)
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
        return tagged(created_of(created), created.tag(), status=201)

    async def update(self, request: web.Request) -> web.Response:
        tenant, author = admitted(request)
        id = flow_id(request)
        body = await decode(request, UpdateBody)
        if body.name is not UNSET:
            await self._refuse_if_new(tenant, id, body.name)
        edit = Edit(
            name=body.name,
            display_name=body.display_name,
            description=body.description,
            type=body.type,
            graph=body.graph,
            settings=some_of(body),
            note=body.note,
        )
        updated = await self._flows.update(tenant, id, edit, author)
        return tagged(details_of(updated), updated.tag())

    async def delete(self, request: web.Request) -> web.Response:
        tenant, author = admitted(request)
        await self._flows.delete(tenant, flow_id(request), author)
        return web.Response(status=204)

    async def validate(self, request: web.Request) -> web.Response:
        tenant, _ = admitted(request)
        report = await self._flows.validate(tenant, flow_id(request))
        return json_answer(
            Validity(
                valid=report.valid,
                errors=report.errors or UNSET,
                # The page has them where all is well, and leaves them out where there are none.
                warnings=report.warnings if report.valid or report.warnings else UNSET,
            )
        )

    async def compile(self, request: web.Request) -> web.Response:
        tenant, _ = admitted(request)
        done = await self._flows.compile(tenant, flow_id(request))
        return json_answer(
            CompileAnswer(done.flow, compiled=True, compiled_at=done.at, version=done.version)
        )

    async def activate(self, request: web.Request) -> web.Response:
        tenant, author = admitted(request)
        id = flow_id(request)
        body = await decode_if_sent(request, ActivateBody)
        done = await self._flows.activate(tenant, id, author, body.override_reason)
        return json_answer(ActivateAnswer(done.flow, done.status, seconds(done.at)))

    async def deactivate(self, request: web.Request) -> web.Response:
        tenant, author = admitted(request)
        done = await self._flows.deactivate(tenant, flow_id(request), author)
        return json_answer(DeactivateAnswer(done.flow, done.status, seconds(done.at)))

    async def _refuse_if_new(self, tenant: str, id: str, name: str) -> None:
        """Raise `Invalid` for a name that only another face can give, unless it did so before."""
        problems = tuple(misfits(name, Slug, "name"))
        if problems and (await self._flows.get(tenant, id)).flow.name != name:
            raise Invalid("the body is not as expected", problems)


_FLOWS: Final = "/api/admin/flows"
_FLOW: Final = _FLOWS + "/{id}"

OPERATIONS: Final = (
    Operation(
        method=hdrs.METH_GET,
        path=_FLOWS,
        handler=Endpoints.list,
        summary="List flows",
        scope="read:flows",
        query=Query,
        answers={200: ListAnswer},
    ),
    Operation(
        method=hdrs.METH_POST,
        path=_FLOWS,
        handler=Endpoints.create,
        summary="Create a flow",
        scope="create:flows",
        body=CreateBody,
        answers={201: Created},
    ),
    Operation(
        method=hdrs.METH_GET,
        path=_FLOW,
        handler=Endpoints.get,
        summary="Get a flow, as of its newest version",
        scope="read:flows",
        parameters=FLOW,
        answers={200: FlowDetails},
        tagged=True,
    ),
    Operation(
        method=hdrs.METH_PUT,
        path=_FLOW,
        handler=Endpoints.update,
        summary="Change a flow; what is left out stays",
        scope="update:flows",
        parameters=FLOW,
        body=UpdateBody,
        answers={200: FlowDetails},
        tagged=True,
    ),
    Operation(
        method=hdrs.METH_DELETE,
        path=_FLOW,
        handler=Endpoints.delete,
        summary="Delete a flow",
        scope="delete:flows",
        parameters=FLOW,
        answers={204: None},
        tagged=True,
    ),
    Operation(
        method=hdrs.METH_POST,
        path=_FLOW + "/validate",
        handler=Endpoints.validate,
        summary="Check the newest version",
        scope="read:flows",
        parameters=FLOW,
        answers={200: Validity},
        writes=False,
    ),
    Operation(
        method=hdrs.METH_POST,
        path=_FLOW + "/compile",
        handler=Endpoints.compile,
        summary="Compile the newest version",
        scope="update:flows",
        parameters=FLOW,
        answers={200: CompileAnswer},
    ),
    Operation(
        method=hdrs.METH_POST,
        path=_FLOW + "/activate",
        handler=Endpoints.activate,
        summary="Let new sessions run the newest version",
        scope="update:flows",
        parameters=FLOW,
        body=Content(ActivateBody, optional=True),
        answers={200: ActivateAnswer},
        tagged=True,
    ),
    Operation(
        method=hdrs.METH_POST,
        path=_FLOW + "/deactivate",
        handler=Endpoints.deactivate,
        summary="Let no new session run a flow",
        scope="update:flows",
        parameters=FLOW,
        answers={200: DeactivateAnswer},
        tagged=True,
    ),
)


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
