"""What a new user sees first."""

from __future__ import annotations

import pytest_asyncio

from deploy.local.demo import walk
from deploy.local.stack import Stack
from tests.e2e.walker import Admin


@pytest_asyncio.fixture
async def left_by_others(admin: Admin) -> str:
    """A flow with the name of one of the demo's, that must be there afterwards."""
    graph = {
        "nodes": [{"id": "start", "type": "start"}, {"id": "end", "type": "failure"}],
        "edges": [{"source": "start", "target": "end"}],
    }
    return await admin.create("mfa-login", graph)


async def test_the_demos_journeys_come_out_right_again_over_what_they_left(
    stack: Stack, admin: Admin, left_by_others: str
) -> None:
    for _ in range(2):
        said: list[str] = []
        assert await walk(stack.facts, stack.settings["executor"], said.append), "\n".join(said)
        assert said[-1] == "\n9 of 9 journeys came out right"
    (kept,) = (await admin.done("GET"))["items"]
    assert kept["id"] == left_by_others


async def test_what_the_demo_prints_holds_no_secret(stack: Stack, admin: Admin) -> None:
    said: list[str] = []
    await walk(stack.facts, stack.settings["executor"], said.append)
    printed = "\n".join(said)
    assert stack.facts.admin_token not in printed
    assert "correct horse" not in printed
    assert "eyJ" not in printed
