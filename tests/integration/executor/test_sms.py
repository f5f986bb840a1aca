"""SMS, from the turn to a gateway that answers over HTTP."""

from __future__ import annotations

import asyncio
import base64
import re
import uuid
from collections.abc import AsyncIterator

import jwt
import msgspec
import pytest
import pytest_asyncio

from deploy.local.ports import free_port
from libs.common.chassis.consume import Hopeless
from libs.common.chassis.networks import Networks
from libs.common.chassis.outgoing import Outgoing
from libs.common.errors import Unavailable
from libs.common.flow.questions import Written
from libs.common.secret import Secret
from services.executor.messages.gateway import Account, Gateway, GatewayForm, check_url
from services.executor.messages.trouble import PutOff
from tests.gateway import PHONE, SmsGateway, sms_gateway
from tests.integration.executor.conftest import Build
from tests.integration.executor.graphs import START, SUCCESS, graph
from tests.patience import PATIENCE_SECONDS


@pytest_asyncio.fixture
async def provider() -> AsyncIterator[SmsGateway]:
    async with sms_gateway() as made:
        yield made


@pytest_asyncio.fixture
async def line() -> AsyncIterator[Outgoing]:
    async with Outgoing(Networks(("0.0.0.0/0",))) as made:
        yield made


def gateway(
    line: Outgoing,
    url: str,
    form: GatewayForm = "json",
    user: str | None = None,
    *,
    seconds: float = PATIENCE_SECONDS,
) -> Gateway:
    account = Account(url, form, "Us", user, Secret("hunter2"))
    return Gateway(line, account, seconds=seconds)


async def test_a_gateway_is_sent_json_with_a_key_to_know_a_repeat_by(
    line: Outgoing, provider: SmsGateway
) -> None:
    await gateway(line, provider.url).send("Hello", to=PHONE, key="k1")
    headers, body = await provider.requests.get()
    assert msgspec.json.decode(body) == {"to": PHONE, "from": "Us", "text": "Hello"}
    assert (headers["Authorization"], headers["Idempotency-Key"]) == ("Bearer hunter2", "k1")


async def test_a_user_of_a_gateway_has_a_password(line: Outgoing, provider: SmsGateway) -> None:
    await gateway(line, provider.url, user="us").send("Hello", to=PHONE, key="k1")
    headers, _ = await provider.requests.get()
    assert headers["Authorization"] == "Basic " + base64.b64encode(b"us:hunter2").decode()


async def test_twilio_is_sent_its_form(line: Outgoing, provider: SmsGateway) -> None:
    await gateway(line, provider.url, "twilio", "AC1").send("1 & 2", to=PHONE, key="k1")
    headers, body = await provider.requests.get()
    assert body == b"To=%2B12025550100&From=Us&Body=1+%26+2"
    assert headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert headers["Authorization"] == "Basic " + base64.b64encode(b"AC1:hunter2").decode()


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, Hopeless),
        (302, Hopeless),
        (401, Unavailable),
        (403, Unavailable),
        (408, PutOff),
        (429, PutOff),
        (500, PutOff),
        (503, PutOff),
    ],
)
async def test_what_a_gateway_says_decides_whether_it_is_asked_again(
    line: Outgoing, provider: SmsGateway, status: int, error: type[Exception]
) -> None:
    provider.status = status
    with pytest.raises(error) as raised:
        await gateway(line, provider.url).send("Hello", to=PHONE, key="k1")
    assert PHONE not in str(raised.value)


async def test_a_gateway_that_is_away_is_waited_for(line: Outgoing) -> None:
    with pytest.raises(Unavailable):
        await gateway(line, f"http://127.0.0.1:{free_port()}").send("Hello", to=PHONE, key="k1")


async def test_a_gateway_that_is_slow_is_asked_again(line: Outgoing, provider: SmsGateway) -> None:
    provider.open.clear()
    with pytest.raises(PutOff):
        await gateway(line, provider.url, seconds=0.2).send("Hello", to=PHONE, key="k1")


@pytest.mark.parametrize(
    "url", ["sms.example.com", "ftp://sms.example.com", "https://", "https://us:pw@sms.example.com"]
)
def test_what_nobody_can_call_is_no_gateway(url: str) -> None:
    with pytest.raises(ValueError, match="is https://host/path"):
        check_url(url)


async def test_a_code_that_was_sent_by_sms_signs_in(
    build_house: Build, redis_url: str, provider: SmsGateway
) -> None:
    house = await build_house(redis_url)
    executor = await house.executor(sms_url=provider.url)
    who = {"id": "who", "type": "identifier_input", "config": {"identifier_types": ["phone"]}}
    code = {"id": "code", "type": "otp_input", "config": {"channel": "sms"}}
    await house.publish(
        graph(
            [START, who, code, SUCCESS],
            [("start", "who"), ("who", "code"), ("code", "success")],
        )
    )
    key = str(uuid.uuid4())
    made = await house.directory.write("default", key, None, {"phone": PHONE}, None)
    assert isinstance(made, Written)
    step = await executor.answer(await executor.start(), phone=PHONE)
    async with asyncio.timeout(PATIENCE_SECONDS):
        _, body = await provider.requests.get()
    sms = msgspec.json.decode(body)
    assert sms["to"] == PHONE
    (digits,) = re.findall(r"\b\d{6}\b", sms["text"])
    done = await executor.answer(step, code=digits)
    assert done.body["flowStatus"] == "COMPLETE"
    claims = jwt.decode(done.data["userAssertion"], options={"verify_signature": False})
    assert claims["amr"] == ["sms"]
    assert PHONE.encode() not in executor.logged()
