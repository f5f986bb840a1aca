"""The actions that a tenant's flows may call, and what is known of each.

A secret goes in and never comes out again: it is sealed as it is stored, with keys that executors
have as well, and nothing that management answers or writes down shows it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime
from typing import Final

import asyncpg
import msgspec
from msgspec import UNSET, UnsetType

from libs.common.chassis.config import variable
from libs.common.chassis.seal import Keys
from libs.common.chassis.signing import webhook_secrets
from libs.common.errors import Conflict, NotFound
from libs.common.flow.calls import Target
from libs.common.flow.model import Json, Named
from libs.common.flow.node import NodeTypes
from libs.common.secret import Secret
from libs.common.wire.registered import ACTION_SECRET, decode_target, encode_target
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

NO_ACTION: Final = "there is no such action"

LEAST_SECRET: Final = 16
"""Characters of a secret: what signs must not be guessed."""


class Action(msgspec.Struct, frozen=True, kw_only=True):
    """An action, without its secret."""

    id: str
    """Chosen by who made it, since flows name it so; it never changes."""
    display_name: str
    target: Target
    has_secret: bool
    created_at: datetime
    updated_at: datetime

    def tag(self) -> str:
        """Return its entity tag."""
        return tag_of(self)


class NewAction(msgspec.Struct, frozen=True, kw_only=True):
    """An action that is to be created."""

    id: str
    display_name: str
    target: Target
    secret: Secret | None


class ActionEdit(msgspec.Struct, frozen=True, kw_only=True):
    """What is to change of an action; what is unset stays, and a secret of None is dropped."""

    display_name: str | UnsetType = UNSET
    target: Mapping[str, Json] = msgspec.field(default_factory=dict)
    """Fields of its target."""
    secret: Secret | UnsetType | None = UNSET


class ActionPage(msgspec.Struct, frozen=True):
    """Some of the actions."""

    items: tuple[Action, ...]
    next: Place | None
    """Where the next page begins; None at the end."""


class Actions:
    """The actions of all tenants."""

    def __init__(self, store: Store, keys: Keys | None, types: NodeTypes) -> None:
        """Without `keys` no secret can be stored."""
        self._store = store
        self._keys = keys
        self._sealer = Sealer(keys, ACTION_SECRET, least=LEAST_SECRET)
        self._types = types

    async def list(self, tenant: str, after: Place | None, limit: int) -> ActionPage:
        """List actions, the oldest first; raise `NotFound` for a tenant that is none."""
        async with self._store.reading(tenant) as rows:
            listed = QUERIES.list_actions(
                rows.connection,
                tenant=tenant,
                after_time=after and after.created_at,
                after_id=after and after.id,
                most=limit + 1,
            )
            found = tuple([_action(row) async for row in listed])
            if not await rows.has_tenant():
                raise NotFound(NO_TENANT)
        items, following = page_of(found, limit, lambda one: one.id)
        return ActionPage(items, following)

    async def get(self, tenant: str, id: str) -> Action:
        """Return an action, or raise `NotFound`."""
        async with self._store.reading(tenant) as rows:
            return await _find(rows, tenant, id)

    async def create(self, tenant: str, new: NewAction, author: Author) -> Action:
        """Create an action; raise `Conflict` where there is one of the id."""
        sealed = self._sealer.seal(tenant, new.id, new.secret)
        async with self._store.changing(tenant, author) as change:
            if not await change.has_tenant():
                raise NotFound(NO_TENANT)
            row = await QUERIES.add_action(
                change.connection,
                tenant=tenant,
                id=new.id,
                display_name=new.display_name,
                config=encode_target(new.target),
                sealed=sealed,
            )
            if row is None:
                raise Conflict("the tenant has an action of that id")
            action = _action(row)
            await change.note_resource("create", _about(None, action))
        return action

    async def update(self, tenant: str, id: str, edit: ActionEdit, author: Author) -> Action:
        """Change an action, for running sessions as well, or raise `NotFound`."""
        sealed = self._sealer.seal(tenant, id, edit.secret)
        async with self._store.changing(tenant, author) as change:
            before = await _held(change, tenant, id)
            display_name = before.display_name if edit.display_name is UNSET else edit.display_name
            target = msgspec.structs.replace(before.target, **edit.target)
            same = (display_name, target) == (before.display_name, before.target)
            if same and edit.secret is UNSET:
                return before
            row = await QUERIES.edit_action(
                change.connection,
                tenant=tenant,
                id=id,
                display_name=display_name,
                config=encode_target(target),
                keeps=edit.secret is UNSET,
                sealed=sealed,
            )
            after = _action(row)
            await change.note_resource("update", _about(before, after))
        return after

    async def delete(self, tenant: str, id: str, author: Author) -> None:
        """Delete an action with its secret, or raise `NotFound`.

        Raises `Conflict` while an active flow names it.
        """
        async with self._store.changing(tenant, author) as change:
            # Or a flow that names it could be activated meanwhile.
            await change.hold_active()
            before = await _held(change, tenant, id)
            running = await change.list_running()
            users = await asyncio.to_thread(naming, running, Named("action", id), self._types)
            if users:
                raise Conflict(f"active flows call it: {', '.join(users)}")
            await QUERIES.delete_action(change.connection, tenant=tenant, id=id)
            await change.note_resource("delete", _about(before, None))

    async def webhook_secrets(self, tenant: str) -> tuple[Secret, ...]:
        """Return what calls of the tenant are signed with that have no secret of their own."""
        if self._keys is None:
            raise Conflict(f"nothing is signed here: {variable('credential_keys')} is not set")
        async with self._store.reading(tenant) as rows:
            if not await rows.has_tenant():
                raise NotFound(NO_TENANT)
        return webhook_secrets(self._keys, tenant)


async def _find(rows: Rows, tenant: str, id: str) -> Action:
    row = await QUERIES.find_action(rows.connection, tenant=tenant, id=id)
    if row is None:
        raise NotFound(NO_ACTION)
    return _action(row)


async def _held(change: Change, tenant: str, id: str) -> Action:
    await QUERIES.hold_action(change.connection, tenant=tenant, id=id)
    # Only now: what was read together with the lock may be from before it was granted.
    found = await _find(change, tenant, id)
    change.demand(found.tag())
    return found


def _action(row: asyncpg.Record) -> Action:
    return msgspec.convert({**row, "target": decode_target(row["config"])}, Action)


def _about(before: Action | None, after: Action | None) -> Resource:
    [id, *_] = [each.id for each in (before, after) if each is not None]
    return Resource(f"actions/{id}", _said(before), _said(after))


def _said(action: Action | None) -> Json:
    if action is None:
        return None
    return {
        "display_name": action.display_name,
        **msgspec.structs.asdict(action.target),
        "has_secret": action.has_secret,
    }
