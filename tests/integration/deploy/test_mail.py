"""The local stack's mail server, whose mail are files."""

from __future__ import annotations

from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

from deploy.local.mail import start_mail
from libs.common.secret import Secret
from services.executor.messages.mailer import Mailer
from services.executor.messages.mailer import Server as MailServer
from tests.mailbox import text_of

FROM, TO = "gatehouse@example.com", "sasha@example.com"


def letter(text: str) -> EmailMessage:
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = FROM, TO, "A letter"
    made.set_content(text)
    return made


async def test_each_mail_becomes_a_file_and_outlives_the_server(tmp_path: Path) -> None:
    folder = tmp_path / "mail"
    server = await start_mail(folder, log=tmp_path / "mail.log")
    try:
        mailer = Mailer(MailServer.parse(Secret(server.url)), seconds=10)
        for text in ("one", "two"):
            await mailer.send(letter(text), sender=FROM, to=TO)
        await mailer.close()
    finally:
        await server.process.stop()
    files = sorted(folder.glob("*.eml"), key=lambda file: int(file.stem.rpartition("-")[2]))
    read = [message_from_bytes(file.read_bytes(), policy=default) for file in files]
    assert [text_of(each) for each in read] == ["one\n", "two\n"]
    assert folder.stat().st_mode & 0o077 == 0
