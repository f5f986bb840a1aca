"""Waiting for what comes by itself, some time after what set it off.

No test takes the time of it: the limit is there to end one in which it never comes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

PATIENCE_SECONDS = 90.0
"""Longer than anything is put off: JetStream gives a dead executor's work away after 30."""
_PAUSE_SECONDS = 0.02

T = TypeVar("T")


async def until(reached: Callable[[], Awaitable[T | None]]) -> T:
    """Ask `reached` until it answers something true, and return that. Raises `TimeoutError`."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            if found := await reached():
                return found
            await asyncio.sleep(_PAUSE_SECONDS)


async def until_so(is_so: Callable[[], T | None]) -> T:
    """Do the same with what can be seen without asking anybody."""

    async def reached() -> T | None:
        return is_so()

    return await until(reached)
