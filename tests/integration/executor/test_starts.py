"""Who may start which flow, and what becomes of who may not (seed 004, DESIGN section 4)."""

from __future__ import annotations

import time
import uuid
from typing import Any

import pytest

from libs.common.flow.model import FlowType, Json
from libs.common.flow.turn import Facts
from libs.common.secret import Secret
from services.executor.assertions import Assertions, KeySet
from tests.integration.executor.candidates import (
    asking,
    candidate,
    lead,
    lead_to,
    policies,
    shown,
)
from tests.integration.executor.conftest import PASSWORD, Build, Executor, House, Reply
from tests.integration.executor.graphs import LOGIN

EMAIL = "sasha@example.com"
OUTPOST = "an-outpost-of-the-deployment-shows-this"
SITE = "https://app.example"


@pytest.fixture
async def house(build_house: Build, redis_url: str) -> House:
    """On one Redis: nothing here depends on which."""
    return await build_house(redis_url)


@pytest.fixture
async def executor(house: House) -> Executor:
    return await house.executor(
        outpost_tokens=Secret(f"another-one-that-nobody-ever-shows,{OUTPOST}"),
        redirect_origins=(SITE,),
        default_redirect="/home",
        allowed_origins=(SITE,),
    )


async def start(
    executor: Executor, bearer: str | None = None, query: str = "", **body: Json
) -> Reply:
    headers = None if bearer is None else {"Authorization": f"Bearer {bearer}"}
    return await executor.post(
        f"/flow/execute{query}", headers=headers, flowType="MFA_SETUP", **body
    )


async def signed_in(house: House, executor: Executor, **attributes: Json) -> str:
    """Return the assertion of somebody who has just signed in."""
    account, _ = await house.person(EMAIL)
    if attributes:
        key = str(uuid.uuid4())
        await house.directory.write("default", key, account, {"email": EMAIL, **attributes}, None)
    await house.publish(LOGIN)
    done = await executor.answer(await executor.at_password(EMAIL), password=PASSWORD)
    token: str = done.data["userAssertion"]
    return token


async def test_the_first_flow_whose_policies_pass_runs(house: House, executor: Executor) -> None:
    closed = await candidate(house, "closed", (asking("closed"), 1), policies=policies("false"))
    broken = await candidate(house, "broken", (asking("broken"), 1), policies=policies("user.a"))
    open_ = await candidate(house, "open", (asking("open"), 1), policies=policies("true"))
    later = await candidate(house, "later", (asking("later"), 1))
    await lead(house, closed, broken, open_, later)
    assert shown(await start(executor)) == "open"
    assert shown(await start(executor, flow="later")) == "later"


async def test_a_start_that_names_a_flow_gets_that_or_none(
    house: House, executor: Executor
) -> None:
    closed = await candidate(house, "closed", (asking("closed"), 1), policies=policies("false"))
    await lead(house, closed, await candidate(house, "open", (asking("open"), 1)))
    assert shown(await start(executor)) == "open"
    refused = await start(executor, flow="closed")
    assert (refused.status, refused.body["code"]) == (403, "FE-40301")
    assert (await start(executor, flow="nowhere")).status == 404


async def test_policies_see_the_request(house: House, executor: Executor) -> None:
    await lead_to(house, "here", policies=policies("startsWith(request.user_agent, 'Gate')"))
    agent = {"User-Agent": "Gatekeeper/1"}
    assert (await executor.post(headers=agent, flowType="MFA_SETUP")).status == 200
    assert (await start(executor)).status == 403


async def test_policies_see_who_shows_an_assertion_and_nobody_else(
    house: House, executor: Executor
) -> None:
    token = await signed_in(house, executor)
    await lead_to(house, "hers", policies=policies(f"user.email === '{EMAIL}'"))
    assert shown(await start(executor, token)) == "hers"
    assert (await start(executor)).status == 403


async def test_all_policies_or_any_may_have_to_pass(house: House, executor: Executor) -> None:
    both = policies("true", "false")
    await lead_to(house, "any", policies=both, policy_engine_mode="any")
    assert (await start(executor)).status == 200
    await lead_to(house, "all", policies=both, policy_engine_mode="all")
    assert (await start(executor)).status == 403
    negated = [{"expression": "false", "negate": True}]
    await lead_to(house, "negated", policies=negated)
    assert (await start(executor)).status == 200


