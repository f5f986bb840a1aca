"""What an operator may know of the compiler."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, Counter, Histogram

from libs.common.chassis.metrics import PREFIX
from libs.common.errors import Invalid


class CompilerMetrics:
    """Counters and histograms, with their children bound once."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._seconds = Histogram(
            f"{PREFIX}compile_seconds",
            "Time to check and compile one version.",
            buckets=(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0),
            registry=registry,
        )
        self._problems = Counter(
            f"{PREFIX}compile_problems",
            "Problems of versions that were refused, by their codes.",
            ("code",),
            registry=registry,
        )
        pointers = Counter(
            f"{PREFIX}pointers_published",
            "Active pointers written, or left alone because a newer one was there.",
            ("result",),
            registry=registry,
        )
        self._moved = pointers.labels("moved")
        self._stale = pointers.labels("stale")
        self._runnable = Histogram(
            f"{PREFIX}saved_to_runnable_seconds",
            "Time from the commit of a change until executors can run it.",
            buckets=(0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0, 300.0),
            registry=registry,
        )

    @contextmanager
    def compiling(self) -> Iterator[None]:
        """Time one compilation, and count the problems it is refused for."""
        started = time.perf_counter()
        try:
            yield
        except Invalid as error:
            for problem in error.problems:
                self._problems.labels(problem.code).inc()
            raise
        finally:
            self._seconds.observe(time.perf_counter() - started)

    def published(self, *, moved: bool) -> None:
        """Count a published pointer, or one that was too old."""
        (self._moved if moved else self._stale).inc()

    def runnable(self, committed_at: float) -> None:
        """Record that a change committed at `committed_at`, in Unix seconds, can run now."""
        self._runnable.observe(max(0.0, time.time() - committed_at))
