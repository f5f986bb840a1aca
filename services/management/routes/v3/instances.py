"""`/api/v3/flows/instances/`: the flows, as seed 003 and the clients generated of it have them.

Fields that a body may have and that only we set are taken and mean nothing, so that what was shown
can be sent back. A flow keeps its type, so its designation too.
"""

from __future__ import annotations

from typing import Final, Literal, TypeAlias
from uuid import UUID, uuid5

import msgspec
from aiohttp import hdrs, web
from msgspec import UNSET, UnsetType

from libs.common.chassis.app import json_answer
from libs.common.errors import Invalid, Problem
from libs.common.flow.model import (
    AnySlug,
    Authentication,
    DeniedAction,
    Edge,
    FlowType,
    Graph,
    Json,
    Mode,
    Node,
    Settings,
)
from libs.common.flow.node import START, SUCCESS
from services.management.bindings import stages_of
from services.management.designations import DESIGNATION_OF, TYPE_OF
from services.management.flows import Edit, NewFlow
from services.management.instances import FlowInstances, Shown
from services.management.records import Background, Instance, Instances, Layout, Look
from services.management.routes.decode import decode, decode_query
from services.management.routes.face import Text, tagged
from services.management.routes.operation import Operation
from services.management.routes.serving import admitted
from services.management.routes.shapes import DisplayName
from services.management.routes.v3.shapes import (
    Autocomplete,
    Pagination,
    Paging,
    PathSlug,
    pagination,
    root_of,
    slug_of,
)
from services.management.settings import SomeSettings

Designation: TypeAlias = Literal[
    "authentication",
    "authorization",
    "invalidation",
    "enrollment",
    "unenrollment",
    "recovery",
    "stage_configuration",
]

EMPTY: Final = Graph((Node(START, START), Node(SUCCESS, SUCCESS)), (Edge(START, SUCCESS),))
"""What bindings are put into."""


class Listing(Paging, frozen=True, kw_only=True):
    """The query of a list."""

    denied_action: DeniedAction | None = None
    designation: Designation | None = None
    flow_uuid: UUID | None = None
    name: Text | None = None
    slug: Text | None = None
    title: Text | None = None


class PatchBody(msgspec.Struct, frozen=True, kw_only=True):
    """The body of a patch: what is left out stays."""

    name: DisplayName | UnsetType = UNSET
    slug: AnySlug | UnsetType = UNSET
    title: DisplayName | UnsetType = UNSET
    designation: Designation | UnsetType = UNSET
    background: Background | UnsetType = UNSET
    policy_engine_mode: Mode | UnsetType = UNSET
    compatibility_mode: bool | UnsetType = UNSET
    layout: Layout | UnsetType = UNSET
    denied_action: DeniedAction | UnsetType = UNSET
    authentication: Authentication | UnsetType = UNSET


class Body(PatchBody, frozen=True, kw_only=True):
    """The body of a create, or of a replace: what need not be there and is left out stays."""

    name: DisplayName
    slug: AnySlug
    title: DisplayName
    designation: Designation


class Flow(msgspec.Struct, frozen=True, kw_only=True):
    """A flow, as of its newest version."""

    pk: UUID
    policybindingmodel_ptr_id: UUID
    name: str
    slug: str
    title: str
    designation: Designation
    background: str
    background_url: str
    background_themed_urls: None
    stages: tuple[UUID, ...]
    policies: tuple[UUID, ...]
    cache_count: int
    policy_engine_mode: Mode
    compatibility_mode: bool
    export_url: str
    layout: Layout
    denied_action: DeniedAction
    authentication: Authentication
    problems: tuple[Problem, ...] | UnsetType = UNSET
    """Why the newest version does not run, where it is meant to."""


class ListAnswer(msgspec.Struct, frozen=True):
    """A page of flows."""

    pagination: Pagination
    results: tuple[Flow, ...]
    autocomplete: Autocomplete = Autocomplete()


class Endpoints:
    """One method an endpoint: what is sent, what is done, how it is shown."""

    def __init__(self, instances: FlowInstances) -> None:
        self._instances = instances

    async def list(self, request: web.Request) -> web.Response:
        tenant, _ = admitted(request)
        query = decode_query(request, Listing)
        found, count = await self._instances.page(tenant, _sought(query), query.page, query.size)
        root = root_of(request)
        results = tuple(flow_of(each, root) for each in found)
        return json_answer(ListAnswer(pagination(query, count), results))

    async def get(self, request: web.Request) -> web.Response:
        tenant, _ = admitted(request)
        return _answer(request, await self._instances.get(tenant, slug_of(request)))

    async def create(self, request: web.Request) -> web.Response:
        tenant, author = admitted(request)
        body = await decode(request, Body)
        new = NewFlow(
            name=body.slug,
            display_name=body.name,
            description=None,
            type=TYPE_OF[body.designation],
            graph=EMPTY,
            settings=_settings(body).applied_to(Settings()),
            title=body.title,
            look=Look(**_look(body)),
            activates_itself=True,
        )
        return _answer(request, await self._instances.create(tenant, new, author), status=201)

    async def replace(self, request: web.Request) -> web.Response:
        return await self._update(request, await decode(request, Body))

    async def patch(self, request: web.Request) -> web.Response:
        return await self._update(request, await decode(request, PatchBody))

    async def delete(self, request: web.Request) -> web.Response:
        tenant, author = admitted(request)
        await self._instances.delete(tenant, slug_of(request), author)
        return web.Response(status=204)

    async def _update(self, request: web.Request, body: PatchBody) -> web.Response:
        tenant, author = admitted(request)
        slug = slug_of(request)
        was = (await self._instances.find(tenant, slug)).flow
        if body.designation not in (UNSET, DESIGNATION_OF[was.type]):
            message = f"a flow keeps its designation, which is {DESIGNATION_OF[was.type]}"
            problem = Problem("immutable", message, path="designation")
            raise Invalid("the designation of a flow cannot change", (problem,))
        edit = Edit(
            name=body.slug,
            display_name=body.name,
            title=body.title,
            look=_look(body),
            settings=_settings(body),
            if_able=True,
        )
        return _answer(request, await self._instances.update(tenant, slug, edit, author))


