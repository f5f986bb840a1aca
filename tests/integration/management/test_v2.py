"""`/api/v2/flows`, as its page has it and as Auth0's tools expect of it."""

from __future__ import annotations

import re

import pytest

from libs.common.flow.model import Json
from tests.integration.management.conftest import GRAPH, Api, token

FLOWS = "/api/v2/flows"
CONDITION: Json = {
    "id": "step_1",
    "type": "condition",
    "options": {"expression": "user.email_verified === false"},
}
MFA: Json = {"id": "step_2", "type": "mfa", "options": {"methods": ["totp"]}}
PASSWORD_RESET: Json = {
    "name": "Password Reset",
    "trigger": {"id": "post-login", "version": "v2"},
    "status": "active",
    "steps": [CONDITION, MFA],
}
ISO = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


async def create(api: Api, **fields: Json) -> Json:
    reply = await api.call("POST", FLOWS, {**PASSWORD_RESET, **fields})
    assert reply.status == 201, reply.text
    return reply.body


async def graph_of(api: Api, id: str) -> Json:
    return (await api.done("GET", f"/api/admin/flows/{id}"))["graph"]


async def test_a_flow_is_created_and_read_as_the_page_shows_it(api: Api) -> None:
    created = await create(api)
    assert ISO.fullmatch(created.pop("created_at"))
    assert ISO.fullmatch(created.pop("updated_at"))
    assert created == {**PASSWORD_RESET, "id": "flow_password_reset"}
    read = await api.done("GET", f"{FLOWS}/flow_password_reset")
    assert {**read, **created} == read


async def test_the_page_s_own_flow_runs_and_names_its_action_as_the_page_does(api: Api) -> None:
    call: Json = {"id": "step_2", "type": "action", "options": {"action_id": "action_123"}}
    created = await create(api, steps=[CONDITION, call])
    assert (created["status"], created["steps"]) == ("active", [CONDITION, call])
    (node,) = [
        each for each in (await graph_of(api, created["id"]))["nodes"] if each["id"] == "step_2"
    ]
    assert (node["type"], node["config"]) == ("action", {"action": "action_123"})
    wrong = {"id": "step_2", "type": "action", "options": {"action": "action_123"}}
    refused = await api.call("PATCH", f"{FLOWS}/{created['id']}", {"steps": [wrong]})
    assert refused.body["problems"][0]["path"] == "steps[0].options.action"


async def test_a_name_is_enough_for_a_draft(api: Api) -> None:
    created = await api.done("POST", FLOWS, {"name": "Nothing yet"})
    assert created["trigger"] == {"id": "post-login", "version": "v2"}
    assert (created["status"], created["steps"]) == ("draft", [])


async def test_names_need_not_be_unique_nor_sayable_in_a_slug(api: Api) -> None:
    ids = [
        (await create(api, status="draft", name=name))["id"] for name in ("ログイン", "!", "Ä b")
    ]
    again = await create(api, status="draft", name="Ä b")
    assert ids[0] == "flow_flow"
    assert re.fullmatch("flow_flow_[0-9a-f]{6}", ids[1])
    assert ids[2] == "flow_a_b"
    slug = (await api.done("GET", f"/api/admin/flows/{again['id']}"))["name"]
    assert re.fullmatch("a-b-[0-9a-f]{6}", slug)


async def test_a_slug_that_a_renamed_flow_has_is_not_taken_again(api: Api) -> None:
    renamed = await api.create(name="other")
    await api.done("PUT", f"/api/admin/flows/{renamed}", {"name": "password-reset"})
    created = await create(api)
    assert re.fullmatch("flow_password_reset_[0-9a-f]{6}", created["id"])


