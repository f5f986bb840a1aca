"""Asks a directory of somebody else's: signed, given up in time, and not again while it is away.

A password that is to be checked goes there and nowhere else. Nothing of what is asked or answered
is logged.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from typing import Final, TypeVar
from urllib.parse import urlsplit

import msgspec
import structlog
from aiohttp import hdrs
from structlog.typing import FilteringBoundLogger

from libs.common.chassis.outgoing import Answer, Lack, Line, NoAnswer
from libs.common.chassis.signing import SIGNATURE, sign
from libs.common.chassis.tally import Counters
from libs.common.errors import Unavailable
from libs.common.secret import Secret
from services.executor.breaker import OPEN_SECONDS, Breaker
from services.executor.directory.contract import Asked

MOST_BYTES: Final = 64 * 1024
"""Of an answer."""
TRIES: Final = 2
"""Of a question that changes nothing."""

_WHAT: Final = "directory"
_EVERYBODY: Final = "*"
"""In place of a tenant: the directory is of all of them, and so is its failure."""
_OK: Final = 200
_BROKEN: Final = range(500, 600)
_PASSING: Final = frozenset({Lack.AWAY, Lack.SLOW})

A = TypeVar("A", bound=msgspec.Struct)

log: FilteringBoundLogger = structlog.get_logger()


class Remote:
    """The other side."""

    def __init__(
        self,
        line: Line,
        url: str,
        secrets: tuple[Secret, ...],
        breaker: Breaker,
        calls: Counters,
        *,
        seconds: float,
        clock: Callable[[], float],
    ) -> None:
        """Sign with each of `secrets`; give each try `seconds`; `clock` gives Unix seconds.

        Count in `calls`, by operation and result.
        """
        self._line = line
        self._url = url
        self._host = urlsplit(url).netloc
        self._secrets = secrets
        self._breaker = breaker
        self._calls = calls
        self._seconds = seconds
        self._clock = clock

    async def ask(self, asked: Asked, answer: type[A], *, tries: int = 1) -> A:
        """Return what is answered; raise `Unavailable` where that is nothing of use."""
        body = _ENCODER.encode(asked)
        operation = str(asked.__struct_config__.tag)
        reason = ""
        for _ in range(tries):
            if not self._breaker.may_call(_EVERYBODY, self._host):
                self._calls.add(operation, "spared")
                raise Unavailable(_WHAT, OPEN_SECONDS)
            came = await self._try(body)
            if isinstance(came, Answer) and came.status == _OK:
                read = _read(came.body, answer)
                if read is not None:
                    self._calls.add(operation, "answered")
                    return read
                # Not how it differs: that may quote what is known of somebody.
                reason = f"no {answer.__name__} as the contract has it"
                break
            reason = came.value if isinstance(came, Lack) else f"it answers {came.status}"
            if not _passes(came):
                break
        self._calls.add(operation, "failed")
        log.warning("directory_failed", operation=operation, reason=reason)
        raise Unavailable(_WHAT)

    async def _try(self, body: bytes) -> Answer | Lack:
        headers = {
            hdrs.CONTENT_TYPE: "application/json",
            hdrs.ACCEPT: "application/json",
            SIGNATURE: sign(self._secrets, int(self._clock()), body),
        }
        try:
            came: Answer | Lack = await self._line.call(
                "POST",
                self._url,
                seconds=self._seconds,
                most_bytes=MOST_BYTES,
                headers=headers,
                body=body,
            )
        except NoAnswer as error:
            came = error.lack
        if _passes(came):
            self._breaker.failed(_EVERYBODY, self._host)
        else:
            self._breaker.answered(_EVERYBODY, self._host)
        return came


def check_remote(url: str) -> str:
    """Return `url`; raise `ValueError` for what passwords may not be sent to."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    fine = parts.scheme == "https" or (parts.scheme == "http" and _is_here(host))
    if not (fine and host) or parts.username is not None or parts.fragment:
        raise ValueError("is https://host/path, or http:// on this very machine, without a user")
    return url


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _read(body: bytes, answer: type[A]) -> A | None:
    try:
        return msgspec.json.decode(body, type=answer)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):  # the last is of nested JSON
        return None


def _passes(came: Answer | Lack) -> bool:
    """Whether it may be over by the next try."""
    return came in _PASSING if isinstance(came, Lack) else came.status in _BROKEN


def _reveal(value: object) -> str:
    if not isinstance(value, Secret):
        # How msgspec is told that a type is none of the hook's.
        raise NotImplementedError(f"{type(value).__name__} has no encoder")
    return value.reveal()


_ENCODER: Final = msgspec.json.Encoder(enc_hook=_reveal)
