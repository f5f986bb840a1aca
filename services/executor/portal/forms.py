"""Reads what a page's form sends, as a browser writes it (HTML, 4.10.21.6)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qsl

import msgspec
from aiohttp import web

from libs.common.chassis.problems import read_body
from libs.common.errors import Invalid, Unsupported
from services.executor import wire
from services.executor.portal.captchas import RESPONSES
from services.executor.portal.pages import ACTION, CAPTCHA, DO, STEP

_FORM: Final = "application/x-www-form-urlencoded"
_MOST: Final = 110
"""Inputs that `POST /flow/execute` takes, and what the portal adds."""
_OWN: Final = frozenset({STEP, DO, ACTION, CAPTCHA, *RESPONSES})


class Form(msgspec.Struct, frozen=True):
    """What was sent."""

    do: str
    """What the portal itself is to do; empty where the flow goes on."""
    step: str
    action: str
    inputs: Mapping[str, str]

    def __repr__(self) -> str:
        """Say nothing: any input may be a secret."""
        return "Form(***)"

    def request(self, flow_id: str) -> wire.Request:
        """Return the submit of a session that it is; raise `Invalid` where it can be none."""
        body = {
            "flowId": flow_id,
            "stepId": self.step,
            "actionId": self.action,
            "inputs": dict(self.inputs),
        }
        try:
            return msgspec.convert(body, wire.Request)
        except msgspec.ValidationError as error:
            raise Invalid("the form is not as expected") from error


async def read_form(request: web.Request) -> Form:
    """Read a form, or raise `Unsupported`, `TooLarge` or `Invalid`."""
    if request.content_type != _FORM:
        raise Unsupported(f"the body has to be {_FORM}")
    body = await read_body(request)
    try:
        pairs = parse_qsl(
            body.decode("ascii"), keep_blank_values=True, max_num_fields=_MOST, errors="strict"
        )
    except ValueError as error:
        raise Invalid("the form is not as expected") from error
    # The last of a name: a box that is not ticked sends what stands before it.
    sent = dict(pairs)
    inputs = {name: value for name, value in sent.items() if name not in _OWN}
    if CAPTCHA in sent:
        given = (sent[name] for name in RESPONSES if sent.get(name))
        inputs[sent[CAPTCHA]] = next(given, "")
    return Form(sent.get(DO, ""), sent.get(STEP, ""), sent.get(ACTION, ""), inputs)