@pytest.mark.parametrize(
    ("authentication", "nobody", "user", "superuser", "outpost"),
    [
        ("none", 200, 200, 200, 200),
        ("require_authenticated", 401, 200, 200, 401),
        ("require_unauthenticated", 200, 403, 403, 200),
        ("require_superuser", 401, 403, 200, 401),
        ("require_outpost", 403, 403, 403, 200),
    ],
)
async def test_a_flow_says_who_has_to_call(
    house: House,
    executor: Executor,
    authentication: str,
    nobody: int,
    user: int,
    superuser: int,
    outpost: int,
) -> None:
    token = await signed_in(house, executor)
    await lead_to(house, "guarded", authentication=authentication)
    assert (await start(executor)).status == nobody
    assert (await start(executor, token)).status == user
    assert (await start(executor, OUTPOST)).status == outpost
    account, _ = await house.person("root@example.com")
    grown = {"email": "root@example.com", "is_superuser": True}
    await house.directory.write("default", str(uuid.uuid4()), account, grown, None)
    assert (await start(executor, await asserted(house, account))).status == superuser


async def test_who_only_says_to_be_a_superuser_is_none(house: House, executor: Executor) -> None:
    token = await signed_in(house, executor, is_superuser="true")
    await lead_to(house, "guarded", authentication="require_superuser")
    assert (await start(executor, token)).status == 403


async def asserted(
    house: House, account: str, *, tenant: str = "default", ago: float = 0, stands: bool = True
) -> str:
    """Sign what the executor would have signed so many seconds ago."""
    sid, since = uuid.uuid4().hex, int(time.time() - ago)
    if stands:
        await house.sign_ins.keep(tenant, sid, account, auth_time=since, amr=("pwd",), acr="aal1")
    signer = Assertions(
        KeySet.parse(house.settings.assertion_keys),
        lambda: time.time() - ago,
        issuer=house.settings.issuer,
        audience=house.settings.audience,
        lifetime=house.settings.assertion_seconds,
    )
    return signer.sign(tenant, sid, Facts(account=account, proved=("pwd",)), since)


async def test_a_bearer_that_proves_nothing_is_refused_whatever_the_flow_wants(
    house: House, executor: Executor
) -> None:
    account, _ = await house.person(EMAIL)
    await lead_to(house, "open")
    assert (await start(executor, await asserted(house, account))).status == 200
    gone = await asserted(house, str(uuid.uuid4()))
    late = await asserted(house, account, ago=120)
    elsewhere = await asserted(house, account, tenant="acme")
    ended = await asserted(house, account, stands=False)
    refusals = []
    for bearer in ("", "nonsense", OUTPOST[:-1], gone, late, elsewhere, ended):
        refused = await start(executor, bearer)
        assert (refused.status, refused.body["code"]) == (401, "FE-40101")
        assert refused.headers["WWW-Authenticate"] == "Bearer"
        del refused.body["traceId"]
        refusals.append(refused.body)
    # That an account is gone is told no otherwise than that a signature is wrong.
    assert all(body == refusals[0] for body in refusals)
    logged = executor.logged()
    for bearer in (gone, late, elsewhere, OUTPOST):
        assert bearer.encode() not in logged


async def test_another_scheme_is_nobodys_bearer(house: House, executor: Executor) -> None:
    await lead_to(house, "open")
    proxys = {"Authorization": "Basic c2FzaGE6c2VjcmV0"}
    assert (await executor.post(headers=proxys, flowType="MFA_SETUP")).status == 200


async def test_a_bearer_means_nothing_once_the_flow_is_begun(
    house: House, executor: Executor
) -> None:
    await lead_to(house, "open")
    step = await start(executor)
    done = await executor.post(
        headers={"Authorization": "Bearer nonsense"},
        flowId=step.body["flowId"],
        inputs={"open": "sesame"},
    )
    assert (done.status, done.body["flowStatus"]) == (200, "COMPLETE")


async def test_an_assertion_shown_at_the_start_earns_no_other(
    house: House, executor: Executor
) -> None:
    token = await signed_in(house, executor)
    guarded = await candidate(
        house, "login", (LOGIN, 1), kind=FlowType.LOGIN, authentication="require_authenticated"
    )
    await lead(house, guarded, kind=FlowType.LOGIN)
    step = await executor.start(headers={"Authorization": f"Bearer {token}"})
    step = await executor.answer(step, identifier=EMAIL)
    assert step.data["requiredParams"] == ["password"]
    wrong = await executor.answer(step, password="not hers")
    assert wrong.body["flowStatus"] == "INCOMPLETE"
    assert "userAssertion" not in wrong.data


