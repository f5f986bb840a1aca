from __future__ import annotations

import msgspec

from libs.common.flow.view import Component, View

VIEW = View(
    (
        Component(
            "form_1",
            "FORM",
            components=(
                Component("email", "INPUT", "EMAIL", config={"identifier": "email"}),
                Component("submit", "BUTTON", "PRIMARY", "submit-registration"),
                Component("skip", "BUTTON", "SECONDARY"),
            ),
        ),
        Component("top", "BUTTON", action_id="home"),
    ),
    ("email",),
)


def test_components_are_written_as_on_the_page_and_without_what_is_not_there() -> None:
    assert msgspec.json.decode(VIEW.components_json)[0] == {
        "id": "form_1",
        "type": "FORM",
        "components": [
            {"id": "email", "type": "INPUT", "variant": "EMAIL", "config": {"identifier": "email"}},
            {
                "id": "submit",
                "type": "BUTTON",
                "variant": "PRIMARY",
                "actionId": "submit-registration",
            },
            {"id": "skip", "type": "BUTTON", "variant": "SECONDARY"},
        ],
    }


def test_the_components_are_written_once() -> None:
    assert VIEW.components_json is VIEW.components_json


def test_a_button_is_named_by_its_action_or_its_id_or_not_at_all() -> None:
    assert VIEW.actions == {"", "submit-registration", "submit", "skip", "home", "top"}


def test_asking_for_another_code_is_an_action_as_well() -> None:
    view = View((Component("again", "RESEND", action_id="resend"), Component("send", "BUTTON")))
    assert view.actions == {"", "again", "resend", "send"}
    assert view.resends == {"again", "resend"}


def test_a_view_that_a_plan_holds_is_the_same_view() -> None:
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(VIEW), type=View) == VIEW
