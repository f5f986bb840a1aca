"""Passkeys over the API, with an authenticator that also answers as it must not."""

from __future__ import annotations

import json
from typing import Any

import jwt
import pytest

from libs.common.flow.model import FlowType
from tests.authenticator import BACKUP_ELIGIBLE, PRESENT, VERIFIED, Authenticator
from tests.integration.executor.conftest import PASSWORD, Build, Executor, House, Reply, dying
from tests.integration.executor.graphs import IDENTIFIER, START, SUCCESS, graph
from tests.integration.executor.graphs import PASSWORD as PASSWORD_NODE

ORIGIN = "http://localhost:8090"
ALICE, BOB = "alice@example.com", "bob@example.com"

SETUP = {"id": "setup", "type": "webauthn_setup", "config": {"may_decline": True, "most": 2}}
SHOW = {"id": "show", "type": "webauthn", "config": {"attempts": 2}}
MAKE_ONE = graph(
    [START, IDENTIFIER, PASSWORD_NODE, SETUP, SHOW, SUCCESS],
    [("start", "identifier"), ("identifier", "password"), ("password", "setup"),
     ("setup", "success"), ("setup", "success", "declined"),
     ("setup", "show", "enrolled"), ("show", "setup")],
)  # fmt: skip
ANYBODY = graph([START, SHOW, SUCCESS], [("start", "show"), ("show", "success")])
NAMED = graph(
    [START, IDENTIFIER, SHOW, SUCCESS],
    [("start", "identifier"), ("identifier", "show"), ("show", "success")],
)
SECOND = graph(
    [START, IDENTIFIER, PASSWORD_NODE, SHOW, SUCCESS],
    [("start", "identifier"), ("identifier", "password"), ("password", "show"),
     ("show", "success")],
)  # fmt: skip


@pytest.fixture
async def house(build_house: Build, redis_url: str) -> House:
    house = await build_house(redis_url)
    await house.publish(MAKE_ONE, FlowType.MFA_SETUP)
    await house.publish(ANYBODY)
    return house


def creation(step: Reply) -> dict[str, Any]:
    assert step.body["type"] == "WEBAUTHN", step.body
    assert step.data["webAuthn"] == step.data["webAuthnData"]
    options: dict[str, Any] = step.data["webAuthn"]["publicKeyCredentialCreationOptions"]
    return options


def request(step: Reply) -> dict[str, Any]:
    assert step.body["type"] == "WEBAUTHN", step.body
    assert step.data["requiredParams"] == ["tokenResponse"]
    options: dict[str, Any] = step.data["webAuthn"]["publicKeyCredentialRequestOptions"]
    return options


async def sends(executor: Executor, step: Reply, credential: dict[str, Any]) -> Reply:
    return await executor.answer(step, tokenResponse=json.dumps(credential))


async def at_setup(executor: Executor, email: str, path: str = "/flow/execute") -> Reply:
    step = await executor.post(path, flowType="MFA_SETUP")
    for inputs in ({"identifier": email}, {"password": PASSWORD}):
        step = await executor.post(path, flowId=step.body["flowId"], inputs=inputs)
    return step


async def enrolled(
    executor: Executor,
    email: str,
    *,
    flags: int = PRESENT | VERIFIED,
    before: Authenticator | None = None,
) -> Authenticator:
    """Have somebody make a passkey, who has `before` already."""
    key = Authenticator(ORIGIN, flags=flags)
    step = await at_setup(executor, email)
    if before is not None:
        step = await sends(executor, step, before.show(request(step)))
    done = await sends(executor, step, key.make(creation(step)))
    assert done.body["flowStatus"] == "COMPLETE", done.body
    return key


def claims(done: Reply) -> dict[str, Any]:
    assert done.body["flowStatus"] == "COMPLETE", done.body
    token = done.data["userAssertion"]
    found: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return found


