"""Hears from executors that a rollout does worse than what was before it, and takes it back."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter

from libs.common.chassis.bus import Bus
from libs.common.chassis.consume import Consumer, Consumption, Message, Outcome
from libs.common.chassis.events import EVENT_STREAM
from libs.common.chassis.metrics import PREFIX
from libs.common.wire.events import ROLLOUT_FAILED, RolloutFailed, decode
from services.management.rollouts import Rollouts

CONSUMER = Consumer(stream=EVENT_STREAM, durable="management_rollouts", subjects=(ROLLOUT_FAILED,))
"""Shared by all replicas."""


def rollout_failures(bus: Bus, rollouts: Rollouts, registry: CollectorRegistry) -> Consumption:
    """Return the consumption of failed rollouts, not yet started."""
    deliveries = Counter(
        f"{PREFIX}rollout_failures",
        "Events of failed rollouts, by what became of their delivery.",
        ("outcome",),
        registry=registry,
    )

    async def abort(message: Message) -> None:
        # Told with each further session until the rollout is over: most find it over already.
        await rollouts.abort(decode(message.data, RolloutFailed))

    def count(outcome: Outcome) -> None:
        deliveries.labels(outcome).inc()

    return Consumption(bus, CONSUMER, abort, count)
