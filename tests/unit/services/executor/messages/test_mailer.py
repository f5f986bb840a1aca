from __future__ import annotations

import pytest

from libs.common.secret import Secret
from services.executor.messages.mailer import Server


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("smtp://mail.example", Server("mail.example", 587, False, True, None, None)),
        ("smtps://mail.example", Server("mail.example", 465, True, False, None, None)),
        ("smtp+plain://localhost:1025/", Server("localhost", 1025, False, False, None, None)),
        (
            "smtps://us%40example:p%3Ass@mail.example:2465",
            Server("mail.example", 2465, True, False, "us@example", Secret("p:ss")),
        ),
    ],
)
def test_the_scheme_says_when_tls_begins(url: str, server: Server) -> None:
    assert Server.parse(Secret(url)) == server


@pytest.mark.parametrize(
    "url",
    [
        "mail.example:25",
        "http://mail.example",
        "smtp://",
        "smtp://mail.example:hunter2",
        "smtp://mail.example/hunter2",
        "smtp://hunter2@mail.example",
        "smtp+plain://us:hunter2@mail.example",
    ],
)
def test_what_is_no_server_is_refused_without_being_quoted(url: str) -> None:
    with pytest.raises(ValueError) as refused:  # noqa: PT011 - the text is what is looked at
        Server.parse(Secret(url))
    assert "hunter2" not in str(refused.value)


def test_a_server_shows_no_password() -> None:
    assert "hunter2" not in repr(Server.parse(Secret("smtp://us:hunter2@mail.example")))
