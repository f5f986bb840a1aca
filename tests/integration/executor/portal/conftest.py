"""An executor whose portal may lead back to an app, and a browser without JavaScript before it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.integration.executor.conftest import Build, Executor, House
from tests.integration.executor.portal.visitor import Visitor, visiting


@pytest.fixture
async def house(build_house: Build, redis_url: str) -> House:
    """On one Redis: nothing here depends on which."""
    return await build_house(redis_url)


@pytest.fixture
async def executor(house: House) -> Executor:
    return await house.executor(redirect_origins=("https://app.example",))


@pytest_asyncio.fixture
async def visitor(executor: Executor) -> AsyncIterator[Visitor]:
    async with visiting(executor) as visitor:
        yield visitor
