"""Two executors on one set of servers, whoever they call, and a clock that a test can put on.

All rows are played on one stage, one after the other. So each has people, registered things and
addresses of its own, and leaves the clock as it was.
"""

from __future__ import annotations

import asyncio
import ssl
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import asyncpg
import msgspec
import pytest
from aiohttp import web

from libs.common.chassis.outgoing import Outgoing
from libs.common.chassis.redis_line.open import open_line
from libs.common.chassis.redis_line.port import Limits
from libs.common.chassis.seal import Keys
from libs.common.flow.model import FlowType
from libs.common.flow.turn import Session
from libs.common.secret import Secret
from libs.common.wire.plans import FORMAT, Pointer, encode_pointer, pointer_key
from libs.common.wire.providers import PURPOSE, Captcha, Oidc
from services.executor import __main__ as starting
from services.executor.sessions import Kept
from tests.clients.tls import serving
from tests.integration.executor.conftest import Executor, House, settings_for
from tests.listening import listening
from tests.mailbox import Mailbox, mailbox
from tests.providers.openid import CLIENT_ID, CLIENT_SECRET, Provider, provider

CALLBACK = "https://app.example.com/callback"
CAPTCHA_SECRET, SOLVED = "the captcha's secret", "a solved captcha"
GOOGLE = "google"
OTHER = "acme"
"""Another tenant, without flows."""
_LOOPBACK = ("127.0.0.1/32", "::1/128")


class Clock:
    """The executors' clock, in place of the module `time`."""

    def __init__(self) -> None:
        self.ahead = 0
        """Seconds."""

    def time(self) -> float:
        return time.time() + self.ahead

    def monotonic(self) -> float:
        return time.monotonic()


@dataclass
class Outside:
    """Services that are called: an action's, a captcha's, and a gateway for SMS."""

    url: str = ""
    answers: list[web.Response] = field(default_factory=list)
    """What the next calls of actions are answered; an empty object once they have run out."""
    calls: list[str] = field(default_factory=list)
    """The path of each call."""
    texts: asyncio.Queue[str] = field(default_factory=asyncio.Queue)
    open: asyncio.Event = field(default_factory=asyncio.Event)
    """While this is not set, it takes its time."""
    captchas: str | None = SOLVED
    """What the captcha's service takes; it is out of order while this is None."""

    async def hook(self, request: web.Request) -> web.Response:
        self.calls.append(request.path)
        await self.open.wait()
        return self.answers.pop(0) if self.answers else web.json_response({})

    async def siteverify(self, request: web.Request) -> web.Response:
        self.calls.append(request.path)
        if self.captchas is None:
            return web.Response(status=500)
        form = await request.post()
        right = (form["secret"], form["response"]) == (CAPTCHA_SECRET, self.captchas)
        return web.json_response({"success": right})

    async def send(self, request: web.Request) -> web.Response:
        self.texts.put_nowait((await request.json())["text"])
        return web.Response()


@asynccontextmanager
async def outside() -> AsyncIterator[Outside]:
    """Serve what is called."""
    made = Outside()
    made.open.set()
    app = web.Application()
    app.router.add_post("/hook/{id}", made.hook)
    app.router.add_post("/siteverify", made.siteverify)
    app.router.add_post("/send", made.send)
    async with listening(app) as port:
        made.url = f"http://127.0.0.1:{port}"
        yield made
        made.open.set()


