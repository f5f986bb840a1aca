"""`/api/v2/flows`: the five endpoints of seed 000, in its words and with its fields.

Times are in UTC, to the millisecond. A flow whose graph steps cannot say is shown without `steps`,
and with the reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Final

import msgspec
from aiohttp import hdrs, web
from msgspec import UNSET, Meta, UnsetType
from msgspec.structs import replace

from libs.common.chassis.app import json_answer
from libs.common.errors import Conflict, Invalid, Problem
from libs.common.flow.model import FlowType, Graph, Json, Settings, Trigger, TriggerPoint
from services.management.flows import Edit, Flows, NewFlow, Redraw
from services.management.records import FlowRecord, FlowVersion, Status
from services.management.routes.decode import decode, decode_query
from services.management.routes.face import FLOW, flow_id, tagged
from services.management.routes.operation import Operation
from services.management.routes.serving import admitted
from services.management.routes.shapes import DisplayName
from services.management.routes.v2.errors import ErrorBody, refused
from services.management.running import NOT_VALID
from services.management.settings import SomeSettings
from services.management.steps import Step, Unsayable, graph_of, in_steps, steps_of

VERSION: Final = "v2"
"""Of a trigger, where nobody wrote another: there is one version of each."""

NEAREST: Final[Mapping[FlowType, TriggerPoint]] = {
    FlowType.LOGIN: TriggerPoint.POST_LOGIN,
    FlowType.AUTHORIZATION: TriggerPoint.POST_LOGIN,
    FlowType.LOGOUT: TriggerPoint.POST_LOGIN,
    FlowType.MFA_SETUP: TriggerPoint.POST_LOGIN,
    FlowType.UNENROLLMENT: TriggerPoint.POST_LOGIN,
    FlowType.REGISTRATION: TriggerPoint.POST_USER_REGISTRATION,
    FlowType.INVITED_REGISTRATION: TriggerPoint.POST_USER_REGISTRATION,
    FlowType.PASSWORD_RESET: TriggerPoint.POST_CHANGE_PASSWORD,
    FlowType.ACCOUNT_RECOVERY: TriggerPoint.POST_CHANGE_PASSWORD,
    # Of one that says no trigger yet, which is not valid either.
    FlowType.TRIGGER: TriggerPoint.POST_LOGIN,
}
"""What is shown of flows that clients start, which have no trigger."""


class Listing(msgspec.Struct, frozen=True):
    """The query of a list."""

    page: Annotated[int, Meta(ge=0, le=2**31 - 1, description="which page, from 0")] = 0
    per_page: Annotated[int, Meta(ge=1, le=100, description="flows on a page")] = 10
    include_totals: Annotated[bool, Meta(description="whether to count all flows")] = True


class How(msgspec.Struct, frozen=True):
    """The query of an update."""

    replace_graph: Annotated[
        bool, Meta(description="whether steps may take the place of a graph that they cannot say")
    ] = False


class CreateBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of a create."""

    name: DisplayName
    trigger: Trigger = Trigger(TriggerPoint.POST_LOGIN)
    status: Status = Status.DRAFT
    steps: tuple[Step, ...] = ()


class UpdateBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of an update: what is left out stays."""

    name: DisplayName | UnsetType = UNSET
    trigger: Trigger | UnsetType = UNSET
    status: Status | UnsetType = UNSET
    steps: tuple[Step, ...] | UnsetType = UNSET
    steps_unavailable: Json | UnsetType = UNSET
    """Changes nothing. It is taken so that whoever sends back what they were shown may."""


class Item(msgspec.Struct, frozen=True):
    """A flow in a list."""

    id: str
    name: str
    trigger: Trigger
    status: Status
    created_at: str
    updated_at: str


class ListAnswer(msgspec.Struct, frozen=True):
    """A page of flows; `total` counts them on all pages."""

    flows: tuple[Item, ...]
    total: int | UnsetType
    start: int
    limit: int


class Details(msgspec.Struct, frozen=True):
    """A flow, as of its newest version."""

    id: str
    name: str
    trigger: Trigger
    status: Status
    steps: tuple[Step, ...] | UnsetType
    steps_unavailable: Unsayable | UnsetType
    created_at: str
    updated_at: str


class Endpoints:
    """One method an endpoint: what is sent, what is done, how it is shown."""

    def __init__(self, flows: Flows) -> None:
        self._flows = flows

    async def list(self, request: web.Request) -> web.Response:
        tenant, _ = admitted(request)
        query = decode_query(request, Listing)
        start = query.page * query.per_page
        page = await self._flows.page(tenant, start, query.per_page, count=query.include_totals)
        items = tuple(_item(each.flow, each.trigger) for each in page.items)
        total = UNSET if page.total is None else page.total
        return json_answer(ListAnswer(items, total, start, query.per_page))

    async def get(self, request: web.Request) -> web.Response:
        tenant, _ = admitted(request)
        found = await self._flows.get(tenant, flow_id(request))
        return tagged(details_of(found), found.tag())

    async def create(self, request: web.Request) -> web.Response:
        tenant, author = admitted(request)
        body = await decode(request, CreateBody)
        new = NewFlow(
            name=None,
            display_name=body.name,
            description=None,
            type=FlowType.TRIGGER,
            graph=graph_of(body.steps),
            settings=Settings(trigger=_versioned(body.trigger)),
            status=body.status,
        )
        try:
            created = await self._flows.create(tenant, new, author)
        except Invalid as error:
            raise _told(error, body.steps) from error
        return tagged(details_of(created), created.tag(), status=201)

    async def update(self, request: web.Request) -> web.Response:
        tenant, author = admitted(request)
        id = flow_id(request)
        how = decode_query(request, How)
        body = await decode(request, UpdateBody)
        steps = () if body.steps is UNSET else body.steps
        try:
            settings = await self._settings(tenant, id, body)
            edit = Edit(
                display_name=body.name,
                redraw=None if body.steps is UNSET else _redraw(steps, replace=how.replace_graph),
                settings=settings,
                status=body.status,
                at_once=body.steps is not UNSET or settings.trigger is not UNSET,
            )
            updated = await self._flows.update(tenant, id, edit, author)
        except Invalid as error:
            raise _told(error, steps) from error
        except StepsUnavailable as error:
            return refused(
                ErrorBody("conflict", error.message, 409, "steps_unavailable", error.detail)
            )
        return tagged(details_of(updated), updated.tag())

    async def delete(self, request: web.Request) -> web.Response:
        tenant, author = admitted(request)
        await self._flows.delete(tenant, flow_id(request), author)
        return web.Response(status=204)

    async def _settings(self, tenant: str, id: str, body: UpdateBody) -> SomeSettings:
        """Return what a body changes beside the graph, or raise `Invalid`."""
        if body.trigger is UNSET:
            return SomeSettings()
        found = await self._flows.get(tenant, id)
        wanted = _versioned(body.trigger)
        if wanted == _trigger(found.flow, found.settings().trigger):
            return SomeSettings()
        if found.flow.type is not FlowType.TRIGGER:
            message = f"a flow of type '{found.flow.type}' has no trigger; this one only shows it"
            problem = Problem("immutable", message, path="trigger")
            raise Invalid("the trigger of this flow cannot change", (problem,))
        return SomeSettings(trigger=wanted)


class StepsUnavailable(Conflict):
    """Steps are to take the place of a graph that they cannot say."""

    def __init__(self, why: Unsayable) -> None:
        super().__init__("The flow has a graph that steps cannot say; replace_graph=true drops it")
        self.detail = why.reason if why.node_id is None else f"{why.node_id}: {why.reason}"


def _redraw(steps: tuple[Step, ...], *, replace: bool) -> Redraw:
    def redraw(was: Graph) -> Graph:
        said = steps_of(was)
        if isinstance(said, Unsayable) and not replace:
            raise StepsUnavailable(said)
        return graph_of(steps, was)

    return redraw


def _told(error: Invalid, steps: tuple[Step, ...]) -> Invalid:
    """Return `error` with its problems where the body has them, if they are of this flow."""
    if error.message != NOT_VALID:
        return error
    return Invalid(error.message, tuple(in_steps(each, steps) for each in error.problems))


def details_of(newest: FlowVersion) -> Details:
    """Show a flow with one of its versions."""
    definition = newest.definition()
    item = _item(newest.flow, definition.settings.trigger)
    said = steps_of(definition.graph)
    return Details(
        id=item.id,
        name=item.name,
        trigger=item.trigger,
        status=item.status,
        steps=UNSET if isinstance(said, Unsayable) else said,
        steps_unavailable=said if isinstance(said, Unsayable) else UNSET,
        created_at=item.created_at,
        updated_at=item.updated_at,
    )


def _item(flow: FlowRecord, trigger: Trigger | None) -> Item:
    return Item(
        flow.id,
        flow.display_name,
        _trigger(flow, trigger),
        flow.status,
        _time(flow.created_at),
        _time(flow.updated_at),
    )


def _trigger(flow: FlowRecord, trigger: Trigger | None) -> Trigger:
    return _versioned(Trigger(NEAREST[flow.type]) if trigger is None else trigger)


def _versioned(trigger: Trigger) -> Trigger:
    return replace(trigger, version=trigger.version or VERSION)


def _time(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


_FLOWS: Final = "/api/v2/flows"
_FLOW: Final = _FLOWS + "/{id}"

OPERATIONS: Final = (
    Operation(
        method=hdrs.METH_GET,
        path=_FLOWS,
        handler=Endpoints.list,
        summary="List flows",
        scope="read:flows",
        query=Listing,
        answers={200: ListAnswer},
    ),
    Operation(
        method=hdrs.METH_POST,
        path=_FLOWS,
        handler=Endpoints.create,
        summary="Create a flow that runs at a trigger",
        scope="create:flows",
        body=CreateBody,
        answers={201: Details},
    ),
    Operation(
        method=hdrs.METH_GET,
        path=_FLOW,
        handler=Endpoints.get,
        summary="Get a flow, as of its newest version",
        scope="read:flows",
        parameters=FLOW,
        answers={200: Details},
        tagged=True,
    ),
    Operation(
        method=hdrs.METH_PATCH,
        path=_FLOW,
        handler=Endpoints.update,
        summary="Change a flow; what is left out stays",
        scope="update:flows",
        parameters=FLOW,
        query=How,
        body=UpdateBody,
        answers={200: Details},
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
)
