"""Whose pages may call: the operator's for every tenant, and for each tenant its own."""

from __future__ import annotations

import pytest

from libs.common.wire.tenants import TenantSettings, encode_settings
from services.executor import tenants
from tests.integration.executor.conftest import Build, Executor, House
from tests.integration.executor.graphs import LOGIN

OPERATORS, ACMES, GLOBEXES = (
    "https://portal.example",
    "https://acme.example",
    "https://globex.example",
)
ALLOW = "Access-Control-Allow-Origin"


@pytest.fixture
async def house(build_house: Build, redis_url: str) -> House:
    """On one Redis: nothing here depends on which."""
    house = await build_house(redis_url)
    for tenant, origin in (("acme", ACMES), ("globex", GLOBEXES)):
        await house.publish(LOGIN, tenant=tenant)
        await say(house, tenant, origin)
    return house


async def say(house: House, tenant: str, *origins: str) -> None:
    await house.pool.execute(
        "INSERT INTO tenants (name, settings) VALUES ($1, $2)"
        " ON CONFLICT (name) DO UPDATE SET settings = excluded.settings",
        *(tenant, encode_settings(TenantSettings(origins))),
    )


async def may_call(executor: Executor, tenant: str, origin: str) -> bool:
    """Whether pages may: the same before a call, with its answer, and with a refusal."""
    path, headers = f"/t/{tenant}/flow/execute", {"Origin": origin}
    asked = {**headers, "Access-Control-Request-Method": "POST"}
    async with executor.http.options(f"{executor.url}{path}", headers=asked) as preflight:
        assert preflight.status == 204
        told = [dict(preflight.headers)]
    for kind, status in (("LOGIN", 200), ("PARTY", 400)):
        reply = await executor.post(path, flowType=kind, headers=headers)
        assert reply.status == status
        told.append(reply.headers)
    assert all(each["Vary"] == "Origin" for each in told)
    assert not any("Access-Control-Allow-Credentials" in each for each in told)
    allowed = {each.get(ALLOW) for each in told}
    assert allowed in ({None}, {origin})
    return allowed == {origin}


async def test_each_tenant_has_pages_of_its_own_beside_the_operators(house: House) -> None:
    executor = await house.executor(allowed_origins=(OPERATORS,))
    for tenant, own, others in (("acme", ACMES, GLOBEXES), ("globex", GLOBEXES, ACMES)):
        assert await may_call(executor, tenant, OPERATORS)
        assert await may_call(executor, tenant, own)
        assert not await may_call(executor, tenant, others)
        assert not await may_call(executor, tenant, "null")
    assert not (await executor.post("/t/acme/flow/execute", flowType="LOGIN")).headers.get(ALLOW)


async def test_a_change_is_seen_and_a_tenant_by_its_host(house: House) -> None:
    executor = await house.executor(
        tenant_settings_seconds=0.0, tenant_hosts=("login.acme.example=acme",)
    )
    assert await may_call(executor, "acme", ACMES)
    await say(house, "acme", "https://new.example")
    assert not await may_call(executor, "acme", ACMES)
    assert await may_call(executor, "acme", "https://new.example")
    headers = {"Host": "login.acme.example", "Origin": "https://new.example"}
    assert (await executor.start(headers=headers)).headers[ALLOW] == "https://new.example"


async def test_what_was_known_holds_while_postgresql_does_not_say(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    executor = await house.executor(tenant_settings_seconds=0.0)
    assert await may_call(executor, "acme", ACMES)
    monkeypatch.setattr(tenants, "_MOMENT_SECONDS", 0.1)
    monkeypatch.setattr(tenants, "_LOOK_SECONDS", 0.5)
    async with house.pool.acquire() as other, other.transaction():
        # A server that hangs: whoever reads waits for this.
        await other.execute("LOCK TABLE tenants IN ACCESS EXCLUSIVE MODE")
        assert await may_call(executor, "acme", ACMES)
        # Of whom nothing is known, nothing is allowed; what is asked is done all the same.
        assert not await may_call(executor, "globex", GLOBEXES)
