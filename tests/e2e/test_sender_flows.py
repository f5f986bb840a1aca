"""An SMS by a flow that was saved, activated and compiled for real."""

from __future__ import annotations

import asyncio
import json
import re

import asyncpg

from deploy.local.stack import Stack
from libs.common.flow.model import FlowType
from tests.e2e.conftest import PASSWORD
from tests.e2e.graphs import graph
from tests.e2e.people import enrol
from tests.e2e.walker import Admin, Walker
from tests.gateway import PHONE, sms_gateway
from tests.patience import PATIENCE_SECONDS
from tests.walks import node

BY_SMS = graph(
    "start > who > password > second > done",
    who=node("identifier_input"),
    password=node("password_input"),
    second=node("mfa_verification", methods=["totp", "sms"]),
)
SENDER = {"trigger": {"id": "send-phone-message"}}


async def test_a_second_factor_by_sms_goes_by_the_flow_of_the_tenant(
    admin: Admin, walker: Walker, stack: Stack, database: asyncpg.Connection
) -> None:
    await database.execute("DELETE FROM users")
    ada = await enrol(stack, "ada@example.com", PASSWORD)
    await database.execute("UPDATE users SET phone = $1", PHONE)
    await admin.publish("by-sms", BY_SMS)
    async with sms_gateway() as provider:
        parameters = [{"name": "text", "value": "facts.message.text"}]
        deliver = node("webhook", url=provider.url, parameters=parameters)
        drawn = graph("start > deliver > done", deliver=deliver)
        await admin.publish("our-sms", drawn, FlowType.TRIGGER, **SENDER)
        step = await walker.submit(await walker.start("by-sms"), email=ada.email)
        step = await walker.submit(step, password=PASSWORD)
        async with asyncio.timeout(PATIENCE_SECONDS):
            _, body = await provider.requests.get()
    (code,) = re.findall(r"\b\d{6}\b", json.loads(body)["parameters"]["text"])
    done = await walker.submit(step, code=code)
    assert done.body["flowStatus"] == "COMPLETE"
