"""`/api/admin/actions`: what is known of an action is shown, but for its secret."""

from __future__ import annotations

import hashlib
import hmac

import asyncpg
import pytest

from libs.common.chassis.seal import Keys
from libs.common.chassis.signing import sign, webhook_secrets
from libs.common.flow.model import Json
from libs.common.secret import Secret
from tests.integration.management.conftest import KEYS, Api, CompilerStandIn, Start, refused, token
from tests.integration.management.graphs import active

ACTIONS = "/api/admin/actions"
RISK = f"{ACTIONS}/risk"
SECRET = "swordfish-swordfish"
OTHER = "catfish-catfish-catfish"
URL = "https://risk.example.com/score?v=1"
NEW: Json = {"id": "risk", "display_name": "Risk", "url": URL, "secret": SECRET}
HEADERS: Json = [{"name": "X-Source", "value": "gatehouse"}]


@pytest.fixture
async def api(start: Start) -> Api:
    return await start(credential_keys=KEYS)


async def made(api: Api, path: str = ACTIONS, **fields: Json) -> Json:
    reply = await api.call("POST", path, {**NEW, **fields})
    assert reply.status == 201, reply.text
    return reply.body


async def opened(rows: asyncpg.Connection, tenant: str = "default") -> bytes | None:
    sealed = await rows.fetchval("SELECT sealed FROM actions WHERE tenant = $1", tenant)
    return None if sealed is None else Keys.parse(KEYS).box(tenant, "risk").open(b"action", sealed)


def calling(action: str = "risk", **fields: Json) -> Json:
    """A flow that calls an action."""
    return {
        "name": "caller",
        "display_name": "Caller",
        "type": "registration",
        "graph": {
            "nodes": [
                {"id": "start", "type": "start"},
                {"id": "score", "type": "action", "config": {"action": action}},
                {"id": "done", "type": "success"},
            ],
            "edges": [
                {"source": "start", "target": "score"},
                {"source": "score", "target": "done"},
            ],
        },
        **fields,
    }


async def test_an_action_is_made_shown_changed_and_deleted(api: Api) -> None:
    action = await made(api)
    created = action["created_at"]
    assert action == {
        "id": "risk",
        "display_name": "Risk",
        "url": URL,
        "headers": [],
        "timeout_seconds": 2.0,
        "attempts": 3,
        "has_secret": True,
        "created_at": created,
        "updated_at": created,
    }
    assert await api.done("GET", RISK) == action
    assert await api.done("GET", ACTIONS) == {"items": [action], "cursor": None}
    edited = await api.done("PUT", RISK, {"headers": HEADERS, "attempts": 1})
    assert {**edited, "updated_at": created} == {**action, "headers": HEADERS, "attempts": 1}
    reply = await api.call("DELETE", RISK)
    assert (reply.status, reply.text) == (204, "")
    refused(await api.call("GET", RISK), 404, "not_found")
    refused(await api.call("DELETE", RISK), 404, "not_found")


async def test_a_secret_is_sealed_and_shown_nowhere(api: Api, rows: asyncpg.Connection) -> None:
    answers = [await api.call("POST", ACTIONS, NEW)]
    assert await opened(rows) == SECRET.encode()
    answers.append(await api.call("PUT", RISK, {"secret": OTHER}))
    assert await opened(rows) == OTHER.encode()
    answers += [await api.call("GET", path) for path in (RISK, ACTIONS, "/api/admin/audit")]
    stored = str([dict(row) for row in await rows.fetch("SELECT * FROM actions")])
    for text in (*(answer.text for answer in answers), stored):
        assert SECRET not in text
        assert OTHER not in text
    assert (await api.done("PUT", RISK, {"display_name": "R"}))["has_secret"] is True
    assert (await api.done("PUT", RISK, {"secret": None}))["has_secret"] is False
    assert await opened(rows) is None


async def test_without_keys_no_secret_is_taken_and_nothing_signed(start: Start) -> None:
    api = await start()
    refused(await api.call("POST", ACTIONS, NEW), 409, "conflict")
    assert (await made(api, secret=None))["has_secret"] is False
    refused(await api.call("PUT", RISK, {"secret": SECRET}), 409, "conflict")
    refused(await api.call("GET", "/api/admin/webhook-secrets"), 409, "conflict")


async def test_an_id_is_given_once_in_a_tenant(api: Api, rows: asyncpg.Connection) -> None:
    await made(api)
    refused(await api.call("POST", ACTIONS, {**NEW, "secret": OTHER}), 409, "conflict")
    assert await opened(rows) == SECRET.encode()
    await made(api, f"/t/acme{ACTIONS}")


async def test_each_change_is_in_the_audit_log_as_it_was_and_is(api: Api) -> None:
    await made(api, secret=None)
    await api.done("PUT", RISK, {"attempts": 1})
    await api.done("PUT", RISK, {"attempts": 1})
    await api.call("DELETE", RISK)
    target: Json = {"url": URL, "headers": [], "timeout_seconds": 2.0, "attempts": 3}
    first = {"display_name": "Risk", **target, "has_secret": False}
    second = {**first, "attempts": 1}
    items = (await api.done("GET", "/api/admin/audit"))["items"]
    assert [
        (item["action"], item.get("before"), item.get("after")) for item in reversed(items)
    ] == [("create", None, first), ("update", first, second), ("delete", second, None)]
    assert {item["resource"] for item in items} == {"actions/risk"}


