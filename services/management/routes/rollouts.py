"""`/api/admin/flows/{id}/rollout`, and the order of candidates beside each other."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from aiohttp import hdrs, web
from msgspec import Meta, structs

from libs.common.chassis.app import json_answer
from libs.common.errors import NotFound
from libs.common.flow.model import FlowType
from libs.common.wire.inspect import Count
from libs.common.wire.rollouts import WHOLE, Abort, Share
from services.management.candidates import Candidates
from services.management.etags import tag_of
from services.management.records import Candidate, FlowRecord, Status
from services.management.rollouts import MOST_VERSIONS, NewRollout, Rollouts
from services.management.routes.decode import decode
from services.management.routes.face import FLOW, OverrideReason, flow_id, tagged
from services.management.routes.operation import Operation
from services.management.routes.serving import admitted

MOST_CANDIDATES: Final = 10_000
"""In an order that is sent: with ids as long as they come, so many fit into a body."""


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


class Figures(msgspec.Struct, frozen=True):
    """How the sessions that began since have ended: what takes a rollout back looks at this."""

    under_way: int
    """Sessions that have not ended."""
    versions: tuple[Count, ...]


class LiveAnswer(RolloutAnswer, frozen=True):
    """The same, and how it goes."""

    figures: Figures | None
    """Null where one version has all sessions, and while no executor can tell."""


class CandidatesBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The ids of all active flows of a type, the first candidate first."""

    flows: Annotated[tuple[str, ...], Meta(max_length=MOST_CANDIDATES)]


class CandidatesAnswer(msgspec.Struct, frozen=True):
    """The active flows of a type, the first candidate first."""

    type: FlowType
    flows: tuple[Candidate, ...]


class Endpoints:
    def __init__(self, rollouts: Rollouts, candidates: Candidates) -> None:
        self._rollouts = rollouts
        self._candidates = candidates

    async def get(self, request: web.Request) -> web.Response:
        tenant, _ = admitted(request)
        flow, counted = await self._rollouts.get(tenant, flow_id(request))
        shown = structs.asdict(_rollout(flow))
        figures = None if counted is None else Figures(counted.under_way, counted.versions)
        return json_answer(LiveAnswer(**shown, figures=figures))

    async def put(self, request: web.Request) -> web.Response:
        tenant, author = admitted(request)
        id = flow_id(request)
        body = await decode(request, RolloutBody)
        new = NewRollout(body.versions, body.abort, body.override_reason)
        started = await self._rollouts.start(tenant, id, new, author)
        return tagged(_rollout(started.flow), started.tag())

    async def list(self, request: web.Request) -> web.Response:
        tenant, _ = admitted(request)
        type = _type(request)
        found = await self._candidates.list(tenant, type)
        return tagged(CandidatesAnswer(type, found), tag_of(found))

    async def order(self, request: web.Request) -> web.Response:
        tenant, author = admitted(request)
        type = _type(request)
        body = await decode(request, CandidatesBody)
        ordered = await self._candidates.order(tenant, type, body.flows, author)
        return tagged(CandidatesAnswer(type, ordered), tag_of(ordered))


_ROLLOUT: Final = "/api/admin/flows/{id}/rollout"
_CANDIDATES: Final = "/api/admin/candidates/{type}"
_TYPE: Final = {"type": FlowType}

OPERATIONS: Final = (
    Operation(
        method=hdrs.METH_GET,
        path=_ROLLOUT,
        handler=Endpoints.get,
        summary="Get how new sessions are shared among versions, and how they end",
        scope="read:flows",
        parameters=FLOW,
        # Not tagged: it changes with every session. What a change may demand is the flow's tag.
        answers={200: LiveAnswer},
    ),
    Operation(
        method=hdrs.METH_PUT,
        path=_ROLLOUT,
        handler=Endpoints.put,
        summary="Share new sessions among versions",
        scope="update:flows",
        parameters=FLOW,
        body=RolloutBody,
        answers={200: RolloutAnswer},
        tagged=True,
    ),
    Operation(
        method=hdrs.METH_GET,
        path=_CANDIDATES,
        handler=Endpoints.list,
        summary="List the active flows of a type, the first candidate first",
        scope="read:flows",
        parameters=_TYPE,
        answers={200: CandidatesAnswer},
        tagged=True,
    ),
    Operation(
        method=hdrs.METH_PUT,
        path=_CANDIDATES,
        handler=Endpoints.order,
        summary="Order the active flows of a type",
        scope="update:flows",
        parameters=_TYPE,
        body=CandidatesBody,
        answers={200: CandidatesAnswer},
        tagged=True,
    ),
)


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
