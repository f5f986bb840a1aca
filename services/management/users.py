"""The accounts of a tenant, as who runs it keeps them.

A password goes in and never comes out again, and no credential shows more than its kind. The audit
log is never changed, and people may want to be forgotten: of an account it keeps what is known of
it, and no value.
"""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any, Final, Protocol, TypeAlias

import asyncpg
import msgspec
from msgspec import UNSET, UnsetType

from libs.common.errors import NotFound
from libs.common.flow.identifier import KINDS, normalise
from libs.common.flow.model import Json
from libs.common.nodes.form import LONGEST_PASSWORD, SHORTEST_PASSWORD
from libs.common.secret import Secret
from services.management.author import Author
from services.management.change import Change
from services.management.entries import Resource
from services.management.etags import tag_of
from services.management.listing import Page, list_by_age
from services.management.people import Identifiers, called, named, read_attributes, refused, storing
from services.management.queries import QUERIES
from services.management.records import Place
from services.management.rows import NO_TENANT, Connection, Rows
from services.management.store import Store

NO_USER: Final = "there is no such user"
NO_CREDENTIAL: Final = "the user has no such credential"


class Hasher(Protocol):
    """What hashes passwords."""

    async def hash(self, password: Secret, /) -> str:
        """Return the argon2id hash, in PHC form; raise `Unavailable` where too many wait."""


class User(msgspec.Struct, frozen=True, kw_only=True):
    """An account, without its credentials."""

    id: uuid.UUID
    email: str | None
    username: str | None
    phone: str | None
    email_verified: bool
    blocked: bool
    """Signs in by nothing, as if there were no such account."""
    attributes: Mapping[str, Json]
    logins_count: int
    last_login_at: datetime | None
    created_at: datetime
    updated_at: datetime

    def tag(self) -> str:
        """Return its entity tag."""
        return tag_of(self)


class NewUser(msgspec.Struct, frozen=True, kw_only=True):
    """An account that is to be created."""

    identifiers: Identifiers
    email_verified: bool
    attributes: Mapping[str, Json]
    password: Secret | None


class UserEdit(msgspec.Struct, frozen=True, kw_only=True):
    """What is to change of an account; what is unset stays, and an attribute of null goes."""

    identifiers: Identifiers
    email_verified: bool | UnsetType = UNSET
    blocked: bool | UnsetType = UNSET
    attributes: Mapping[str, Json] | UnsetType = UNSET


class Credential(msgspec.Struct, frozen=True):
    """Something that a user may prove themselves by."""

    id: str
    """Names it among those of the user."""
    kind: str
    created_at: datetime | None
    """None where nobody noted it."""


