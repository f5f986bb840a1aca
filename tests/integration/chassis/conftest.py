"""Lines to the real servers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import structlog

from deploy.local.server import Server
from libs.common.chassis.redis_line import cluster, node
from libs.common.chassis.redis_line.open import open_line
from libs.common.chassis.redis_line.port import Limits, RedisLine
from libs.common.errors import Unavailable
from tests.patience import PATIENCE_SECONDS


def cluster_url(nodes: tuple[Server, ...]) -> str:
    """Name a cluster by all its nodes."""
    (credentials, _) = nodes[0].url.removeprefix("redis://").split("@")
    hosts = ",".join(node.url.partition("@")[2].removesuffix("/0") for node in nodes)
    return f"redis+cluster://{credentials}@{hosts}"


PATIENT = Limits(deadline=20)
"""So that a busy machine is not taken for a server that is away."""


@asynccontextmanager
async def opened(url: str, limits: Limits = PATIENT) -> AsyncIterator[RedisLine]:
    line = open_line(url, limits)
    try:
        yield line
    finally:
        await line.aclose()


async def until_it_answers(line: RedisLine, key: str = "any") -> None:
    """Come back as a client would, until the line has found its server again."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            try:
                await line.execute(b"EXISTS", key)
            except Unavailable as error:
                await asyncio.sleep(min(error.retry_after, 0.05))
            else:
                return


@pytest.fixture(autouse=True)
def fresh_loggers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have lines log where a test looks: a logger keeps to where it logged for the first time."""
    for module in (cluster, node):
        monkeypatch.setattr(module, "_log", structlog.get_logger())


@pytest.fixture(params=["single", "single in RESP2", "cluster"])
def line_url(request: pytest.FixtureRequest) -> str:
    """Each kind of Redis, empty."""
    if request.param == "cluster":
        request.getfixturevalue("redis_cluster_url")
        return cluster_url(request.getfixturevalue("redis_cluster"))
    url: str = request.getfixturevalue("redis_url")
    return url + ("?protocol=2" if "RESP2" in request.param else "")


@pytest.fixture
async def line(line_url: str) -> AsyncIterator[RedisLine]:
    async with opened(line_url) as line:
        yield line
