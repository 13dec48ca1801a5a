"""A generator that loads while the first question is being typed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import aclosing

from adapters.generator.threaded import ThreadedGenerator
from adapters.types import ChatTurn, GenerationLimits, Generator, Judged


class DeferredGenerator:
    """Starts loading at once in a thread of its own; whoever asks meanwhile waits for it."""

    def __init__(self, load: Callable[[], Generator], *, grounded: bool = False) -> None:
        """Start to load.

        Args:
            load: Blocks for seconds.
            grounded: What the loaded generator will say of itself; asked for before it is loaded.
        """
        self._grounded = grounded
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="load-generator")
        self._loading: Future[Generator] = self._pool.submit(load)

    @property
    def name(self) -> str:
        """The generator's name; waits until it is loaded."""
        return self._loading.result().name

    @property
    def grounded(self) -> bool:
        """As it was announced."""
        return self._grounded

    @property
    def trouble(self) -> str:
        """Why it does not generate yet; "" where it does."""
        if not self._loading.done():
            return "the language model is being loaded"
        return "the language model could not be loaded" if self._loading.exception() is not None else ""

    @property
    def tokens(self) -> Mapping[str, int]:
        """As the loaded generator counts them; none where it does not."""
        if self.trouble:
            return {}
        generator = self._loading.result()
        return generator.tokens if isinstance(generator, ThreadedGenerator) else {}

    async def stream(
        self, turns: Sequence[ChatTurn], limits: GenerationLimits, *, judged: Judged | None = None
    ) -> AsyncGenerator[str, None]:
        """Generate as the loaded generator does.

        Raises:
            AdapterError: It could not be loaded.
        """
        generator = await asyncio.wrap_future(self._loading)
        async with aclosing(generator.stream(turns, limits, judged=judged)) as pieces:
            async for piece in pieces:
                yield piece

    async def likelihood(self, turns: Sequence[ChatTurn], text: str) -> float | None:
        """How likely the loaded generator finds a text as the answer, nats a token; None where it cannot tell.

        Raises:
            AdapterError: It could not be loaded, or failed.
        """
        generator = await asyncio.wrap_future(self._loading)
        return await generator.likelihood(turns, text) if isinstance(generator, ThreadedGenerator) else None

    async def aclose(self) -> None:
        """Stop the generator; one that is still loading is loaded first, and stopped then."""
        self._pool.shutdown(wait=False)
        try:
            generator = await asyncio.wrap_future(self._loading)
        except Exception:  # noqa: BLE001 - a failed load has been reported where the generator was asked
            return
        await generator.aclose()
