"""What is known of people, as somebody writes it: what they are called, and what else there is."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Final

import asyncpg
import msgspec
from msgspec import UNSET, UnsetType

from libs.common.errors import Conflict, Invalid, Problem
from libs.common.flow.identifier import KINDS, normalise
from libs.common.flow.model import Json
from libs.common.flow.world import new_user

MOST_ATTRIBUTES: Final = 100
LARGEST_ATTRIBUTES: Final = 32 * 1024
"""Bytes of all attributes of a user, as JSON."""
SYSTEM: Final = frozenset({"id", "blocked", *new_user(0)})
"""What no attribute is called, since Gatehouse itself says it of each user."""

_TAKEN: Final[Mapping[str, str]] = {f"users_{kind}_unique": kind for kind in KINDS}


class Identifiers(msgspec.Struct, frozen=True, kw_only=True):
    """What an account is called by, as somebody wrote it; what is unset stays."""

    email: str | UnsetType | None = UNSET
    username: str | UnsetType | None = UNSET
    phone: str | UnsetType | None = UNSET


def called(given: Identifiers, known: Mapping[str, str | None]) -> dict[str, str | None]:
    """Return what an account is called by, in normal form; raise `Invalid` for what is none."""
    identifiers: dict[str, str | None] = {}
    for kind in KINDS:
        written = getattr(given, kind)
        if written is UNSET or written is None:
            identifiers[kind] = known.get(kind) if written is UNSET else None
            continue
        identifiers[kind] = normalise(kind, written)
        if identifiers[kind] is None:
            raise refused("an identifier is none", f"this can be nobody's {kind}", kind)
    return identifiers


def named(identifiers: Mapping[str, str | None]) -> Mapping[str, str | None]:
    """Return `identifiers`, of which there has to be one; raise `Invalid` where there is none."""
    if not any(identifiers.values()):
        message = "a user needs an email, a username or a phone, or nobody could sign in as them"
        raise refused("a user needs an identifier", message, KINDS[0])
    return identifiers


def read_attributes(
    given: Mapping[str, Json], known: Mapping[str, Json], **identifiers: str
) -> str:
    """Return attributes as they are stored: `known` with `given` over it, without nulls.

    `identifiers` are stored beside them.
    """
    for name in given:
        if name in SYSTEM:
            message = "Gatehouse says this of each user; call the attribute otherwise"
            raise refused("an attribute has no name of its own", message, f"attributes.{name}")
    merged = {
        name: value
        for name, value in {**known, **given, **identifiers}.items()
        if value is not None
    }
    written = msgspec.json.encode(merged)
    if len(merged) > MOST_ATTRIBUTES or len(written) > LARGEST_ATTRIBUTES:
        message = f"Expected at most {MOST_ATTRIBUTES} of {LARGEST_ATTRIBUTES} bytes in all"
        raise refused("there are too many attributes", message, "attributes")
    return written.decode()


@asynccontextmanager
async def storing() -> AsyncIterator[None]:
    """Say what is wrong with what PostgreSQL does not take."""
    try:
        yield
    except asyncpg.UniqueViolationError as error:
        kind = _TAKEN.get(error.constraint_name or "")
        if kind is None:
            raise
        raise Conflict(f"another user of this tenant has that {kind}") from error
    except asyncpg.DeadlockDetectedError as error:
        # Each of several waits for what another is called until now, as where two swap names.
        raise Conflict("another user of this tenant is just being called so", 1.0) from error


def refused(message: str, problem: str, path: str) -> Invalid:
    return Invalid(message, (Problem("invalid", problem, path=path),))
