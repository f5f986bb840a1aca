from __future__ import annotations

import pytest

from libs.common.flow.questions import (
    CheckCode,
    CheckPassword,
    CheckTotp,
    Code,
    HashPassword,
    Link,
    VerifyEmail,
    WriteUser,
)
from libs.common.flow.turn import Question
from libs.common.secret import Secret

SECRET = "hunter2-correct-horse"


@pytest.mark.parametrize(
    "question",
    [
        CheckPassword("a1", "alice", Secret(SECRET)),
        CheckTotp("a1", "alice", Secret(SECRET), "session:1"),
        CheckCode("a1", "alice", Code("session:node:1", 6), Secret(SECRET)),
        VerifyEmail("a1", SECRET, SECRET, Code("session:node:1", 6), Secret(SECRET)),
        VerifyEmail("a1", SECRET, SECRET, Link("session", "node", 1), Secret(SECRET)),
        HashPassword(Secret(SECRET)),
        WriteUser("key", "a1", {"name": SECRET}, SECRET),
    ],
)
def test_a_question_never_shows_a_secret(question: Question[object]) -> None:
    assert SECRET not in repr(question)
    assert SECRET not in str(question)


def test_a_user_to_be_written_is_shown_by_key_and_account() -> None:
    shown = repr(WriteUser("key", "a1", {"name": "Alice"}, None))
    assert shown == "WriteUser(key='key', account='a1')"


def test_a_link_is_named_by_when_it_was_sent() -> None:
    assert Link("session", "node", 3).name == "session:node:3"
