"""A request of a client, as far as a turn is concerned, whatever it came over."""

from __future__ import annotations

import msgspec

from libs.common.flow.turn import Surroundings
from libs.common.secret import Secret
from services.executor import wire


class Call(msgspec.Struct, frozen=True, gc=False):
    """One call of `POST /flow/execute`."""

    tenant: str
    request: wire.Request
    key: str | None
    """The `Idempotency-Key`."""
    ip: str
    user_agent: str
    language: str

    def surroundings(self, now: int) -> Surroundings:
        """Say what expressions may know of it, at Unix second `now`."""
        return Surroundings(now, self.ip, self.user_agent, self.language)


class Opening(msgspec.Struct, frozen=True):
    """What a call says of who makes it, which only a start looks at."""

    bearer: Secret | None
    device: str
    """What the client calls the device that it runs on; empty where it says nothing."""
    next: str | None
    """Where the user goes if the start is denied."""
