"""What a start is told that no flow lets in (seed 004), and where people may be sent on to.

`next` was written by whoever made the link that led here. It leads to a page of the same site, or
of an origin that an operator named, or the start is refused: a redirect to anywhere would lend the
site's good name to a trap.

Which of a flow's policies refused, and whether it was one, is never told.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

import msgspec
from msgspec import UNSET

from libs.common.errors import Denied, Invalid, Problem, Unauthenticated
from libs.common.flow.model import DeniedAction, FlowType
from libs.common.nodes.ends import PATH, REST
from services.executor import wire

_ORIGIN: Final = re.compile(r"https?://([a-z0-9._-]+|\[[0-9a-f:.]+\])(:[1-9][0-9]{0,4})?")
LONGEST: Final = 2_000
"""Characters of a `next`."""


class Denial(msgspec.Struct, frozen=True):
    """A start that nothing lets in."""

    action: DeniedAction
    unknown: bool
    """Nobody knows who calls, and somebody known might be let in."""


class Denials:
    """Answers to who is not let in."""

    def __init__(self, origins: Sequence[str], default: str) -> None:
        """Send people to pages of `origins`; to `default` where they named no page."""
        places = "|".join([PATH, *(rf"{re.escape(origin)}([/?#]{REST})?" for origin in origins)])
        self._safe = re.compile(places)
        self._default = default

    def check(self, next: str | None) -> None:  # noqa: A002 - the word of the wire
        """Raise `Invalid` unless people may be sent to `next`."""
        if next is not None and not (len(next) <= LONGEST and self._safe.fullmatch(next)):
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


def parse_pages(origins: tuple[str, ...]) -> tuple[str, ...]:
    """Return `origins`; raise `ValueError` for what is no origin of a site of its own."""
    for origin in origins:
        if not _ORIGIN.fullmatch(origin):
            raise ValueError(
                "is a list of http(s)://host or http(s)://host:port, in lower case and without a "
                f"path; `{origin}` is none"
            )
    return origins


def _sent_on(kind: FlowType, url: str) -> wire.Answer:
    return wire.Answer(
        flow_id=UNSET,
        flow_type=kind.wire or kind.value,
        flow_status="ERROR",
        type="REDIRECTION",
        data=wire.Data(url=url, redirect_url=url),
    )
