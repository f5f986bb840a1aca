"""`/api/admin/providers`: what flows rely on beside themselves, with secrets that only go in."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

import msgspec
from aiohttp import hdrs, web
from msgspec import UNSET, UnsetType

from libs.common.chassis.app import json_answer
from libs.common.flow.model import RegisteredId
from libs.common.secret import Secret
from libs.common.wire.providers import Config
from services.management.providers import NO_PROVIDER, Providers
from services.management.registered import Edit, New, Registered
from services.management.routes.decode import decode, decode_query
from services.management.routes.face import Listing, after_of, cursor_of, seconds, tagged
from services.management.routes.operation import Operation
from services.management.routes.registered import ID, DisplayName, named, part_of_path
from services.management.routes.serving import admitted


class CreateBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of a create."""

    id: RegisteredId
    display_name: DisplayName
    config: Config
    secret: Secret | None = None


class UpdateBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of an update: what is left out stays, and a secret of null is dropped."""

    display_name: DisplayName | UnsetType = UNSET
    config: Config | UnsetType = UNSET
    secret: Secret | UnsetType | None = UNSET


class ProviderBody(msgspec.Struct, frozen=True, kw_only=True):
    """A provider as it is shown."""

    id: str
    display_name: str
    config: Config
    has_secret: bool
    created_at: int
    updated_at: int


class ProvidersBody(msgspec.Struct, frozen=True):
    """A page of providers."""

    items: tuple[ProviderBody, ...]
    cursor: str | None


class Endpoints:
    def __init__(self, providers: Providers) -> None:
        self._providers = providers

    async def list(self, request: web.Request) -> web.Response:
        tenant, _ = admitted(request)
        query = decode_query(request, Listing)
        after = after_of(query.cursor, ID)
        page = await self._providers.list(tenant, after, query.limit)
        cursor = None if page.next is None else cursor_of(page.next)
        return json_answer(ProvidersBody(tuple(map(_shown, page.items)), cursor))

    async def create(self, request: web.Request) -> web.Response:
        tenant, author = admitted(request)
        body = await decode(request, CreateBody)
        new = New[Config](
            id=body.id, display_name=body.display_name, config=body.config, secret=body.secret
        )
        provider = await self._providers.create(tenant, new, author)
        return tagged(_shown(provider), provider.tag(), status=201)

    async def get(self, request: web.Request) -> web.Response:
        tenant, _ = admitted(request)
        provider = await self._providers.get(tenant, named(request, "provider", NO_PROVIDER))
        return tagged(_shown(provider), provider.tag())

    async def update(self, request: web.Request) -> web.Response:
        tenant, author = admitted(request)
        id = named(request, "provider", NO_PROVIDER)
        body = await decode(request, UpdateBody)
        config = body.config
        edit = Edit[Config](
            display_name=body.display_name,
            config=lambda was: was if config is UNSET else config,
            secret=body.secret,
        )
        provider = await self._providers.update(tenant, id, edit, author)
        return tagged(_shown(provider), provider.tag())

    async def delete(self, request: web.Request) -> web.Response:
        tenant, author = admitted(request)
        await self._providers.delete(tenant, named(request, "provider", NO_PROVIDER), author)
        return web.Response(status=204)


def _shown(provider: Registered[Config]) -> ProviderBody:
    return ProviderBody(
        id=provider.id,
        display_name=provider.display_name,
        config=provider.config,
        has_secret=provider.has_secret,
        created_at=seconds(provider.created_at),
        updated_at=seconds(provider.updated_at),
    )


_PROVIDERS: Final = "/api/admin/providers"
_ONE: Final = f"{_PROVIDERS}/{{provider}}"
_PROVIDER: Final = part_of_path("provider")

OPERATIONS: Final = (
    Operation(
        method=hdrs.METH_GET,
        path=_PROVIDERS,
        handler=Endpoints.list,
        summary="List providers, the oldest first",
        scope="read:providers",
        query=Listing,
        answers={200: ProvidersBody},
    ),
    Operation(
        method=hdrs.METH_POST,
        path=_PROVIDERS,
        handler=Endpoints.create,
        summary="Create a provider; its secret is never shown",
        scope="create:providers",
        body=CreateBody,
        answers={201: ProviderBody},
    ),
    Operation(
        method=hdrs.METH_GET,
        path=_ONE,
        handler=Endpoints.get,
        summary="Get a provider, without its secret",
        scope="read:providers",
        parameters=_PROVIDER,
        answers={200: ProviderBody},
        tagged=True,
    ),
    Operation(
        method=hdrs.METH_PUT,
        path=_ONE,
        handler=Endpoints.update,
        summary="Change a provider, or give it another secret",
        scope="update:providers",
        parameters=_PROVIDER,
        body=UpdateBody,
        answers={200: ProviderBody},
        tagged=True,
    ),
    Operation(
        method=hdrs.METH_DELETE,
        path=_ONE,
        handler=Endpoints.delete,
        summary="Delete a provider that no active flow names",
        scope="delete:providers",
        parameters=_PROVIDER,
        answers={204: None},
        refusals=(HTTPStatus.CONFLICT,),
        tagged=True,
    ),
)
