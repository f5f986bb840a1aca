"""What a tenant registers for its flows to name, of whichever kind: a config, and maybe a secret.

A secret goes in and never comes out again: it is sealed as it is stored, with keys that executors
have as well, and nothing that management answers or writes down shows it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Generic, Literal, TypeVar

import asyncpg
import msgspec
from msgspec import UNSET, UnsetType

from libs.common.errors import Conflict, NotFound
from libs.common.flow.model import Json, Named
from libs.common.flow.node import NodeTypes
from libs.common.secret import Secret
from services.management.author import Author
from services.management.change import Change
from services.management.entries import Resource
from services.management.etags import tag_of
from services.management.listing import Page, list_by_age
from services.management.records import Place
from services.management.rows import NO_TENANT, Rows
from services.management.sealing import Sealer
from services.management.store import Store
from services.management.uses import naming, running

C = TypeVar("C")
"""The config of a kind."""


class Registered(msgspec.Struct, Generic[C], frozen=True, kw_only=True):
    """A thing, without its secret."""

    id: str
    """Chosen by who made it, since flows name it so; it never changes."""
    display_name: str
    config: C
    has_secret: bool
    created_at: datetime
    updated_at: datetime

    def tag(self) -> str:
        """Return its entity tag."""
        return tag_of(self)


class New(msgspec.Struct, Generic[C], frozen=True, kw_only=True):
    """A thing that is to be created."""

    id: str
    display_name: str
    config: C
    secret: Secret | None


class Edit(msgspec.Struct, Generic[C], frozen=True, kw_only=True):
    """What is to change; what is unset stays, and a secret of None is dropped."""

    display_name: str | UnsetType = UNSET
    config: Callable[[C], C]
    """Makes the config of the one that it is."""
    secret: Secret | UnsetType | None = UNSET


class Statements(msgspec.Struct, frozen=True, kw_only=True):
    """The SQL of a kind, which has a table of its own."""

    list: Callable[..., Any]
    find: Callable[..., Any]
    hold: Callable[..., Any]
    add: Callable[..., Any]
    edit: Callable[..., Any]
    delete: Callable[..., Any]


class Kind(msgspec.Struct, Generic[C], frozen=True, kw_only=True):
    """What is so of one kind of things alone."""

    name: Literal["action", "provider"]
    """What nodes name it as."""
    statements: Statements
    decode: Callable[[str], C]
    encode: Callable[[C], str]
    told: Callable[[C], Mapping[str, Json]]
    """What the audit log tells of a config."""
    missing: str
    """What is said where there is none of the id."""
    taken: str
    """What is said where there is one."""
    relied_on: str
    """What is said where it is not deleted; the slugs of the flows follow."""


class Registry(Generic[C]):
    """The things of one kind of all tenants."""

    def __init__(self, kind: Kind[C], store: Store, sealer: Sealer, types: NodeTypes) -> None:
        self._kind = kind
        self._store = store
        self._sealer = sealer
        self._types = types

    async def list(self, tenant: str, after: Place | None, limit: int) -> Page[Registered[C]]:
        """List them, the oldest first; raise `NotFound` for a tenant that is none."""
        async with self._store.reading(tenant) as rows:
            return await list_by_age(
                rows,
                self._kind.statements.list,
                self._read,
                lambda one: one.id,
                after,
                limit,
                tenant=tenant,
            )

    async def get(self, tenant: str, id: str) -> Registered[C]:
        """Return one, or raise `NotFound`."""
        async with self._store.reading(tenant) as rows:
            return await self._find(rows, tenant, id)

    async def create(self, tenant: str, new: New[C], author: Author) -> Registered[C]:
        """Create one; raise `Conflict` where there is one of the id."""
        sealed = self._sealer.seal(tenant, new.id, new.secret)
        async with self._store.changing(tenant, author) as change:
            if not await change.has_tenant():
                raise NotFound(NO_TENANT)
            row = await self._kind.statements.add(
                change.connection,
                tenant=tenant,
                id=new.id,
                display_name=new.display_name,
                config=self._kind.encode(new.config),
                sealed=sealed,
            )
            if row is None:
                raise Conflict(self._kind.taken)
            created = self._read(row)
            await change.note_resource("create", self._about(new.id, None, created))
        return created

    async def update(self, tenant: str, id: str, edit: Edit[C], author: Author) -> Registered[C]:
        """Change one, for running sessions as well, or raise `NotFound`."""
        sealed = self._sealer.seal(tenant, id, edit.secret)
        async with self._store.changing(tenant, author) as change:
            before = await self._held(change, tenant, id)
            display_name = before.display_name if edit.display_name is UNSET else edit.display_name
            config = edit.config(before.config)
            same = (display_name, config) == (before.display_name, before.config)
            if same and edit.secret is UNSET:
                return before
            row = await self._kind.statements.edit(
                change.connection,
                tenant=tenant,
                id=id,
                display_name=display_name,
                config=self._kind.encode(config),
                keeps=edit.secret is UNSET,
                sealed=sealed,
            )
            after = self._read(row)
            await change.note_resource("update", self._about(id, before, after))
        return after

    async def delete(self, tenant: str, id: str, author: Author) -> None:
        """Delete one with its secret, or raise `NotFound`.

        Raises `Conflict` while an active flow names it.
        """
        async with self._store.changing(tenant, author) as change:
            # Or a flow that names it could be activated meanwhile.
            await change.hold_active()
            before = await self._held(change, tenant, id)
            runs = running(await change.read_library())
            named = Named(self._kind.name, id)
            users = await asyncio.to_thread(naming, runs, named, self._types)
            if users:
                raise Conflict(f"{self._kind.relied_on}: {', '.join(users)}")
            await self._kind.statements.delete(change.connection, tenant=tenant, id=id)
            await change.note_resource("delete", self._about(id, before, None))

    async def _find(self, rows: Rows, tenant: str, id: str) -> Registered[C]:
        row = await self._kind.statements.find(rows.connection, tenant=tenant, id=id)
        if row is None:
            raise NotFound(self._kind.missing)
        return self._read(row)

    async def _held(self, change: Change, tenant: str, id: str) -> Registered[C]:
        await self._kind.statements.hold(change.connection, tenant=tenant, id=id)
        # Only now: what was read together with the lock may be from before it was granted.
        found = await self._find(change, tenant, id)
        change.demand(found.tag())
        return found

    def _read(self, row: asyncpg.Record) -> Registered[C]:
        return Registered(**{**row, "config": self._kind.decode(row["config"])})

    def _about(
        self, id: str, before: Registered[C] | None, after: Registered[C] | None
    ) -> Resource:
        return Resource(f"{self._kind.name}s/{id}", self._said(before), self._said(after))

    def _said(self, thing: Registered[C] | None) -> Json:
        if thing is None:
            return None
        told = self._kind.told(thing.config)
        return {"display_name": thing.display_name, **told, "has_secret": thing.has_secret}
