"""Simulations over HTTP: of versions, of drafts, of what runs; and nothing else happens."""

import asyncpg
import pytest

from libs.common.flow.model import Json
from libs.common.secret import Secret
from tests.integration.management.conftest import GRAPH, INVALID, Api, Start, refused, token
from tests.integration.management.graphs import EDITED, FLOWS, active, calling, edit
from tests.integration.management.page import MFA_LOGIN_GRAPH

USER: Json = {"user": {"email": "a@example.com", "mfa_enabled": True}}
SIGN_IN: Json = {
    "persona": USER,
    "inputs": [{"email": "a@example.com"}, {"password": "a-secret-of-mine"}],
}


async def simulate(api: Api, id: str, **body: Json) -> Json:
    return await api.done("POST", f"{FLOWS}/{id}/simulate", body)


def ends(answer: Json) -> tuple[str, str]:
    return answer["result"], answer["path"][-1]


async def test_the_login_of_the_page_is_simulated_as_the_issue_says(api: Api) -> None:
    id = await active(api, "mfa", graph=MFA_LOGIN_GRAPH)
    answer = await simulate(
        api,
        id,
        version=1,
        persona={**USER, "client": {}, "request": {}},
        inputs=[
            {"identifier": "a@example.com"},
            {"password": "anything"},
            {"password": "anything"},
            {"code": "123456"},
        ],
        answers={"password": ["failure", "success"]},
    )
    assert answer["result"] == "success"
    assert [(each["node"], each["outcome"]) for each in answer["trace"]] == [
        ("start", "success"),
        ("identifier", None),
        ("identifier", "success"),
        ("password", None),
        ("password", None),
        ("password", "success"),
        ("mfa_check", "true"),
        ("mfa_verify", None),
        ("mfa_verify", "success"),
        ("success", None),
    ]
    check = answer["trace"][6]
    assert check.keys() == {"node", "type", "outcome", "expressions", "view", "effects"}
    assert check["expressions"][0]["path"] == "config.condition"
    assert check["expressions"][0]["text"] == "user.mfa_enabled"
    assert check["expressions"][0]["value"] is True
    assert check["expressions"][0]["parts"][0] == {
        "text": "user.mfa_enabled",
        "value": True,
        "depth": 0,
    }
    assert answer["trace"][4]["view"]["messages"] == [
        {"type": "ERROR", "i18nKey": "password.wrong"}
    ]
    assert answer["facts"]["amr"] == ["pwd", "otp"]


async def test_nothing_is_written_and_no_secret_comes_back(
    api: Api, rows: asyncpg.Connection
) -> None:
    id = await active(api, "a")
    # The numbers given out, not the rows: the relay may still be telling the activation's.
    counted = "SELECT (SELECT last_value FROM outbox_id_seq), (SELECT count(*) FROM audit_log)"
    before = await rows.fetchrow(counted)
    reply = await api.call("POST", f"{FLOWS}/{id}/simulate", SIGN_IN)
    assert reply.status == 200
    assert reply.body["result"] == "success"
    assert "a-secret-of-mine" not in reply.text
    assert await rows.fetchrow(counted) == before


async def test_what_is_active_is_simulated_unless_something_is_named(api: Api) -> None:
    id = await active(api, "a")
    await edit(api, id, INVALID)
    assert ends(await simulate(api, id, **SIGN_IN)) == ("success", "success")


async def test_a_flow_that_is_not_active_has_to_be_told_which(api: Api) -> None:
    id = await api.create()
    refused(await api.call("POST", f"{FLOWS}/{id}/simulate", SIGN_IN), 409, "conflict")
    assert ends(await simulate(api, id, version=1, **SIGN_IN)) == ("success", "success")


async def test_without_a_script_it_is_shown_what_anybody_meets_first(api: Api) -> None:
    id = await active(api, "a")
    answer = await api.done("POST", f"{FLOWS}/{id}/simulate")
    assert ends(answer) == ("waiting", "identifier")


