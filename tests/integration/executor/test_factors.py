"""Second factors, from the password to the assertion: by mail, by SMS, by passkey."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from itertools import pairwise
from typing import Any

import jwt
import msgspec
import pytest_asyncio
from playwright.async_api import expect

from libs.common.flow.model import FlowType, Graph
from tests.authenticator import Authenticator
from tests.browser.chromium import PATIENCE_MS, browsing
from tests.browser.looks import look_at
from tests.gateway import PHONE, SmsGateway, sms_gateway
from tests.integration.executor.conftest import PASSWORD, Build, Executor, House, Reply
from tests.integration.executor.graphs import IDENTIFIER, START, SUCCESS, graph
from tests.integration.executor.graphs import PASSWORD as ASKS_PASSWORD
from tests.mailbox import Mailbox, text_of
from tests.patience import PATIENCE_SECONDS
from tests.typed import holds

EMAIL = "sasha@example.com"
ORIGIN = "http://localhost:8090"
VERIFY = {
    "id": "verify",
    "type": "mfa_verification",
    "config": {"methods": ["sms", "email", "webauthn"]},
}


def in_a_row(*nodes: dict[str, Any]) -> Graph:
    row = [START, *nodes, SUCCESS]
    return graph(row, list(pairwise(each["id"] for each in row)))


@pytest_asyncio.fixture
async def texts() -> AsyncIterator[SmsGateway]:
    async with sms_gateway() as made:
        yield made


@pytest_asyncio.fixture
async def house(build_house: Build, redis_url: str) -> House:
    house = await build_house(redis_url)
    await house.publish(in_a_row(IDENTIFIER, ASKS_PASSWORD, VERIFY))
    await house.person(EMAIL)
    sql = "UPDATE users SET email_verified = true, phone = $1"
    await house.pool.execute(sql, PHONE)
    return house


@pytest_asyncio.fixture
async def executor(house: House, box: Mailbox, texts: SmsGateway) -> Executor:
    return await house.executor(smtp_url=box.url, sms_url=texts.url)


async def after_password(executor: Executor, email: str = EMAIL) -> Reply:
    return await executor.answer(await executor.at_password(email), password=PASSWORD)


def code_in(text: str) -> str:
    (found,) = re.findall(r"\b\d{6}\b", text)
    return str(found)


async def sms_code(texts: SmsGateway) -> str:
    async with asyncio.timeout(PATIENCE_SECONDS):
        _, body = await texts.requests.get()
    sms = msgspec.json.decode(body)
    assert sms["to"] == PHONE
    return code_in(sms["text"])


def claims(done: Reply) -> tuple[list[str], str]:
    assert done.body["flowStatus"] == "COMPLETE", done.body
    token = done.data["userAssertion"]
    found = jwt.decode(token, options={"verify_signature": False})
    return found["amr"], found["acr"]


async def test_who_can_be_reached_in_two_ways_is_sent_a_code_by_the_one_they_pick(
    executor: Executor, box: Mailbox, texts: SmsGateway
) -> None:
    first = await after_password(executor)
    assert "•••00" in json.dumps(first.body, ensure_ascii=False)
    by_sms = await sms_code(texts)
    second = await executor.answer(first, "email")
    said = json.dumps(second.body, ensure_ascii=False)
    assert "s•••@example.com" in said
    assert EMAIL not in said
    by_mail = code_in(text_of(await box.next()))
    # A code is of the way that it went.
    wrong = await executor.answer(second, code=by_sms)
    assert wrong.data["messages"][0]["i18nKey"] == "code.wrong"
    assert claims(await executor.answer(wrong, code=by_mail)) == (["pwd", "otp"], "aal2")
    asked = await after_password(executor)
    done = await executor.answer(asked, code=await sms_code(texts))
    assert claims(done) == (["pwd", "sms"], "aal2")
    assert not holds(executor.logged(), by_sms.encode())


async def test_a_passkey_is_a_second_factor_and_no_second_one_to_itself(
    house: House, executor: Executor, texts: SmsGateway
) -> None:
    setup = {"id": "setup", "type": "webauthn_setup"}
    await house.publish(in_a_row(IDENTIFIER, ASKS_PASSWORD, setup), FlowType.MFA_SETUP)
    step = await executor.start("MFA_SETUP")
    step = await executor.answer(step, identifier=EMAIL)
    step = await executor.answer(step, password=PASSWORD)
    key = Authenticator(ORIGIN)
    made = key.make(step.data["webAuthn"]["publicKeyCredentialCreationOptions"])
    done = await executor.answer(step, tokenResponse=json.dumps(made))
    assert done.body["flowStatus"] == "COMPLETE", done.body

    def shown(asked: Reply) -> str:
        assert asked.body["type"] == "WEBAUTHN", asked.body
        return json.dumps(key.show(asked.data["webAuthn"]["publicKeyCredentialRequestOptions"]))

    asked = await after_password(executor)
    done = await executor.answer(asked, tokenResponse=shown(asked))
    assert claims(done) == (["pwd", "hwk", "user", "mfa"], "aal2")
    # Where a passkey signs in, it is not asked for again.
    await house.publish(in_a_row({"id": "show", "type": "webauthn"}, VERIFY))
    asked = await executor.start()
    second = await executor.answer(asked, tokenResponse=shown(asked))
    assert second.body["type"] == "VIEW"
    done = await executor.answer(second, code=await sms_code(texts))
    assert claims(done)[0] == ["hwk", "user", "mfa", "sms"]


async def test_a_browser_shows_where_a_code_went_and_how_else_to_go_on(
    house: House, box: Mailbox, texts: SmsGateway
) -> None:
    executor = await house.executor(smtp_url=box.url, sms_url=texts.url)
    async with browsing() as browser:
        page = await browser.new_page()
        page.set_default_timeout(PATIENCE_MS)
        await page.goto(f"{executor.url}/portal/LOGIN")
        for name, value in (("identifier", EMAIL), ("password", PASSWORD)):
            await page.locator(f'[name="{name}"]').fill(value)
            await page.get_by_role("button", name="Continue").click()
        await expect(page.get_by_text("•••00")).to_be_visible()
        # Though the code, which is required, was not typed.
        await page.get_by_role("button", name="Have a code sent by email").click()
        await expect(page.get_by_text("s•••@example.com")).to_be_visible()
        await look_at(page, "second-factor")
        await page.locator('[name="code"]').fill(code_in(text_of(await box.next())))
        await page.get_by_role("button", name="Continue").click()
        await expect(page.get_by_text("You are signed in.")).to_be_visible()
