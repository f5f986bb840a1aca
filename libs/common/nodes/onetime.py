"""What the nodes share that send a one-time code and ask for it.

A code is of one visit: who leaves and comes back gets another. It is known by its name alone, and
its digits are nobody's to see here. Nothing that is shown tells whether it went to anybody.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

import msgspec
from msgspec.structs import replace

from libs.common.flow.messaging import SendMail, SendSms
from libs.common.flow.model import Json
from libs.common.flow.node import Visit
from libs.common.flow.questions import Code
from libs.common.flow.turn import Message, Stay
from libs.common.flow.view import Component
from libs.common.nodes.form import Field, Form, Kind, make_form, own_words
from libs.common.nodes.mail import Body, Letter, Subject, Words, compose, compose_sms, read_letter

Length = Annotated[int, msgspec.Meta(ge=4, le=10)]
Lasting = Annotated[int, msgspec.Meta(ge=30, le=86_400)]
Wait = Annotated[int, msgspec.Meta(ge=1, le=600)]
Sends = Annotated[int, msgspec.Meta(ge=1, le=10)]

SLOTS: Final = frozenset({"code", "minutes"})
RESEND: Final = "resend"
"""The id, and the action, of what another code is asked for by."""

WORDS: Final = Words(
    "{{ code }} is your code",
    "Your code is {{ code }}. It works for {{ minutes }} minutes.\n\n"
    "If you did not ask for it, somebody else has typed your address. Tell nobody the code.\n",
    "<p>Your code is <strong>{{ code }}</strong>. It works for {{ minutes }} minutes.</p>\n"
    "<p>If you did not ask for it, somebody else has typed your address. "
    "Tell nobody the code.</p>\n",
)


SMS_WORDS: Final = Words(
    "", "{{ code }} is your code. It works for {{ minutes }} minutes. Tell nobody."
)


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
    config: dict[str, Json] = {
        **own_words("text", "button.resend"),
        "identifier": RESEND,
        "name": RESEND,
        "waitSeconds": wait,
    }
    resend = Component(RESEND, "RESEND", action_id=RESEND, config=config)
    field = Field("code", Kind.OTP, key="label.code", shortest=length, longest=length)
    form = make_form(node, (field,), more=(resend,))
    return OneTime(form, read_letter(words, SLOTS), length, lasts, wait, sends, by_sms)


def words_of(subject: Subject | None, text: Body | None, html: Body | None) -> Words:
    """Take the author's words, and ours in place of those that are left out."""
    own_text = text is not None
    return Words(
        subject or WORDS.subject,
        text or WORDS.text,
        # Ours says what ours says: beside another text it would be a second mail.
        html if own_text or html is not None else WORDS.html,
    )


class Issued(msgspec.Struct, frozen=True):
    """What a node keeps of the code that it sent."""

    revision: int
    """Of the session, when it was sent: it is part of the code's name."""
    at: int
    """Unix seconds."""
    sent: int
    """How many this visit has had."""

    def code(self, step: OneTime, visit: Visit) -> Code:
        """Name the code."""
        kind: Literal["email", "phone"] = "phone" if step.by_sms else "email"
        return Code(f"{visit.session}:{visit.node}:{self.revision}", step.length, kind)

    def kept(self) -> dict[str, Json]:
        """Return it as a session keeps it."""
        return {"revision": self.revision, "at": self.at, "sent": self.sent}


def send(
    step: OneTime, visit: Visit, account: str | None, to: str | None, issued: Issued | None = None
) -> Stay:
    """Send the first code of a visit, or one more than was `issued`, and ask for it."""
    now = visit.surroundings.time
    following = Issued(visit.revision, now, 1 if issued is None else issued.sent + 1)
    write = compose_sms if step.by_sms else compose
    sent: SendMail | SendSms = replace(
        write(step.letter, visit, account, to),
        code=following.code(step, visit),
        slots={"minutes": str(max(1, step.lasts // 60))},
        until=now + step.lasts,
    )
    message = None if issued is None else Message("code.sent", "INFO")
    return Stay(step.form.view, message, kept=following.kept(), effects=(sent,))


def issued_by(visit: Visit) -> Issued:
    """Return what was sent when the node was reached, or since."""
    return msgspec.convert(visit.kept, Issued)


def send_again(step: OneTime, visit: Visit, account: str | None, to: str | None) -> Stay:
    """Send another code, if it is time for one and there have not been too many."""
    issued = issued_by(visit)
    if issued.sent >= step.sends:
        return stay(step, visit, Message("code.no_more"))
    if visit.surroundings.time < issued.at + step.wait:
        return stay(step, visit, Message("code.wait"))
    return send(step, visit, account, to, issued)


def is_over(step: OneTime, visit: Visit) -> bool:
    """Whether the code that was sent has expired."""
    return visit.surroundings.time > issued_by(visit).at + step.lasts


def stay(step: OneTime, visit: Visit, message: Message) -> Stay:
    """Ask for the same code again."""
    return Stay(step.form.view, message, kept=visit.kept)
