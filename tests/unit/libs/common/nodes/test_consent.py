from __future__ import annotations

import msgspec
import pytest

from libs.common.errors import Invalid
from libs.common.flow.accounts import KeepConsent, RecallConsent
from libs.common.flow.model import Json
from libs.common.flow.turn import Facts, Leave, Stay
from libs.common.nodes.consent import NODE, Lowered, run
from tests.playbook import Playbook, lowered, visit

NOW = 1_790_000_000
ALICE = Facts(account="alice", proved=("pwd",))
AGREED = msgspec.structs.replace(ALICE, consented=True)


def step(**config: Json) -> Lowered:
    return lowered(NODE, {"purpose": "terms", "text": "We keep your name.", **config})


STEP = step()


def test_the_owner_is_asked_unless_they_have_agreed() -> None:
    recall = RecallConsent("alice", STEP.purpose, NOW)
    dialogue = Playbook(run(STEP, visit(ALICE)))
    dialogue.asks(recall, answered=False).ends(Stay(STEP.form.view))
    dialogue = Playbook(run(STEP, visit(ALICE)))
    dialogue.asks(recall, answered=True).ends(Leave("success", AGREED))


def test_the_words_and_both_answers_are_shown() -> None:
    text, form = STEP.form.view.components
    assert text.config == {"text": "We keep your name."}
    assert [each.action_id for each in form.components] == ["submit", "decline"]


@pytest.mark.parametrize(("days", "until"), [(None, None), (2, NOW + 2 * 86_400)])
def test_who_agrees_is_remembered_as_long_as_the_author_says(
    days: int | None, until: int | None
) -> None:
    config = step(days=days)
    dialogue = Playbook(run(config, visit(ALICE, {})))
    dialogue.asks(KeepConsent("alice", config.purpose, until), answered=True)
    dialogue.ends(Leave("success", AGREED))


def test_who_declines_leaves_by_that() -> None:
    Playbook(run(STEP, visit(ALICE, {}, action="decline"))).ends(Leave("declined"))


def test_what_is_not_to_be_remembered_is_asked_for_each_time() -> None:
    config = step(remember=False)
    Playbook(run(config, visit(ALICE))).ends(Stay(config.form.view))
    Playbook(run(config, visit(ALICE, {}))).ends(Leave("success", AGREED))


def test_of_who_has_only_named_an_account_nothing_is_remembered_or_told() -> None:
    named = Facts(identifier="alice@example.com", account="alice")
    Playbook(run(STEP, visit(named))).ends(Stay(STEP.form.view))
    agreed = msgspec.structs.replace(named, consented=True)
    Playbook(run(STEP, visit(named, {}))).ends(Leave("success", agreed))


def test_what_an_author_says_nothing_of_is_in_the_users_language() -> None:
    text, form = lowered(NODE).form.view.components
    parts = (text, *form.components)
    keys = [each.config["i18nKey"] for each in parts if each.config is not None]
    assert keys == ["text.consent", "button.agree", "button.decline"]
    said = step(accept="Yes", decline="No").form.view.components
    assert [each.config["text"] for each in said[1].components if each.config] == ["Yes", "No"]


def test_an_answer_that_is_none_is_refused() -> None:
    with pytest.raises(Invalid):
        Playbook(run(STEP, visit(ALICE, {}, action="maybe")))


def test_other_words_are_another_consent() -> None:
    assert step(text="We sell your name.").purpose != STEP.purpose
    assert STEP.purpose.startswith("terms:")
    assert lowered(NODE).purpose.startswith("login:step:")
