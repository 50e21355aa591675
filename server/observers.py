"""What hears of each request that was answered: the log, and OpenTelemetry where it is set up."""

from __future__ import annotations

import importlib.util
import logging
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from starlette.datastructures import Headers

from ..engine.errors import UsageError
from ..engine.install import needs

access_log = logging.getLogger("docsearch.access")
ENDPOINT_VARIABLES = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
"""Environment variables of OpenTelemetry that say where traces go; without one of them there are none."""
SERVICE = "docsearch"
STAGES_STATE = "stages"
"""The name of the stages' seconds in the state of a request that searched."""
NS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class AnsweredRequest:
    """A request that took `seconds` until now, with the template of its `route` ("none" for an unknown path).

    `stages` are the seconds of a search in each stage, in order, and before them in the queue ("wait").
    """

    method: str
    route: str
    status: int
    seconds: float
    stages: Mapping[str, float]
    headers: Headers


Observer = Callable[[AnsweredRequest], None]


def log_request(request: AnsweredRequest) -> None:
    """Log a request, without its question: that may be confidential."""
    milliseconds = {stage: round(1000 * seconds, 2) for stage, seconds in request.stages.items()}
    fields = {
        "method": request.method,
        "route": request.route,
        "status": request.status,
        "ms": round(1000 * request.seconds, 2),
        **({"stages_ms": milliseconds} if milliseconds else {}),
    }
    text = "%(method)s %(route)s %(status)s, %(ms)s ms"
    access_log.info(text, fields, extra={"fields": fields})


def tracer() -> tuple[Observer, Callable[[], None]] | None:
    """What sends each request to OpenTelemetry as a span, its stages as spans below, and what flushes it at the end.

    None where the environment names no endpoint. A client's trace (`traceparent`) is continued. Raises UsageError where
    the packages are not installed.
    """
    if not any(os.environ.get(name) for name in ENDPOINT_VARIABLES):
        return None
    if importlib.util.find_spec("opentelemetry") is None:
        raise UsageError(needs(f"${ENDPOINT_VARIABLES[0]} is set, and traces need OpenTelemetry", "otel"))
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    return spans(BatchSpanProcessor(OTLPSpanExporter()))


def spans(processor: object) -> tuple[Observer, Callable[[], None]]:
    """The same, for spans that go to a span processor of OpenTelemetry."""
    from opentelemetry.propagate import extract
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
    from opentelemetry.trace import SpanKind, set_span_in_context

    assert isinstance(processor, SpanProcessor)
    name = os.environ.get("OTEL_SERVICE_NAME") or SERVICE
    provider = TracerProvider(resource=Resource.create({"service.name": name}))
    provider.add_span_processor(processor)
    traces = provider.get_tracer(SERVICE)

    def observe(request: AnsweredRequest) -> None:
        ended = time.time_ns()
        started = ended - int(request.seconds * NS)
        span = traces.start_span(
            f"{request.method} {request.route}",
            context=extract(dict(request.headers)),
            kind=SpanKind.SERVER,
            start_time=started,
            attributes={
                "http.request.method": request.method,
                "http.route": request.route,
                "http.response.status_code": request.status,
            },
        )
        within = set_span_in_context(span)
        at = ended - int(sum(request.stages.values()) * NS)
        for stage, seconds in request.stages.items():
            child = traces.start_span(stage, context=within, start_time=at)
            at += int(seconds * NS)
            child.end(at)
        span.end(ended)

    return observe, provider.shutdown