class Users:
    """The accounts of all tenants."""

    def __init__(self, store: Store, hasher: Hasher) -> None:
        self._store = store
        self._hasher = hasher

    async def list(
        self, tenant: str, identifier: str | None, after: Place | None, limit: int
    ) -> Page[User]:
        """List users, the oldest first, or who has exactly this identifier of whatever kind.

        Raises `NotFound` for a tenant that is none.
        """
        called: dict[str, str | None] = dict.fromkeys(KINDS)
        if identifier is not None:
            # Nobody is called the empty text. Null is no condition: what can be nobody's identifier
            # would be looked for as if everybody were meant.
            called = {kind: normalise(kind, identifier) or "" for kind in KINDS}
        async with self._store.reading(tenant) as rows:
            return await list_by_age(
                rows,
                QUERIES.list_users,
                _user,
                lambda one: one.id,
                after,
                limit,
                tenant=tenant,
                **called,
            )

    async def get(self, tenant: str, id: uuid.UUID) -> User:
        """Return a user, or raise `NotFound`."""
        async with self._store.reading(tenant) as rows:
            return await _find(rows, tenant, id)

    async def create(self, tenant: str, new: NewUser, author: Author) -> User:
        """Create a user; raise `Conflict` where somebody has one of the identifiers."""
        identifiers = named(called(new.identifiers, {}))
        attributes = read_attributes(new.attributes, {})
        hashed = None if new.password is None else await self._hash(new.password)
        async with self._store.changing(tenant, author) as change, storing():
            if not await change.has_tenant():
                raise NotFound(NO_TENANT)
            row = await QUERIES.add_user(
                change.connection,
                tenant=tenant,
                user=uuid.uuid4(),
                key=uuid.uuid4(),
                email_verified=new.email_verified,
                attributes=attributes,
                password=hashed,
                **identifiers,
            )
            user = _user(row)
            await change.note_resource("create", _about(None, user))
        return user

    async def update(self, tenant: str, id: uuid.UUID, edit: UserEdit, author: Author) -> User:
        """Change a user, or raise `NotFound`; raise `Conflict` for an identifier of somebody's.

        An address that changes has yet to be verified, unless `edit` says that it is.
        """
        async with self._store.changing(tenant, author) as change, storing():
            before = await _held(change, tenant, id)
            known = {kind: getattr(before, kind) for kind in KINDS}
            identifiers = named(called(edit.identifiers, known))
            is_same_address = identifiers["email"] == before.email
            row = await QUERIES.edit_user(
                change.connection,
                tenant=tenant,
                user=id,
                email_verified=_or(edit.email_verified, before.email_verified and is_same_address),
                blocked=_or(edit.blocked, before.blocked),
                attributes=read_attributes(_or(edit.attributes, {}), before.attributes),
                **identifiers,
            )
            after = _user(row)
            if after.blocked and not before.blocked:
                # Not only as long as they are blocked: nobody knows who has been using them.
                await QUERIES.end_sign_ins(change.connection, tenant=tenant, account=str(id))
            await change.note_resource("update", _about(before, after))
        return after

    async def delete(self, tenant: str, id: uuid.UUID, author: Author) -> None:
        """Delete a user with all credentials, or raise `NotFound`.

        Assertions about them are good for nothing here from then on, nor do flows go on for them.
        """
        async with self._store.changing(tenant, author) as change:
            before = await _held(change, tenant, id)
            await QUERIES.delete_user(change.connection, tenant=tenant, user=id)
            await QUERIES.end_sign_ins(change.connection, tenant=tenant, account=str(id))
            await change.note_resource("delete", _about(before, None))

    async def list_credentials(self, tenant: str, id: uuid.UUID) -> tuple[Credential, ...]:
        """List what a user may prove themselves by, or raise `NotFound`."""
        async with self._store.reading(tenant) as rows:
            await _find(rows, tenant, id)
            return await _credentials(rows, tenant, id)

    async def delete_credential(
        self, tenant: str, id: uuid.UUID, credential: str, author: Author
    ) -> None:
        """Take a credential from a user; raise `NotFound` where there is no such."""
        async with self._store.changing(tenant, author) as change:
            await QUERIES.hold_user(change.connection, tenant=tenant, user=id)
            await _find(change, tenant, id)
            held = {each.id: each for each in await _credentials(change, tenant, id)}
            found = held.get(credential)
            if found is None:
                raise NotFound(NO_CREDENTIAL)
            await DROPS[found.kind](change.connection, id, found.id)
            about = Resource(f"users/{id}/credentials/{credential}", {"kind": found.kind}, None)
            await change.note_resource("delete", about)

    async def _hash(self, password: Secret) -> str:
        if not SHORTEST_PASSWORD <= len(password.reveal()) <= LONGEST_PASSWORD:
            message = f"Expected {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters"
            raise refused("the password is none", message, "password")
        return await self._hasher.hash(password)


Drop: TypeAlias = Callable[[Connection, uuid.UUID, str], Awaitable[Any]]
"""(connection, user, credential) → nothing."""

DROPS: Final[Mapping[str, Drop]] = {
    "password": lambda connection, user, _: QUERIES.drop_password(connection, user=user),
    "totp": lambda connection, user, _: QUERIES.drop_totp(connection, user=user),
    "recovery_codes": lambda connection, user, _: QUERIES.drop_recovery_codes(
        connection, user=user
    ),
    "webauthn": lambda connection, user, credential: QUERIES.drop_passkey(
        connection, user=user, credential=credential
    ),
    "openid": lambda connection, user, credential: QUERIES.drop_external_identity(
        connection, user=user, credential=credential
    ),
}
"""What takes a credential of a kind away."""


async def _find(rows: Rows, tenant: str, id: uuid.UUID) -> User:
    row = await QUERIES.find_user(rows.connection, tenant=tenant, user=id)
    if row is None:
        raise NotFound(NO_USER)
    return _user(row)


async def _held(change: Change, tenant: str, id: uuid.UUID) -> User:
    await QUERIES.hold_user(change.connection, tenant=tenant, user=id)
    # Only now: what was read together with the lock may be from before it was granted.
    found = await _find(change, tenant, id)
    change.demand(found.tag())
    return found


async def _credentials(rows: Rows, tenant: str, id: uuid.UUID) -> tuple[Credential, ...]:
    listed = QUERIES.list_credentials(rows.connection, tenant=tenant, user=id)
    return tuple([msgspec.convert(dict(row), Credential) async for row in listed])


def _user(row: asyncpg.Record) -> User:
    return msgspec.convert({**row, "attributes": msgspec.json.decode(row["attributes"])}, User)


def _or(given: Any, otherwise: Any) -> Any:  # noqa: ANN401 -- of any field
    return otherwise if given is UNSET else given


def _about(before: User | None, after: User | None) -> Resource:
    [id, *_] = [each.id for each in (before, after) if each is not None]
    said = _said(after)
    if said is not None and before is not None and after is not None:
        said["changed"] = [
            name
            for name in (*KINDS, "email_verified", "blocked", "attributes")
            if getattr(before, name) != getattr(after, name)
        ]
    return Resource(f"users/{id}", _said(before), said)


def _said(user: User | None) -> dict[str, Json] | None:
    if user is None:
        return None
    return {
        "identifiers": [kind for kind in KINDS if getattr(user, kind) is not None],
        "email_verified": user.email_verified,
        "blocked": user.blocked,
        "attributes": sorted(user.attributes),
    }
