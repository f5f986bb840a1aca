from __future__ import annotations

import pytest

from libs.common.flow.messaging import SendMail
from libs.common.nodes.mail import ours
from services.executor.messages.letters import Sender, write_letter
from services.executor.texts.catalogue import Language, read_texts

ENGLISH = Language("en", {})
TEXTS = read_texts(None)


@pytest.mark.parametrize(
    ("text", "sender"),
    [
        ("us@example.org", Sender("", "us@example.org")),
        ("Us & Co <us@example.org>", Sender("Us & Co", "us@example.org")),
        ('"Us, Inc." <us@example.org>', Sender("Us, Inc.", "us@example.org")),
    ],
)
def test_a_sender_has_an_address_and_may_have_a_name(text: str, sender: Sender) -> None:
    assert Sender.parse(text) == sender


@pytest.mark.parametrize("text", ["", "us", "Us <us>", "us@example.org\nBcc: all@example.org"])
def test_what_is_no_sender_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is an email address"):
        Sender.parse(text)


def test_what_is_filled_in_is_no_other_header() -> None:
    mail = SendMail("a", "Hello {{ user.name }}", "T")
    user = {"name": "you\r\nBcc: all@example.org\r\n\r\nBuy"}
    letter = write_letter(
        "id",
        mail,
        sender=Sender("", "us@x.example"),
        to="a@x.example",
        user=user,
        slots={},
        language=ENGLISH,
        at=0,
    )
    assert letter["Bcc"] is None
    assert letter["Subject"] == "Hello you Bcc: all@example.org Buy"


def test_html_is_written_beside_the_text_and_what_is_filled_in_is_escaped() -> None:
    mail = SendMail("a", "S", "{{ user.name }}", "<b>{{ user.name }}</b>")
    user = {"name": "<script>"}
    letter = write_letter(
        "id",
        mail,
        sender=Sender("", "us@x.example"),
        to="a@x.example",
        user=user,
        slots={},
        language=ENGLISH,
        at=0,
    )
    assert letter.get_content_type() == "multipart/alternative"
    text, html = (part.get_content().strip() for part in letter.iter_parts())
    assert (text, html) == ("<script>", "<b>&lt;script&gt;</b>")


@pytest.mark.parametrize(
    ("header", "subject", "html"),
    [
        ("de-AT", "Ihr Link", "Hier geht es weiter."),
        ("fr", "Your link", "Follow this link to go on."),
    ],
)
def test_what_no_author_wrote_is_in_the_language_that_was_asked_for(
    header: str, subject: str, html: str
) -> None:
    words = ours("mail.link")
    mail = SendMail(
        "a", words.subject, "{{ link }}", words.html, keys={**words.keys, "text": "gone"}
    )
    letter = write_letter(
        "id",
        mail,
        sender=Sender("", "us@x.example"),
        to="a@x.example",
        user={},
        slots={"link": "https://x.example/?a&b", "minutes": "30"},
        language=TEXTS.of(header),
        at=0,
    )
    text, drawn = (part.get_content().strip() for part in letter.iter_parts())
    assert (letter["Subject"], text) == (subject, "https://x.example/?a&b")
    assert f'<a href="https://x.example/?a&amp;b">{html}</a>' in drawn


def test_an_authors_words_stay_as_they_are() -> None:
    mail = SendMail("a", "Your link", "Yours")
    letter = write_letter(
        "id",
        mail,
        sender=Sender("", "us@x.example"),
        to="a@x.example",
        user={},
        slots={},
        language=TEXTS.of("de"),
        at=0,
    )
    assert (letter["Subject"], letter.get_content().strip()) == ("Your link", "Yours")
