"""`POST /api/admin/flows/{id}/simulate`: try a flow, and see why it goes where it goes."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from aiohttp import hdrs, web
from msgspec import UNSET, UnsetType

from libs.common.chassis.app import json_answer
from libs.common.errors import Invalid, Problem
from libs.common.flow.model import Graph
from libs.common.flow.script import Answers, Inputs, Persona, Script
from libs.common.flow.simulation import Simulation
from services.management.routes.decode import decode_if_sent
from services.management.routes.face import FLOW, flow_id
from services.management.routes.operation import Content, Operation
from services.management.routes.serving import admitted
from services.management.routes.versions import Number
from services.management.settings import SomeSettings, some_of
from services.management.simulations import Draft, Simulations

UNCHANGED = SomeSettings()


class SimulateBody(SomeSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A script, and what to play it on: a version, a draft, or neither for what is active.

    A draft is what an update would make: what it leaves out is as in the newest version.
    """

    version: Number | None = None
    graph: Graph | UnsetType = UNSET
    persona: Persona = Persona()
    inputs: Inputs = ()
    answers: Mapping[str, Answers] = {}


class Endpoints:
    def __init__(self, simulations: Simulations) -> None:
        self._simulations = simulations

    async def simulate(self, request: web.Request) -> web.Response:
        tenant, _ = admitted(request)
        id = flow_id(request)
        body = await decode_if_sent(request, SimulateBody)
        played = await self._simulations.simulate(tenant, id, _what(body), script_of(body))
        return json_answer(played)


OPERATIONS: Final = (
    Operation(
        method=hdrs.METH_POST,
        path="/api/admin/flows/{id}/simulate",
        handler=Endpoints.simulate,
        summary="Play a script on a flow, without effects",
        scope="read:flows",
        parameters=FLOW,
        body=Content(SimulateBody, optional=True),
        answers={200: Simulation},
        refusals=(HTTPStatus.CONFLICT,),
        writes=False,
    ),
)


def script_of(body: SimulateBody) -> Script:
    """Return what is to be played."""
    return Script(persona=body.persona, inputs=body.inputs, answers=body.answers)


def _what(body: SimulateBody) -> int | Draft | None:
    settings = some_of(body)
    if body.graph is UNSET and settings == UNCHANGED:
        return body.version
    if body.version is not None:
        problem = Problem("invalid", "a version has its own graph and settings", path="version")
        raise Invalid("simulate a version or a draft", (problem,))
    return Draft(body.graph, settings)
