"""When to try again what has just failed: later each time, and not all processes at once."""

from __future__ import annotations

import random

FIRST = 0.05
LONGEST = 2.0


class Backoff:
    """Counts failures in a row; every time in it is in seconds of the loop's clock."""

    def __init__(self) -> None:
        """Start with nothing to wait for."""
        self._failures = 0
        self._not_before = 0.0

    def left(self, now: float) -> float:
        """Say how long to wait from `now`; zero or less means go."""
        return self._not_before - now

    def failed(self, now: float) -> None:
        """Wait twice as long as the time before, within bounds."""
        wait = min(LONGEST, FIRST * 2 ** min(self._failures, 16))
        self._failures += 1
        # Not a secret: it only spreads out processes that lost the same server together.
        self._not_before = now + wait * random.uniform(0.5, 1.0)  # noqa: S311

    def succeeded(self) -> None:
        """Start over."""
        self._failures = 0
        self._not_before = 0.0
