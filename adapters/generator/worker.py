"""The thread that generates: takes requests, drives the engine, hands pieces of text back."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from adapters.errors import GenerationError, PromptTooLongError
from adapters.generator.text import Detokenizer
from adapters.types import ChatTurn

_READ_AT_ONCE: Final = 512  # prompt tokens after which running answers go on: about a third of a second on two cores


UNSCORED: Final = range(0)


class Token(NamedTuple):
    """A token that was generated."""

    id: int
    logprob: float  # natural logarithm, <= 0


class Admitted(NamedTuple):
    """What reading a prompt gives."""

    token: Token  # the first new one
    hidden: NDArray[np.float32]  # of the prompt's last token, after the final norm, shape (dim,)
    likelihood: float | None = None  # mean log-likelihood of the prompt's scored tokens, nats; None: none are scored


class Engine(Protocol):
    """What the worker drives; rows are known by their position, 0 .. rows - 1."""

    @property
    def rows(self) -> int:
        """How many rows are being generated."""

    def admit(self, prompt: Sequence[int], scored: range = UNSCORED) -> Admitted:
        """Add a row with a prompt of at least one token; `scored` are places in it, none of them the first."""

    def step(self) -> Sequence[Sequence[Token]]:
        """Generate at least one more token for every row, by position."""

    def release(self, row: int) -> None:
        """Remove a row; the last row takes its position."""

    def reset(self) -> None:
        """Remove all rows."""


class Codec(Protocol):
    """Text to tokens and back."""

    @property
    def end_tokens(self) -> frozenset[int]:
        """Tokens that end a turn."""

    def encode(self, turns: Sequence[ChatTurn]) -> list[int]:
        """A conversation as a prompt that the assistant's turn follows."""

    def question(self, turns: Sequence[ChatTurn]) -> range:
        """The places of the question's tokens in a grounded prompt as encode() gives it; empty in any other."""

    def tokens(self, text: str) -> list[int]:
        """A text as tokens, special ones not added."""

    def decode(self, tokens: Sequence[int]) -> str:
        """Tokens as text, special ones left out."""


@dataclass(slots=True, kw_only=True, eq=False)
class Request:
    """One answer in the making."""

    turns: Sequence[ChatTurn] = field(repr=False)  # people's text: never in a log
    max_new_tokens: int
    deadline: float  # on the worker's clock
    deliver: Callable[[str], None]  # called with each piece, from the worker's thread
    finish: Callable[[GenerationError | None], None]  # called once, from the worker's thread
    on_prompt: Callable[[Admitted], None] | None = None  # called before any piece; its question is scored then
    on_token: Callable[[float], None] | None = None  # called with the log-probability of each token of the answer
    scored: str = field(default="", repr=False)  # behind the prompt: it is scored (`on_prompt`), and nothing answered
    cancelled: threading.Event = field(default_factory=threading.Event)
    detokenizer: Detokenizer | None = None
    generated: int = 0  # tokens


