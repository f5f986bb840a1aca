"""Ending what runs in a task, though its cancellation may get lost.

Before Python 3.12 `asyncio.wait_for` drops a cancellation that comes as its own work ends, and
drivers, which are full of it, drop more. Whoever cancels once and waits may then wait for ever.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, Final, TypeVar

_AGAIN_SECONDS: Final = 0.25
"""Time to clean up, after which a task that has not ended is cancelled again."""

T = TypeVar("T")


async def end(task: asyncio.Task[Any]) -> None:
    """Cancel `task` until it has ended, whatever it ends with."""
    while not task.done():
        task.cancel()
        await asyncio.wait({task}, timeout=_AGAIN_SECONDS)


async def unless(event: Coroutine[Any, Any, object], work: Coroutine[Any, Any, T]) -> T | None:
    """Return what `work` returns, or None if `event` ends first; `work` has ended in any case.

    Raises what `work` raises; work that somebody else cancels returns None.
    """
    waiting, working = asyncio.create_task(event), asyncio.create_task(work)
    try:
        await asyncio.wait({waiting, working}, return_when=asyncio.FIRST_COMPLETED)
        happened = waiting.done()
    finally:
        await end(waiting)
        await end(working)
    if working.cancelled():
        return None
    result = working.result()
    return None if happened else result
