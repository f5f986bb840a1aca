from __future__ import annotations

from libs.common.flow.messaging import SendMail, SendSms

SECRET = "hunter2-correct-horse"


def test_a_mail_shows_neither_its_words_nor_whom_it_is_for() -> None:
    mail = SendMail("a1", SECRET, SECRET, SECRET, SECRET, {"name": SECRET}, {"name": SECRET})
    assert repr(mail) == "SendMail(account='a1')"
    assert SECRET not in str(mail)


def test_an_sms_shows_neither_its_words_nor_whom_it_is_for() -> None:
    sms = SendSms("a1", SECRET, SECRET, {"name": SECRET}, {"name": SECRET})
    assert repr(sms) == "SendSms(account='a1')"
