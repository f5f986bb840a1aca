"""What a start is told that no flow lets in (seed 004), and where people may be sent on to.

`next` was written by whoever made the link that led here. It leads to a page that people may be
sent to, or the start is refused.

Which of a flow's policies refused, and whether it was one, is never told.
"""

from __future__ import annotations

import msgspec
from msgspec import UNSET

from libs.common.errors import Denied, Invalid, Problem, Unauthenticated
from libs.common.flow.model import DeniedAction, FlowType
from services.executor import wire
from services.executor.pages import Pages


class Denial(msgspec.Struct, frozen=True):
    """A start that nothing lets in."""

    action: DeniedAction
    unknown: bool
    """Nobody knows who calls, and somebody known might be let in."""


class Denials:
    """Answers to who is not let in."""

    def __init__(self, pages: Pages, default: str) -> None:
        """Send people to `pages`; to `default` where they named no page."""
        self._pages = pages
        self._default = default

    async def check(self, tenant: str, next: str | None) -> None:  # noqa: A002 - the word of the wire
        """Raise `Invalid` unless people may be sent to `next`; `Unavailable` if nobody can say."""
        if next is not None and not await self._pages.allow(tenant, next):
            message = "`next` has to be a path of this site, or a page of an allowed origin"
            raise Invalid(message, (Problem("unsafe_next", message, path="next"),))

    def answer(self, kind: FlowType, denial: Denial, next: str | None) -> bytes:  # noqa: A002
        """Say where to go on; raise `Denied` or `Unauthenticated` where there is only that to say.

        `next` has been checked.
        """
        url = None if denial.action == "message" else next
        if denial.action == "continue":
            url = next or self._default
        if url is not None:
            return wire.encode(_sent_on(kind, url))
        if denial.unknown:
            raise Unauthenticated("this flow is for users who are signed in")
        raise Denied("the caller may not start this flow")


def _sent_on(kind: FlowType, url: str) -> wire.Answer:
    return wire.Answer(
        flow_id=UNSET,
        flow_type=kind.wire or kind.value,
        flow_status="ERROR",
        type="REDIRECTION",
        data=wire.Data(url=url, redirect_url=url),
    )
