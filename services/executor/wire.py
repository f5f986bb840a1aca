"""What travels over `POST /flow/execute` (seed 002), as bytes and as structs.

Where the page and the clients of that API differ, data is given under both names: `url` and
`redirectURL`, `webAuthn` and `webAuthnData`, `userAssertion` in `data` and in
`data.additionalData`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, TypeAlias

import msgspec
from msgspec import UNSET, Meta, Raw, UnsetType

from libs.common.flow.model import Json

Kind: TypeAlias = Literal["VIEW", "REDIRECTION", "WEBAUTHN", "INTERNAL_PROMPT"]
"""What a step is."""
Name = Annotated[str, Meta(max_length=200)]
"""Of something of ours, all of which are shorter."""
Inputs = Annotated[dict[str, Json], Meta(max_length=100)]


class Request(msgspec.Struct, frozen=True, rename="camel", gc=False):
    """A start, a submit, or a `token` among the inputs, by which a mailed link is followed.

    What else a client sends is ignored.
    """

    flow_type: str | None = None
    """Sent on every call by real clients, and ignored on a continue."""
    flow: Name | None = None
    """Name of one flow among those active for the type; None for the first."""
    flow_id: Name | None = None
    """None starts a flow, or follows a link."""
    action_id: Name | None = None
    action: Name | None = None
    """As `actionId`, from newer clients; that one counts where both are sent."""
    inputs: Inputs | None = None
    step_id: Name | None = None
    """The step that is answered, from a client that wants to be protected."""
    device_id: Name | None = None
    """With a start: what the client calls the device that it runs on, always the same."""
    next: str | None = None
    """With a start: where the user goes if they may not start it."""

    @property
    def pressed(self) -> str:
        """The action that is meant; empty for the default one."""
        return self.action_id or self.action or ""

    def __repr__(self) -> str:
        """Say nothing: any input may be a secret."""
        return "Request(***)"


class Message(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """Something to tell the user."""

    type: Literal["ERROR", "INFO"]
    message: str
    i18n_key: str | UnsetType = msgspec.field(default=UNSET, name="i18nKey")
    """None for an author's own words."""


class FieldError(msgspec.Struct, frozen=True, rename="camel"):
    """What is wrong with one input."""

    identifier: str
    message: str
    i18n_key: str = msgspec.field(name="i18nKey")


class Data(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True, gc=False):
    """What the client is to show or do; a key is there only where there is something to say."""

    components: Raw | UnsetType = UNSET
    required_params: tuple[str, ...] | UnsetType = UNSET
    optional_params: tuple[str, ...] = ()
    """With an INTERNAL_PROMPT: what the client app may send as well."""
    messages: tuple[Message, ...] = ()
    field_errors: tuple[FieldError, ...] = ()
    web_authn: Mapping[str, Json] | UnsetType = UNSET
    webauthn_data: Mapping[str, Json] | UnsetType = msgspec.field(
        default=UNSET, name="webAuthnData"
    )
    url: str | UnsetType = UNSET
    redirect_url: str | UnsetType = msgspec.field(default=UNSET, name="redirectURL")
    user_assertion: str | UnsetType = UNSET
    additional_data: dict[str, str] | UnsetType = UNSET


class Answer(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True, gc=False):
    """One step of the flow, or its end."""

    flow_id: str | UnsetType
    """Absent where no session was begun."""
    flow_type: str
    flow_status: Literal["INCOMPLETE", "COMPLETE", "ERROR"]
    type: Kind
    data: Data
    failure_reason: str | UnsetType = UNSET
    """With `ERROR`: what newer clients show."""
    step_id: str | UnsetType = UNSET
    """Absent where the flow has ended."""


class Refusal(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """Why a request was not done."""

    code: str
    message: str
    description: str
    trace_id: str
    flow_type: str | UnsetType = UNSET
    """What to start again with, where that would help."""
    step: Raw | UnsetType = UNSET
    """With a 409, the answer that is now current."""


_ENCODER = msgspec.json.Encoder()
_ANSWERS = msgspec.json.Decoder(dict[str, Raw])


def encode(body: msgspec.Struct) -> bytes:
    """Write `body` as JSON."""
    return _ENCODER.encode(body)


def current_step(answer: bytes) -> Raw:
    """Show an encoded `Answer` to somebody whose submit it does not answer.

    An ended flow shows only that it ended: what it gave, as the assertion, is for whoever
    submitted the last step and can repeat that very submit.
    """
    step = _ANSWERS.decode(answer)
    if step["flowStatus"] != Raw(b'"INCOMPLETE"'):
        step.pop("failureReason", None)
        return Raw(_ENCODER.encode({**step, "data": {}}))
    return Raw(answer)
