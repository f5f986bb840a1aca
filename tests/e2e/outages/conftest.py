"""A stack that tests may break: whatever they kill is brought back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest
import pytest_asyncio

from deploy.local.stack import SERVERS, Stack
from tests.e2e.conftest import running
from tests.e2e.walker import ask
from tests.patience import until


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def fragile_stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    # What is killed here has promised to keep what it was told.
    async with running(tmp_path_factory.mktemp("fragile"), durable=True) as stack:
        yield stack


@pytest_asyncio.fixture
async def stack(fragile_stack: Stack, http: aiohttp.ClientSession) -> AsyncIterator[Stack]:
    yield fragile_stack
    await bring_back(fragile_stack, http)


async def bring_back(stack: Stack, http: aiohttp.ClientSession) -> None:
    """Start what does not run, the servers first, and wait until everything has found them."""
    for name in (*SERVERS, *(name for name in stack.parts if name not in SERVERS)):
        if not stack.parts[name].running:
            await stack.parts[name].start()
    facts = stack.facts

    async def whole() -> bool:
        urls = (facts.management_url, facts.compiler_url, *facts.executor_urls)
        found = await asyncio.gather(*(ask(http, "GET", f"{url}/readyz") for url in urls))
        return all(set(reply.body["checks"].values()) == {"ok"} for reply in found)

    await until(whole)
