"""What a version says beside its graph: sent, kept, shown, and part of what makes a version."""

import pytest

from libs.common.flow.model import Json
from tests.integration.management import page
from tests.integration.management.conftest import FLOW, GRAPH, Api, refused
from tests.integration.management.graphs import EDITED, FLOWS

SETTINGS: Json = {
    "policies": [{"expression": "user.email_verified", "negate": True}, {"expression": "user.a"}],
    "policy_engine_mode": "all",
    "denied_action": "message",
    "authentication": "require_authenticated",
}


def settings(body: Json) -> Json:
    return {name: body[name] for name in (*SETTINGS, "trigger") if name in body}


async def test_settings_are_given_back_as_they_were_sent(api: Api) -> None:
    id = await api.create(**SETTINGS)
    body = await api.done("GET", f"{FLOWS}/{id}")
    assert settings(body) == SETTINGS
    assert settings(await api.done("GET", f"{FLOWS}/{id}/versions/1")) == SETTINGS


async def test_a_flow_without_settings_is_shown_as_on_the_page(api: Api) -> None:
    defaults: Json = {"policies": [], "policy_engine_mode": "any", "trigger": None}
    id = await api.create(**defaults, denied_action="message_continue", authentication="none")
    names = [name for name in page.DETAILS if name not in {"description", "compiled_at"}]
    assert list(await api.done("GET", f"{FLOWS}/{id}")) == names


async def test_a_change_of_settings_is_a_version_and_what_is_left_out_stays(api: Api) -> None:
    id = await api.create(**SETTINGS)
    body = await api.done("PUT", f"{FLOWS}/{id}", {"authentication": "none"})
    assert (body["version"], body["graph"]) == (2, GRAPH)
    assert settings(body) == {
        name: value for name, value in SETTINGS.items() if name != "authentication"
    }
    body = await api.done("PUT", f"{FLOWS}/{id}", {"graph": EDITED})
    assert (body["version"], body["policies"]) == (3, SETTINGS["policies"])
    body = await api.done("PUT", f"{FLOWS}/{id}", {"policies": []})
    assert (body["version"], "policies" in body) == (4, False)


async def test_the_same_settings_again_are_no_version(api: Api) -> None:
    id = await api.create(**SETTINGS)
    assert (await api.done("PUT", f"{FLOWS}/{id}", SETTINGS))["version"] == 1


async def test_a_trigger_keeps_what_was_written_of_it(api: Api) -> None:
    trigger = {"id": "post-login", "version": "v3"}
    id = await api.create(type="trigger", trigger=trigger)
    assert (await api.done("GET", f"{FLOWS}/{id}"))["trigger"] == trigger


@pytest.mark.parametrize(
    ("field", "value", "path"),
    [
        ("policies", [{"expression": "a", "weight": 1}], "policies[0].weight"),
        ("policies", [{"negate": True}], "policies[0].expression"),
        ("policies", [{"expression": "true"}] * 21, "policies"),
        ("policy_engine_mode", "some", "policy_engine_mode"),
        ("denied_action", "shout", "denied_action"),
        ("authentication", "maybe", "authentication"),
        ("trigger", {"id": "post-lunch"}, "trigger.id"),
        ("note", "x" * 501, "note"),
        ("note", "a\x00b", "note"),
    ],
)
async def test_settings_that_are_none_are_refused_with_their_path(
    api: Api, field: str, value: Json, path: str
) -> None:
    id = await api.create()
    for method, at, body in (("POST", "", {**FLOW, "name": "b"}), ("PUT", f"/{id}", {})):
        reply = await api.call(method, FLOWS + at, {**body, field: value})
        refused(reply, 400, "invalid")
        assert [problem["path"] for problem in reply.body["problems"]] == [path]


async def test_a_policy_that_makes_no_sense_is_saved_and_not_activated(api: Api) -> None:
    id = await api.create(policies=[{"expression": "user.a ==="}])
    report = await api.done("POST", f"{FLOWS}/{id}/validate")
    assert [error["code"] for error in report["errors"]] == ["invalid_expression"]
    refused(await api.call("POST", f"{FLOWS}/{id}/activate"), 400, "invalid")
