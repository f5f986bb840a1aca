"""`/api/v3/flows/bindings/`: which stages a flow has, and in which order.

A stage is a node of some flow. To bind one that a flow has already, in that flow or in another,
puts a copy of it into the target; stages without a flow there are none.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, TypeAlias
from uuid import UUID, uuid5

import msgspec
from aiohttp import hdrs, web
from msgspec import UNSET, Meta, UnsetType

from libs.common.chassis.app import json_answer
from libs.common.errors import NotFound
from libs.common.flow.model import DeniedAction, Mode, Node, Policies
from services.management.bindings import NO_BINDING, Said
from services.management.blueprints.reverse import MODEL_OF
from services.management.instances import FlowInstances, Placed, Wanted
from services.management.records import Instance, Layout
from services.management.routes.decode import decode, decode_query
from services.management.routes.operation import Operation
from services.management.routes.serving import admitted
from services.management.routes.v3 import instances
from services.management.routes.v3.shapes import (
    Autocomplete,
    Pagination,
    Paging,
    key_of,
    pagination,
    root_of,
)

Order = Annotated[int, Meta(ge=-(2**31), le=2**31 - 1)]
Action: TypeAlias = Literal["retry"]
"""What becomes of a wrong answer: it is asked for again. There is no other way here."""


class Listing(Paging, frozen=True, kw_only=True):
    """The query of a list."""

    target: UUID | None = None
    stage: UUID | None = None
    fsb_uuid: UUID | None = None
    pbm_uuid: UUID | None = None
    order: Order | None = None
    evaluate_on_plan: bool | None = None
    re_evaluate_policies: bool | None = None
    policy_engine_mode: Mode | None = None
    invalid_response_action: Literal["retry", "restart", "restart_with_context"] | None = None


class PatchBody(msgspec.Struct, frozen=True, kw_only=True):
    """The body of a patch: what is left out stays."""

    target: UUID | UnsetType = UNSET
    stage: UUID | UnsetType = UNSET
    order: Order | UnsetType = UNSET
    evaluate_on_plan: bool | UnsetType = UNSET
    re_evaluate_policies: bool | UnsetType = UNSET
    policy_engine_mode: Mode | UnsetType = UNSET
    invalid_response_action: Action | UnsetType = UNSET
    policies: Policies | UnsetType = UNSET


class Body(PatchBody, frozen=True, kw_only=True):
    """The body of a create, or of a replace: what need not be there and is left out stays."""

    target: UUID
    stage: UUID
    order: Order


class FlowOfStage(msgspec.Struct, frozen=True, kw_only=True):
    """A flow, as a stage of it shows it."""

    pk: UUID
    policybindingmodel_ptr_id: UUID
    name: str
    slug: str
    title: str
    designation: instances.Designation
    background: str
    background_url: str
    policy_engine_mode: Mode
    compatibility_mode: bool
    export_url: str
    layout: Layout
    denied_action: DeniedAction


class Stage(msgspec.Struct, frozen=True, kw_only=True):
    """A node as a stage."""

    pk: UUID
    name: str
    component: str
    verbose_name: str
    verbose_name_plural: str
    meta_model_name: str
    flow_set: tuple[FlowOfStage, ...]


class Binding(msgspec.Struct, frozen=True, kw_only=True):
    """A stage in its place."""

    pk: UUID
    policybindingmodel_ptr_id: UUID
    target: UUID
    stage: UUID
    stage_obj: Stage
    evaluate_on_plan: bool
    re_evaluate_policies: bool
    order: int
    policy_engine_mode: Mode
    invalid_response_action: Action
    policies: Policies
    """The node's, which authentik has apart."""


class ListAnswer(msgspec.Struct, frozen=True):
    """A page of bindings."""

    pagination: Pagination
    results: tuple[Binding, ...]
    autocomplete: Autocomplete = Autocomplete()


class Endpoints:
    """One method an endpoint: what is sent, what is done, how it is shown."""

    def __init__(self, flows: FlowInstances) -> None:
        self._flows = flows

    async def list(self, request: web.Request) -> web.Response:
        tenant, _ = admitted(request)
        query = decode_query(request, Listing)
        root = root_of(request)
        shown = [
            binding_of(each, root) for each in await self._flows.bindings(tenant, query.target)
        ]
        found = _ordered([each for each in shown if _fits(each, query)], query.ordering)
        first = (query.page - 1) * query.size
        if first < 0 or (first and first >= len(found)):
            raise NotFound("there is no such page")
        page = tuple(found[first : first + query.size])
        return json_answer(ListAnswer(pagination(query, len(found)), page))

    async def get(self, request: web.Request) -> web.Response:
        tenant, _ = admitted(request)
        placed = await self._flows.binding(tenant, key_of(request, NO_BINDING))
        return json_answer(binding_of(placed, root_of(request)))

    async def create(self, request: web.Request) -> web.Response:
        tenant, author = admitted(request)
        body = await decode(request, Body)
        placed = await self._flows.bind(
            tenant, body.target, body.stage, body.order, _said(body), author
        )
        return json_answer(binding_of(placed, root_of(request)), status=201)

    async def replace(self, request: web.Request) -> web.Response:
        return await self._update(request, await decode(request, Body))

    async def patch(self, request: web.Request) -> web.Response:
        return await self._update(request, await decode(request, PatchBody))

    async def delete(self, request: web.Request) -> web.Response:
        tenant, author = admitted(request)
        await self._flows.unbind(tenant, key_of(request, NO_BINDING), author)
        return web.Response(status=204)

    async def _update(self, request: web.Request, body: PatchBody) -> web.Response:
        tenant, author = admitted(request)
        wanted = Wanted(target=body.target, stage=body.stage, order=body.order, said=_said(body))
        placed = await self._flows.rebind(tenant, key_of(request, NO_BINDING), wanted, author)
        return json_answer(binding_of(placed, root_of(request)))


