"""A generator whose model computes in its own thread, off the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import suppress

from adapters.errors import GenerationError
from adapters.generator.answerability import AnswerabilityHead
from adapters.generator.config import GeneratorSettings
from adapters.generator.worker import Admitted, Codec, Engine, Request, Worker
from adapters.types import ChatTurn, GenerationLimits, Judged, Verdict


class ThreadedGenerator:
    """Puts a worker behind the Generator Protocol. Requests that overlap in time share each step of the model."""

    def __init__(
        self,
        engine: Engine,
        codec: Codec,
        *,
        name: str,
        settings: GeneratorSettings,
        context: int,
        head: AnswerabilityHead | None = None,
    ) -> None:
        """Start the worker.

        Args:
            engine: Computes the tokens.
            codec: Text to tokens and back.
            name: Fingerprint of weights and adapter version.
            settings: Its limits count here, not its device.
            context: Prompt and answer together, tokens.
            head: Tells how answerable a prompt is; None for a generator that is not grounded.
        """
        self._name = name
        self._head = head
        self._worker = Worker(
            engine, codec, max_rows=settings.max_batch, max_waiting=settings.max_waiting, context=context
        )

    @property
    def name(self) -> str:
        """Fingerprint of weights and adapter version."""
        return self._name

    @property
    def grounded(self) -> bool:
        """Whether it has an answerability head, and so was trained on the prompt of adapters.generator.prompt."""
        return self._head is not None

    @property
    def tokens(self) -> Mapping[str, int]:
        """How many were read and written since the start."""
        return {"read": self._worker.read, "written": self._worker.written}

    def stream(
        self, turns: Sequence[ChatTurn], limits: GenerationLimits, *, judged: Judged | None = None
    ) -> AsyncGenerator[str, None]:
        """Generate greedily; yields pieces of text as they come.

        Pieces are whole words, so that no piece ends in half a character. Closing the iterator cancels the request:
        it is gone before the next step. It ends at the end-of-turn token or at a limit.

        Args:
            turns: The conversation, last the user's turn. Without a system turn the model's own template puts its
                default there.
            limits: Where to stop.
            judged: Called once before the first piece, if there is a head.

        Raises:
            GenerationError: While iterating: the queue is full, the time limit passed before the first word, the
                model failed, or the generator was stopped.
            PromptTooLongError: While iterating: the prompt leaves no room for `max_new_tokens`.
        """
        return self._stream(tuple(turns), limits, judged, deadline=self._worker.clock() + limits.seconds)

    async def likelihood(self, turns: Sequence[ChatTurn], text: str, *, seconds: float = 60.0) -> float:
        """How likely a text is as the answer, by its tokens; it costs the reading of prompt and text, no generation.

        Args:
            turns: The conversation, last the user's turn.
            text: Not empty.
            seconds: Time limit, waiting in the queue included.

        Returns:
            Mean log-likelihood of the text's tokens, nats, <= 0.

        Raises:
            GenerationError: The queue is full, the time limit passed, the model failed, or the generator was stopped.
            PromptTooLongError: Prompt and text are longer than the context.
        """
        loop = asyncio.get_running_loop()
        found: asyncio.Future[float] = loop.create_future()

        def settle(value: float | GenerationError | None) -> None:
            if found.done():  # given up
                return
            if isinstance(value, GenerationError):
                found.set_exception(value)
            elif value is not None:
                found.set_result(value)

        def hand_over(value: float | GenerationError | None) -> None:
            with suppress(RuntimeError):  # the loop was closed meanwhile: nobody waits
                loop.call_soon_threadsafe(settle, value)

        request = Request(
            turns=tuple(turns),
            max_new_tokens=0,
            deadline=self._worker.clock() + seconds,
            deliver=lambda _: None,
            finish=hand_over,
            on_prompt=lambda read: hand_over(read.likelihood),
            scored=text,
        )
        self._worker.submit(request)
        try:
            return await found
        finally:
            request.cancelled.set()

    async def aclose(self) -> None:
        """Stop the worker; requests in flight end with an error."""
        await asyncio.to_thread(self._worker.stop)

    async def _stream(
        self, turns: Sequence[ChatTurn], limits: GenerationLimits, judged: Judged | None, *, deadline: float
    ) -> AsyncGenerator[str, None]:
        loop = asyncio.get_running_loop()
        arrivals: asyncio.Queue[str | Verdict | GenerationError | None] = asyncio.Queue()

        def put(arrival: str | Verdict | GenerationError | None) -> None:
            try:
                loop.call_soon_threadsafe(arrivals.put_nowait, arrival)
            except RuntimeError:  # the loop was closed meanwhile: nobody waits for the rest
                request.cancelled.set()

        request = Request(
            turns=turns,
            max_new_tokens=limits.max_new_tokens,
            deadline=deadline,
            deliver=put,
            finish=put,
            on_prompt=None if judged is None else self._reader(put),
        )
        self._worker.submit(request)
        try:
            while (arrival := await arrivals.get()) is not None:
                if isinstance(arrival, GenerationError):
                    raise arrival
                if isinstance(arrival, str):
                    yield arrival
                elif judged is not None:
                    judged(arrival)
        finally:
            request.cancelled.set()
            self._worker.wake()

    def _reader(self, put: Callable[[Verdict], None]) -> Callable[[Admitted], None] | None:
        """What is done with a prompt that was read; nothing without a head."""
        head = self._head
        if head is None:
            return None
        return lambda read: put(Verdict(answerable=head.logit(read.hidden), question=read.likelihood))
