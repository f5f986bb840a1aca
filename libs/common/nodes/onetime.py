"""What the nodes share that send a one-time code and ask for it, or a link and wait for it.

A code is of one visit: who leaves and comes back gets another. It is known by its name alone, and
its digits are nobody's to see here. Nothing that is shown tells whether it went to anybody. All of
that is true of a link as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final, Literal

import msgspec
from msgspec.structs import replace

from libs.common.flow.messaging import SendMail, SendSms
from libs.common.flow.model import Json
from libs.common.flow.node import Visit
from libs.common.flow.questions import Code, Link
from libs.common.flow.turn import LINK, Message, Stay
from libs.common.flow.view import Component, View
from libs.common.nodes.form import Field, Form, Kind, make_form, own_words
from libs.common.nodes.mail import (
    Body,
    Letter,
    Subject,
    Words,
    compose,
    compose_sms,
    ours,
    read_letter,
)
from libs.common.nodes.typed import LONGEST
from libs.common.nodes.wording import CODE_SLOTS, LINK_SLOTS

Length = Annotated[int, msgspec.Meta(ge=4, le=10)]
Lasting = Annotated[int, msgspec.Meta(ge=30, le=86_400)]
Wait = Annotated[int, msgspec.Meta(ge=1, le=600)]
Sends = Annotated[int, msgspec.Meta(ge=1, le=10)]

RESEND: Final = "resend"
"""The id, and the action, of what another code is asked for by."""

WORDS: Final = ours("mail.code")
LINK_WORDS: Final = ours("mail.link")
SMS_WORDS: Final = ours("sms.code")


class OneTime(msgspec.Struct, frozen=True):
    """How a code is sent and asked for, as a plan holds it."""

    form: Form
    letter: Letter
    length: int
    lasts: int
    """Seconds."""
    wait: int
    """Seconds before another is sent."""
    sends: int
    """Codes of one visit."""
    by_sms: bool = False
    by_link: bool = False
    """A link is sent in place of a code."""
    page: str | None = None
    """Where it leads; None for the deployment's own page."""

    def says(self, key: str, kind: Literal["ERROR", "INFO"] = "ERROR") -> Message:
        """Return what is said of a link in place of what is said of a code."""
        return Message(_OF_LINKS[key] if self.by_link else key, kind)


_OF_LINKS: Final[Mapping[str, str]] = {
    "code.expired": "link.expired",
    "code.no_more": "link.no_more",
    "code.sent": "link.sent",
    "code.wait": "link.wait",
    "code.wrong": "link.wrong",
}


TOKEN: Final = Field("token", Kind.PASSWORD, required=False, longest=LONGEST)
"""What comes by a link. It is typed by nobody, so no view has it."""


def make_link(
    node: str, words: Words, *, lasts: int, wait: int, sends: int, page: str | None
) -> OneTime:
    """Draw what the node with the id `node` shows that sends a link, as `make_one_time` does."""
    name = f"form_{node}"
    said = Component(
        f"{name}_text", "TYPOGRAPHY", "BODY1", config=own_words("text", "text.link_sent")
    )
    form = Component(name, "FORM", components=(said, _resend(wait, "button.resend_link")))
    letter = read_letter(words, LINK_SLOTS)
    return OneTime(
        Form(View((form,)), (TOKEN,)), letter, 0, lasts, wait, sends, by_link=True, page=page
    )


def make_one_time(
    node: str,
    words: Words,
    *,
    length: int,
    lasts: int,
    wait: int,
    sends: int,
    by_sms: bool = False,
) -> OneTime:
    """Draw what the node with the id `node` shows, or raise `InvalidConfig` about `words`."""
    resend = _resend(wait, "button.resend")
    field = Field("code", Kind.OTP, key="label.code", shortest=length, longest=length)
    form = make_form(node, (field,), more=(resend,))
    return OneTime(form, read_letter(words, CODE_SLOTS), length, lasts, wait, sends, by_sms)


