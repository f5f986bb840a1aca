"""Sign-in with a provider, against a real one over TLS."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
import msgspec
import pytest
import pytest_asyncio

from deploy.local.ports import free_port
from libs.common.chassis.outgoing import Outgoing
from libs.common.chassis.seal import Keys
from libs.common.flow.model import FlowType
from libs.common.wire.providers import PURPOSE, Oidc
from services.executor import __main__ as starting
from tests.integration.executor.conftest import Build, Executor, House, Reply
from tests.integration.executor.graphs import IDENTIFIER, PASSWORD, START, SUCCESS, graph
from tests.integration.executor.test_passkeys import at_setup
from tests.providers.openid import CLIENT_ID, CLIENT_SECRET, Provider, provider

CALLBACK = "https://app.example.com/callback"
SELECT: dict[str, Any] = {"providers": ["google"], "callback": CALLBACK, "attempts": 3}
WRITE = {"id": "write", "type": "user_write"}
VISIT_LOOPBACK = ("127.0.0.1/32", "::1/128")


def sign_in(**config: Any) -> Any:  # noqa: ANN401 - a graph
    select = {"id": "select", "type": "social_provider_select", "config": {**SELECT, **config}}
    return graph(
        [START, select, WRITE, SUCCESS],
        [("start", "select"), ("select", "success"), ("select", "write", "new_user"),
         ("write", "success")],
    )  # fmt: skip


@pytest_asyncio.fixture
async def google(tmp_path: Path) -> AsyncIterator[Provider]:
    async with provider(tmp_path, CALLBACK) as google:
        yield google


@pytest_asyncio.fixture
async def house(
    build_house: Build, redis_url: str, google: Provider, monkeypatch: pytest.MonkeyPatch
) -> House:
    house = await build_house(redis_url)
    # What differs from the internet is who vouches for the certificate.
    monkeypatch.setattr(starting, "Outgoing", partial(Outgoing, tls=google.tls))
    await house.publish(sign_in())
    await known(house, google)
    return house


async def known(house: House, google: Provider, tenant: str = "default") -> None:
    """Have the tenant know the provider, as management does."""
    config = Oidc(google.issuer, CLIENT_ID, ("openid", "email", "profile"))
    keys = Keys.parse(house.settings.credential_keys)
    sealed = keys.box(tenant, "google").seal(PURPOSE, CLIENT_SECRET.encode())
    await house.pool.execute("INSERT INTO tenants (name) VALUES ($1)", tenant)
    await house.pool.execute(
        "INSERT INTO providers (tenant, id, display_name, kind, config, sealed)"
        " VALUES ($1, 'google', 'Google', 'oidc', $2, $3)",
        tenant,
        msgspec.json.encode(config).decode(),
        sealed,
    )


async def started(house: House) -> Executor:
    return await house.executor(outgoing_allowed=VISIT_LOOPBACK)


def url_of(step: Reply) -> str:
    assert step.body["type"] == "REDIRECTION", step.body
    assert step.data["url"] == step.data["redirectURL"]
    url: str = step.data["url"]
    return url


async def came(executor: Executor, google: Provider, name: str) -> Reply:
    """Have somebody sign in by the first flow there is."""
    step = await executor.start()
    return await executor.answer(step, **await google.sign_in(url_of(step), name))


def claims(done: Reply) -> dict[str, Any]:
    assert done.body["flowStatus"] == "COMPLETE", done.body
    token = done.data["userAssertion"]
    found: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return found


async def test_somebody_new_gets_an_account_and_is_known_from_then_on(
    house: House, google: Provider
) -> None:
    executor = await started(house)
    first = claims(await came(executor, google, "sasha"))
    user = await house.directory.load("default", first["sub"])
    assert user is not None
    assert (user["email"], user["name"]) == ("sasha@example.com", "sasha")
    again = claims(await came(executor, google, "sasha"))
    assert (again["sub"], again["amr"], again["acr"]) == (first["sub"], ["fed"], "aal1")
    row = await house.pool.fetchrow("SELECT issuer, subject FROM external_identities")
    assert tuple(row or ()) == (google.issuer, "sasha")
    logged = executor.logged()
    assert b"sasha" not in logged
    assert CLIENT_SECRET.encode() not in logged


async def test_what_the_user_is_sent_with_is_of_this_session_alone(
    house: House, google: Provider
) -> None:
    executor = await started(house)
    asked = [
        {name: value for name, (value,) in parse_qs(urlsplit(url_of(step)).query).items()}
        for step in (await executor.start(), await executor.start())
    ]
    for each in asked:
        assert each["response_type"] == "code"
        assert each["code_challenge_method"] == "S256"
        assert each["redirect_uri"] == CALLBACK
        assert each["scope"] == "openid email profile"
    for name in ("state", "nonce", "code_challenge"):
        assert asked[0][name] != asked[1][name]


async def test_a_code_of_another_session_signs_nobody_in(house: House, google: Provider) -> None:
    executor = await started(house)
    mine, theirs = await executor.start(), await executor.start()
    back = await google.sign_in(url_of(theirs), "mallory")
    # Whoever is led back into a sign-in that somebody else began.
    refused = await executor.answer(mine, **back)
    assert refused.data["messages"][0]["i18nKey"] == "provider.refused"
    # With the state as well: the code was asked for with another verifier.
    mine = await executor.answer(refused, "google")
    (state,) = parse_qs(urlsplit(url_of(mine)).query)["state"]
    refused = await executor.answer(mine, **{**back, "state": state})
    assert refused.data["messages"][0]["i18nKey"] == "provider.refused"
    assert await house.pool.fetchval("SELECT count(*) FROM users") == 0
    assert claims(await executor.answer(theirs, **back))


async def test_a_code_is_good_once(house: House, google: Provider) -> None:
    executor = await started(house)
    step = await executor.start()
    back = await google.sign_in(url_of(step), "sasha")
    assert claims(await executor.answer(step, **back))
    other = await executor.start()
    refused = await executor.answer(other, **back)
    assert refused.data["messages"][0]["i18nKey"] == "provider.refused"


async def test_another_provider_that_sends_somebody_back_is_refused(
    house: House, google: Provider
) -> None:
    executor = await started(house)
    step = await executor.start()
    back = await google.sign_in(url_of(step), "sasha")
    assert back["iss"] == google.issuer
    refused = await executor.answer(step, **{**back, "iss": "https://evil.example"})
    assert refused.data["messages"][0]["i18nKey"] == "provider.refused"


async def test_who_comes_back_without_a_code_is_asked_again_and_at_last_turned_away(
    house: House, google: Provider
) -> None:
    executor = await started(house)
    step = await executor.start()
    for _ in range(2):
        url_of(step)
        refused = await executor.answer(step, error="access_denied", state="x")
        (button,) = refused.data["components"][0]["components"]
        step = await executor.answer(refused, button["actionId"])
    last = await executor.answer(step, error="access_denied", state="x")
    assert last.body["flowStatus"] == "ERROR"


async def test_keys_that_the_provider_changes_are_learned(
    build_house: Build, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = await build_house(redis_url)
    await house.publish(sign_in())
    port = free_port()
    async with provider(tmp_path, CALLBACK, port=port) as before:
        monkeypatch.setattr(starting, "Outgoing", partial(Outgoing, tls=before.tls))
        # Rather than wait until a provider may be asked again.
        monkeypatch.setattr("services.executor.openid._ASK_AGAIN_SECONDS", 0.0)
        await known(house, before)
        executor = await started(house)
        first = claims(await came(executor, before, "sasha"))
    async with provider(tmp_path, CALLBACK, port=port, key_id="second") as after:
        assert after.issuer == before.issuer
        assert claims(await came(executor, after, "sasha"))["sub"] == first["sub"]


@pytest.mark.parametrize(
    ("name", "verified_here", "linked"),
    [("alice", True, True), ("alice", False, False), ("unalice", True, False)],
)
async def test_an_address_links_an_account_only_where_both_have_verified_it(
    house: House, google: Provider, name: str, verified_here: bool, linked: bool
) -> None:
    account, _ = await house.person(f"{name}@example.com")
    await house.pool.execute("UPDATE users SET email_verified = $1", verified_here)
    await house.publish(sign_in(link_by_email=True), version=2)
    executor = await started(house)
    done = await came(executor, google, name)
    if linked:
        assert claims(done)["sub"] == account
    else:
        # Somebody new, whose address somebody has: the same as for any who registers.
        assert done.body["flowStatus"] == "ERROR"
    assert await house.pool.fetchval("SELECT count(*) FROM external_identities") == int(linked)


async def test_whoever_is_blocked_is_refused_and_is_nobody_new_either(
    house: House, google: Provider
) -> None:
    executor = await started(house)
    assert claims(await came(executor, google, "sasha"))
    await house.pool.execute("UPDATE users SET blocked = true")
    refused = await came(executor, google, "sasha")
    assert refused.data["messages"][0]["i18nKey"] == "provider.refused"


async def test_no_address_links_an_account_where_the_author_does_not_say_so(
    house: House, google: Provider
) -> None:
    await house.person("alice@example.com")
    await house.pool.execute("UPDATE users SET email_verified = true")
    executor = await started(house)
    assert (await came(executor, google, "alice")).body["flowStatus"] == "ERROR"


async def test_an_owner_may_have_their_account_known_to_a_provider(
    house: House, google: Provider
) -> None:
    account, _ = await house.person("alice@example.com")
    select = {"id": "select", "type": "social_provider_select", "config": SELECT}
    connect = graph(
        [START, IDENTIFIER, PASSWORD, select, SUCCESS],
        [("start", "identifier"), ("identifier", "password"), ("password", "select"),
         ("select", "success")],
    )  # fmt: skip
    await house.publish(connect, FlowType.MFA_SETUP)
    executor = await started(house)
    step = await at_setup(executor, "alice@example.com")
    back = await google.sign_in(url_of(step), "somebody")
    assert (await executor.answer(step, **back)).body["flowStatus"] == "COMPLETE"
    assert claims(await came(executor, google, "somebody"))["sub"] == account


async def test_a_provider_is_its_tenants_own(house: House, google: Provider) -> None:
    await known(house, google, "acme")
    await house.publish(sign_in(), tenant="acme")
    executor = await started(house)
    here = claims(await came(executor, google, "sasha"))
    path = "/t/acme/flow/execute"
    step = await executor.post(path, flowType="LOGIN")
    back = await google.sign_in(url_of(step), "sasha")
    done = await executor.post(path, flowId=step.body["flowId"], inputs=back)
    assert claims(done)["sub"] != here["sub"]


async def test_a_provider_that_is_away_or_may_not_be_called_is_a_try(
    house: House, google: Provider
) -> None:
    guarded = await house.executor()
    refused = await guarded.start()
    assert refused.data["messages"][0]["i18nKey"] == "provider.refused"
    assert google.issuer.encode() not in guarded.logged()
    await house.publish(sign_in(providers=["none"]), version=2)
    refused = await guarded.start()
    assert refused.data["messages"][0]["i18nKey"] == "provider.refused"
