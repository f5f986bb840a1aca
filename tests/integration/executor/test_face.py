"""What the API looks like from outside (seed 002, DESIGN section 8)."""

from __future__ import annotations

import asyncio
import io
import json

import pytest
from openapi_schema_validator import OAS31Validator
from yarl import URL

from libs.common.flow.model import FlowType, Json
from tests.integration.executor.conftest import Build, Executor, House
from tests.integration.executor.graphs import LOGIN, PROFILE, REGISTRATION
from tests.patience import until

EMAIL = "sasha@example.com"
SEED_COMPONENTS = json.loads("""
[
  {
    "id": "form_1",
    "type": "FORM",
    "components": [
      {
        "id": "email",
        "type": "INPUT",
        "variant": "EMAIL",
        "config": {"identifier": "email", "label": "Email", "required": true}
      },
      {
        "id": "password",
        "type": "INPUT",
        "variant": "PASSWORD",
        "config": {"identifier": "password", "label": "Password", "required": true}
      },
      {
        "id": "submit",
        "type": "BUTTON",
        "actionId": "submit-registration",
        "variant": "PRIMARY",
        "config": {"text": "Continue"}
      }
    ]
  }
]
""")
"""Seed 002's example response."""


def within(expected: object, found: object) -> bool:
    """Whether `found` says all that `expected` does; maps may say more."""
    if isinstance(expected, dict):
        return isinstance(found, dict) and all(
            key in found and within(value, found[key]) for key, value in expected.items()
        )
    if isinstance(expected, list):
        return (
            isinstance(found, list)
            and len(found) == len(expected)
            and all(map(within, expected, found))
        )
    return expected == found


async def post_raw(executor: Executor, header: bytes) -> tuple[bytes, bytes]:
    """Start a login with a header that no client writes for us; return the head and the body."""
    url = URL(executor.url)
    reader, writer = await asyncio.open_connection(url.host, url.port)
    body = b'{"flowType": "LOGIN"}'
    lines = (
        b"POST /flow/execute HTTP/1.1",
        b"Host: localhost",
        b"Connection: close",
        b"Content-Type: application/json",
        b"Content-Length: %d" % len(body),
        header,
    )
    writer.write(b"\r\n".join((*lines, b"", body)))
    head, _, said = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    await writer.wait_closed()
    return head, said


@pytest.fixture
async def house(build_house: Build, redis_url: str) -> House:
    """On one Redis: nothing here depends on which."""
    return await build_house(redis_url)


@pytest.fixture
async def executor(house: House) -> Executor:
    return await house.executor(
        allowed_origins=("https://app.example",),
        tenant_hosts=("acme.example=acme",),
        trusted_proxies=("127.0.0.0/8",),
    )


async def test_a_registration_begins_as_the_page_shows(house: House, executor: Executor) -> None:
    await house.publish(REGISTRATION, FlowType.REGISTRATION)
    step = await executor.start("REGISTRATION")
    assert step.body.keys() == {"flowId", "flowType", "flowStatus", "type", "stepId", "data"}
    assert (step.body["flowType"], step.body["flowStatus"], step.body["type"]) == (
        "REGISTRATION",
        "INCOMPLETE",
        "VIEW",
    )
    assert step.data.keys() == {"components", "requiredParams"}
    assert step.data["requiredParams"] == ["email", "password"]
    assert within(SEED_COMPONENTS, step.data["components"])


@pytest.mark.parametrize("prefix", ["", "/api/server/v1", "/t/default", "/t/default/api/server/v1"])
async def test_the_same_is_served_at_every_path(
    house: House, executor: Executor, prefix: str
) -> None:
    await house.publish(LOGIN)
    step = await executor.post(f"{prefix}/flow/execute", flowType="LOGIN")
    assert step.status == 200
    assert (await executor.answer(step, identifier=EMAIL)).status == 200


async def test_a_tenant_is_named_by_path_or_host(house: House, executor: Executor) -> None:
    await house.publish(LOGIN, tenant="acme")
    assert (await executor.post("/t/acme/flow/execute", flowType="LOGIN")).status == 200
    named = {"Host": "acme.example"}
    assert (await executor.start(headers=named)).status == 200


async def test_the_user_is_told_in_the_language_that_they_ask_for(
    house: House, executor: Executor
) -> None:
    await house.publish(LOGIN)
    german = {"Accept-Language": "de-AT, en;q=0.5"}
    step = await executor.start(headers=german)
    field, button = step.data["components"][0]["components"]
    assert (field["config"]["label"], field["config"]["i18nKey"]) == (
        "E-Mail-Adresse oder Benutzername",
        "label.email_or_username",
    )
    assert button["config"]["text"] == "Weiter"
    empty = {"flowId": step.body["flowId"], "inputs": {"identifier": ""}}
    wrong = await executor.post(headers=german, **empty)
    assert wrong.data["fieldErrors"] == [
        {"identifier": "identifier", "message": "Das wird benötigt.", "i18nKey": "field.required"}
    ]
    said = await executor.answer(wrong, identifier=" ")
    assert said.data["fieldErrors"][0]["message"] == "This is needed."


