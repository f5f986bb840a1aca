"""The programs that may ask for tokens by themselves, and their secrets.

A secret is shown once, and a hash of it is kept. Nobody can give a client more than they may do
themselves, nor get hold of one that may do more.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from datetime import datetime
from typing import Final

import asyncpg
import msgspec
from msgspec import UNSET, UnsetType

from libs.common.chassis.tokens import digest, make_token
from libs.common.errors import Denied, NotFound
from libs.common.flow.model import Json
from libs.common.secret import Secret
from services.management.auth import Caller, Scope
from services.management.author import Author
from services.management.change import Change
from services.management.entries import Resource
from services.management.etags import tag_of
from services.management.listing import Page, list_by_age
from services.management.queries import QUERIES
from services.management.records import Place
from services.management.rows import NO_TENANT, Rows
from services.management.standing import Standing
from services.management.store import Store

NO_CLIENT: Final = "there is no such client"


class Client(msgspec.Struct, frozen=True, kw_only=True):
    """A client, without its secret."""

    client_id: str
    name: str
    scopes: tuple[str, ...]
    every_tenant: bool
    """Whether its tokens are good for all tenants, or just for the one that it is of."""
    created_at: datetime
    updated_at: datetime
    rotated_at: datetime | None
    """When it was last given another secret."""

    def tag(self) -> str:
        """Return its entity tag."""
        return tag_of(self)


class NewClient(msgspec.Struct, frozen=True, kw_only=True):
    """A client that is to be created."""

    name: str
    scopes: tuple[Scope, ...]
    every_tenant: bool = False


class ClientEdit(msgspec.Struct, frozen=True, kw_only=True):
    """What is to change of a client; what is unset stays."""

    name: str | UnsetType = UNSET
    scopes: tuple[Scope, ...] | UnsetType = UNSET


class Clients:
    """The clients of all tenants, and those for every tenant; callers see what is in their reach.

    Who is confined to a tenant sees its own. Others see those for every tenant beside them.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    async def list(
        self, tenant: str, caller: Caller, after: Place | None, limit: int
    ) -> Page[Client]:
        """List clients, the oldest first; raise `NotFound` for a tenant that is none."""
        async with self._store.reading(tenant) as rows:
            return await list_by_age(
                rows,
                QUERIES.list_clients,
                _client,
                lambda one: one.client_id,
                after,
                limit,
                tenant=tenant,
                everywhere=_is_operator(caller),
            )

    async def get(self, tenant: str, caller: Caller, id: str) -> Client:
        """Return a client, or raise `NotFound`."""
        async with self._store.reading(tenant) as rows:
            return await _find(rows, tenant, caller, id)

    async def find_standing(self, id: str) -> Standing | None:
        """Return what a client is today; None where there is none."""
        # Of whichever tenant: ids are random, and whoever asks has a token of it.
        async with self._store.reading("") as rows:
            row = await QUERIES.find_standing(rows.connection, client_id=id)
        return None if row is None else Standing(row["secret_hash"], tuple(row["scopes"]))

    async def create(
        self, tenant: str, caller: Caller, new: NewClient, author: Author
    ) -> tuple[Client, Secret]:
        """Create a client, and return the only copy of its secret.

        Raises `Denied` for more than the caller may do.
        """
        if new.every_tenant and not _is_operator(caller):
            raise Denied("the token is for one tenant, and so are the clients that it makes")
        _check_reach(caller, new.scopes)
        async with self._store.changing(tenant, author) as change:
            if not await change.has_tenant():
                raise NotFound(NO_TENANT)
            return await add_client(change, tenant, new)

    async def update(
        self, tenant: str, caller: Caller, id: str, edit: ClientEdit, author: Author
    ) -> Client:
        """Change a client; the tokens that it has allow no more than it may do, and no less."""
        async with self._store.changing(tenant, author) as change:
            before = await _held(change, tenant, caller, id)
            name = before.name if edit.name is UNSET else edit.name
            scopes = before.scopes if edit.scopes is UNSET else _in_order(edit.scopes)
            _check_reach(caller, (*before.scopes, *scopes))
            if (name, scopes) == (before.name, before.scopes):
                return before
            row = await QUERIES.edit_client(
                change.connection, client_id=id, name=name, scopes=scopes
            )
            after = _client(row)
            await change.note_resource("update", _about(before, after))
        return after

    async def rotate_secret(
        self, tenant: str, caller: Caller, id: str, author: Author
    ) -> tuple[Client, Secret]:
        """Give a client another secret; the one before is good for nothing, nor are its tokens."""
        secret = make_token()
        async with self._store.changing(tenant, author) as change:
            before = await _held(change, tenant, caller, id)
            # Whoever has its secret may do what it may.
            _check_reach(caller, before.scopes)
            row = await QUERIES.rotate_secret(
                change.connection, client_id=id, secret_hash=digest(secret)
            )
            after = _client(row)
            await change.note_resource("rotate_secret", _about(before, after))
        return after, secret

    async def delete(self, tenant: str, caller: Caller, id: str, author: Author) -> None:
        """Delete a client, and with it all tokens that it has."""
        async with self._store.changing(tenant, author) as change:
            before = await _held(change, tenant, caller, id)
            await QUERIES.delete_client(change.connection, client_id=id)
            await change.note_resource("delete", _about(before, None))


async def add_client(change: Change, tenant: str, new: NewClient) -> tuple[Client, Secret]:
    """Create a client, whoever asks for it, and return the only copy of its secret."""
    secret = make_token()
    row = await QUERIES.add_client(
        change.connection,
        client_id=secrets.token_hex(16),
        tenant=None if new.every_tenant else tenant,
        name=new.name,
        scopes=_in_order(new.scopes),
        secret_hash=digest(secret),
    )
    client = _client(row)
    await change.note_resource("create", _about(None, client))
    return client, secret


async def _find(rows: Rows, tenant: str, caller: Caller, id: str) -> Client:
    row = await QUERIES.find_client(
        rows.connection, tenant=tenant, everywhere=_is_operator(caller), client_id=id
    )
    if row is None:
        raise NotFound(NO_CLIENT)
    return _client(row)


async def _held(change: Change, tenant: str, caller: Caller, id: str) -> Client:
    await QUERIES.hold_client(change.connection, client_id=id)
    # Only now: what was read together with the lock may be from before it was granted.
    found = await _find(change, tenant, caller, id)
    change.demand(found.tag())
    return found


def _client(row: asyncpg.Record) -> Client:
    return msgspec.convert(dict(row), Client)


def _is_operator(caller: Caller) -> bool:
    """Whether they are confined to no tenant."""
    return caller.tenant is None


def _check_reach(caller: Caller, scopes: Iterable[str]) -> None:
    lacking = sorted(set(scopes) - caller.scopes)
    if lacking:
        raise Denied(f"the token lacks what the client may do: {', '.join(lacking)}")


def _in_order(scopes: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(scopes)))


def _about(before: Client | None, after: Client | None) -> Resource:
    [id, *_] = [each.client_id for each in (before, after) if each is not None]
    [everywhere, *_] = [each.every_tenant for each in (before, after) if each is not None]
    return Resource(f"clients/{id}", _said(before), _said(after), everywhere=everywhere)


def _said(client: Client | None) -> Json:
    if client is None:
        return None
    return {
        "name": client.name,
        "scopes": client.scopes,
        "every_tenant": client.every_tenant,
    }
