"""`/api/admin/flows/{id}/rollout`, and the order of candidates beside each other."""

from __future__ import annotations

from typing import Annotated

import msgspec
from aiohttp import hdrs, web
from msgspec import Meta

from libs.common.chassis.app import json_answer
from libs.common.errors import NotFound
from libs.common.flow.model import FlowType
from libs.common.wire.rollouts import WHOLE, Abort, Share
from services.management.auth import Tokens
from services.management.candidates import Candidates
from services.management.records import Candidate, FlowRecord, Status
from services.management.rollouts import MOST_VERSIONS, NewRollout, Rollouts
from services.management.routes.decode import decode
from services.management.routes.face import Door, OverrideReason, flow_id, of_tenants


class RolloutBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How new sessions are to be shared; `"abort": null` never takes it back."""

    versions: Annotated[tuple[Share, ...], Meta(min_length=1, max_length=MOST_VERSIONS)]
    abort: Abort | None = Abort()
    override_reason: OverrideReason | None = None


class RolloutAnswer(msgspec.Struct, frozen=True):
    """How new sessions are shared: among no version where the flow is not active."""

    id: str
    status: Status
    rollout: int | None
    """Names it in the audit log; null where one version has all sessions."""
    baseline: int | None
    versions: tuple[Share, ...]
    abort: Abort | None


class CandidatesBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The ids of all active flows of a type, the first candidate first."""

    flows: Annotated[tuple[str, ...], Meta(max_length=1000)]


class CandidatesAnswer(msgspec.Struct, frozen=True):
    """The active flows of a type, the first candidate first."""

    type: FlowType
    flows: tuple[Candidate, ...]


def rollout_routes(
    rollouts: Rollouts, candidates: Candidates, tokens: Tokens
) -> tuple[web.RouteDef, ...]:
    """Return the routes that say which of several is run."""
    face = _Face(rollouts, candidates, Door(tokens))
    rollout, candidates_of = "/api/admin/flows/{id}/rollout", "/api/admin/candidates/{type}"
    return of_tenants(
        (
            (hdrs.METH_GET, rollout, face.get),
            (hdrs.METH_PUT, rollout, face.put),
            (hdrs.METH_GET, candidates_of, face.list),
            (hdrs.METH_PUT, candidates_of, face.order),
        )
    )


class _Face:
    def __init__(self, rollouts: Rollouts, candidates: Candidates, door: Door) -> None:
        self._rollouts = rollouts
        self._candidates = candidates
        self._door = door

    async def get(self, request: web.Request) -> web.Response:
        tenant, _ = self._door.admit(request, "read:flows")
        return json_answer(_rollout(await self._rollouts.get(tenant, flow_id(request))))

    async def put(self, request: web.Request) -> web.Response:
        tenant, author = self._door.admit(request, "update:flows")
        id = flow_id(request)
        body = await decode(request, RolloutBody)
        new = NewRollout(body.versions, body.abort, body.override_reason)
        return json_answer(_rollout(await self._rollouts.start(tenant, id, new, author)))

    async def list(self, request: web.Request) -> web.Response:
        tenant, _ = self._door.admit(request, "read:flows")
        type = _type(request)
        return json_answer(CandidatesAnswer(type, await self._candidates.list(tenant, type)))

    async def order(self, request: web.Request) -> web.Response:
        tenant, author = self._door.admit(request, "update:flows")
        type = _type(request)
        body = await decode(request, CandidatesBody)
        ordered = await self._candidates.order(tenant, type, body.flows, author)
        return json_answer(CandidatesAnswer(type, ordered))


def _type(request: web.Request) -> FlowType:
    try:
        return FlowType(request.match_info["type"])
    except ValueError as error:
        raise NotFound("there is no such type of flow") from error


def _rollout(flow: FlowRecord) -> RolloutAnswer:
    rollout, active = flow.rollout, flow.active_version
    if rollout is not None:
        return RolloutAnswer(
            flow.id, flow.status, rollout.id, rollout.baseline, rollout.versions, rollout.abort
        )
    alone = () if active is None else (Share(active, WHOLE),)
    return RolloutAnswer(flow.id, flow.status, None, active, alone, None)
