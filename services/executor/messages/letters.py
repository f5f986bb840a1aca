"""What a mail looks like on its way (RFC 5322): words filled in, in text and HTML."""

from __future__ import annotations

import hashlib
import html
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from functools import lru_cache
from typing import Final

import msgspec

from libs.common.chassis.consume import Hopeless
from libs.common.flow.expression import Scope
from libs.common.flow.identifier import normalise
from libs.common.flow.messaging import SendMail
from libs.common.flow.model import Json
from libs.common.flow.words import Part, fill, read_words
from services.executor.texts.catalogue import Language
from services.executor.told import AnyMessage

_KEPT: Final = 256
"""Words kept ready: a plan's are sent again and again."""


class Sender(msgspec.Struct, frozen=True):
    """Who mail is from."""

    name: str
    address: str

    @classmethod
    def parse(cls, text: str) -> Sender:
        """Read `Name <address>` or an address; raise `ValueError` for what is neither."""
        name, address = parseaddr(text)
        if normalise("email", address) is None or not text.isprintable():
            raise ValueError("is an email address, or `Name <address>`")
        return cls(name, address)

    @property
    def header(self) -> Address:
        """As a header holds it."""
        return Address(self.name, addr_spec=self.address)


def digest(id: str) -> str:
    """Stand for an effect where strangers see it; its id holds the `flowId`, which is a handle."""
    return hashlib.blake2b(id.encode(), digest_size=16).hexdigest()


def write_letter(
    id: str,
    mail: SendMail,
    *,
    sender: Sender,
    to: str,
    user: Mapping[str, Json],
    slots: Mapping[str, str],
    language: Language,
    at: float,
) -> EmailMessage:
    """Word `mail`, whose effect has this `id`, to `to` at Unix second `at`.

    What no author wrote is said in `language`.

    The same effect makes the same `Message-ID`, by which who gets it twice can tell. Raises
    `Hopeless` where no mail can go `to` there.
    """
    letter = EmailMessage(policy=SMTP)
    letter["From"] = sender.header
    letter["To"] = _recipient(to)
    # On one line, whatever was filled in: another line would be another header.
    letter["Subject"] = " ".join(
        word(said(mail, "subject", mail.subject, language), mail, user, slots).split()
    )
    letter["Date"] = format_datetime(datetime.fromtimestamp(at, UTC))
    letter["Message-ID"] = f"<{digest(id)}@{sender.address.rpartition('@')[2]}>"
    # So that no holiday answers it (RFC 3834).
    letter["Auto-Submitted"] = "auto-generated"
    letter.set_content(word(said(mail, "text", mail.text, language), mail, user, slots))
    if mail.html is not None:
        written = said(mail, "html", mail.html, language)
        body = word(written, mail, user, slots, html.escape)
        letter.add_alternative(body, subtype="html")
    return letter


def said(message: AnyMessage, part: str, text: str, language: Language) -> str:
    """Return a part of `message`, whose `text` it has: an author's own, or ours in `language`."""
    key = message.keys.get(part)
    # A newer release says what this one has no words for: those of the plan stay.
    return text if key is None else language.words.get(key, text)


def word(
    text: str,
    message: AnyMessage,
    user: Mapping[str, Json],
    slots: Mapping[str, str],
    escape: Callable[[str], str] = str,
) -> str:
    """Fill in one text of `message`."""
    scope: Scope = {"user": user, "facts": message.facts, "flow": {"type": message.flow}}
    return fill(_words(text, frozenset(slots)), scope, slots, escape)


def _recipient(to: str) -> Address:
    try:
        return Address(addr_spec=to)
    except (MessageError, ValueError, IndexError):
        # What is an identifier need not be an address; the error would quote it.
        raise Hopeless("that is no address which mail can go to") from None


@lru_cache(_KEPT)
def _words(text: str, slots: frozenset[str]) -> tuple[Part, ...]:
    return read_words(text, "text", slots)
