from __future__ import annotations

import msgspec
import pytest

from libs.common.flow.model import FlowType
from libs.common.flow.turn import FieldError, Message, Over, Session, Stay, Submission
from libs.common.flow.view import Component, View
from libs.common.nodes.messages import MESSAGES
from services.executor import wire
from services.executor.answers import could_answer, end, show, step_id
from services.executor.texts.catalogue import Language

SESSION = Session(
    id="5f31ce20-872d-4334-8f9f-3572710dbc57",
    tenant="default",
    plan="p",
    type=FlowType.LOGIN,
    node=0,
    started_at=0,
    expires_at=60,
    idle_until=60,
)
BUTTON = Component("submit", "BUTTON", "PRIMARY", "go-on")
ENGLISH = Language("en", MESSAGES)
GERMAN = Language("de", {"form.invalid": "Bitte prüfen."})
VIEW = View((Component("form", "FORM", components=(BUTTON,)),), ("password",))


def body(answer: wire.Answer) -> dict[str, object]:
    decoded: dict[str, object] = msgspec.json.decode(wire.encode(answer))
    return decoded


def test_a_view_is_shown_with_no_key_that_says_nothing() -> None:
    assert body(show(SESSION, Stay(VIEW), "step", ENGLISH)) == {
        "flowId": SESSION.id,
        "flowType": "LOGIN",
        "flowStatus": "INCOMPLETE",
        "type": "VIEW",
        "stepId": "step",
        "data": {
            "components": [
                {
                    "id": "form",
                    "type": "FORM",
                    "components": [
                        {
                            "id": "submit",
                            "type": "BUTTON",
                            "variant": "PRIMARY",
                            "actionId": "go-on",
                        }
                    ],
                }
            ],
            "requiredParams": ["password"],
        },
    }


def test_a_page_to_be_sent_to_is_a_redirection_that_goes_on() -> None:
    assert body(show(SESSION, Stay(View(()), url="/terms"), "step", ENGLISH)) == {
        "flowId": SESSION.id,
        "flowType": "LOGIN",
        "flowStatus": "INCOMPLETE",
        "type": "REDIRECTION",
        "stepId": "step",
        "data": {"url": "/terms", "redirectURL": "/terms"},
    }


def test_a_ceremony_is_given_under_both_names_beside_its_view() -> None:
    options = {"publicKeyCredentialRequestOptions": {"challenge": "Zm9v"}}
    view = View((BUTTON,), ("tokenResponse",))
    answer = body(
        show(SESSION, Stay(view, Message("passkey.wrong"), webauthn=options), "step", ENGLISH)
    )
    assert answer["type"] == "WEBAUTHN"
    data = answer["data"]
    assert isinstance(data, dict)
    assert data["webAuthn"] == data["webAuthnData"] == options
    assert data["requiredParams"] == ["tokenResponse"]
    assert data["components"][0]["actionId"] == "go-on"
    assert data["messages"][0]["i18nKey"] == "passkey.wrong"


def test_an_app_is_asked_for_parameters_and_shown_nothing() -> None:
    view = View((), ("origin",), ("campaign",), internal=True)
    wrong = (FieldError("origin", "field.required"),)
    answer = body(show(SESSION, Stay(view, field_errors=wrong), "step", ENGLISH))
    assert answer["type"] == "INTERNAL_PROMPT"
    data = answer["data"]
    assert isinstance(data, dict)
    assert (data["requiredParams"], data["optionalParams"]) == (["origin"], ["campaign"])
    assert "components" not in data
    assert [each["identifier"] for each in data["fieldErrors"]] == ["origin"]
    answer = body(show(SESSION, Stay(View((), ("origin",), internal=True)), "step", ENGLISH))
    assert answer["data"] == {"requiredParams": ["origin"]}


def test_what_was_wrong_is_said_in_words_and_by_key() -> None:
    shown = Stay(VIEW, Message("form.invalid"), (FieldError("password", "field.required"),))
    data = body(show(SESSION, shown, "step", ENGLISH))["data"]
    assert isinstance(data, dict)
    assert data["messages"] == [
        {"type": "ERROR", "message": MESSAGES["form.invalid"], "i18nKey": "form.invalid"}
    ]
    assert data["fieldErrors"] == [
        {
            "identifier": "password",
            "message": MESSAGES["field.required"],
            "i18nKey": "field.required",
        }
    ]
    assert data["additionalData"] == {"error": MESSAGES["form.invalid"]}