async def test_what_is_picked_is_listed_in_the_users_language_and_nothing_else_is_taken(
    house: House, executor: Executor
) -> None:
    await house.publish(PROFILE, FlowType.REGISTRATION)
    german = {"Accept-Language": "de"}
    step = await executor.start("REGISTRATION", headers=german)
    words, country, size, age, _ = step.data["components"][0]["components"]
    assert (words["type"], words["config"]["text"][:8]) == ("RICH_TEXT", "Read <a ")
    assert (country["variant"], size["variant"]) == ("COUNTRY", "DROPDOWN")
    assert [option["label"] for option in country["config"]["options"]] == [
        "Deutschland",
        "Österreich",
        "Schweden",
    ]
    assert size["config"]["options"] == [
        {"value": "s", "label": "Small"},
        {"value": "l", "label": "l"},
    ]
    (rule,) = age["config"]["validations"]
    assert rule["conditions"] == [{"key": "min.value", "value": "18"}]
    wrong = await executor.answer(step, country="NO", size="m", age=17)
    assert {each["identifier"]: each["i18nKey"] for each in wrong.data["fieldErrors"]} == {
        "country": "field.choice",
        "size": "field.choice",
        "age": "field.too_small",
    }
    done = await executor.answer(wrong, country="se", size="l", age="18")
    assert done.body["flowStatus"] == "COMPLETE"


async def test_what_is_answered_is_as_the_document_says(house: House, executor: Executor) -> None:
    await house.publish(LOGIN)
    async with executor.http.get(f"{executor.url}/openapi.json") as answer:
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        document = await answer.json()

    def complaints(name: str, body: Json) -> list[str]:
        schema = {**document, "$ref": f"#/components/schemas/{name}"}
        return [str(error) for error in OAS31Validator(schema).iter_errors(body)]

    step = await executor.start()
    wrong = await executor.answer(step, identifier="")
    unknown = await executor.start("NO_SUCH_TYPE")
    assert [each.status for each in (step, wrong, unknown)] == [200, 200, 400]
    assert not complaints("Answer", step.body)
    assert not complaints("Answer", wrong.body)
    assert not complaints("Refusal", unknown.body)
    assert complaints("Answer", unknown.body)
    odd = {**step.body, "data": {"components": [{"id": "no type"}]}}
    assert complaints("Answer", odd)


async def test_what_a_client_sends_besides_is_ignored(house: House, executor: Executor) -> None:
    await house.publish(LOGIN)
    step = await executor.post(
        flowType="LOGIN", applicationId="app", verbose=True, flowId=None, inputs=None
    )
    assert step.status == 200
    step = await executor.post(
        flowType="REGISTRATION", flowId=step.body["flowId"], inputs={"identifier": EMAIL}
    )
    assert (step.status, step.body["flowType"]) == (200, "LOGIN")


@pytest.mark.parametrize(
    ("body", "code", "status"),
    [
        (b"{", "FE-40002", 400),
        (b"", "FE-40002", 400),
        (b'{"flowId": 7}', "FE-40001", 400),
        (b"{}", "FE-40003", 400),
        (b'{"flowType": "PARTY"}', "FE-40003", 400),
        (b'{"flowId": "' + b"a" * 65_536 + b'"}', "FE-41301", 413),
        *(
            (b'{"flowType": "LOGIN", "%s": "%s"}' % (name, b"a" * 201), "FE-40001", 400)
            for name in (b"flow", b"flowId", b"actionId", b"stepId")
        ),
        (json.dumps({"inputs": dict.fromkeys(map(str, range(101)))}).encode(), "FE-40001", 400),
    ],
)
async def test_what_cannot_be_read_is_refused_with_a_code(
    executor: Executor, body: bytes, code: str, status: int
) -> None:
    headers = {"Content-Type": "application/json"}
    async with executor.http.post(
        f"{executor.url}/flow/execute", data=io.BytesIO(body), headers=headers
    ) as answer:
        said = await answer.json()
        assert (answer.status, said["code"]) == (status, code)
        assert said.keys() >= {"code", "message", "description", "traceId"}
        assert said["traceId"] == answer.headers["X-Request-Id"]
        assert "X-RateLimit-Remaining" in answer.headers


@pytest.mark.parametrize("name", ["User-Agent", "Accept-Language", "Origin", "X-Forwarded-For"])
async def test_a_header_that_is_no_text_stops_nothing(house: House, name: str) -> None:
    executor = await house.executor(allowed_origins=("*",), trusted_proxies=("127.0.0.0/8",))
    await house.publish(LOGIN)
    for value in (b"\xff", b"\xc3\xa9", b"192.0.2.7%\xff"):
        head, body = await post_raw(executor, name.encode() + b": " + value)
        assert head.startswith(b"HTTP/1.1 200 ")
        assert json.loads(body)["flowStatus"] == "INCOMPLETE"


@pytest.mark.parametrize("key", [b"\xff", b"\xc3\xa9", b"a\tb", b"a" * 256])
async def test_an_idempotency_key_that_is_none_is_refused(executor: Executor, key: bytes) -> None:
    head, body = await post_raw(executor, b"Idempotency-Key: " + key)
    assert head.startswith(b"HTTP/1.1 400 ")
    said = json.loads(body)
    assert said["code"] == "FE-40001"
    assert "Idempotency-Key" in said["description"]


