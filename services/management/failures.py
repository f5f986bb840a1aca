"""Hears from executors that a rollout does worse than what was before it, and takes it back."""

from __future__ import annotations

from libs.common.chassis.bus import Bus
from libs.common.chassis.consume import Consumer, Consumption, Message
from libs.common.chassis.events import EVENT_STREAM
from libs.common.chassis.metrics import Metrics
from libs.common.wire.events import ROLLOUT_FAILED, RolloutFailed, decode
from services.management.rollouts import Rollouts

CONSUMER = Consumer(stream=EVENT_STREAM, durable="management_rollouts", subjects=(ROLLOUT_FAILED,))
"""Shared by all replicas."""


def rollout_failures(bus: Bus, rollouts: Rollouts, metrics: Metrics) -> Consumption:
    """Return the consumption of failed rollouts, not yet started."""

    async def abort(message: Message) -> None:
        # Told with each further session until the rollout is over: most find it over already.
        await rollouts.abort(decode(message.data, RolloutFailed))

    return Consumption(bus, CONSUMER, abort, metrics)
