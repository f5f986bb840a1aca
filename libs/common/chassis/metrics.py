"""Prometheus metrics of one process: the registry, and children that are bound once.

`labels()` costs more than the increment that follows it, so nothing on the path of a request calls
it. Labels are bounded: route templates, status classes, names that the code knows, and of a
tenant's names only so many. Never ids, addresses or what a caller sent.
"""

from __future__ import annotations

from typing import Final, Generic, TypeVar

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
)
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.metrics import MetricWrapperBase

PREFIX: Final = "gatehouse_"
OTHER: Final = "other"
"""The label of whatever comes after the limit of a family."""

_STATUS_CLASSES = ("1xx", "2xx", "3xx", "4xx", "5xx")
# A turn takes about a millisecond; a password check about twenty.
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

M = TypeVar("M", bound=MetricWrapperBase)


class Children(Generic[M]):
    """The children of `metric`, each bound at its first use."""

    __slots__ = ("_bound", "_limit", "_metric", "_rest")

    def __init__(self, metric: M, *, limit: int = 500) -> None:
        """Bind at most `limit` children; later ones share one, labelled `other` throughout."""
        self._metric = metric
        self._limit = limit
        self._bound: dict[tuple[str, ...], M] = {}
        self._rest: M | None = None

    def of(self, *labels: str) -> M:
        """Return the child of `labels`, given in the order of the metric's label names."""
        child = self._bound.get(labels)
        if child is not None:
            return child
        if len(self._bound) < self._limit:
            child = self._bound[labels] = self._metric.labels(*labels)
            return child
        if self._rest is None:
            self._rest = self._metric.labels(*(OTHER for _ in labels))
        return self._rest


class RouteMeter:
    """What is counted of one route."""

    __slots__ = ("_classes", "_observe")

    def __init__(self, requests: Counter, seconds: Histogram, method: str, route: str) -> None:
        self._classes = tuple(requests.labels(method, route, c) for c in _STATUS_CLASSES)
        self._observe = seconds.labels(method, route).observe

    def record(self, status: int, seconds: float) -> None:
        """Count a request that was answered with `status` after `seconds`."""
        self._classes[status // 100 - 1].inc()
        self._observe(seconds)


class Metrics:
    """The registry of a service; its own metrics go to `registry`, named `PREFIX` and so on."""

    def __init__(self, service: str, version: str) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        GCCollector(registry=self.registry)
        Gauge(
            f"{PREFIX}build_info",
            "1, labelled with what is running.",
            ("service", "version"),
            registry=self.registry,
        ).labels(service, version).set(1)
        self._requests = Counter(
            f"{PREFIX}http_requests",
            "Requests answered.",
            ("method", "route", "status"),
            registry=self.registry,
        )
        self._seconds = Histogram(
            f"{PREFIX}http_request_seconds",
            "Time from the request's headers to its answer.",
            ("method", "route"),
            buckets=_SECONDS,
            registry=self.registry,
        )

    def route(self, method: str, template: str) -> RouteMeter:
        """Bind the meter of a route; `template` is `/flows/{id}`, never a path that was asked."""
        return RouteMeter(self._requests, self._seconds, method, template)

    def render(self) -> tuple[bytes, str]:
        """Return the exposition and its content type."""
        return generate_latest(self.registry), CONTENT_TYPE_LATEST
