from __future__ import annotations

import pytest

from libs.common.errors import Invalid
from libs.common.flow.turn import Leave, Stay
from libs.common.nodes.dummy import NODE, run
from tests.playbook import Playbook, lowered, visit

STEP = lowered(NODE)


def test_it_shows_a_button_and_waits() -> None:
    shown = Playbook(run(STEP, visit())).result()
    assert isinstance(shown, Stay)
    (form,) = shown.view.components
    assert [(each.type, each.action_id) for each in form.components] == [("BUTTON", "submit")]
    assert shown.view.required == ()


def test_the_authors_words_stand_above_the_button() -> None:
    shown = Playbook(run(lowered(NODE, {"message": "Soon."}), visit())).result()
    assert isinstance(shown, Stay)
    heading, form = shown.view.components
    assert (heading.type, heading.config) == ("TYPOGRAPHY", {"text": "Soon."})
    assert form.type == "FORM"


@pytest.mark.parametrize("action", ["", "submit"])
def test_it_goes_on_when_the_button_is_pressed_and_learns_nothing(action: str) -> None:
    Playbook(run(STEP, visit(submitted={"role": "admin"}, action=action))).ends(Leave("success"))


def test_it_has_no_other_button() -> None:
    with pytest.raises(Invalid):
        Playbook(run(STEP, visit(submitted={}, action="other")))
