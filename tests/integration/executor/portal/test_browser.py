"""The portal in a real browser: journeys to their end, and a look at every view on the way."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import jwt
import pyotp
import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Cookie, Page, Request, expect
from yarl import URL

from deploy.local.ports import free_port
from libs.common.chassis.outgoing import Outgoing
from libs.common.flow.model import FlowType
from libs.common.wire.tenants import Branding, Colors, TenantSettings, encode_settings
from services.executor import __main__ as starting
from tests.browser.chromium import PATIENCE_MS, add_authenticator, browsing
from tests.browser.looks import look_at
from tests.integration.executor.conftest import PASSWORD, Executor, House
from tests.integration.executor.graphs import IDENTIFIER, MFA_LOGIN, START, SUCCESS, graph
from tests.integration.executor.graphs import PASSWORD as PASSWORD_NODE
from tests.integration.executor.links import link_in, recovery
from tests.integration.executor.test_captcha import RIGHT, Service, known_captcha, service
from tests.integration.executor.test_codes import code_in
from tests.integration.executor.test_passkeys import ANYBODY, MAKE_ONE
from tests.integration.executor.test_social import VISIT_LOOPBACK, known, sign_in
from tests.mailbox import Mailbox, text_of
from tests.patience import until_so
from tests.providers.openid import provider

__all__ = ["service"]
"""A fixture of another file's."""

EMAIL = "sasha@example.com"
SIGN_UP = graph(
    [
        START,
        {
            "id": "details",
            "type": "prompt",
            "config": {
                "title": "Create your account",
                "fields": [
                    {"name": "name", "type": "text", "label": "What shall we call you?"},
                    {"name": "email", "type": "email", "label": "Email"},
                    {"type": "rich_text", "text": "<p>Only if you <em>like</em>:</p>"},
                    {"name": "country", "type": "country", "label": "Country", "required": False},
                    {"name": "plan", "type": "dropdown", "label": "Plan", "options": [
                        {"value": "s", "label": "Small"}, {"value": "l", "label": "Large"}]},
                    {"type": "divider", "text": "and last"},
                    {"name": "birthday", "type": "date", "label": "Birthday", "required": False,
                     "hint": "We send a card, and nothing else."},
                    {"name": "terms", "type": "checkbox", "label": "I agree to the terms"},
                ],
            },
        },
        {"id": "verify", "type": "email_verification"},
        {"id": "password", "type": "password_setup"},
        {"id": "write", "type": "user_write"},
        SUCCESS,
    ],
    [("start", "details"), ("details", "verify"), ("verify", "password"), ("password", "write"),
     ("write", "success")],
)  # fmt: skip


@pytest_asyncio.fixture
async def browser() -> AsyncIterator[Browser]:
    async with browsing() as browser:
        yield browser


@pytest.fixture
def site() -> str:
    """The origin that a portal is to have."""
    return f"http://localhost:{free_port()}"


async def serve(house: House, site: str, **changed: object) -> None:
    """Start an executor whose passkeys, and whose callback, are of `site`."""
    executor: Executor = await house.executor(port=URL(site).port, issuer=site, **changed)
    assert URL(executor.url).port == URL(site).port


async def opened(browser: Browser, **options: object) -> Page:
    context: BrowserContext = await browser.new_context(**options)  # type: ignore[arg-type]  # as the caller has them
    context.set_default_timeout(PATIENCE_MS)
    return await context.new_page()


async def held(page: Page) -> list[Cookie]:
    """List the cookies that the browser has, but for its name, which stays."""
    cookies = await page.context.cookies()
    return [each for each in cookies if each["name"] != "gatehouse.device"]


async def visited(page: Page) -> list[str]:
    """List the addresses that the browser's own button leads back to."""
    session = await page.context.new_cdp_session(page)
    history = await session.send("Page.getNavigationHistory")
    return [each["url"] for each in history["entries"]]


async def fill(page: Page, **values: str) -> None:
    for name, value in values.items():
        await page.locator(f'[name="{name}"]').fill(value)
    await press(page, "Continue")


