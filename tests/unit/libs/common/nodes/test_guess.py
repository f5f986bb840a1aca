from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from libs.common.flow.questions import CheckPassword, Verdict
from libs.common.flow.turn import Facts, Leave, Stay
from libs.common.nodes.form import make_form
from libs.common.nodes.guess import guess
from libs.common.secret import Secret
from tests.playbook import visit

FORM = make_form("step", ())
CHECK = CheckPassword("alice", None, Secret("guess"))


@given(
    attempts=st.integers(1, 10),
    verdicts=st.lists(st.sampled_from([Verdict.WRONG, Verdict.BLOCKED]), max_size=25),
)
def test_no_session_has_more_guesses_looked_at_than_its_attempts(
    attempts: int, verdicts: list[Verdict]
) -> None:
    tries = looked_at = 0
    for verdict in verdicts:
        dialogue = guess(
            CHECK,
            visit(Facts(account="alice"), {}, tries=tries),
            FORM,
            attempts=attempts,
            amr="pwd",
            wrong="password.wrong",
        )
        try:
            assert next(dialogue) is CHECK
            looked_at += 1
            dialogue.send(verdict)
        except StopIteration as stop:
            move = stop.value
            assert isinstance(move, Stay | Leave)
            assert isinstance(move, Stay) or move.outcome == "failure"
            # A session counts a try as the interpreter does, whichever way the node goes.
            tries += move.tried
    assert looked_at == min(len(verdicts), attempts)