@pytest.mark.parametrize(
    ("flags", "amr"),
    [
        (PRESENT | VERIFIED, ["hwk", "user", "mfa"]),
        (PRESENT | VERIFIED | BACKUP_ELIGIBLE, ["swk", "user", "mfa"]),
    ],
)
async def test_a_passkey_alone_signs_its_owner_in(house: House, flags: int, amr: list[str]) -> None:
    account, _ = await house.person(ALICE)
    executor = await house.executor()
    key = await enrolled(executor, ALICE, flags=flags)
    step = await executor.start()
    assert request(step)["allowCredentials"] == []
    told = claims(await sends(executor, step, key.show(request(step))))
    assert (told["sub"], told["amr"], told["acr"]) == (account, amr, "aal2")
    user = await house.directory.load("default", account)
    assert user is not None
    assert (user["mfa_enabled"], user["mfa_methods"]) == (True, ["webauthn"])
    assert key.id.hex().encode() not in executor.logged()


async def test_whoever_is_blocked_is_nobody_to_their_passkey(house: House) -> None:
    account, _ = await house.person(ALICE)
    executor = await house.executor()
    key = await enrolled(executor, ALICE)
    step = await executor.start()
    await house.pool.execute("UPDATE users SET blocked = true WHERE id = $1", account)
    refused = await sends(executor, step, key.show(request(step)))
    assert refused.data["messages"][0]["i18nKey"] == "passkey.wrong"


async def test_a_passkey_is_a_second_factor_that_only_its_owner_is_told_of(house: House) -> None:
    await house.person(ALICE)
    executor = await house.executor()
    key = await enrolled(executor, ALICE)
    await house.publish(SECOND, version=2)
    step = await executor.answer(await executor.at_password(ALICE), password=PASSWORD)
    (listed,) = request(step)["allowCredentials"]
    assert listed["transports"] == ["internal"]
    told = claims(await sends(executor, step, key.show(request(step))))
    assert told["amr"] == ["pwd", "hwk", "user", "mfa"]


async def test_nobody_is_told_whether_somebody_has_a_passkey_or_an_account(house: House) -> None:
    for email in (ALICE, BOB):
        await house.person(email)
    executor = await house.executor()
    key = await enrolled(executor, ALICE)
    await house.publish(NAMED, version=2)
    shown, refused = [], []
    for name in (ALICE, BOB, "nobody@example.com"):
        step = await executor.answer(await executor.start(), identifier=name)
        shown.append({**request(step), "challenge": ""})
        stranger = Authenticator(ORIGIN)
        wrong = await sends(executor, step, stranger.show(request(step)))
        refused.append(wrong.data["messages"])
        if name != ALICE:
            # Somebody's own passkey is no good for another name, whosever that is.
            last = await sends(executor, wrong, key.show(request(wrong)))
            assert last.body["flowStatus"] == "ERROR"
    assert shown[0] == shown[1] == shown[2]
    assert refused[0] == refused[1] == refused[2]
    assert refused[0][0]["i18nKey"] == "passkey.wrong"


@pytest.mark.parametrize(
    "client",
    [
        {"origin": "https://evil.example"},
        {"origin": "http://localhost:8091"},
        {"origin": ["http://localhost:8090"]},
        {"site": "evil.example"},
        {"type": "webauthn.create"},
        {"crossOrigin": True},
        {"challenge": "YW5vdGhlcg"},
    ],
)
async def test_what_is_signed_for_anything_else_is_refused(
    house: House, client: dict[str, Any]
) -> None:
    await house.person(ALICE)
    executor = await house.executor()
    key = await enrolled(executor, ALICE)
    step = await executor.start()
    again = await sends(executor, step, key.show(request(step), **client))
    assert again.data["messages"][0]["i18nKey"] == "passkey.wrong"
    assert request(again)["challenge"] != request(step)["challenge"]
    told = claims(await sends(executor, again, key.show(request(again))))
    assert told["amr"] == ["hwk", "user", "mfa"]


