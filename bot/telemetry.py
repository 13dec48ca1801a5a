"""OpenTelemetry, where a collector is named: a span for each request and each message, without anybody's words.

The steps of a message (encode, retrieve, generate, check ...) are laid out afterwards from the timings that its trace
holds anyway, so that the message path pays nothing for them. They stand one after the other as they are carried out;
what is left between the message's beginning and the first step is waiting.
"""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from contextvars import ContextVar, Token
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from bot.errors import BotError
from bot.middleware import Handler, Request
from bot.pipeline import Done, Event
from bot.types import Answer

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SpanExporter
    from opentelemetry.trace import Span

NEEDED: Final = "web.otlp_endpoint needs packages that are not installed: pip install 'burnish[otel]'"
TRACES: Final = "/v1/traces"  # where OTLP over HTTP takes spans, if the endpoint names no path
STEPS: Final = ("encode", "classify", "retrieve", "extract", "generate")  # in their order
WITHIN: Final = {"check": "generate"}  # steps that go on while another one does
TIMED_AS: Final = {"generate": "write"}  # names in Trace.timings_ms that are others

_NS_PER_MS: Final = 1_000_000
_PARENT: ContextVar[Span | None] = ContextVar("span", default=None)


@dataclass(frozen=True, slots=True)
class Open:
    """A span that is not over; whatever begins meanwhile, in the same task or one begun in it, is part of it."""

    span: Span
    _token: Token[Span | None] = field(repr=False)

    def end(self, **attributes: str | int) -> None:
        """It is over."""
        _PARENT.reset(self._token)
        self.span.set_attributes(attributes)
        self.span.end()


class Telemetry:
    """Gives spans to a collector."""

    def __init__(self, exporter: SpanExporter) -> None:
        """Begin to collect.

        Args:
            exporter: Takes spans in batches, in a thread of its own.
        """
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        self._provider: TracerProvider = TracerProvider(resource=Resource({"service.name": "burnish"}))
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("burnish")

    def begin(self, name: str, **attributes: str | int) -> Open:
        """Begin a span within the one that is open here, if any."""
        span = self._started(name, _PARENT.get(), time.time_ns(), attributes)
        return Open(span, _PARENT.set(span))

    def around(self, handler: Handler) -> Handler:
        """What answers, with a span for each message."""

        async def answer(request: Request) -> AsyncGenerator[Event, None]:
            stored = request.stored
            known: dict[str, str | int] = {"message_id": stored.id, "platform": stored.message.platform}
            # no context variable is set: the steps of an async generator may run in several contexts
            span = self._started("message", _PARENT.get(), time.time_ns(), known)
            try:
                async with aclosing(handler(request)) as events:
                    async for event in events:
                        if isinstance(event, Done):
                            span.set_attributes(_facts(event.answer))
                            self._steps(span, event.answer.trace.timings_ms)
                        yield event
            finally:
                span.end()

        return answer

    def close(self) -> None:
        """Hand over what is left; blocks."""
        self._provider.shutdown()

    def _steps(self, parent: Span, timings_ms: Mapping[str, float]) -> None:
        """Lay out what was done until now; the last step ended just now."""
        taken = {step: int(timings_ms.get(TIMED_AS.get(step, step), 0.0) * _NS_PER_MS) for step in STEPS}
        at = time.time_ns() - sum(taken.values())
        for step, ns in taken.items():
            if not ns:
                continue
            span = self._started(step, parent, at, {})
            for part, whole in WITHIN.items():
                if whole == step and (part_ns := int(timings_ms.get(part, 0.0) * _NS_PER_MS)):
                    self._started(part, span, at + ns - min(ns, part_ns), {}).end(at + ns)
            at += ns
            span.end(at)

    def _started(self, name: str, parent: Span | None, at: int, attributes: Mapping[str, str | int]) -> Span:
        from opentelemetry.context import Context
        from opentelemetry.trace import set_span_in_context

        context = Context() if parent is None else set_span_in_context(parent, Context())
        return self._tracer.start_span(name, context=context, start_time=at, attributes=attributes)


def telemetry_to(endpoint: str) -> Telemetry | None:
    """Telemetry to a collector that takes OTLP over HTTP; None where none is named.

    Raises:
        BotError: The packages for it are missing.
    """
    if not endpoint:
        return None
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    except ImportError as error:
        raise BotError(NEEDED) from error
    has_path = urlsplit(endpoint).path.strip("/")
    return Telemetry(OTLPSpanExporter(endpoint=endpoint if has_path else endpoint.rstrip("/") + TRACES))


def _facts(answer: Answer) -> Mapping[str, str | int]:
    return {
        "outcome": answer.outcome.value,
        "kind": answer.kind.value,
        "passages": len(answer.trace.passages),
    } | {f"version.{task}": name for task, name in answer.trace.versions.items()}
