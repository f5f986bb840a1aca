from __future__ import annotations

import base64

import pytest

from libs.common.errors import Invalid
from libs.common.flow.turn import FieldError, Submission
from libs.common.nodes.ceremony import DECLINE, Declined, make_view, read
from libs.common.secret import Secret

PLAIN, POLITE = make_view(None), make_view("button.not_now")
CREDENTIAL = '{"id":"a","type":"public-key","x":"\\u00ff\\u00fe>>>???"}'
PACKED = Secret('{"id":"a","type":"public-key","x":"ÿþ>>>???"}')


def sends(response: object, action: str = "") -> Submission:
    return Submission(action, {"tokenResponse": response})


def test_the_client_is_told_what_the_credential_comes_back_as() -> None:
    assert PLAIN.required == POLITE.required == ("tokenResponse",)
    assert PLAIN.components == ()


@pytest.mark.parametrize(
    "sent",
    [
        CREDENTIAL,
        f" {CREDENTIAL}\n",
        base64.urlsafe_b64encode(CREDENTIAL.encode()).decode(),
        base64.urlsafe_b64encode(CREDENTIAL.encode()).decode().rstrip("="),
        base64.b64encode(CREDENTIAL.encode()).decode(),
        f'{{"credential": {CREDENTIAL}, "requestId": "r"}}',
    ],
)
def test_a_credential_is_read_in_each_form_that_clients_send(sent: str) -> None:
    assert read(PLAIN, sends(sent)) == PACKED


@pytest.mark.parametrize(
    ("sent", "key"),
    [
        (None, "field.required"), ("", "field.required"), (7, "field.invalid"),
        ({"id": "a"}, "field.invalid"), ("{", "field.invalid"), ("a", "field.invalid"),
        ("a.b", "field.invalid"), ("é", "field.invalid"), ("\ud800", "field.invalid"),
        ("{\ud800", "field.invalid"), ("WzFd", "field.invalid"), ("x" * 32_001, "field.too_long"),
        ("{" + '"a":{' * 5_000, "field.invalid"),
    ],
)  # fmt: skip
def test_what_is_no_credential_is_refused(sent: object, key: str) -> None:
    assert read(PLAIN, sends(sent)) == FieldError("tokenResponse", key)


def test_who_may_decline_need_send_nothing() -> None:
    assert read(POLITE, Submission(DECLINE)) == Declined()


def test_nobody_declines_what_they_are_not_asked() -> None:
    with pytest.raises(Invalid, match="there is: none"):
        read(PLAIN, Submission(DECLINE))
