"""What Gatehouse asks a directory of somebody else's over HTTP, and what that answers.

`docs/how-to/bring-your-own-users.md` says what each of it means, in a table that a test holds
against these structs. Whatever else an answer has is passed over, so that a directory may be newer.
"""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias
from uuid import UUID

import msgspec

from libs.common.flow.model import Json
from libs.common.secret import Secret

Kind = Literal["email", "username", "phone"]
Attributes = Annotated[dict[str, Json], msgspec.Meta(max_length=1_000)]


class Find(msgspec.Struct, frozen=True, kw_only=True, tag_field="operation", tag="find"):
    """Who is called so?"""

    tenant: str
    kinds: tuple[Kind, ...]
    identifier: str


class Found(msgspec.Struct, frozen=True):
    """The answer to `Find`."""

    account: UUID | None


class CheckPassword(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="operation", tag="check_password"
):
    """Is this the account's password?"""

    tenant: str
    account: str
    password: Secret


class Checked(msgspec.Struct, frozen=True):
    """The answer to `CheckPassword`."""

    right: bool


class Load(msgspec.Struct, frozen=True, kw_only=True, tag_field="operation", tag="load"):
    """What is known of the account?"""

    tenant: str
    account: str


class User(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of an account."""

    email: str | None = None
    username: str | None = None
    phone: str | None = None
    email_verified: bool = False
    attributes: Attributes = {}
    created_at: int | None = None
    updated_at: int | None = None


class Loaded(msgspec.Struct, frozen=True):
    """The answer to `Load`."""

    user: User | None


class Write(msgspec.Struct, frozen=True, kw_only=True, tag_field="operation", tag="write"):
    """Make an account, or write onto one."""

    tenant: str
    creation_key: str
    account: str | None
    email: str | None
    username: str | None
    phone: str | None
    email_verified: bool
    attributes: Attributes
    password_hash: Secret | None


class Wrote(msgspec.Struct, frozen=True):
    """The answer to `Write`."""

    account: UUID | None = None
    taken: Kind | None = None


class VerifyEmail(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="operation", tag="verify_email"
):
    """Mail to this address reaches the account's owner."""

    tenant: str
    account: str
    email: str


class Noted(msgspec.Struct, frozen=True):
    """The answer to `VerifyEmail`."""

    noted: bool


class Delete(msgspec.Struct, frozen=True, kw_only=True, tag_field="operation", tag="delete"):
    """The account is to be gone."""

    tenant: str
    account: str


class Deleted(msgspec.Struct, frozen=True):
    """The answer to `Delete`."""


Asked: TypeAlias = Find | CheckPassword | Load | Write | VerifyEmail | Delete
"""Every question there is."""
