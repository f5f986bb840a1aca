"""Somebody who answers on NATS, in the place of a service."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import nats
from nats.aio.msg import Msg


@asynccontextmanager
async def answering(
    url: str, reply: Callable[[Msg], Awaitable[None]], *subjects: str
) -> AsyncIterator[None]:
    """Have `reply` called for each message on `subjects`, once the server at `url` knows that."""
    client = await nats.connect(url)
    try:
        for subject in subjects:
            await client.subscribe(subject, cb=reply)
        # The ping of a flush overtakes what has yet to be written; that of a second one cannot.
        for _ in range(2):
            await client.flush()
        yield
    finally:
        await client.close()
