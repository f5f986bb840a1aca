"""`/api/v3/flows/`, as its page has it and as authentik's clients expect of it."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest

from libs.common.flow.model import Json
from tests.integration.management.conftest import Api, token

FLOWS = "/api/v3/flows/instances/"
BINDINGS = "/api/v3/flows/bindings/"
SIGN_IN: Json = {
    "name": "Sign in",
    "slug": "sign_in",
    "title": "Welcome",
    "designation": "authentication",
}


async def bindings_of(api: Api, pk: str) -> list[Json]:
    found: list[Json] = (await api.done("GET", f"{BINDINGS}?target={pk}&ordering=order"))["results"]
    return found


async def test_a_flow_is_created_and_read_as_the_page_shows_it(api: Api) -> None:
    created = await api.call("POST", FLOWS, SIGN_IN)
    assert created.status == 201
    shown = created.body
    assert {UUID(shown["pk"]), UUID(shown["policybindingmodel_ptr_id"])}
    assert shown == {
        **SIGN_IN,
        "pk": shown["pk"],
        "policybindingmodel_ptr_id": shown["policybindingmodel_ptr_id"],
        "background": "",
        "background_url": "",
        "background_themed_urls": None,
        "stages": [],
        "policies": [],
        "cache_count": 0,
        "policy_engine_mode": "any",
        "compatibility_mode": False,
        "export_url": "/api/v3/flows/instances/sign_in/export/",
        "layout": "stacked",
        "denied_action": "message_continue",
        "authentication": "none",
        "problems": shown["problems"],
    }
    assert await api.done("GET", f"{FLOWS}sign_in/") == shown


async def test_what_was_shown_can_be_sent_back(api: Api) -> None:
    shown = await api.done("POST", FLOWS, {**SIGN_IN, "layout": "sidebar_left"})
    again = await api.done("PUT", f"{FLOWS}sign_in/", shown)
    assert again == shown
    assert (await api.done("GET", "/api/admin/flows/flow_sign_in"))["version"] == 1


async def test_a_slug_with_underscores_can_be_sent_back_to_the_admin_api_and_is_no_new_name_there(
    api: Api,
) -> None:
    await api.done("POST", FLOWS, SIGN_IN)
    path = "/api/admin/flows/flow_sign_in"
    changed = await api.done("PUT", path, {"name": "sign_in", "display_name": "Hello"})
    assert (changed["name"], changed["display_name"]) == ("sign_in", "Hello")
    refused = await api.call("PUT", path, {"name": "sign_in_2"})
    assert (refused.status, refused.body["problems"][0]["path"]) == (400, "name")
    document = await api.done("GET", f"{path}/export?format=json")
    again = await api.done("POST", "/api/admin/flows/import?replace=true", document)
    assert (again["name"], again["version"]) == ("sign_in", 1)


@pytest.mark.parametrize("slug", ["cache_info", "cache_clear"])
async def test_what_names_something_else_in_a_path_is_no_slug(api: Api, slug: str) -> None:
    created = await api.call("POST", FLOWS, {**SIGN_IN, "slug": slug})
    assert (created.status, list(created.body)) == (400, ["non_field_errors", "slug", "code"])
    await api.done("POST", FLOWS, SIGN_IN)
    assert (await api.call("PATCH", f"{FLOWS}sign_in/", {"slug": slug})).status == 400


async def test_a_replace_leaves_alone_what_it_does_not_say(api: Api) -> None:
    await api.done("POST", FLOWS, {**SIGN_IN, "denied_action": "message", "background": "/a.png"})
    shown = await api.done("PUT", f"{FLOWS}sign_in/", {**SIGN_IN, "title": "Hello"})
    assert (shown["title"], shown["denied_action"]) == ("Hello", "message")
    assert (shown["background"], shown["background_url"]) == ("/a.png", "/a.png")


async def test_a_flow_has_a_new_slug_and_is_gone_from_the_old(api: Api) -> None:
    await api.done("POST", FLOWS, SIGN_IN)
    await api.done("PATCH", f"{FLOWS}sign_in/", {"slug": "welcome"})
    assert (await api.call("GET", f"{FLOWS}sign_in/")).status == 404
    deleted = await api.call("DELETE", f"{FLOWS}welcome/")
    assert (deleted.status, deleted.text) == (204, "")
    gone = await api.call("GET", f"{FLOWS}welcome/")
    assert (gone.status, gone.body) == (
        404,
        {"detail": "there is no such flow", "code": "not_found"},
    )


async def test_a_flow_of_another_face_shows_its_name_and_nearest_designation(api: Api) -> None:
    await api.create(type="invited_registration")
    shown = await api.done("GET", f"{FLOWS}sign-in/")
    assert (shown["title"], shown["designation"]) == ("Sign in", "enrollment")
    assert len(shown["stages"]) == 2
    changed = await api.call("PATCH", f"{FLOWS}sign-in/", {"designation": "recovery"})
    assert changed.status == 400
    assert changed.body["designation"] == ["a flow keeps its designation, which is enrollment"]


async def test_every_field_that_is_wrong_is_told(api: Api) -> None:
    reply = await api.call("POST", FLOWS, {"slug": "a b", "designation": "login"})
    assert reply.status == 400
    assert {"name", "slug", "title", "designation"} <= reply.body.keys()


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["a", "b", "c"]),
        ("ordering=-slug", ["c", "b", "a"]),
        ("ordering=-name", ["a", "b", "c"]),
        ("ordering=title", ["c", "b", "a"]),
        ("ordering=no_field", ["a", "b", "c"]),
        ("designation=recovery", ["b"]),
        ("denied_action=continue", ["c"]),
        ("denied_action=message_continue", ["a", "b"]),
        ("name=Two", ["b"]),
        ("slug=c", ["c"]),
        ("title=Third", ["a"]),
        ("search=UTHENT", ["a", "c"]),
        ("search=first", ["c"]),
        ("search=%25", []),
        ("search=_", []),
    ],
)
async def test_lists_are_filtered_and_ordered(api: Api, query: str, found: list[str]) -> None:
    for slug, name, title, designation in (
        ("a", "Zero", "Third", "authentication"),
        ("b", "Two", "Second", "recovery"),
        ("c", "One", "First", "authentication"),
    ):
        body = {"slug": slug, "name": name, "title": title, "designation": designation}
        await api.done(
            "POST", FLOWS, {**body, **({"denied_action": "continue"} if slug == "c" else {})}
        )
    page = await api.done("GET", f"{FLOWS}?{query}")
    assert [flow["slug"] for flow in page["results"]] == found
    assert page["pagination"]["count"] == len(found)


async def test_a_page_says_where_it_is_and_past_the_last_there_is_none(api: Api) -> None:
    for slug in "abc":
        await api.done("POST", FLOWS, {**SIGN_IN, "slug": slug})
    page = await api.done("GET", f"{FLOWS}?page=2&page_size=2")
    assert page["pagination"] == {
        "next": 0,
        "previous": 1,
        "count": 3,
        "current": 2,
        "total_pages": 2,
        "start_index": 3,
        "end_index": 3,
    }
    assert page["autocomplete"] == {}
    assert (await api.done("GET", f"{FLOWS}?page_size=2"))["pagination"]["next"] == 2
    for past in ("page=3&page_size=2", "page=0", "page=-1"):
        assert (await api.call("GET", f"{FLOWS}?{past}")).status == 404
    assert (await api.call("GET", f"{FLOWS}?page=two")).status == 400


async def test_no_flows_are_one_page(api: Api) -> None:
    pagination = (await api.done("GET", FLOWS))["pagination"]
    assert (pagination["total_pages"], pagination["start_index"], pagination["end_index"]) == (
        1,
        0,
        0,
    )


async def test_a_flow_built_of_bindings_runs_once_it_is_valid(api: Api) -> None:
    await api.create()
    source = (await api.done("GET", f"{FLOWS}sign-in/"))["pk"]
    identifier, password = await bindings_of(api, source)
    made = await api.done("POST", FLOWS, {**SIGN_IN, "slug": "built_here"})
    assert made["problems"]
    first = await api.call(
        "POST", BINDINGS, {"target": made["pk"], "stage": identifier["stage"], "order": 10}
    )
    assert first.status == 201
    assert first.body["stage"] == identifier["stage"]
    assert (await api.done("GET", "/api/admin/flows/flow_built_here"))["status"] == "draft"
    await api.done(
        "POST", BINDINGS, {"target": made["pk"], "stage": password["stage"], "order": 20}
    )
    stored = await api.done("GET", "/api/admin/flows/flow_built_here")
    assert stored["status"] == "active"
    assert [node["type"] for node in stored["graph"]["nodes"]] == [
        "start",
        "success",
        "identifier_input",
        "password_input",
    ]
    shown = await api.done("GET", f"{FLOWS}built_here/")
    assert "problems" not in shown
    assert shown["stages"] == [identifier["stage"], password["stage"]]


async def test_what_ran_goes_on_and_the_flow_says_why_the_newer_does_not(api: Api) -> None:
    id = await api.create()
    await api.done("POST", f"/api/admin/flows/{id}/activate")
    pk = (await api.done("GET", f"{FLOWS}sign-in/"))["pk"]
    _, password = await bindings_of(api, pk)
    assert (await api.call("DELETE", f"{BINDINGS}{password['pk']}/")).status == 204
    shown = await api.done("GET", f"{FLOWS}sign-in/")
    assert shown["problems"]
    stored = await api.done("GET", f"/api/admin/flows/{id}")
    assert (stored["status"], stored["version"]) == ("active", 2)
    versions = await api.done("GET", f"/api/admin/flows/{id}/versions")
    assert [each["version"] for each in versions["items"]] == [2, 1]
    # Its stage is in no flow any more, so it cannot be bound again.
    gone = {"target": pk, "stage": password["stage"], "order": 20}
    refused = await api.call("POST", BINDINGS, gone)
    assert (refused.status, refused.body["stage"]) == (
        400,
        ["no stage of any flow here has this key"],
    )


async def test_a_flow_that_was_deactivated_is_not_activated_by_a_save(api: Api) -> None:
    id = await api.create()
    await api.done("POST", f"/api/admin/flows/{id}/activate")
    await api.done("POST", f"/api/admin/flows/{id}/deactivate")
    pk = (await api.done("GET", f"{FLOWS}sign-in/"))["pk"]
    first, _ = await bindings_of(api, pk)
    await api.done("PATCH", f"{BINDINGS}{first['pk']}/", {"re_evaluate_policies": True})
    assert (await api.done("GET", f"/api/admin/flows/{id}"))["status"] == "inactive"


async def test_a_binding_is_changed_and_keeps_its_place(api: Api) -> None:
    await api.create()
    pk = (await api.done("GET", f"{FLOWS}sign-in/"))["pk"]
    first, second = await bindings_of(api, pk)
    policies = [{"expression": "user.email_verified"}]
    changed = await api.done(
        "PATCH",
        f"{BINDINGS}{second['pk']}/",
        {"policies": policies, "policy_engine_mode": "all", "order": 25},
    )
    assert (changed["pk"], changed["order"], changed["policies"]) == (second["pk"], 25, policies)
    put = {name: changed[name] for name in ("target", "stage", "order")}
    assert await api.done("PUT", f"{BINDINGS}{second['pk']}/", put) == changed
    moved = await api.done("PATCH", f"{BINDINGS}{first['pk']}/", {"order": 30})
    assert [each["pk"] for each in await bindings_of(api, pk)] == [second["pk"], moved["pk"]]
    elsewhere = await api.call("PATCH", f"{BINDINGS}{first['pk']}/", {"target": str(uuid4())})
    assert (elsewhere.status, list(elsewhere.body)) == (400, ["non_field_errors", "target", "code"])


async def test_stages_show_what_authentik_calls_them(api: Api) -> None:
    await api.create()
    pk = (await api.done("GET", f"{FLOWS}sign-in/"))["pk"]
    first, _ = await bindings_of(api, pk)
    stage = first["stage_obj"]
    assert stage["meta_model_name"] == "authentik_stages_identification.identificationstage"
    assert stage["component"] == "ak-stage-identification-form"
    assert [flow["slug"] for flow in stage["flow_set"]] == ["sign-in"]
    for query, many in ((f"stage={first['stage']}", 1), ("order=10", 1), ("search=zzz", 0)):
        page = await api.done("GET", f"{BINDINGS}?{query}")
        assert page["pagination"]["count"] == many


async def test_a_binding_that_is_none_is_not_found(api: Api) -> None:
    for key in (uuid4(), "none"):
        assert (await api.call("GET", f"{BINDINGS}{key}/")).status == 404
    assert (await api.call("GET", f"{BINDINGS}?page=2")).status == 404


async def test_another_tenant_sees_none_of_it(api: Api) -> None:
    await api.create()
    shown = await api.done("GET", f"{FLOWS}sign-in/")
    first, _ = await bindings_of(api, shown["pk"])
    acme = token(tenant="acme")
    for path in (f"{FLOWS}sign-in/", f"{BINDINGS}{first['pk']}/"):
        assert (await api.call("GET", f"/t/acme{path}", bearer=acme)).status == 404
    made = await api.call("POST", f"/t/acme{FLOWS}", SIGN_IN, bearer=acme)
    assert made.body["export_url"] == f"/t/acme{FLOWS}sign_in/export/"
    body = {"target": made.body["pk"], "stage": first["stage"], "order": 1}
    bound = await api.call("POST", f"/t/acme{BINDINGS}", body, bearer=acme)
    assert bound.status == 400
