"""The faults of `POST /flow/execute`: their codes, which stay, and the words beside them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from libs.common.chassis.problems import Refusal


class Fault(msgspec.Struct, frozen=True):
    """What a client is told of one kind of refusal."""

    code: str
    """Stable: `FE-`, the status, and a number of its own."""
    message: str


FAULTS: Final[Mapping[str, Fault]] = {
    "invalid": Fault("FE-40001", "The request is not valid."),
    "malformed_json": Fault("FE-40002", "The request is not JSON."),
    "unknown_flow_type": Fault("FE-40003", "There is no such flow type."),
    "unknown_action": Fault("FE-40004", "There is no such action in this step."),
    "unsafe_next": Fault("FE-40005", "Nobody can be sent to that place."),
    "unauthenticated": Fault("FE-40101", "The caller is not authenticated."),
    "denied": Fault("FE-40301", "The caller may not do this."),
    "unknown_link": Fault("FE-40402", "The link is not good, or not any more."),
    "not_found": Fault("FE-40401", "There is no such flow."),
    "method_not_allowed": Fault("FE-40501", "The method is not allowed here."),
    "conflict": Fault("FE-40901", "The step is not the current one."),
    "stale": Fault("FE-41201", "What the request demands is not so."),
    "expired": Fault("FE-41001", "The flow is over."),
    "used_link": Fault("FE-41002", "The link was used already."),
    "moved": Fault("FE-41003", "The flow goes on elsewhere."),
    "too_large": Fault("FE-41301", "The request is too large."),
    "unsupported": Fault("FE-41501", "The content type is not supported."),
    "exhausted": Fault("FE-42901", "There were too many requests."),
    "unavailable": Fault("FE-50301", "The flow cannot go on for now."),
    "internal": Fault("FE-50001", "Something went wrong."),
}
"""By a refusal's code, or by that of its first problem where that has a fault of its own, or by the
name of the error."""


def fault_of(refusal: Refusal, named: str | None = None) -> Fault:
    """Find what a client is told of `refusal`, or of one that is `named`.

    Of what nobody foresaw, it is told by its status alone.
    """
    codes = (*(problem.code for problem in refusal.problems), refusal.code)
    for code in codes if named is None else (named, *codes):
        if code in FAULTS:
            return FAULTS[code]
    return Fault(f"FE-{refusal.status}00", "The request cannot be answered.")


def describe(refusal: Refusal) -> str:
    """Say in sentences what `refusal` is about; nothing of the user's is in it."""
    parts = [refusal.message]
    for problem in refusal.problems:
        if problem.message != refusal.message:
            where = f" (at {problem.path})" if problem.path else ""
            parts.append(f"{problem.message}{where}")
    return "; ".join(parts)
