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
    assert msgspec.json.decode(VIEW.components_in({}))[0] == {
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


def test_what_is_kept_with_a_view_is_found_there() -> None:
    view = View(())
    assert view.kept == {}
    view.kept["de"] = "Ansicht"
    assert view.kept == {"de": "Ansicht"}
    assert View(()).kept == {}
    assert view == View(())


def test_words_that_are_not_the_authors_are_in_the_users_language() -> None:
    words = {"label.email": "E-Mail-Adresse", "button.continue": "Weiter", "Continue": "no"}
    view = View(
        (
            Component(
                "form",
                "FORM",
                components=(
                    Component("a", "INPUT", config={"label": "Email", "i18nKey": "label.email"}),
                    Component("b", "BUTTON", config={"text": "Go", "i18nKey": "button.continue"}),
                    Component("c", "BUTTON", config={"text": "Continue"}),
                    Component("d", "BUTTON", config={"text": "Newer", "i18nKey": "button.newer"}),
                ),
            ),
        )
    )
    (form,) = msgspec.json.decode(view.components_in(words))
    assert [one["config"] for one in form["components"]] == [
        {"label": "E-Mail-Adresse", "i18nKey": "label.email"},
        {"text": "Weiter", "i18nKey": "button.continue"},
        {"text": "Continue"},
        {"text": "Newer", "i18nKey": "button.newer"},
    ]


def test_what_must_be_sent_is_needed_once() -> None:
    assert View((), required=("email", "email", "name")).needed == {"email", "name"}


def test_a_button_is_named_by_its_action_or_its_id_or_not_at_all() -> None:
    assert VIEW.actions == {"", "submit-registration", "submit", "skip", "home", "top"}


def test_asking_for_another_code_is_an_action_as_well() -> None:
    view = View((Component("again", "RESEND", action_id="resend"), Component("send", "BUTTON")))
    assert view.actions == {"", "again", "resend", "send"}
    assert view.resends == {"again", "resend"}


def test_a_view_that_a_plan_holds_is_the_same_view() -> None:
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(VIEW), type=View) == VIEW


def test_options_of_ours_are_in_the_users_language_and_in_its_order() -> None:
    ours = [
        {"value": "AT", "label": "AT", "i18nKey": "country.AT"},
        {"value": "DE", "label": "DE", "i18nKey": "country.DE"},
        {"value": "OM", "label": "OM", "i18nKey": "country.OM"},
        {"value": "ZZ", "label": "ZZ", "i18nKey": "country.ZZ"},
    ]
    words = {"country.AT": "Österreich", "country.DE": "Deutschland", "country.OM": "oman"}
    view = View((Component("a", "INPUT", "COUNTRY", config={"options": ours}),))
    (shown,) = msgspec.json.decode(view.components_in(words))
    assert [option["label"] for option in shown["config"]["options"]] == [
        "Deutschland",
        "oman",
        "Österreich",
        "ZZ",
    ]


def test_options_of_the_authors_stay_as_they_are() -> None:
    theirs = [{"value": "l", "label": "Large"}, {"value": "a", "label": "A bit"}]
    view = View((Component("a", "INPUT", "DROPDOWN", config={"options": theirs}),))
    (shown,) = msgspec.json.decode(view.components_in({"Large": "no"}))
    assert shown["config"]["options"] == theirs
