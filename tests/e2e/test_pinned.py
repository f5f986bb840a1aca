"""A running session ends as it began, whatever becomes of its flow meanwhile."""

from __future__ import annotations

import copy
from collections.abc import Awaitable, Callable

import aiohttp
import pytest
import pytest_asyncio

from deploy.local.stack import Stack
from tests.e2e.conftest import LOGIN, PASSWORD, register
from tests.e2e.walker import Admin, Json, Walker, claims_of

EMAIL = "pia@example.com"
EDITED: Json = copy.deepcopy(LOGIN)
EDITED["nodes"][1]["config"]["identifier_types"] = ["email"]


async def edit(admin: Admin, id: str) -> None:
    saved = await admin.done("PUT", f"/{id}", {"graph": EDITED})
    assert saved["version"] == 2


async def edit_and_activate(admin: Admin, id: str) -> None:
    await edit(admin, id)
    await admin.done("POST", f"/{id}/activate")


async def deactivate(admin: Admin, id: str) -> None:
    await admin.done("POST", f"/{id}/deactivate")


async def delete(admin: Admin, id: str) -> None:
    await admin.done("DELETE", f"/{id}")


async def everything(admin: Admin, id: str) -> None:
    for change in (edit_and_activate, deactivate, delete):
        await change(admin, id)


CHANGES: dict[Callable[[Admin, str], Awaitable[None]], list[str] | None] = {
    edit: ["identifier"],
    edit_and_activate: ["email"],
    deactivate: None,
    delete: None,
    everything: None,
}
"""What a session that begins after the change is asked for; None where none can begin."""


@pytest_asyncio.fixture
async def flow(flows: None, admin: Admin, walker: Walker) -> str:
    """The id of the login flow, and somebody who can sign in by it."""
    await register(walker, EMAIL)
    (flow,) = (await admin.done("GET", "?type=login"))["items"]
    id: str = flow["id"]
    return id


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
async def test_a_session_finishes_on_the_version_it_began_with(
    http: aiohttp.ClientSession,
    stack: Stack,
    admin: Admin,
    flow: str,
    change: Callable[[Admin, str], Awaitable[None]],
) -> None:
    # The other executor has never seen the old version: what it runs is not what it remembers.
    one, other = (Walker(http, [url]) for url in stack.facts.executor_urls)
    running = await one.start("login")
    await change(admin, flow)
    step = await other.submit(running, identifier=EMAIL)
    assert step.asks == ["password"], step.body
    done = await other.submit(step, password=PASSWORD)
    assert (await claims_of(http, stack.facts, done))["amr"] == ["pwd"]
    for walker in (one, other):
        fresh = await walker.start("login")
        asked = CHANGES[change]
        if asked is None:
            assert (fresh.status, fresh.body["code"]) == (404, "FE-40401")
        else:
            assert fresh.asks == asked


async def test_a_version_activated_again_is_what_the_next_session_gets(
    admin: Admin, walker: Walker, flow: str
) -> None:
    await edit_and_activate(admin, flow)
    await admin.done("PUT", f"/{flow}", {"graph": LOGIN})
    await admin.done("POST", f"/{flow}/activate")
    assert (await walker.start("login")).asks == ["identifier"]
    assert (await walker.start("login")).asks == ["identifier"]
