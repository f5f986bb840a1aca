from __future__ import annotations

import msgspec
import pytest

from libs.common.errors import Invalid
from libs.common.flow.captchas import CheckCaptcha, Judgement, ShowCaptcha, Widget
from libs.common.flow.model import Json, Named
from libs.common.flow.turn import FieldError, Leave, Message, Stay
from libs.common.flow.view import Component, View
from libs.common.nodes.captcha import LONGEST, NODE, Config, run
from libs.common.nodes.form import SUBMIT, draw_button
from libs.common.secret import Secret
from tests.playbook import Playbook, lowered, visit

STEP = lowered(NODE, {"provider": "turnstile", "attempts": 2})
SHOW = ShowCaptcha("turnstile")
WIDGET = Widget("TURNSTILE", "1x00AA")
CHECK = CheckCaptcha("turnstile", Secret("a-response"))
SENT: Json = {"captcha": "a-response"}
CAPTCHA = Component(
    "captcha",
    "CAPTCHA",
    "TURNSTILE",
    config={"identifier": "captcha", "name": "captcha", "required": True, "siteKey": "1x00AA"},
)
VIEW = View(
    (Component("form_step", "FORM", components=(CAPTCHA, draw_button(SUBMIT))),), ("captcha",)
)


def test_the_service_s_captcha_is_drawn_in_a_form() -> None:
    Playbook(run(STEP, visit())).asks(SHOW, answered=WIDGET).ends(Stay(VIEW))


def test_who_is_no_program_goes_on() -> None:
    dialogue = Playbook(run(STEP, visit(submitted=SENT, action="submit")))
    dialogue.asks(CHECK, answered=Judgement.PASSED).ends(Leave("success"))


def test_who_may_be_one_is_asked_again() -> None:
    dialogue = Playbook(run(STEP, visit(submitted=SENT)))
    dialogue.asks(CHECK, answered=Judgement.REFUSED).asks(SHOW, answered=WIDGET).ends(
        Stay(VIEW, Message("captcha.wrong"), tried=True)
    )


def test_but_not_for_ever() -> None:
    dialogue = Playbook(run(STEP, visit(submitted=SENT, tries=1)))
    dialogue.asks(CHECK, answered=Judgement.REFUSED).ends(Leave("failure", tried=True))


def test_with_no_try_left_what_is_sent_is_not_looked_at() -> None:
    Playbook(run(STEP, visit(submitted=SENT, tries=2))).ends(Leave("failure"))


def test_while_the_service_is_silent_nobody_goes_on_and_no_try_is_used_up() -> None:
    dialogue = Playbook(run(STEP, visit(submitted=SENT, tries=1)))
    dialogue.asks(CHECK, answered=Judgement.UNKNOWN).asks(SHOW, answered=WIDGET).ends(
        Stay(VIEW, Message("captcha.unknown"))
    )


@pytest.mark.parametrize(
    ("sent", "key"),
    [
        ({}, "field.required"),
        ({"captcha": ""}, "field.required"),
        ({"captcha": None}, "field.required"),
        ({"captcha": 7}, "field.invalid"),
        ({"captcha": "x" * (LONGEST + 1)}, "field.invalid"),
    ],
)
def test_what_no_service_gives_out_is_not_checked(sent: Json, key: str) -> None:
    dialogue = Playbook(run(STEP, visit(submitted=sent)))
    dialogue.asks(SHOW, answered=WIDGET).ends(
        Stay(VIEW, Message("form.invalid"), (FieldError("captcha", key),))
    )


def test_an_action_that_is_not_there_is_refused() -> None:
    with pytest.raises(Invalid):
        Playbook(run(STEP, visit(submitted=SENT, action="fly")))


def test_without_a_provider_nobody_goes_on() -> None:
    Playbook(run(STEP, visit())).asks(SHOW, answered=None).ends(Leave("failure"))


def test_it_names_its_provider() -> None:
    assert NODE.names(Config()) == (Named("provider", "captcha"),)


@pytest.mark.parametrize("provider", ["", "a/b", "-a", "a\n"])
def test_a_provider_is_named_by_its_id(provider: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"provider": provider}, Config)
