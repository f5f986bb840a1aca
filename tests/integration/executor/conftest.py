"""Executors in this process, on the real servers, and a compiler's place taken by the test."""

from __future__ import annotations

import base64
import io
import secrets
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from typing import Self

import aiohttp
import asyncpg
import msgspec
import pyotp
import pytest
import pytest_asyncio
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from libs.common.chassis.hasher import make_hasher
from libs.common.chassis.logging import Log
from libs.common.chassis.metrics import Metrics
from libs.common.chassis.redis_line.open import open_line
from libs.common.chassis.redis_line.port import Limits, RedisLine
from libs.common.chassis.seal import Keys
from libs.common.chassis.serve import Ground
from libs.common.errors import Unavailable
from libs.common.flow.compile import compile_flow
from libs.common.flow.model import (
    ALONE,
    Flow,
    FlowType,
    Graph,
    Json,
    Library,
    Trigger,
    TriggerPoint,
)
from libs.common.flow.model import Settings as FlowSettings
from libs.common.flow.plan import encode, name_of
from libs.common.flow.questions import Written
from libs.common.nodes.catalogue import NODE_TYPES
from libs.common.secret import Secret
from libs.common.wire.plans import (
    FORMAT,
    Candidate,
    Pointer,
    Weighted,
    encode_pointer,
    plan_key,
    pointer_key,
)
from services.executor.__main__ import build
from services.executor.config import Settings
from services.executor.directory.postgres import PostgresDirectory
from services.executor.directory.signins import PostgresSignIns
from services.executor.handlers.authenticator import STEP_SECONDS, seal_secret
from services.executor.sessions import Sessions
from tests.integration.chassis.conftest import cluster_url
from tests.mailbox import Mailbox, mailbox
from tests.typed import TYPED

PASSWORD = "correct horse battery staple"
NEAR_STEPS = 20
"""Of codes; ten minutes."""


def sealing_keys(*names: str) -> str:
    return ",".join(
        f"{name}:{base64.b64encode(secrets.token_bytes(32)).decode()}" for name in names
    )


def signing_key() -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def make_totp() -> pyotp.TOTP:
    """Make an authenticator whose codes of these minutes are all different: none is right twice."""
    now = int(time.time()) // STEP_SECONDS
    steps = range(now - NEAR_STEPS, now + NEAR_STEPS)
    while True:
        totp = pyotp.TOTP(pyotp.random_base32())
        if len({totp.generate_otp(step) for step in steps}) == len(steps):
            return totp


class Reply(msgspec.Struct, frozen=True):
    status: int
    body: Json
    headers: dict[str, str]

    @property
    def data(self) -> Json:
        return self.body["data"]


class Executor:
    """One executor, and the client of it."""

    def __init__(
        self,
        url: str,
        http: aiohttp.ClientSession,
        logged: Lines,
        app: web.Application,
        closers: AsyncExitStack,
    ) -> None:
        self._closers = closers
        self.url = url
        self.http = http
        self.logged = logged
        """Return every line so far, of all executors of the house."""
        self.app = app

    async def stop(self) -> None:
        """Stop as a process does that is told to end."""
        await self._closers.aclose()

    async def post(
        self, path: str = "/flow/execute", headers: dict[str, str] | None = None, **body: Json
    ) -> Reply:
        TYPED.request(body)
        async with self.http.post(f"{self.url}{path}", json=body, headers=headers) as answer:
            said = await answer.json()
            TYPED.answer(said)
            return Reply(answer.status, said, dict(answer.headers))

    async def start(self, kind: str = "LOGIN", **more: Json) -> Reply:
        return await self.post(flowType=kind, **more)

    async def answer(self, step: Reply | str, action: str = "", **inputs: Json) -> Reply:
        flow = step if isinstance(step, str) else step.body["flowId"]
        return await self.post(flowId=flow, actionId=action, inputs=inputs)

    async def at_password(self, identifier: str) -> Reply:
        return await self.answer(await self.start(), identifier=identifier)


@contextmanager
def dying() -> Iterator[None]:
    """Have executors do all that a turn asks for, and then not live to store it."""

    async def die(*_: object) -> None:
        raise Unavailable("redis")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Sessions, "store", die)
        yield


class Lines:
    """What is logged in this process while it is open."""

    def __init__(self) -> None:
        self._out = io.BytesIO()

    def __enter__(self) -> Self:
        OUT.open.append(self._out)
        return self

    def __exit__(self, *_: object) -> None:
        LOG.writer.flush()
        OUT.open.remove(self._out)

    def __call__(self) -> bytes:
        """Return every line so far; lines are written some at a time."""
        LOG.writer.flush()
        return self._out.getvalue()


class Out:
    """Writes each line to whoever is listening."""

    def __init__(self) -> None:
        self.open: list[io.BytesIO] = []

    def write(self, data: bytes, /) -> None:
        for each in self.open:
            each.write(data)

    def flush(self) -> None:
        """Nothing waits here."""


OUT = Out()
LOG = Log("executor", "debug", OUT)
"""One for all tests: the logger of a module keeps the first log that it meets, and what it says in
a later test would otherwise be written where nobody looks."""


