"""A sign-in with a flow inside it, a trigger at its end, and policies; and what changes them."""

from __future__ import annotations

import aiohttp
import asyncpg
import pyotp
import pytest_asyncio

from deploy.local.stack import Stack
from libs.common.flow.model import FlowType
from tests.e2e.conftest import PASSWORD
from tests.e2e.graphs import graph
from tests.e2e.people import enrol
from tests.e2e.walker import Admin, Json, Reply, Walker, claims_of
from tests.walks import asks, calls, checks, node, when

ADA, EVE = "ada@example.com", "eve@example.com"
CLOSED = "request.user_agent === 'shut out'"

SECOND_FACTOR = graph(
    "start > code > done", "code:not_enrolled > done", code=node("mfa_verification")
)
OUTER = graph(
    "start > who > password > mfa > survey > done",
    "survey:skipped > done",
    who=node("identifier_input"),
    password=node("password_input"),
    mfa=calls("second-factor"),
    # Only who has an authenticator is asked.
    survey=when(asks("survey"), "user.mfa_enabled", at_start=False, each_time=True),
)
WELCOME = graph("start > word > done", word=asks("welcome"))
NOBODY_CLOSED_OUT = [{"expression": CLOSED, "negate": True}]


class Flows:
    """The ids of the flows that make up the sign-in."""

    def __init__(self, inner: str, trigger: str, outer: str) -> None:
        self.inner = inner
        self.trigger = trigger
        self.outer = outer


@pytest_asyncio.fixture
async def composed(admin: Admin) -> Flows:
    return Flows(
        inner=await admin.publish("second-factor", SECOND_FACTOR, "mfa_setup"),
        trigger=await admin.publish(
            "welcome", WELCOME, FlowType.TRIGGER, trigger={"id": "post-login"}
        ),
        outer=await admin.publish("composed", OUTER, policies=NOBODY_CLOSED_OUT),
    )


@pytest_asyncio.fixture
async def authenticator(stack: Stack, database: asyncpg.Connection) -> pyotp.TOTP:
    """What Ada has; Eve has an account and no authenticator."""
    await database.execute("DELETE FROM users")
    await enrol(stack, EVE, PASSWORD)
    ada = await enrol(stack, ADA, PASSWORD, totp=True)
    assert ada.authenticator is not None
    return ada.authenticator


async def past_password(walker: Walker, email: str) -> Reply:
    step = await walker.start("composed")
    step = await walker.submit(step, email=email)
    return await walker.submit(step, password=PASSWORD)


async def test_a_sign_in_goes_through_all_that_it_is_made_of(
    http: aiohttp.ClientSession,
    stack: Stack,
    walker: Walker,
    composed: Flows,
    authenticator: pyotp.TOTP,
) -> None:
    step = await past_password(walker, ADA)
    assert step.asks == ["code"], "of the flow that runs inside"
    step = await walker.submit(step, code=authenticator.now())
    assert step.asks == ["survey"], "whose policy passes"
    step = await walker.submit(step, survey="fine")
    assert step.asks == ["welcome"], "of the trigger"
    done = await walker.submit(step, welcome="thanks")
    assert (await claims_of(http, stack.facts, done))["amr"] == ["pwd", "otp"]


async def test_policies_leave_out_a_node_and_keep_out_a_caller(
    http: aiohttp.ClientSession,
    stack: Stack,
    walker: Walker,
    composed: Flows,
    authenticator: pyotp.TOTP,
) -> None:
    step = await past_password(walker, EVE)
    assert step.asks == ["welcome"], "neither a code nor the survey is for her"
    done = await walker.submit(step, welcome="thanks")
    assert (await claims_of(http, stack.facts, done))["amr"] == ["pwd"]
    refused = await walker.post({"flowType": "LOGIN"}, headers={"User-Agent": "shut out"})
    assert (refused.status, refused.body["code"]) == (403, "FE-40301")


async def test_a_new_version_of_what_runs_inside_is_for_new_sessions_only(
    admin: Admin, walker: Walker, composed: Flows, authenticator: pyotp.TOTP
) -> None:
    was = await admin.done("GET", f"/{composed.outer}")
    running = await past_password(walker, ADA)
    longer = graph(
        "start > notice > code > done",
        "code:not_enrolled > done",
        notice=asks("notice"),
        code=node("mfa_verification"),
    )
    await admin.republish(composed.inner, longer)
    step = await walker.submit(running, code=authenticator.now())
    assert step.asks == ["survey"]
    assert (await past_password(walker, EVE)).asks == ["notice"]
    now = await admin.done("GET", f"/{composed.outer}")
    assert (now["version"], now["updated_at"]) == (was["version"], was["updated_at"])
    await admin.done("POST", f"/{composed.inner}/rollback")
    assert (await past_password(walker, EVE)).asks == ["welcome"]


async def test_a_new_version_of_a_trigger_is_for_new_sessions_only(
    admin: Admin, walker: Walker, composed: Flows, authenticator: pyotp.TOTP
) -> None:
    running = await walker.submit(await walker.start("composed"), email=EVE)
    settings: Json = {"trigger": {"id": "post-login"}}
    goodbye = graph("start > word > done", word=asks("goodbye"))
    await admin.republish(composed.trigger, goodbye, **settings)
    assert (await walker.submit(running, password=PASSWORD)).asks == ["welcome"]
    assert (await past_password(walker, EVE)).asks == ["goodbye"]
    await admin.done("POST", f"/{composed.trigger}/deactivate")
    assert (await past_password(walker, EVE)).body["flowStatus"] == "COMPLETE"


async def test_a_trigger_that_fails_halts_the_sign_in(
    admin: Admin, walker: Walker, composed: Flows, authenticator: pyotp.TOTP
) -> None:
    only_ada = graph(
        "start > check",
        "check:true > done",
        "check:false > failed",
        check=checks(f"user.email === '{ADA}'"),
        failed=node("failure", message="Not today"),
    )
    await admin.republish(composed.trigger, only_ada)
    halted = await past_password(walker, EVE)
    assert (halted.status, halted.body["flowStatus"]) == (200, "ERROR")
    assert [message["message"] for message in halted.data["messages"]] == ["Not today"]
    assert b"eyJ" not in halted.content
    step = await walker.submit(await past_password(walker, ADA), code=authenticator.now())
    assert (await walker.submit(step, survey="fine")).body["flowStatus"] == "COMPLETE"


async def test_what_runs_inside_an_active_flow_cannot_be_taken_away(
    admin: Admin, walker: Walker, composed: Flows, authenticator: pyotp.TOTP
) -> None:
    for method, path in (
        ("POST", f"/{composed.inner}/deactivate"),
        ("DELETE", f"/{composed.inner}"),
    ):
        assert (await admin.ask(method, path)).status == 409
    assert (await past_password(walker, ADA)).asks == ["code"]
    await admin.done("POST", f"/{composed.outer}/deactivate")
    await admin.done("POST", f"/{composed.inner}/deactivate")
    refused = await admin.ask("POST", f"/{composed.outer}/activate")
    assert refused.status == 400
    assert [problem["code"] for problem in refused.body["problems"]] == ["unknown_subflow"]
