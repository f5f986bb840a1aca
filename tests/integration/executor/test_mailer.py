"""Mail on its way to a real SMTP server, which may be any kind of server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email.message import EmailMessage
from pathlib import Path

import pytest

from deploy.local.ports import free_port
from libs.common.chassis.consume import Hopeless
from libs.common.errors import Unavailable
from libs.common.secret import Secret
from services.executor.messages.mailer import Mailer, Server
from services.executor.messages.trouble import PutOff
from tests.clients.tls import serving
from tests.mailbox import HOST, Mailbox, mailbox, text_of
from tests.patience import PATIENCE_SECONDS, until

FROM, TO = "gatehouse@example.com", "sasha@example.com"


def letter(text: str = "Hello", to: str = TO) -> EmailMessage:
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = FROM, to, "A letter"
    made.set_content(text)
    return made


@asynccontextmanager
async def mailer(url: Secret, seconds: float = PATIENCE_SECONDS) -> AsyncIterator[Mailer]:
    made = Mailer(Server.parse(url), seconds=seconds)
    yield made
    await made.close()


async def test_a_letter_arrives() -> None:
    async with mailbox() as box, mailer(box.url) as post:
        await post.send(letter("How are you?"), sender=FROM, to=TO)
        assert text_of(await box.next()) == "How are you?\n"
        assert (box.envelopes[0].mail_from, box.envelopes[0].rcpt_tos) == (FROM, [TO])


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
async def test_a_letter_travels_under_tls_to_who_has_our_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    context, certificate = serving(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    at_once, later = (context, None) if scheme == "smtps" else (None, context)
    async with mailbox(tls=at_once, starttls=later, login=True) as box:
        url = Secret(f"{scheme}://gatehouse:p%40ss%2Fword@{HOST}:{box.port}")
        async with mailer(url) as post:
            await post.send(letter(), sender=FROM, to=TO)
        wrong = Secret(f"{scheme}://gatehouse:wrong@{HOST}:{box.port}")
        async with mailer(wrong) as post:
            with pytest.raises(Unavailable, match="the mail server"):
                await post.send(letter(), sender=FROM, to=TO)
        assert len(box.letters) == 1


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
async def test_a_server_that_nobody_vouches_for_is_told_nothing(
    tmp_path: Path, scheme: str
) -> None:
    context, _ = serving(tmp_path)
    at_once, later = (context, None) if scheme == "smtps" else (None, context)
    async with (
        mailbox(tls=at_once, starttls=later) as box,
        mailer(Secret(f"{scheme}://{HOST}:{box.port}")) as post,
    ):
        with pytest.raises(Unavailable):
            await post.send(letter(), sender=FROM, to=TO)
        assert box.letters == []


async def test_a_server_without_starttls_is_told_nothing() -> None:
    async with mailbox() as box, mailer(Secret(f"smtp://{HOST}:{box.port}")) as post:
        with pytest.raises(Unavailable):
            await post.send(letter(), sender=FROM, to=TO)
        assert box.letters == []


async def test_a_server_that_is_away_is_away_for_every_letter() -> None:
    async with mailer(Secret(f"smtp+plain://{HOST}:{free_port()}")) as post:
        with pytest.raises(Unavailable, match="the mail server"):
            await post.send(letter(), sender=FROM, to=TO)


@pytest.mark.parametrize("where", ["answers", "recipients"])
async def test_a_letter_that_is_refused_for_good_is_hopeless(where: str) -> None:
    async with mailbox() as box, mailer(box.url) as post:
        getattr(box, where).append(f"550 no {TO} here")
        with pytest.raises(Hopeless) as refused:
            await post.send(letter(), sender=FROM, to=TO)
        assert str(refused.value) == "the mail server refused it for good (550)"
        # The next one is another matter.
        await post.send(letter(), sender=FROM, to=TO)
        assert len(box.letters) == 1


@pytest.mark.parametrize("where", ["answers", "recipients"])
async def test_a_letter_that_is_put_off_may_be_taken_later(where: str) -> None:
    async with mailbox() as box, mailer(box.url) as post:
        getattr(box, where).append(f"451 try again, {TO}")
        with pytest.raises(PutOff) as refused:
            await post.send(letter(), sender=FROM, to=TO)
        assert str(refused.value) == "the mail server put it off (451)"
        await post.send(letter(), sender=FROM, to=TO)
        assert len(box.letters) == 1


async def test_a_server_that_falls_silent_is_waited_for_no_longer_than_it_may_take() -> None:
    async with mailbox() as box, mailer(box.url, 0.3) as post:

        async def outcome() -> str:
            try:
                await post.send(letter(), sender=FROM, to=TO)
            except (PutOff, Unavailable) as error:
                return str(error)
            return "taken"

        async def fell_silent() -> bool:
            # A machine that is busy with something else may take as long over a greeting.
            return "fell silent" in await outcome()

        async def takes_it() -> bool:
            return await outcome() == "taken"

        box.open.clear()
        await until(fell_silent)
        box.open.set()
        await until(takes_it)
        assert box.letters


async def test_a_connection_is_used_again_while_it_lives() -> None:
    box = Mailbox()
    async with mailbox(into=box), mailer(box.url) as post:
        await post.send(letter("one"), sender=FROM, to=TO)
        await post.send(letter("two"), sender=FROM, to=TO)
        assert box.peers[0] == box.peers[1]


async def test_a_connection_that_has_died_is_replaced() -> None:
    async with mailbox() as box, mailer(box.url) as post:
        await post.send(letter("one"), sender=FROM, to=TO)
        box.hang_up()
        await post.send(letter("two"), sender=FROM, to=TO)
        assert [text_of(each) for each in box.letters] == ["one\n", "two\n"]
        assert box.peers[0] != box.peers[1]


async def test_an_address_that_is_not_ascii_is_written_as_it_is() -> None:
    async with mailbox() as box, mailer(box.url) as post:
        to = "jörg@example.com"
        await post.send(letter(to=to), sender=FROM, to=to)
        assert box.envelopes[0].rcpt_tos == [to]


async def test_a_server_that_does_not_say_goodbye_is_left_without() -> None:
    async with mailbox() as box:
        post = Mailer(Server.parse(box.url), seconds=300)
        await post.send(letter(), sender=FROM, to=TO)
        box.open.clear()
        async with asyncio.timeout(PATIENCE_SECONDS):
            await post.close()
        box.open.set()