async def press(page: Page, name: str) -> None:
    """Press a button that leads to the next page, and wait for that."""
    async with page.expect_navigation():
        await page.get_by_role("button", name=name).click()


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without"])
async def test_somebody_signs_in_with_password_and_totp(
    house: House, browser: Browser, site: str, scripts: bool
) -> None:
    await house.publish(MFA_LOGIN)
    account, totp = await house.person(EMAIL, totp=True)
    assert totp is not None
    await serve(house, site)
    page = await opened(browser, java_script_enabled=scripts)
    await page.goto(f"{site}/portal/LOGIN")
    await expect(page.locator('[name="identifier"]')).to_be_focused()
    if scripts:
        await look_at(page, "identifier")
    await fill(page, identifier=EMAIL)
    await fill(page, password="not that")
    await expect(page.get_by_role("alert")).to_have_text("The password is not right.")
    if scripts:
        await look_at(page, "password-wrong")
    await fill(page, password=PASSWORD)
    if scripts:
        await look_at(page, "code")
    await fill(page, code=totp.now())
    await expect(page.get_by_text("You are signed in.")).to_be_visible()
    (cookie,) = await held(page)
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Lax")
    told = jwt.decode(cookie["value"], options={"verify_signature": False})
    assert (told["sub"], told["amr"]) == (account, ["pwd", "otp"])
    if scripts:
        await look_at(page, "done")


async def test_somebody_signs_up_and_shows_that_mail_reaches_them(
    house: House, browser: Browser, site: str, box: Mailbox
) -> None:
    await house.publish(SIGN_UP, FlowType.REGISTRATION)
    await serve(house, site, smtp_url=box.url)
    page = await opened(browser)
    await page.goto(f"{site}/portal/REGISTRATION")
    await look_at(page, "details")
    await page.get_by_label("Plan").select_option(label="Large")
    await page.get_by_label("Country").select_option(label="Denmark")
    await fill(page, name="Sasha", email="sasha", birthday="")
    wrong = page.locator('[name="email"]')
    await expect(wrong).to_be_focused()
    await expect(wrong).to_have_accessible_description(re.compile("Enter an email address"))
    await look_at(page, "details-wrong")
    await expect(page.locator('[name="plan"]')).to_have_value("l")
    await page.get_by_label("I agree to the terms").check()
    await fill(page, email=EMAIL)
    code = code_in(text_of(await box.next()))
    await look_at(page, "verify")
    await fill(page, code=code)
    await look_at(page, "new-password")
    await fill(page, password=PASSWORD, confirmation=PASSWORD)
    await expect(page.get_by_text("Your account is ready.")).to_be_visible()
    assert await house.pool.fetchval("SELECT count(*) FROM users") == 1


async def test_a_passkey_is_made_and_signs_in(house: House, browser: Browser, site: str) -> None:
    await house.publish(MAKE_ONE, FlowType.MFA_SETUP)
    await house.publish(ANYBODY)
    account, _ = await house.person(EMAIL)
    await serve(house, site)
    page = await opened(browser)
    authenticator = await add_authenticator(page)
    await page.goto(f"{site}/portal/MFA_SETUP")
    await fill(page, identifier=EMAIL)
    await fill(page, password=PASSWORD)
    await look_at(page, "passkey-create")
    await page.get_by_role("button", name="Create a passkey").click()
    await expect(page.get_by_text("That is done.")).to_be_visible()
    assert len(await authenticator.credentials()) == 1
    await page.goto(f"{site}/portal/LOGIN")
    await authenticator.verify_user(False)
    await page.get_by_role("button", name="Use a passkey").click()
    await expect(page.get_by_role("alert")).to_have_text(re.compile("did not work"))
    await look_at(page, "passkey-failed")
    await authenticator.verify_user(True)
    await page.get_by_role("button", name="Use a passkey").click()
    await expect(page.get_by_text("You are signed in.")).to_be_visible()
    (cookie,) = await held(page)
    told = jwt.decode(cookie["value"], options={"verify_signature": False})
    assert (told["sub"], told["acr"]) == (account, "aal2")


