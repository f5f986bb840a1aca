"""`/api/admin/clients`: the programs that may ask for tokens, and how there is a first one.

A secret is in the answer that makes it, and in no other.
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Annotated, Any, Final

import msgspec
from aiohttp import hdrs, web
from msgspec import UNSET, Meta, UnsetType

from libs.common.chassis.app import json_answer
from libs.common.errors import NotFound
from libs.common.secret import Secret
from libs.common.wire.clients import CLIENT_ID
from services.management.auth import Scope, bearer_of
from services.management.bootstrap import Bootstrap
from services.management.clients import (
    NO_CLIENT,
    Client,
    ClientEdit,
    Clients,
    NewClient,
)
from services.management.routes.decode import decode, decode_if_sent, decode_query
from services.management.routes.face import Listing, Text, after_of, cursor_of, seconds, tagged
from services.management.routes.operation import Content, Operation
from services.management.routes.serving import admitted, caller_of, stranger

Name = Annotated[Text, Meta(min_length=1, max_length=100)]
Scopes = Annotated[tuple[Scope, ...], Meta(min_length=1, max_length=100)]

NO_STORE: Final[Mapping[str, str]] = {hdrs.CACHE_CONTROL: "no-store"}
"""Of an answer that holds a secret."""

_CLIENT: Final[Mapping[str, Any]] = {
    "client_id": Annotated[str, Meta(pattern=f"^{CLIENT_ID.pattern}$", description="of a client")]
}


class CreateBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of a create."""

    name: Name
    scopes: Scopes
    every_tenant: bool = False


class UpdateBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of an update: what is left out stays."""

    name: Name | UnsetType = UNSET
    scopes: Scopes | UnsetType = UNSET


class BootstrapBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of a bootstrap, which may be left out."""

    name: Name = "bootstrap"


class ClientBody(msgspec.Struct, frozen=True, kw_only=True):
    """A client as it is shown."""

    client_id: str
    name: str
    scopes: tuple[str, ...]
    every_tenant: bool
    created_at: int
    updated_at: int
    rotated_at: int | None


class SecretBody(ClientBody, frozen=True, kw_only=True):
    """A client that has just been given its secret."""

    client_secret: str


class ClientsBody(msgspec.Struct, frozen=True):
    """A page of clients."""

    items: tuple[ClientBody, ...]
    cursor: str | None


class Endpoints:
    def __init__(self, clients: Clients, bootstrap: Bootstrap) -> None:
        self._clients = clients
        self._bootstrap = bootstrap

    async def list(self, request: web.Request) -> web.Response:
        tenant, _ = admitted(request)
        query = decode_query(request, Listing)
        after = after_of(query.cursor, CLIENT_ID)
        page = await self._clients.list(tenant, caller_of(request), after, query.limit)
        cursor = None if page.next is None else cursor_of(page.next)
        return json_answer(ClientsBody(tuple(map(_shown, page.items)), cursor))

    async def create(self, request: web.Request) -> web.Response:
        tenant, author = admitted(request)
        body = await decode(request, CreateBody)
        new = NewClient(name=body.name, scopes=body.scopes, every_tenant=body.every_tenant)
        client, secret = await self._clients.create(tenant, caller_of(request), new, author)
        return _with_secret(client, secret, status=201)

    async def get(self, request: web.Request) -> web.Response:
        tenant, _ = admitted(request)
        client = await self._clients.get(tenant, caller_of(request), _id(request))
        return tagged(_shown(client), client.tag())

    async def update(self, request: web.Request) -> web.Response:
        tenant, author = admitted(request)
        id = _id(request)
        body = await decode(request, UpdateBody)
        edit = ClientEdit(name=body.name, scopes=body.scopes)
        client = await self._clients.update(tenant, caller_of(request), id, edit, author)
        return tagged(_shown(client), client.tag())

    async def rotate_secret(self, request: web.Request) -> web.Response:
        tenant, author = admitted(request)
        given = await self._clients.rotate_secret(tenant, caller_of(request), _id(request), author)
        return _with_secret(*given)

    async def delete(self, request: web.Request) -> web.Response:
        tenant, author = admitted(request)
        await self._clients.delete(tenant, caller_of(request), _id(request), author)
        return web.Response(status=204)

    async def bootstrap(self, request: web.Request) -> web.Response:
        tenant, author = stranger(request)
        token = Secret(bearer_of(request.headers.get(hdrs.AUTHORIZATION)))
        body = await decode_if_sent(request, BootstrapBody)
        given = await self._bootstrap.run(tenant, token, body.name, author)
        return _with_secret(*given, status=201)


def _id(request: web.Request) -> str:
    id = request.match_info["client_id"]
    if not CLIENT_ID.fullmatch(id):
        raise NotFound(NO_CLIENT)
    return id


def _shown(client: Client) -> ClientBody:
    return ClientBody(**_fields(client))


def _with_secret(client: Client, secret: Secret, *, status: int = 200) -> web.Response:
    body = SecretBody(client_secret=secret.reveal(), **_fields(client))
    return json_answer(body, status=status, headers={hdrs.ETAG: client.tag(), **NO_STORE})


def _fields(client: Client) -> dict[str, Any]:
    return {
        **msgspec.structs.asdict(client),
        "created_at": seconds(client.created_at),
        "updated_at": seconds(client.updated_at),
        "rotated_at": None if client.rotated_at is None else seconds(client.rotated_at),
    }


_CLIENTS: Final = "/api/admin/clients"
_ONE: Final = f"{_CLIENTS}/{{client_id}}"

OPERATIONS: Final = (
    Operation(
        method=hdrs.METH_GET,
        path=_CLIENTS,
        handler=Endpoints.list,
        summary="List clients, the oldest first",
        scope="read:clients",
        query=Listing,
        answers={200: ClientsBody},
    ),
    Operation(
        method=hdrs.METH_POST,
        path=_CLIENTS,
        handler=Endpoints.create,
        summary="Create a client, and show its secret this once",
        scope="create:clients",
        body=CreateBody,
        answers={201: SecretBody},
        secret=True,
    ),
    Operation(
        method=hdrs.METH_GET,
        path=_ONE,
        handler=Endpoints.get,
        summary="Get a client",
        scope="read:clients",
        parameters=_CLIENT,
        answers={200: ClientBody},
        tagged=True,
    ),
    Operation(
        method=hdrs.METH_PUT,
        path=_ONE,
        handler=Endpoints.update,
        summary="Rename a client, or change what it may do",
        scope="update:clients",
        parameters=_CLIENT,
        body=UpdateBody,
        answers={200: ClientBody},
        tagged=True,
    ),
    Operation(
        method=hdrs.METH_POST,
        path=f"{_ONE}/rotate-secret",
        handler=Endpoints.rotate_secret,
        summary="Give a client another secret, and show it this once",
        scope="update:clients",
        parameters=_CLIENT,
        answers={200: SecretBody},
        tagged=True,
        secret=True,
    ),
    Operation(
        method=hdrs.METH_DELETE,
        path=_ONE,
        handler=Endpoints.delete,
        summary="Delete a client",
        scope="delete:clients",
        parameters=_CLIENT,
        answers={204: None},
        tagged=True,
    ),
    Operation(
        method=hdrs.METH_POST,
        path="/api/admin/bootstrap",
        handler=Endpoints.bootstrap,
        summary="Change the deployment's one-time token into the first client",
        scope=None,
        body=Content(BootstrapBody, optional=True),
        answers={201: SecretBody},
        refusals=(HTTPStatus.UNAUTHORIZED, HTTPStatus.GONE),
        tenants=False,
        secret=True,
    ),
)
