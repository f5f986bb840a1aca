"""The tenants there are, what each pays for, and what it says of itself.

Who is confined to a tenant sees that one alone, and does not choose what it pays for: limits hang
on it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import asyncpg
import msgspec
from msgspec import UNSET, Meta, UnsetType

from libs.common.errors import Conflict, Denied, Invalid, NotFound
from libs.common.flow.model import Json
from libs.common.wire.tenants import (
    Branding,
    TenantSettings,
    contrast_problems,
    decode_settings,
    encode_settings,
)
from services.management.auth import Caller
from services.management.author import Author
from services.management.entries import Resource
from services.management.etags import tag_of
from services.management.queries import QUERIES
from services.management.rows import NO_TENANT, Connection
from services.management.store import Store
from services.management.tiers import Tier

TenantName = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$(?!\n)")]


class Tenant(msgspec.Struct, frozen=True, kw_only=True):
    """A tenant."""

    name: str
    """Stands in paths, and never changes."""
    display_name: str
    """The name, where it was given no other."""
    tier: Tier
    settings: TenantSettings
    created_at: datetime
    updated_at: datetime

    def tag(self) -> str:
        """Return its entity tag."""
        return tag_of(self)


class NewTenant(msgspec.Struct, frozen=True, kw_only=True):
    """A tenant that is to be created."""

    name: str
    display_name: str | None
    tier: Tier
    settings: TenantSettings


class TenantEdit(msgspec.Struct, frozen=True, kw_only=True):
    """What is to change of a tenant; what is unset stays."""

    display_name: str | UnsetType = UNSET
    tier: Tier | UnsetType = UNSET
    origins: tuple[str, ...] | UnsetType = UNSET
    branding: Branding | UnsetType = UNSET
    """All of it."""


class TenantPage(msgspec.Struct, frozen=True):
    """Some of the tenants."""

    items: tuple[Tenant, ...]
    next: str | None
    """The next page begins after the tenant of this name; None at the end."""


class Tenants:
    """All tenants."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def list(self, tenant: str, caller: Caller, after: str | None, limit: int) -> TenantPage:
        """List tenants by name; raise `Denied` for who is confined to one."""
        _check_operator(caller)
        async with self._store.reading(tenant) as rows:
            # One more than asked for tells whether there is a next page.
            listed = QUERIES.list_tenants(rows.connection, after=after, most=limit + 1)
            found = tuple([_tenant(row) async for row in listed])
        items = found[:limit]
        return TenantPage(items, items[-1].name if len(found) > limit else None)

    async def get(self, name: str) -> Tenant:
        """Return a tenant, or raise `NotFound`."""
        async with self._store.reading(name) as rows:
            return await _find(rows.connection, name)

    async def create(self, caller: Caller, new: NewTenant, author: Author) -> Tenant:
        """Create a tenant, whose audit log begins with that.

        Raises `Denied` for who is confined to a tenant, `Conflict` where there is one of the name,
        `Invalid` for colours that many people cannot read.
        """
        _check_operator(caller)
        _check_colors(new.settings.branding)
        async with self._store.changing(new.name, author) as change:
            row = await QUERIES.add_tenant(
                change.connection,
                tenant=new.name,
                display_name=new.display_name,
                tier=new.tier,
                settings=encode_settings(new.settings),
            )
            if row is None:
                raise Conflict("there is a tenant of that name")
            tenant = _tenant(row)
            await change.note_resource("create", _about(None, tenant))
        return tenant

    async def update(self, name: str, caller: Caller, edit: TenantEdit, author: Author) -> Tenant:
        """Change a tenant; a tier counts for limits within half a minute.

        Raises `Denied` where who is confined to a tenant would choose its tier, `Invalid` for
        colours that many people cannot read.
        """
        if edit.tier is not UNSET:
            _check_operator(caller)
        if edit.branding is not UNSET:
            _check_colors(edit.branding)
        async with self._store.changing(name, author) as change:
            await change.hold_active()
            before = await _find(change.connection, name)
            change.demand(before.tag())
            display_name = before.display_name if edit.display_name is UNSET else edit.display_name
            tier = before.tier if edit.tier is UNSET else edit.tier
            settings = _edited(before.settings, edit)
            wanted = (display_name, tier, settings)
            if wanted == (before.display_name, before.tier, before.settings):
                return before
            row = await QUERIES.edit_tenant(
                change.connection,
                tenant=name,
                display_name=display_name,
                tier=tier,
                settings=encode_settings(settings),
            )
            after = _tenant(row)
            await change.note_resource("update", _about(before, after))
        return after


async def _find(connection: Connection, name: str) -> Tenant:
    row = await QUERIES.read_tenant(connection, tenant=name)
    if row is None:
        raise NotFound(NO_TENANT)
    return _tenant(row)


def _tenant(row: asyncpg.Record) -> Tenant:
    return msgspec.convert({**row, "settings": decode_settings(row["settings"])}, Tenant)


def _edited(settings: TenantSettings, edit: TenantEdit) -> TenantSettings:
    return TenantSettings(
        settings.origins if edit.origins is UNSET else edit.origins,
        settings.branding if edit.branding is UNSET else edit.branding,
    )


def _check_colors(branding: Branding) -> None:
    problems = contrast_problems(branding.colors, "branding.colors")
    if problems:
        raise Invalid("not everybody could read that", problems)


def _check_operator(caller: Caller) -> None:
    if caller.tenant is not None:
        raise Denied("the token is for one tenant")


def _about(before: Tenant | None, after: Tenant) -> Resource:
    return Resource(f"tenants/{after.name}", _said(before), _said(after))


def _said(tenant: Tenant | None) -> Json:
    if tenant is None:
        return None
    return {
        "display_name": tenant.display_name,
        "tier": tenant.tier,
        "origins": tenant.settings.origins,
        "branding": tenant.settings.branding,
    }
