"""Asks a list of breached passwords for one, without telling it which: only for all whose SHA-1
begins alike (k-anonymity, as Have I Been Pwned has it).

Whoever cannot be asked says nothing against a password: a list that is away must not keep people
from setting one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Final

import structlog
from structlog.typing import FilteringBoundLogger

from libs.common.chassis.outgoing import NoAnswer, Outgoing
from libs.common.secret import Secret

log: Final[FilteringBoundLogger] = structlog.get_logger()

_BEGINNING: Final = 5
"""Hexadecimal digits that are told."""
_SECONDS: Final = 2.0
_MOST_BYTES: Final = 512 * 1024
_OK: Final = 200
_HEADERS: Final[Mapping[str, str]] = {"Add-Padding": "true"}
"""Or the length of an answer would tell who overhears it what was asked for."""


class Breaches:
    """A list of breached passwords."""

    def __init__(self, outgoing: Outgoing, url: str | None) -> None:
        """Ask at `url`, to which the beginning of a hash is added; None asks nobody."""
        self._outgoing = outgoing
        self._url = url

    async def has(self, password: Secret) -> bool:
        """Whether the list certainly has `password`."""
        if self._url is None:
            return False
        shown = password.reveal().encode("utf-8", "surrogatepass")
        # What the list is made of; it protects nothing here.
        digest = hashlib.sha1(shown, usedforsecurity=False).hexdigest().upper()
        try:
            answer = await self._outgoing.call(
                "GET",
                self._url + digest[:_BEGINNING],
                seconds=_SECONDS,
                most_bytes=_MOST_BYTES,
                headers=_HEADERS,
            )
        except NoAnswer as error:
            log.warning("breaches_not_asked", reason=error.lack.value)
            return False
        if answer.status != _OK:
            log.warning("breaches_not_asked", reason="status", status=answer.status)
            return False
        return _is_in(digest[_BEGINNING:], answer.body.decode("ascii", "replace"))


def check_list(text: str) -> str:
    """Return where a list is; raise `ValueError` where nothing could be added to it."""
    if not text.startswith(("https://", "http://")) or not text.endswith("/"):
        raise ValueError("is a URL of http or https that ends in /")
    return text


def _is_in(rest: str, lines: str) -> bool:
    for line in lines.splitlines():
        found, _, times = line.partition(":")
        # Those that nobody has used are there to pad the answer.
        if found.strip().upper() == rest and times.strip() not in {"", "0"}:
            return True
    return False
