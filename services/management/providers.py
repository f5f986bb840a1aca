"""The providers that a tenant's flows rely on, to sign users in or to tell them from programs.

A secret goes in and never comes out again: it is sealed as it is stored, with keys that executors
have as well, and nothing that management answers or writes down shows it.
"""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Final

import asyncpg
import msgspec
from msgspec import UNSET, UnsetType

from libs.common.chassis.seal import Keys
from libs.common.errors import Conflict, NotFound
from libs.common.flow.model import Json, Named
from libs.common.flow.node import NodeTypes
from libs.common.secret import Secret
from libs.common.wire.providers import PURPOSE, Config, decode_config
from services.management.author import Author
from services.management.change import Change
from services.management.entries import Resource
from services.management.etags import tag_of
from services.management.queries import QUERIES
from services.management.records import Place, page_of
from services.management.rows import NO_TENANT, Rows
from services.management.sealing import Sealer
from services.management.store import Store
from services.management.uses import naming

NO_PROVIDER: Final = "there is no such provider"


class Provider(msgspec.Struct, frozen=True, kw_only=True):
    """A provider, without its secret."""

    id: str
    """Chosen by who made it, since flows name it so; it never changes."""
    display_name: str
    config: Config
    has_secret: bool
    created_at: datetime
    updated_at: datetime

    def tag(self) -> str:
        """Return its entity tag."""
        return tag_of(self)


class NewProvider(msgspec.Struct, frozen=True, kw_only=True):
    """A provider that is to be created."""

    id: str
    display_name: str
    config: Config
    secret: Secret | None


class ProviderEdit(msgspec.Struct, frozen=True, kw_only=True):
    """What is to change of a provider; what is unset stays, and a secret of None is dropped."""

    display_name: str | UnsetType = UNSET
    config: Config | UnsetType = UNSET
    secret: Secret | UnsetType | None = UNSET


class ProviderPage(msgspec.Struct, frozen=True):
    """Some of the providers."""

    items: tuple[Provider, ...]
    next: Place | None
    """Where the next page begins; None at the end."""


class Providers:
    """The providers of all tenants."""

    def __init__(self, store: Store, keys: Keys | None, types: NodeTypes) -> None:
        """Without `keys` no secret can be stored."""
        self._store = store
        self._sealer = Sealer(keys, PURPOSE)
        self._types = types

    async def list(self, tenant: str, after: Place | None, limit: int) -> ProviderPage:
        """List providers, the oldest first; raise `NotFound` for a tenant that is none."""
        async with self._store.reading(tenant) as rows:
            listed = QUERIES.list_providers(
                rows.connection,
                tenant=tenant,
                after_time=after and after.created_at,
                after_id=after and after.id,
                most=limit + 1,
            )
            found = tuple([_provider(row) async for row in listed])
            if not await rows.has_tenant():
                raise NotFound(NO_TENANT)
        items, following = page_of(found, limit, lambda one: one.id)
        return ProviderPage(items, following)

    async def get(self, tenant: str, id: str) -> Provider:
        """Return a provider, or raise `NotFound`."""
        async with self._store.reading(tenant) as rows:
            return await _find(rows, tenant, id)

    async def create(self, tenant: str, new: NewProvider, author: Author) -> Provider:
        """Create a provider; raise `Conflict` where there is one of the id."""
        sealed = self._sealer.seal(tenant, new.id, new.secret)
        async with self._store.changing(tenant, author) as change:
            if not await change.has_tenant():
                raise NotFound(NO_TENANT)
            row = await QUERIES.add_provider(
                change.connection,
                tenant=tenant,
                id=new.id,
                display_name=new.display_name,
                config=_json(new.config),
                sealed=sealed,
            )
            if row is None:
                raise Conflict("the tenant has a provider of that id")
            provider = _provider(row)
            await change.note_resource("create", _about(None, provider))
        return provider

    async def update(self, tenant: str, id: str, edit: ProviderEdit, author: Author) -> Provider:
        """Change a provider, or raise `NotFound`."""
        sealed = self._sealer.seal(tenant, id, edit.secret)
        async with self._store.changing(tenant, author) as change:
            before = await _held(change, tenant, id)
            display_name = before.display_name if edit.display_name is UNSET else edit.display_name
            config = before.config if edit.config is UNSET else edit.config
            same = (display_name, config) == (before.display_name, before.config)
            if same and edit.secret is UNSET:
                return before
            row = await QUERIES.edit_provider(
                change.connection,
                tenant=tenant,
                id=id,
                display_name=display_name,
                config=_json(config),
                keeps=edit.secret is UNSET,
                sealed=sealed,
            )
            after = _provider(row)
            await change.note_resource("update", _about(before, after))
        return after

    async def delete(self, tenant: str, id: str, author: Author) -> None:
        """Delete a provider with its secret, or raise `NotFound`.

        Raises `Conflict` while an active flow names it.
        """
        async with self._store.changing(tenant, author) as change:
            # Or a flow that names it could be activated meanwhile.
            await change.hold_active()
            before = await _held(change, tenant, id)
            running = await change.list_running()
            users = await asyncio.to_thread(naming, running, Named("provider", id), self._types)
            if users:
                raise Conflict(f"active flows rely on it: {', '.join(users)}")
            await QUERIES.delete_provider(change.connection, tenant=tenant, id=id)
            await change.note_resource("delete", _about(before, None))


async def _find(rows: Rows, tenant: str, id: str) -> Provider:
    row = await QUERIES.find_provider(rows.connection, tenant=tenant, id=id)
    if row is None:
        raise NotFound(NO_PROVIDER)
    return _provider(row)


async def _held(change: Change, tenant: str, id: str) -> Provider:
    await QUERIES.hold_provider(change.connection, tenant=tenant, id=id)
    # Only now: what was read together with the lock may be from before it was granted.
    found = await _find(change, tenant, id)
    change.demand(found.tag())
    return found


def _provider(row: asyncpg.Record) -> Provider:
    config = decode_config(row["config"])
    return msgspec.convert({**row, "config": config}, Provider)


def _json(config: Config) -> str:
    return msgspec.json.encode(config).decode()


def _about(before: Provider | None, after: Provider | None) -> Resource:
    [id, *_] = [each.id for each in (before, after) if each is not None]
    return Resource(f"providers/{id}", _said(before), _said(after))


def _said(provider: Provider | None) -> Json:
    if provider is None:
        return None
    return {
        "display_name": provider.display_name,
        "config": provider.config,
        "has_secret": provider.has_secret,
    }