async def test_lists_are_paged_from_zero_and_empty_past_the_end(api: Api) -> None:
    ids = [(await create(api, status="draft", name=f"Flow {n}"))["id"] for n in range(3)]
    page = await api.done("GET", FLOWS)
    assert [flow["id"] for flow in page["flows"]] == ids
    assert (page["total"], page["start"], page["limit"]) == (3, 0, 10)
    assert page["flows"][0].keys() == {
        "id",
        "name",
        "trigger",
        "status",
        "created_at",
        "updated_at",
    }
    second = await api.done("GET", f"{FLOWS}?page=1&per_page=2")
    assert [flow["id"] for flow in second["flows"]] == ids[2:]
    assert (second["total"], second["start"], second["limit"]) == (3, 2, 2)
    past = await api.call("GET", f"{FLOWS}?page=2147483647&per_page=100&include_totals=true")
    assert (past.status, past.body["flows"], past.body["total"]) == (200, [], 3)


async def test_totals_are_left_out_for_who_does_not_want_them(api: Api) -> None:
    await create(api)
    page = await api.done("GET", f"{FLOWS}?include_totals=false&hydrate=form_count")
    assert page.keys() == {"flows", "start", "limit"}


async def test_a_patch_changes_what_it_names_and_answers_the_whole_flow(api: Api) -> None:
    await create(api)
    changed = await api.done(
        "PATCH",
        f"{FLOWS}/flow_password_reset",
        {"name": "Updated Password Reset", "status": "inactive", "steps": [MFA]},
    )
    assert changed["name"] == "Updated Password Reset"
    assert (changed["status"], changed["steps"]) == ("inactive", [MFA])
    assert changed["trigger"] == PASSWORD_RESET["trigger"]
    assert await api.done("GET", f"{FLOWS}/flow_password_reset") == changed


async def test_a_flow_is_deleted_without_a_word(api: Api) -> None:
    await create(api)
    gone = await api.call("DELETE", f"{FLOWS}/flow_password_reset")
    assert (gone.status, gone.text) == (204, "")
    assert (await api.call("GET", f"{FLOWS}/flow_password_reset")).status == 404


# --- Publishing ---


async def test_a_saved_definition_of_an_active_flow_runs_at_once(api: Api) -> None:
    await create(api)
    await api.done("PATCH", f"{FLOWS}/flow_password_reset", {"steps": [MFA]})
    candidates = await api.done("GET", "/api/admin/candidates/trigger")
    assert [(each["id"], each["version"]) for each in candidates["flows"]] == [
        ("flow_password_reset", 2)
    ]


async def test_an_invalid_definition_of_an_active_flow_is_refused_and_not_saved(api: Api) -> None:
    await create(api)
    wrong = {**CONDITION, "options": {"expression": "user."}}
    refused = await api.call("PATCH", f"{FLOWS}/flow_password_reset", {"steps": [MFA, wrong]})
    assert (refused.status, refused.body["error"]) == (400, "bad_request")
    assert [(each["code"], each["path"]) for each in refused.body["problems"]] == [
        ("invalid_expression", "steps[1].options.expression")
    ]
    assert (await api.done("GET", f"{FLOWS}/flow_password_reset"))["steps"] == [CONDITION, MFA]


async def test_nothing_is_created_of_a_flow_that_is_to_be_active_and_cannot(api: Api) -> None:
    wrong = {**CONDITION, "options": {}}
    refused = await api.call("POST", FLOWS, {**PASSWORD_RESET, "steps": [wrong]})
    assert refused.status == 400
    assert (await api.done("GET", FLOWS))["total"] == 0
    # Not even its name is taken.
    assert (await create(api))["id"] == "flow_password_reset"


async def test_a_draft_may_be_invalid_until_it_is_activated(api: Api) -> None:
    id = (await create(api, status="draft", steps=[{**CONDITION, "options": {}}]))["id"]
    assert (await api.call("PATCH", f"{FLOWS}/{id}", {"status": "active"})).status == 400
    mended = await api.done("PATCH", f"{FLOWS}/{id}", {"steps": [CONDITION], "status": "active"})
    assert mended["status"] == "active"


