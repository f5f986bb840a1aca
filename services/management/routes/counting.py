"""Counts each request against its caller's limit, and tells with its answer what is left."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from aiohttp import web

from libs.common.chassis.bucket import Allowance
from libs.common.chassis.problems import Refusal
from libs.common.errors import Exhausted
from services.management.limits import Limits, limit_headers
from services.management.routes.faces import face_of

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Face = Callable[[web.Request, Refusal], web.Response]


_GIVEN: Final = web.RequestKey("given", Allowance)


class Counting:
    """What stands between a request and whoever answers it."""

    def __init__(self, limits: Limits | None, clock: Callable[[], float]) -> None:
        """Without `limits` nobody counts; `clock` tells Unix seconds."""
        self._limits = limits
        self._clock = clock

    async def count(self, request: web.Request, tenant: str | None, caller: str) -> None:
        """Count a request of `caller`, or raise `Exhausted`; as `Limits.take` has it."""
        if self._limits is None:
            return
        given = await self._limits.take(face_of(request.path), tenant, caller)
        if given is None:
            return
        request[_GIVEN] = given
        if not given.taken:
            raise Exhausted("Rate limit exceeded", given.retry_after)

    def answering(self, handler: Handler) -> Handler:
        """Return `handler` with the limit told in its answers."""

        async def answer(request: web.Request) -> web.StreamResponse:
            return self._tell(request, await handler(request))

        return answer

    def refusing(self, face: Face) -> Face:
        """Return `face` with the limit told in its refusals."""

        def refuse(request: web.Request, refusal: Refusal) -> web.Response:
            answer = face(request, refusal)
            self._tell(request, answer)
            return answer

        return refuse

    def _tell(self, request: web.Request, answer: web.StreamResponse) -> web.StreamResponse:
        given = request.get(_GIVEN)
        if given is not None:
            answer.headers.update(limit_headers(given, answer.status, self._clock()))
        return answer
