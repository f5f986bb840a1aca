"""Performs messages: once for each effect, to nobody twice as often as they can bear.

What became of each is counted:

    performed  handed over                        nobody   there is no such account, or no address
    repeated   handed over before                 limited  too many to one recipient; dropped
    late       of no use any more; dropped
"""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from secrets import token_bytes
from typing import Final, TypeAlias

from libs.common.chassis.bucket import Bucket, Tokens, give_back, take, tokens
from libs.common.chassis.consume import Hopeless
from libs.common.chassis.redis_line.port import RedisLine, Script
from libs.common.errors import Unavailable
from libs.common.flow.messaging import PhoneMessage, SendMail, SendSms
from libs.common.flow.model import Json
from services.executor.assertions import issuer_of
from services.executor.directory import NOBODY, Directory
from services.executor.messages.flows import SenderFlows
from services.executor.messages.gateway import Gateway
from services.executor.messages.letters import Sender, digest, said, word, write_letter
from services.executor.messages.mailer import Mailer
from services.executor.minter import Minter
from services.executor.performer import PERFORMED
from services.executor.texts.catalogue import Texts
from services.executor.told import AnyMessage, Told

LINK_PATH: Final = "/portal/link"
"""The page that links lead to whose author has none, below the issuer of their tenant."""
_AGAIN_SECONDS: Final = 1.0
_SENT: Final = b"sent"
_MARK_BYTES: Final = 8
_REMEMBER_SECONDS: Final = 8 * 86_400
"""A message lies in the stream for a week at most; so long it could come again."""
# Who was held up for so long that another has sent it meanwhile forgets nothing of that.
_RELEASE: Final = Script(
    """
    if redis.call('GET', KEYS[1]) == cmsgpack.unpack(ARGV[1])[1] then redis.call('DEL', KEYS[1]) end
    return 1
    """
)


class Outbox:
    """Which messages have left, and how many more each recipient may get. All of it is in Redis."""

    def __init__(
        self, line: RedisLine, secret: bytes, *, codes: Bucket, others: Bucket, claim: float
    ) -> None:
        """`secret` keeps addresses out of Redis; both buckets are each recipient's.

        A claim is for `claim` seconds, longer than sending takes: whoever has died is waited for.
        """
        self._claim = int(claim) + 1
        self._line = line
        self._secret = secret
        # Apart, or whoever has codes sent could so keep from somebody what they are to be warned
        # by, and whoever has them written to could keep them from signing in.
        self._codes = codes
        self._others = others

    async def claim(self, id: str) -> bytes | None:
        """Have this effect's message for oneself, by a mark; None where it has left already.

        Raises `Unavailable` while somebody else has it.
        """
        mark = b"sending " + token_bytes(_MARK_BYTES)
        args = (mark, b"NX", b"GET", b"EX", self._claim)
        before = await self._line.execute(b"SET", _key(id), *args)
        if before not in (None, _SENT):
            raise Unavailable("the message, which somebody else sends,", _AGAIN_SECONDS)
        return mark if before is None else None

    async def remember(self, id: str) -> None:
        """Remember that it has left."""
        await self._line.execute(b"SET", _key(id), _SENT, b"EX", _REMEMBER_SECONDS)

    async def release(self, id: str, mark: bytes) -> None:
        """Let it be sent by whoever claims it next, unless that claim has lapsed."""
        await self._line.run(_RELEASE, (_key(id).encode(),), (mark,))

    async def take(self, tenant: str, message: AnyMessage, to: str) -> bool:
        """Take one of the messages of its kind that `to` may still get; false where none is."""
        return (await take(self._line, self._tokens(tenant, message, to))).taken

    async def give_back(self, tenant: str, message: AnyMessage, to: str) -> None:
        """Give back what was taken: it did not leave."""
        await give_back(self._line, self._tokens(tenant, message, to))

    def _tokens(self, tenant: str, message: AnyMessage, to: str) -> Tokens:
        linked = isinstance(message, SendMail) and message.link is not None
        bucket = self._codes if linked or message.code is not None else self._others
        return tokens(self._secret, tenant, ((bucket, to),))


