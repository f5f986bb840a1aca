"""`/api/admin/users/{user}/sign-ins`: where a user is signed in, and how that is ended."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final

import msgspec
from aiohttp import hdrs, web
from msgspec import Meta

from libs.common.chassis.app import json_answer
from services.management.routes.face import seconds
from services.management.routes.operation import Operation
from services.management.routes.serving import admitted
from services.management.routes.users import ONE, USER, named
from services.management.signins import SignIn, SignIns


class SignInBody(msgspec.Struct, frozen=True):
    """A sign-in that stands."""

    sid: str
    created_at: int
    auth_time: int
    """When the first of it was proved."""
    amr: tuple[str, ...]
    acr: str
    ends_at: int
    """When it ends by itself."""


class SignInsBody(msgspec.Struct, frozen=True):
    """Where a user is signed in, the newest first; of very many, the newest."""

    items: tuple[SignInBody, ...]


class Endpoints:
    def __init__(self, sign_ins: SignIns) -> None:
        self._sign_ins = sign_ins

    async def list(self, request: web.Request) -> web.Response:
        tenant, _ = admitted(request)
        found = await self._sign_ins.list(tenant, named(request))
        return json_answer(SignInsBody(tuple(map(_shown, found))))

    async def end(self, request: web.Request) -> web.Response:
        tenant, author = admitted(request)
        await self._sign_ins.end(tenant, named(request), request.match_info["sid"], author)
        return web.Response(status=204)

    async def end_all(self, request: web.Request) -> web.Response:
        tenant, author = admitted(request)
        await self._sign_ins.end_all(tenant, named(request), author)
        return web.Response(status=204)


def _shown(sign_in: SignIn) -> SignInBody:
    return SignInBody(
        sid=sign_in.sid,
        created_at=seconds(sign_in.created_at),
        auth_time=seconds(sign_in.auth_time),
        amr=sign_in.amr,
        acr=sign_in.acr,
        ends_at=seconds(sign_in.ends_at),
    )


_ALL: Final = f"{ONE}/sign-ins"
_SIGN_IN: Final[Mapping[str, Any]] = {
    **USER,
    "sid": Annotated[str, Meta(description="of one of their sign-ins")],
}

OPERATIONS: Final = (
    Operation(
        method=hdrs.METH_GET,
        path=_ALL,
        handler=Endpoints.list,
        summary="List where a user is signed in",
        scope="read:users",
        parameters=USER,
        answers={200: SignInsBody},
    ),
    Operation(
        method=hdrs.METH_DELETE,
        path=_ALL,
        handler=Endpoints.end_all,
        summary="Sign a user out everywhere",
        scope="update:users",
        parameters=USER,
        answers={204: None},
    ),
    Operation(
        method=hdrs.METH_DELETE,
        path=f"{_ALL}/{{sid}}",
        handler=Endpoints.end,
        summary="End one sign-in of a user",
        scope="update:users",
        parameters=_SIGN_IN,
        answers={204: None},
    ),
)
