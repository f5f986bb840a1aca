"""What leaves by mail and by SMS: effects, which an executor performs once their session is stored.

A message is worded where it is sent, so that no code is in a session: there it has but a name.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

from libs.common.flow.model import Json
from libs.common.flow.questions import Code, Link
from libs.common.flow.turn import Effect, Facts


class SendMail(Effect, frozen=True):
    """A mail: to an account's address, or to another."""

    account: str | None
    """Whose address it goes to, and of whom it may speak. None with no `to` either is nobody: it
    is told all the same, since an answer that came sooner would tell that there is no account."""
    subject: str
    """Words for `words.fill`, as `text` and `html`."""
    text: str
    html: str | None = None
    to: str | None = None
    """Another address than the account's, in its normal form."""
    user: Mapping[str, Json] = msgspec.field(default_factory=dict)
    """Of whom it may speak where there is no account."""
    facts: Mapping[str, Json] = msgspec.field(default_factory=dict)
    """`facts` in its words."""
    flow: str = ""
    """`flow.type` in its words."""
    code: Code | None = None
    """`{{ code }}` in its words."""
    slots: Mapping[str, str] = msgspec.field(default_factory=dict)
    """What else stands in its words, by name."""
    until: int | None = None
    """The Unix second after which it is of no use, and is not sent."""
    link: Link | None = None
    """`{{ link }}` in its words."""
    page: str | None = None
    """The page that the link leads to; None for the deployment's own."""
    keys: Mapping[str, str] = msgspec.field(default_factory=dict)
    """By the name of what no author wrote, as in `subject`, its key in the catalogues."""
    language: str = ""
    """Who gets it reads this: the request's `Accept-Language`."""

    def __repr__(self) -> str:
        """Show nothing of what is written, nor to whom."""
        return f"SendMail(account={self.account!r})"


class SendSms(Effect, frozen=True):
    """An SMS, as `SendMail` is a mail: to an account's phone number, or to another."""

    account: str | None
    text: str
    to: str | None = None
    user: Mapping[str, Json] = msgspec.field(default_factory=dict)
    facts: Mapping[str, Json] = msgspec.field(default_factory=dict)
    flow: str = ""
    code: Code | None = None
    slots: Mapping[str, str] = msgspec.field(default_factory=dict)
    until: int | None = None
    keys: Mapping[str, str] = msgspec.field(default_factory=dict)
    language: str = ""

    def __repr__(self) -> str:
        """Show nothing of what is written, nor to whom."""
        return f"SendSms(account={self.account!r})"


class PhoneMessage(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """An SMS, as a flow in place of the gateway finds it: `facts.message`."""

    recipient: str = "+12025550100"
    """The phone number that it goes to."""
    text: str = "A simulated message"
    """What it says."""
    purpose: Literal["code", "message"] = "message"
    """Whether a one-time code is in it."""

    def facts(self) -> Facts:
        """Return what such a flow begins with."""
        said = {name: getattr(self, name) for name in self.__struct_fields__}
        return Facts(attributes={"message": said})

    def __repr__(self) -> str:
        """Show nothing of what is written, nor to whom."""
        return f"PhoneMessage({self.purpose!r})"
