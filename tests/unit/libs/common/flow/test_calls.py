from __future__ import annotations

from libs.common.flow.calls import CallAction, CallWebhook, Reached, Target

TARGET = Target(url="https://hooks.example.com/")
BODY = {"parameters": {"mail": "alice@example.com"}}


def test_no_repr_shows_what_is_sent_or_answered() -> None:
    for each in (
        CallAction("risk", "key", BODY),
        CallWebhook(TARGET, "key", BODY),
        Reached(BODY),
    ):
        assert "alice" not in repr(each)


def test_a_repr_says_who_is_called() -> None:
    assert "risk" in repr(CallAction("risk", "key", BODY))
    assert "hooks.example.com" in repr(CallWebhook(TARGET, "key", BODY))