DENIED: dict[str, Any] = {"policies": policies("false")}


@pytest.mark.parametrize(
    ("action", "next", "url"),
    [
        ("message_continue", "/back", "/back"),
        ("message_continue", f"{SITE}/back?a=b", f"{SITE}/back?a=b"),
        ("message_continue", None, None),
        ("message", "/back", None),
        ("message", None, None),
        ("continue", "/back", "/back"),
        ("continue", None, "/home"),
    ],
)
async def test_who_is_denied_is_told_or_sent_on(
    house: House,
    executor: Executor,
    action: str,
    next: str | None,  # noqa: A002
    url: str | None,
) -> None:
    await lead_to(house, "closed", denied_action=action, **DENIED)
    query = "" if next is None else f"?next={next}"
    for reply in (await start(executor, next=next), await start(executor, query=query)):
        if url is None:
            assert (reply.status, reply.body["code"]) == (403, "FE-40301")
            continue
        assert reply.status == 200
        assert reply.body == {
            "flowType": "MFA_SETUP",
            "flowStatus": "ERROR",
            "type": "REDIRECTION",
            "data": {"url": url, "redirectURL": url},
        }


async def test_of_several_that_deny_the_first_says_what_becomes_of_it(
    house: House, executor: Executor
) -> None:
    first = await candidate(
        house, "first", (asking("a"), 1), denied_action="continue", authentication="require_outpost"
    )
    second = await candidate(
        house, "second", (asking("b"), 1), denied_action="message", policies=policies("false")
    )
    await lead(house, first, second)
    assert (await start(executor)).data["url"] == "/home"
    assert (await start(executor, flow="second")).status == 403


async def test_nobody_learns_which_policy_refused_them(house: House, executor: Executor) -> None:
    refusals = []
    for settings in (
        {"policies": policies("false")},
        {"policies": policies("user.role === 'admin'")},
        {"policies": policies("request.ip === '192.0.2.7'", "false"), "policy_engine_mode": "all"},
        {"authentication": "require_outpost"},
    ):
        await lead_to(house, "closed", **settings)
        refused = await start(executor)
        del refused.body["traceId"]
        refusals.append((refused.status, refused.body))
    assert all(refusal == refusals[0] for refusal in refusals)


UNSAFE = [
    "//evil.example",
    "/\\evil.example",
    "https:evil.example",
    "https://evil.example/",
    f"{SITE}.evil.example/",
    f"{SITE}@evil.example/",
    "https://user@app.example/",
    "javascript:alert(1)",
    "/home\r\nLocation: https://evil.example",
    "home",
]


@pytest.mark.parametrize("settings", [{}, DENIED, {**DENIED, "denied_action": "message"}])
async def test_nobody_is_sent_to_a_place_that_only_a_link_names(
    house: House, executor: Executor, settings: dict[str, Json]
) -> None:
    await lead_to(house, "any", **settings)
    for unsafe in UNSAFE:
        reply = await start(executor, next=unsafe)
        assert (reply.status, reply.body["code"]) == (400, "FE-40005")
        assert reply.body["description"].endswith(
            "`next` has to be a path of this site, or a page of an allowed origin"
        )
        assert unsafe not in str(reply.body)


ENCODED = [
    "//evil.example",
    "%2F%2Fevil.example",
    "%2F%5Cevil.example",
    "https%3A%2F%2Fevil.example",
    "%252F%252Fevil.example",
    "/home%0d%0aLocation:%20https://evil.example",
    "//evil.example&next=/home",
    "/home%ff%09",
]


async def test_an_encoded_place_is_looked_at_as_what_it_means(
    house: House, executor: Executor
) -> None:
    await lead_to(house, "closed", **DENIED)
    for encoded in ENCODED:
        reply = await start(executor, query=f"?next={encoded}")
        assert (reply.status, reply.body["code"]) == (400, "FE-40005")


async def test_a_page_may_send_who_calls_and_from_which_device(executor: Executor) -> None:
    headers = {"Origin": SITE, "Access-Control-Request-Method": "POST"}
    async with executor.http.options(f"{executor.url}/flow/execute", headers=headers) as preflight:
        allowed = preflight.headers["Access-Control-Allow-Headers"].split(", ")
    assert {"Authorization", "X-Device-Id"} <= set(allowed)