def flow_of(instance: Instance, root: str) -> Flow:
    """Show a flow; paths in it begin with `root`."""
    found = instance.found
    flow, settings = found.flow, found.settings()
    return Flow(
        pk=flow.pk,
        policybindingmodel_ptr_id=uuid5(flow.pk, "policies"),
        name=flow.display_name,
        slug=flow.name,
        title=flow.display_name if flow.title is None else flow.title,
        designation=msgspec.convert(DESIGNATION_OF[flow.type], Designation),
        background=flow.look.background,
        background_url=flow.look.background,
        background_themed_urls=None,
        stages=tuple(binding.stage for binding in stages_of(found.drawn())),
        policies=tuple(uuid5(flow.pk, f"policy:{n}") for n, _ in enumerate(settings.policies)),
        cache_count=instance.plans,
        policy_engine_mode=settings.policy_engine_mode,
        compatibility_mode=flow.look.compatibility_mode,
        export_url=f"{root}{FLOWS}{flow.name}/export/",
        layout=flow.look.layout,
        denied_action=settings.denied_action,
        authentication=settings.authentication,
    )


def _answer(request: web.Request, shown: Shown, *, status: int = 200) -> web.Response:
    flow = flow_of(shown.instance, root_of(request))
    if shown.problems:
        flow = msgspec.structs.replace(flow, problems=shown.problems)
    return tagged(flow, shown.instance.found.tag(), status=status)


def _sought(query: Listing) -> Instances:
    types: tuple[FlowType, ...] | None = None
    if query.designation is not None:
        types = tuple(type for type, name in DESIGNATION_OF.items() if name == query.designation)
    return Instances(
        types=types,
        denied_action=query.denied_action,
        pk=query.flow_uuid,
        name=query.name,
        slug=query.slug,
        title=query.title,
        search=query.search or None,
        ordering=query.ordering.removeprefix("-"),
        descending=query.ordering.startswith("-"),
    )


def _settings(body: PatchBody) -> SomeSettings:
    return SomeSettings(
        policy_engine_mode=body.policy_engine_mode,
        denied_action=body.denied_action,
        authentication=body.authentication,
    )


def _look(body: PatchBody) -> dict[str, Json]:
    """Return the fields of `Look` that a body sets."""
    some = {name: getattr(body, name) for name in Look.__struct_fields__}
    return {name: each for name, each in some.items() if each is not UNSET}


FLOWS: Final = "/api/v3/flows/instances/"
FLOW: Final = FLOWS + "{slug}/"

OPERATIONS: Final = (
    Operation(
        method=hdrs.METH_GET,
        path=FLOWS,
        handler=Endpoints.list,
        summary="List flows",
        scope="read:flows",
        query=Listing,
        answers={200: ListAnswer},
    ),
    Operation(
        method=hdrs.METH_POST,
        path=FLOWS,
        handler=Endpoints.create,
        summary="Create a flow, which runs as soon as its bindings let it",
        scope="create:flows",
        body=Body,
        answers={201: Flow},
    ),
    Operation(
        method=hdrs.METH_GET,
        path=FLOW,
        handler=Endpoints.get,
        summary="Get a flow, as of its newest version",
        scope="read:flows",
        parameters=PathSlug,
        answers={200: Flow},
        tagged=True,
    ),
    Operation(
        method=hdrs.METH_PUT,
        path=FLOW,
        handler=Endpoints.replace,
        summary="Replace what is said of a flow",
        scope="update:flows",
        parameters=PathSlug,
        body=Body,
        answers={200: Flow},
        tagged=True,
    ),
    Operation(
        method=hdrs.METH_PATCH,
        path=FLOW,
        handler=Endpoints.patch,
        summary="Change a flow; what is left out stays",
        scope="update:flows",
        parameters=PathSlug,
        body=PatchBody,
        answers={200: Flow},
        tagged=True,
    ),
    Operation(
        method=hdrs.METH_DELETE,
        path=FLOW,
        handler=Endpoints.delete,
        summary="Delete a flow",
        scope="delete:flows",
        parameters=PathSlug,
        answers={204: None},
        tagged=True,
    ),
)