@pytest.mark.parametrize("status", ["draft", "active", "inactive"])
async def test_a_flow_has_the_status_that_it_was_given_however_often(api: Api, status: str) -> None:
    created = await create(api, status=status)
    assert created["status"] == status
    again = await api.done("PATCH", f"{FLOWS}/{created['id']}", {"status": status})
    assert again == created


async def test_what_was_active_is_no_draft_again(api: Api) -> None:
    id = (await create(api))["id"]
    refused = await api.call("PATCH", f"{FLOWS}/{id}", {"name": "New", "status": "draft"})
    assert (refused.status, refused.body["problems"][0]["path"]) == (400, "status")
    assert (await api.done("GET", f"{FLOWS}/{id}"))["name"] == "Password Reset"


async def test_another_name_activates_nothing(api: Api) -> None:
    id = (await create(api))["id"]
    await api.done("PUT", f"/api/admin/flows/{id}", {"graph": {"nodes": [], "edges": []}})
    await api.done("PATCH", f"{FLOWS}/{id}", {"name": "Renamed"})
    candidates = await api.done("GET", "/api/admin/candidates/trigger")
    assert [each["version"] for each in candidates["flows"]] == [1]


# --- With the other faces ---


async def test_steps_sent_back_make_no_version(api: Api) -> None:
    id = (await create(api))["id"]
    shown = await api.done("GET", f"{FLOWS}/{id}")
    sent = {name: shown[name] for name in ("name", "trigger", "status", "steps")}
    assert await api.done("PATCH", f"{FLOWS}/{id}", sent) == shown
    assert (await api.done("GET", f"/api/admin/flows/{id}"))["version"] == 1


async def test_an_edit_of_steps_keeps_what_was_drawn_on_the_nodes(api: Api) -> None:
    id = (await create(api, steps=[MFA]))["id"]
    graph = await graph_of(api, id)
    node = graph["nodes"][1]
    node |= {
        "label": "Second factor",
        "position": {"x": 1, "y": 2},
        "policies": [{"expression": "user.admin"}],
        "re_evaluate_policies": True,
    }
    await api.done("PUT", f"/api/admin/flows/{id}", {"graph": graph})
    await api.done("PATCH", f"{FLOWS}/{id}", {"steps": [CONDITION, MFA]})
    after = await graph_of(api, id)
    assert node in after["nodes"]


async def test_a_graph_that_steps_cannot_say_is_shown_with_the_reason(api: Api) -> None:
    id = await api.create()
    shown = await api.done("GET", f"{FLOWS}/{id}")
    assert "steps" not in shown
    assert shown["steps_unavailable"] == {
        "reason": "no step is of the type 'identifier_input'",
        "node_id": "identifier",
    }
    assert shown["trigger"] == {"id": "post-login", "version": "v2"}
    # What it was shown can be sent back.
    body = {name: shown[name] for name in ("name", "trigger", "status", "steps_unavailable")}
    assert await api.done("PATCH", f"{FLOWS}/{id}", {**body, "name": "Renamed"})
    assert await graph_of(api, id) == GRAPH


async def test_steps_take_the_place_of_such_a_graph_only_when_that_is_said(api: Api) -> None:
    id = await api.create()
    refused = await api.call("PATCH", f"{FLOWS}/{id}", {"steps": [MFA]})
    assert (refused.status, refused.body["errorCode"]) == (409, "steps_unavailable")
    assert refused.body["detail"] == "identifier: no step is of the type 'identifier_input'"
    done = await api.done("PATCH", f"{FLOWS}/{id}?replace_graph=true", {"steps": [MFA]})
    assert done["steps"] == [MFA]


async def test_a_flow_that_clients_start_has_no_trigger_to_change(api: Api) -> None:
    id = await api.create()
    refused = await api.call(
        "PATCH", f"{FLOWS}/{id}", {"trigger": {"id": "post-change-password", "version": "v2"}}
    )
    assert (refused.status, refused.body["problems"][0]["path"]) == (400, "trigger")