HandOver: TypeAlias = Callable[[str, Mapping[str, Json], Mapping[str, str]], Awaitable[None]]
"""(address, user, slots) → nothing, once somebody has taken the message."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Desk:
    """Sees to it that each message leaves once, and to whom."""

    directory: Directory
    outbox: Outbox
    minter: Minter
    issuer: str
    """Without a `/` at its end."""
    clock: Callable[[], float]
    """Unix seconds."""

    async def once(self, told: Told, message: AnyMessage, kind: str, hand_over: HandOver) -> str:
        """Have `message` handed over to an address of this `kind`; say what became of it."""
        tenant = told.tenant
        # Looked for even where there is no account: as long as what is looked for there takes.
        account = await self.directory.load(tenant, message.account or NOBODY)
        to = message.to or (account or {}).get(kind)
        if not isinstance(to, str):
            return "nobody"
        if message.until is not None and self.clock() > message.until:
            return "late"
        mark = await self.outbox.claim(told.id)
        if mark is None:
            return "repeated"
        try:
            if not await self.outbox.take(tenant, message, to):
                await self.outbox.release(told.id, mark)
                return "limited"
            try:
                await hand_over(to, account or message.user, self._slots(tenant, message, to))
            except BaseException:
                with suppress(Unavailable):
                    await self.outbox.give_back(tenant, message, to)
                raise
        except BaseException:
            # Whatever it was, the message has not left, as far as anybody can know.
            with suppress(Unavailable):
                await self.outbox.release(told.id, mark)
            raise
        # It has left. While Redis is away nobody remembers; then it leaves again where nobody
        # learns that it was handled either.
        with suppress(Unavailable):
            await self.outbox.remember(told.id)
        return PERFORMED

    def _slots(self, tenant: str, message: AnyMessage, to: str) -> Mapping[str, str]:
        if message.code is not None:
            return {**message.slots, "code": self.minter.digits(tenant, message.code, to)}
        if isinstance(message, SendMail) and message.link is not None:
            page = message.page or issuer_of(self.issuer, tenant) + LINK_PATH
            # After the `#`: no server is sent it, no log has it, and no `Referer` tells it on.
            link = f"{page}#token={self.minter.token(tenant, message.link, to)}"
            return {**message.slots, "link": link}
        return message.slots


@dataclasses.dataclass(frozen=True, kw_only=True)
class Post:
    """Performs mail."""

    desk: Desk
    mailer: Mailer | None
    """None where the deployment has no mail server."""
    sender: Sender
    texts: Texts

    async def send(self, told: Told, mail: SendMail) -> str:
        """Send `mail`, and say what became of it."""

        async def hand_over(to: str, user: Mapping[str, Json], slots: Mapping[str, str]) -> None:
            if self.mailer is None:
                raise Hopeless("this deployment has no mail server: GATEHOUSE_SMTP_URL is not set")
            letter = write_letter(
                told.id,
                mail,
                sender=self.sender,
                to=to,
                user=user,
                slots=slots,
                language=self.texts.of(mail.language),
                at=self.desk.clock(),
            )
            await self.mailer.send(letter, sender=self.sender.address, to=to)

        return await self.desk.once(told, mail, "email", hand_over)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Texting:
    """Performs SMS."""

    desk: Desk
    gateway: Gateway | None
    """None where the deployment has none."""
    flows: SenderFlows
    texts: Texts

    async def send(self, told: Told, sms: SendSms) -> str:
        """Send `sms`, and say what became of it."""

        async def hand_over(to: str, user: Mapping[str, Json], slots: Mapping[str, str]) -> None:
            written = said(sms, "text", sms.text, self.texts.of(sms.language))
            text = word(written, sms, user, slots)
            due = PhoneMessage(to, text, "message" if sms.code is None else "code")
            if await self.flows.deliver(told.tenant, told.id, due):
                return
            if self.gateway is None:
                raise Hopeless("this deployment has no SMS gateway: GATEHOUSE_SMS_URL is not set")
            await self.gateway.send(text, to=to, key=digest(told.id))

        return await self.desk.once(told, sms, "phone", hand_over)


def _key(id: str) -> str:
    return f"gh:sent:{digest(id)}"