@pytest.mark.parametrize("key", [b"", b"a" * 255])
async def test_an_idempotency_key_may_be_empty_or_long(
    house: House, executor: Executor, key: bytes
) -> None:
    await house.publish(LOGIN)
    head, _ = await post_raw(executor, b"Idempotency-Key: " + key)
    assert head.startswith(b"HTTP/1.1 200 ")


async def test_only_json_is_spoken(executor: Executor) -> None:
    async with executor.http.post(f"{executor.url}/flow/execute", data={"a": "b"}) as answer:
        assert (answer.status, (await answer.json())["code"]) == (415, "FE-41501")


async def test_an_answer_is_kept_by_no_cache(house: House, executor: Executor) -> None:
    await house.publish(LOGIN)
    assert (await executor.start()).headers["Cache-Control"] == "no-store"


async def test_pages_of_allowed_origins_may_call(house: House, executor: Executor) -> None:
    await house.publish(LOGIN)
    for origin, allowed in (("https://app.example", True), ("https://evil.example", False)):
        headers = {"Origin": origin, "Access-Control-Request-Method": "POST"}
        async with executor.http.options(
            f"{executor.url}/flow/execute", headers=headers
        ) as preflight:
            assert preflight.status == 204
            assert (preflight.headers.get("Access-Control-Allow-Origin") == origin) is allowed
            assert ("Access-Control-Allow-Methods" in preflight.headers) is allowed
        answer = await executor.start(headers={"Origin": origin})
        assert (answer.headers.get("Access-Control-Allow-Origin") == origin) is allowed
        assert answer.headers["Vary"] == "Origin"


async def test_an_address_that_asks_too_often_is_told_when_to_come_back(house: House) -> None:
    executor = await house.executor(
        address_burst=2, address_rate=0.01, trusted_proxies=("127.0.0.0/8",)
    )
    await house.publish(LOGIN)
    mine = {"X-Forwarded-For": "10.1.1.1, 192.0.2.7"}
    for left in ("1", "0"):
        reply = await executor.start(headers=mine)
        assert (reply.status, reply.headers["X-RateLimit-Remaining"]) == (200, left)
    refused = await executor.start(headers=mine)
    assert (refused.status, refused.body["code"]) == (429, "FE-42901")
    assert 1 <= int(refused.headers["Retry-After"]) <= 100
    assert refused.headers["X-RateLimit-Limit"] == "2"
    # What is left of the proxy's own word is the client's invention.
    again = await executor.start(headers={"X-Forwarded-For": "10.9.9.9, 192.0.2.7"})
    assert again.status == 429
    other = await executor.start(headers={"X-Forwarded-For": "192.0.2.8"})
    assert other.status == 200


async def test_a_refused_submit_does_not_hold_the_session(house: House) -> None:
    executor = await house.executor(
        address_burst=2, address_rate=0.01, trusted_proxies=("127.0.0.0/8",), claim_seconds=60
    )
    await house.publish(LOGIN)
    step = await executor.start(headers={"X-Forwarded-For": "192.0.2.7"})
    answer = {"flowId": step.body["flowId"], "inputs": {"identifier": EMAIL}}
    for _ in range(2):
        await executor.start(headers={"X-Forwarded-For": "192.0.2.8"})
    refused = await executor.post(headers={"X-Forwarded-For": "192.0.2.8"}, **answer)
    assert refused.status == 429
    key = f"gh:session:{{default:{step.body['flowId']}}}"
    # Given back long before it would lapse; nobody waits for that to be done.

    async def is_free() -> bool:
        return not await house.line.execute(b"HGET", key, "owner")

    await until(is_free)
    taken = await executor.post(headers={"X-Forwarded-For": "192.0.2.7"}, **answer)
    assert taken.status == 200


async def test_the_keys_of_every_tenant_are_published(executor: Executor) -> None:
    for path in ("/.well-known/jwks.json", "/t/acme/.well-known/jwks.json"):
        async with executor.http.get(f"{executor.url}{path}") as answer:
            (key,) = (await answer.json())["keys"]
            assert key.keys() == {"kty", "crv", "x", "y", "kid", "use", "alg"}


async def test_the_rest_is_not_there(executor: Executor) -> None:
    async with executor.http.get(f"{executor.url}/flow/execute") as answer:
        assert (answer.status, (await answer.json())["code"]) == (405, "FE-40501")
    async with executor.http.get(f"{executor.url}/nowhere") as answer:
        assert answer.status == 404


async def test_who_makes_tenants_up_is_soon_refused_before_the_compiler_is_asked(
    house: House,
) -> None:
    executor = await house.executor(search_burst=3, search_rate=0.001)
    places = [f"/t/nobodys{number}/flow/execute" for number in range(5)]
    statuses = [(await executor.post(place, flowType="LOGIN")).status for place in places]
    assert statuses[3:] == [429, 429]
    assert 429 not in statuses[:3]
