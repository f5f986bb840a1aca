"""Flows as files, in and out: `…/export/` and `/api/v3/flows/instances/import/`.

What is imported here runs if it can, like all that is saved through this face.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Final, Literal

import msgspec
from aiohttp import hdrs, web

from libs.common.chassis.app import json_answer
from libs.common.errors import Conflict, Invalid, Problem
from libs.common.flow.model import Json
from libs.common.flow.node import NodeTypes
from services.management.blueprints.export import write_blueprint
from services.management.importing import Imported, Importing, loaded_of
from services.management.instances import FlowInstances
from services.management.routes.decode import YAML
from services.management.routes.form import FORM, read_field
from services.management.routes.operation import Content, Operation
from services.management.routes.serving import admitted, require
from services.management.routes.v3.errors import ValidationBody
from services.management.routes.v3.instances import FLOW, FLOWS
from services.management.routes.v3.shapes import PathSlug, slug_of

Level = Literal["error", "warning", "info"]

_FILE: Final = "file"
_LOGGER: Final = "gatehouse.import"


class Form(msgspec.Struct, frozen=True):
    """The fields of an import's form."""

    file: str
    """A blueprint."""
    clear: bool = False
    """Taken, and means nothing."""


class LogEvent(msgspec.Struct, frozen=True):
    """Something that is to be known of an import."""

    timestamp: datetime
    log_level: Level
    event: str
    attributes: dict[str, Json]
    logger: str = _LOGGER


class ImportAnswer(msgspec.Struct, frozen=True):
    """What became of an import; where it had no success, nothing was written."""

    logs: tuple[LogEvent, ...]
    success: bool


class Endpoints:
    def __init__(self, instances: FlowInstances, importing: Importing, types: NodeTypes) -> None:
        self._instances = instances
        self._importing = importing
        self._types = types

    async def export(self, request: web.Request) -> web.Response:
        tenant, _ = admitted(request)
        flow = loaded_of(await self._instances.find(tenant, slug_of(request)))
        # In a thread: what is written is also read again, which a large flow takes a second for.
        text = await asyncio.to_thread(write_blueprint, flow, self._types)
        # A slug needs no quoting.
        headers = {
            hdrs.CONTENT_TYPE: YAML,
            hdrs.CONTENT_DISPOSITION: f'attachment; filename="{flow.name}.yaml"',
        }
        return web.Response(body=text, headers=headers)

    async def load(self, request: web.Request) -> web.Response:
        tenant, author = admitted(request)
        data = await read_field(request, _FILE)
        # Any flow of it may be there.
        require(request, "update:flows")
        try:
            if not data:
                problem = Problem("missing_field", "send a blueprint", path=_FILE)
                raise Invalid("there is no file", (problem,))
            found = await self._importing.load(tenant, data, author, if_able=True)
        except (Invalid, Conflict) as error:
            # So that a client need not read what of the file is wrong in two shapes.
            answer = ImportAnswer(_logs(_refused(error)), success=False)
            return json_answer(answer, status=HTTPStatus.BAD_REQUEST)
        return json_answer(ImportAnswer(_logs(_told(found)), success=True))


Line = tuple[Level, str, dict[str, Json]]


def _told(found: Imported) -> Iterator[Line]:
    for flow in found.flows:
        yield "info", f"the flow {flow.name} was {flow.fate}", {"slug": flow.name}
        yield from _problems("error", flow.problems.errors, slug=flow.name)
        yield from _problems("warning", flow.problems.warnings, slug=flow.name)
    for remark in found.report.remarks:
        yield "warning", f"{remark.reason}: {remark.became}", msgspec.to_builtins(remark)


def _refused(error: Invalid | Conflict) -> Iterator[Line]:
    problems = error.problems if isinstance(error, Invalid) else ()
    if not problems:
        yield "error", error.message, {}
    yield from _problems("error", problems)


def _problems(level: Level, problems: tuple[Problem, ...], **more: Json) -> Iterator[Line]:
    for problem in problems:
        yield level, problem.message, {**more, **msgspec.to_builtins(problem)}


def _logs(lines: Iterator[Line]) -> tuple[LogEvent, ...]:
    now = datetime.now(UTC)
    return tuple(LogEvent(now, level, event, attributes) for level, event, attributes in lines)


OPERATIONS: Final = (
    Operation(
        method=hdrs.METH_POST,
        path=FLOWS + "import/",
        handler=Endpoints.load,
        summary="Make the flows of a blueprint, which run as soon as they can",
        scope="create:flows",
        body=Content(Form, (FORM,)),
        answers={200: ImportAnswer, 400: Content((ImportAnswer, ValidationBody))},
    ),
    Operation(
        method=hdrs.METH_GET,
        path=FLOW + "export/",
        handler=Endpoints.export,
        summary="Write a flow as a blueprint",
        scope="read:flows",
        parameters=PathSlug,
        answers={200: Content(None, (YAML,))},
    ),
)
