"""Prometheus metrics of a server."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

CONTENT_TYPE = CONTENT_TYPE_LATEST
SECONDS_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
BATCH_BUCKETS = (1, 2, 4, 8, 16, 32)


class Metrics:
    """The metrics of one server, in a registry of their own."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self.requests = Counter(
            "docsearch_requests", "Requests answered.", ("route", "status"), registry=self._registry
        )
        self.request_seconds = Histogram(
            "docsearch_request_seconds",
            "Time from request to response.",
            ("route",),
            buckets=SECONDS_BUCKETS,
            registry=self._registry,
        )
        self.stage_seconds = Histogram(
            "docsearch_stage_seconds",
            "Time that a batch of queries takes in each stage.",
            ("stage",),
            buckets=SECONDS_BUCKETS,
            registry=self._registry,
        )
        self.batch_questions = Histogram(
            "docsearch_batch_questions", "Queries answered per batch.", buckets=BATCH_BUCKETS, registry=self._registry
        )
        self.refresh_errors = Counter(
            "docsearch_refresh_errors", "Failed attempts to open the last commit.", registry=self._registry
        )
        self.pictures = Counter(
            "docsearch_pictures", "Page images served, by source.", ("source",), registry=self._registry
        )

    def add_gauge(self, name: str, description: str, value: Callable[[], float]) -> None:
        """Export a gauge that calls `value` when the metrics are read."""
        Gauge(name, description, registry=self._registry).set_function(value)

    def text(self) -> bytes:
        """All metrics in Prometheus' text format."""
        return generate_latest(self._registry)
