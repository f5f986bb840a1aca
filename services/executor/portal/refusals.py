"""What a page says of a request that was not done. Nothing of the user's is in it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import quote

from aiohttp import hdrs, web

from libs.common.chassis.problems import Refusal
from libs.common.flow.model import FlowType
from services.executor import wire
from services.executor.links import UnknownLink
from services.executor.portal.pages import Frame, Page, decode, draw_fault, draw_step
from services.executor.routes import ERROR
from services.executor.turns import Overtaken, SessionOver

FOREIGN: Final = web.RequestKey("foreign", bool)
"""The form was not of this site."""
MOVED: Final = "moved"
"""The fault of a flow that goes on where its link was followed."""
SIGNED_OUT: Final = "fault_signed_out"
_WAIT, _EXPIRED = "fault_wait", "fault_expired"
_STATUSES: Final[Mapping[int, str]] = {
    400: "fault_invalid",
    401: SIGNED_OUT,
    403: "fault_denied",
    404: "fault_none",
    405: "fault_none",
    409: _EXPIRED,
    410: _EXPIRED,
    413: "fault_invalid",
    415: "fault_invalid",
    429: _WAIT,
    503: "fault_busy",
}
"""What is said, by the status; of any other, that it is trouble."""
_NAMED: Final[Mapping[str, str]] = {
    UnknownLink.fault: "fault_link",
    "used_link": "fault_link",
    MOVED: "fault_moved",
}
"""What is said of an error with a fault of its own."""
_AGAIN: Final = frozenset({_EXPIRED, "fault_foreign", "fault_moved"})


def draw(frame: Frame, request: web.Request, refusal: Refusal) -> Page:
    """Draw what there is to say of `refusal`."""
    error = request.get(ERROR)
    if isinstance(error, Overtaken):
        answer = decode(wire.current_step(error.answer))
        if answer.flow_status == "INCOMPLETE" and answer.type in {"VIEW", "WEBAUTHN"}:
            return draw_step(frame, answer, typed={}, notice="overtaken")
    key = key_of(request, refusal)
    wait = refusal.headers.get(hdrs.RETRY_AFTER) if key == _WAIT else None
    seconds = None if wait is None else int(wait)
    return draw_fault(frame, key, seconds=seconds, onward=_onward(frame, key))


def key_of(request: web.Request, refusal: Refusal) -> str:
    """Say by a key what became of `request`."""
    if request.get(FOREIGN):
        return "fault_foreign"
    error = request.get(ERROR)
    fault = error.fault if isinstance(error, SessionOver | UnknownLink) else None
    return _NAMED.get(fault or "") or _STATUSES.get(refusal.status, "fault_trouble")


def _onward(frame: Frame, key: str) -> tuple[str, str] | None:
    if frame.kind is None:
        return None
    if key == SIGNED_OUT:
        login = f"{frame.base}/{FlowType.LOGIN.wire}?next={quote(frame.here)}"
        return "sign_in", login
    return ("restart", frame.here) if key in _AGAIN else None
