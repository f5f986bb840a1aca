"""What the nodes about passkeys share: what they show, and how what comes back is read.

A challenge is good for one answer, and not for long: whatever comes back, the next one is another.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Annotated, Final

import msgspec

from libs.common.flow.model import Json
from libs.common.flow.node import Visit
from libs.common.flow.passkeys import Ceremony
from libs.common.flow.turn import FieldError, Message, Stay, Submission
from libs.common.flow.view import Component, View
from libs.common.nodes.form import Button, check_action, draw_button
from libs.common.secret import Secret

INPUT: Final = "tokenResponse"
"""What the credential comes back as (seed 002)."""
DECLINE: Final = "decline"
"""The action of who will not."""
REQUEST, CREATION = "publicKeyCredentialRequestOptions", "publicKeyCredentialCreationOptions"

Seconds = Annotated[int, msgspec.Meta(ge=30, le=600)]

_LONGEST: Final = 32_000
"""Characters of what comes back: far more than any authenticator's certificates take."""


class Declined(msgspec.Struct, frozen=True):
    """The user would rather not."""


def make_view(decline: str | None) -> View:
    """Draw what stands beside the ceremony: a button to decline it by, if its text has a key."""
    buttons: tuple[Component, ...] = ()
    if decline is not None:
        buttons = (draw_button(Button(DECLINE, DECLINE, key=decline), "SECONDARY"),)
    return View(buttons, (INPUT,))


def show(
    view: View,
    kind: str,
    ceremony: Ceremony,
    visit: Visit,
    seconds: int,
    *,
    wrong: Message | FieldError | None = None,
    tried: bool = False,
) -> Stay:
    """Have the client begin `ceremony`, and say what was `wrong` with the one before."""
    field = (wrong,) if isinstance(wrong, FieldError) else ()
    until = visit.surroundings.time + seconds
    return Stay(
        view,
        message=Message("form.invalid") if isinstance(wrong, FieldError) else wrong,
        field_errors=field,
        tried=tried,
        kept={"challenge": ceremony.challenge, "until": until},
        webauthn={kind: ceremony.options},
    )


def challenge_of(visit: Visit) -> str | None:
    """Return the challenge that the client was given; None where it has expired."""
    if visit.surroundings.time > visit.kept["until"]:
        return None
    challenge: str = visit.kept["challenge"]
    return challenge


def read(view: View, submitted: Submission) -> Secret | FieldError | Declined:
    """Read the credential as JSON, or say what is wrong with it.

    Raise `Invalid` where the submission names no button of the view.
    """
    check_action(view, submitted)
    if submitted.action == DECLINE:
        return Declined()
    sent = submitted.inputs.get(INPUT)
    if sent is None or sent == "":
        return FieldError(INPUT, "field.required")
    if not isinstance(sent, str):
        return FieldError(INPUT, "field.invalid")
    if len(sent) > _LONGEST:
        return FieldError(INPUT, "field.too_long")
    credential = _decode(sent)
    if credential is None:
        return FieldError(INPUT, "field.invalid")
    return Secret(msgspec.json.encode(credential).decode())


def _decode(sent: str) -> Mapping[str, Json] | None:
    """Read JSON, or base64url of it; with the credential by itself or in a field of that name."""
    try:
        text = sent.encode() if sent.lstrip().startswith("{") else _from_base64(sent)
        found = msgspec.json.decode(text)
    except (ValueError, msgspec.DecodeError, RecursionError):
        return None
    if isinstance(found, dict) and isinstance(found.get("credential"), dict):
        found = found["credential"]
    return found if isinstance(found, dict) else None


def _from_base64(sent: str) -> bytes:
    # Either alphabet, padded or not: clients differ.
    text = sent.strip().rstrip("=").translate(_URL_SAFE)
    return base64.b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True)


_URL_SAFE: Final = str.maketrans("+/", "-_")
