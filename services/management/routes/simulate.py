"""`POST /api/admin/flows/{id}/simulate`: try a flow, and see why it goes where it goes."""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import hdrs, web
from msgspec import UNSET, UnsetType

from libs.common.chassis.app import json_answer
from libs.common.errors import Invalid, Problem
from libs.common.flow.model import Graph
from libs.common.flow.script import Answers, Inputs, Persona, Script
from services.management.auth import Tokens
from services.management.routes.decode import decode
from services.management.routes.face import Door, flow_id, of_tenants
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


def simulate_routes(simulations: Simulations, tokens: Tokens) -> tuple[web.RouteDef, ...]:
    """Return the route of simulations."""
    face = _Face(simulations, Door(tokens))
    return of_tenants(((hdrs.METH_POST, "/api/admin/flows/{id}/simulate", face.simulate),))


class _Face:
    def __init__(self, simulations: Simulations, door: Door) -> None:
        self._simulations = simulations
        self._door = door

    async def simulate(self, request: web.Request) -> web.Response:
        tenant, _ = self._door.admit(request, "read:flows")
        id = flow_id(request)
        body = await decode(request, SimulateBody)
        played = await self._simulations.simulate(tenant, id, _what(body), script_of(body))
        return json_answer(played)


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
