"""A `redirect` node from a client's side (seed 002): sent away, and back again."""

from __future__ import annotations

import pytest

from libs.common.wire.tenants import TenantSettings, encode_settings
from tests.integration.executor.candidates import candidate, lead
from tests.integration.executor.conftest import Build, Executor, House, Reply
from tests.integration.executor.graphs import START, SUCCESS, graph

SITE = "https://app.example"


@pytest.fixture
async def house(build_house: Build, redis_url: str) -> House:
    """On one Redis: nothing here depends on which."""
    return await build_house(redis_url)


@pytest.fixture
async def executor(house: House) -> Executor:
    return await house.executor(redirect_origins=(SITE,))


async def started(house: House, executor: Executor, url: str) -> Reply:
    away = {"id": "away", "type": "redirect", "config": {"url": url}}
    drawn = graph([START, away, SUCCESS], [("start", "away"), ("away", "success")])
    await lead(house, await candidate(house, "away", (drawn, 1)))
    return await executor.start("MFA_SETUP")


@pytest.mark.parametrize("url", ["/terms?now=1", f"{SITE}/terms"])
async def test_the_user_is_sent_away_and_the_flow_goes_on_when_they_are_back(
    house: House, executor: Executor, url: str
) -> None:
    away = await started(house, executor, url)
    assert (away.body["flowStatus"], away.body["type"]) == ("INCOMPLETE", "REDIRECTION")
    assert away.data == {"url": url, "redirectURL": url}
    back = await executor.answer(away, "button-a2f1", code="4/0AfJohX", state="g5kZMl")
    assert back.body["flowStatus"] == "COMPLETE"


async def test_the_user_is_sent_to_a_page_of_the_tenants_own(
    house: House, executor: Executor
) -> None:
    own = TenantSettings(("https://own.example",))
    await house.pool.execute(
        "INSERT INTO tenants (name, settings) VALUES ('default', $1)", encode_settings(own)
    )
    away = await started(house, executor, "https://own.example/terms")
    assert away.data["url"] == "https://own.example/terms"
    for status, url in ((200, "https://own.example/back"), (400, "https://other.example/back")):
        assert (await executor.start("MFA_SETUP", next=url)).status == status


async def test_nobody_is_sent_to_a_site_that_nobody_named(house: House, executor: Executor) -> None:
    refused = await started(house, executor, "https://app.example.evil.example/terms")
    assert refused.body["flowStatus"] == "ERROR"
    assert "url" not in refused.data
