"""Copies, exports and imports: a flow as a document of its own, in YAML or in JSON."""

from __future__ import annotations

from typing import Annotated, Final, Literal

import msgspec
from aiohttp import hdrs, web
from msgspec import UNSET, Meta, UnsetType

from libs.common.chassis.app import json_answer
from libs.common.chassis.problems import JSON
from libs.common.documents import write_yaml
from libs.common.errors import Invalid, Problem
from libs.common.flow.model import FlowType, Graph, Json, Settings, Slug
from services.management.auth import Tokens
from services.management.flows import NewFlow
from services.management.records import GoldenTest
from services.management.routes.admin import (
    Description,
    DisplayName,
    created_of,
    details_of,
)
from services.management.routes.decode import YAML, decode, decode_document, decode_query
from services.management.routes.face import Door, flow_id, of_tenants
from services.management.routes.versions import Number
from services.management.settings import SomeSettings, shown, some_of
from services.management.transfer import Exported, Transfer

FORMAT: Final = 1
"""Of a document; grows when its fields change their meaning."""
TestName = Annotated[str, Meta(min_length=1, max_length=200, pattern=r"^[^\x00]*$")]


class CopyBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the copy is called."""

    name: Slug
    display_name: DisplayName


class Which(msgspec.Struct, frozen=True):
    """The query of an export."""

    format: Literal["yaml", "json"] | None = None
    version: Number | None = None


class How(msgspec.Struct, frozen=True):
    """The query of an import."""

    replace: bool = False


class Test(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A golden test in a document."""

    name: TestName
    test: dict[str, Json]


class Portable(SomeSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A flow in a document; settings where they differ from the default."""

    name: Slug
    display_name: DisplayName
    description: Description | UnsetType | None = UNSET
    type: FlowType
    graph: Graph
    golden_tests: tuple[Test, ...] | UnsetType = UNSET


class Document(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an export writes, and an import reads."""

    gatehouse: Literal[1]
    """The `FORMAT`."""
    flow: Portable


def transfer_routes(transfer: Transfer, tokens: Tokens) -> tuple[web.RouteDef, ...]:
    """Return the routes that take a flow from one place to another."""
    face = _Face(transfer, Door(tokens))
    path = "/api/admin/flows"
    return of_tenants(
        (
            (hdrs.METH_POST, path + "/import", face.load),
            (hdrs.METH_POST, path + "/{id}/copy", face.copy),
            (hdrs.METH_GET, path + "/{id}/export", face.export),
        )
    )


class _Face:
    def __init__(self, transfer: Transfer, door: Door) -> None:
        self._transfer = transfer
        self._door = door

    async def copy(self, request: web.Request) -> web.Response:
        tenant, author = self._door.admit(request, "create:flows")
        id = flow_id(request)
        body = await decode(request, CopyBody)
        made = await self._transfer.copy(tenant, id, body.name, body.display_name, author)
        return json_answer(created_of(made), status=201)

    async def export(self, request: web.Request) -> web.Response:
        tenant, _ = self._door.admit(request, "read:flows")
        id = flow_id(request)
        which = decode_query(request, Which)
        document = _document(await self._transfer.export(tenant, id, which.version))
        accepts_json = JSON in request.headers.get(hdrs.ACCEPT, "")
        if which.format == "json" or (which.format is None and accepts_json):
            return json_answer(document)
        body = write_yaml(msgspec.json.decode(msgspec.json.encode(document)))
        return web.Response(body=body, headers={hdrs.CONTENT_TYPE: YAML})

    async def load(self, request: web.Request) -> web.Response:
        how = decode_query(request, How)
        tenant, author = self._door.admit(
            request, "update:flows" if how.replace else "create:flows"
        )
        if how.replace:
            # There may be no such flow yet.
            self._door.admit(request, "create:flows")
        document = await decode_document(request, Document)
        new = _new(document.flow)
        made, is_new = await self._transfer.load(tenant, new, author, replace=how.replace)
        if is_new:
            return json_answer(created_of(made), status=201)
        return json_answer(details_of(made))


def _document(exported: Exported) -> Document:
    version = exported.version
    flow, definition = version.flow, version.definition()
    tests = tuple(Test(each.name, msgspec.json.decode(each.test)) for each in exported.golden_tests)
    portable = Portable(
        name=flow.name,
        display_name=flow.display_name,
        description=UNSET if flow.description is None else flow.description,
        type=flow.type,
        graph=definition.graph,
        golden_tests=tests or UNSET,
        **msgspec.structs.asdict(shown(definition.settings)),
    )
    return Document(FORMAT, portable)


def _new(flow: Portable) -> NewFlow:
    tests = () if flow.golden_tests is UNSET else flow.golden_tests
    twice = [
        Problem("invalid", "name each test once", path=f"flow.golden_tests[{index}].name")
        for index, test in enumerate(tests)
        if test.name in {other.name for other in tests[:index]}
    ]
    if twice:
        raise Invalid("the body is not as expected", tuple(twice))
    return NewFlow(
        name=flow.name,
        display_name=flow.display_name,
        description=None if flow.description is UNSET else flow.description,
        type=flow.type,
        graph=flow.graph,
        settings=some_of(flow).applied_to(Settings()),
        golden_tests=tuple(
            GoldenTest(test.name, msgspec.json.encode(test.test).decode())
            for test in sorted(tests, key=lambda test: test.name)
        ),
        note="Imported",
        source="a document",
    )