def _resend(wait: int, key: str) -> Component:
    config: dict[str, Json] = {
        **own_words("text", key),
        "identifier": RESEND,
        "name": RESEND,
        "waitSeconds": wait,
    }
    return Component(RESEND, "RESEND", action_id=RESEND, config=config)


def words_of(
    subject: Subject | None, text: Body | None, html: Body | None, usual: Words = WORDS
) -> Words:
    """Take the author's words, and ours in place of those that are left out."""
    written = {"subject": subject, "text": text, "html": html}
    return Words(
        subject or usual.subject,
        text or usual.text,
        # Ours says what ours says: beside another text it would be a second mail.
        html if text is not None or html is not None else usual.html,
        {
            part: key
            for part, key in usual.keys.items()
            if written[part] is None and not (part == "html" and text is not None)
        },
    )


class Issued(msgspec.Struct, frozen=True):
    """What a node keeps of the code that it sent."""

    revision: int
    """Of the session, when it was sent: it is part of the code's name."""
    at: int
    """Unix seconds."""
    sent: int
    """How many this visit has had."""
    link: str | None = None
    """The session that it was sent in, where it is a link: who follows it goes on in another."""

    def code(self, step: OneTime, visit: Visit) -> Code:
        """Name the code."""
        kind: Literal["email", "phone"] = "phone" if step.by_sms else "email"
        return Code(f"{visit.session}:{visit.node}:{self.revision}", step.length, kind)

    def named_link(self, visit: Visit) -> Link:
        """Name the link."""
        return Link(self.link or visit.session, visit.node, self.revision)

    def kept(self) -> dict[str, Json]:
        """Return it as a session keeps it."""
        kept: dict[str, Json] = {"revision": self.revision, "at": self.at, "sent": self.sent}
        return kept if self.link is None else {**kept, LINK: self.link}


def send(
    step: OneTime, visit: Visit, account: str | None, to: str | None, issued: Issued | None = None
) -> Stay:
    """Send the first code of a visit, or one more than was `issued`, and ask for it."""
    now = visit.surroundings.time
    link = visit.session if step.by_link else None
    following = Issued(visit.revision, now, 1 if issued is None else issued.sent + 1, link)
    write = compose_sms if step.by_sms else compose
    sent: SendMail | SendSms = replace(
        write(step.letter, visit, account, to),
        slots={"minutes": str(max(1, step.lasts // 60))},
        until=now + step.lasts,
    )
    if step.by_link:
        sent = replace(sent, link=following.named_link(visit), page=step.page)
    else:
        sent = replace(sent, code=following.code(step, visit))
    message = None if issued is None else step.says("code.sent", "INFO")
    shown = Stay(step.form.view, message, kept=following.kept(), effects=(sent,))
    return replace(shown, patience=_left(step, following, now))


def _left(step: OneTime, issued: Issued, now: int) -> int:
    # Mail takes its time, and so does who reads it.
    return max(0, issued.at + step.lasts - now) if step.by_link else 0


def issued_by(visit: Visit) -> Issued:
    """Return what was sent when the node was reached, or since."""
    return msgspec.convert(visit.kept, Issued)


def send_again(step: OneTime, visit: Visit, account: str | None, to: str | None) -> Stay:
    """Send another code, if it is time for one and there have not been too many."""
    issued = issued_by(visit)
    if issued.sent >= step.sends:
        return stay(step, visit, step.says("code.no_more"))
    if visit.surroundings.time < issued.at + step.wait:
        return stay(step, visit, step.says("code.wait"))
    return send(step, visit, account, to, issued)


def is_over(step: OneTime, visit: Visit) -> bool:
    """Whether the code that was sent has expired."""
    return visit.surroundings.time > issued_by(visit).at + step.lasts


def stay(step: OneTime, visit: Visit, message: Message) -> Stay:
    """Ask for the same code again."""
    return waiting(step, visit, Stay(step.form.view, message))


def waiting(step: OneTime, visit: Visit, shown: Stay) -> Stay:
    """Show this, and wait for what was sent already."""
    left = _left(step, issued_by(visit), visit.surroundings.time)
    return replace(shown, kept=visit.kept, patience=left)
