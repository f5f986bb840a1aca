"""Passkeys in a real browser, on a page that is a client of the executor's API."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import jwt
import pytest
import pytest_asyncio
from aiohttp import web
from playwright.async_api import Browser, Error, Page

from libs.common.flow.model import FlowType
from tests import browser as browser_folder
from tests.browser.chromium import PATIENCE_MS, add_authenticator, browsing
from tests.integration.executor.conftest import PASSWORD, Build, House
from tests.integration.executor.test_passkeys import ANYBODY, MAKE_ONE
from tests.listening import listening

PAGE = Path(browser_folder.__file__).with_name("passkeys.html")
ALICE = "alice@example.com"
SIGN_IN = [{"identifier": ALICE}, {"password": PASSWORD}]


@pytest_asyncio.fixture
async def browser() -> AsyncIterator[Browser]:
    async with browsing() as browser:
        yield browser


@pytest_asyncio.fixture
async def site() -> AsyncIterator[str]:
    """The origin of a page with a client on it."""

    async def show(_request: web.Request) -> web.FileResponse:
        return web.FileResponse(PAGE)

    app = web.Application()
    app.router.add_get("/", show)
    async with listening(app) as port:
        yield f"http://localhost:{port}"


@pytest.fixture
async def house(build_house: Build, redis_url: str) -> House:
    house = await build_house(redis_url)
    await house.publish(MAKE_ONE, FlowType.MFA_SETUP)
    await house.publish(ANYBODY)
    return house


async def opened(browser: Browser, site: str) -> Page:
    context = await browser.new_context()
    context.set_default_timeout(PATIENCE_MS)
    page = await context.new_page()
    await page.goto(site)
    await page.wait_for_function("() => Boolean(window.walk)")
    return page


async def walk(page: Page, executor: str, kind: str, *answers: dict[str, Any]) -> dict[str, Any]:
    """Have the page walk a flow to its end."""
    script = "([executor, kind, answers]) => walk(executor, kind, answers)"
    ended: dict[str, Any] = await page.evaluate(script, [executor, kind, list(answers)])
    return ended


async def test_a_passkey_is_made_and_signs_in_with_nobody_named(
    house: House, browser: Browser, site: str
) -> None:
    account, _ = await house.person(ALICE)
    executor = await house.executor(passkey_origins=(site,), allowed_origins=(site,))
    page = await opened(browser, site)
    authenticator = await add_authenticator(page)
    made = await walk(page, executor.url, "MFA_SETUP", *SIGN_IN)
    assert made["flowStatus"] == "COMPLETE", made
    (credential,) = await authenticator.credentials()
    assert (credential["rpId"], credential["isResidentCredential"]) == ("localhost", True)
    for times in (1, 2):
        done = await walk(page, executor.url, "LOGIN")
        told = jwt.decode(done["data"]["userAssertion"], options={"verify_signature": False})
        assert (told["sub"], told["amr"], told["acr"]) == (account, ["hwk", "user", "mfa"], "aal2")
        (credential,) = await authenticator.credentials()
        count = await house.pool.fetchval("SELECT sign_count FROM passkeys")
        assert count == credential["signCount"] == 1 + times


async def test_an_authenticator_that_has_one_already_makes_no_other(
    house: House, browser: Browser, site: str
) -> None:
    await house.person(ALICE)
    executor = await house.executor(passkey_origins=(site,), allowed_origins=(site,))
    page = await opened(browser, site)
    authenticator = await add_authenticator(page)
    await walk(page, executor.url, "MFA_SETUP", *SIGN_IN)
    with pytest.raises(Error, match="InvalidStateError"):
        await walk(page, executor.url, "MFA_SETUP", *SIGN_IN)
    assert len(await authenticator.credentials()) == 1


async def test_an_authenticator_that_does_not_know_its_user_shows_nothing(
    house: House, browser: Browser, site: str
) -> None:
    await house.person(ALICE)
    executor = await house.executor(passkey_origins=(site,), allowed_origins=(site,))
    page = await opened(browser, site)
    authenticator = await add_authenticator(page)
    await walk(page, executor.url, "MFA_SETUP", *SIGN_IN)
    await authenticator.verify_user(False)
    with pytest.raises(Error, match="NotAllowedError"):
        await walk(page, executor.url, "LOGIN")


async def test_a_page_of_another_origin_signs_nobody_in(
    house: House, browser: Browser, site: str
) -> None:
    await house.person(ALICE)
    executor = await house.executor(passkey_origins=(site,), allowed_origins=(site,))
    page = await opened(browser, site)
    await add_authenticator(page)
    await walk(page, executor.url, "MFA_SETUP", *SIGN_IN)
    other = await house.executor(allowed_origins=(site,))
    ended = await walk(page, other.url, "LOGIN")
    assert ended["flowStatus"] == "ERROR"
    assert "userAssertion" not in ended["data"]
