"""Copies, exports and imports: a flow as a document of its own, in YAML or in JSON."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Final, Literal

import msgspec
from aiohttp import hdrs, web
from msgspec import UNSET, Meta, UnsetType

from libs.common.chassis.app import json_answer
from libs.common.chassis.problems import JSON, read_body
from libs.common.documents import write_yaml
from libs.common.errors import Invalid, Problem
from libs.common.flow.golden import NamedGolden, check_all
from libs.common.flow.model import AnySlug, FlowType, Graph, Json, Settings, Slug
from services.management.blueprints.reading import is_blueprint
from services.management.blueprints.report import Report
from services.management.flows import NewFlow
from services.management.goldens import MOST_TESTS
from services.management.importing import Fate, ImportedFlow
from services.management.records import Look
from services.management.routes.decode import YAML, decode, decode_document, decode_query
from services.management.routes.face import FLOW, flow_id
from services.management.routes.golden import stored_test, written_test
from services.management.routes.operation import Content, Operation
from services.management.routes.serving import admitted, require
from services.management.routes.shapes import (
    Created,
    Description,
    DisplayName,
    FlowDetails,
    created_of,
    details_of,
)
from services.management.routes.versions import Number
from services.management.settings import SomeSettings, shown, some_of
from services.management.transfer import Exported, Transfer

FORMAT: Final = 1
"""Of a document; grows when its fields change their meaning."""


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
    """Of a document: a flow that is there gets its next version. A blueprint says that itself."""
    validate_only: bool = False
    """Say what would be made, and make nothing."""


class Portable(SomeSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A flow in a document; settings where they differ from the default."""

    name: AnySlug
    display_name: DisplayName
    description: Description | None = None
    title: DisplayName | None = None
    look: Look = Look()
    type: FlowType
    graph: Graph
    golden_tests: Annotated[tuple[NamedGolden, ...], Meta(max_length=MOST_TESTS)] = ()