def binding_of(placed: Placed, root: str) -> Binding:
    """Show a binding; paths in it begin with `root`."""
    binding, node = placed.binding, placed.binding.node
    return Binding(
        pk=binding.pk,
        policybindingmodel_ptr_id=uuid5(binding.pk, "policies"),
        target=placed.flow.flow.pk,
        stage=binding.stage,
        stage_obj=_stage(placed, root),
        evaluate_on_plan=node.evaluate_on_plan,
        re_evaluate_policies=node.re_evaluate_policies,
        order=binding.order,
        policy_engine_mode=node.policy_engine_mode,
        invalid_response_action="retry",
        policies=node.policies,
    )


def _stage(placed: Placed, root: str) -> Stage:
    node = placed.binding.node
    app, model = _model(node)
    kind = app.replace("_", " ").title()
    shown = msgspec.structs.asdict(instances.flow_of(Instance(placed.flow, 0), root))
    flow = FlowOfStage(**{name: shown[name] for name in FlowOfStage.__struct_fields__})
    return Stage(
        pk=placed.binding.stage,
        name=node.label or node.id,
        component=f"ak-stage-{app.replace('_', '-')}-form",
        verbose_name=f"{kind} Stage",
        verbose_name_plural=f"{kind} Stages",
        meta_model_name=model,
        flow_set=(flow,),
    )


def _model(node: Node) -> tuple[str, str]:
    """Return what authentik calls the node's type, and its model there."""
    # What authentik has no stage for goes by its own name.
    model = MODEL_OF.get(node.type, f"gatehouse_stages_{node.type}.{node.type}")
    return model.partition("_stages_")[2].partition(".")[0], model


def _said(body: PatchBody) -> Said:
    return Said(
        policies=body.policies,
        policy_engine_mode=body.policy_engine_mode,
        evaluate_on_plan=body.evaluate_on_plan,
        re_evaluate_policies=body.re_evaluate_policies,
    )


def _fits(binding: Binding, query: Listing) -> bool:
    wanted = {
        "pk": query.fsb_uuid,
        "policybindingmodel_ptr_id": query.pbm_uuid,
        "stage": query.stage,
        "order": query.order,
        "evaluate_on_plan": query.evaluate_on_plan,
        "re_evaluate_policies": query.re_evaluate_policies,
        "policy_engine_mode": query.policy_engine_mode,
        "invalid_response_action": query.invalid_response_action,
    }
    if any(each not in (None, getattr(binding, name)) for name, each in wanted.items()):
        return False
    return query.search.lower() in binding.stage_obj.name.lower()


_FIELDS: Final = frozenset({"order", "stage", "target", "pk"})


def _ordered(found: list[Binding], ordering: str) -> list[Binding]:
    """Order bindings by a field, or leave them by their flows, and there by their order."""
    field = ordering.removeprefix("-")
    if field not in _FIELDS:
        return found
    return sorted(found, key=lambda each: getattr(each, field), reverse=ordering.startswith("-"))


_BINDINGS: Final = "/api/v3/flows/bindings/"
BINDING: Final = _BINDINGS + "{uuid}/"
KEY: Final[Mapping[str, Any]] = {"uuid": Annotated[UUID, Meta(description="of a binding")]}

OPERATIONS: Final = (
    Operation(
        method=hdrs.METH_GET,
        path=_BINDINGS,
        handler=Endpoints.list,
        summary="List bindings",
        scope="read:flows",
        query=Listing,
        answers={200: ListAnswer},
    ),
    Operation(
        method=hdrs.METH_POST,
        path=_BINDINGS,
        handler=Endpoints.create,
        summary="Put a copy of a stage into a flow",
        scope="update:flows",
        body=Body,
        answers={201: Binding},
    ),
    Operation(
        method=hdrs.METH_GET,
        path=BINDING,
        handler=Endpoints.get,
        summary="Get a binding",
        scope="read:flows",
        parameters=KEY,
        answers={200: Binding},
    ),
    Operation(
        method=hdrs.METH_PUT,
        path=BINDING,
        handler=Endpoints.replace,
        summary="Replace what is said of a binding",
        scope="update:flows",
        parameters=KEY,
        body=Body,
        answers={200: Binding},
    ),
    Operation(
        method=hdrs.METH_PATCH,
        path=BINDING,
        handler=Endpoints.patch,
        summary="Change a binding; what is left out stays",
        scope="update:flows",
        parameters=KEY,
        body=PatchBody,
        answers={200: Binding},
    ),
    Operation(
        method=hdrs.METH_DELETE,
        path=BINDING,
        handler=Endpoints.delete,
        summary="Take a stage out of its flow",
        scope="update:flows",
        parameters=KEY,
        answers={204: None},
    ),
)
