"""How a mail is performed: once, to nobody too often, and counted by what became of it."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from libs.common.chassis.bucket import Bucket
from libs.common.chassis.consume import Hopeless
from libs.common.chassis.metrics import Metrics
from libs.common.chassis.seal import Keys
from libs.common.errors import Unavailable
from libs.common.flow.messaging import SendMail
from libs.common.flow.questions import Code, Link
from services.executor.messages.letters import Sender, digest
from services.executor.messages.mailer import Mailer, Server
from services.executor.messages.perform import Desk, Outbox, Post
from services.executor.messages.trouble import PutOff
from services.executor.metrics import ExecutorMetrics
from services.executor.minter import Minter
from services.executor.performer import Performer
from services.executor.texts.catalogue import read_texts
from services.executor.told import Told
from tests.integration.executor.conftest import House
from tests.mailbox import Mailbox
from tests.patience import PATIENCE_SECONDS

EMAIL = "sasha@example.com"


def outbox(house: House, most: int = 10) -> Outbox:
    codes, others = Bucket("code_message", most, 0.001), Bucket("message", most, 0.001)
    return Outbox(house.line, b"secret", codes=codes, others=others, claim=60)


def post(house: House, box: Mailbox, *, most: int = 10) -> Post:
    server = Server.parse(box.url)
    desk = Desk(
        directory=house.directory,
        outbox=outbox(house, most),
        minter=Minter(Keys.parse(house.settings.session_keys)),
        issuer=house.settings.issuer,
        clock=lambda: 1_790_000_000.0,
    )
    return Post(
        desk=desk,
        mailer=Mailer(server, seconds=PATIENCE_SECONDS),
        sender=Sender("Us", "us@example.org"),
        texts=read_texts(None),
    )


def to(address: str, id: str = "session:1:0") -> tuple[Told, SendMail]:
    mail = SendMail(None, "S", "T", to=address)
    return Told(id, "default", mail), mail


async def test_what_a_server_took_and_did_not_say_comes_again_with_the_same_message_id(
    house: House, box: Mailbox
) -> None:
    # The honest limit: nobody can know what became of the first.
    box.takes_and_falls_silent = True
    with pytest.raises(PutOff):
        await post(house, box).send(*to(EMAIL))
    box.takes_and_falls_silent = False
    assert await post(house, box).send(*to(EMAIL)) == "performed"
    first, second = await box.has(2)
    assert first["Message-ID"] == second["Message-ID"]


async def test_who_was_held_up_while_another_sent_it_forgets_nothing_of_that(house: House) -> None:
    sent = outbox(house)
    mine = await sent.claim("session:1:0")
    assert mine is not None
    await house.line.execute(b"DEL", f"gh:sent:{digest('session:1:0')}")  # it lapses
    assert await sent.claim("session:1:0") is not None
    await sent.release("session:1:0", mine)
    with pytest.raises(Unavailable):
        await sent.claim("session:1:0")
    await sent.remember("session:1:0")
    await sent.release("session:1:0", mine)
    assert await sent.claim("session:1:0") is None


async def test_one_recipient_gets_so_many_mails_and_no_more(house: House, box: Mailbox) -> None:
    sending = post(house, box, most=2)
    results = [await sending.send(*to(EMAIL, f"session:{n}:0")) for n in range(3)]
    assert results == ["performed", "performed", "limited"]
    assert await sending.send(*to("other@example.com")) == "repeated"
    assert await sending.send(*to("other@example.com", "session:9:0")) == "performed"
    assert len(box.letters) == 3


async def test_notices_use_up_no_codes_and_codes_and_links_no_notices(
    house: House, box: Mailbox
) -> None:
    sending = post(house, box, most=1)
    notice = SendMail(None, "S", "T", to=EMAIL)
    kinds = (
        notice,
        replace(notice, code=Code("session:1", 6)),
        notice,
        replace(notice, link=Link("session", "verify", 1)),
    )
    results = [
        await sending.send(Told(f"session:{n}:0", "default", mail), mail)
        for n, mail in enumerate(kinds)
    ]
    assert results == ["performed", "performed", "limited", "limited"]


async def test_a_mail_that_did_not_leave_costs_its_recipient_nothing(
    house: House, box: Mailbox
) -> None:
    sending = post(house, box, most=1)
    box.answers.append("451 later")
    with pytest.raises(PutOff):
        await sending.send(*to(EMAIL))
    assert await sending.send(*to(EMAIL)) == "performed"


@pytest.mark.parametrize("address", ["a,b@example.com", "<a>@example.com", '"@example.com'])
async def test_what_is_no_address_for_mail_is_hopeless_and_not_named(
    house: House, box: Mailbox, address: str
) -> None:
    with pytest.raises(Hopeless) as refused:
        await post(house, box).send(*to(address))
    assert address not in str(refused.value)


async def test_what_became_of_a_mail_is_counted(house: House, box: Mailbox) -> None:
    metrics = Metrics("executor", "test")
    performer = Performer({SendMail: post(house, box).send}, ExecutorMetrics(metrics))
    await performer.perform(to(EMAIL)[0])
    await performer.perform(to(EMAIL)[0])
    for result in ("performed", "repeated"):
        labels = {"effect": "SendMail", "result": result}
        assert metrics.registry.get_sample_value("gatehouse_effects_total", labels) == 1
