"""Asks the compiler, over core NATS. Decides nothing: the answers are for the use cases."""

from __future__ import annotations

import msgspec
import structlog
from structlog.typing import FilteringBoundLogger

from libs.common.chassis.bus import Bus
from libs.common.errors import Unavailable
from libs.common.wire.events import (
    COMPILE,
    PUBLISH,
    Answer,
    CompileWanted,
    Done,
    PublishWanted,
    decode_answer,
    encode,
)

NAME = "compiler"
RETRY_SECONDS = 5.0
"""After which a compiler that was restarted is likely to answer."""

log: FilteringBoundLogger = structlog.get_logger()


class CompilerLink:
    """The compiler, wherever one listens."""

    def __init__(self, bus: Bus, *, compile_seconds: float, publish_seconds: float) -> None:
        """Wait at most so long for either."""
        self._bus = bus
        self._compile_seconds = compile_seconds
        self._publish_seconds = publish_seconds

    async def compile(self, wanted: CompileWanted) -> Answer:
        """Compile a version now; raise `Unavailable` if nobody answers in time."""
        return await self._ask(COMPILE, wanted, self._compile_seconds)

    async def publish(self, wanted: PublishWanted) -> None:
        """Publish what is active now if that can be; the event brings it about otherwise."""
        try:
            answer = await self._ask(PUBLISH, wanted, self._publish_seconds)
        except Unavailable as error:
            log.warning("publishing_later", reason=error.message)
            return
        if not isinstance(answer, Done):
            log.warning("publishing_later", reason=type(answer).__name__)

    async def _ask(self, subject: str, message: msgspec.Struct, seconds: float) -> Answer:
        data = await self._bus.request(
            subject, encode(message), within=seconds, what=NAME, retry_after=RETRY_SECONDS
        )
        try:
            return decode_answer(data)
        except msgspec.MsgspecError as error:
            # A compiler of another release: while services are upgraded it passes.
            raise Unavailable(NAME, RETRY_SECONDS) from error
