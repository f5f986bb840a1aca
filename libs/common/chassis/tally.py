"""Counters and histograms for the path of a request, for Prometheus to read.

prometheus_client's own take a lock, check what they are given and call each other eight times for
one addition: for the dozen additions of a request that is a tenth of it (docs/performance.md).
These are added to and read by one thread, the loop's, and by no other.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable
from itertools import accumulate
from typing import Final, Generic, TypeVar

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector

OTHER: Final = "other"
"""The label of whatever comes after the limit of a family."""

# A turn takes about a millisecond; a password check about twenty.
_BOUNDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_SHOWN_BOUNDS: Final = (*map(str, _BOUNDS), "+Inf")

V = TypeVar("V")


class _Family(Collector, Generic[V]):
    """Values by their labels, at most `limit` of them; later ones share one, labelled `other`."""

    def __init__(
        self, registry: CollectorRegistry, name: str, text: str, *labels: str, limit: int = 500
    ) -> None:
        """Name the labels in the order in which they are then given."""
        self._name = name
        self._text = text
        self._labels = labels
        self._limit = limit
        self._rest = (OTHER,) * len(labels)
        self._values: dict[tuple[str, ...], V] = {}
        registry.register(self)

    def _place(self, labels: tuple[str, ...]) -> tuple[str, ...]:
        if labels in self._values or len(self._values) < self._limit:
            return labels
        return self._rest


class Count:
    """How often something happened; whoever counts much of the same adds to `times` itself."""

    __slots__ = ("times",)

    def __init__(self) -> None:
        """Begin with nothing."""
        self.times = 0


class Counters(_Family[Count]):
    """A counter for each set of labels."""

    def show(self, *labels: str) -> Count:
        """Show a counter from now on, though nothing has been counted yet, and return it."""
        return self._values.setdefault(self._place(labels), Count())

    def add(self, *labels: str, times: int = 1) -> None:
        """Count one more, or so many."""
        count = self._values.get(labels) or self.show(*labels)
        count.times += times

    def collect(self) -> Iterable[CounterMetricFamily]:
        """Tell Prometheus."""
        family = CounterMetricFamily(self._name, self._text, labels=self._labels)
        for labels, count in self._values.items():
            family.add_metric(labels, count.times)
        yield family


TOGETHER: Final = 500
"""So many are counted together, which takes a fraction of what one by one does."""


class Durations(list[float]):
    """Those that are not counted yet, and what all others came to."""

    __slots__ = ("seconds", "within")

    def __init__(self) -> None:
        super().__init__()
        self.seconds = 0.0
        self.within = [0] * len(_SHOWN_BOUNDS)

    def add(self, seconds: float) -> None:
        """Count one more that took so long."""
        self.append(seconds)
        if len(self) >= TOGETHER:
            self.settle()

    def settle(self) -> None:
        """Count those that are not."""
        self.sort()
        self.seconds += sum(self)
        ends = (*(bisect_right(self, bound) for bound in _BOUNDS), len(self))
        begin = 0
        for bound, end in enumerate(ends):
            self.within[bound] += end - begin
            begin = end
        self.clear()


class Histograms(_Family[Durations]):
    """A histogram of durations for each set of labels."""

    def __init__(
        self, registry: CollectorRegistry, name: str, text: str, *labels: str, limit: int = 500
    ) -> None:
        """Name the labels in the order in which they are then given."""
        self._fresh: list[tuple[str, float]] = []
        super().__init__(registry, name, text, *labels, limit=limit)

    def show(self, *labels: str) -> Durations:
        """Show a histogram from now on, though nothing has been measured yet, and return it."""
        return self._values.setdefault(self._place(labels), Durations())

    def add(self, seconds: float, *labels: str) -> None:
        """Count one more that took so long."""
        self._durations(labels).add(seconds)

    def add_all(self, measured: Iterable[tuple[str, float]]) -> None:
        """Count some, each with its one label."""
        self._fresh += measured
        if len(self._fresh) >= TOGETHER:
            self._sort()

    def _durations(self, labels: tuple[str, ...]) -> Durations:
        # One that is empty is one all the same.
        durations = self._values.get(labels)
        return self.show(*labels) if durations is None else durations

    def _sort(self) -> None:
        """Put each of what is fresh where its label says."""
        sorted_out: defaultdict[str, list[float]] = defaultdict(list)
        for label, seconds in self._fresh:
            sorted_out[label].append(seconds)
        self._fresh.clear()
        for label, more in sorted_out.items():
            durations = self._durations((label,))
            durations += more
            durations.settle()

    def collect(self) -> Iterable[HistogramMetricFamily]:
        """Tell Prometheus."""
        self._sort()
        family = HistogramMetricFamily(self._name, self._text, labels=self._labels)
        for labels, durations in self._values.items():
            durations.settle()
            buckets = list(zip(_SHOWN_BOUNDS, accumulate(durations.within), strict=True))
            family.add_metric(labels, buckets, durations.seconds)
        yield family
