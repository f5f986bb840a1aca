"""`/api/admin/tenants`: which tenants there are, what each pays for, and what users see of it."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from aiohttp import hdrs, web
from msgspec import UNSET, Meta, UnsetType

from libs.common.chassis.app import json_answer
from libs.common.wire.tenants import Branding, Origins, TenantSettings
from services.management.routes.decode import decode, decode_query
from services.management.routes.face import Limit, Text, cursor_of, place_of, seconds, tagged
from services.management.routes.operation import Operation
from services.management.routes.operation import Tenant as InPath
from services.management.routes.serving import admitted, caller_of
from services.management.tenants import NewTenant, Tenant, TenantEdit, TenantName, Tenants
from services.management.tiers import Tier

DisplayName = Annotated[Text, Meta(min_length=1, max_length=100)]


class After(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """A place in the list."""

    name: TenantName


class Listing(msgspec.Struct, frozen=True):
    """The query of a list."""

    limit: Limit = 20
    cursor: str | None = None


class CreateBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of a create."""

    name: TenantName
    display_name: DisplayName | None = None
    tier: Tier = "default"
    origins: Origins = ()
    branding: Branding = Branding()


class UpdateBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of an update: what is left out stays, and a branding replaces the one before."""

    display_name: DisplayName | UnsetType = UNSET
    tier: Tier | UnsetType = UNSET
    origins: Origins | UnsetType = UNSET
    branding: Branding | UnsetType = UNSET


class TenantBody(msgspec.Struct, frozen=True, kw_only=True):
    """A tenant as it is shown."""

    name: str
    display_name: str
    tier: Tier
    origins: tuple[str, ...]
    """Of pages that may call executors, and that its users may be sent to."""
    branding: Branding
    created_at: int
    updated_at: int


class TenantsBody(msgspec.Struct, frozen=True):
    """A page of tenants."""

    items: tuple[TenantBody, ...]
    cursor: str | None


class Endpoints:
    def __init__(self, tenants: Tenants) -> None:
        self._tenants = tenants

    async def list(self, request: web.Request) -> web.Response:
        tenant, _ = admitted(request)
        query = decode_query(request, Listing)
        after = None if query.cursor is None else place_of(query.cursor, After).name
        page = await self._tenants.list(tenant, caller_of(request), after, query.limit)
        cursor = None if page.next is None else cursor_of(After(page.next))
        return json_answer(TenantsBody(tuple(map(_shown, page.items)), cursor))

    async def create(self, request: web.Request) -> web.Response:
        _, author = admitted(request)
        body = await decode(request, CreateBody)
        new = NewTenant(
            name=body.name,
            display_name=body.display_name,
            tier=body.tier,
            settings=TenantSettings(body.origins, body.branding),
        )
        tenant = await self._tenants.create(caller_of(request), new, author)
        return tagged(_shown(tenant), tenant.tag(), status=201)

    async def get(self, request: web.Request) -> web.Response:
        name, _ = admitted(request)
        tenant = await self._tenants.get(name)
        return tagged(_shown(tenant), tenant.tag())

    async def update(self, request: web.Request) -> web.Response:
        name, author = admitted(request)
        body = await decode(request, UpdateBody)
        edit = TenantEdit(
            display_name=body.display_name,
            tier=body.tier,
            origins=body.origins,
            branding=body.branding,
        )
        tenant = await self._tenants.update(name, caller_of(request), edit, author)
        return tagged(_shown(tenant), tenant.tag())


def _shown(tenant: Tenant) -> TenantBody:
    return TenantBody(
        name=tenant.name,
        display_name=tenant.display_name,
        tier=tenant.tier,
        origins=tenant.settings.origins,
        branding=tenant.settings.branding,
        created_at=seconds(tenant.created_at),
        updated_at=seconds(tenant.updated_at),
    )


_TENANTS: Final = "/api/admin/tenants"
_ONE: Final = f"{_TENANTS}/{{tenant}}"
_TENANT: Final = {"tenant": InPath}

OPERATIONS: Final = (
    Operation(
        method=hdrs.METH_GET,
        path=_TENANTS,
        handler=Endpoints.list,
        summary="List all tenants by name, for who is confined to none",
        scope="read:tenants",
        query=Listing,
        answers={200: TenantsBody},
        tenants=False,
    ),
    Operation(
        method=hdrs.METH_POST,
        path=_TENANTS,
        handler=Endpoints.create,
        summary="Create a tenant",
        scope="create:tenants",
        body=CreateBody,
        answers={201: TenantBody},
        tenants=False,
    ),
    Operation(
        method=hdrs.METH_GET,
        path=_ONE,
        handler=Endpoints.get,
        summary="Get a tenant",
        scope="read:tenants",
        parameters=_TENANT,
        answers={200: TenantBody},
        tenants=False,
        tagged=True,
    ),
    Operation(
        method=hdrs.METH_PUT,
        path=_ONE,
        handler=Endpoints.update,
        summary="Change a tenant: its name, what it pays for, whose pages may call, what users see",
        scope="update:tenants",
        parameters=_TENANT,
        body=UpdateBody,
        answers={200: TenantBody},
        tenants=False,
        tagged=True,
    ),
)
