"""Asks the executors, over core NATS. Decides nothing: the answers are for the use cases."""

from __future__ import annotations

from typing import Final

import msgspec

from libs.common.chassis.bus import Bus
from libs.common.errors import Unavailable
from libs.common.wire.inspect import INSPECT, Answer, CountWanted, Wanted, decode_answer, encode

NAME: Final = "executor"
WITHIN: Final = 10.0
"""Seconds. The longest session on the largest plan is replayed in a few."""
COUNTS_WITHIN: Final = 2.0
"""Seconds, for figures, without which their rollout is shown as well."""
RETRY_SECONDS: Final = 5.0


class ExecutorLink:
    """The executors, wherever one listens."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    async def ask(self, wanted: Wanted) -> Answer:
        """Return the answer of one of them; raise `Unavailable` if none answers in time."""
        within = COUNTS_WITHIN if isinstance(wanted, CountWanted) else WITHIN
        data = await self._bus.request(
            INSPECT, encode(wanted), within=within, what=NAME, retry_after=RETRY_SECONDS
        )
        try:
            return decode_answer(data)
        except msgspec.MsgspecError as error:
            # An executor of another release: while services are upgraded it passes.
            raise Unavailable(NAME, RETRY_SECONDS) from error
