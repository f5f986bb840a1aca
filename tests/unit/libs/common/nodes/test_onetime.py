from __future__ import annotations

import pytest
from msgspec.structs import replace

from libs.common.flow.messaging import SendMail
from libs.common.flow.node import Visit
from libs.common.flow.turn import Facts, Message, Stay, Surroundings
from libs.common.nodes.onetime import (
    WORDS,
    Issued,
    OneTime,
    is_over,
    make_one_time,
    send,
    send_again,
    words_of,
)
from tests.playbook import visit

NOW = 1_790_000_000
STEP = make_one_time("step", WORDS, length=6, lasts=90, wait=30, sends=2)
FACTS = Facts(identifier="alice@example.com", account="alice")


def later(sent: Stay, seconds: int) -> Visit:
    made = replace(visit(FACTS, {}), kept=sent.kept)
    return replace(made, revision=9, surroundings=Surroundings(time=NOW + seconds))


def first(step: OneTime = STEP) -> Stay:
    made = replace(visit(FACTS), surroundings=Surroundings(time=NOW))
    return send(step, made, "alice", None)


def mail_of(stay: Stay) -> SendMail:
    (mail,) = stay.effects
    assert isinstance(mail, SendMail)
    return mail


def test_the_mail_names_its_code_and_how_long_that_works() -> None:
    mail = mail_of(first())
    assert mail.code is not None
    assert (mail.code.length, mail.slots, mail.until) == (6, {"minutes": "1"}, NOW + 90)


@pytest.mark.parametrize(("lasts", "minutes"), [(30, "1"), (600, "10"), (629, "10")])
def test_no_mail_promises_more_minutes_than_there_are_but_for_the_first(
    lasts: int, minutes: str
) -> None:
    mail = mail_of(first(replace(STEP, lasts=lasts)))
    assert mail.slots == {"minutes": minutes}


def test_another_code_has_another_name_and_comes_only_after_the_wait() -> None:
    sent = first()
    early = send_again(STEP, later(sent, 29), "alice", None)
    assert (early.message, early.effects) == (Message("code.wait"), ())
    assert early.kept == sent.kept
    second = send_again(STEP, later(sent, 30), "alice", None)
    assert second.message == Message("code.sent", "INFO")
    assert mail_of(second).code != mail_of(sent).code


def test_there_are_no_more_codes_than_were_allowed() -> None:
    second = send_again(STEP, later(first(), 30), "alice", None)
    third = send_again(STEP, later(second, 600), "alice", None)
    assert (third.message, third.effects) == (Message("code.no_more"), ())


def test_a_code_works_to_its_last_second() -> None:
    sent = first()
    assert not is_over(STEP, later(sent, 90))
    assert is_over(STEP, later(sent, 91))


def test_what_a_node_keeps_of_a_code_is_read_back() -> None:
    issued = Issued(3, NOW, 2)
    assert issued.kept() == {"revision": 3, "at": NOW, "sent": 2}


def without(*parts: str) -> dict[str, str]:
    return {part: key for part, key in WORDS.keys.items() if part not in parts}


def test_our_html_never_stands_beside_an_authors_text() -> None:
    assert words_of(None, None, None) == WORDS
    assert words_of("S", None, None) == replace(WORDS, subject="S", keys=without("subject"))
    assert words_of(None, "{{ code }}", None) == replace(
        WORDS, text="{{ code }}", html=None, keys=without("text", "html")
    )
    assert words_of(None, None, "<p>H</p>") == replace(WORDS, html="<p>H</p>", keys=without("html"))
    assert words_of(None, "T", "<p>H</p>").html == "<p>H</p>"
