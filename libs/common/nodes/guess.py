"""What a guess at a secret leads to: the same for a password and for a code.

The answer never tells an account that nobody has from one that is blocked, nor either from one
whose secret was guessed wrong for the last time.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec.structs import replace

from libs.common.flow.node import Visit
from libs.common.flow.questions import Verdict
from libs.common.flow.turn import Dialogue, Facts, Leave, Message, Question, Stay, ask
from libs.common.nodes.form import Form

Attempts = Annotated[int, msgspec.Meta(ge=1, le=10)]


def guess(
    question: Question[Verdict],
    visit: Visit,
    form: Form,
    *,
    attempts: int,
    amr: str,
    wrong: str,
    then: Facts | None = None,
) -> Dialogue:
    """Ask `question`; leave by `success` with `amr` proved, or by `failure` after `attempts`.

    In between, show `form` with the message `wrong`. What is about no account leads to `then`.
    """
    # Here again by a loop, with no try left. The form was shown all the same, because a node
    # that did not wait could be gone round without end; what is typed into it is not looked at.
    if visit.tries >= attempts:
        return Leave("failure")
    verdict = yield from ask(question)
    facts = visit.facts
    if verdict is Verdict.RIGHT and then is not None:
        return Leave("success", then)
    if verdict is Verdict.RIGHT and facts.account is not None:
        # Once each, in order: `amr` says how, not how often.
        proved = tuple(dict.fromkeys((*facts.proved, amr)))
        return Leave("success", replace(facts, proved=proved))
    # Blocked looks like the last wrong try: saying "blocked" would tell that the account exists.
    if verdict is Verdict.BLOCKED or visit.tries + 1 >= attempts:
        return Leave("failure", tried=True)
    return Stay(form.view, Message(wrong), tried=True)
