"""Whole flows, as a client walks them."""

from __future__ import annotations

import jwt
import pytest
import structlog

from libs.common.flow.model import FlowType, Invariant, Library
from services.executor import turns
from tests.integration.executor.candidates import candidate, lead
from tests.integration.executor.conftest import PASSWORD, Executor, House
from tests.integration.executor.graphs import LOGIN, MFA_LOGIN, REGISTRATION

EMAIL = "sasha@example.com"


async def claims_of(executor: Executor, token: str) -> dict[str, object]:
    async with executor.http.get(f"{executor.url}/.well-known/jwks.json") as answer:
        keys = jwt.PyJWKSet.from_dict(await answer.json())
    kid = jwt.get_unverified_header(token)["kid"]
    claims: dict[str, object] = jwt.decode(
        token, keys[kid], algorithms=["ES256"], audience="gatehouse", issuer="http://localhost:8090"
    )
    return claims


async def test_who_knows_the_password_gets_an_assertion(house: House, executor: Executor) -> None:
    await house.publish(LOGIN)
    account, _ = await house.person(EMAIL)
    step = await executor.start()
    assert step.status == 200
    assert step.body["flowStatus"] == "INCOMPLETE"
    assert step.data["requiredParams"] == ["identifier"]
    step = await executor.answer(step, identifier=" Sasha@Example.com")
    assert step.data["requiredParams"] == ["password"]
    done = await executor.answer(step, password=PASSWORD)
    assert (done.body["flowStatus"], done.body["type"]) == ("COMPLETE", "VIEW")
    assert done.data["userAssertion"] == done.data["additionalData"]["userAssertion"]
    claims = await claims_of(executor, done.data["userAssertion"])
    assert (claims["sub"], claims["amr"], claims["acr"]) == (account, ["pwd"], "aal1")
    assert claims["exp"] == int(str(claims["iat"])) + 60


async def test_an_authenticator_is_asked_for_where_there_is_one(
    house: House, executor: Executor
) -> None:
    await house.publish(MFA_LOGIN)
    await house.person("plain@example.com")
    _, totp = await house.person(EMAIL, totp=True)
    assert totp is not None
    done = await executor.answer(await executor.at_password("plain@example.com"), password=PASSWORD)
    assert done.body["flowStatus"] == "COMPLETE"
    step = await executor.answer(await executor.at_password(EMAIL), password=PASSWORD)
    assert step.data["requiredParams"] == ["code"]
    done = await executor.answer(step, code=totp.now())
    claims = await claims_of(executor, done.data["userAssertion"])
    assert (claims["amr"], claims["acr"]) == (["pwd", "otp"], "aal2")


async def test_registering_ends_with_an_account_that_can_sign_in(
    house: House, executor: Executor
) -> None:
    await house.publish(REGISTRATION, FlowType.REGISTRATION)
    await house.publish(LOGIN)
    step = await executor.start("REGISTRATION")
    assert step.data["requiredParams"] == ["email", "password"]
    done = await executor.answer(step, "submit-registration", email=EMAIL, password=PASSWORD)
    assert done.body["flowStatus"] == "COMPLETE"
    done = await executor.answer(await executor.at_password(EMAIL), password=PASSWORD)
    assert done.body["flowStatus"] == "COMPLETE"


async def test_who_proves_less_than_the_tenant_demands_is_refused_and_the_log_says_by_what(
    house: House, executor: Executor, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A logger that nobody has used yet writes to this very executor's log.
    monkeypatch.setattr(turns, "log", structlog.get_logger())
    demand = Invariant("two-factors", FlowType.LOGIN, "size(factors) >= 2")
    library = Library(invariants=(demand,))
    kind = FlowType.LOGIN
    login = await candidate(house, "mfa-login", (MFA_LOGIN, 1), kind=kind, library=library)
    await lead(house, login, kind=kind)
    await house.person("plain@example.com")
    _, totp = await house.person(EMAIL, totp=True)
    assert totp is not None
    refused = await executor.answer(
        await executor.at_password("plain@example.com"), password=PASSWORD
    )
    assert refused.body["flowStatus"] == "ERROR"
    assert "userAssertion" not in refused.data
    assert "two-factors" not in str(refused.body)
    assert b'"event":"invariant_refused"' in executor.logged()
    assert b"two-factors" in executor.logged()
    step = await executor.answer(await executor.at_password(EMAIL), password=PASSWORD)
    done = await executor.answer(step, code=totp.now())
    assert done.data["userAssertion"]
    async with executor.http.get(f"{executor.url}/metrics") as answer:
        exposed = await answer.text()
    assert 'gatehouse_invariant_refusals_total{tenant="default",type="login"} 1.0' in exposed
