"""Hears from the compiler which versions have a plan, and records it for whoever asks.

Only a note for people: nothing that runs depends on it, so a note that comes late or twice does
no harm.
"""

from __future__ import annotations

from libs.common.chassis.bus import Bus
from libs.common.chassis.consume import Consumer, Consumption, Message
from libs.common.chassis.events import EVENT_STREAM
from libs.common.chassis.metrics import Metrics
from libs.common.wire.events import PLAN_COMPILED, PlanCompiled, decode
from services.management.store import Store

CONSUMER = Consumer(stream=EVENT_STREAM, durable="management", subjects=(PLAN_COMPILED,))
"""Shared by all replicas."""


def plan_notes(bus: Bus, store: Store, metrics: Metrics) -> Consumption:
    """Return the consumption of the compiler's events, not yet started."""

    async def record(message: Message) -> None:
        event = decode(message.data, PlanCompiled)
        await store.record_plan(event.tenant, event.flow, event.version, event.plan, event.at)

    return Consumption(bus, CONSUMER, record, metrics)
