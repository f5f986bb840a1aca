"""An SMS gateway over HTTP, and what it was sent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from tests.listening import listening

PHONE = "+12025550100"


class SmsGateway:
    """What a gateway was sent, and how it behaves."""

    def __init__(self) -> None:
        self.url = ""
        self.status = 200
        self.open = asyncio.Event()
        """While this is not set, it takes its time."""
        self.open.set()
        self.requests: asyncio.Queue[tuple[dict[str, str], bytes]] = asyncio.Queue()

    async def take(self, request: web.Request) -> web.Response:
        await self.open.wait()
        self.requests.put_nowait((dict(request.headers), await request.read()))
        return web.json_response({"about": PHONE}, status=self.status)


@asynccontextmanager
async def sms_gateway() -> AsyncIterator[SmsGateway]:
    """Serve one on a free port."""
    made = SmsGateway()
    app = web.Application()
    app.router.add_post("/send", made.take)
    async with listening(app) as port:
        made.url = f"http://127.0.0.1:{port}/send"
        try:
            yield made
        finally:
            made.open.set()
