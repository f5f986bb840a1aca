"""Whether a service is alive, and whether it should get work.

Alive means that the loop answers; a dependency that is down is no reason to restart. Ready means
that every dependency answers that the service cannot do without, and that it is not stopping.
Answers name dependencies and never say why they fail: that is in the log.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Literal

import msgspec
import structlog
from structlog.typing import FilteringBoundLogger

Check = Callable[[], Awaitable[object]]
"""Returns if the dependency answers, and raises if it does not."""

log: FilteringBoundLogger = structlog.get_logger()


class Readiness(msgspec.Struct, frozen=True):
    """The body of `/readyz`."""

    status: Literal["ready", "not_ready", "stopping"]
    checks: Mapping[str, Literal["ok", "failed"]]


class Health:
    """The checks of a service, by the name of the dependency."""

    def __init__(
        self,
        checks: Mapping[str, Check],
        *,
        spared: Mapping[str, Check] | None = None,
        timeout: float = 2.0,
    ) -> None:
        """Give each check `timeout` seconds.

        Those in `spared` are shown like the others, but the service is ready without them.
        """
        self._needed = frozenset(checks)
        self._checks = {**checks, **(spared or {})}
        self._timeout = timeout
        self._failing: frozenset[str] = frozenset()
        self.stopping = False
        """True from the first SIGTERM on: no new work, please."""

    async def readiness(self) -> Readiness:
        """Run every check at once."""
        if self.stopping:
            return Readiness("stopping", {})
        names = list(self._checks)
        right = await asyncio.gather(*(self._passes(name) for name in names))
        failing = frozenset(name for name, ok in zip(names, right, strict=True) if not ok)
        if failing != self._failing:
            log.warning("readiness_changed", failing=sorted(failing))
            self._failing = failing
        return Readiness(
            "not_ready" if failing & self._needed else "ready",
            {name: "failed" if name in failing else "ok" for name in names},
        )

    async def _passes(self, name: str) -> bool:
        try:
            async with asyncio.timeout(self._timeout):
                await self._checks[name]()
        except Exception as error:
            # Each driver has errors of its own, and any of them means "not ready".
            if name not in self._failing:
                log.warning("dependency_failed", dependency=name, exc_info=error)
            return False
        return True
