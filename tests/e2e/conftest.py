"""The whole of Gatehouse, with two executors, as its own processes; and clients of it."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import aiohttp
import asyncpg
import psutil
import pytest
import pytest_asyncio

from deploy.local.demo import FLOWS
from deploy.local.ports import free_port
from deploy.local.stack import PORTS, Stack, local_stack
from tests.conftest import expose_postgres
from tests.e2e.walker import Admin, Json, Walker, ask
from tests.kept import in_redis, in_streams
from tests.patience import PATIENCE_SECONDS, until
from tests.typed import TYPED

LOGIN = json.loads((FLOWS / "mfa-login.graph.json").read_text())
"""Asks for an identifier, a password, and a code of who has an authenticator."""
SIGN_UP = json.loads((FLOWS / "registration.json").read_text())["graph"]
"""Asks for an email address and a password, and makes the account."""
PASSWORD = "correct horse battery staple"


class Account(NamedTuple):
    id: str
    logins: int


PROCESS = re.compile(rb"^\d+:[A-Z] |\[\d+\]", re.MULTILINE)
"""How Valkey, PostgreSQL and NATS tell who says something."""
PATIENT = {
    "GATEHOUSE_REDIS_SECONDS": "30",
    "GATEHOUSE_POSTGRES_SECONDS": "60",
    "GATEHOUSE_COMPILE_SECONDS": "60",
    "GATEHOUSE_PUBLISH_SECONDS": "60",
}
"""Of services whose servers are never away, however busy the machine is."""
HASTY = {"GATEHOUSE_REDIS_SECONDS": "5", "GATEHOUSE_PUBLISH_SECONDS": "5"}
"""Of those whose servers are, for tests that wait for them to give up."""


@asynccontextmanager
async def running(folder: Path, *, durable: bool) -> AsyncIterator[Stack]:
    """Run a stack over `folder`, and see that it leaves no process, and met no fault of ours."""
    # Not the usual ports: other tests of this machine want those.
    ports = {name: free_port() for name in PORTS}
    async with AsyncExitStack() as end:
        with pytest.MonkeyPatch.context() as patch:
            for setting, seconds in (HASTY if durable else PATIENT).items():
                patch.setenv(setting, seconds)
            stack = await end.enter_async_context(
                local_stack(
                    folder, executors=2, ports=ports, durable=durable, say=lambda _line: None
                )
            )
        mark = TYPED.mark()
        yield stack
        await expose(mark, stack)
        heads = [psutil.Process(part.pid) for part in stack.parts.values()]
        family = [*heads, *(child for head in heads for child in head.children(recursive=True))]

    async def gone() -> bool:
        return not any(map(lives, family))

    # The watchers of the parts end when they have seen them end.
    await until(gone)
    logged = [entry for name in stack.settings for entry in entries(stack.parts[name].log)]
    assert not [entry for entry in logged if entry["level"] in {"error", "critical"}]
    # Data that is to outlive its servers is for tests that stop them. Elsewhere none was ever away.
    assert durable or "outbox_waits" not in {entry["event"] for entry in logged}


async def expose(mark: int, stack: Stack) -> None:
    """See that nothing that was typed since `mark` is kept, told, logged or counted."""
    if not TYPED.since(mark):
        return
    facts = stack.facts
    TYPED.expose(mark, in_logs(stack), "the log")
    TYPED.expose(mark, await in_redis(facts.redis_url), "Redis")
    TYPED.expose(mark, await in_streams(facts.nats_url), "NATS")
    await expose_postgres(mark, facts.postgres_dsn)
    async with aiohttp.ClientSession() as http:
        for url in facts.executor_urls:
            counted = await ask(http, "GET", f"{url}/metrics")
            TYPED.expose(mark, [(url, counted.content)], "the metrics")


def in_logs(stack: Stack) -> list[tuple[str, bytes]]:
    """Read every log, but for the process ids, of which one may look like a code."""
    folder = stack.parts["executor"].log.parent
    return [(log.name, PROCESS.sub(b"", log.read_bytes())) for log in sorted(folder.glob("*.log"))]


def entries(log: Path) -> list[Json]:
    """Read what a service logged, each line of which is JSON."""
    return [json.loads(line) for line in log.read_text().splitlines()]


def lives(member: psutil.Process) -> bool:
    try:
        return bool(member.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def kept_stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    async with running(tmp_path_factory.mktemp("kept"), durable=False) as stack:
        yield stack


@pytest_asyncio.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    # Longer than any wait that the services promise, so that they, not it, end what hangs.
    patience = aiohttp.ClientTimeout(total=PATIENCE_SECONDS)
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector, timeout=patience) as session:
        yield session


@pytest.fixture
def stack(kept_stack: Stack) -> Stack:
    return kept_stack


@pytest_asyncio.fixture
async def admin(http: aiohttp.ClientSession, stack: Stack) -> Admin:
    """The administrator of a tenant without flows."""
    admin = Admin(http, stack.facts)
    await admin.clear()
    return admin


@pytest.fixture
def walker(http: aiohttp.ClientSession, stack: Stack) -> Walker:
    return Walker(http, stack.facts.executor_urls)


@pytest_asyncio.fixture
async def flows(admin: Admin, database: asyncpg.Connection) -> None:
    """A flow to sign in by and one to sign up by, and nobody who has."""
    await database.execute("DELETE FROM users")
    await admin.publish("login", LOGIN)
    await admin.publish("sign-up", SIGN_UP, "registration")


@pytest_asyncio.fixture
async def database(stack: Stack) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(stack.facts.postgres_dsn)
    yield connection
    await connection.close()


async def register(walker: Walker, email: str, password: str = PASSWORD) -> None:
    """Have somebody sign up."""
    step = await walker.start("sign-up", "REGISTRATION")
    done = await walker.submit(step, "submit-registration", email=email, password=password)
    assert done.body["flowStatus"] == "COMPLETE", done.body


async def accounts(database: asyncpg.Connection) -> dict[str, Account]:
    """Read who has an account, by email address."""
    rows = await database.fetch("SELECT email, id::text, logins_count FROM users")
    return {row["email"]: Account(row["id"], row["logins_count"]) for row in rows}


async def turns_run(http: aiohttp.ClientSession, stack: Stack) -> int:
    """Count the submits that executors have run a turn for."""
    total = 0
    for url in stack.facts.executor_urls:
        text = (await ask(http, "GET", f"{url}/metrics")).content.decode()
        total += sum(
            int(float(line.split()[-1]))
            for line in text.splitlines()
            if line.startswith("gatehouse_turn_seconds_count")
        )
    return total
