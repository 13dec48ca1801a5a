"""A real OpenAI-compatible endpoint on loopback that writes the same sentences to everybody, slowly."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Condition, Thread


@dataclass(slots=True, kw_only=True)
class SlowEndpoint:
    """What a test sees of the endpoint."""

    text: str
    seconds_per_word: float
    url: str = ""
    asked: list[str] = field(default_factory=list)  # the last turn of each request
    written: list[str] = field(default_factory=list)  # the same, once the last word was sent
    changed: Condition = field(default_factory=Condition)

    @property
    def seconds(self) -> float:
        """How long one answer takes."""
        return self.seconds_per_word * len(self.text.split())

    def wait(self, seen: list[str], question: str, *, seconds: float) -> bool:
        """Wait until a question is in one of the two lists; False if it did not come in time."""
        with self.changed:
            return self.changed.wait_for(lambda: any(question in turn for turn in seen), seconds)

    def note(self, seen: list[str], turn: str) -> None:
        """Add to one of the two lists."""
        with self.changed:
            seen.append(turn)
            self.changed.notify_all()


@contextmanager
def slow_endpoint(text: str, *, seconds_per_word: float) -> Iterator[SlowEndpoint]:
    """Serve until the end of the block."""
    state = SlowEndpoint(text=text, seconds_per_word=seconds_per_word)

    class Answering(BaseHTTPRequestHandler):
        """Streams the text as server-sent events."""

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            turn = body["messages"][-1]["content"]
            state.note(state.asked, turn)
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.end_headers()
            with suppress(ConnectionError):  # whoever asked may have been killed
                for word in state.text.split():
                    self._send({"delta": {"content": f"{word} "}, "finish_reason": None})
                    time.sleep(state.seconds_per_word)
                self._send({"delta": {}, "finish_reason": "stop"})
                self.wfile.write(b"data: [DONE]\n\n")
                state.note(state.written, turn)

        def _send(self, choice: dict[str, object]) -> None:
            self.wfile.write(f"data: {json.dumps({'choices': [choice]})}\n\n".encode())
            self.wfile.flush()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answering) as server:
        state.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield state
        finally:
            server.shutdown()
            thread.join()