async def test_another_trigger_is_a_new_version(api: Api) -> None:
    id = (await create(api))["id"]
    trigger = {"id": "pre-user-registration", "version": "v1"}
    changed = await api.done("PATCH", f"{FLOWS}/{id}", {"trigger": trigger})
    assert changed["trigger"] == trigger
    details = await api.done("GET", f"/api/admin/flows/{id}")
    assert (details["version"], details["trigger"]) == (2, trigger)


@pytest.mark.parametrize(
    ("type", "trigger"),
    [
        ("registration", "post-user-registration"),
        ("account_recovery", "post-change-password"),
        ("logout", "post-login"),
        ("trigger", "post-login"),
    ],
)
async def test_each_flow_shows_the_nearest_trigger(api: Api, type: str, trigger: str) -> None:
    id = await api.create(type=type)
    assert (await api.done("GET", f"{FLOWS}/{id}"))["trigger"]["id"] == trigger
    (item,) = (await api.done("GET", FLOWS))["flows"]
    assert item["trigger"] == {"id": trigger, "version": "v2"}


# --- Refusals ---


@pytest.mark.parametrize(
    ("bearer", "status", "error", "message"),
    [
        ("", 401, "unauthorized", "Access token is invalid"),
        ("x.y.z", 401, "unauthorized", "Access token is invalid"),
        (token("create:flows"), 403, "forbidden", "Insufficient permissions"),
        (token(tenant="acme"), 403, "forbidden", "Insufficient permissions"),
        (token(), 404, "not_found", "Flow not found"),
    ],
)
async def test_a_refusal_is_the_page_s(
    api: Api, bearer: str, status: int, error: str, message: str
) -> None:
    refused = await api.call("GET", f"{FLOWS}/flow_none", bearer=bearer)
    assert refused.status == refused.body["statusCode"] == status
    assert (refused.body["error"], refused.body["message"]) == (error, message)
    assert refused.headers["X-Request-Id"]


async def test_the_deploy_tool_is_told_which_scope_it_lacks_in_the_words_that_it_looks_for(
    api: Api,
) -> None:
    refused = await api.call("GET", FLOWS, bearer=token("create:flows"))
    assert refused.body["detail"] == "Insufficient scope, expected any of: read:flows"


async def test_a_body_is_told_all_that_is_wrong_with_it(api: Api) -> None:
    wrong = {"trigger": {"id": "post-lunch"}, "steps": [{"id": "", "type": "x"}], "actions": []}
    refused = await api.call("POST", FLOWS, wrong)
    assert (refused.status, refused.body["errorCode"]) == (400, "invalid_body")
    assert {problem["path"] for problem in refused.body["problems"]} == {
        "actions",
        "name",
        "trigger.id",
        "steps[0].id",
        "steps[0].type",
    }


@pytest.mark.parametrize("query", ["page=-1", "page=x", "per_page=0", "per_page=101", "page=1e99"])
async def test_a_query_is_told_what_is_wrong_with_it(api: Api, query: str) -> None:
    refused = await api.call("GET", f"{FLOWS}?{query}")
    assert (refused.status, refused.body["errorCode"]) == (400, "invalid_query_string")
    assert refused.body["problems"][0]["path"] == query.partition("=")[0]


async def test_there_are_no_vault_connections(api: Api) -> None:
    page = await api.done("GET", f"{FLOWS}/vault/connections?page=2&per_page=5")
    assert page == {"connections": [], "total": 0, "start": 10, "limit": 5}


async def test_another_tenant_has_flows_of_its_own(api: Api) -> None:
    created = await api.done("POST", f"/t/acme{FLOWS}", PASSWORD_RESET)
    assert (await api.done("GET", FLOWS))["flows"] == []
    assert (await api.call("GET", f"{FLOWS}/{created['id']}")).status == 404
    assert (await api.call("GET", f"/t/nobody{FLOWS}")).status == 404
