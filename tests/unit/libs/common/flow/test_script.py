"""What an author writes to try a flow, decoded as the API decodes it."""

from __future__ import annotations

import msgspec
import pytest

from libs.common.errors import Invalid, Problem
from libs.common.flow.model import Json
from libs.common.flow.script import MOMENT, MOST_INPUTS, Answer, Persona, Script, cue, submissions
from libs.common.flow.turn import Submission, Surroundings


def script(**written: Json) -> Script:
    return msgspec.convert(written, Script)


def sent(*inputs: Json) -> list[Submission]:
    return list(submissions(script(inputs=list(inputs))))


def problems(*inputs: Json) -> list[Problem]:
    with pytest.raises(Invalid) as refused:
        sent(*inputs)
    return list(refused.value.problems)


def test_the_form_of_the_api_is_read() -> None:
    read = script(
        persona={"user": {"mfa_enabled": True}, "client": {}, "request": {}},
        inputs=[{"email": "a@example.com"}],
        answers={
            "pw": ["failure", {"outcome": "success"}],
            "score": {"outcome": "success", "attributes": {"risk": 3}},
        },
    )
    assert read.persona == Persona(user={"mfa_enabled": True})
    assert read.answers == {
        "pw": ("failure", Answer("success")),
        "score": Answer("success", {"risk": 3}),
    }


def test_a_persona_has_no_account_unless_it_says_so() -> None:
    assert script().persona == Persona(user=None)
    assert script(persona={"user": None}).persona.user is None


@pytest.mark.parametrize("field", ["users", "time"])
def test_a_misspelt_field_is_refused(field: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=f"unknown field `{field}`"):
        script(persona={field: {}})


def test_no_more_is_sent_than_is_taken() -> None:
    assert len(script(inputs=[{}] * MOST_INPUTS).inputs) == MOST_INPUTS
    with pytest.raises(msgspec.ValidationError, match="length <= 200"):
        script(inputs=[{}] * (MOST_INPUTS + 1))


def test_turns_are_told_what_the_persona_says_of_the_request() -> None:
    asked = {"time": 7, "ip": "192.0.2.1", "user_agent": "curl", "language": "de"}
    persona = script(persona={"request": asked, "client": {"id": "app"}}).persona
    assert persona.surroundings() == Surroundings(7, "192.0.2.1", "curl", "de", {"id": "app"})


def test_a_script_that_names_no_time_plays_at_the_same_one_always() -> None:
    assert script().persona.surroundings() == Surroundings(MOMENT)


def test_a_map_is_a_submit_of_its_inputs() -> None:
    assert sent({"email": "a"}, {}) == [Submission("", {"email": "a"}), Submission("", {})]


def test_the_long_form_names_a_button() -> None:
    assert sent({"action": "resend", "inputs": {"a": 1}}, {"inputs": {}}) == [
        Submission("resend", {"a": 1}),
        Submission("", {}),
    ]


def test_the_long_form_may_come_from_another_device() -> None:
    assert sent({"inputs": {"token": "t"}, "elsewhere": True}) == [
        Submission("", {"token": "t"}, elsewhere=True)
    ]


def test_inputs_may_be_called_like_the_fields_of_the_long_form() -> None:
    typed = {"action": "buy", "inputs": "many"}
    assert sent(typed) == [Submission("", typed)]


def test_a_long_form_that_says_more_is_refused_with_all_that_is_wrong() -> None:
    assert [
        (each.code, each.path) for each in problems({}, {"inputs": {}, "action": 1, "x": 2})
    ] == [
        ("unknown_field", "inputs[1].x"),
        ("invalid", "inputs[1].action"),
    ]


def test_one_answer_is_for_every_visit() -> None:
    written = script(answers={"pw": "failure"})
    assert [cue(written, "pw", visit).answer.outcome for visit in range(3)] == ["failure"] * 3
    assert cue(written, "pw", 2).path == "answers.pw"


def test_a_list_of_answers_is_for_visits_in_turn_and_then_success() -> None:
    written = script(answers={"pw": ["failure", {"outcome": "blocked"}]})
    cues = [cue(written, "pw", visit) for visit in range(3)]
    assert [each.answer.outcome for each in cues] == ["failure", "blocked", "success"]
    assert [each.path for each in cues] == ["answers.pw[0]", "answers.pw[1]", None]


def test_a_node_without_an_answer_gets_its_success() -> None:
    assert cue(script(), "pw", 0).answer == Answer("success")


def test_an_answer_that_is_refused_says_where_it_is_written() -> None:
    written = script(answers={"pw": ["failure"]})
    refused = cue(written, "pw", 0).refused("no good", ".attributes")
    assert refused.problems == (
        Problem("invalid_answer", "no good", path="answers.pw[0].attributes"),
    )