FACTORS = graph(
    [
        *(START, IDENTIFIER, PASSWORD_NODE),
        {"id": "agree", "type": "consent", "config": {"text": "May we remember this device?"}},
        {"id": "totp", "type": "totp_setup"},
        {"id": "codes", "type": "recovery_codes_setup"},
        SUCCESS,
    ],
    [("start", "identifier"), ("identifier", "password"), ("password", "agree"),
     ("agree", "totp"), ("totp", "codes"), ("codes", "success")],
)  # fmt: skip
BRANDING = Branding(
    name="Acme Bank",
    colors=Colors(primary="#7a0019"),
    support_url="https://acme.example/help",
    privacy_url="https://acme.example/privacy",
)


async def test_factors_are_set_up_on_pages_of_the_tenants_own_look(
    house: House, browser: Browser, site: str
) -> None:
    await house.publish(FACTORS, FlowType.MFA_SETUP)
    await house.person(EMAIL)
    settings = encode_settings(TenantSettings(branding=BRANDING))
    await house.pool.execute(
        "INSERT INTO tenants (name, settings) VALUES ('default', $1)", settings
    )
    await serve(house, site)
    page = await opened(browser)
    await page.goto(f"{site}/portal/MFA_SETUP")
    await expect(page.get_by_text("Acme Bank")).to_be_visible()
    await fill(page, identifier=EMAIL)
    await fill(page, password=PASSWORD)
    await look_at(page, "consent")
    await press(page, "Agree")
    await expect(page.get_by_role("img", name="QR code")).to_be_visible()
    await look_at(page, "totp-setup")
    secret = await page.locator("code").inner_text()
    await fill(page, code=pyotp.TOTP(secret).now())
    await expect(page.locator("code")).to_have_count(10)
    await expect(page.get_by_role("button", name="Print")).to_be_visible()
    await look_at(page, "recovery-codes")
    await page.get_by_role("button", name="I have kept them").click()
    await expect(page.get_by_role("heading", name="That is done.")).to_be_visible()
    await page.goto(f"{site}/portal/UNENROLLMENT")
    await look_at(page, "nothing")


SIGN_IN = graph(
    [START, IDENTIFIER, PASSWORD_NODE, SUCCESS],
    [("start", "identifier"), ("identifier", "password"), ("password", "success")],
)
SIGN_OUT = graph(
    [START, {"id": "out", "type": "user_logout"}, SUCCESS], [("start", "out"), ("out", "success")]
)
LEAVE = graph(
    [
        START,
        {"id": "sure", "type": "consent", "config": {"text": "Your account will be gone."}},
        {"id": "delete", "type": "user_delete"},
        SUCCESS,
    ],
    [("start", "sure"), ("sure", "delete"), ("delete", "success")],
)


async def test_somebody_signs_out_and_later_deletes_their_account(
    house: House, browser: Browser, site: str
) -> None:
    await house.publish(SIGN_IN)
    await house.publish(SIGN_OUT, FlowType.LOGOUT)
    await house.publish(LEAVE, FlowType.UNENROLLMENT)
    account, _ = await house.person(EMAIL)
    await serve(house, site)
    page = await opened(browser)
    await page.goto(f"{site}/portal/LOGIN?next=/portal/LOGOUT")
    await fill(page, identifier=EMAIL)
    await fill(page, password=PASSWORD)
    await look_at(page, "sign-out")
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_role("heading", name="You are signed out.")).to_be_visible()
    assert not await held(page)
    await page.goto(f"{site}/portal/LOGIN?next=/portal/UNENROLLMENT")
    await fill(page, identifier=EMAIL)
    await fill(page, password=PASSWORD)
    await page.get_by_role("button", name="Delete your account").click()
    await expect(page.get_by_text("Your account will be gone.")).to_be_visible()
    await page.get_by_role("button", name="Agree").click()
    await expect(page.get_by_role("heading", name="has been deleted")).to_be_visible()
    assert await house.directory.load("default", account) is None
    assert not await held(page)


