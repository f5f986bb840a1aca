"""Prometheus metrics of one process: the registry, and what is counted of each request.

Labels are bounded: route templates, status classes, names that the code knows, and of a tenant's
names only so many. Never ids, addresses or what a caller sent.
"""

from __future__ import annotations

from typing import Final, Literal, get_args

from prometheus_client import (
    CollectorRegistry,
    Gauge,
    GCCollector,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from libs.common.chassis.tally import Counters, Histograms

PREFIX: Final = "gatehouse_"
_STATUS_CLASSES: Final = ("1xx", "2xx", "3xx", "4xx", "5xx")

Outcome = Literal["done", "retried", "waited", "dead"]
"""What became of a delivery; `consume` says when."""


class RouteMeter:
    """What is counted of one route."""

    __slots__ = ("_requests", "_seconds")

    def __init__(self, requests: Counters, seconds: Histograms, method: str, route: str) -> None:
        self._requests = [requests.show(method, route, each) for each in _STATUS_CLASSES]
        self._seconds = seconds.show(method, route)

    def record(self, status: int, seconds: float) -> None:
        """Count a request that was answered with `status` after `seconds`."""
        self._requests[status // 100 - 1].times += 1
        self._seconds.add(seconds)


class ConsumerMeter:
    """What is counted of one consumer."""

    __slots__ = ("_consumer", "_deliveries", "_lag")

    def __init__(self, deliveries: Counters, lag: Gauge, consumer: str) -> None:
        self._deliveries = deliveries
        self._lag = lag
        self._consumer = consumer
        for outcome in get_args(Outcome):
            deliveries.show(consumer, outcome)

    def delivered(self, outcome: Outcome) -> None:
        """Count a delivery."""
        self._deliveries.add(self._consumer, outcome)

    def lags(self, messages: int) -> None:
        """Show how many messages are not done; without a first look there is nothing to show."""
        self._lag.labels(self._consumer).set(messages)


class Metrics:
    """The registry of a service; its own metrics go to `registry`, named `PREFIX` and so on."""

    def __init__(self, service: str, version: str) -> None:
        # A series more for each counter and histogram, which nobody reads.
        disable_created_metrics()  # type: ignore[no-untyped-call]  # prometheus_client's omission
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
        self._requests = Counters(
            self.registry,
            f"{PREFIX}http_requests",
            "Requests answered.",
            *("method", "route", "status"),
        )
        self._seconds = Histograms(
            self.registry,
            f"{PREFIX}http_request_seconds",
            "Time from the request's headers to its answer.",
            *("method", "route"),
        )

        self._deliveries = Counters(
            self.registry,
            f"{PREFIX}consumer_deliveries",
            "Deliveries of messages, by what became of them.",
            *("consumer", "outcome"),
        )
        self._lag = Gauge(
            f"{PREFIX}consumer_lag",
            "Messages that wait, are in hand or come again, of all that share the consumer.",
            ("consumer",),
            registry=self.registry,
        )

    def route(self, method: str, template: str) -> RouteMeter:
        """Bind the meter of a route; `template` is `/flows/{id}`, never a path that was asked."""
        return RouteMeter(self._requests, self._seconds, method, template)

    def consumer(self, durable: str) -> ConsumerMeter:
        """Bind the meter of a consumer."""
        return ConsumerMeter(self._deliveries, self._lag, durable)

    def render(self) -> tuple[bytes, str]:
        """Return the exposition and its content type."""
        return generate_latest(self.registry), CONTENT_TYPE_LATEST