@dataclass
class Stage:
    """What rows are played on."""

    house: House
    here: Executor
    there: Executor
    clock: Clock
    box: Mailbox
    outside: Outside
    folder: Path
    """Of the provider's certificate."""
    closers: AsyncExitStack
    _google: Provider | None = None

    async def google(self) -> Provider:
        """Return a provider of identities, which is started for the first who asks."""
        if self._google is None:
            self._google = await self.closers.enter_async_context(provider(self.folder, CALLBACK))
            config = Oidc(self._google.issuer, CLIENT_ID, ("openid", "email", "profile"))
            await self.register_provider(GOOGLE, "oidc", config, CLIENT_SECRET)
        return self._google

    async def register_provider(
        self, id: str, kind: str, config: Oidc | Captcha, secret: str
    ) -> None:
        """Register a provider, as management does."""
        await self.house.pool.execute(
            "INSERT INTO providers (tenant, id, display_name, kind, config, sealed) "
            "VALUES ('default', $1, 'Some', $2, $3, $4)",
            id,
            kind,
            msgspec.json.encode(config).decode(),
            self.keys.box("default", id).seal(PURPOSE, secret.encode()),
        )

    @property
    def keys(self) -> Keys:
        """The keys that credentials are sealed with."""
        return Keys.parse(self.house.settings.credential_keys)

    async def expire(self, flow: str) -> None:
        """Have a session's time be over, as Redis' clock would."""
        await self.house.line.execute(b"HSET", _key(flow), b"x", b"1")

    async def session(self, flow: str) -> Session:
        """Read what is stored of a session."""
        sealed = await self.house.line.execute(b"HGET", _key(flow), b"b")
        assert isinstance(sealed, bytes)
        keys = Keys.parse(self.house.settings.session_keys)
        opened = keys.box("default", flow).open(b"session", sealed)
        return msgspec.msgpack.decode(opened[1:], type=Kept).session

    async def is_expired(self, flow: str) -> bool:
        """Whether a session is known to be over."""
        return await self.house.line.execute(b"HGET", _key(flow), b"x") == b"1"

    async def caused(self) -> dict[str, int]:
        """Count what turns have caused so far, but for the messages that are still on their way."""
        tables = ("users", "passkeys", "consents", "recovery_codes", "totp_credentials")
        counts = {"calls": len(self.outside.calls)}
        for name in tables:
            counts[name] = await self.house.pool.fetchval(f"SELECT count(*) FROM {name}")  # noqa: S608 - a name from above
        return counts


def _key(flow: str) -> str:
    return f"gh:session:{{default:{flow}}}"


@asynccontextmanager
async def stage(database: str, redis_url: str, nats_url: str, folder: Path) -> AsyncIterator[Stage]:
    """Set everything up, once for all rows."""
    serving(folder)
    tls = ssl.create_default_context(cafile=str(folder / "certificate.pem"))
    clock = Clock()
    async with AsyncExitStack() as closers:
        patch = closers.enter_context(pytest.MonkeyPatch.context())
        # What differs from the internet is who vouches for a certificate, and from a day, its hour.
        patch.setattr(starting, "Outgoing", partial(Outgoing, tls=tls))
        patch.setattr(starting, "time", clock)
        box = await closers.enter_async_context(mailbox())
        called = await closers.enter_async_context(outside())
        line = open_line(redis_url, Limits(deadline=20))
        closers.push_async_callback(line.aclose)
        pool = await closers.enter_async_context(asyncpg.create_pool(database, min_size=1))
        await pool.execute("INSERT INTO tenants (name) VALUES ('default')")
        house = House(settings_for(redis_url, database, nats_url), line, pool, closers)
        settings = {
            "smtp_url": box.url,
            "sms_url": f"{called.url}/send",
            "sms_secret": Secret("the gateway's secret"),
            "outgoing_allowed": _LOOPBACK,
            # Longer than the clock is ever put on.
            "login_minutes": 60,
        }
        # What a compiler writes for a tenant without flows.
        await line.execute(
            b"SET",
            pointer_key(OTHER, FlowType.REGISTRATION),
            encode_pointer(Pointer(FORMAT, 1, ())),
        )
        here, there = await house.executor(**settings), await house.executor(**settings)
        yield Stage(house, here, there, clock, box, called, folder, closers)


def fresh_email() -> str:
    """Make an address that nobody has."""
    return f"{uuid.uuid4().hex}@example.com"
