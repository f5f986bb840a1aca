"""What the endpoints of the admin API have in common: what they name, and how they show it."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Final, TypeVar

import msgspec
from aiohttp import hdrs, web
from msgspec import Meta

from libs.common.chassis.app import json_answer
from libs.common.chassis.logging import remember
from libs.common.errors import Invalid, NotFound, Problem
from services.management.flows import NO_FLOW
from services.management.records import Place
from services.management.versions import NO_VERSION

Text = Annotated[str, Meta(pattern=r"^[^\x00]*$")]
"""PostgreSQL's text has no NUL."""
Note = Annotated[Text, Meta(max_length=500)]
OverrideReason = Annotated[Text, Meta(min_length=1, max_length=500)]
"""Why a version may run that fails a golden test."""
Limit = Annotated[int, Meta(ge=1, le=100)]

T = TypeVar("T", bound=msgspec.Struct)

# What was ever given, and no more: the path may hold bytes that PostgreSQL would refuse.
ID: Final = re.compile(r"flow_[A-Za-z0-9_]{1,64}")
_NUMBER = re.compile(r"[1-9][0-9]{0,8}")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

FLOW: Final[Mapping[str, Any]] = {
    "id": Annotated[str, Meta(pattern=f"^{ID.pattern}$", description="of a flow")]
}
"""The part of a path that names a flow."""
VERSION: Final[Mapping[str, Any]] = {
    **FLOW,
    "version": Annotated[int, Meta(ge=1, le=10**9 - 1, description="its number")],
}
"""The parts of a path that name one of its versions."""

GraphText = Annotated[msgspec.Raw, Meta(extra_json_schema={"$ref": "#/components/schemas/Graph"})]
"""A graph as its author wrote it, which is a `Graph`."""


def flow_id(request: web.Request) -> str:
    """Return the flow that the path names, or raise `NotFound` for what no flow is called."""
    id = request.match_info["id"]
    if not ID.fullmatch(id):
        raise NotFound(NO_FLOW)
    remember("flow", id)
    return id


def version_number(request: web.Request) -> int:
    """Return the version that the path names, or raise `NotFound` for what none can be."""
    number = request.match_info["version"]
    if not _NUMBER.fullmatch(number):
        raise NotFound(NO_VERSION)
    return int(number)


def seconds(at: datetime) -> int:
    """Return a time as seed 001 shows it: in whole Unix seconds."""
    return int(at.timestamp())


def tagged(value: object, tag: str, *, status: int = 200) -> web.Response:
    """Answer with `value`, which is in the state that `tag` names."""
    return json_answer(value, status=status, headers={hdrs.ETAG: tag})


class Listing(msgspec.Struct, frozen=True):
    """The query of a list that goes on after a cursor."""

    limit: Limit = 20
    cursor: str | None = None


class Before(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """A place in a list that counts down."""

    number: Annotated[int, Meta(ge=1, le=2**63 - 1)]


def cursor_of(place: msgspec.Struct) -> str:
    """Write a place in a list as text that means nothing to a caller."""
    return base64.urlsafe_b64encode(msgspec.msgpack.encode(place)).decode().rstrip("=")


def place_of(cursor: str, kind: type[T]) -> T:
    """Read what `cursor_of` wrote, or raise `Invalid`."""
    try:
        data = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        return msgspec.msgpack.decode(data, type=kind)
    except (ValueError, OverflowError, TypeError, RecursionError, msgspec.DecodeError) as error:
        # Which of its bytes is wrong helps nobody.
        raise _no_cursor() from error


def after_of(cursor: str | None, id: re.Pattern[str]) -> Place | None:
    """Read the place after which a list by age goes on; None at its beginning.

    `id` fits what the things of that list are called.
    """
    if cursor is None:
        return None
    place = place_of(cursor, Place)
    try:
        # Anywhere on earth, and so for PostgreSQL, this is a date.
        place.created_at.astimezone(UTC)
    except OverflowError as error:
        raise _no_cursor() from error
    if not id.fullmatch(place.id) or place.created_at <= _EPOCH:
        raise _no_cursor()
    return place


def _no_cursor() -> Invalid:
    problem = Problem("invalid", "pass a cursor on as it was given", path="cursor")
    return Invalid("the cursor is none of ours", (problem,))


def before_of(cursor: str | None) -> int | None:
    """Read the place where a list that counts down goes on; None at its beginning."""
    return None if cursor is None else place_of(cursor, Before).number


def cursor_before(number: int | None) -> str | None:
    """Write that place."""
    return None if number is None else cursor_of(Before(number))