async def test_a_draft_is_simulated_as_an_update_would_make_it(api: Api) -> None:
    id = await api.create(authentication="require_authenticated")
    assert (await simulate(api, id, graph=EDITED, **SIGN_IN))["denied"] == {
        "reason": "unauthenticated",
        "action": "message_continue",
        "expressions": [],
    }
    assert ends(await simulate(api, id, authentication="none", **SIGN_IN))[0] == "success"
    stored = await api.done("GET", f"{FLOWS}/{id}")
    assert (stored["version"], stored["authentication"]) == (1, "require_authenticated")


async def test_a_draft_that_cannot_run_is_refused_with_all_its_problems(api: Api) -> None:
    id = await api.create()
    reply = await api.call("POST", f"{FLOWS}/{id}/simulate", {"graph": INVALID})
    refused(reply, 400, "invalid")
    assert {"missing_start_node", "unreachable_success"} <= {
        problem["code"] for problem in reply.body["problems"]
    }


async def test_a_draft_is_compiled_with_what_its_tenant_has_beside_it(api: Api) -> None:
    await active(api, "inner")
    id = await api.create(name="outer")
    answer = await simulate(
        api, id, graph=calling("inner"), persona=USER, inputs=[*SIGN_IN["inputs"]] * 2
    )
    assert ends(answer) == ("success", "success")
    assert "inner/password" in answer["path"]


async def test_what_runs_is_simulated_though_it_breaks_a_newer_invariant(api: Api) -> None:
    id = await active(api, "a")
    mfa = {"name": "mfa", "type": "login", "require": "size(factors) >= 2"}
    await api.done("PUT", "/api/admin/tenants/default/invariants", [mfa])
    answer = await simulate(api, id, **SIGN_IN)
    assert (answer["result"], answer["facts"]["broken"]) == ("failure", ["mfa"])
    reply = await api.call("POST", f"{FLOWS}/{id}/simulate", {"version": 1, **SIGN_IN})
    refused(reply, 400, "invalid")


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"answers": {"pw": "failure"}}, "answers.pw"),
        ({"answers": {"password": "maybe"}, **SIGN_IN}, "answers.password"),
        ({"persona": {"users": {}}}, "persona.users"),
        ({"persona": {"authenticated": True}}, "persona.authenticated"),
        ({"inputs": [{}] * 201}, "inputs"),
        ({"inputs": [{"action": "fly", "inputs": {}}]}, "inputs[0].action"),
        ({"version": 1, "graph": GRAPH}, "version"),
        ({"version": 0}, "version"),
        ({"node": "x"}, "node"),
    ],
)
async def test_a_script_that_cannot_be_played_is_refused_with_its_path(
    api: Api, body: Json, path: str
) -> None:
    id = await active(api, "a")
    reply = await api.call("POST", f"{FLOWS}/{id}/simulate", body)
    refused(reply, 400, "invalid")
    assert [problem["path"] for problem in reply.body["problems"]] == [path]


async def test_what_is_not_there_is_not_found(api: Api) -> None:
    id = await api.create()
    refused(await api.call("POST", f"{FLOWS}/flow_none/simulate", {}), 404, "not_found")
    refused(await api.call("POST", f"{FLOWS}/{id}/simulate", {"version": 9}), 404, "not_found")


async def test_flows_of_a_tenant_are_simulated_in_it(api: Api) -> None:
    path = "/t/acme/api/admin/flows"
    id = await api.create(path)
    body = {**SIGN_IN, "version": 1}
    assert (await api.done("POST", f"{path}/{id}/simulate", body))["result"] == "success"
    refused(await api.call("POST", f"{FLOWS}/{id}/simulate", body), 404, "not_found")


async def test_who_may_read_flows_may_simulate_them(api: Api) -> None:
    id = await api.create()
    path, body = f"{FLOWS}/{id}/simulate", {**SIGN_IN, "version": 1}
    reader = token("read:flows")
    assert (await api.call("POST", path, body, bearer=reader)).status == 200
    refused(await api.call("POST", path, body, bearer=token("update:flows")), 403, "denied")
    refused(await api.call("POST", path, body, bearer=""), 401, "unauthenticated")


async def test_a_flow_is_simulated_while_nats_is_away(start: Start) -> None:
    away = await start(nats_is_there=False, nats_url=Secret("nats://127.0.0.1:1"))
    id = await away.create()
    assert ends(await simulate(away, id, version=1, **SIGN_IN)) == ("success", "success")
