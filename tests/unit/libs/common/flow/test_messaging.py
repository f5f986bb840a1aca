from __future__ import annotations

from libs.common.flow.messaging import PhoneMessage, SendMail, SendSms

SECRET = "hunter2-correct-horse"


def test_a_mail_shows_neither_its_words_nor_whom_it_is_for() -> None:
    mail = SendMail("a1", SECRET, SECRET, SECRET, SECRET, {"name": SECRET}, {"name": SECRET})
    assert repr(mail) == "SendMail(account='a1')"
    assert SECRET not in str(mail)


def test_an_sms_shows_neither_its_words_nor_whom_it_is_for() -> None:
    sms = SendSms("a1", SECRET, SECRET, {"name": SECRET}, {"name": SECRET})
    assert repr(sms) == "SendSms(account='a1')"


def test_what_a_flow_is_to_deliver_is_among_its_facts_and_not_shown() -> None:
    due = PhoneMessage("+12025550142", "123456 is your code", "code")
    said = {"recipient": "+12025550142", "text": "123456 is your code", "purpose": "code"}
    assert due.facts().attributes == {"message": said}
    assert "123456" not in repr(due)
    assert "+1202" not in repr(due)