async def test_pages_hold_each_action_once_whatever_comes_and_goes(api: Api) -> None:
    ids = [(await made(api, id=f"a{number}"))["id"] for number in range(5)]
    first = await api.done("GET", f"{ACTIONS}?limit=2")
    await api.call("DELETE", f"{ACTIONS}/{ids[1]}")
    second = await api.done("GET", f"{ACTIONS}?limit=2&cursor={first['cursor']}")
    third = await api.done("GET", f"{ACTIONS}?limit=2&cursor={second['cursor']}")
    pages = [[item["id"] for item in page["items"]] for page in (first, second, third)]
    assert pages == [ids[:2], ids[2:4], ids[4:]]
    assert third["cursor"] is None


async def test_a_condition_on_an_action_is_kept(api: Api) -> None:
    await made(api)
    stale = {"If-Match": (await api.call("GET", RISK)).headers["ETag"]}
    await api.done("PUT", RISK, {"attempts": 1})
    refused(await api.call("PUT", RISK, {"attempts": 2}, headers=stale), 412, "stale")
    refused(await api.call("DELETE", RISK, headers=stale), 412, "stale")


async def test_an_action_that_an_active_flow_names_is_kept(api: Api) -> None:
    await made(api)
    id = (await api.done("POST", "/api/admin/flows", calling()))["id"]
    await api.done("POST", f"/api/admin/flows/{id}/activate")
    reply = await api.call("DELETE", RISK)
    refused(reply, 409, "conflict")
    assert "caller" in reply.body["message"]
    await api.done("POST", f"/api/admin/flows/{id}/deactivate")
    assert (await api.call("DELETE", RISK)).status == 204


async def test_an_action_that_any_version_of_a_rollout_names_is_kept(
    api: Api, compiler: CompilerStandIn
) -> None:
    await made(api)
    flow = f"/api/admin/flows/{await active(api, 'caller', type='registration')}"
    await api.done("PUT", flow, {"graph": calling()["graph"]})
    shares: Json = [{"version": 1, "weight": 99}, {"version": 2, "weight": 1}]
    await api.done("PUT", f"{flow}/rollout", {"versions": shares})
    refused(await api.call("DELETE", RISK), 409, "conflict")
    await api.done("PUT", f"{flow}/rollout", {"versions": shares[:1]})
    assert (await api.call("DELETE", RISK)).status == 204


async def test_a_flow_that_names_no_action_of_the_tenant_is_warned_of(api: Api) -> None:
    await made(api, f"/t/acme{ACTIONS}")
    id = (await api.done("POST", "/api/admin/flows", calling()))["id"]
    report = await api.done("POST", f"/api/admin/flows/{id}/validate")
    assert [warning["code"] for warning in report["warnings"]] == ["not_registered"]
    assert report["valid"] is True
    await made(api)
    report = await api.done("POST", f"/api/admin/flows/{id}/validate")
    assert report["warnings"] == []


async def test_what_signs_the_calls_of_a_tenant_is_shown_to_who_may_change_them(api: Api) -> None:
    reply = await api.call("GET", "/t/acme/api/admin/webhook-secrets")
    assert reply.headers["Cache-Control"] == "no-store"
    [secret] = reply.body["secrets"]
    assert (secret,) == tuple(each.reveal() for each in webhook_secrets(Keys.parse(KEYS), "acme"))
    assert secret not in (await api.call("GET", "/api/admin/webhook-secrets")).text
    lacking = await api.call("GET", "/api/admin/webhook-secrets", bearer=token("read:actions"))
    refused(lacking, 403, "denied")
    # As a receiver computes it, who was shown the secret.
    right = hmac.new(secret.encode(), b'1795271830.{"a":1}', hashlib.sha256).hexdigest()
    assert sign((Secret(secret),), 1795271830, b'{"a":1}') == f"t=1795271830,v1={right}"


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"id": "a/b"}, "id"),
        ({"display_name": ""}, "display_name"),
        ({"url": "ftp://example.com"}, "url"),
        ({"url": "https://me:word@example.com"}, "url"),
        ({"url": "https://example.com\n"}, "url"),
        ({"headers": [{"name": "Host", "value": "a"}]}, "headers[0].name"),
        ({"headers": [{"name": "X-A", "value": "a\r\nB: c"}]}, "headers[0].value"),
        ({"timeout_seconds": 60}, "timeout_seconds"),
        ({"attempts": 0}, "attempts"),
        ({"secret": "short"}, "secret"),
        ({"secret": 100 * SECRET}, "secret"),
        ({"token": SECRET}, "token"),
    ],
)
async def test_an_action_that_makes_no_sense_is_refused_with_its_path(
    api: Api, fields: dict[str, Json], path: str
) -> None:
    reply = await api.call("POST", ACTIONS, {**NEW, **fields})
    refused(reply, 400, "invalid")
    assert [problem["path"] for problem in reply.body["problems"]] == [path]
    assert SECRET not in reply.text


async def test_what_no_action_is_called_is_not_found(api: Api) -> None:
    for id in ("a", "%00", "-a", "a" * 64):
        refused(await api.call("GET", f"{ACTIONS}/{id}"), 404, "not_found")
    for path in (ACTIONS, "/api/admin/webhook-secrets"):
        refused(await api.call("GET", f"/t/nobody{path}"), 404, "not_found")
    refused(await api.call("POST", f"/t/nobody{ACTIONS}", NEW), 404, "not_found")
    refused(await api.call("DELETE", f"/t/nobody{RISK}"), 404, "not_found")