class Document(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an import reads; `_written` writes the same."""

    gatehouse: Literal[1]
    """The `FORMAT`."""
    flow: Portable


class ImportedAnswer(msgspec.Struct, frozen=True):
    """What became of a flow, or would; the problems are those of /validate."""

    name: str
    type: FlowType
    fate: Fate
    valid: bool
    errors: tuple[Problem, ...]
    warnings: tuple[Problem, ...]
    id: str | UnsetType = UNSET
    version: int | UnsetType = UNSET


class ImportAnswer(msgspec.Struct, frozen=True):
    """What is answered to a blueprint, and to whoever only wants to know."""

    validate_only: bool
    flows: tuple[ImportedAnswer, ...]
    report: Report | UnsetType = UNSET
    """Of a blueprint: what of it could not be carried."""


class Endpoints:
    def __init__(self, transfer: Transfer) -> None:
        self._transfer = transfer

    async def copy(self, request: web.Request) -> web.Response:
        tenant, author = admitted(request)
        id = flow_id(request)
        body = await decode(request, CopyBody)
        made = await self._transfer.copy(tenant, id, body.name, body.display_name, author)
        return json_answer(created_of(made), status=201)

    async def export(self, request: web.Request) -> web.Response:
        tenant, _ = admitted(request)
        id = flow_id(request)
        which = decode_query(request, Which)
        document = _written(await self._transfer.export(tenant, id, which.version))
        accepts_json = JSON in request.headers.get(hdrs.ACCEPT, "")
        if which.format == "json" or (which.format is None and accepts_json):
            return json_answer(document)
        body = write_yaml(msgspec.json.decode(msgspec.json.encode(document)))
        return web.Response(body=body, headers={hdrs.CONTENT_TYPE: YAML})

    async def load(self, request: web.Request) -> web.Response:
        how = decode_query(request, How)
        tenant, author = admitted(request)
        if how.replace:
            require(request, "update:flows")
        data = await read_body(request)
        if await asyncio.to_thread(is_blueprint, data):
            return await self._load_blueprint(request, data, how)
        document = await decode_document(request, Document)
        new = _new(document.flow)
        if how.validate_only:
            found = await self._transfer.check(tenant, new, replace=how.replace)
            return json_answer(ImportAnswer(True, (_imported(found),)))
        made, is_new = await self._transfer.load(tenant, new, author, replace=how.replace)
        if is_new:
            return json_answer(created_of(made), status=201)
        return json_answer(details_of(made))

    async def _load_blueprint(self, request: web.Request, data: bytes, how: How) -> web.Response:
        tenant, author = admitted(request)
        importing = self._transfer.importing
        if how.validate_only:
            found = await importing.check(tenant, data)
        else:
            # Any flow of it may be there.
            require(request, "update:flows")
            found = await importing.load(tenant, data, author)
        flows = tuple(map(_imported, found.flows))
        return json_answer(ImportAnswer(how.validate_only, flows, found.report))


_FLOWS: Final = "/api/admin/flows"

ANYTHING = Annotated[
    Any,
    Meta(description="a `Document`, or a blueprint of authentik's"),
]

OPERATIONS: Final = (
    Operation(
        method=hdrs.METH_POST,
        path=_FLOWS + "/import",
        handler=Endpoints.load,
        summary="Make a flow of a document, or the flows of a blueprint of authentik's",
        scope="create:flows",
        query=How,
        body=Content(ANYTHING, (JSON, YAML)),
        answers={200: Content((FlowDetails, ImportAnswer)), 201: Created},
    ),
    Operation(
        method=hdrs.METH_POST,
        path=_FLOWS + "/{id}/copy",
        handler=Endpoints.copy,
        summary="Make a draft of the newest version of a flow",
        scope="create:flows",
        parameters=FLOW,
        body=CopyBody,
        answers={201: Created},
    ),
    Operation(
        method=hdrs.METH_GET,
        path=_FLOWS + "/{id}/export",
        handler=Endpoints.export,
        summary="Write a version of a flow as a document",
        scope="read:flows",
        parameters=FLOW,
        query=Which,
        answers={200: Content(Document, (JSON, YAML))},
    ),
)


def _written(exported: Exported) -> Json:
    """Say a flow as a `Document`, in the order of a reader."""
    version = exported.version
    flow, definition = version.flow, version.definition()
    tests = [written_test(each) for each in exported.golden_tests]
    written = {
        "name": flow.name,
        "display_name": flow.display_name,
        **({} if flow.description is None else {"description": flow.description}),
        **({} if flow.title is None else {"title": flow.title}),
        **({} if flow.look == Look() else {"look": flow.look}),
        "type": definition.type,
        **msgspec.to_builtins(shown(definition.settings)),
        "graph": definition.graph,
        **({"golden_tests": tests} if tests else {}),
    }
    return {"gatehouse": FORMAT, "flow": written}


def _imported(found: ImportedFlow) -> ImportedAnswer:
    errors, warnings, version = found.problems.errors, found.problems.warnings, found.version
    return ImportedAnswer(
        name=found.name,
        type=found.type,
        fate=found.fate,
        valid=found.problems.valid,
        errors=errors,
        warnings=warnings,
        id=UNSET if version is None else version.flow.id,
        version=UNSET if version is None else version.flow.version,
    )


def _new(flow: Portable) -> NewFlow:
    wrong = tuple(
        msgspec.structs.replace(each, path=f"flow.golden_{each.path}")
        for each in check_all(flow.golden_tests)
    )
    if wrong:
        raise Invalid("the body is not as expected", wrong)
    tests = sorted(
        (stored_test(each.name, each) for each in flow.golden_tests), key=lambda each: each.name
    )
    return NewFlow(
        name=flow.name,
        display_name=flow.display_name,
        description=flow.description,
        title=flow.title,
        look=flow.look,
        type=flow.type,
        graph=flow.graph,
        settings=some_of(flow).applied_to(Settings()),
        golden_tests=tuple(tests),
        note="Imported",
        source="a document",
    )