def test_what_was_wrong_is_said_in_the_users_language() -> None:
    shown = Stay(VIEW, Message("form.invalid"), (FieldError("password", "a.newer_key"),))
    data = body(show(SESSION, shown, "step", GERMAN))["data"]
    assert isinstance(data, dict)
    assert data["messages"] == [
        {"type": "ERROR", "message": "Bitte prüfen.", "i18nKey": "form.invalid"}
    ]
    assert data["fieldErrors"][0]["message"] == "a.newer_key"
    assert data["additionalData"] == {"error": "Bitte prüfen."}


def test_an_end_without_words_has_no_data() -> None:
    assert body(end(SESSION, Over(succeeded=True), None, ENGLISH)) == {
        "flowId": SESSION.id,
        "flowType": "LOGIN",
        "flowStatus": "COMPLETE",
        "type": "VIEW",
        "data": {},
    }


def test_an_assertion_is_given_under_both_names() -> None:
    assert body(end(SESSION, Over(succeeded=True, sign_in=True), "jwt", ENGLISH))["data"] == {
        "userAssertion": "jwt",
        "additionalData": {"userAssertion": "jwt"},
    }


def test_a_redirect_is_given_under_both_names() -> None:
    answer = body(end(SESSION, Over(succeeded=True, redirect="/home"), None, ENGLISH))
    assert answer["type"] == "REDIRECTION"
    assert answer["data"] == {"url": "/home", "redirectURL": "/home"}


def test_a_failure_says_the_authors_words_where_there_are_any() -> None:
    over = Over(succeeded=False, message=Message("flow.failed"), text="Ask the help desk.")
    answer = body(end(SESSION, over, None, ENGLISH))
    assert (answer["flowStatus"], answer["failureReason"]) == ("ERROR", "Ask the help desk.")
    assert answer["data"] == {
        "messages": [{"type": "ERROR", "message": "Ask the help desk."}],
        "additionalData": {"error": "Ask the help desk."},
    }


@pytest.mark.parametrize(
    ("action", "inputs", "could"),
    [
        ("", ("password",), True),
        ("submit", ("password",), True),
        ("go-on", ("password", "more"), True),
        ("other", ("password",), False),
        ("", ("identifier",), False),
        ("", (), False),
    ],
)
def test_a_submit_could_answer_a_view_if_it_names_a_button_and_all_that_is_required(
    action: str, inputs: tuple[str, ...], could: bool
) -> None:
    assert could_answer(VIEW, Submission(action, dict.fromkeys(inputs, "x"))) is could


@pytest.mark.parametrize("action", ["again", "resend"])
def test_another_message_may_be_asked_for_whatever_is_required(action: str) -> None:
    view = View((Component("again", "RESEND", action_id="resend"),), ("code",))
    assert could_answer(view, Submission(action))


def test_an_ended_flow_shows_somebody_else_only_that_it_ended() -> None:
    answer = wire.encode(end(SESSION, Over(succeeded=True, sign_in=True), "jwt", ENGLISH))
    shown = msgspec.json.decode(wire.current_step(answer))
    assert (shown["flowStatus"], shown["data"]) == ("COMPLETE", {})
    failed = end(SESSION, Over(succeeded=False, text="Ask the help desk."), None, ENGLISH)
    assert b"help desk" not in bytes(wire.current_step(wire.encode(failed)))


def test_an_action_is_named_by_either_of_two_names() -> None:
    assert wire.Request(action_id="a", action="b").pressed == "a"
    assert wire.Request(action="b").pressed == "b"
    assert wire.Request(action_id="").pressed == ""


def test_a_running_flow_shows_somebody_else_its_current_step() -> None:
    answer = wire.encode(show(SESSION, Stay(VIEW), "step", ENGLISH))
    assert bytes(wire.current_step(answer)) == answer


def test_every_step_of_every_session_has_a_name_of_its_own() -> None:
    sessions = ("0b0e4b6c-6c0f-4f0a-9a51-7c0d2f9f6f11", "d7a1b7f2-3c4e-4f3a-8a4b-0e5c6d7e8f90")
    names = {step_id(session, revision) for session in sessions for revision in range(5_000)}
    assert len(names) == 10_000
    assert {len(name) for name in names} == {8}
