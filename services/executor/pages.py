"""The pages that people may be sent to: of the same site, or of an origin that somebody named.

The operator names them for all, and each tenant for itself.

A redirect to anywhere would lend the site's good name to a trap.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from functools import lru_cache
from typing import Final

from libs.common.nodes.ends import PATH, REST
from libs.common.wire.tenants import TenantSettings

LONGEST: Final = 2_000
"""Characters of an address."""
_SITES: Final = ("https://", "http://")

SettingsOf = Callable[[str], Awaitable[TenantSettings]]
"""Tells what a tenant says of itself; raises `Unavailable`."""


class Pages:
    """What may be led to."""

    def __init__(self, origins: Sequence[str], settings_of: SettingsOf) -> None:
        """Let people be sent to paths, to pages of `origins`, and to those of the tenant's own."""
        self._everyones = _pattern(PATH, *map(_pages, origins))
        self._settings_of = settings_of

    async def allow(self, tenant: str, url: str) -> bool:
        """Whether people may be sent to `url` by a flow of `tenant`; raises `Unavailable`."""
        if len(url) > LONGEST:
            return False
        if self._everyones.fullmatch(url):
            return True
        if not url.startswith(_SITES):
            return False
        origins = (await self._settings_of(tenant)).origins
        return _pattern(*map(_pages, origins)).fullmatch(url) is not None


def _pages(origin: str) -> str:
    return rf"{re.escape(origin)}([/?#]{REST})?"


@lru_cache(256)
def _pattern(*places: str) -> re.Pattern[str]:
    # Of no places it matches nothing.
    return re.compile("|".join(places) or r"(?!)")
