"""What each tenant pays for, known by heart: looked up once in a while, and never waited for twice.

Only a limit hangs on it, so an answer that is a little old, or none while PostgreSQL is away, does
no harm.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, Literal

from libs.common.errors import Unavailable

Tier = Literal["default", "enterprise"]
"""What a tenant pays for (seed 000)."""

KEPT_SECONDS: Final = 30.0


class Tiers:
    """The tiers of the tenants that called of late."""

    def __init__(
        self, find: Callable[[str], Awaitable[Tier | None]], clock: Callable[[], float]
    ) -> None:
        """`find` finds None for a tenant that is none; `clock` counts seconds."""
        self._find = find
        self._clock = clock
        self._known: dict[str, tuple[Tier, float]] = {}
        """By tenant, with the time until which it need not be asked for. Only of tenants that there
        are, so that names which somebody makes up do not fill it."""

    async def of(self, tenant: str) -> Tier:
        """Return the tier of a tenant; that of most where nobody knows."""
        tier, until = self._known.get(tenant, ("default", 0.0))
        if self._clock() < until:
            return tier
        try:
            found = await self._find(tenant)
        except Unavailable:
            found = tier if tenant in self._known else None
        if found is None:
            return "default"
        self._known[tenant] = (found, self._clock() + KEPT_SECONDS)
        return found
