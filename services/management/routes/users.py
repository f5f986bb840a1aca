"""`/api/admin/users`: the accounts of a tenant, with credentials of which only the kind shows."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from typing import Annotated, Any, Final

import msgspec
from aiohttp import hdrs, web
from msgspec import UNSET, Meta, UnsetType

from libs.common.chassis.app import json_answer
from libs.common.errors import NotFound
from libs.common.flow.model import Json
from libs.common.nodes.form import Name
from libs.common.secret import Secret
from services.management.people import Identifiers
from services.management.routes.decode import decode, decode_query
from services.management.routes.face import Listing, Text, after_of, cursor_of, seconds, tagged
from services.management.routes.operation import Operation
from services.management.routes.serving import admitted
from services.management.users import (
    NO_USER,
    Credential,
    NewUser,
    User,
    UserEdit,
    Users,
)

Identifier = Annotated[Text, Meta(min_length=1, max_length=254)]
Attributes = dict[Name, Any]


class Query(Listing, frozen=True):
    """The query of a list."""

    identifier: Annotated[
        Text | None, Meta(description="who has exactly this email, username or phone")
    ] = None


class CreateBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of a create; one identifier at least."""

    email: Identifier | None = None
    username: Identifier | None = None
    phone: Identifier | None = None
    email_verified: bool = False
    attributes: Attributes = {}
    password: Secret | None = None


class UpdateBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of an update: what is left out stays, and an identifier or attribute of null goes.

    An email that changes counts as verified only if `email_verified` says so as well.
    """

    email: Identifier | UnsetType | None = UNSET
    username: Identifier | UnsetType | None = UNSET
    phone: Identifier | UnsetType | None = UNSET
    email_verified: bool | UnsetType = UNSET
    blocked: bool | UnsetType = UNSET
    attributes: Attributes | UnsetType = UNSET


class UserBody(msgspec.Struct, frozen=True, kw_only=True):
    """A user as they are shown."""

    id: str
    email: str | None
    username: str | None
    phone: str | None
    email_verified: bool
    blocked: bool
    attributes: dict[str, Any]
    logins_count: int
    last_login_at: int | None
    created_at: int
    updated_at: int


class UsersBody(msgspec.Struct, frozen=True):
    """A page of users."""

    items: tuple[UserBody, ...]
    cursor: str | None


class CredentialBody(msgspec.Struct, frozen=True):
    """Something that a user may prove themselves by, without what is secret of it."""

    id: str
    kind: str
    created_at: int | None


class CredentialsBody(msgspec.Struct, frozen=True):
    """All credentials of a user."""

    items: tuple[CredentialBody, ...]


class Endpoints:
    def __init__(self, users: Users) -> None:
        self._users = users

    async def list(self, request: web.Request) -> web.Response:
        tenant, _ = admitted(request)
        query = decode_query(request, Query)
        after = after_of(query.cursor, UUID)
        page = await self._users.list(tenant, query.identifier, after, query.limit)
        cursor = None if page.next is None else cursor_of(page.next)
        return json_answer(UsersBody(tuple(map(_shown, page.items)), cursor))

    async def create(self, request: web.Request) -> web.Response:
        tenant, author = admitted(request)
        body = await decode(request, CreateBody)
        new = NewUser(
            identifiers=_identifiers(body),
            email_verified=body.email_verified,
            attributes=body.attributes,
            password=body.password,
        )
        user = await self._users.create(tenant, new, author)
        return tagged(_shown(user), user.tag(), status=201)

    async def get(self, request: web.Request) -> web.Response:
        tenant, _ = admitted(request)
        user = await self._users.get(tenant, named(request))
        return tagged(_shown(user), user.tag())

    async def update(self, request: web.Request) -> web.Response:
        tenant, author = admitted(request)
        id = named(request)
        body = await decode(request, UpdateBody)
        edit = UserEdit(
            identifiers=_identifiers(body),
            email_verified=body.email_verified,
            blocked=body.blocked,
            attributes=body.attributes,
        )
        user = await self._users.update(tenant, id, edit, author)
        return tagged(_shown(user), user.tag())

    async def delete(self, request: web.Request) -> web.Response:
        tenant, author = admitted(request)
        await self._users.delete(tenant, named(request), author)
        return web.Response(status=204)

    async def list_credentials(self, request: web.Request) -> web.Response:
        tenant, _ = admitted(request)
        credentials = await self._users.list_credentials(tenant, named(request))
        return json_answer(CredentialsBody(tuple(map(_shown_credential, credentials))))

    async def delete_credential(self, request: web.Request) -> web.Response:
        tenant, author = admitted(request)
        credential = request.match_info["credential"]
        await self._users.delete_credential(tenant, named(request), credential, author)
        return web.Response(status=204)


def _identifiers(body: CreateBody | UpdateBody) -> Identifiers:
    return Identifiers(email=body.email, username=body.username, phone=body.phone)


def named(request: web.Request) -> uuid.UUID:
    try:
        return uuid.UUID(request.match_info["user"])
    except ValueError:
        raise NotFound(NO_USER) from None


def _shown(user: User) -> UserBody:
    attributes: dict[str, Json] = dict(user.attributes)
    return UserBody(
        id=str(user.id),
        email=user.email,
        username=user.username,
        phone=user.phone,
        email_verified=user.email_verified,
        blocked=user.blocked,
        attributes=attributes,
        logins_count=user.logins_count,
        last_login_at=None if user.last_login_at is None else seconds(user.last_login_at),
        created_at=seconds(user.created_at),
        updated_at=seconds(user.updated_at),
    )


def _shown_credential(credential: Credential) -> CredentialBody:
    made = None if credential.created_at is None else seconds(credential.created_at)
    return CredentialBody(credential.id, credential.kind, made)


UUID: Final = re.compile("[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_USERS: Final = "/api/admin/users"
ONE: Final = f"{_USERS}/{{user}}"
USER: Final[Mapping[str, Any]] = {"user": Annotated[uuid.UUID, Meta(description="id of a user")]}
_CREDENTIAL: Final[Mapping[str, Any]] = {
    **USER,
    "credential": Annotated[str, Meta(description="id of one of their credentials")],
}

OPERATIONS: Final = (
    Operation(
        method=hdrs.METH_GET,
        path=_USERS,
        handler=Endpoints.list,
        summary="List users, the oldest first, or find one by an exact identifier",
        scope="read:users",
        query=Query,
        answers={200: UsersBody},
    ),
    Operation(
        method=hdrs.METH_POST,
        path=_USERS,
        handler=Endpoints.create,
        summary="Create a user; their password is never shown",
        scope="create:users",
        body=CreateBody,
        answers={201: UserBody},
    ),
    Operation(
        method=hdrs.METH_GET,
        path=ONE,
        handler=Endpoints.get,
        summary="Get a user",
        scope="read:users",
        parameters=USER,
        answers={200: UserBody},
        tagged=True,
    ),
    Operation(
        method=hdrs.METH_PATCH,
        path=ONE,
        handler=Endpoints.update,
        summary="Change what is known of a user, or block them",
        scope="update:users",
        parameters=USER,
        body=UpdateBody,
        answers={200: UserBody},
        tagged=True,
    ),
    Operation(
        method=hdrs.METH_DELETE,
        path=ONE,
        handler=Endpoints.delete,
        summary="Delete a user with all credentials",
        scope="delete:users",
        parameters=USER,
        answers={204: None},
        tagged=True,
    ),
    Operation(
        method=hdrs.METH_GET,
        path=f"{ONE}/credentials",
        handler=Endpoints.list_credentials,
        summary="List what a user may prove themselves by, without what is secret of it",
        scope="read:users",
        parameters=USER,
        answers={200: CredentialsBody},
    ),
    Operation(
        method=hdrs.METH_DELETE,
        path=f"{ONE}/credentials/{{credential}}",
        handler=Endpoints.delete_credential,
        summary="Take a credential from a user",
        scope="update:users",
        parameters=_CREDENTIAL,
        answers={204: None},
    ),
)
