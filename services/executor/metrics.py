"""What the executor counts. Labels are bounded: tenant and type, node type, outcome; never ids."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Final

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily

from libs.common.chassis.metrics import PREFIX, Metrics
from libs.common.chassis.tally import TOGETHER, Counters, Durations, Histograms
from libs.common.flow.model import FlowType
from libs.common.flow.recorder import Recorder
from libs.common.flow.turn import Over, Passed, Turn

_HERE: Final = "waits"
_END: Final = "ends"
"""The outcome of a node that the turn did not leave."""


class NodeOutcomes(Counters):
    """How nodes were left, of many turns together."""

    def __init__(self, registry: CollectorRegistry, name: str, text: str) -> None:
        """Be called `name`."""
        self._fresh: dict[bool, list[Passed]] = {False: [], True: []}
        """By whether their flow was over."""
        super().__init__(registry, name, text, "node_type", "outcome")

    def add_all(self, path: Iterable[Passed], *, over: bool) -> None:
        """Count the nodes that a turn went through."""
        fresh = self._fresh[over]
        fresh += path
        if len(fresh) >= TOGETHER:
            self._settle()

    def collect(self) -> Iterable[CounterMetricFamily]:
        """Tell Prometheus."""
        self._settle()
        return super().collect()

    def _settle(self) -> None:
        for over, fresh in self._fresh.items():
            for passed, times in Counter(fresh).items():
                outcome = passed.outcome or (_END if over else _HERE)
                self.add(passed.type, outcome, times=times)
            fresh.clear()


class ExecutorMetrics:
    """The executor's own metrics."""

    def __init__(self, metrics: Metrics) -> None:
        """Register them."""
        registry = metrics.registry

        def counters(name: str, text: str, *labels: str) -> Counters:
            made = Counters(registry, f"{PREFIX}{name}", text, *labels)
            if not labels:
                made.show()
            return made

        flow = ("tenant", "type")
        self.starts = counters("flow_starts", "Sessions begun.", *flow)
        self.completions = counters("flow_completions", "Flows that succeeded.", *flow)
        self.failures = counters("flow_failures", "Flows that failed.", *flow)
        self.denials = counters("flow_denials", "Starts that no flow let in.", *flow)
        self.invariant_refusals = counters(
            "invariant_refusals", "Successes that a tenant's invariant refused.", *flow
        )
        self.rollout_sessions = counters(
            "rollout_sessions",
            "Sessions of rollouts that may be taken back, by how they ended.",
            *(*flow, "outcome", "arm"),
        )
        self.rollout_failures = counters(
            "rollout_failures", "Times that a version was told to do worse than it may."
        )
        self.seconds = Histograms(
            registry,
            f"{PREFIX}turn_seconds",
            "Time from a submit's claim to its stored answer.",
            "type",
        )
        self._turns: dict[FlowType, Durations] = {}
        """Those of `seconds`, once there are any."""
        self.node_seconds = Histograms(
            registry,
            f"{PREFIX}node_seconds",
            "Time of nodes, with their policies and the answers that they waited for.",
            "node_type",
        )
        self.nodes = NodeOutcomes(
            registry,
            f"{PREFIX}node_outcomes",
            "Nodes that turns went through, and how they were left; `waits` or `ends` where not.",
        )
        self.conflicts = counters("submit_conflicts", "Submits of a step that was not current.")
        self.replays = counters("submit_replays", "Submits given the answer of an equal one.")
        self.links = counters(
            "links", "Links that were followed, by what became of them.", "result"
        )
        self.rejected = counters("rejected", "Requests refused by a bucket.", "bucket")
        self.plan_hits = counters("plan_cache_hits", "Plans found in the process.")
        self.plan_misses = counters("plan_cache_misses", "Plans fetched from Redis.")
        self.plans_wanted = counters("plans_wanted", "Times the compiler was asked to publish.")
        self.effects = counters("effects", "Effects, by what became of them.", "effect", "result")
        self.calls = counters(
            "calls",
            "Calls of flows over HTTP, by what became of them; `spared` where nobody answered "
            "of late.",
            "result",
        )
        self.directory = counters(
            "directory_calls",
            "Questions to a directory of the operator's own, by what became of them; `spared` "
            "where it did not answer of late.",
            *("operation", "result"),
        )

    def turn(self, turn: Turn, seconds: float, recorder: Recorder) -> None:
        """Count a turn that is stored, and whose nodes `recorder` has timed."""
        session = turn.session
        durations = self._turns.get(session.type)
        if durations is None:
            durations = self._turns[session.type] = self.seconds.show(session.type.value)
        durations.add(seconds)
        self.node_seconds.add_all(recorder.times())
        self.nodes.add_all(turn.path, over=session.over)
        if type(turn.shown) is Over:
            ends = self.completions if turn.shown.succeeded else self.failures
            ends.add(session.tenant, session.type.value)

    def start(self, tenant: str, kind: FlowType) -> None:
        """Count a session that is stored for the first time."""
        self.starts.add(tenant, kind.value)
