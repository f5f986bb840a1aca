from __future__ import annotations

from libs.common.flow.accounts import CheckInvitation
from libs.common.flow.turn import Facts, FieldError, Leave, Message, Stay
from libs.common.nodes.invitation import NODE, run
from libs.common.secret import Secret
from tests.playbook import Playbook, lowered, visit
from tests.worlds import INVITATION, INVITED

STEP = lowered(NODE)
OPTIONAL = lowered(NODE, {"required": False})
CHECK = CheckInvitation(Secret(INVITATION))
SENT = {"invitation": INVITATION}
TYPED = Facts(staged={"role": "guest", "nick": "Ali"})


def test_it_is_asked_for_as_a_secret() -> None:
    Playbook(run(STEP, visit())).ends(Stay(STEP.form.view))
    (form,) = STEP.form.view.components
    assert (form.components[0].variant, STEP.form.view.required) == ("PASSWORD", ("invitation",))
    assert OPTIONAL.form.view.required == ()


def test_a_good_one_stages_what_it_says_over_what_was_there() -> None:
    staged = {"role": "editor", "nick": "Ali"}
    after = Facts(staged=staged, invitation=INVITED.id)
    dialogue = Playbook(run(STEP, visit(TYPED, SENT)))
    dialogue.asks(CHECK, answered=INVITED).ends(Leave("success", after))


def test_what_is_none_is_a_try_and_the_last_leaves_by_failure() -> None:
    again = Stay(STEP.form.view, Message("invitation.invalid"), tried=True)
    Playbook(run(STEP, visit(TYPED, SENT))).asks(CHECK, answered=None).ends(again)
    dialogue = Playbook(run(STEP, visit(TYPED, SENT, tries=4)))
    dialogue.asks(CHECK, answered=None).ends(Leave("failure", tried=True))
    Playbook(run(STEP, visit(TYPED, SENT, tries=5))).ends(Leave("failure"))


def test_nobody_goes_on_without_one_unless_they_may() -> None:
    missing = (FieldError("invitation", "field.required"),)
    asked = Stay(STEP.form.view, Message("form.invalid"), missing)
    Playbook(run(STEP, visit(TYPED, {}))).ends(asked)
    Playbook(run(OPTIONAL, visit(TYPED, {}))).ends(Leave("success"))


def test_an_optional_one_is_looked_at_all_the_same() -> None:
    dialogue = Playbook(run(OPTIONAL, visit(TYPED, SENT)))
    again = Stay(OPTIONAL.form.view, Message("invitation.invalid"), tried=True)
    dialogue.asks(CHECK, answered=None).ends(again)
