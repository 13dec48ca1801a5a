"""What Prometheus reads at /metrics: counted while it happens, or looked up when somebody asks."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing, contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from fastapi import APIRouter, Request
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Metric,
    ProcessCollector,
    disable_created_metrics,
    exposition,
)
from prometheus_client.registry import Collector
from starlette.responses import Response

from bot.blocking import run_blocking
from bot.middleware import Handler
from bot.middleware import Request as Asked
from bot.pipeline import Delta, Done, Event
from bot.texts import say
from bot.types import RatingValue, Scope, StoredMessage
from bot.web.access import access_of
from bot.web.errors import NotAllowedError
from bot.web.settings import is_loopback
from bot.web.standing import Standing

if TYPE_CHECKING:
    from bot.web.parts import WebParts

# seconds; a quoted answer takes a tenth, a written one a second or two, and somebody in line half a minute
ANSWER_BUCKETS: Final = (0.05, 0.1, 0.25, 0.5, 1, 2, 3, 5, 8, 13, 21, 34, 60)
REQUEST_BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
FORWARDED: Final = ("x-forwarded-for", "forwarded", "x-real-ip")  # a proxy stands before us

router = APIRouter()


class Metrics:
    """Everything that is counted, in a registry of its own: two programs in one process do not share theirs."""

    def __init__(self, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        """Begin at zero.

        Args:
            now: Gives the time from which it is told how long a message waited.
        """
        disable_created_metrics()  # type: ignore[no-untyped-call]  # the library leaves it untyped
        self._now = now
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        self._messages = Counter("burnish_messages", "Messages that were taken in.", ["platform"], registry=registry)
        self._answers = Counter("burnish_answers", "Answers given.", ["outcome", "kind"], registry=registry)
        self._waits = Histogram(
            "burnish_answer_wait_seconds",
            "From the moment a message came in until its answer was begun.",
            buckets=ANSWER_BUCKETS,
            registry=registry,
        )
        self._durations = Histogram(
            "burnish_answer_duration_seconds",
            "From the moment an answer was begun until it was whole.",
            ["outcome"],
            buckets=ANSWER_BUCKETS,
            registry=registry,
        )
        self._first_words = Histogram(
            "burnish_answer_first_token_seconds",
            "From the moment an answer was begun until its first words were there, of answers that grow.",
            buckets=ANSWER_BUCKETS,
            registry=registry,
        )
        self._ratings = Counter("burnish_ratings", "Ratings that were given or changed.", ["value"], registry=registry)
        for value in RatingValue:
            self._ratings.labels(value.value)
        self._requests = Counter(
            "burnish_http_requests", "Requests by HTTP.", ["method", "route", "status"], registry=registry
        )
        self._request_durations = Histogram(
            "burnish_http_request_duration_seconds",
            "Until a request's answer was sent, streams included.",
            ["method", "route"],
            buckets=REQUEST_BUCKETS,
            registry=registry,
        )
        self._in_progress = Gauge(
            "burnish_http_requests_in_progress", "Requests that are being answered.", registry=registry
        )

    def accepted(self, stored: StoredMessage) -> None:
        """A message was taken in."""
        self._messages.labels(stored.message.platform).inc()

    def rated(self, value: RatingValue) -> None:
        """A rating was given or changed."""
        self._ratings.labels(value.value).inc()

    def around(self, handler: Handler) -> Handler:
        """What answers, counted and timed."""

        async def answer(asked: Asked) -> AsyncGenerator[Event, None]:
            self._waits.observe(max(0.0, (self._now() - asked.stored.message.received_at).total_seconds()))
            started, first = time.perf_counter(), True
            async with aclosing(handler(asked)) as events:
                async for event in events:
                    seconds = time.perf_counter() - started
                    if isinstance(event, Delta) and first:
                        first = False
                        self._first_words.observe(seconds)
                    elif isinstance(event, Done):
                        outcome = event.answer.outcome.value
                        self._answers.labels(outcome, event.answer.kind.value).inc()
                        self._durations.labels(outcome).observe(seconds)
                    yield event

        return answer

    @contextmanager
    def in_progress(self) -> Iterator[None]:
        """While a request is answered."""
        with self._in_progress.track_inprogress():
            yield

    def served(self, method: str, route: str, status: int, seconds: float) -> None:
        """A request was answered."""
        self._requests.labels(method, route, str(status)).inc()
        self._request_durations.labels(method, route).observe(seconds)


@router.get("/metrics", include_in_schema=False)
async def read(request: Request) -> Response:
    """Everything that is counted, as Prometheus reads it.

    Raises:
        NotAllowedError: It was asked for from elsewhere, without a key.
    """
    if not _is_at_the_machine(request) and not await _has_key(request):
        raise NotAllowedError(say("metrics-key-needed", access_of(request).language(request)))
    parts: WebParts = request.app.state.parts
    everything = _Both(parts.metrics.registry, Standing.of(parts))
    encode, content_type = exposition.choose_encoder(request.headers.get("accept", ""))
    return Response(await run_blocking(encode, everything), headers={"Content-Type": content_type})


class _Both(Collector):
    """What was counted, and what is looked up now."""

    def __init__(self, *collectors: Collector) -> None:
        self._collectors = collectors

    def collect(self) -> Iterator[Metric]:
        for collector in self._collectors:
            yield from collector.collect()


def known_method(method: str) -> str:
    """A request's method; one that somebody invented is "OTHER"."""
    return method if method in METHODS else "OTHER"


def _is_at_the_machine(request: Request) -> bool:
    """Whether a program on this machine asks, and not a proxy for somebody, or a page whose name points here."""
    peer = request.client.host if request.client else ""
    direct = not any(header in request.headers for header in FORWARDED)
    return direct and is_loopback(peer) and is_loopback(request.url.hostname or "")


async def _has_key(request: Request) -> bool:
    kind, _, secret = request.headers.get("authorization", "").partition(" ")
    if kind.lower() != "bearer" or not secret:
        return False
    key = await run_blocking(request.app.state.parts.store.api_keys.find, secret.strip())
    return key is not None and Scope.METRICS in key.scopes
