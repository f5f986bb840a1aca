from __future__ import annotations

import inspect

from libs.common.flow import questions
from libs.common.flow.turn import Question
from services.executor.handlers.table import HANDLERS


def test_every_question_there_is_has_a_handler() -> None:
    asked = {
        thing
        for _, thing in inspect.getmembers(questions, inspect.isclass)
        if issubclass(thing, Question) and thing is not Question
    }
    assert asked == set(HANDLERS)
