"""What a server counts, in the form that Prometheus reads."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

CONTENT_TYPE = CONTENT_TYPE_LATEST
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
BATCHES = (1, 2, 4, 8, 16, 32)


class Metrics:
    """Counters of one server, in a registry of their own."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self.requests = Counter(
            "docsearch_requests", "Requests answered.", ("route", "status"), registry=self._registry
        )
        self.request_seconds = Histogram(
            "docsearch_request_seconds", "From request to answer.", ("route",), buckets=SECONDS, registry=self._registry
        )
        self.stage_seconds = Histogram(
            "docsearch_stage_seconds",
            "What a batch of questions took in each stage.",
            ("stage",),
            buckets=SECONDS,
            registry=self._registry,
        )
        self.batch_questions = Histogram(
            "docsearch_batch_questions", "Questions answered together.", buckets=BATCHES, registry=self._registry
        )
        self.pictures = Counter(
            "docsearch_pictures", "Page pictures, by where they came from.", ("source",), registry=self._registry
        )

    def watch(self, name: str, text: str, value: Callable[[], float]) -> None:
        """Report what `value` returns at the time of asking."""
        Gauge(name, text, registry=self._registry).set_function(value)

    def text(self) -> bytes:
        """Everything counted so far."""
        return generate_latest(self._registry)
