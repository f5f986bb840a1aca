"""What goes to and fro in the floors: seed 002's continue, and its example answer."""

from __future__ import annotations

from typing import Any, Final

import msgspec

FLOW_ID: Final = "c8e06de8-7123-44ac-8209-02be5b55387e"


class Continue(msgspec.Struct):
    """A step as a client submits it."""

    flowId: str  # noqa: N815 - the wire's name
    actionId: str  # noqa: N815 - the wire's name
    inputs: dict[str, str]


class Answer(msgspec.Struct):
    """A step as it is answered."""

    flowId: str  # noqa: N815 - the wire's name
    flowType: str  # noqa: N815 - the wire's name
    flowStatus: str  # noqa: N815 - the wire's name
    type: str
    data: dict[str, Any]


CONTINUE: Final = Continue(
    FLOW_ID, "button-a2f1", {"email": "sasha@example.com", "password": "MyP@ssw0rd!"}
)


def _input(name: str, label: str) -> dict[str, Any]:
    return {
        "id": name,
        "type": "INPUT",
        "variant": label.upper(),
        "config": {"identifier": name, "label": label, "required": True},
    }


_SUBMIT: Final = {
    "id": "submit",
    "type": "BUTTON",
    "actionId": "submit-registration",
    "variant": "PRIMARY",
    "config": {"text": "Continue"},
}
_COMPONENTS: Final = [_input("email", "Email"), _input("password", "Password"), _SUBMIT]

ANSWER: Final = Answer(
    FLOW_ID,
    "REGISTRATION",
    "INCOMPLETE",
    "VIEW",
    {
        "components": [{"id": "form_1", "type": "FORM", "components": _COMPONENTS}],
        "requiredParams": ["email", "password"],
    },
)
