"""Calls what a tenant's flows name: signed, tried again, given up in time.

Every try of a call has the same `Idempotency-Key`, and so has a turn that is run again. Nothing of
what is sent or answered is logged.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from typing import Final
from urllib.parse import urlsplit

import msgspec
import structlog
from aiohttp import hdrs
from structlog.typing import FilteringBoundLogger

from libs.common.chassis.outgoing import Answer, Lack, Line, NoAnswer
from libs.common.chassis.signing import SIGNATURE, sign
from libs.common.chassis.tally import Counters
from libs.common.flow.calls import Reached, Target
from libs.common.flow.model import Json
from libs.common.secret import Secret
from services.executor.breaker import Breaker

CALL_SECONDS: Final = 8.0
"""For all tries of one call and the pauses between them. A repeat of the same submit waits for ten
seconds, and is to find the answer by then."""
MOST_BYTES: Final = 64 * 1024
"""Of an answer."""
IDEMPOTENCY_KEY: Final = "Idempotency-Key"

_FIRST_PAUSE: Final = 0.1
_OK: Final = range(200, 300)
_LATER: Final = frozenset({408, 425, 429})
_BROKEN: Final = range(500, 600)

log: FilteringBoundLogger = structlog.get_logger()


class Caller:
    """Makes calls."""

    def __init__(
        self,
        line: Line,
        breaker: Breaker,
        calls: Counters,
        *,
        clock: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Count in `calls`, by result; `clock` gives Unix seconds."""
        self._line = line
        self._breaker = breaker
        self._calls = calls
        self._clock = clock
        self._sleep = sleep

    async def call(
        self,
        tenant: str,
        target: Target,
        secrets: tuple[Secret, ...],
        key: str,
        body: Mapping[str, Json],
    ) -> Reached | None:
        """Send `body`; return what was answered, or None where that is of no use."""
        data = msgspec.json.encode(body)
        host = urlsplit(target.url).netloc
        loop = asyncio.get_running_loop()
        until = loop.time() + CALL_SECONDS
        pause = _FIRST_PAUSE
        outcome: Answer | Lack = Lack.SLOW
        for attempt in range(target.attempts):
            if attempt:
                # Apart from others whom the same failure sent back.
                await self._sleep(pause * random.uniform(0.5, 1))  # noqa: S311 -- no secret
                pause *= 2
            left = until - loop.time()
            if left <= 0:
                break
            if not self._breaker.may_call(tenant, host):
                self._calls.add("spared")
                return None
            seconds = min(target.timeout_seconds, left)
            outcome = await self._try(target, secrets, key, data, seconds)
            if isinstance(outcome, Answer) and outcome.status not in _BROKEN:
                self._breaker.answered(tenant, host)
            elif isinstance(outcome, Answer) or outcome in (Lack.AWAY, Lack.SLOW):
                self._breaker.failed(tenant, host)
            if not _passes(outcome):
                break
        return self._end(outcome)

    async def _try(
        self, target: Target, secrets: tuple[Secret, ...], key: str, data: bytes, seconds: float
    ) -> Answer | Lack:
        headers = {each.name: each.value for each in target.headers}
        headers |= {
            hdrs.CONTENT_TYPE: "application/json",
            hdrs.ACCEPT: "application/json",
            IDEMPOTENCY_KEY: key,
            SIGNATURE: sign(secrets, int(self._clock()), data),
        }
        try:
            return await self._line.call(
                "POST",
                target.url,
                seconds=seconds,
                most_bytes=MOST_BYTES,
                headers=headers,
                body=data,
            )
        except NoAnswer as error:
            return error.lack

    def _end(self, outcome: Answer | Lack) -> Reached | None:
        """Say what the last try came to."""
        reason: str
        if isinstance(outcome, Lack):
            reason = outcome.value
        elif outcome.status not in _OK:
            reason = f"it answers {outcome.status}"
        else:
            try:
                body = msgspec.json.decode(outcome.body) if outcome.body else None
            except (msgspec.MsgspecError, RecursionError):  # the last is of nested JSON
                reason = "it answers no JSON"
            else:
                self._calls.add("answered")
                return Reached(body)
        self._calls.add("failed")
        log.warning("call_failed", reason=reason)
        return None


def _passes(outcome: Answer | Lack) -> bool:
    """Whether it may be over by the next try."""
    if isinstance(outcome, Lack):
        return outcome in (Lack.AWAY, Lack.SLOW)
    return outcome.status in _LATER or outcome.status in _BROKEN
