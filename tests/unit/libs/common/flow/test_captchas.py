from __future__ import annotations

from libs.common.flow.captchas import CheckCaptcha
from libs.common.secret import Secret


def test_what_a_client_sends_is_in_no_repr() -> None:
    assert "a-response" not in repr(CheckCaptcha("turnstile", Secret("a-response")))
