from __future__ import annotations

from collections.abc import Mapping

import pytest

from libs.common.flow.model import Json
from libs.common.flow.view import Component, View
from libs.common.nodes.factors import BUTTONS, Factor, enrolled, hinted, hints, offering, picked
from libs.common.nodes.form import draw_button

EVERY: tuple[Factor, ...] = tuple(BUTTONS)


@pytest.mark.parametrize(
    ("user", "has"),
    [
        ({}, ()),
        ({"mfa_methods": None, "phone": None, "email": None, "email_verified": True}, ()),
        ({"mfa_methods": ["recovery_code", "totp"]}, ("totp", "recovery_code")),
        ({"mfa_methods": ["sms", "email"]}, ()),
        ({"phone": "+12025550142"}, ("sms",)),
        ({"email": "a@example.com"}, ()),
        ({"email": "a@example.com", "email_verified": "yes"}, ()),
        ({"email": "a@example.com", "email_verified": True}, ("email",)),
    ],
)
def test_somebody_has_what_is_set_up_and_what_reaches_them(
    user: Mapping[str, Json], has: tuple[Factor, ...]
) -> None:
    assert enrolled(EVERY, user, ()) == has


@pytest.mark.parametrize(
    ("email", "hint"),
    [
        ("alice@example.com", "a•••@example.com"),
        ("ab@example.com", "•••@example.com"),
        ("a@example.com", "•••@example.com"),
        ('"a@b"@example.com', '"•••@example.com'),
    ],
)
def test_no_hint_says_a_whole_address(email: str, hint: str) -> None:
    user: Mapping[str, Json] = {"email": email, "phone": "+12025550142"}
    assert hints(EVERY, user) == {"sms": "•••42", "email": hint}


def test_a_hint_stands_above_a_form() -> None:
    form = Component("form_step", "FORM")
    title, hint, below = hinted(View((form,), ("code",)), "sms", "•••42").components
    assert title.config == {"text": "Check your phone", "i18nKey": "title.sent_sms"}
    assert (hint.id, hint.config, below) == ("form_step_sent_to", {"text": "•••42"}, form)


def test_a_view_that_hides_nothing_is_the_same_view() -> None:
    buttons = tuple(draw_button(BUTTONS[each]) for each in ("sms", "totp"))
    view = View((Component("form", "FORM", components=buttons),))
    assert offering(view, ["sms", "totp"]) is view
    hidden = offering(view, ["totp"])
    assert hidden.components[0].components == buttons[1:]


@pytest.mark.parametrize(("action", "factor"), [("sms", "sms"), ("use_sms", "sms"), ("", None)])
def test_either_name_of_a_button_picks_its_factor(action: str, factor: str | None) -> None:
    assert picked(EVERY, action) == factor
