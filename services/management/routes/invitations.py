"""`/api/admin/invitations`: who may register, each once; a token is in the answer that makes it."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Annotated, Any, Final

import msgspec
from aiohttp import hdrs, web
from msgspec import Meta

from libs.common.chassis.app import json_answer
from libs.common.errors import NotFound
from libs.common.flow.model import AnySlug
from services.management.invitations import (
    NO_INVITATION,
    Invitation,
    Invitations,
    NewInvitation,
)
from services.management.people import Identifiers
from services.management.routes.clients import NO_STORE
from services.management.routes.decode import decode_if_sent, decode_query
from services.management.routes.face import Listing, after_of, cursor_of, seconds, tagged
from services.management.routes.operation import Content, Operation
from services.management.routes.serving import admitted
from services.management.routes.users import UUID, Attributes, Identifier

_DAY: Final = 86_400


class CreateBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of a create, which may be left out."""

    flow: AnySlug | None = None
    email: Identifier | None = None
    username: Identifier | None = None
    phone: Identifier | None = None
    attributes: Attributes = {}
    expires_in: Annotated[
        int, Meta(ge=60, le=90 * _DAY, description="seconds that it is good for")
    ] = 7 * _DAY


class InvitationBody(msgspec.Struct, frozen=True, kw_only=True):
    """An invitation as it is shown."""

    id: str
    flow: str | None
    attributes: dict[str, Any]
    """What is set of the user, identifiers among it."""
    created_at: int
    expires_at: int
    used_at: int | None


class TokenBody(InvitationBody, frozen=True, kw_only=True):
    """An invitation that has just been made."""

    token: str
    link: str | None
    """Where whoever is invited goes; null where `GATEHOUSE_INVITATION_URL` is not set."""


class InvitationsBody(msgspec.Struct, frozen=True):
    """A page of invitations."""

    items: tuple[InvitationBody, ...]
    cursor: str | None


class Endpoints:
    def __init__(self, invitations: Invitations) -> None:
        self._invitations = invitations

    async def list(self, request: web.Request) -> web.Response:
        tenant, _ = admitted(request)
        query = decode_query(request, Listing)
        after = after_of(query.cursor, UUID)
        page = await self._invitations.list(tenant, after, query.limit)
        cursor = None if page.next is None else cursor_of(page.next)
        return json_answer(InvitationsBody(tuple(map(_shown, page.items)), cursor))

    async def create(self, request: web.Request) -> web.Response:
        tenant, author = admitted(request)
        body = await decode_if_sent(request, CreateBody)
        new = NewInvitation(
            flow=body.flow,
            identifiers=Identifiers(email=body.email, username=body.username, phone=body.phone),
            attributes=body.attributes,
            seconds=body.expires_in,
        )
        made = await self._invitations.create(tenant, new, author)
        fields = _fields(made.invitation)
        shown = TokenBody(token=made.token.reveal(), link=made.link, **fields)
        headers = {hdrs.ETAG: made.invitation.tag(), **NO_STORE}
        return json_answer(shown, status=201, headers=headers)

    async def get(self, request: web.Request) -> web.Response:
        tenant, _ = admitted(request)
        invitation = await self._invitations.get(tenant, _named(request))
        return tagged(_shown(invitation), invitation.tag())

    async def delete(self, request: web.Request) -> web.Response:
        tenant, author = admitted(request)
        await self._invitations.delete(tenant, _named(request), author)
        return web.Response(status=204)


def _named(request: web.Request) -> uuid.UUID:
    try:
        return uuid.UUID(request.match_info["invitation"])
    except ValueError:
        raise NotFound(NO_INVITATION) from None


def _shown(invitation: Invitation) -> InvitationBody:
    return InvitationBody(**_fields(invitation))


def _fields(invitation: Invitation) -> dict[str, Any]:
    used = invitation.used_at
    return {
        "id": str(invitation.id),
        "flow": invitation.flow,
        "attributes": dict(invitation.attributes),
        "created_at": seconds(invitation.created_at),
        "expires_at": seconds(invitation.expires_at),
        "used_at": None if used is None else seconds(used),
    }


_INVITATIONS: Final = "/api/admin/invitations"
_ONE: Final = f"{_INVITATIONS}/{{invitation}}"
_INVITATION: Final[Mapping[str, Any]] = {
    "invitation": Annotated[uuid.UUID, Meta(description="id of an invitation")]
}

OPERATIONS: Final = (
    Operation(
        method=hdrs.METH_GET,
        path=_INVITATIONS,
        handler=Endpoints.list,
        summary="List invitations, the oldest first",
        scope="read:invitations",
        query=Listing,
        answers={200: InvitationsBody},
    ),
    Operation(
        method=hdrs.METH_POST,
        path=_INVITATIONS,
        handler=Endpoints.create,
        summary="Make an invitation, and show its token this once",
        scope="create:invitations",
        body=Content(CreateBody, optional=True),
        answers={201: TokenBody},
        secret=True,
    ),
    Operation(
        method=hdrs.METH_GET,
        path=_ONE,
        handler=Endpoints.get,
        summary="Get an invitation",
        scope="read:invitations",
        parameters=_INVITATION,
        answers={200: InvitationBody},
        tagged=True,
    ),
    Operation(
        method=hdrs.METH_DELETE,
        path=_ONE,
        handler=Endpoints.delete,
        summary="Revoke an invitation",
        scope="delete:invitations",
        parameters=_INVITATION,
        answers={204: None},
        tagged=True,
    ),
)
