from __future__ import annotations

from libs.common.flow.turn import Message, Over
from libs.common.nodes.failure import NODE, run
from tests.playbook import Playbook, lowered, visit

FAILED = Message("flow.failed")


def test_a_failure_does_not_say_why() -> None:
    Playbook(run(lowered(NODE), visit())).ends(Over(succeeded=False, message=FAILED))


def test_the_author_has_words_for_the_end_and_says_where_to_go() -> None:
    step = lowered(NODE, {"message": "Ask the desk.", "redirect": "https://example.com/help"})
    Playbook(run(step, visit())).ends(
        Over(
            succeeded=False,
            message=FAILED,
            text="Ask the desk.",
            redirect="https://example.com/help",
        )
    )
