"""How the executor says no: unknown and ended flows, and too many requests."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio

from deploy.local.ports import free_port
from deploy.local.services import service_process
from deploy.local.stack import Stack, url
from tests.e2e.conftest import PASSWORD, PATIENT, register
from tests.e2e.walker import EXECUTE, Reply, Walker, answer_to, ask

NOBODYS = "3f0c6a52-8d2b-4a52-9a6e-1a7d0c6f9b11"
"""No session is called so."""
BURST = 3
REFILL_SECONDS = 2


@pytest_asyncio.fixture
async def rita(flows: None, walker: Walker) -> str:
    """The address of somebody who has an account."""
    email = "rita@example.com"
    await register(walker, email)
    return email


@pytest_asyncio.fixture
async def strict(stack: Stack, tmp_path: Path) -> AsyncIterator[str]:
    """The URL of an executor that lets an address call thrice, then every other second."""
    port = free_port()
    limits = {
        "GATEHOUSE_PORT": str(port),
        "GATEHOUSE_ADDRESS_BURST": str(BURST),
        "GATEHOUSE_ADDRESS_RATE": str(1 / REFILL_SECONDS),
    }
    settings = {**stack.settings["executor"], **PATIENT, **limits}
    process = service_process("strict", "executor", port, settings, logs=tmp_path)
    await process.start()
    try:
        # Of a tenant that nothing else asks for: its buckets are its own.
        yield f"{url(port)}/t/tenant-{uuid.uuid4().hex[:8]}{EXECUTE}"
    finally:
        await process.stop()


def fault(reply: Reply) -> tuple[int, str]:
    assert set(reply.body) >= {"code", "message", "description", "traceId"}
    return reply.status, reply.body["code"]


@pytest.mark.parametrize("flow", [NOBODYS, "no-id-at-all", "../../etc/passwd", "\0"])
async def test_an_unknown_flow_is_not_found_and_says_how_to_start_again(
    walker: Walker, flow: str
) -> None:
    lost = await walker.post({"flowId": flow, "inputs": {"password": PASSWORD}})
    assert fault(lost) == (404, "FE-40401")
    assert "flowType" in lost.body["description"]
    assert PASSWORD.encode() not in lost.content


async def test_a_flow_that_has_ended_is_gone_and_says_what_to_start_again(
    walker: Walker, rita: str
) -> None:
    step = await walker.at_password("login", rita)
    done = await walker.submit(step, password=PASSWORD)
    assert done.body["flowStatus"] == "COMPLETE"
    late = await walker.post({"flowId": done.flow, "inputs": {"code": "123456"}})
    assert fault(late) == (410, "FE-41001")
    assert late.body["flowType"] == "LOGIN"
    assert "flowType" in late.body["description"]
    assert (await walker.submit(step, password=PASSWORD)).content == done.content


async def test_a_session_is_unknown_to_every_tenant_but_its_own(walker: Walker, rita: str) -> None:
    body = answer_to(await walker.start("login"), identifier=rita)
    assert fault(await walker.post(body, path=f"/t/other{EXECUTE}")) == (404, "FE-40401")
    assert (await walker.post(body)).asks == ["password"]


async def test_every_answer_says_how_many_requests_are_left(walker: Walker, rita: str) -> None:
    step = await walker.start("login")
    flow = step.flow
    asked = await walker.submit(step, identifier=rita)
    answers = {
        200: asked,
        400: await walker.post("{not JSON"),
        404: await walker.post({"flowId": NOBODYS}),
        409: await walker.submit(step, identifier="other@example.com"),
        415: await walker.post("flowType=LOGIN", headers={"Content-Type": "text/plain"}),
    }
    await walker.submit(asked, password=PASSWORD)
    answers[410] = await walker.post({"flowId": flow, "inputs": {"code": "123456"}})
    now = time.time()
    for status, reply in answers.items():
        assert reply.status == status, reply.content
        limit, remaining, reset = (
            int(reply.headers[f"X-RateLimit-{name}"]) for name in ("Limit", "Remaining", "Reset")
        )
        assert 0 <= remaining < limit
        assert abs(reset - now) < 3600, "an epoch second"


async def test_who_calls_too_often_is_told_when_to_come_back_and_is_served_then(
    http: aiohttp.ClientSession, strict: str
) -> None:
    async def start() -> Reply:
        return await ask(http, "POST", strict, {"flowType": "LOGIN"})

    served = []
    while (reply := await start()).status != 429:
        served.append(reply)
    # More than the burst where this machine is so slow that the bucket is refilled meanwhile.
    assert len(served) >= BURST
    assert {fault(answer) for answer in served} == {(404, "FE-40401")}
    assert {answer.headers["X-RateLimit-Limit"] for answer in served} == {str(BURST)}
    assert fault(reply) == (429, "FE-42901")
    assert reply.headers["X-RateLimit-Remaining"] == "0"
    wait = int(reply.headers["Retry-After"])
    assert 1 <= wait <= REFILL_SECONDS
    await asyncio.sleep(wait)
    assert (await start()).status == 404
