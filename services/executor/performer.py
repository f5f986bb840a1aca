"""Does what effects ask for: who performs which, in one look.

An effect may be told again, so whoever performs it does it once for each id.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias

from libs.common.flow.questions import SignedIn
from libs.common.flow.turn import Effect
from services.executor.directory import Directory
from services.executor.metrics import ExecutorMetrics
from services.executor.told import Told

PERFORMED = "performed"

Perform: TypeAlias = Callable[[Told, Any], Awaitable[str]]
"""(what was told, its effect) → what became of it, as metrics call it.

Raises `Unavailable` to be told again, and `Hopeless` where that would be of no use.
"""


class Performer:
    """Performs effects of every type."""

    def __init__(self, table: Mapping[type[Effect], Perform], metrics: ExecutorMetrics) -> None:
        """Have effects performed by `table`."""
        self._table = table
        self._metrics = metrics

    async def perform(self, told: Told) -> None:
        """Do what was told."""
        kind = type(told.effect)
        result = await self._table[kind](told, told.effect)
        self._metrics.effects.add(kind.__name__, result)


def counting(directory: Directory) -> Perform:
    """Return what counts logins in `directory`."""

    async def count(told: Told, effect: SignedIn) -> str:
        await directory.count_login(told.tenant, effect.account, effect.at, told.id)
        return PERFORMED

    return count
