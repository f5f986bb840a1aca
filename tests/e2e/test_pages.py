"""What the public pages show, asked of the real thing: their examples are fixtures."""

from __future__ import annotations

import json
from pathlib import Path

from deploy.local.demo import FLOWS
from tests.e2e.conftest import SIGN_UP
from tests.e2e.walker import Admin, Json, Walker

PAGES = Path(__file__).parents[1] / "fixtures" / "pages"
FIRST_ANSWER = json.loads((PAGES / "first_answer.json").read_text())
DETAILS_TEXT = (PAGES / "flow_details.json").read_text()
DETAILS = json.loads(DETAILS_TEXT)
GRAPH_TEXT = (FLOWS / "mfa-login.graph.json").read_text().strip()

OURS = frozenset({"id", "compiled_at", "created_at", "updated_at"})
"""What cannot be as on the page: ids are made of the name, and times pass."""


def holds(shown: Json, page: Json) -> bool:
    """Whether `shown` has all that `page` has: more keys, but no more and no other items."""
    match page:
        case dict():
            return page.keys() <= shown.keys() and all(
                holds(shown[key], part) for key, part in page.items()
            )
        case list():
            return len(shown) == len(page) and all(map(holds, shown, page))
        case _:
            return bool(shown == page)


async def test_a_registration_begins_with_the_pages_first_answer(
    admin: Admin, walker: Walker
) -> None:
    await admin.publish("sign-up", SIGN_UP, "registration")
    step = await walker.post({"flowType": "REGISTRATION"})
    assert step.status == 200
    assert holds({**step.body, "flowId": FIRST_ANSWER["flowId"]}, FIRST_ANSWER), step.body
    assert step.data["requiredParams"] == FIRST_ANSWER["data"]["requiredParams"]
    assert list(step.body)[:3] == list(FIRST_ANSWER)[:3]


async def test_each_path_of_the_page_begins_the_same_flow(admin: Admin, walker: Walker) -> None:
    await admin.publish("sign-up", SIGN_UP, "registration")
    body = {"flowType": "REGISTRATION"}
    paths = (
        "/flow/execute",
        "/api/server/v1/flow/execute",
        "/t/default/flow/execute",
        "/t/default/api/server/v1/flow/execute",
    )
    shown = [(await walker.post(body, path=path)).data for path in paths]
    assert all(data == shown[0] for data in shown)
    assert shown[0]["requiredParams"] == ["email", "password"]


async def test_a_step_is_answered_at_another_path_than_the_one_it_was_shown_at(
    admin: Admin, walker: Walker
) -> None:
    await admin.publish("sign-up", SIGN_UP, "registration")
    step = await walker.post({"flowType": "REGISTRATION"}, path="/t/default/flow/execute")
    body = {"flowId": step.flow, "actionId": "submit-registration", "inputs": {"email": "wrong"}}
    again = await walker.post(body, path="/api/server/v1/flow/execute")
    wrong = {error["identifier"] for error in again.data["fieldErrors"]}
    assert (again.status, wrong) == (200, {"email", "password"})


async def test_the_pages_graph_is_taken_byte_for_byte_and_its_details_are_the_pages(
    admin: Admin,
) -> None:
    assert GRAPH_TEXT in DETAILS_TEXT
    about = {key: DETAILS[key] for key in ("name", "display_name", "description", "type")}
    body = f'{json.dumps(about)[:-1]}, "graph": {GRAPH_TEXT}}}'
    created = await admin.ask("POST", body=body)
    assert created.status == 201, created.content
    path = f"/{created.body['id']}"
    await admin.done("POST", f"{path}/compile")
    await admin.done("POST", f"{path}/activate")
    shown = await admin.done("GET", path)
    assert list(shown) == list(DETAILS)
    for key in DETAILS.keys() - OURS:
        assert json.dumps(shown[key]) == json.dumps(DETAILS[key]), key
    for key in OURS:
        assert type(shown[key]) is type(DETAILS[key]), key
