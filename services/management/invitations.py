"""Invitations to register: who has the token of one may, once, before it expires.

The token is shown once, and a hash of it is kept. Of the user whom it invites the audit log, which
is kept for good, holds no value.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Final
from urllib.parse import quote

import asyncpg
import msgspec

from libs.common.chassis.tokens import digest, make_token
from libs.common.errors import Invalid, NotFound, Problem
from libs.common.flow.model import Json
from libs.common.secret import Secret
from services.management.author import Author
from services.management.entries import Resource
from services.management.etags import tag_of
from services.management.listing import Page, list_by_age
from services.management.people import Identifiers, called, read_attributes, storing
from services.management.queries import QUERIES
from services.management.records import Place
from services.management.rows import NO_TENANT, Rows
from services.management.store import Store

NO_INVITATION: Final = "there is no such invitation"

TOKEN: Final = "{token}"  # noqa: S105 - where the token goes
FLOW: Final = "{flow}"


class Invitation(msgspec.Struct, frozen=True, kw_only=True):
    """An invitation, without its token."""

    id: uuid.UUID
    flow: str | None
    """The slug of the flow that it is meant for; any that takes invitations takes it."""
    attributes: Mapping[str, Json]
    """What is set of the user before they come, identifiers among it."""
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None

    def tag(self) -> str:
        """Return its entity tag."""
        return tag_of(self)


class NewInvitation(msgspec.Struct, frozen=True, kw_only=True):
    """An invitation that is to be made."""

    flow: str | None
    identifiers: Identifiers
    attributes: Mapping[str, Json]
    seconds: int
    """How long it is good for."""


class Made(msgspec.Struct, frozen=True):
    """An invitation, and the only copy of its token."""

    invitation: Invitation
    token: Secret
    link: str | None
    """Where whoever is invited goes; None where nobody has said where that is."""


class Invitations:
    """The invitations of all tenants."""

    def __init__(self, store: Store, link: str | None) -> None:
        """`link` has a `{token}` in it, and may have a `{flow}`."""
        self._store = store
        self._link = link

    async def list(self, tenant: str, after: Place | None, limit: int) -> Page[Invitation]:
        """List invitations, the oldest first; raise `NotFound` for a tenant that is none."""
        async with self._store.reading(tenant) as rows:
            return await list_by_age(
                rows,
                QUERIES.list_invitations,
                _invitation,
                lambda one: one.id,
                after,
                limit,
                tenant=tenant,
            )

    async def get(self, tenant: str, id: uuid.UUID) -> Invitation:
        """Return an invitation, or raise `NotFound`."""
        async with self._store.reading(tenant) as rows:
            return await _find(rows, tenant, id)

    async def create(self, tenant: str, new: NewInvitation, author: Author) -> Made:
        """Make an invitation; raise `Invalid` for a flow that the tenant has not."""
        identifiers = {kind: name for kind, name in called(new.identifiers, {}).items() if name}
        attributes = read_attributes(new.attributes, {}, **identifiers)
        token = make_token()
        async with self._store.changing(tenant, author) as change, storing():
            if not await change.has_tenant():
                raise NotFound(NO_TENANT)
            if new.flow is not None and await change.find_id(new.flow) is None:
                problem = Problem("unknown_flow", "name a flow of the tenant", path="flow")
                raise Invalid("there is no such flow", (problem,))
            row = await QUERIES.add_invitation(
                change.connection,
                tenant=tenant,
                id=uuid.uuid4(),
                token_hash=digest(token),
                flow=new.flow,
                attributes=attributes,
                seconds=new.seconds,
            )
            invitation = _invitation(row)
            await change.note_resource("create", _about(None, invitation))
        return Made(invitation, token, self._link_of(invitation, token))

    async def delete(self, tenant: str, id: uuid.UUID, author: Author) -> None:
        """Revoke an invitation, or forget one that is over; raise `NotFound`."""
        async with self._store.changing(tenant, author) as change:
            await QUERIES.hold_invitation(change.connection, tenant=tenant, id=id)
            # Only now: what was read together with the lock may be from before it was granted.
            before = await _find(change, tenant, id)
            change.demand(before.tag())
            await QUERIES.delete_invitation(change.connection, tenant=tenant, id=id)
            await change.note_resource("delete", _about(before, None))

    def _link_of(self, invitation: Invitation, token: Secret) -> str | None:
        if self._link is None:
            return None
        flow = quote(invitation.flow or "", safe="")
        return self._link.replace(FLOW, flow).replace(TOKEN, token.reveal())


def check_link(text: str) -> str:
    """Return where invitations lead; raise `ValueError` where there is no place for the token."""
    if TOKEN not in text or not text.startswith(("https://", "http://")):
        raise ValueError(f"is a URL of http or https with {TOKEN} in it")
    return text


async def _find(rows: Rows, tenant: str, id: uuid.UUID) -> Invitation:
    row = await QUERIES.find_invitation(rows.connection, tenant=tenant, id=id)
    if row is None:
        raise NotFound(NO_INVITATION)
    return _invitation(row)


def _invitation(row: asyncpg.Record) -> Invitation:
    attributes = msgspec.json.decode(row["attributes"])
    return msgspec.convert({**row, "attributes": attributes}, Invitation)


def _about(before: Invitation | None, after: Invitation | None) -> Resource:
    [id, *_] = [each.id for each in (before, after) if each is not None]
    return Resource(f"invitations/{id}", _said(before), _said(after))


def _said(invitation: Invitation | None) -> Json:
    if invitation is None:
        return None
    return {
        "flow": invitation.flow,
        "attributes": sorted(invitation.attributes),
        "expires_at": int(invitation.expires_at.timestamp()),
        "used": invitation.used_at is not None,
    }
