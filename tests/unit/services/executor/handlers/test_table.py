from __future__ import annotations

from services.executor.handlers.table import HANDLERS
from tests.questions import every_question


def test_every_question_there_is_has_a_handler() -> None:
    assert every_question() == set(HANDLERS)
