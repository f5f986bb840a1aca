"""What seed 003's clients ask about flows: drawn, where they run, who needs them, what is ready.

Nothing is cached here: a version is compiled once, and its plan is kept while anybody may run it.
To clear has the plans of all that is active made and published again.
"""

from __future__ import annotations

import asyncio
from typing import Final, Literal

import msgspec
from aiohttp import hdrs, web

from libs.common.chassis.app import json_answer
from services.management.bindings import NO_BINDING
from services.management.blueprints.tags import FLOW_MODEL
from services.management.diagram import diagram
from services.management.instances import FlowInstances
from services.management.records import FlowVersion
from services.management.routes.operation import Operation
from services.management.routes.serving import admitted
from services.management.routes.v3.bindings import BINDING, KEY
from services.management.routes.v3.instances import FLOW, FLOWS
from services.management.routes.v3.shapes import PathSlug, key_of, root_of, slug_of

EXECUTE: Final = "/flow/execute"
"""Where executors run flows (seed 002)."""

_APP, _, _MODEL = FLOW_MODEL.partition(".")


class Diagram(msgspec.Struct, frozen=True):
    """A flow as a Mermaid flowchart."""

    diagram: str


class Link(msgspec.Struct, frozen=True):
    """Where executors run a flow: a path of theirs, to which a client posts."""

    link: str


class UsedBy(msgspec.Struct, frozen=True):
    """Something that needs what was asked about."""

    app: str
    model_name: str
    pk: str
    name: str
    action: Literal["cascade"] = "cascade"
    """The word that warns most. What is needed is not deleted."""


class Cache(msgspec.Struct, frozen=True):
    """How many versions have a plan."""

    count: int


class Endpoints:
    """One method an endpoint: what is asked, and how it is shown."""

    def __init__(self, instances: FlowInstances) -> None:
        self._instances = instances

    async def cache_info(self, request: web.Request) -> web.Response:
        tenant, _ = admitted(request)
        return json_answer(Cache(await self._instances.count_plans(tenant)))

    async def cache_clear(self, request: web.Request) -> web.Response:
        tenant, author = admitted(request)
        await self._instances.publish(tenant, author)
        return web.Response(status=204)

    async def diagram(self, request: web.Request) -> web.Response:
        tenant, _ = admitted(request)
        found = await self._instances.find(tenant, slug_of(request))
        # In a thread: a large graph takes most of a second.
        drawn = await asyncio.to_thread(diagram, found.definition().graph)
        return json_answer(Diagram(drawn))

    async def execute(self, request: web.Request) -> web.Response:
        tenant, _ = admitted(request)
        await self._instances.find(tenant, slug_of(request))
        return json_answer(Link(root_of(request) + EXECUTE))

    async def used_by(self, request: web.Request) -> web.Response:
        tenant, _ = admitted(request)
        found = await self._instances.callers(tenant, slug_of(request))
        return json_answer(tuple(map(_using, found)))

    async def binding_used_by(self, request: web.Request) -> web.Response:
        tenant, _ = admitted(request)
        await self._instances.binding(tenant, key_of(request, NO_BINDING))
        # A binding belongs to its flow, and nothing refers to it.
        return json_answer(())


def _using(found: FlowVersion) -> UsedBy:
    return UsedBy(_APP, _MODEL, str(found.flow.pk), found.flow.name)


OPERATIONS: Final = (
    Operation(
        method=hdrs.METH_GET,
        path=FLOWS + "cache_info/",
        handler=Endpoints.cache_info,
        summary="Count the versions that have a plan",
        scope="read:flows",
        answers={200: Cache},
    ),
    Operation(
        method=hdrs.METH_POST,
        path=FLOWS + "cache_clear/",
        handler=Endpoints.cache_clear,
        summary="Have the plans of all that is active made and published again",
        scope="update:flows",
        answers={204: None},
    ),
    Operation(
        method=hdrs.METH_GET,
        path=FLOW + "diagram/",
        handler=Endpoints.diagram,
        summary="Draw a flow as a Mermaid flowchart",
        scope="read:flows",
        parameters=PathSlug,
        answers={200: Diagram},
    ),
    Operation(
        method=hdrs.METH_GET,
        path=FLOW + "execute/",
        handler=Endpoints.execute,
        summary="Say where executors run a flow",
        scope="read:flows",
        parameters=PathSlug,
        answers={200: Link},
    ),
    Operation(
        method=hdrs.METH_GET,
        path=FLOW + "used_by/",
        handler=Endpoints.used_by,
        summary="List the active flows that run a flow inside",
        scope="read:flows",
        parameters=PathSlug,
        answers={200: tuple[UsedBy, ...]},
    ),
    Operation(
        method=hdrs.METH_GET,
        path=BINDING + "used_by/",
        handler=Endpoints.binding_used_by,
        summary="List what needs a binding, which is nothing",
        scope="read:flows",
        parameters=KEY,
        answers={200: tuple[UsedBy, ...]},
    ),
)