class House:
    """Everything that an executor needs, and hands to make it so."""

    def __init__(
        self, settings: Settings, line: RedisLine, pool: asyncpg.Pool, stack: AsyncExitStack
    ) -> None:
        self.settings = settings
        self.line = line
        self.pool = pool
        self.directory = PostgresDirectory(pool)
        self.sign_ins = PostgresSignIns(
            pool, hours=settings.sign_in_hours, idle_minutes=settings.sign_in_idle_minutes
        )
        self._stack = stack
        self._logged = stack.enter_context(Lines())
        self._metrics: list[Metrics] = []
        stack.callback(self._expose, TYPED.mark())

    def _expose(self, mark: int) -> None:
        """See that nothing that was typed was logged or counted."""
        TYPED.expose(mark, [("of the executors", self._logged())], "the log")
        counted = [("of an executor", each.render()[0]) for each in self._metrics]
        TYPED.expose(mark, counted, "the metrics")

    async def executor(self, **changed: Json) -> Executor:
        """Start an executor; `changed` are settings of its own."""
        settings = msgspec.structs.replace(self.settings, **changed)
        LOG.install()
        closers = await self._stack.enter_async_context(AsyncExitStack())
        self._metrics.append(Metrics("executor", "test"))
        ground = Ground(LOG, self._metrics[-1], closers)
        app = await build(settings, ground)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        closers.push_async_callback(runner.cleanup)
        site = web.TCPSite(runner, "127.0.0.1", settings.port)
        await site.start()
        host, port = runner.addresses[0][:2]
        http = await self._stack.enter_async_context(aiohttp.ClientSession())
        return Executor(f"http://{host}:{port}", http, self._logged, app, closers)

    async def publish(
        self,
        graph: Graph,
        kind: FlowType = FlowType.LOGIN,
        *,
        tenant: str = "default",
        version: int = 1,
        beside: Library = ALONE,
        at: TriggerPoint | None = None,
    ) -> str:
        """Do what the compiler does, with what is `beside` the flow; return the plan's hash.

        A trigger runs `at` a point.
        """
        settings = FlowSettings(trigger=None if at is None else Trigger(at))
        made = Flow("flow_test", version, kind, graph, settings)
        data = encode(compile_flow(made, NODE_TYPES, beside))
        plan = name_of(data)
        candidate = Candidate("flow_test", "test", (Weighted(plan, version, 1),))
        await self.line.execute(b"SET", plan_key(tenant, plan), data)
        pointer = encode_pointer(Pointer(FORMAT, version, (candidate,)))
        await self.line.execute(b"SET", pointer_key(tenant, kind), pointer)
        return plan

    async def person(
        self, email: str, *, tenant: str = "default", totp: bool = False
    ) -> tuple[str, pyotp.TOTP | None]:
        """Make an account whose password is `PASSWORD`."""
        hasher = make_hasher(self.settings)
        phc = await hasher.hash(Secret(PASSWORD))
        hasher.close()
        key = str(uuid.uuid4())
        made = await self.directory.write(tenant, key, None, {"email": email}, phc)
        assert isinstance(made, Written)
        if not totp:
            return made.account, None
        own = make_totp()
        keys = Keys.parse(self.settings.credential_keys)
        sealed = seal_secret(keys, tenant, made.account, Secret(own.secret))
        await self.directory.enrol_totp(tenant, made.account, sealed)
        return made.account, own


@pytest.fixture(params=["single", "cluster"])
def any_redis_url(request: pytest.FixtureRequest) -> str:
    """A single Redis, and a cluster; both empty."""
    if request.param == "cluster":
        request.getfixturevalue("redis_cluster_url")
        return cluster_url(request.getfixturevalue("redis_cluster"))
    url: str = request.getfixturevalue("redis_url")
    return url


def settings_for(redis_url: str, database: str, nats_url: str) -> Settings:
    return Settings(
        port=0,
        postgres_dsn=Secret(database),
        redis_url=Secret(redis_url),
        nats_url=Secret(nats_url),
        session_keys=Secret(sealing_keys("a")),
        credential_keys=Secret(sealing_keys("c")),
        assertion_keys=Secret(signing_key()),
        # As cheap as argon2 gets: what it costs is not what these tests are about.
        argon2_memory_kib=8,
        argon2_passes=1,
        address_burst=100_000,
        address_rate=100_000.0,
        # A machine that is busy with something else is not a Redis that is away, nor is who works
        # there dead, and what comes again a while later there is still a repeat.
        redis_seconds=20.0,
        claim_seconds=30.0,
        replay_seconds=300,
    )


@pytest.fixture(scope="session", autouse=True)
def patient_executors() -> Iterator[None]:
    """Have a PostgreSQL or a provider that is slow be none that is away, either."""
    with pytest.MonkeyPatch.context() as patch:
        for limit in (
            "__main__._STATEMENT_SECONDS",
            "openid._SECONDS",
            "tenants._LOOK_SECONDS",
            "tenants._MOMENT_SECONDS",
        ):
            patch.setattr(f"services.executor.{limit}", 20.0)
        yield


Build = Callable[[str], Awaitable[House]]


@pytest_asyncio.fixture
async def build_house(database: str, nats_url: str) -> AsyncIterator[Build]:
    async with AsyncExitStack() as stack:

        async def build_one(redis_url: str) -> House:
            line = open_line(redis_url, Limits(deadline=20))
            stack.push_async_callback(line.aclose)
            pool = await stack.enter_async_context(asyncpg.create_pool(database, min_size=1))
            return House(settings_for(redis_url, database, nats_url), line, pool, stack)

        yield build_one


@pytest_asyncio.fixture
async def house(build_house: Build, any_redis_url: str) -> House:
    return await build_house(any_redis_url)


@pytest_asyncio.fixture
async def executor(house: House) -> Executor:
    return await house.executor()


@pytest_asyncio.fixture
async def box() -> AsyncIterator[Mailbox]:
    async with mailbox() as made:
        yield made