async def test_an_answer_to_a_challenge_is_good_for_no_other(house: House) -> None:
    await house.person(ALICE)
    executor = await house.executor()
    key = await enrolled(executor, ALICE)
    one, other = await executor.start(), await executor.start()
    answer = key.show(request(one))
    assert claims(await sends(executor, one, answer))
    wrong = await sends(executor, other, answer)
    assert wrong.data["messages"][0]["i18nKey"] == "passkey.wrong"


async def test_who_was_not_verified_is_not_let_in_where_that_is_required(house: House) -> None:
    await house.person(ALICE)
    executor = await house.executor()
    key = await enrolled(executor, ALICE)
    key.flags = PRESENT
    step = await executor.start()
    wrong = await sends(executor, step, key.show(request(step)))
    assert wrong.data["messages"][0]["i18nKey"] == "passkey.wrong"
    await house.publish(
        graph(
            [START, {**SHOW, "config": {"user_verification": "preferred"}}, SUCCESS],
            [("start", "show"), ("show", "success")],
        ),
        version=2,
    )
    step = await executor.start()
    told = claims(await sends(executor, step, key.show(request(step))))
    assert (told["amr"], told["acr"]) == (["hwk", "user"], "aal1")


async def test_a_copy_is_found_out_by_its_counter_but_a_repeat_is_no_copy(house: House) -> None:
    await house.person(ALICE)
    executor = await house.executor()
    key = await enrolled(executor, ALICE)
    key.count = 5
    step = await executor.start()
    answer = key.show(request(step))
    done = await sends(executor, step, answer)
    assert claims(done)
    # The same submit, as after an executor that died once it had counted.
    assert await house.pool.fetchval("SELECT used_by FROM passkeys") == f"{step.body['flowId']}:1"
    assert claims(await sends(executor, step, answer)) == claims(done)
    key.count = 5
    step = await executor.start()
    wrong = await sends(executor, step, key.show(request(step)))
    assert wrong.data["messages"][0]["i18nKey"] == "passkey.wrong"
    assert b"passkey_copied" in executor.logged()
    assert await house.pool.fetchval("SELECT sign_count FROM passkeys") == 6


async def test_a_passkey_of_another_tenant_is_none(house: House) -> None:
    await house.person(ALICE)
    executor = await house.executor()
    key = await enrolled(executor, ALICE)
    await house.publish(ANYBODY, tenant="acme")
    step = await executor.post("/t/acme/flow/execute", flowType="LOGIN")
    answer = json.dumps(key.show(request(step)))
    body = {"flowId": step.body["flowId"], "inputs": {"tokenResponse": answer}}
    wrong = await executor.post("/t/acme/flow/execute", **body)
    assert wrong.data["messages"][0]["i18nKey"] == "passkey.wrong"


async def test_each_tenant_has_its_own_site_and_pages(house: House) -> None:
    await house.person(ALICE, tenant="acme")
    await house.publish(MAKE_ONE, FlowType.MFA_SETUP, tenant="acme")
    executor = await house.executor(
        passkey_sites=("acme=acme.example",),
        passkey_origins=("acme=https://login.acme.example",),
    )
    path = "/t/acme/flow/execute"
    step = await at_setup(executor, ALICE, path)
    options = creation(step)
    assert options["rp"] == {"id": "acme.example", "name": "acme.example"}
    assert options["user"]["name"] == ALICE
    for origin, status in (
        ("https://evil.acme.example", "INCOMPLETE"),
        ("https://login.acme.example", "COMPLETE"),
    ):
        answer = json.dumps(Authenticator(origin).make(creation(step)))
        body = {"flowId": step.body["flowId"], "inputs": {"tokenResponse": answer}}
        step = await executor.post(path, **body)
        assert step.body["flowStatus"] == status


