"""What tenants say of themselves, known by heart: looked up once in a while, by one for all.

While PostgreSQL is away, what was known last holds, and nobody waits for it longer than a moment.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final, NamedTuple

import aiosql
import asyncpg
import msgspec
import structlog
from structlog.typing import FilteringBoundLogger

from libs.common.chassis.postgres import asking_postgres
from libs.common.chassis.tasks import end
from libs.common.errors import Unavailable
from libs.common.wire.tenants import TenantSettings, decode_settings

_QUERIES: Final[Any] = aiosql.from_path(Path(__file__).with_suffix(".sql"), "asyncpg")

NOTHING: Final = TenantSettings()
"""What a tenant says that is none."""
AGAIN_SECONDS: Final = 1.0
"""After a look that failed, for so long nobody looks again, whoever it is about."""
_MOMENT_SECONDS: Final = 0.1
"""How long somebody waits for what is newer than what is known."""
_LOOK_SECONDS: Final = 1.0
_LOOKS: Final = 2
"""At a time: anybody can name tenants, and connections are few."""
_KEPT: Final = 10_000
"""Tenants. Those that nobody asked about for longest are forgotten first."""

log: FilteringBoundLogger = structlog.get_logger()

Find = Callable[[str], Awaitable[TenantSettings | None]]
"""Finds what a tenant says of itself; None for a tenant that is none. Raises `Unavailable`."""


class _Known(NamedTuple):
    settings: TenantSettings
    until: float


class Tenants:
    """What the tenants say that were asked about of late."""

    def __init__(self, find: Find, clock: Callable[[], float], *, seconds: float) -> None:
        """Rely for `seconds` on what `find` found; `clock` counts them."""
        self._find = find
        self._clock = clock
        self._seconds = seconds
        self._known: OrderedDict[str, _Known] = OrderedDict()
        """Only of tenants that there are, so that names which somebody makes up do not fill it."""
        self._looks: dict[str, asyncio.Task[TenantSettings | None]] = {}
        self._at_once = asyncio.Semaphore(_LOOKS)
        self._away_until = 0.0

    async def settings(self, tenant: str) -> TenantSettings:
        """Return what `tenant` says of itself; what was known last, while PostgreSQL is away.

        Raises `Unavailable` where nothing is known.
        """
        known = self._known.get(tenant)
        now = self._clock()
        if known is not None:
            self._known.move_to_end(tenant)
            if now < known.until or now < self._away_until:
                return known.settings
        elif now < self._away_until:
            raise Unavailable("postgres")
        look = self._looks.get(tenant)
        if look is None:
            look = self._looks[tenant] = asyncio.create_task(self._look(tenant))
            look.add_done_callback(lambda _: self._looks.pop(tenant))
        # Whoever goes away meanwhile takes the look from nobody else.
        await asyncio.wait({look}, timeout=_LOOK_SECONDS if known is None else _MOMENT_SECONDS)
        found = look.result() if look.done() else None
        if found is not None:
            return found
        if known is not None:
            return known.settings
        raise Unavailable("postgres")

    async def stop(self) -> None:
        """End what still looks. Stop before PostgreSQL closes."""
        for look in tuple(self._looks.values()):
            await end(look)

    async def _look(self, tenant: str) -> TenantSettings | None:
        """Find, and keep, what a tenant says; None while nobody can be asked."""
        try:
            async with self._at_once:
                found = await self._find(tenant)
        except Unavailable:
            self._away_until = self._clock() + AGAIN_SECONDS
            return None
        if found is None:
            return NOTHING
        self._known[tenant] = _Known(found, self._clock() + self._seconds)
        if len(self._known) > _KEPT:
            self._known.popitem(last=False)
        return found


def stored_in(pool: asyncpg.Pool) -> Find:
    """Find what management stored in PostgreSQL; a tenant goes by its display name at least."""

    async def find(tenant: str) -> TenantSettings | None:
        async with asking_postgres(_LOOK_SECONDS):
            row = await _QUERIES.find_tenant(pool, tenant=tenant)
        if row is None:
            return None
        try:
            settings = decode_settings(row["settings"])
        except msgspec.MsgspecError as error:
            log.error("tenant_settings_unreadable", reason=str(error))  # noqa: TRY400 -- a trace would tell no more than the reason
            return NOTHING
        if settings.branding.name is not None:
            return settings
        branding = msgspec.structs.replace(settings.branding, name=row["display_name"])
        return msgspec.structs.replace(settings, branding=branding)

    return find
