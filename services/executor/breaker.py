"""Spares who does not answer, and those who would wait for it: a circuit breaker.

Each process finds out for itself: that costs a few calls more than a shared one would, and no round
trip. A tenant's failures are held against that tenant's calls alone.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Final

FAILURES: Final = 5
"""In a row, after which it is not called."""
OPEN_SECONDS: Final = 10.0
"""After which one call finds out whether it answers again."""
_REMEMBERED: Final = 1_000
"""Those who failed last."""


class _Failing:
    __slots__ = ("in_a_row", "until")

    def __init__(self) -> None:
        self.in_a_row = 0
        self.until = 0.0


class Breaker:
    """Who does not answer just now."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """`clock` counts seconds, and never back."""
        self._clock = clock
        self._failing: OrderedDict[tuple[str, str], _Failing] = OrderedDict()

    def may_call(self, tenant: str, host: str) -> bool:
        """Tell whether it is worth calling; who is told so has to tell how it went."""
        failing = self._failing.get((tenant, host))
        if failing is None or failing.in_a_row < FAILURES:
            return True
        now = self._clock()
        if now < failing.until:
            return False
        # This one finds out, for all who come meanwhile.
        failing.until = now + OPEN_SECONDS
        return True

    def answered(self, tenant: str, host: str) -> None:
        """Note that it answers."""
        self._failing.pop((tenant, host), None)

    def failed(self, tenant: str, host: str) -> None:
        """Note that it does not."""
        failing = self._failing.setdefault((tenant, host), _Failing())
        self._failing.move_to_end((tenant, host))
        if len(self._failing) > _REMEMBERED:
            self._failing.popitem(last=False)
        failing.in_a_row += 1
        failing.until = self._clock() + OPEN_SECONDS
