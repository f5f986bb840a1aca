"""`/api/admin/node-types`: what flows are drawn with, as data, so that any editor can be built."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final

import msgspec
from aiohttp import hdrs, web
from msgspec import Meta

from libs.common.chassis.app import json_answer
from libs.common.errors import NotFound
from libs.common.flow.node import NodeTypes
from services.management.nodetypes import ShownNodeType, shown_type
from services.management.routes.operation import Operation


class NodeTypesBody(msgspec.Struct, frozen=True):
    """All node types, in the order of the reference page."""

    items: tuple[ShownNodeType, ...]


class Endpoints:
    """What is the same for each tenant, and needs nothing that is stored."""

    def __init__(self, types: NodeTypes) -> None:
        # Made once: none changes while the process lives.
        self._shown = {name: shown_type(node) for name, node in types.items()}

    async def list(self, _request: web.Request) -> web.Response:
        return json_answer(NodeTypesBody(tuple(self._shown.values())))

    async def get(self, request: web.Request) -> web.Response:
        shown = self._shown.get(request.match_info["node_type"])
        if shown is None:
            raise NotFound("there is no such node type")
        return json_answer(shown)


_NODE_TYPES: Final = "/api/admin/node-types"
_NODE_TYPE: Final[Mapping[str, Any]] = {
    "node_type": Annotated[str, Meta(description="names a node type")]
}

OPERATIONS: Final = (
    Operation(
        method=hdrs.METH_GET,
        path=_NODE_TYPES,
        handler=Endpoints.list,
        summary="Get all node types as data",
        scope="read:flows",
        answers={200: NodeTypesBody},
    ),
    Operation(
        method=hdrs.METH_GET,
        path=f"{_NODE_TYPES}/{{node_type}}",
        handler=Endpoints.get,
        summary="Get a node type as data",
        scope="read:flows",
        parameters=_NODE_TYPE,
        answers={200: ShownNodeType},
    ),
)