async def test_somebody_elses_passkey_is_not_kept_and_ones_own_only_once(house: House) -> None:
    for email in (ALICE, BOB):
        await house.person(email)
    executor = await house.executor()
    key = await enrolled(executor, ALICE)
    step = await at_setup(executor, ALICE)
    step = await sends(executor, step, key.show(request(step)))
    assert len(creation(step)["excludeCredentials"]) == 1
    again = await sends(executor, step, key.make(creation(step)))
    assert again.body["flowStatus"] == "COMPLETE"
    step = await at_setup(executor, BOB)
    refused = await sends(executor, step, key.make(creation(step)))
    assert refused.data["messages"][0]["i18nKey"] == "passkey.refused"
    assert await house.pool.fetchval("SELECT count(*) FROM passkeys") == 1


async def test_a_set_up_whose_executor_died_before_it_was_stored_ends_well_when_it_is_repeated(
    house: House,
) -> None:
    await house.person(ALICE)
    executor = await house.executor()
    early, step = await at_setup(executor, ALICE), await at_setup(executor, ALICE)
    made = Authenticator(ORIGIN).make(creation(step))
    with dying():
        assert (await sends(executor, step, made)).status == 503
    assert await house.pool.fetchval("SELECT made_in FROM passkeys") == step.body["flowId"]
    done = await sends(executor, step, made)
    assert done.body["flowStatus"] == "COMPLETE"
    assert await house.pool.fetchval("SELECT count(*) FROM passkeys") == 1
    # Whose set-up had begun before, elsewhere, shows this one first.
    other = await sends(executor, early, Authenticator(ORIGIN).make(creation(early)))
    assert request(other)["challenge"]


async def test_who_has_as_many_as_the_author_allows_makes_no_more(house: House) -> None:
    await house.person(ALICE)
    executor = await house.executor()
    late = await at_setup(executor, ALICE)
    first = await enrolled(executor, ALICE)
    second = await enrolled(executor, ALICE, before=first)
    step = await sends(executor, late, Authenticator(ORIGIN).make(creation(late)))
    refused = await sends(executor, step, second.show(request(step)))
    assert refused.body["flowStatus"] == "ERROR"


async def test_a_password_alone_adds_no_passkey_to_one(house: House) -> None:
    await house.person(ALICE)
    executor = await house.executor()
    await enrolled(executor, ALICE)
    step = await at_setup(executor, ALICE)
    refused = await sends(executor, step, Authenticator(ORIGIN).show(request(step)))
    assert refused.data["messages"][0]["i18nKey"] == "passkey.wrong"
    assert await house.pool.fetchval("SELECT count(*) FROM passkeys") == 1


@pytest.mark.parametrize(
    "spoil",
    [
        {"attestationObject": "AAAA"},
        {"clientDataJSON": "AAAA"},
        {"clientDataJSON": 7},
        {"attestationObject": "gICA" * 5000},
    ],
)
async def test_what_is_no_passkey_is_refused_whatever_it_is(
    house: House, spoil: dict[str, Any]
) -> None:
    await house.person(ALICE)
    executor = await house.executor()
    step = await at_setup(executor, ALICE)
    made = Authenticator(ORIGIN).make(creation(step))
    made["response"].update(spoil)
    refused = await sends(executor, step, made)
    assert refused.data["messages"][0]["i18nKey"] == "passkey.refused"
    login = await executor.start()
    wrong = await sends(executor, login, made)
    assert wrong.data["messages"][0]["i18nKey"] == "passkey.wrong"


async def test_a_button_lets_the_user_decline(house: House) -> None:
    await house.person(ALICE)
    executor = await house.executor()
    step = await at_setup(executor, ALICE)
    (button,) = step.data["components"]
    done = await executor.answer(step, button["actionId"])
    assert done.body["flowStatus"] == "COMPLETE"
    assert await house.pool.fetchval("SELECT count(*) FROM passkeys") == 0
