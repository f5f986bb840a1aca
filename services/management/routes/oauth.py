"""`/oauth/token`: a token for a client's secret, as RFC 6749 has it; also for a body in JSON.

Everything here may hold a secret: nothing of a request must stand in an answer, a log or a metric.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Final, Literal

import msgspec
from aiohttp import hdrs, web

from libs.common.chassis.app import json_answer
from libs.common.chassis.oauth import FORM, credentials, read_form
from libs.common.chassis.problems import JSON, decode_json
from libs.common.errors import Invalid, Problem
from libs.common.secret import Secret, decode_secret
from services.management.grants import CLIENT_CREDENTIALS, Grants, Wanted
from services.management.routes.clients import NO_STORE
from services.management.routes.operation import Content, Operation
from services.management.routes.serving import count_as, is_confined, stranger


class TokenBody(msgspec.Struct, frozen=True):
    """What a client sends; other fields pass, and those that are empty are none (RFC 6749, 3.2)."""

    grant_type: str | None = None
    client_id: str | None = None
    client_secret: Secret | None = None
    scope: str | None = None
    """With spaces; all that the client may do where it is left out."""
    audience: str | None = None
    """Auth0's SDKs send it. There is one API here, so all tokens are for that."""


class TokenAnswer(msgspec.Struct, frozen=True):
    """A token (RFC 6749, 5.1)."""

    access_token: str
    token_type: Literal["Bearer"]
    expires_in: int
    """Seconds."""
    scope: str


class Endpoints:
    def __init__(self, grants: Grants) -> None:
        self._grants = grants

    async def token(self, request: web.Request) -> web.Response:
        tenant, _ = stranger(request)
        body = await _sent(request)
        id, secret = credentials(
            request.headers.get(hdrs.AUTHORIZATION), body.client_id, body.client_secret
        )
        if not body.grant_type:
            raise Invalid("there is no grant_type")
        if body.grant_type != CLIENT_CREDENTIALS:
            problem = Problem("unsupported_grant_type", f"send {CLIENT_CREDENTIALS}")
            raise Invalid(f"the only grant_type is {CLIENT_CREDENTIALS}", (problem,))
        wanted = Wanted(
            client_id=id,
            client_secret=secret,
            scopes=frozenset((body.scope or "").split()),
            confined=is_confined(request),
        )
        granted = await self._grants.grant(tenant, wanted)
        # Only now: or whoever knows an id could use up what its client has.
        await count_as(request, granted.subject)
        return json_answer(
            TokenAnswer(
                granted.token.reveal(), "Bearer", granted.seconds, " ".join(granted.scopes)
            ),
            headers=NO_STORE,
        )


async def _sent(request: web.Request) -> TokenBody:
    if request.content_type != FORM:
        return await decode_json(request, TokenBody)
    return msgspec.convert(await read_form(request), TokenBody, dec_hook=decode_secret)


OPERATIONS: Final = (
    Operation(
        method=hdrs.METH_POST,
        path="/oauth/token",
        handler=Endpoints.token,
        summary="Get a token for the secret of a client",
        scope=None,
        body=Content(TokenBody, media=(FORM, JSON)),
        answers={200: TokenAnswer},
        refusals=(HTTPStatus.UNAUTHORIZED, HTTPStatus.NOT_FOUND),
        writes=False,
        secret=True,
    ),
)