async def test_somebody_signs_in_with_a_provider(
    house: House, browser: Browser, site: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with provider(tmp_path, f"{site}/portal/callback") as google:
        monkeypatch.setattr(starting, "Outgoing", partial(Outgoing, tls=google.tls))
        await house.publish(sign_in(callback=None))
        await known(house, google)
        await serve(house, site, outgoing_allowed=VISIT_LOOPBACK)
        page = await opened(browser, ignore_https_errors=True)
        asked: list[Request] = []
        page.on("request", lambda request: asked.append(request))  # noqa: PLW0108 - Playwright marks what it calls, and cannot mark a built-in
        await page.goto(f"{site}/portal/LOGIN")
        await page.locator('[name="login"]').fill("sasha")
        await page.locator('[name="password"]').fill("any")
        await press(page, "Sign-in")
        # Back by the browser's own button, they are not sent off once more.
        await page.goto(f"{site}/portal/LOGIN")
        await expect(page.get_by_role("button", name="I am back")).to_be_visible()
        await look_at(page, "leaving")
        await page.get_by_role("link", name="Continue").click()
        await page.get_by_role("button", name="Continue").click()
        await expect(page.get_by_role("heading", name="You are signed in.")).to_be_visible()
        assert page.url == f"{site}/portal/LOGIN"
        # The code went through one address, which nothing keeps and nothing is told of.
        assert len([each for each in asked if "code=" in each.url]) == 1
        told = [(await each.all_headers()).get("referer", "") for each in asked]
        assert not [each for each in (*told, *await visited(page)) if "code=" in each]
    assert await house.pool.fetchval("SELECT subject FROM external_identities") == "sasha"


WIDGET = f"""
const form = document.querySelector(".cf-turnstile");
const given = document.createElement("input");
Object.assign(given, {{type: "hidden", name: "cf-turnstile-response", value: "{RIGHT}"}});
form.append(given);
form.append(`for ${{form.dataset.sitekey}}`);
"""
"""What a service's own script does, once somebody has ticked its box."""


async def test_a_captcha_is_drawn_by_its_own_service_and_nobody_elses_script_runs(
    house: House, browser: Browser, site: str, service: Service
) -> None:
    await serve(house, site, outgoing_allowed=("127.0.0.0/8",))
    await known_captcha(house, service.url)
    page = await opened(browser)
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    await page.route(
        "https://challenges.cloudflare.com/**",
        lambda route: route.fulfill(content_type="text/javascript", body=WIDGET),
    )
    await page.goto(f"{site}/portal/REGISTRATION")
    await expect(page.get_by_text("for site-key")).to_be_visible()
    await look_at(page, "captcha")
    await page.evaluate("""() => document.body.append(Object.assign(
        document.createElement("script"), {src: "https://evil.example/a.js"}))""")
    await page.get_by_role("button", name="Continue").click()
    await expect(page.get_by_role("heading", name="Your account is ready.")).to_be_visible()
    assert [each["response"] for each in service.seen] == [RIGHT]
    await until_so(
        lambda: any("evil.example" in each and "Content Security Policy" in each for each in said)
    )


async def test_a_lost_password_is_replaced_by_a_link_that_another_browser_opens(
    house: House, browser: Browser, site: str, box: Mailbox
) -> None:
    await house.publish(recovery(), FlowType.PASSWORD_RESET)
    await house.publish(SIGN_IN)
    await house.person(EMAIL)
    await serve(house, site, smtp_url=box.url)
    laptop, phone = await opened(browser), await opened(browser)
    await laptop.goto(f"{site}/portal/PASSWORD_RECOVERY")
    await fill(laptop, identifier=EMAIL)
    await look_at(laptop, "link-sent")
    await phone.goto(link_in(await box.next()))
    await expect(phone.get_by_role("button", name="Continue")).to_be_visible()
    assert phone.url == f"{site}/portal/link"
    await look_at(phone, "link")
    await press(phone, "Continue")
    await fill(phone, password="a quite new one", confirmation="a quite new one")
    await expect(phone.get_by_role("heading", name="That is done.")).to_be_visible()
    await laptop.reload()
    await look_at(laptop, "moved")
    await laptop.goto(f"{site}/portal/LOGIN")
    await fill(laptop, identifier=EMAIL)
    await fill(laptop, password="a quite new one")
    await expect(laptop.get_by_role("heading", name="You are signed in.")).to_be_visible()
