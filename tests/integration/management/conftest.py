"""Management as its `__main__` wires it, in this process, on real servers."""

import base64
import io
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, get_args

import aiohttp
import asyncpg
import msgspec
import pytest
from aiohttp.test_utils import TestServer
from nats.aio.msg import Msg

from libs.common.chassis.logging import Log
from libs.common.chassis.metrics import Metrics
from libs.common.chassis.serve import Ground
from libs.common.flow.model import Json
from libs.common.secret import Secret
from libs.common.wire.events import COMPILE, PUBLISH, Answer, Done, encode
from services.management.__main__ import build
from services.management.auth import Scope, Tokens
from services.management.config import Settings
from tests.answering import answering
from tests.patience import PATIENCE_SECONDS, until

KEY = Secret("a signing key of this test, long enough")
KEYS = Secret(f"k1:{base64.b64encode(bytes(range(32))).decode()}")
"""Seal the secrets of providers and actions."""
TOKENS = Tokens(KEY, issuer="gatehouse", audience="gatehouse-management")
EVERYTHING: tuple[Scope, ...] = get_args(Scope)


def token(*scopes: Scope, tenant: str | None = None, minutes: float = 120) -> str:
    return TOKENS.mint(
        "tester", scopes or EVERYTHING, tenant=tenant, lifetime=timedelta(minutes=minutes)
    )


@dataclass(frozen=True)
class Reply:
    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def body(self) -> Json:
        return msgspec.json.decode(self.text)


@dataclass(frozen=True)
class Api:
    """Management's HTTP interface, called as an operator would."""

    session: aiohttp.ClientSession
    metrics: Metrics

    async def call(
        self,
        method: str,
        path: str,
        json: Json = None,
        *,
        data: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        bearer: str | None = None,
    ) -> Reply:
        """`bearer` is a token that may do everything unless given; an empty one sends none."""
        bearer = token() if bearer is None else bearer
        sent = {"Authorization": f"Bearer {bearer}"} if bearer else {}
        if json is not None:
            data = msgspec.json.encode(json)
            sent["Content-Type"] = "application/json"
        async with self.session.request(
            method, path, data=data, headers={**sent, **(headers or {})}
        ) as answer:
            return Reply(answer.status, answer.headers, await answer.text())

    async def done(self, method: str, path: str, json: Json = None) -> Json:
        """Call what has to be done, and return what is answered."""
        reply = await self.call(method, path, json)
        assert reply.status < 300, reply.text
        return reply.body if reply.text else None

    async def has_nats(self) -> bool:
        """Whether it is connected to NATS, which it is a moment after it serves."""
        return bool((await self.call("GET", "/readyz")).body["checks"]["nats"] == "ok")

    async def create(self, path: str = "/api/admin/flows", **fields: Json) -> str:
        """Create a flow that can run, but for what `fields` say, and return its id."""
        reply = await self.call("POST", path, {**FLOW, **fields})
        assert reply.status == 201, reply.text
        id: str = reply.body["id"]
        return id


def refused(reply: Reply, status: int, error: str) -> None:
    """Assert the refusal, and that it has the shape of all of them."""
    assert (reply.status, reply.body["error"]) == (status, error), reply.text
    assert set(reply.body) - {"problems"} == {"error", "message"}
    assert reply.headers["Content-Type"] == "application/json"
    assert reply.headers["X-Request-Id"]


GRAPH: Json = {
    "nodes": [
        {"id": "start", "type": "start"},
        {"id": "identifier", "type": "identifier_input"},
        {"id": "password", "type": "password_input"},
        {"id": "success", "type": "success"},
    ],
    "edges": [
        {"source": "start", "target": "identifier"},
        {"source": "identifier", "target": "password"},
        {"source": "password", "target": "success"},
    ],
}
INVALID: Json = {"nodes": [{"id": "password", "type": "password_input"}], "edges": []}
FLOW: Json = {"name": "sign-in", "display_name": "Sign in", "type": "login", "graph": GRAPH}


@dataclass
class CompilerStandIn:
    """Answers on the compiler's subjects; the real one is in the end-to-end tests."""

    answer: Answer = field(default_factory=lambda: Done("0" * 64, 1_800_000_000))
    asked: list[tuple[str, Json]] = field(default_factory=list)

    async def reply(self, message: Msg) -> None:
        self.asked.append((message.subject, msgspec.json.decode(message.data)))
        await message.respond(encode(self.answer))


Start = Callable[..., Awaitable[Api]]


@pytest.fixture
async def compiler(nats_url: str) -> AsyncIterator[CompilerStandIn]:
    stand_in = CompilerStandIn()
    async with answering(nats_url, stand_in.reply, COMPILE, PUBLISH):
        yield stand_in


@pytest.fixture
async def start(
    database: str, nats_url: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Start]:
    """Starts a replica with these settings beside the usual ones, and waits for NATS.

    What it would go on without, if it came late, it waits for; what is away it knows at once.
    """
    monkeypatch.setattr("services.management.__main__.LIMIT_SECONDS", PATIENCE_SECONDS)
    monkeypatch.setattr("services.management.executors.COUNTS_WITHIN", PATIENCE_SECONDS)
    monkeypatch.setattr("services.management.store.CHANGING_SECONDS", PATIENCE_SECONDS)
    async with AsyncExitStack() as stack:

        async def start_one(*, nats_is_there: bool = True, **settings: object) -> Api:
            known: dict[str, Any] = {
                "postgres_dsn": Secret(database),
                "nats_url": Secret(nats_url),
                "admin_signing_key": KEY,
                "tenants": ("default", "acme"),
                # A machine that is busy with something else is not a PostgreSQL that is away.
                "postgres_seconds": PATIENCE_SECONDS,
                "compile_seconds": PATIENCE_SECONDS,
                "publish_seconds": PATIENCE_SECONDS,
            }
            chosen = Settings(**{**known, **settings})
            ground = Ground(
                Log("management", out=io.BytesIO()),
                Metrics("management", "test"),
                await stack.enter_async_context(AsyncExitStack()),
            )
            server = TestServer(await build(chosen, ground))
            await server.start_server()
            ground.closers.push_async_callback(server.close)
            session = aiohttp.ClientSession(server.make_url("/"))
            ground.closers.push_async_callback(session.close)
            api = Api(session, ground.metrics)
            if nats_is_there:
                await until(api.has_nats)
            return api

        yield start_one


@pytest.fixture
async def api(start: Start) -> Api:
    return await start()


@pytest.fixture
async def rows(database: str) -> AsyncIterator[asyncpg.Connection]:
    """A look at what is stored."""
    connection = await asyncpg.connect(database)
    yield connection
    await connection.close()
