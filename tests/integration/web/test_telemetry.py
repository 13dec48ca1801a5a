"""Spans go to a collector where one is named: a request, its message, its steps; nobody's words."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer

import httpx
import pytest
import pytest_asyncio

from bot.http import HttpServer
from bot.middleware import Request
from bot.pipeline import Done, Event
from bot.telemetry import NEEDED, Telemetry, telemetry_to
from bot.web.app import create_app
from tests.integration.web.site import Site
from tests.stores import answer, message

pytest.importorskip("opentelemetry.sdk", reason="NOT TESTED: pip install 'burnish[otel]'")

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

HIDDEN = "Zanzibar"


class Kept:
    """Telemetry whose spans stay in memory."""

    def __init__(self) -> None:
        self._exporter = InMemorySpanExporter()
        self.telemetry = Telemetry(self._exporter)

    def spans(self) -> Mapping[str, ReadableSpan]:
        """Those that are over, by name."""
        self.telemetry._provider.force_flush()
        return {span.name: span for span in self._exporter.get_finished_spans()}


async def handler(request: Request) -> AsyncGenerator[Event, None]:
    """Answers at once; what it took is invented."""
    given = answer(f"{HIDDEN} {request.stored.message.text}")
    timings = {"encode": 4.0, "classify": 1.0, "retrieve": 3.0, "extract": 2.0, "write": 90.0, "check": 7.0}
    yield Done(answer=replace(given, trace=replace(given.trace, timings_ms=timings, query=HIDDEN, draft=HIDDEN)))


@pytest.fixture
def kept() -> Iterator[Kept]:
    made = Kept()
    yield made
    made.telemetry.close()


@pytest_asyncio.fixture(loop_scope="session")
async def client(served: Site, kept: Kept) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the same site with spans."""
    server = HttpServer(create_app(replace(served.parts, telemetry=kept.telemetry)), "127.0.0.1:0", setting="x.y")
    await server.start()
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.port}") as opened:
        yield opened
    await server.stop()


async def test_a_request_is_a_span_with_its_route_and_its_id(client: httpx.AsyncClient, kept: Kept) -> None:
    response = await client.get("/login", params={"code": HIDDEN})
    span = kept.spans()["request"]
    assert dict(span.attributes or {}) == {
        "route": "/login",
        "method": "GET",
        "status": response.status_code,
        "request_id": response.headers["X-Request-ID"],
    }


async def test_a_message_is_part_of_its_request_and_its_steps_stand_in_their_order(served: Site, kept: Kept) -> None:
    stored = served.store.inbox.accept(message(f"Where is {HIDDEN}?"), idle_minutes=30)
    assert stored is not None
    opened = kept.telemetry.begin("request")
    around = kept.telemetry.around(handler)
    assert [event async for event in around(Request(stored=stored, history=(), collections=None))]
    opened.end(status=200)
    spans = kept.spans()
    assert list(spans) == ["encode", "classify", "retrieve", "extract", "check", "generate", "message", "request"]
    assert parent(spans, "message") == "request"
    assert parent(spans, "check") == "generate"
    for step, ms in (("encode", 4), ("classify", 1), ("retrieve", 3), ("extract", 2), ("generate", 90), ("check", 7)):
        assert step == "check" or parent(spans, step) == "message"
        assert length_ms(spans[step]) == pytest.approx(ms, abs=0.001)
    ends = [spans[step].end_time for step in ("encode", "classify", "retrieve", "extract", "generate")]
    starts = [spans[step].start_time for step in ("classify", "retrieve", "extract", "generate")]
    assert ends[:-1] == starts
    told = dict(spans["message"].attributes or {})
    assert (told["message_id"], told["platform"], told["kind"]) == (stored.id, "slack", "generated")
    assert HIDDEN not in "".join(span.to_json() for span in spans.values())


def parent(spans: Mapping[str, ReadableSpan], name: str) -> str:
    """Within which span another one lies."""
    within = spans[name].parent
    assert within is not None
    [found] = [one.name for one in spans.values() if one.context and one.context.span_id == within.span_id]
    return found


def length_ms(span: ReadableSpan) -> float:
    """How long it took."""
    assert span.start_time is not None
    assert span.end_time is not None
    return (span.end_time - span.start_time) / 1_000_000


async def test_steps_that_were_not_taken_are_no_spans(served: Site, kept: Kept) -> None:
    stored = served.store.inbox.accept(message(), idle_minutes=30)
    assert stored is not None

    async def curated(_: Request) -> AsyncGenerator[Event, None]:
        given = answer()
        yield Done(answer=replace(given, trace=replace(given.trace, timings_ms={"encode": 4.0, "total": 5.0})))

    assert [event async for event in kept.telemetry.around(curated)(Request(stored=stored, history=(), collections=()))]
    assert list(kept.spans()) == ["encode", "message"]
    assert kept.spans()["message"].parent is None


@contextmanager
def collector() -> Iterator[tuple[str, Sequence[ExportTraceServiceRequest]]]:
    """Takes OTLP over HTTP on loopback."""
    taken: list[ExportTraceServiceRequest] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.path == "/v1/traces":
                taken.append(ExportTraceServiceRequest.FromString(body))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", taken
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_collector_gets_what_was_over_when_the_program_ends() -> None:
    with collector() as (endpoint, taken):
        telemetry = telemetry_to(endpoint)
        assert telemetry is not None
        telemetry.begin("request").end(status=204)
        telemetry.close()
    [request] = taken
    [resource] = request.resource_spans
    assert [span.name for scope in resource.scope_spans for span in scope.spans] == ["request"]
    assert {one.key: one.value.string_value for one in resource.resource.attributes}["service.name"] == "burnish"


def test_without_an_endpoint_there_are_no_spans_and_nothing_of_the_library_is_loaded() -> None:
    assert telemetry_to("") is None
    code = "import sys, bot.web.parts; sys.exit(any(one.startswith('opentelemetry.sdk') for one in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_missing_packages_are_one_sentence_with_the_command() -> None:
    code = (
        "import sys; sys.modules['opentelemetry'] = None\n"
        "from bot.telemetry import telemetry_to\n"
        "from bot.errors import BotError\n"
        "try: telemetry_to('http://127.0.0.1:1')\n"
        "except BotError as error: print(error)\n"
    )
    said = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert said.strip() == NEEDED
    assert "pip install" in NEEDED
