"""What the executor counts. Labels are bounded: tenant and type, node type, outcome; never ids."""

from __future__ import annotations

from typing import Final

from prometheus_client import Counter, Histogram

from libs.common.chassis.metrics import PREFIX, Children, Metrics
from libs.common.flow.model import FlowType
from libs.common.flow.turn import Over, Turn

_HERE: Final = "waits"
"""The outcome of a node that the turn did not leave."""


class ExecutorMetrics:
    """The executor's own metrics."""

    def __init__(self, metrics: Metrics) -> None:
        """Register them."""
        registry = metrics.registry

        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(f"{PREFIX}{name}", text, labels, registry=registry)

        flow = ("tenant", "type")
        self.starts = Children(counter("flow_starts", "Sessions begun.", *flow))
        self.completions = Children(counter("flow_completions", "Flows that succeeded.", *flow))
        self.failures = Children(counter("flow_failures", "Flows that failed.", *flow))
        self.seconds = Children(
            Histogram(
                f"{PREFIX}turn_seconds",
                "Time from a submit's claim to its stored answer.",
                ("type",),
                registry=registry,
            )
        )
        self.nodes = Children(
            counter(
                "node_outcomes",
                "Nodes that turns went through, and how they were left; `waits` where not.",
                "node_type",
                "outcome",
            )
        )
        self.conflicts = counter("submit_conflicts", "Submits of a step that was not current.")
        self.replays = counter("submit_replays", "Submits given the answer of an equal one.")
        self.rejected = Children(counter("rejected", "Requests refused by a bucket.", "bucket"))
        self.plan_hits = counter("plan_cache_hits", "Plans found in the process.")
        self.plan_misses = counter("plan_cache_misses", "Plans fetched from Redis.")
        self.plans_wanted = counter("plans_wanted", "Times the compiler was asked to publish.")
        self.effects = Children(
            counter("effects", "Effects, by what became of them.", "effect", "result")
        )
        self.deliveries = Children(
            counter("effect_deliveries", "Deliveries of effects, by their end.", "outcome")
        )

    def consumed(self, outcome: str) -> None:
        """Count what became of a delivery of an effect."""
        self.deliveries.of(outcome).inc()

    def turn(self, turn: Turn, seconds: float) -> None:
        """Count a turn that is stored."""
        session = turn.session
        self.seconds.of(session.type.value).observe(seconds)
        for passed in turn.path:
            self.nodes.of(passed.type, passed.outcome or _HERE).inc()
        if isinstance(turn.shown, Over):
            ends = self.completions if turn.shown.succeeded else self.failures
            ends.of(session.tenant, session.type.value).inc()

    def start(self, tenant: str, kind: FlowType) -> None:
        """Count a session that is stored for the first time."""
        self.starts.of(tenant, kind.value).inc()