class Worker:
    """Generates for many requests at once in its own thread.

    New requests are let in between two steps, few enough at once that running answers are not held up for long.
    """

    def __init__(
        self,
        engine: Engine,
        codec: Codec,
        *,
        max_rows: int,
        max_waiting: int,
        context: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Start the thread.

        Args:
            engine: Computes the tokens; only this worker may use it.
            codec: Only this worker may use it (fast tokenizers are not thread-safe).
            max_rows: Requests computed together.
            max_waiting: Requests that wait for a row; one more is turned away.
            context: Prompt and answer together, tokens.
            clock: Seconds.
        """
        self._engine, self._codec = engine, codec
        self._max_rows, self._max_waiting, self._context = max_rows, max_waiting, context
        self.clock = clock
        self.read = self.written = 0  # tokens, since the start
        self._waiting: deque[Request] = deque()
        self._running: list[Request] = []  # by the engine's row
        self._changed = threading.Condition()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="generator", daemon=True)
        self._thread.start()

    def submit(self, request: Request) -> None:
        """Hand in a request.

        Raises:
            GenerationError: The queue is full, or the worker was stopped.
        """
        with self._changed:
            if self._stopping:
                raise GenerationError("The generator was stopped.")
            # A request that finds a free row does not wait.
            free = self._max_rows - len(self._running)
            if len(self._waiting) >= self._max_waiting + free:
                raise GenerationError(
                    f"The generator is busy: {len(self._waiting)} requests are waiting already; try again soon."
                )
            self._waiting.append(request)
            self._changed.notify()

    def wake(self) -> None:
        """Have cancelled requests looked for."""
        with self._changed:
            self._changed.notify()

    def stop(self) -> None:
        """End the thread after its current step; requests in flight end with an error. Blocks until then."""
        with self._changed:
            self._stopping = True
            self._changed.notify()
        self._thread.join()

    def _run(self) -> None:
        while self._await_work():
            try:
                self._drop_waiting()
                self._admit()
                self._step()
            except Exception as error:  # noqa: BLE001 - whatever fails must reach its callers and not end the thread
                self._fail_all(error)
        with self._changed:
            unfinished = [*self._running, *self._waiting]
            self._running.clear()
            self._waiting.clear()
        for request in unfinished:
            request.finish(GenerationError("The generator was stopped before the answer was complete."))

    def _await_work(self) -> bool:
        """Sleep until there is something to do; False when it is time to end."""
        with self._changed:
            self._changed.wait_for(lambda: self._stopping or self._waiting or self._running)
            return not self._stopping

    def _drop_waiting(self) -> None:
        """Let go of waiting requests that nobody wants any more or whose time is over."""
        with self._changed:
            waiting, self._waiting = list(self._waiting), deque()
            late = [request for request in waiting if self._is_late(request)]
            self._waiting.extend(r for r in waiting if r not in late and not r.cancelled.is_set())
        for request in late:
            request.finish(GenerationError("The generator was too busy: the time limit passed before the first word."))

    def _admit(self) -> None:
        """Let waiting requests in while there are rows and what was read is short."""
        read = 0
        while read < _READ_AT_ONCE:
            with self._changed:
                if not self._waiting or self._engine.rows >= self._max_rows:
                    return
                request = self._waiting.popleft()
            if not request.cancelled.is_set():
                read += self._admit_one(request)

    def _admit_one(self, request: Request) -> int:
        """Let a request in; how many tokens were read for it."""
        row, prompt = self._engine.rows, list[int]()
        try:
            prompt = self._prompt(request)
            if request.scored:
                return self._score(request, prompt)
            if request.on_prompt is None:
                admitted = self._engine.admit(prompt)
                self.read += len(prompt)
            else:
                admitted = self._engine.admit(prompt, self._codec.question(request.turns))
                self.read += len(prompt)
                request.on_prompt(admitted)
        except PromptTooLongError as error:
            request.finish(error)
        except Exception as error:  # noqa: BLE001 - a prompt that fails is its caller's matter only
            if self._engine.rows != row:
                self._engine.release(row)
            request.finish(_failed(error))
        else:
            request.detokenizer = Detokenizer(self._codec.decode)
            with self._changed:
                self._running.append(request)
            if self._take(request, [admitted.token]):
                self._leave(row)
        return len(prompt)

    def _score(self, request: Request, prompt: Sequence[int]) -> int:
        """Read a prompt and the text behind it, and let the row go again; how many tokens were read."""
        row, read = self._engine.rows, [*prompt, *self._codec.tokens(request.scored)]
        if len(read) > self._context:
            raise PromptTooLongError(tokens=len(read), limit=self._context)
        admitted = self._engine.admit(read, range(len(prompt), len(read)))
        self._engine.release(row)
        self.read += len(read)
        if request.on_prompt is not None:
            request.on_prompt(admitted)
        request.finish(None)
        return len(read)

    def _prompt(self, request: Request) -> list[int]:
        """The request's prompt in tokens, if it leaves room for an answer."""
        prompt = self._codec.encode(request.turns)
        room = self._context - request.max_new_tokens
        if len(prompt) > room:
            raise PromptTooLongError(tokens=len(prompt), limit=max(room, 0))
        return prompt

    def _step(self) -> None:
        """At least one more token for every running request; those that are done leave."""
        for row in reversed(range(len(self._running))):
            request = self._running[row]
            if request.cancelled.is_set():
                self._leave(row)
            elif self._is_late(request):
                self._complete(request)
                self._leave(row)
        if not self._running:
            return
        taken = self._engine.step()
        done = [row for row, tokens in enumerate(taken) if self._take(self._running[row], tokens)]
        for row in reversed(done):
            self._leave(row)

    def _take(self, request: Request, tokens: Sequence[Token]) -> bool:
        """Give new tokens' text to their request; True when the answer is complete, whatever tokens are left."""
        if request.detokenizer is None:
            raise RuntimeError("A request without a detokenizer is running.")
        text, complete = "", False
        for token in tokens:
            if request.on_token is not None:
                request.on_token(token.logprob)
            ended = token.id in self._codec.end_tokens
            if not ended:
                request.generated += 1
                self.written += 1
                text += request.detokenizer.push(token.id)
            complete = ended or request.generated >= request.max_new_tokens
            if complete:
                break
        if text:
            request.deliver(text)
        if complete:
            self._complete(request)
        return complete

    def _complete(self, request: Request) -> None:
        """Give out what is held back, and end the answer."""
        if request.detokenizer is not None and (piece := request.detokenizer.finish()):
            request.deliver(piece)
        request.finish(None)

    def _leave(self, row: int) -> None:
        """Free a row; the last one takes its place, as in the engine."""
        self._engine.release(row)
        with self._changed:
            last = self._running.pop()
            if row < len(self._running):
                self._running[row] = last

    def _fail_all(self, error: Exception) -> None:
        """End every running request with an error and start afresh."""
        with self._changed:
            failed = list(self._running)
            self._running.clear()
        for request in failed:
            request.finish(_failed(error))
        self._engine.reset()

    def _is_late(self, request: Request) -> bool:
        return self.clock() >= request.deadline


def _failed(error: Exception) -> GenerationError:
    """The message names the kind of failure only: its own text could quote a prompt."""
    failure = GenerationError(f"The generator failed while computing ({type(error).__name__}).")
    failure.__cause__ = error
    return failure
