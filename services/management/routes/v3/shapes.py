"""What the endpoints of seed 003 have in common: pages, and what they are asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
from aiohttp import web
from msgspec import Meta

from libs.common.errors import NotFound
from libs.common.flow.model import AnySlug
from services.management.flows import NO_FLOW
from services.management.routes.face import Text
from services.management.routes.operation import OF_TENANT

MOST: Final = 100
"""Results on a page; whoever asks for more gets these."""
PathSlug: Final[Mapping[str, Any]] = {"slug": Annotated[str, Meta(description="of a flow")]}
"""The part of a path that names a flow."""


class Paging(msgspec.Struct, frozen=True, kw_only=True):
    """The part of a query that all lists have."""

    ordering: Annotated[Text, Meta(description="a field; with - before it, downwards")] = ""
    page: Annotated[int, Meta(ge=-(2**31), le=2**31 - 1, description="which page, from 1")] = 1
    page_size: Annotated[
        int, Meta(ge=1, le=2**31 - 1, description=f"results on a page, at most {MOST}")
    ] = 20
    search: Annotated[Text, Meta(description="what stands in them somewhere")] = ""

    @property
    def size(self) -> int:
        """Return how many results are on a page."""
        return min(self.page_size, MOST)


class Pagination(msgspec.Struct, frozen=True):
    """Where a page is among all; 0 is none."""

    next: int
    previous: int
    count: int
    current: int
    total_pages: int
    start_index: int
    end_index: int


def pagination(paging: Paging, count: int) -> Pagination:
    """Return where a page that there is lies among all of `count` results."""
    number, size = paging.page, paging.size
    pages = max(1, -(-count // size))
    return Pagination(
        next=number + 1 if number < pages else 0,
        previous=number - 1,
        count=count,
        current=number,
        total_pages=pages,
        start_index=(number - 1) * size + 1 if count else 0,
        end_index=min(number * size, count),
    )


class Autocomplete(msgspec.Struct, frozen=True):
    """What newer clients expect beside results, and is empty."""


def slug_of(request: web.Request) -> str:
    """Return the slug that the path names, or raise `NotFound` for what none can be."""
    try:
        slug: str = msgspec.convert(request.match_info["slug"], AnySlug)
    except msgspec.ValidationError as error:
        raise NotFound(NO_FLOW) from error
    return slug


def key_of(request: web.Request, what: str) -> UUID:
    """Return the key that the path names, or raise `NotFound` saying `what`."""
    try:
        return UUID(request.match_info["uuid"])
    except ValueError as error:
        raise NotFound(what) from error


def root_of(request: web.Request) -> str:
    """Return what paths begin with in answers: that of the tenant, if the request has one."""
    tenant = request.match_info.get("tenant")
    return "" if tenant is None else OF_TENANT.format(tenant=tenant)
